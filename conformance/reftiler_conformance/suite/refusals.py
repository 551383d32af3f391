"""Tables of calls: what they give, and what must be refused.

A call is Python, so that what is reported can be tried as it stands. `names` says
which words it may use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import inf, nan
from typing import Any

import numpy as np

from reftiler_conformance.protocol import Api

REFUSALS = (TypeError, ValueError)
"""A wrong type and a wrong value; which is due when is a question of ERROR clauses."""


def names(api: Api) -> dict[str, Any]:
    """Return the words of a table: the subject's tiler and its arrays."""

    def zeros(*shape: int, dtype: str = "uint8") -> Any:
        return api.array(np.zeros(shape, dtype))

    return {
        "Tiler": api.Tiler,
        "zeros": zeros,
        "array": api.array,
        "back": api.back,
        "dtype": api.dtype,
        "Fraction": Fraction,
        "np": np,
        "nan": nan,
        "inf": inf,
    }


def lines(table: str) -> Iterator[str]:
    """Return the calls of a table, which lines or semicolons divide."""
    return filter(None, (call.strip() for call in re.split("[;\n]", table)))


def result_of(code: str, words: dict[str, Any]) -> Any:
    """Return what a line of a table gives."""
    return eval(code, dict(words))


def gives(api: Api, table: str, **more: Any) -> None:
    """Fail unless every line ``call -> value`` gives its value."""
    words = names(api) | more
    for line in lines(table):
        code, _, value = line.partition(" -> ")
        found, want = result_of(code, words), result_of(value, words)
        assert found == want, f"{code} is {found!r}, should be {want!r}"


def refuses(api: Api, table: str, **more: Any) -> None:
    """Fail unless every line is refused."""
    words = names(api) | more
    for code in lines(table):
        refused(code, result_of, code, words)


def refused(what: str, call: Callable[..., object], *given: Any, **named: Any) -> str:
    """Return the message with which a call is refused, in small letters."""
    error = error_of(what, call, *given, **named)
    assert isinstance(error, REFUSALS), f"{what} broke: {type(error).__name__}"
    return str(error).lower()


def error_of(
    what: str, call: Callable[..., object], *given: Any, **named: Any
) -> Exception:
    """Return the error with which a call is refused."""
    try:
        call(*given, **named)
    except Exception as error:  # noqa: BLE001 - which one it is, is the question
        return error
    raise AssertionError(f"{what} was taken")
