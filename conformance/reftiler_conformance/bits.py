"""Comparing arrays to the bit, and never two empty ones."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from reftiler_conformance.definition.rounding import BFLOAT16

Array = npt.NDArray[Any]


def same_bits(
    got: object, want: Array, *, nan: Literal["bits", "any"] = "bits"
) -> None:
    """Fail unless two arrays are equal in type, dtype, shape and every bit.

    Parameters
    ----------
    got
        What came out.
    want
        What is right; an empty array is refused, it would prove nothing.
    nan
        ``any``: a NaN must be a NaN, but its sign and payload are free.
    """
    assert type(got) is np.ndarray, f"type is {type(got)}, should be numpy.ndarray"
    assert got.dtype == want.dtype, f"dtype is {got.dtype}, should be {want.dtype}"
    assert got.shape == want.shape, f"shape is {got.shape}, should be {want.shape}"
    assert want.size > 0, "an empty comparison proves nothing"
    differ = as_bytes(got) != as_bytes(want)
    wrong = differ.any(axis=-1).reshape(want.shape)
    if nan == "any":
        wrong &= ~(is_nan(got) & is_nan(want))
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise AssertionError(
            f"{int(wrong.sum())}/{want.size} differ; first at {first}: "
            f"got {got[first]!r}, want {want[first]!r}"
        )


def as_bytes(array: Array) -> Array:
    """Return the bytes of an array, one row for each item."""
    raw = np.frombuffer(array.tobytes(), np.uint8)
    return raw.reshape(array.size, array.dtype.itemsize)


def is_nan(array: Array) -> Array:
    """Say where an array holds NaN."""
    if array.dtype == BFLOAT16:
        bits: Array = array["bfloat16"]
        return (bits & 0x7FFF) > 0x7F80
    if array.dtype.kind not in "fc":
        return np.zeros(array.shape, bool)
    return np.isnan(array)
