"""Checks of reftiler's own classes and names, for subjects that have them.

An API check runs in the subject's process, since classes do not cross between
processes. It takes the subject's `Api` and returns nothing, or raises `AssertionError`.
This module and the checks need neither hypothesis nor pytest: the subject's Python may
lack them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any

from reftiler_conformance import suite
from reftiler_conformance.protocol import Api

ApiCheck = Callable[[Api], None]
AskedCheck = Callable[[Api, Any], None]

_FOUND: dict[tuple[str, str], ApiCheck] = {}


def api_clause(clause: str) -> Callable[[ApiCheck], ApiCheck]:
    """Make a function a check of a clause, in the subject's process."""

    def register(judge: ApiCheck) -> ApiCheck:
        key = (clause, judge.__name__.removeprefix("test_"))
        if key in _FOUND:
            raise ValueError(f"{clause} has a check {key[1]} already")
        _FOUND[key] = judge
        return judge

    return register


def api_clauses(asked: Mapping[str, Any]) -> Callable[[AskedCheck], AskedCheck]:
    """Make a function a check of several clauses: it is given what each asks."""

    def register(judge: AskedCheck) -> AskedCheck:
        for clause, what in asked.items():

            @wraps(judge)
            def check(api: Api, what: Any = what) -> None:
                judge(api, what)

            api_clause(clause)(check)
        return judge

    return register


@cache
def api_checks() -> dict[tuple[str, str], ApiCheck]:
    """Return every API check by its clause and its name."""
    for module in pkgutil.iter_modules(suite.__path__, suite.__name__ + "."):
        if module.name.rpartition(".")[2].startswith("test_api_"):
            importlib.import_module(module.name)
    return dict(_FOUND)


def run_api_check(clause: str, name: str, api: Api) -> str:
    """Run an API check; return what is wrong, or nothing."""
    try:
        api_checks()[clause, name](api)
    except AssertionError as error:
        return str(error) or "an assertion failed"
    return ""
