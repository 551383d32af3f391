"""Putting a folder of tiles together again, from its manifest alone.

What `reftiler.tilesets.export` cut comes back exactly. Tiles that were changed
meanwhile, by a model or by hand, are merged as their grid says: it is all one to
`untile`. They are read as they are needed, and merged as they come.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.dtypes import check_representable
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.streaming import Merger, Target
from reftiler.tiler import Tiler
from reftiler.tilesets.frames import Frame, frame_pixels, part_of_frame
from reftiler.tilesets.records import ImageTiles
from reftiler.tilesets.tile_storage import storage_for
from reftiler.validation import Real

__all__ = ["Into", "in_memory", "restore_image", "restore_mask", "uncovered"]

Into: TypeAlias = Callable[
    [tuple[int, ...], np.dtype[Any]], AbstractContextManager[Any]
]
"""Makes a store of a shape and a dtype, complete when its block ends."""

_BATCH = 2**24  # bytes of tiles that are read at a time
_ROWS = 256  # that are filled at a time
_BLOCK = 2**20  # pixels that are counted at a time


def in_memory(
    shape: tuple[int, ...], dtype: np.dtype[Any]
) -> AbstractContextManager[NDArray[Any]]:
    """Make an array."""
    return nullcontext(np.empty(shape, dtype))


def restore_image(
    folder: Path,
    record: ImageTiles,
    fill: Real | None = None,
    into: Into = in_memory,
    advance: Callable[[int], object] = lambda tiles: None,
) -> Any:
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
    into : callable
        Makes what the result is written to, such as
        ``partial(reftiler.io.create_image, path)``; by default an array.
    advance : callable
        Called with the number of tiles that were merged since.

    Returns
    -------
    ndarray, or what ``into`` made
        Of the image's shape and dtype.

    Raises
    ------
    TilingError
        If pixels lie in no tile and there is no fill, or a tile is missing,
        unreadable, or of another shape or dtype than the manifest says; or the
        result cannot be written.
    """
    source = _Tiles(folder, record, record.tile_names, record.shape, record.dtype)
    return _restored(source, _filling(record.grid, fill), into, advance)


def restore_mask(
    folder: Path,
    record: ImageTiles,
    fill: Real | None = None,
    into: Into = in_memory,
    advance: Callable[[int], object] = lambda tiles: None,
) -> Any:
    """
    Read the tiles of an image's mask and merge them: what any tile marks is marked.

    Parameters
    ----------
    folder, record, into, advance
        As for `restore_image`.
    fill : int, optional
        Whether pixels that lie in no tile are marked, 0 or 1.

    Returns
    -------
    ndarray of bool, shape (H, W), or what ``into`` made
    """
    if len(record.mask_names) < len(record.tiles) or not record.masks:
        raise TilingError(f"{record.id} has no mask")
    source = _Tiles(folder, record, record.mask_names, record.shape[:2], "bool")
    return _restored(source, _filling(record.mask_grid, fill), into, advance)


def uncovered(record: ImageTiles) -> int:
    """Return how many pixels of the image lie in none of the tiles that were kept."""
    if not record.tiles:
        return record.shape[0] * record.shape[1]
    if not record.missing:
        return record.grid.uncovered
    kept = [tile.index for tile in record.tiles]
    geometry = part_of_frame(record.grid, kept).geometry
    bare = 0
    for box in geometry.blocks(_BLOCK):
        shown = [
            pixels[slice(*np.searchsorted(pixels, edges))] - edges[0]
            for pixels, edges in zip(frame_pixels(record.grid), box, strict=True)
        ]
        bare += int(np.count_nonzero(geometry.coverage(box)[np.ix_(*shown)] == 0))
    return bare


@dataclass(frozen=True)
class _Tiles:
    """The tiles of an image or of its mask, in their files."""

    folder: Path
    record: ImageTiles
    names: list[str]
    shape: tuple[int, ...]
    """The image's."""
    dtype: str

    def read(self, first: int, count: int) -> NDArray[Any]:
        """Read some tiles, counted in the order of their names."""
        names = list(islice(self.names, first, first + count))
        shape = (*self.record.grid.tiler.tile_size, *self.shape[2:])
        read = storage_for(names[0]).read
        return read(self.folder, names, first, shape, np.dtype(self.dtype))


def _filling(grid: Grid, fill: Real | None) -> Grid:
    if fill is None:
        return grid
    return replace(grid, tiler=replace(grid.tiler, fill=fill))


def _restored(
    source: _Tiles, grid: Grid, into: Into, advance: Callable[[int], object]
) -> Any:
    tiler, record = Tiler.from_other(grid.tiler), source.record
    gaps = uncovered(record)
    if gaps and tiler.fill is None:
        why = f", since {record.missing} of its {len(grid)} tiles were not kept"
        raise TilingError(
            f"{gaps} pixels of {record.id} lie in no tile"
            + (why if record.missing else "")
            + ": give the value that they shall have (--fill)"
        )
    if tiler.fill is not None:
        check_representable(tiler.fill, source.dtype, "fill")
    if not record.tiles:
        with into(source.shape, np.dtype(source.dtype)) as out:
            _fill(out, tiler.fill)
        return out
    dtype = source.read(0, 1).dtype  # the first tile tells the byte order
    with into(source.shape, dtype) as out:
        if not record.missing:
            _merge(source, Merger(tiler, source.shape, out, grid=grid), advance)
            return out
        # Seen from the frame, tiles of any mode are scattered: each is merged there by
        # the same rules, and the image is what the frame shows of it.
        if not gaps:
            tiler = replace(tiler, fill=0)  # for what the frame has beyond the image
        kept = part_of_frame(grid, [tile.index for tile in record.tiles])
        kept = replace(kept, tiler=tiler)
        frame = Frame(out, kept.image_size, frame_pixels(grid))
        _merge(source, Merger(tiler, frame.shape, frame, grid=kept), advance)
    return out


def _merge(source: _Tiles, merger: Merger, advance: Callable[[int], object]) -> None:
    size = int(np.prod(merger.tile_shape)) * merger.tile_dtype.itemsize
    step, count = max(1, _BATCH // size), len(source.names)
    with merger:
        for first in range(0, count, step):
            tiles = source.read(first, step).astype(merger.tile_dtype, copy=False)
            merger.add(range(first, first + len(tiles)), tiles)
            advance(len(tiles))


def _fill(out: Target, value: Any) -> None:
    dtype = np.dtype(out.dtype)
    for first in range(0, out.shape[0], _ROWS):
        rows = min(_ROWS, out.shape[0] - first)
        out[first : first + rows] = np.full((rows, *out.shape[1:]), value, dtype)
