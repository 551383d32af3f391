"""Where the tiles of a grid lie in its image, asked by place, line and number.

All numbers are those of the grid's axes, of which there are as many as an axis has
tiles: a hundred thousand tiles cost no more than their rows and columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reftiler import Grid
from reftiler_gui.model.array_types import Box, Ints, Span


class GridLookup:
    """The tiles of a grid of two axes; coordinates beyond the image are in padding."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.size = _pair(grid.image_size)
        self.scattered = grid.is_irregular
        self.shape = grid.shape
        self._axes = grid.axes[0], grid.axes[1]

    def __len__(self) -> int:
        return len(self.grid)

    @cached_property
    def starts(self) -> tuple[Ints, ...]:
        """Where tiles begin, each row and column once, ascending."""
        return tuple(np.unique(axis.boxes[:, 0]) for axis in self._axes)

    @cached_property
    def ends(self) -> tuple[Ints, ...]:
        """One past where tiles end, each row and column once, ascending."""
        return tuple(np.unique(axis.boxes[:, 1]) for axis in self._axes)

    @cached_property
    def frame(self) -> Box:
        """What image and tiles take up together, padding included."""
        tiles = [(int(axis.boxes.min()), int(axis.boxes.max())) for axis in self._axes]
        rows, columns = (
            (min(0, low), max(length, high))
            for (low, high), length in zip(tiles, self.size, strict=True)
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
        numbers = np.asarray(tiles, dtype=np.int64)
        rows, columns = numbers, numbers
        if not self.scattered:
            rows, columns = np.unravel_index(numbers, self.shape)
        down, across = self._axes
        return np.stack([down.boxes[rows], across.boxes[columns]], axis=1)

    def at(self, row: float, column: float) -> Ints:
        """Return the tiles in which a place lies, ascending; in padding too."""
        down, across = math.floor(row), math.floor(column)
        return self.meeting((down, down + 1), (across, across + 1))

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
        return self._where(
            (axis.boxes[:, 0] < high) & (axis.boxes[:, 1] > low)
            for axis, (low, high) in zip(self._axes, (rows, columns), strict=True)
        )

    def holding(self, rows: Span, columns: Span) -> Ints:
        """Return the tiles in which a whole box lies, ascending."""
        return self._where(
            (axis.boxes[:, 0] <= low) & (axis.boxes[:, 1] >= high)
            for axis, (low, high) in zip(self._axes, (rows, columns), strict=True)
        )

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
    def gaps(self) -> tuple[tuple[Span, ...], ...]:
        """Runs of rows and columns in which no tile takes part; none if scattered."""
        if self.scattered:
            return (), ()
        return tuple(_runs(axis.coverage == 0) for axis in self._axes)

    def _counted(self, rows: Ints, columns: Ints) -> Ints:
        """Count scattered tiles: one up at each low corner, one down at each high."""
        change = np.zeros((len(rows) + 1, len(columns) + 1), dtype=np.int64)
        down, across = (
            np.searchsorted(places, axis.valid.T)
            for axis, places in zip(self._axes, (rows, columns), strict=True)
        )
        for first, second in np.ndindex(2, 2):
            place = down[first] * change.shape[1] + across[second]
            count = np.bincount(place, minlength=change.size).reshape(change.shape)
            change += count if first == second else -count
        return np.asarray(change.cumsum(axis=0).cumsum(axis=1)[:-1, :-1])

    def _box(self, tile: int, spans: list[Ints]) -> Box:
        numbers = self.grid.geometry.unravel(tile)
        rows, columns = (
            _pair(span[number].tolist())
            for span, number in zip(spans, numbers, strict=True)
        )
        return rows, columns

    def _where(self, hits: Iterable[NDArray[np.bool_]]) -> Ints:
        """Return the tiles that both axes hit."""
        down, across = hits
        if self.scattered:
            return np.flatnonzero(down & across)
        rows, columns = np.flatnonzero(down), np.flatnonzero(across)
        return np.add.outer(rows * self.shape[1], columns).ravel()


def _runs(hit: NDArray[np.bool_]) -> tuple[Span, ...]:
    steps = np.diff(np.concatenate([[0], hit.astype(np.int8), [0]]))
    begins, ends = (np.flatnonzero(steps == sign).tolist() for sign in (1, -1))
    return tuple(zip(begins, ends, strict=True))


def _pair(values: Iterable[int]) -> Span:
    first, second = values
    return first, second
