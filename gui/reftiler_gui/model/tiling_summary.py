"""What there is to say of a tiling, in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from reftiler.cli.grid_summary import GridSummary
from reftiler_gui.model.grid_lookup import GridLookup

__all__ = ["TilingSummary", "facts"]

_BAND = 2**22  # pixels counted at a time


@dataclass(frozen=True)
class TilingSummary:
    """
    The numbers of a tiling.

    Attributes
    ----------
    tiles : int
        How many there are.
    shape : tuple of int
        Along each axis; just their number where they are scattered.
    padding : two pairs of int
        Pixels before and after the image, rows and columns.
    overlap : pair of int
        Pixels that neighbours share, at the least, rows and columns.
    bytes : int
        Memory of all tiles.
    least, most : int
        In how many tiles a pixel of the image takes part.
    mean : float
        The same on average.
    uncovered : int
        Pixels of the image in which no tile takes part.
    share : float
        The same as a share of the image.
    """

    tiles: int
    shape: tuple[int, ...]
    padding: tuple[tuple[int, int], tuple[int, int]]
    overlap: tuple[int, int]
    bytes: int
    least: int
    most: int
    mean: float
    uncovered: int
    share: float


def facts(view: GridLookup, channels: int, dtype: np.dtype[Any]) -> TilingSummary:
    """
    Return the numbers of a tiling of images with so many channels.

    At once for fitted grids. Scattered tiles are counted pixel by pixel: 0.1 s for
    an image of 4096 × 4096.
    """
    grid = view.grid
    told = GridSummary(grid, channels, dtype)
    if view.scattered:
        least, most, total, uncovered = _counted(view)
        mean = total / math.prod(view.size)
    else:
        cover, uncovered = told.coverage(), grid.uncovered
        least, most, mean = int(cover["min"]), int(cover["max"]), cover["mean"]
    rows, columns = grid.tiler.overlap
    return TilingSummary(
        tiles=len(grid),
        shape=grid.shape,
        padding=view.padding,
        overlap=(rows, columns),
        bytes=told.bytes,
        least=least,
        most=most,
        mean=mean,
        uncovered=uncovered,
        share=uncovered / math.prod(view.size),
    )


def _counted(view: GridLookup) -> tuple[int, int, int, int]:
    height, width = view.size
    columns, step = np.arange(width), max(1, _BAND // width)
    least, most, total, uncovered = len(view), 0, 0, 0
    for top in range(0, height, step):
        count = view.coverage(np.arange(top, min(top + step, height)), columns)
        least, most = min(least, int(count.min())), max(most, int(count.max()))
        total += int(count.sum())
        uncovered += count.size - int(np.count_nonzero(count))
    return least, most, total, uncovered
