"""From the numbers of an image to bytes on the screen."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["full", "risen", "scaled", "table_of", "value_range"]

Array: TypeAlias = NDArray[Any]

_MEASURED = 2**24  # numbers up to which all of them tell the range of values


def value_range(array: Array) -> tuple[float, float]:
    """
    Return the values to show black and white.

    Bytes and bools have their whole range, floats from 0 to 1 that range; all others
    the smallest and the largest finite value, in large images of a sample of pixels.
    """
    if array.dtype in (np.dtype(bool), np.dtype(np.uint8)):
        return 0.0, 255.0
    step = math.isqrt(array.size // _MEASURED) + 1 if array.size > _MEASURED else 1
    some = array[::step, ::step]
    some = some[..., :-1] if some.ndim == 3 and some.shape[2] in (2, 4) else some
    if some.dtype.kind == "f":
        some = some[np.isfinite(some)]
    if not some.size:
        return 0.0, 1.0
    low, high = float(some.min()), float(some.max())
    if array.dtype.kind == "f" and low >= 0 and high <= 1:
        return 0.0, 1.0
    return risen(low, high)


def risen(low: float, high: float) -> tuple[float, float]:
    """Return a range whose end is above its beginning, also of huge numbers."""
    return low, high if low < high else low + max(1.0, abs(low) * 2.0**-20)


def table_of(dtype: np.dtype[Any], low: float, high: float) -> NDArray[np.uint8] | None:
    """Return what each value of a small unsigned dtype is shown as."""
    if dtype.kind == "b":
        dtype = np.dtype(np.uint8)  # as its means are
    if dtype.kind != "u" or dtype.itemsize > 2:
        return None
    return scaled(np.arange(2 ** (8 * dtype.itemsize)), low, high)


def scaled(part: Array, low: float, high: float) -> NDArray[np.uint8]:
    """Return bytes: 0 at ``low``, below it and for NaN, 255 from ``high`` on."""
    small = part.dtype.kind == "f" and part.dtype.itemsize <= 4
    wide: NDArray[np.floating[Any]] = part.astype(np.float32 if small else np.float64)
    with np.errstate(all="ignore"):
        wide = np.clip((wide - low) * (255 / (high - low)), 0, 255)
        shown = np.rint(np.nan_to_num(wide, nan=0.0))
    return np.asarray(shown, dtype=np.uint8)


def full(dtype: np.dtype[Any]) -> float:
    """Return the value of alpha that hides what is beneath."""
    return float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0
