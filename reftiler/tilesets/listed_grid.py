"""Grids that list their tiles: some of another grid, or those that files name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from reftiler.axis import Axis
from reftiler.geometry import TileGeometry
from reftiler.grid import Grid
from reftiler.settings import TilerSettings

__all__ = ["grid_at", "subset_grid"]


@dataclass(frozen=True)
class ListedGrid(Grid):
    """
    A grid of tiles in any order and number, padded or resampled as another grid's.

    Attributes
    ----------
    listed : tuple of Axis
        For each axis the starts of all tiles, on the padded axis.
    """

    listed: tuple[Axis, ...] = ()

    @property
    def is_irregular(self) -> bool:
        """The tiles are a list."""
        return True

    @cached_property
    def geometry(self) -> TileGeometry:
        """The geometry of the listed tiles."""
        return TileGeometry(self.listed, is_irregular=True)


def subset_grid(grid: Grid, indices: Sequence[int]) -> Grid:
    """
    Return the grid of some tiles of a grid; the image and the padding stay.

    Parameters
    ----------
    grid : Grid
        It may have any number of tiles: only those of ``indices`` are looked at.
    indices : sequence of int
        At least one, ascending.
    """
    if len(indices) == len(grid):
        return grid
    if grid.is_irregular:
        numbers: Any = [np.asarray(indices)] * len(grid.axes)
    else:
        numbers = np.unravel_index(np.asarray(indices), grid.shape)
    axes = tuple(
        replace(axis, starts=tuple(axis.starts[n] for n in of_axis.tolist()))
        for axis, of_axis in zip(grid.axes, numbers, strict=True)
    )
    return ListedGrid(grid.tiler, grid.image_size, listed=axes)


def grid_at(
    tiler: TilerSettings, image_size: tuple[int, ...], starts: Sequence[Sequence[int]]
) -> Grid:
    """
    Return the grid of tiles at some starts, which may stick out of the image's end.

    Parameters
    ----------
    tiler : TilerSettings
        The settings.
    image_size : tuple of R ints
        What sticks out is cropped.
    starts : sequence of K sequences of R ints
        From 0 on.
    """
    axes = []
    columns = zip(*starts, strict=True)
    for length, tile, begin, border in zip(
        image_size, tiler.tile_size, columns, tiler.remove_border_count, strict=True
    ):
        padded = max(length, max(begin) + tile)
        axes.append(Axis(length, tile, padded, 0, tuple(begin), border))
    return ListedGrid(tiler, image_size, listed=tuple(axes))
