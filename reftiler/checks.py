"""Checks at the door: an argument becomes a canonical value or a clear error.

Every constructor and verb of both backends passes its arguments through these, so
that twins refuse the same calls with the same words.
"""

import math
import operator
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Any, SupportsIndex, TypeAlias

import numpy as np

from reftiler.errors import TilingError

Sizes: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
Real: TypeAlias = int | float


def integer(value: Any, name: str, *, least: int) -> int:
    """Return ``value`` as an int that is at least ``least``.

    Parameters
    ----------
    value : int
        A Python or numpy integer; bool and float are refused.
    name : str
        What the caller calls it, for the message.
    least : int
        The smallest value allowed.

    Raises
    ------
    TypeError
        If ``value`` is not an integer.
    TilingError
        If it is too small.
    """
    no_number = isinstance(value, bool | np.bool_ | np.ndarray)
    if no_number or not hasattr(value, "__index__"):
        raise TypeError(
            f"{name} must be an int, got {value!r}: give a Python or numpy integer"
        )
    number = operator.index(value)
    if number < least:
        raise TilingError(f"{name} must be at least {least}, got {number}")
    return number


def integers(value: Any, name: str, *, rank: int, least: int) -> tuple[int, ...]:
    """Return ``rank`` ints; a single int stands for all axes alike."""
    if not is_sequence(value):
        return (integer(value, name, least=least),) * rank
    return exact_integers(value, name, rank=rank, least=least)


def exact_integers(value: Any, name: str, *, rank: int, least: int) -> tuple[int, ...]:
    """Return ``rank`` ints, one written out for each axis."""
    if not is_sequence(value):
        raise TypeError(f"{name} must be a sequence of {rank} ints, got {value!r}")
    if len(value) != rank:
        raise TilingError(
            f"{name} must have {rank} numbers, one for each spatial axis, got "
            f"{len(value)}: {tuple(value)}"
        )
    return tuple(
        integer(item, f"{name}[{axis}]", least=least) for axis, item in enumerate(value)
    )


def is_sequence(value: Any) -> bool:
    """Tell whether ``value`` is a list of numbers and not a text or a scalar."""
    if isinstance(value, np.ndarray):
        return bool(value.ndim == 1)
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def choice(value: Any, name: str, known: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``known``, else name the nearest."""
    options = ", ".join(map(repr, known))
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {options}, got {value!r}")
    if value not in known:
        hint = nearest(value, known)
        raise TilingError(f"{name} must be one of {options}, got {value!r}{hint}")
    return value


def flag(value: Any, name: str) -> bool:
    """Return ``value`` if it is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def keys(given: Collection[str], known: Sequence[str], where: str) -> None:
    """Refuse a key that is not known, naming the nearest that is."""
    for key in given:
        if key not in known:
            hint = nearest(str(key), known) or f": known are {', '.join(known)}"
            raise TilingError(f"{where} has no key {key!r}{hint}")


def nearest(word: str, known: Sequence[str]) -> str:
    """Return ``; did you mean …?`` for the known word nearest to ``word``."""
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def real(value: Any, name: str) -> Real:
    """Return a real number in its one canonical form.

    Whole floats become ints and every NaN the same object, so that equal numbers
    have equal texts; −0.0 stays apart from 0.
    """
    if isinstance(value, bool | np.bool_ | np.integer):
        return int(value)
    if not isinstance(value, int | float | np.floating):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    if isinstance(value, int):
        return value
    number = float(value)
    if math.isnan(number):
        return math.nan
    whole = number.is_integer() and not (number == 0 and math.copysign(1, number) < 0)
    return int(number) if whole else number
