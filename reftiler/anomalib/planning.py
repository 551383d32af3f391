"""Tilers and grids for the settings of anomalib's tiler, each made once."""

import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.torch import Tiler
from reftiler.validation import Real

Pair = Sequence[int]


@lru_cache(maxsize=256, typed=True)  # −0.0 is not 0
def make_tiler(
    tile: tuple[int, ...],
    stride: tuple[int, ...],
    border: tuple[int, ...],
    mode: str,
    fill: Real | None,
) -> Tiler:
    """Return the torch tiler with these settings, the same one each time."""
    return Tiler(tile, stride, remove_border_count=border, mode=mode, fill=fill)


@lru_cache(maxsize=256)
def fit_grid(tiler: Tiler, size: tuple[int, ...]) -> Grid:
    """Return the tiler's fitted grid for an image size, the same one each time."""
    return tiler.grid(size)


def clamp_border(border: Pair, tile: Pair, stride: Pair) -> tuple[int, ...]:
    """Return as much of a border as leaves tiles that still meet."""
    return tuple(
        max(0, min(r, (t - s) // 2))
        for r, t, s in zip(border, tile, stride, strict=True)
    )


def warn_uncovered(border: Pair, tile: Pair, stride: Pair) -> None:
    """Warn if a border is too large to be removed whole."""
    removed = clamp_border(border, tile, stride)
    if removed != tuple(border):
        warnings.warn(
            f"remove_border_count={border[0]} would leave pixels without a tile: "
            f"{removed} (height, width) are removed, with which the tiles still meet; "
            "use that, or a smaller stride",
            stacklevel=3,
        )


def check_grid(grid: Any) -> Grid:
    """Return a grid if a tiler of this package can have made it."""
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a reftiler.Grid, got {type(grid).__name__}")
    tiler = grid.tiler
    border, mode = tiler.remove_border_count, tiler.mode
    plain = make_tiler(tiler.tile_size, tiler.stride, border, mode, tiler.fill)
    if tiler != plain or tiler.rank != 2 or mode not in ("padding", "interpolation"):
        raise TilingError(
            f"the grid was made by {tiler}, which has settings that anomalib's tiler "
            "lacks: use reftiler.torch.Tiler for it"
        )
    return grid


def torch_tiler(grid: Grid) -> Tiler:
    """Return the torch tiler that equals the grid's, which may be numpy's."""
    tiler = grid.tiler
    if isinstance(tiler, Tiler):
        return tiler
    return Tiler.from_dict(tiler.to_dict())
