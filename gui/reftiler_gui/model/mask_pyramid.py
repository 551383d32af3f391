"""Masks by region and resolution; no marked pixel vanishes at any zoom."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.io.masks import marked
from reftiler_gui.model.array_types import Array, Ints
from reftiler_gui.model.picture import largest_halved

Mask: TypeAlias = NDArray[np.bool_]


class MaskPyramid:
    """The marked pixels of an image, not zero nor ``void``; their labels if several.

    Channels (H, W, C), one for each class, mark pixels with their numbers, from 1.
    """

    def __init__(self, array: Array, void: int | None = None) -> None:
        bare = array.dtype == bool and array.ndim == 2
        # shape (H, W): where pixels are marked
        self.array: Mask = array if bare else marked(array, void)
        self.size: tuple[int, int] = (array.shape[0], array.shape[1])
        self.labels: tuple[int, ...] = ()  # those that there are, if they are 2 to 255
        self.counts: tuple[int, ...] = ()  # how many pixels have each of them
        self._index: NDArray[np.uint8] | None = None
        if not bare:
            self._number(_classes(array), void)

    def _number(self, array: Array, void: int | None) -> None:
        """Find the labels of an array (H, W), if there are several and not many."""
        if array.dtype.kind not in "iu" or not array.size:
            return
        low, high = int(array.min()), int(array.max())
        if low >= 0 and high < 2**16:
            step = max(1, 2**22 // array.shape[1])
            counts = np.zeros(high + 1, np.int64)
            for top in range(0, len(array), step):
                part = array[top : top + step].ravel()
                counts += np.bincount(part, minlength=high + 1)
            values, index = np.arange(high + 1), array
        elif array.size <= 2**24:
            values, index, counts = np.unique(
                array, return_inverse=True, return_counts=True
            )
        else:
            return
        kept = (counts > 0) & (values != 0) & (values != (void or 0))
        if not 2 <= kept.sum() < 256:
            return
        table = np.where(kept, kept.cumsum(), 0).astype(np.uint8)
        self._index = table[index.reshape(array.shape)]
        self.labels = tuple(values[kept].tolist())
        self.counts = tuple(counts[kept].tolist())

    def cut(self, read: Callable[[Array], Array]) -> MaskPyramid:
        """Return what a function reads of the mask, with the same labels."""
        found = MaskPyramid(read(self.array))
        if self._index is not None:
            found.labels, found._index = self.labels, read(self._index)
            counts = np.bincount(found._index.ravel(), minlength=len(self.labels) + 1)
            found.counts = tuple(counts[1:].tolist())
        return found

    @cached_property
    def area(self) -> int:
        """How many pixels are marked."""
        return int(np.count_nonzero(self.array))

    def label_at(self, row: int, column: int) -> int | None:
        """Return the label of a pixel; None where it is not marked or has none."""
        number = 0 if self._index is None else int(self._index[row, column])
        return self.labels[number - 1] if number else None

    @cached_property
    def levels(self) -> tuple[Mask, ...]:
        """The mask and its halves, in which a pixel is marked if one of four is."""
        return _halves_of(self.array)

    @cached_property
    def label_levels(self) -> tuple[NDArray[np.uint8], ...]:
        """Places in `labels`, from 1, and their halves, of which the largest counts."""
        return () if self._index is None else _halves_of(self._index)

    def view(
        self,
        top: float,
        left: float,
        zoom: float,
        height: int,
        width: int,
        *,
        labels: bool = False,
    ) -> Array:
        """Return what the screen shows: marked if any pixel under one of its is."""
        levels = (labels and self.label_levels) or self.levels
        level = max(0, math.floor(-math.log2(zoom) + 1e-9))
        level = min(level, len(levels) - 1)
        mask, scale = levels[level], zoom * 2**level
        rows = _covered(top / 2**level, scale, height, mask.shape[0])
        columns = _covered(left / 2**level, scale, width, mask.shape[1])
        seen = columns[0] < columns[1]
        if not seen.any():
            return np.zeros((height, width), mask.dtype)
        start = int(columns[0][seen][0])  # only what is in view is joined
        part = mask[:, start : int(columns[1][seen][-1])]
        lines = _joined(part, rows, 0)
        return _joined(lines, (columns[0] - start, columns[1] - start), 1)


def _halves_of(array: Array) -> tuple[Array, ...]:
    found = [array]
    while max(found[-1].shape) > 1:
        found.append(largest_halved(found[-1]))
    return tuple(found)


def _classes(array: Array) -> Array:
    """See channels, of which one at the most marks a pixel, as labels from 1."""
    if array.ndim == 2:
        return array
    each = array != 0
    if (each.sum(axis=-1) > 1).any():
        return np.zeros((0, 0), np.uint8)
    return np.asarray((each * np.arange(1, array.shape[-1] + 1)).sum(axis=-1))


def _covered(start: float, scale: float, count: int, length: int) -> tuple[Ints, Ints]:
    """Return first and one past last pixel under each of the screen's, of one axis."""
    place = np.arange(count)
    if scale >= 1:
        first = np.floor(start + (place + 0.5) / scale)
        stop = first + 1
    else:
        first = np.floor(start + place / scale + 1e-9)
        stop = np.ceil(start + (place + 1) / scale - 1e-9)
    low, high = (part.clip(0, length).astype(np.int64) for part in (first, stop))
    return low, high


def _joined(mask: Array, span: tuple[Ints, Ints], axis: int) -> Array:
    """Join the lines under each pixel of the screen; there are at most four."""
    first, stop = span
    inside = np.flatnonzero(first < stop)
    shape = list(mask.shape)
    shape[axis] = len(first)
    result = np.zeros(shape, dtype=mask.dtype)
    if not inside.size:
        return result
    here, last = first[inside], stop[inside] - 1
    joined = _lines(mask, here, axis)
    for more in range(1, int((last - here).max()) + 1):
        further = _lines(mask, np.minimum(here + more, last), axis)
        np.maximum(joined, further, out=joined)
    result[(slice(None),) * axis + (slice(inside[0], inside[-1] + 1),)] = joined
    return result


def _lines(mask: Array, index: Ints, axis: int) -> Array:
    """Pick rows or columns, each in the faster way."""
    return np.asarray(mask[index] if axis == 0 else mask.take(index, 1))
