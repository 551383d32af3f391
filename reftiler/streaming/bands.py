"""Bands: rows of an image that are merged at a time, and the tiles that each awaits."""

from collections.abc import Iterator

import numpy as np

from reftiler.axis import IntArray
from reftiler.geometry import TileGeometry

__all__ = ["Bands"]

LEAST = 32
"""Rows that a band has at least, if tiles have: thinner ones cost more than they free.
"""


class Bands:
    """
    How an image falls into bands, from edge to edge of the tiles.

    Parameters
    ----------
    placement : Placement
        Where the tiles lie.

    Attributes
    ----------
    edges : ndarray of int64, shape (B + 1,)
        First row of each band, and one past the last of all.
    needs : ndarray of int64, shape (B,)
        How many tiles take part in each.
    """

    def __init__(self, placement: TileGeometry) -> None:
        axis = placement.axes[0]
        least = min(LEAST, axis.tile)
        if placement.is_irregular:  # every start would be an edge
            starts = list(range(0, axis.length, max(least, axis.tile // 2)))
        else:
            starts = _spread(np.unique(axis.valid[:, 0]).tolist(), least, axis.length)
        self.edges: IntArray = np.array([*starts, axis.length], dtype=np.int64)
        low, high = axis.valid.T
        self._first = np.searchsorted(self.edges, low, "right") - 1
        self._last = np.searchsorted(self.edges, high, "left")
        self._last[high <= low] = self._first[high <= low]  # it takes part in no row
        self._in_row = 1 if placement.is_irregular else len(placement) // len(axis)
        needs = np.zeros(len(self) + 1, dtype=np.int64)
        np.add.at(needs, self._first, self._in_row)
        np.add.at(needs, self._last, -self._in_row)
        self.needs: IntArray = np.cumsum(needs)[:-1]

    def __len__(self) -> int:
        return len(self.edges) - 1

    def of(self, tile: int) -> range:
        """Return the bands in which a tile takes part."""
        row = tile // self._in_row
        return range(int(self._first[row]), int(self._last[row]))

    def tiles(self, band: int) -> Iterator[int]:
        """Go over the tiles that take part in a band."""
        for row in np.flatnonzero((self._first <= band) & (band < self._last)).tolist():
            yield from range(row * self._in_row, (row + 1) * self._in_row)

    def rows(self, band: int) -> tuple[int, int]:
        """Return the first and one past the last row of a band."""
        return int(self.edges[band]), int(self.edges[band + 1])


def _spread(starts: list[int], least: int, length: int) -> list[int]:
    """Keep the starts that lie so far apart, and from the end; the first is zero."""
    kept = [0]
    for start in starts:
        if start - kept[-1] >= least and length - start >= least:
            kept.append(start)
    return kept
