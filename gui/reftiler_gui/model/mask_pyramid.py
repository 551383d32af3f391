"""Masks by region and resolution; no marked pixel vanishes at any zoom."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler_gui.model.pyramid import any_halved

__all__ = ["MaskPyramid"]

Mask: TypeAlias = NDArray[np.bool_]


class MaskPyramid:
    """
    The marked pixels of an image.

    Parameters
    ----------
    array : ndarray, shape (H, W)
        What is not zero is marked, be it 1, 255 or True.
    """

    def __init__(self, array: NDArray[Any]) -> None:
        self.array: Mask = array if array.dtype == bool else np.asarray(array != 0)
        self.size: tuple[int, int] = (array.shape[0], array.shape[1])

    @cached_property
    def area(self) -> int:
        """How many pixels are marked."""
        return int(np.count_nonzero(self.array))

    @cached_property
    def levels(self) -> tuple[Mask, ...]:
        """The mask and its halves, in which a pixel is marked if one of four is."""
        found = [self.array]
        while max(found[-1].shape) > 1:
            found.append(any_halved(found[-1]))
        return tuple(found)

    def view(
        self, top: float, left: float, zoom: float, height: int, width: int
    ) -> Mask:
        """
        Return what the screen shows of the mask.

        Parameters
        ----------
        top, left : float
            The image's coordinates at the screen's upper left corner.
        zoom : float
            Screen pixels an image pixel. Below 1 a screen pixel is marked if any
            pixel that it covers is; else if its centre lies in a marked one.
        height, width : int
            The screen's pixels.

        Returns
        -------
        ndarray of bool, shape (height, width)
        """
        level = max(0, math.floor(-math.log2(zoom) + 1e-9))
        level = min(level, len(self.levels) - 1)
        mask, scale = self.levels[level], zoom * 2**level
        rows = _covered(top / 2**level, scale, height, mask.shape[0])
        columns = _covered(left / 2**level, scale, width, mask.shape[1])
        lines = _joined(mask, rows, 0)
        return _joined(lines, columns, 1)


def _covered(
    start: float, scale: float, count: int, length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and one past last pixel under each of the screen's, of one axis."""
    place = np.arange(count)
    if scale >= 1:
        first = np.floor(start + (place + 0.5) / scale)
        stop = first + 1
    else:
        first = np.floor(start + place / scale + 1e-9)
        stop = np.ceil(start + (place + 1) / scale - 1e-9)
    limits = (part.clip(0, length).astype(np.int64) for part in (first, stop))
    low, high = limits
    return low, high


def _joined(
    mask: Mask, span: tuple[NDArray[np.int64], NDArray[np.int64]], axis: int
) -> Mask:
    """Join the lines under each pixel of the screen; there are at most four."""
    first, stop = span
    inside = np.flatnonzero(first < stop)
    shape = list(mask.shape)
    shape[axis] = len(first)
    result = np.zeros(shape, dtype=bool)
    if not inside.size:
        return result
    here, last = first[inside], stop[inside] - 1
    joined = mask.take(here, axis)
    for more in range(1, int((last - here).max()) + 1):
        joined |= mask.take(np.minimum(here + more, last), axis)
    result[(slice(None),) * axis + (slice(inside[0], inside[-1] + 1),)] = joined
    return result
