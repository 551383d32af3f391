"""Tilers and grids of anomalib's settings, and merging by them at any resolution."""

import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from torch import Tensor

from reftiler.anomalib.images import ImageUpscaleMode, downscale_image, untile_batch
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
    sides = zip(border, tile, stride, strict=True)
    return tuple(max(0, min(r, (t - s) // 2)) for r, t, s in sides)


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
    return tiler if isinstance(tiler, Tiler) else Tiler.from_dict(tiler.to_dict())


def merge(tiles: Tensor, grid: Grid, batch: int) -> Tensor:
    """Merge tiles (N·K, C, h, w), at their own resolution, to images (N, C, H', W')."""
    sides = tuple(tiles.shape[-2:])
    size = grid.image_size
    if sides != grid.tiler.tile_size:
        tile = grid.tiler.tile_size
        size = tuple(map(_ceil, grid.image_size, sides, tile))
        grid = _scaled(grid, sides, size)
    merged = untile_batch(torch_tiler(grid), tiles, batch, grid)
    if grid.image_size == size:
        return merged
    mode = ImageUpscaleMode(grid.tiler.mode)
    return downscale_image(merged, size, mode)


def _scaled(grid: Grid, tile: tuple[int, ...], size: tuple[int, ...]) -> Grid:
    """Return the grid in the pixels of maps, in which tiles have the size ``tile``."""
    tiler = grid.tiler
    stride = tuple(map(_ceil, tiler.stride, tile, tiler.tile_size))
    border = tuple(map(_ceil, tiler.remove_border_count, tile, tiler.tile_size))
    border = clamp_border(border, tile, stride)
    scaled = make_tiler(tile, stride, border, tiler.mode, tiler.fill)
    exact = all(
        start * side % whole == 0
        for axis, side, whole in zip(grid.axes, tile, tiler.tile_size, strict=True)
        for start in axis.starts
    )
    if exact and not grid.is_irregular:
        return fit_grid(scaled, size)
    if not exact:
        warnings.warn(
            f"maps of {tile} for tiles of {tiler.tile_size} put tiles between pixels: "
            "each is moved down and right to the next whole one; for exact maps choose "
            f"a stride (now {tiler.stride}) or a random_tile_align that the map's "
            "scale makes whole",
            stacklevel=4,
        )
    starts = [
        tuple(map(_ceil, start, tile, tiler.tile_size))
        for start in grid.starts.tolist()
    ]
    if grid.is_irregular:
        return scaled.scatter(size, starts)
    # Moved tiles end where the frame does, so that its rim keeps its border.
    last = (
        axis[-1] + side
        for axis, side in zip(zip(*starts, strict=True), tile, strict=True)
    )
    return scaled.scatter(tuple(last), starts)


def _ceil(value: int, side: int, whole: int) -> int:
    """Scale a number of pixels by side / whole, and round up."""
    return -(-value * side // whole)
