"""Merging tiles of any resolution, whatever its ratio to the image's."""

import warnings

from torch import Tensor

from reftiler.anomalib.images import ImageUpscaleMode, downscale_image, untile_batch
from reftiler.anomalib.planning import clamp_border, fit_grid, make_tiler, torch_tiler
from reftiler.grid import Grid


def merge(tiles: Tensor, grid: Grid, batch: int) -> Tensor:
    """Merge the tiles of ``batch`` images, at the resolution that they have.

    Parameters
    ----------
    tiles : Tensor, shape (N·K, C, h, w)
        Of any channels and resolution.
    grid : Grid
        The plan by which the images were cut.
    batch : int
        How many images.

    Returns
    -------
    Tensor, shape (N, C, H', W')
        H' and W' are the image's, times the scale, rounded up.
    """
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
        _warn_inexact(grid, tile)
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


def _warn_inexact(grid: Grid, tile: tuple[int, ...]) -> None:
    tiler = grid.tiler
    warnings.warn(
        f"maps of {tile} for tiles of {tiler.tile_size} put tiles between pixels: each "
        "is moved down and right to the next whole one; for exact maps choose a "
        f"stride (now {tiler.stride}) or a random_tile_align that the map's scale "
        "makes whole",
        stacklevel=5,
    )


def _ceil(value: int, side: int, whole: int) -> int:
    """Scale a number of pixels by side / whole, and round up."""
    return -(-value * side // whole)
