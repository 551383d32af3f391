"""Where the tiles of a grid lie in its image, asked by place, line and number.

All numbers are those of the grid's axes, of which there are as many as an axis has
tiles: a hundred thousand tiles cost no more than their rows and columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reftiler import Axis, Grid
from reftiler_gui.model.array_types import Box, Ints, Span


class GridLookup:
    """The tiles of a grid of two axes; coordinates beyond the image are in padding."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.size = _pair(grid.image_size)
        self.scattered = grid.is_irregular
        self.shape = grid.shape
        self._axes: tuple[Axis, Axis] = (grid.axes[0], grid.axes[1])

    def __len__(self) -> int:
        return len(self.grid)

    @cached_property
    def starts(self) -> tuple[Ints, Ints]:
        """Where tiles begin, each row and column once, ascending."""
        first, second = (np.unique(axis.boxes[:, 0]) for axis in self._axes)
        return first, second

    @cached_property
    def ends(self) -> tuple[Ints, Ints]:
        """One past where tiles end, each row and column once, ascending."""
        first, second = (np.unique(axis.boxes[:, 1]) for axis in self._axes)
        return first, second

    @cached_property
    def frame(self) -> Box:
        """What image and tiles take up together, padding included."""
        rows, columns = (
            (
                min(0, int(axis.boxes[:, 0].min())),
                max(axis.length, int(axis.boxes[:, 1].max())),
            )
            for axis in self._axes
        )
        return rows, columns

    @cached_property
    def padding(self) -> tuple[Span, Span]:
        """Pixels before and after the image that tiles reach into, by axis."""
        (top, bottom), (left, right) = self.frame
        height, width = self.size
        return (-top, bottom - height), (-left, right - width)

    def box(self, tile: int) -> Box:
        """Return where a tile lies."""
        return self._box(tile, [axis.boxes for axis in self._axes])

    def kept(self, tile: int) -> Box:
        """Return where it takes part in the merge: its border removed, in the image."""
        return self._box(tile, [axis.valid for axis in self._axes])

    def boxes(self, tiles: Iterable[int] | Ints) -> Ints:
        """Return where some tiles lie, shape (n, 2, 2)."""
        numbers = self._numbers(np.asarray(tiles, dtype=np.int64))
        parts = [a.boxes[n] for a, n in zip(self._axes, numbers, strict=True)]
        return np.stack(parts, axis=1)

    def at(self, row: float, column: float) -> Ints:
        """Return the tiles in which a place lies, ascending; in padding too."""
        return self.meeting(
            (int(row // 1), int(row // 1) + 1), (int(column // 1), int(column // 1) + 1)
        )

    def nearest(self, row: float, column: float) -> int | None:
        """Return that of the tiles at a place whose middle is nearest; None if none."""
        tiles = self.at(row, column)
        if not tiles.size:
            return None
        middles = self.boxes(tiles).sum(axis=2) / 2
        far = ((middles - (row + 0.5, column + 0.5)) ** 2).sum(axis=1)
        return int(tiles[far.argmin()])

    def meeting(self, rows: Span, columns: Span) -> Ints:
        """Return the tiles that share a pixel with a box, ascending."""
        spans = (rows, columns)
        hits = [
            (axis.boxes[:, 0] < high) & (axis.boxes[:, 1] > low)
            for axis, (low, high) in zip(self._axes, spans, strict=True)
        ]
        return self._combined(hits)

    def holding(self, rows: Span, columns: Span) -> Ints:
        """Return the tiles in which a whole box lies, ascending."""
        spans = (rows, columns)
        hits = [
            inside(axis.boxes, low, high)
            for axis, (low, high) in zip(self._axes, spans, strict=True)
        ]
        return self._combined(hits)

    def cover(self, row: int, column: int) -> int:
        """Return how many tiles take part in a pixel of the image."""
        count = self.coverage(np.array([row]), np.array([column]))
        return int(count[0, 0])

    def coverage(self, rows: Ints, columns: Ints) -> Ints:
        """Return how many tiles take part at ascending rows and columns."""
        if self.scattered:
            return self._counted(rows, columns)
        lines = []
        for axis, places in zip(self._axes, (rows, columns), strict=True):
            count = axis.coverage[places.clip(0, axis.length - 1)]
            lines.append(np.where((places < 0) | (places >= axis.length), 0, count))
        return np.asarray(np.outer(*lines))

    @cached_property
    def gaps(self) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
        """Runs of rows and columns in which no tile takes part; none if scattered."""
        if self.scattered:
            return (), ()
        rows, columns = (_runs(axis.coverage == 0) for axis in self._axes)
        return rows, columns

    def _counted(self, rows: Ints, columns: Ints) -> Ints:
        """Count scattered tiles: one up at each low corner, one down at each high."""
        shape = (len(rows) + 1, len(columns) + 1)
        ends = [
            np.searchsorted(places, axis.valid.T)
            for axis, places in zip(self._axes, (rows, columns), strict=True)
        ]
        change = np.zeros(shape[0] * shape[1], dtype=np.int64)
        for first in (0, 1):
            for second in (0, 1):
                place = ends[0][first] * shape[1] + ends[1][second]
                sign = 1 if first == second else -1
                change += sign * np.bincount(place, minlength=change.size)
        count: Ints = change.reshape(shape).cumsum(axis=0).cumsum(axis=1)
        return count[:-1, :-1]

    def _box(self, tile: int, spans: list[Ints]) -> Box:
        numbers = self.grid.geometry.unravel(tile)
        rows, columns = (
            _pair(span[number].tolist())
            for span, number in zip(spans, numbers, strict=True)
        )
        return rows, columns

    def _numbers(self, tiles: Ints) -> tuple[Ints, ...]:
        """Return the tiles' numbers on each axis."""
        if self.scattered:
            return (tiles, tiles)
        return np.unravel_index(tiles, self.shape)

    def _combined(self, hits: list[NDArray[np.bool_]]) -> Ints:
        if self.scattered:
            return np.flatnonzero(hits[0] & hits[1])
        rows, columns = map(np.flatnonzero, hits)
        return np.add.outer(rows * self.shape[1], columns).ravel()


def inside(boxes: Ints, low: Ints | int, high: Ints | int) -> NDArray[np.bool_]:
    """Say which tiles of an axis hold all pixels from ``low`` to ``high``."""
    return np.asarray((boxes[:, 0] <= low) & (boxes[:, 1] >= high))


def _runs(hit: NDArray[np.bool_]) -> tuple[Span, ...]:
    steps = np.diff(np.concatenate([[0], hit.astype(np.int8), [0]]))
    begins, ends = (np.flatnonzero(steps == sign).tolist() for sign in (1, -1))
    return tuple(zip(begins, ends, strict=True))


def _pair(values: Iterable[int]) -> Span:
    first, second = values
    return first, second
