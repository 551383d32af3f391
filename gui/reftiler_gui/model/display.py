"""How the numbers of an image become colours: limits, gamma, channels, histogram."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler_gui.model.array_types import Array

PERCENTILES = (0.0, 0.1, 1.0, 99.0, 99.9, 100.0)  # those that a histogram knows

_SAMPLE = 2**22  # numbers up to which all of them are counted
_BINS = 256


@dataclass(frozen=True)
class DisplaySettings:
    """What the user chose for the display of an image."""

    low: float | None = None  # shown black; None measures it, see `value_range`
    high: float | None = None  # shown white
    gamma: float = 1.0  # values between are raised to it: below 1 dark ones brighten
    channels: tuple[int, ...] = ()  # one is grey, three are RGB; those of default

    def check(self) -> None:
        """Raise TilingError for limits that do not rise, and a gamma not above zero."""
        low, high = self.low, self.high
        finite = all(limit is None or math.isfinite(limit) for limit in (low, high))
        if not finite or (low is not None and high is not None and low >= high):
            raise TilingError(f"the values shown must rise, got {low} to {high}")
        if not 0 < self.gamma < math.inf:
            raise TilingError(f"gamma must be above zero, got {self.gamma}")

    def to_bytes(self, part: Array) -> NDArray[np.uint8]:
        """Return 0 at ``low``, below it and for NaN, 255 from ``high`` on."""
        assert self.low is not None
        assert self.high is not None
        low, high = self.low, self.high
        if high - low > 1e37:  # more than the dtype may hold
            part, low, high = part.astype(np.float64) / 4, low / 4, high / 4
        small = part.dtype.kind == "f" and part.dtype.itemsize <= 4
        wide: Array = part.astype(np.float32 if small else np.float64)
        with np.errstate(all="ignore"):
            wide = np.clip((wide - low) * (1 / (high - low)), 0, 1)
            if self.gamma != 1:
                wide **= self.gamma
            shown = np.rint(np.nan_to_num(wide, nan=0.0) * 255)
        return np.asarray(shown, dtype=np.uint8)

    def table(self, dtype: np.dtype[Any]) -> NDArray[np.uint8] | None:
        """Return what each value of a small unsigned dtype is shown as."""
        if dtype.kind == "b":
            dtype = np.dtype(np.uint8)  # as its means are
        if dtype.kind != "u" or dtype.itemsize > 2:
            return None
        return self.to_bytes(np.arange(2 ** (8 * dtype.itemsize)))


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often values occur."""

    counts: NDArray[np.int64]  # of bins of equal width
    low: float  # where the first bin begins
    high: float  # where the last one ends
    percentiles: tuple[float, ...]  # the values at `PERCENTILES` of the finite numbers
    nan: int = 0
    infinite: int = 0
    step: int = 1  # every so many rows and columns were counted; 1 means all pixels

    @classmethod
    def of(cls, array: Any, channels: tuple[int, ...]) -> Histogram:
        """Count the values of some channels together, of large images of a sample."""
        values, step = _sample(array, channels, _SAMPLE)
        nan = infinite = 0
        if values.dtype.kind == "f":
            finite = np.isfinite(values)
            nan = int(np.isnan(values).sum())
            infinite = int(values.size - finite.sum()) - nan
            values = values[finite].astype(np.float64)
        if not values.size:
            empty = np.zeros(_BINS, np.int64)
            return cls(empty, 0.0, 1.0, (0.0,) * 6, nan, infinite, step)
        if values.dtype == bool:
            values = values.view(np.uint8) * np.uint8(255)
        low, high = float(values.min()), float(values.max())
        if values.dtype.kind in "iu" and high - low < 2**16:
            wide = values if values.dtype.kind == "u" else values.astype(np.int64)
            each = np.bincount((wide - wide.min()).astype(np.int64))
            ranks = np.array(PERCENTILES) / 100 * (values.size - 1)
            found = np.searchsorted(each.cumsum(), ranks, "right") + low
            width = -(-len(each) // _BINS)
            each = np.pad(each, (0, -len(each) % width))
            counts = each.reshape(-1, width).sum(axis=1)
            edges = low - 0.5, low - 0.5 + len(each)
        else:
            found = np.percentile(values, PERCENTILES)
            edges = start, stop = risen(low, high)
            half = stop / 2 - start / 2  # the whole may be more than a float holds
            shares = (values.astype(np.float64) / 2 - start / 2) * (_BINS / half)
            bins = shares.astype(np.int64).clip(0, _BINS - 1)
            counts = np.bincount(bins, minlength=_BINS)
        return cls(counts, *edges, tuple(found.tolist()), nan, infinite, step)

    def limits(self, cut: float) -> tuple[float, float]:
        """Return the percentiles ``cut`` and ``100 - cut`` as limits that rise."""
        low = self.percentiles[PERCENTILES.index(cut)]
        return risen(low, self.percentiles[PERCENTILES.index(100 - cut)])


def value_range(array: Any, channels: tuple[int, ...]) -> tuple[float, float]:
    """Return the values to show black and white: of large images those of a sample."""
    if array.dtype in (np.dtype(bool), np.dtype(np.uint8)):
        return 0.0, 255.0
    values, _ = _sample(array, channels, 4 * _SAMPLE)
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if array.dtype.kind == "f" and low >= 0 and high <= 1:
        return 0.0, 1.0
    return risen(low, high)


def dtype_range(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the whole range of a dtype; of floats and bools that of pictures."""
    if dtype.kind in "iu":
        return float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
    return (0.0, 255.0) if dtype.kind == "b" else (0.0, 1.0)


def risen(low: float, high: float) -> tuple[float, float]:
    """Return a range whose end is above its beginning, also of huge numbers."""
    return low, high if low < high else low + max(1.0, abs(low) * 2.0**-20)


def _sample(array: Any, channels: tuple[int, ...], limit: int) -> tuple[Array, int]:
    """Return the numbers of every n-th row and column, read some rows at a time."""
    height, width = array.shape[:2]
    step = math.isqrt(max(0, height * width * len(channels) - 1) // limit) + 1
    rows = step * max(1, 2**21 // max(1, width * array.dtype.itemsize))
    picked = []
    for top in range(0, height, rows):
        part = array[top : top + rows : step, ::step]
        part = part[..., list(channels)] if array.ndim == 3 else part
        picked.append(np.asarray(part).reshape(-1))
    return np.concatenate(picked), step
