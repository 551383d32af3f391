"""The contact sheet: which tile stands where, in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.steps import Work

__all__ = ["ContactSheet", "by_tile", "sheet"]

Array: TypeAlias = NDArray[Any]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ContactSheet:
    """
    The tiles of an image in rows.

    Attributes
    ----------
    view : GridLookup
        Where they come from.
    order : ndarray of int64
        Their numbers, in the order in which they are shown.
    columns : int
        How many stand in a row.
    """

    view: GridLookup
    order: Ints
    columns: int

    def __len__(self) -> int:
        return len(self.order)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return -(-len(self.order) // self.columns)

    def between(self, first: int, stop: int) -> Ints:
        """Return the tiles of some rows."""
        return self.order[max(0, first) * self.columns : max(0, stop) * self.columns]

    def tile(self, row: int, column: int) -> int | None:
        """Return the tile at a place of the sheet; None if there is none."""
        place = row * self.columns + column
        there = row >= 0 and 0 <= column < self.columns and place < len(self.order)
        return int(self.order[place]) if there else None

    def place(self, tile: int) -> tuple[int, int] | None:
        """Return the row and column of a tile; None if it is not shown."""
        (found,) = np.nonzero(self.order == tile)
        return divmod(int(found[0]), self.columns) if found.size else None


def sheet(
    view: GridLookup,
    columns: int,
    values: Array | None = None,
    *,
    only: bool = False,
) -> ContactSheet:
    """
    Lay out a contact sheet.

    Parameters
    ----------
    view : GridLookup
        The tiles.
    columns : int
        How many stand in a row; those of the grid put them as they lie in the image.
    values : ndarray, shape (K,), optional
        Of `by_tile`: the largest come first, alike ones by position. By default all
        are by position.
    only : bool
        Leave out tiles whose value is zero.
    """
    order = np.arange(len(view))
    if values is not None:
        order = np.argsort(-values.astype(np.float64), kind="stable")
        if only:
            order = order[values[order] != 0]
    return ContactSheet(view, order, max(1, columns))


def by_tile(view: GridLookup, picture: Array) -> Work[Array]:
    """
    Return a number for each tile: marked pixels of a mask, or the largest value.

    Parameters
    ----------
    view : GridLookup
        The tiles; only what lies in the image counts.
    picture : ndarray, shape (H, W)
        A mask of bool, whose marks are counted, or other numbers, such as the size of
        an error, whose maximum is taken.

    Returns
    -------
    ndarray, shape (K,)
        int64 for a mask, else the picture's dtype.
    """
    counting = picture.dtype == bool
    join: Callable[..., Array] = np.add if counting else np.maximum
    dtype = np.dtype(np.int64) if counting else picture.dtype
    if view.scattered:
        return (yield from _scattered(view, picture, counting=counting))
    rows, columns = (axis.boxes.clip(0, axis.length) for axis in view.grid.axes)
    result = np.zeros(view.shape, dtype)
    for number, (top, bottom) in enumerate(rows.tolist()):
        band = picture[top:bottom]
        line = band.sum(axis=0, dtype=dtype) if counting else band.max(axis=0)
        result[number] = _spans(join, line, columns)
        yield (number + 1) / len(rows)
    return result.ravel()


def _spans(join: Any, line: Array, spans: Ints) -> Array:
    """Join the items of a line within each span."""
    longer = np.concatenate(
        [line, np.zeros(1, line.dtype)]
    )  # an end is an index for reduceat
    return np.asarray(join.reduceat(longer, spans.ravel())[::2])


def _scattered(view: GridLookup, picture: Array, *, counting: bool) -> Work[Array]:
    result = []
    for number in range(len(view)):
        part = picture[view.grid.slices(number)]
        result.append(int(part.sum()) if counting else part.max())
        if number % 256 == 0:
            yield number / len(view)
    return np.array(result, dtype=np.int64 if counting else picture.dtype)
