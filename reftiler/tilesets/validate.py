"""Checking an image and its mask before a tile of them is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.atomic import safe_relative
from reftiler.config import TilingConfig
from reftiler.dtypes import check_mergeable, check_representable
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.io import codecs
from reftiler.io.datasets import GOOD, ImageEntry, open_pair
from reftiler.io.zarr_io import SUFFIX as ZARR
from reftiler.io.zarr_io import load_zarr
from reftiler.plan import check_merge, plan_tile
from reftiler.settings import TilerSettings
from reftiler.streaming import Source
from reftiler.streaming.reading import read_tiles
from reftiler.tilesets.records import ImageTiles, TileFile
from reftiler.tilesets.tile_storage import FORMATS, STORAGES

__all__ = ["Check", "check", "cut_tiles", "relative"]


@dataclass(frozen=True)
class Check:
    """
    An image to be checked, and what for.

    Attributes
    ----------
    sample : ImageEntry
        The image on disk.
    config : TilingConfig
        How to cut; its tiler has channels last.
    source : Path
        Where the image was found.
    file_format : str
        Of the tiles.
    skip_empty : bool
        Keep only tiles with a marked pixel.
    """

    sample: ImageEntry
    config: TilingConfig
    source: Path
    file_format: str
    skip_empty: bool

    @property
    def subject(self) -> str:
        """The image."""
        return str(self.sample.image)


def check(job: Check) -> ImageTiles:
    """
    Check an image and its mask, and name their tiles.

    Raises
    ------
    TilingError
        They cannot be read, do not fit each other, or do not suit the tiler or the
        format; the file is named.
    """
    try:
        return _record(job)
    except (TilingError, TypeError) as error:
        known = job.subject in str(error)
        words = str(error) if known else f"{job.subject}: {error}"
        raise TilingError(words) from error


def cut_tiles(image: Source, grid: Grid, numbers: Sequence[int]) -> NDArray[Any]:
    """
    Cut some tiles of an image, and read no more of it than they show.

    Parameters
    ----------
    image : Source
        ``(H, W)`` or ``(H, W, C)``.
    grid : Grid
        Its plan.
    numbers : sequence of int
        Which tiles.

    Returns
    -------
    ndarray, shape (B, *T) or (B, *T, C)
    """
    dtype = np.dtype(image.dtype).name
    call = plan_tile(grid.tiler, tuple(image.shape), dtype, grid)
    return read_tiles(image, call, numbers)


def relative(path: Path, source: Path) -> str:
    """Say where in the source a file lies, without saying where the source lies."""
    inside = path.is_relative_to(source) and path != source
    return path.relative_to(source).as_posix() if inside else path.name


def _record(job: Check) -> ImageTiles:
    sample, source = job.sample, job.source
    image, mask = open_pair(sample)
    shape, dtype = tuple(image.shape), np.dtype(image.dtype).name
    grid = job.config.plan(shape[:2])
    _check_format(cut_tiles(image, grid, [0])[0], FORMATS[job.file_format])
    _check_merging(grid.tiler, dtype)
    kept = _touched(sample, grid, mask) if job.skip_empty else range(len(grid))
    return ImageTiles(
        id=safe_relative(sample.id),
        source=relative(sample.image, source),
        masks=tuple(relative(mask, source) for mask in sample.masks),
        shape=shape,
        dtype=dtype,
        grid=grid,
        tiles=tuple(_files(sample, k, len(grid), job.file_format) for k in kept),
    )


def _touched(sample: ImageEntry, grid: Grid, mask: Source | None) -> list[int]:
    if mask is not None:
        return [
            k for k in range(len(grid)) if np.asarray(mask[tuple(grid.slices(k))]).any()
        ]
    if sample.label == GOOD:
        return []
    raise TilingError(
        f"{sample.image} has no mask ({sample.image.stem}_mask beside it), so nobody "
        "knows which of its tiles are empty: give it one, or keep empty tiles"
    )


def _files(sample: ImageEntry, k: int, count: int, file_format: str) -> TileFile:
    """Name the files of a tile, by the rule by which masks are found."""
    name = STORAGES[file_format].name
    file = name(sample.id, "", k, count)
    if not sample.masks:
        return TileFile(k, file)
    stem = sample.id
    if sample.split == "test":
        stem = stem.replace(sample.split, "ground_truth", 1)
    return TileFile(k, file, name(stem, "_mask", k, count))


def _check_format(tile: NDArray[Any], suffix: str) -> None:
    if suffix == ZARR:
        load_zarr()
        return
    try:
        codecs.encode(tile, suffix)
    except ValueError as error:
        raise TilingError(str(error)) from error


def _check_merging(tiler: TilerSettings, dtype: str) -> None:
    """Refuse tiles that nobody could put together again."""
    check_mergeable(dtype, "its pixels")
    check_merge(tiler, dtype)
    if tiler.fill is not None:
        check_representable(tiler.fill, dtype, "fill")
