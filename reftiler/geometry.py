"""Which part of which tile lands where in the image: all that merging must know.

A `TileGeometry` is the bare geometry of a grid, at the image's own resolution or at a
scaled one. It answers for any box of the image which tiles take part there, and with
which of their pixels. It knows no array library's tiles: both backends ask it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import Axis, Index, IntArray

Box = tuple[tuple[int, int], ...]
"""First and one past last pixel on each axis."""


class Overlap(NamedTuple):
    """The pixels that one tile gives to a box."""

    tile: int
    """Index of the tile in the grid."""
    in_block: tuple[slice, ...]
    """Where they go, counted from the box's corner."""
    in_tile: tuple[Index, ...]
    """Where they stand in the tile."""


class _Overlap1D(NamedTuple):
    """What a `Part` is on one axis: a tile's number there and its pixels."""

    number: int
    in_block: slice
    in_tile: Index


@dataclass(frozen=True)
class TileGeometry:
    """The axes of a grid and how they combine.

    Attributes
    ----------
    axes : tuple of Axis
        One for each spatial axis.
    is_irregular : bool
        False: a tile for every combination of the axes' starts, row-major.
        True: tile k has the k-th start of every axis.
    """

    axes: tuple[Axis, ...]
    is_irregular: bool

    @cached_property
    def size(self) -> tuple[int, ...]:
        """The image's pixels per axis."""
        return tuple(axis.length for axis in self.axes)

    @cached_property
    def tile(self) -> tuple[int, ...]:
        """A tile's pixels per axis."""
        return tuple(axis.tile for axis in self.axes)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Tiles per axis; just (K,) when scattered."""
        lengths = tuple(len(axis) for axis in self.axes)
        return lengths[:1] if self.is_irregular else lengths

    def __len__(self) -> int:
        return math.prod(self.shape)

    def unravel(self, tile: int) -> tuple[int, ...]:
        """Return the tile's number on each axis."""
        if self.is_irregular:
            return (tile,) * len(self.axes)
        return tuple(map(int, np.unravel_index(tile, self.shape)))

    def scaled(self, scales: Sequence[Fraction]) -> "TileGeometry":
        """Return the geometry of tiles at another resolution, one scale an axis."""
        axes = tuple(
            axis.scaled(scale, f"axis {number}")
            for number, (axis, scale) in enumerate(zip(self.axes, scales, strict=True))
        )
        return TileGeometry(axes, self.is_irregular)

    def overlaps(self, box: Box) -> Iterator[Overlap]:
        """Yield what each tile gives to ``box``, tiles in ascending order."""
        if self.is_irregular:
            yield from self._irregular_overlaps(box)
            return
        shares = [
            [
                _overlap_1d(axis, int(number), low, high)
                for number in _tiles_meeting(axis, low, high)
            ]
            for axis, (low, high) in zip(self.axes, box, strict=True)
        ]
        strides = [math.prod(self.shape[axis + 1 :]) for axis in range(len(self.axes))]
        for share in product(*shares):
            yield Overlap(
                sum(
                    s.number * stride for s, stride in zip(share, strides, strict=True)
                ),
                tuple(s.in_block for s in share),
                tuple(s.in_tile for s in share),
            )

    def _irregular_overlaps(self, box: Box) -> Iterator[Overlap]:
        meeting = [
            _tiles_meeting(axis, low, high)
            for axis, (low, high) in zip(self.axes, box, strict=True)
        ]
        tiles = meeting[0]
        for others in meeting[1:]:
            tiles = np.intersect1d(tiles, others, assume_unique=True)
        for tile in tiles.tolist():
            share = [
                _overlap_1d(axis, tile, low, high)
                for axis, (low, high) in zip(self.axes, box, strict=True)
            ]
            yield Overlap(
                tile, tuple(s.in_block for s in share), tuple(s.in_tile for s in share)
            )

    def coverage(self, box: Box) -> IntArray:
        """Return how many tiles take part in each pixel of ``box``."""
        if not self.is_irregular:
            return outer_product(
                [a.coverage[lo:hi] for a, (lo, hi) in zip(self.axes, box, strict=True)]
            )
        count = np.zeros([high - low for low, high in box], dtype=np.int64)
        for part in self.overlaps(box):
            count[part.in_block] += 1
        return count

    def uncovered(self) -> int:
        """Return in how many pixels no tile takes part."""
        if self.is_irregular:
            boxes = self.blocks(1, 2**17)
            return sum(int((self.coverage(box) == 0).sum()) for box in boxes)
        covered = [int(np.count_nonzero(axis.coverage)) for axis in self.axes]
        return math.prod(self.size) - math.prod(covered)

    def blocks(
        self, planes: int, limit: int, whole: Box | None = None
    ) -> Iterator[Box]:
        """Cut the image, or a part of it, into boxes.

        They have about ``limit`` elements over ``planes``. Sides are whole steps of
        the grid, or equal parts of one, so that a box meets few tiles and reads long
        runs of each.
        """
        whole = whole or tuple((0, length) for length in self.size)
        lengths = [last - first for first, last in whole]
        sides = self._block_sides(lengths, max(1, limit // planes))
        ranges = [
            [(low, min(low + side, last)) for low in range(first, last, side)]
            for side, (first, last) in zip(sides, whole, strict=True)
        ]
        yield from product(*ranges)

    def _block_sides(self, lengths: Sequence[int], budget: int) -> list[int]:
        sides = [
            min(length, axis.step or axis.tile)
            for length, axis in zip(lengths, self.axes, strict=True)
        ]
        while math.prod(sides) > budget:
            # The last axis is shortened last: its pixels are neighbours in memory.
            longest = max(range(len(sides)), key=lambda axis: sides[axis])
            sides[longest] = -(-sides[longest] // 2)
        growing = [a for a, length in enumerate(lengths) if sides[a] < length]
        while growing and math.prod(sides) * 2 <= budget:
            shortest = min(reversed(growing), key=lambda axis: sides[axis])
            sides[shortest] = min(2 * sides[shortest], lengths[shortest])
            growing = [a for a in growing if sides[a] < lengths[a]]
        return sides


def outer_product(vectors: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Multiply one vector per axis into an array, axis by axis."""
    result = vectors[0]
    for vector in vectors[1:]:
        result = result[..., np.newaxis] * vector
    return result


def _tiles_meeting(axis: Axis, low: int, high: int) -> IntArray:
    """Return the numbers of the tiles that take part between two pixels."""
    return np.flatnonzero((axis.valid[:, 0] < high) & (axis.valid[:, 1] > low))


def _overlap_1d(axis: Axis, number: int, low: int, high: int) -> _Overlap1D:
    first, last = axis.valid[number].tolist()
    first, last = max(first, low), min(last, high)
    there = axis.tile_index(number, first, last)
    return _Overlap1D(number, slice(first - low, last - low), there)
