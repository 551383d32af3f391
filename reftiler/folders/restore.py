"""Putting a folder of tiles together again, from its manifest alone.

What `reftiler.folders.export` cut comes back exactly. Tiles that were changed
meanwhile, by a model or by hand, are merged as their grid says: it is all one to
`untile`.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import Axis, IntArray
from reftiler.checks import Real
from reftiler.dtypes import check_representable
from reftiler.errors import TilingError
from reftiler.files import inner_path
from reftiler.folders.records import ImageTiles
from reftiler.grid import Grid
from reftiler.images import read_image
from reftiler.tiler import Tiler

__all__ = ["restore_image", "restore_mask", "uncovered"]

Array = NDArray[Any]


def restore_image(
    folder: Path, record: ImageTiles, fill: Real | None = None
) -> NDArray[Any]:
    """
    Read the tiles of an image and merge them.

    Parameters
    ----------
    folder : Path
        The manifest's.
    record : ImageTiles
        The image's record in the manifest.
    fill : float, optional
        The value of pixels that lie in no tile; by default the tiler's own.

    Returns
    -------
    ndarray
        Of the image's shape and dtype.

    Raises
    ------
    TilingError
        If pixels lie in no tile and there is no fill, or a tile is missing,
        unreadable, or of another shape or dtype than the manifest says.
    """
    grid = record.grid
    if fill is not None:
        grid = replace(grid, tiler=replace(grid.tiler, fill=fill))
    files = [tile.file for tile in record.tiles]
    return _restored(folder, record, files, grid, np.dtype(record.dtype))


def restore_mask(
    folder: Path, record: ImageTiles, fill: Real | None = None
) -> NDArray[np.bool_]:
    """
    Read the tiles of an image's mask and merge them: what any tile marks is marked.

    Parameters
    ----------
    folder, record
        As for `restore_image`.
    fill : int, optional
        Whether pixels that lie in no tile are marked, 0 or 1.

    Returns
    -------
    ndarray of bool, shape (H, W)
    """
    grid = record.mask_grid
    if fill is not None:
        grid = replace(grid, tiler=replace(grid.tiler, fill=fill))
    files = [tile.mask for tile in record.tiles if tile.mask is not None]
    if len(files) < len(record.tiles) or record.mask is None:
        raise TilingError(f"{record.id} has no mask")
    plain = replace(record, shape=record.shape[:2])
    return _restored(folder, plain, files, grid, np.dtype(bool))


def uncovered(record: ImageTiles) -> int:
    """Return how many pixels of the image lie in none of the tiles that were kept."""
    if not record.tiles:
        return record.shape[0] * record.shape[1]
    if not record.missing:
        return record.grid.uncovered
    kept = [tile.index for tile in record.tiles]
    coverage = _part_of_frame(record.grid, kept).coverage()
    return int(np.count_nonzero(coverage[_frame_pixels(record.grid)] == 0))


def _restored(
    folder: Path, record: ImageTiles, files: list[str], grid: Grid, dtype: np.dtype[Any]
) -> Array:
    tiler = Tiler.of(grid.tiler)
    gaps = uncovered(record)
    if gaps and tiler.fill is None:
        why = f", since {record.missing} of its {len(grid)} tiles were not kept"
        raise TilingError(
            f"{gaps} pixels of {record.id} lie in no tile"
            + (why if record.missing else "")
            + ": give the value that they shall have (--fill)"
        )
    if tiler.fill is not None:
        check_representable(tiler.fill, dtype.name, "fill")
    if not record.tiles:
        return np.full(record.shape, tiler.fill, dtype)
    shape = (*tiler.tile_size, *record.shape[2:])
    tiles = _read_all([inner_path(folder, name) for name in files], shape, dtype)
    if not record.missing:
        return tiler.untile(tiles, record.shape, grid)
    # Seen from the frame, tiles of any mode are scattered: each is merged there by
    # the same rules, and the image is read back from the frame.
    kept = _part_of_frame(grid, [tile.index for tile in record.tiles])
    frame = (*kept.image_size, *record.shape[2:])
    if not gaps:
        tiler = replace(tiler, fill=0)  # for what the frame has beyond the image
    merged = tiler.untile(tiles, frame, replace(kept, tiler=tiler))
    return np.asarray(merged[_frame_pixels(grid)])


def _part_of_frame(grid: Grid, kept: list[int]) -> Grid:
    """Return the grid of some of the tiles, with the frame as its image."""
    frame = [axis.frame for axis in grid.axes]
    return grid.tiler.scatter(frame, grid.starts[kept].tolist())


def _frame_pixels(grid: Grid) -> tuple[IntArray, ...]:
    """Return the index of the frame pixels that become the image's."""
    return np.ix_(*map(_axis_pixels, grid.axes))


def _axis_pixels(axis: Axis) -> IntArray:
    pixels = np.arange(axis.length, dtype=np.int64)
    if axis.resampled:
        return -(-pixels * axis.frame // axis.length)
    return pixels + axis.before


def _read_all(paths: list[Path], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    first = _read(paths[0], shape, dtype)  # tells the byte order
    tiles = np.empty((len(paths), *shape), first.dtype)
    tiles[0] = first
    for k, path in enumerate(paths[1:], start=1):
        tiles[k] = _read(path, shape, dtype)
    return tiles


def _read(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Read a tile and check that it is what the manifest says."""
    tile = read_image(path)
    if (*tile.shape, 1) == shape:  # PNG and TIFF drop a single channel
        tile = tile[..., np.newaxis]
    if dtype.kind == "b" and tile.dtype == np.uint8:  # they hold it as 0 and 255
        tile = tile != 0
    if tile.shape != shape or tile.dtype.name != dtype.name:
        raise TilingError(
            f"{path} is {tile.dtype} {tile.shape}, the manifest says {dtype} {shape}: "
            "it was altered; cut the image anew"
        )
    return tile
