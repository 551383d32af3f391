"""Comparing what came back with what is right: four strengths, each with words.

*bits*: type, dtype, shape and every byte. *numbers*: the values alone, whatever the
dtype, so that a lost dtype is one failure and not a hundred. *merge*: within what the
rounding of any order of summation can do. *set*: one of several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from reftiler_conformance.cases import Case
from reftiler_conformance.definition import BFLOAT16, NanError
from reftiler_conformance.expected import expected_merge, merge_of

Array = npt.NDArray[Any]


class Mismatch(AssertionError):  # noqa: N818 - it is a finding
    """What came back is not what is right."""

    def __init__(self, words: str, mask: Array | None = None) -> None:
        super().__init__(words)
        self.words, self.mask = words, mask


def same_shape(got: Array, want: Array) -> None:
    """Fail unless two arrays have the same shape, and hold something."""
    if got.shape != want.shape:
        raise Mismatch(f"the shape is {got.shape}, should be {want.shape}")
    if want.size == 0:
        raise ValueError("an empty comparison proves nothing")


def same_dtype(got: Array, want: np.dtype[Any]) -> None:
    """Fail unless an array has a dtype, byte order included."""
    if got.dtype != want:
        raise Mismatch(f"the dtype is {name_of(got.dtype)}, should be {name_of(want)}")


def same_bits(got: Array, want: Array, *, nan: Literal["bits", "any"] = "bits") -> None:
    """
    Fail unless two arrays are equal in dtype, shape and every bit.

    ``nan="any"`` leaves the sign and payload of a NaN free.
    """
    same_dtype(got, want.dtype)
    same_shape(got, want)
    wrong = (_bytes(got) != _bytes(want)).any(axis=-1).reshape(want.shape)
    if nan == "any":
        wrong &= ~(is_nan(got) & is_nan(want))
    _report(wrong, got, want)


def same_numbers(got: Array, want: Array) -> None:
    """Fail unless two arrays hold the same numbers, whatever their dtypes."""
    same_shape(got, want)
    if got.dtype == want.dtype or want.dtype.kind not in "biufV":
        same_bits(got, want, nan="any")
        return
    left, right = values(got), values(want)
    _report(~((left == right) | (np.isnan(left) & np.isnan(right))), got, want)


def same_merge(got: Array, case: Case) -> None:
    """
    Fail unless a merge is right within the rounding of any order of summation.

    With k tiles, weights w and values v, the exact result m may be missed by
    ``(k + 2) u Σ|w v| / Σ w``, where u is the unit roundoff of the coarser of the
    tiles' and the result's dtype, and by one smallest subnormal; integers by half more.
    """
    want = expected_merge(case)
    same_shape(got, want)
    same_dtype(got, want.dtype)
    if case.merge in ("max", "min") or want.dtype.kind == "b":
        same_bits(got, want, nan="any")
        return
    wide = replace(case, result="float64")
    exact, size = merge_of(wide, case.tiles()), merge_of(wide, _absolute(case))
    left, count = values(got), len(case.plan.places)
    unit = max(_roundoff(case.tiles().dtype), _roundoff(want.dtype))
    with np.errstate(all="ignore"):
        bound = (count + 2) * unit * size + _smallest(want.dtype)
        near = np.abs(left - exact) <= bound
        known = values(want)
        equal = (left == known) | (np.isnan(left) & np.isnan(known))
    _report(~(near | equal), got, want)


def one_of(got: Array, wants: Sequence[Array]) -> None:
    """Fail unless an array is, to the bit, one of several."""
    for want in wants:
        try:
            same_bits(got, want)
        except Mismatch:
            continue
        return
    raise Mismatch(f"the result is none of the {len(wants)} that are right")


def values(array: Array) -> Array:
    """Return numbers as float64."""
    if array.dtype == BFLOAT16:
        bits = array["bfloat16"].astype(np.uint32) << 16
        array = bits.view(np.float32)
    with np.errstate(all="ignore"):
        found: Array = array.astype(np.float64)
    return found


def is_nan(array: Array) -> Array:
    """Say where an array holds NaN."""
    if array.dtype == BFLOAT16 or array.dtype.kind == "f":
        return np.isnan(values(array))
    if array.dtype.kind == "c":
        return np.isnan(array)
    return np.zeros(array.shape, bool)


def name_of(dtype: np.dtype[Any]) -> str:
    """Return the name by which a dtype is known."""
    return "bfloat16" if dtype == BFLOAT16 else str(dtype)


def _report(wrong: Array, got: Array, want: Array) -> None:
    if not wrong.any():
        return
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    raise Mismatch(
        f"{int(wrong.sum())} of {want.size} differ; the first, at {first}, "
        f"is {_item(got, first)}, should be {_item(want, first)}",
        wrong,
    )


def _item(array: Array, index: tuple[int, ...]) -> str:
    if array.dtype == BFLOAT16:
        return str(values(array)[index])
    return str(array[index])


def _bytes(array: Array) -> Array:
    raw = np.frombuffer(array.tobytes(), np.uint8)
    return raw.reshape(array.size, array.dtype.itemsize)


def _absolute(case: Case) -> Array:
    with np.errstate(all="ignore"):
        return np.abs(values(case.tiles()))


def _roundoff(dtype: np.dtype[Any]) -> float:
    if dtype == BFLOAT16:
        return 2.0**-8
    return float(np.finfo(dtype).eps) / 2 if dtype.kind == "f" else 2.0**-24


def _smallest(dtype: np.dtype[Any]) -> float:
    if dtype == BFLOAT16:
        return 2.0**-133
    if dtype.kind == "f":
        return float(np.finfo(dtype).smallest_subnormal)
    return 0.5


__all__ = [
    "Mismatch",
    "NanError",
    "is_nan",
    "name_of",
    "one_of",
    "same_bits",
    "same_dtype",
    "same_merge",
    "same_numbers",
    "same_shape",
    "values",
]
