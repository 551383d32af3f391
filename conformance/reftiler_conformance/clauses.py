"""The clauses of the specification, as ``clauses.json`` lists them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Clause:
    """One requirement: ``level`` is MUST or SHOULD, ``since`` a version."""

    id: str
    level: str
    since: str
    title: str
    text: str


@cache
def _document() -> dict[str, Any]:
    package = resources.files("reftiler_conformance")
    text = (package / "clauses.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def spec_version() -> str:
    """Return the version of the specification that is asked for."""
    version: str = _document()["spec_version"]
    return version


@cache
def clauses() -> dict[str, Clause]:
    """Return every clause by its id, in the order of the specification."""
    return {entry["id"]: Clause(**entry) for entry in _document()["clauses"]}
