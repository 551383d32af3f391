"""Tables of calls: what each gives, or how it is refused.

A call is Python, so that what is reported can be tried as it stands; `words` says what
it may use. Each row of a table is one of

    call; call
    call; call -> value
    call; call raises TilingError: word, word

with its further lines indented. A call with a choice, ``<one|other>``, stands for one
with each, the same wherever the call and its value have that choice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import inf, nan
from textwrap import dedent
from typing import Any

import numpy as np

from reftiler_conformance.protocol import Api

REFUSALS = (TypeError, ValueError)
"""A wrong type and a wrong value; which is due when is a question of ERROR clauses."""


@dataclass(frozen=True)
class Call:
    """A call, and the value that it should give or the error that it should raise."""

    code: str
    value: str = ""
    error: str = ""
    said: tuple[str, ...] = ()
    """Words of the error's message, in small letters."""


_CHOICE = re.compile(r"<([^<>]+)>")


def calls(table: str) -> Iterator[Call]:
    """Return the calls of a table."""
    for row in re.split(r"\n(?! )", dedent(table).strip()):
        codes, _, value = " ".join(row.split()).partition(" -> ")
        codes, _, refusal = codes.partition(" raises ")
        error, _, said = refusal.partition(": ")
        for code in codes.split("; "):
            for one, due in _chosen(code, value):
                yield Call(one, due, error, tuple(said.split(", ")) if said else ())


def _chosen(code: str, value: str) -> Iterator[tuple[str, str]]:
    """Return a call and its value, with choices made in every way."""
    choices = list(dict.fromkeys(_CHOICE.findall(code + value)))
    for words in product(*(choice.split("|") for choice in choices)):
        one, due = code, value
        for choice, word in zip(choices, words, strict=True):
            one, due = (text.replace(f"<{choice}>", word) for text in (one, due))
        yield one, due


def words(api: Api) -> dict[str, Any]:
    """Return what calls may use: the subject's classes and arrays."""

    def zeros(*shape: int, dtype: str = "uint8") -> Any:
        return api.array(np.zeros(shape, dtype))

    return {
        "Tiler": api.Tiler,
        "Grid": type(api.Tiler([1]).grid([1])),
        "zeros": zeros,
        "array": api.array,
        "back": api.back,
        "dtype": api.dtype,
        "edited": edited,
        "Fraction": Fraction,
        "np": np,
        "nan": nan,
        "inf": inf,
    }


def edited(value: Any, **entries: Any) -> str:
    """Return the JSON of a value with other entries; None takes one away."""
    content = json.loads(value.to_json())
    for key, entry in entries.items():
        content[key] = content[key] | entry if isinstance(entry, dict) else entry
    return json.dumps({k: v for k, v in content.items() if v is not None})


def result_of(code: str, known: dict[str, Any]) -> Any:
    """Return what a call gives."""
    return eval(code, dict(known))


def judge(asked: Iterable[Call], known: dict[str, Any]) -> None:
    """Make calls; fail unless each gives its value or is refused with its words."""
    for call in asked:
        if call.error:
            message = refused(call.code, result_of, call.code, known)
            missing = [word for word in call.said if word not in message]
            assert not missing, f"{missing} not in what {call.code} says: {message}"
            continue
        found = result_of(call.code, known)
        if call.value:
            want = result_of(call.value, known)
            assert found == want, f"{call.code} is {found!r}, should be {want!r}"


def refused(what: str, call: Callable[..., object], *given: Any, **named: Any) -> str:
    """Return the message with which a call is refused, in small letters."""
    error = error_of(call, *given, **named)
    assert error is not None, f"{what} was taken"
    assert isinstance(error, REFUSALS), f"{what} broke: {type(error).__name__}"
    return str(error).lower()


def error_of(
    call: Callable[..., object], *given: Any, **named: Any
) -> Exception | None:
    """Return the error with which a call is refused; None if it is not."""
    try:
        call(*given, **named)
    except Exception as error:  # noqa: BLE001 - which one it is, is the question
        return error
    return None
