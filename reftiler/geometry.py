"""Which pixels of which tile go where in the image: all that merging must know.

A `TileGeometry` is a grid at the image's own resolution or at a scaled one. It knows
integers and no array of pixels: every backend asks it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import cycle, product
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import Axis, Index, IntArray

SELECTING = ("first", "last", "center")
"""Merges that take the value of one tile for its place, whatever the values are."""

Box = tuple[tuple[int, int], ...]
"""First and one past last pixel on each axis."""


class Overlap(NamedTuple):
    """The pixels that one tile contributes to a block of the image."""

    tile: int
    """Index of the tile in the grid."""
    in_block: tuple[slice, ...]
    """Where they go, counted from the block's first pixel."""
    in_tile: tuple[Index, ...]
    """Where they stand in the tile."""


class TileLookup(Protocol):
    """The tiles of one image by their index, (C, *T), wherever they are kept."""

    def __getitem__(self, tile: int, /) -> Any:
        """Return a tile."""
        ...


@dataclass(frozen=True)
class TileGeometry:
    """The axes of a grid and how they combine.

    Regular: a tile for every combination of the axes' starts, row-major. Irregular:
    tile k has the k-th start of every axis.
    """

    axes: tuple[Axis, ...]
    is_irregular: bool

    @cached_property
    def size(self) -> tuple[int, ...]:
        """The image's pixels per axis."""
        return tuple(axis.length for axis in self.axes)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Tiles per axis; just (K,) when irregular."""
        lengths = tuple(len(axis) for axis in self.axes)
        return lengths[:1] if self.is_irregular else lengths

    def __len__(self) -> int:
        return math.prod(self.shape)

    def unravel(self, tile: int) -> tuple[int, ...]:
        """Return the tile's number on each axis."""
        if self.is_irregular:
            return (tile,) * len(self.axes)
        # LAYOUT-008: row-major, the last axis runs fastest
        return tuple(map(int, np.unravel_index(tile, self.shape)))

    def scaled(self, scales: Sequence[Fraction]) -> "TileGeometry":
        """Return the geometry of tiles at another resolution, one scale an axis."""
        axes = tuple(
            axis.scaled(scale, f"axis {number}")
            for number, (axis, scale) in enumerate(zip(self.axes, scales, strict=True))
        )
        return TileGeometry(axes, self.is_irregular)

    def select(self, tiles: Sequence[int]) -> "TileGeometry":
        """Return the geometry of some tiles, in their order; the image stays."""
        index = np.asarray(tiles, np.int64)
        numbers = (index,) if self.is_irregular else np.unravel_index(index, self.shape)
        axes = tuple(
            replace(axis, starts=tuple(axis.starts[n] for n in number.tolist()))
            for axis, number in zip(self.axes, cycle(numbers), strict=False)
        )
        return TileGeometry(axes, is_irregular=True)

    def selected(self, merge: str) -> "TileGeometry":
        """Return the geometry in which one tile contributes to each pixel.

        Irregular grids are returned as they are: the bodies select in each pixel.
        """
        if self.is_irregular:
            return self
        axes = tuple(axis.selected(merge) for axis in self.axes)
        return TileGeometry(axes, is_irregular=False)

    def overlaps(self, block: Box) -> Iterator[Overlap]:
        """Yield what each tile contributes to ``block``, tiles in ascending order."""
        axes = [
            _overlaps_1d(axis, low, high)
            for axis, (low, high) in zip(self.axes, block, strict=True)
        ]
        if self.is_irregular:
            first, *others = axes
            for tile in first:
                if all(tile in other for other in others):
                    yield Overlap(
                        tile, *zip(*(axis[tile] for axis in axes), strict=True)
                    )
            return
        strides = [math.prod(self.shape[a + 1 :]) for a in range(len(self.axes))]
        for numbers in product(*axes):
            yield Overlap(
                sum(map(int.__mul__, numbers, strides)),
                *zip(*map(dict.__getitem__, axes, numbers), strict=True),
            )

    def coverage(self, block: Box) -> IntArray:
        """Return how many tiles contribute to each pixel of ``block``."""
        if not self.is_irregular:
            covers = [
                axis.coverage[low:high]
                for axis, (low, high) in zip(self.axes, block, strict=True)
            ]
            return outer_product(covers)
        count = np.zeros([high - low for low, high in block], dtype=np.int64)
        for overlap in self.overlaps(block):
            count[overlap.in_block] += 1
        return count

    @cached_property
    def num_uncovered(self) -> int:
        """In how many pixels of the image no tile contributes."""
        boxes = [axis.valid for axis in self.axes]
        if self.is_irregular:
            return math.prod(self.size) - _union(np.stack(boxes, axis=1))
        covered = [_union(box[:, np.newaxis]) for box in boxes]
        return math.prod(self.size) - math.prod(covered)

    def has_overlaps(self) -> bool:
        """Tell whether several tiles contribute to a pixel."""
        sides = [np.ptp(axis.valid, axis=1) for axis in self.axes]
        if self.is_irregular:
            pixels = int(np.prod(sides, axis=0).sum())
        else:
            pixels = math.prod(int(side.sum()) for side in sides)
        return pixels > math.prod(self.size) - self.num_uncovered

    def blocks(self, limit: int, region: Box | None = None) -> list[Box]:
        """Cut the image, or a region of it, into blocks of about ``limit`` pixels.

        Their sides are steps of the grid, or equal parts of one: a block meets few.
        """
        region = region or tuple((0, length) for length in self.size)
        lengths = [high - low for low, high in region]
        sides = [
            min(n, axis.step or axis.tile)
            for n, axis in zip(lengths, self.axes, strict=True)
        ]
        while math.prod(sides) > max(1, limit):  # halve the longest, the last one last
            longest = max(range(len(sides)), key=sides.__getitem__)
            sides[longest] = -(-sides[longest] // 2)
        growing = [a for a, n in enumerate(lengths) if sides[a] < n]
        while growing and math.prod(sides) * 2 <= limit:  # the shortest, the last first
            shortest = min(reversed(growing), key=sides.__getitem__)
            sides[shortest] = min(2 * sides[shortest], lengths[shortest])
            growing = [a for a in growing if sides[a] < lengths[a]]
        ranges = [
            [(first, min(first + side, high)) for first in range(low, high, side)]
            for side, (low, high) in zip(sides, region, strict=True)
        ]
        return list(product(*ranges))


def outer_product(vectors: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Multiply one vector per axis into an array, axis by axis."""
    result = vectors[0].copy()
    for vector in vectors[1:]:  # WINDOW-002: in the order of the axes
        result = result[..., np.newaxis] * vector
    return result


def center_distance(in_tile: Sequence[Index], size: Sequence[int]) -> IntArray:
    """Return how far some pixels of a tile lie from its centre, as MERGE-025 says."""
    total = np.zeros((), dtype=np.int64)
    for pixels, length in zip(in_tile, size, strict=True):
        total = total[..., np.newaxis] + axis_distance(length)[pixels]
    return total


def axis_distance(length: int) -> IntArray:
    """Return for each pixel of a tile's axis the square of ``2 x + 1 - t``."""
    return (2 * np.arange(length, dtype=np.int64) + 1 - length) ** 2


def _union(boxes: IntArray) -> int:
    """Count the pixels of the union of boxes, shape (K, R, 2); no pixel is visited."""
    boxes = boxes[(boxes[..., 0] < boxes[..., 1]).all(axis=1)]
    if not len(boxes):
        return 0
    boxes = boxes[np.argsort(boxes[:, 0, 0], kind="stable")]
    low, high = boxes[:, 0].T
    if boxes.shape[1] == 1:
        reached = np.concatenate([low[:1], np.maximum.accumulate(high)[:-1]])
        return int(np.maximum(high - np.maximum(low, reached), 0).sum())
    # Between two edges on the first axis the same boxes count.
    edges, longest, volume = np.unique(boxes[:, 0]), int((high - low).max()), 0
    first = np.searchsorted(low, edges - longest, "right")
    last = np.searchsorted(low, edges, "right")
    for k, thickness in enumerate(np.diff(edges).tolist()):
        near = slice(first[k], last[k])
        volume += thickness * _union(boxes[near][high[near] > edges[k], 1:])
    return volume


def _overlaps_1d(axis: Axis, low: int, high: int) -> dict[int, tuple[slice, Index]]:
    """Return, ascending by tile, which pixels of low to high it gives from which."""
    # BORDER-006: what is left out enters no sum
    valid = axis.valid
    found = {}
    for number in np.flatnonzero((valid[:, 0] < high) & (valid[:, 1] > low)).tolist():
        first, last = max(int(valid[number, 0]), low), min(int(valid[number, 1]), high)
        in_tile = axis.tile_index(number, first, last)
        found[number] = slice(first - low, last - low), in_tile
    return found
