"""Grids of the tiles that files name, which may stick out of the image."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from reftiler.axis import Axis
from reftiler.geometry import TileGeometry
from reftiler.grid import Grid
from reftiler.settings import TilerSettings


@dataclass(frozen=True)
class ListedGrid(Grid):
    """A grid of tiles in any order and number, padded as they need it."""

    listed: tuple[Axis, ...] = ()

    @property
    def is_irregular(self) -> bool:
        """The tiles are a list."""
        return True

    @cached_property
    def whole_geometry(self) -> TileGeometry:
        """The geometry of the listed tiles."""
        return TileGeometry(self.listed, is_irregular=True)


def grid_at(
    tiler: TilerSettings, image_size: tuple[int, ...], starts: Sequence[Sequence[int]]
) -> Grid:
    """Return the grid of tiles at some starts, which may stick out at the end."""
    axes = []
    columns = zip(*starts, strict=True)
    for length, tile, begin, border in zip(
        image_size, tiler.tile_size, columns, tiler.remove_border_count, strict=True
    ):
        padded = max(length, max(begin) + tile)
        axes.append(Axis(length, tile, padded, 0, tuple(begin), border))
    return ListedGrid(tiler, image_size, listed=tuple(axes))
