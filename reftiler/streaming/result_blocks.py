"""Blocks of a result that are merged at a time, and the tiles that each needs."""

import math
from itertools import product

import numpy as np

from reftiler.axis import Axis, IntArray
from reftiler.geometry import Box, TileGeometry

MIN_ROWS = 32
"""Rows of a block, if tiles have as many: thinner ones cost more than they free."""
MIN_ELEMENTS = 2**17
MAX_COLUMNS = 12
"""Rows are divided into so many columns, if blocks keep so many elements."""


class ResultBlocks:
    """The result of one image in blocks: bands of rows, divided into columns if wide.

    A block is merged once all its tiles have arrived. Its edges are first pixels of
    tiles, so that each tile is needed by few blocks. Division into columns frees the
    tiles above as soon as those below arrive: then little more than one row of tiles
    waits where they come in order, instead of two. In stores of chunks it would cost
    the chunks that blocks share, so there they are ``whole_rows``.
    """

    def __init__(
        self, geometry: TileGeometry, channels: int, *, whole_rows: bool
    ) -> None:
        self._size, irregular = geometry.size, geometry.is_irregular
        rows = geometry.axes[0]
        least = min(MIN_ROWS, rows.tile)
        if irregular:  # every start would be an edge
            few = MIN_ELEMENTS // (channels * math.prod(self._size[1:]))
            edges = list(range(0, rows.length, max(least, rows.tile // 2, few)))
            self._axes = [_DividedAxis(rows, edges)]
        else:
            self._axes = [_DividedAxis(rows, _spread_starts(rows, least))]
            if len(geometry.axes) > 1 and not whole_rows:
                height = int(np.diff(self._axes[0].edges).max())
                column = height * channels * math.prod(self._size[2:])
                columns = geometry.axes[1]
                least = max(1, columns.length // MAX_COLUMNS, MIN_ELEMENTS // column)
                starts = _spread_starts(columns, least)
                self._axes.append(_DividedAxis(columns, starts))
        # Tiles that differ only on axes that are not divided have consecutive indices.
        self._run = len(geometry) // math.prod(len(axis.first) for axis in self._axes)
        pending = self._axes[0].pending() * self._run
        for axis in self._axes[1:]:
            pending = np.multiply.outer(pending, axis.pending())
        self.pending: IntArray = pending.ravel()  # for each block its number of tiles

    def __len__(self) -> int:
        return len(self.pending)

    @property
    def edges(self) -> list[list[int]]:
        """First pixels of the blocks, and the end, on each axis that is divided."""
        return [axis.edges.tolist() for axis in self._axes]

    def box(self, block: int) -> Box:
        """Return the first and one past the last pixel of a block on each axis."""
        ends = []
        for axis in reversed(self._axes):
            block, number = divmod(block, len(axis))
            ends.append((int(axis.edges[number]), int(axis.edges[number + 1])))
        rest = ((0, length) for length in self._size[len(ends) :])
        return (*reversed(ends), *rest)

    def of_tile(self, tile: int) -> list[int]:
        """Return the blocks that need a tile, ascending."""
        tile //= self._run
        ranges = []
        for axis in reversed(self._axes):
            tile, number = divmod(tile, len(axis.first))
            ranges.append(range(int(axis.first[number]), int(axis.last[number])))
        if len(ranges) == 1:
            return list(ranges[0])
        width = len(self._axes[1])
        return [row * width + column for row, column in product(*reversed(ranges))]

    def tiles_of(self, block: int) -> IntArray:
        """Return the tiles that a block needs, ascending."""
        tiles = np.arange(self._run)
        stride = self._run
        for axis in reversed(self._axes):
            block, number = divmod(block, len(axis))
            needed = np.flatnonzero((axis.first <= number) & (number < axis.last))
            tiles = np.add.outer(needed * stride, tiles).ravel()
            stride *= len(axis.first)
        return tiles


class _DividedAxis:
    """An axis in intervals, and for each tile its first and one past its last."""

    def __init__(self, axis: Axis, starts: list[int]) -> None:
        self.edges: IntArray = np.array([*starts, axis.length], dtype=np.int64)
        low, high = axis.valid.T
        self.first = np.searchsorted(self.edges, low, "right") - 1
        self.last = np.searchsorted(self.edges, high, "left")
        empty = high <= low  # it contributes to no pixel
        self.last[empty] = self.first[empty]

    def __len__(self) -> int:
        return len(self.edges) - 1

    def pending(self) -> IntArray:
        """Return how many tiles contribute to each interval."""
        change = np.zeros(len(self.edges) + 1, dtype=np.int64)
        np.add.at(change, self.first, 1)
        np.add.at(change, self.last, -1)
        return np.cumsum(change)[: len(self)]


def _spread_starts(axis: Axis, least: int) -> list[int]:
    """Return first pixels of tiles that are so far apart, and from the end."""
    spread = [0]
    for start in np.unique(axis.valid[:, 0]).tolist():
        if start - spread[-1] >= least and axis.length - start >= least:
            spread.append(start)
    return spread
