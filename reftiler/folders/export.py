"""Cutting files into files: a folder of tiles from images, their masks in step.

Everything that can be refused is refused by `plan_export`, before a file is written;
`Export.write` then writes the tiles and last of all the manifest. The tiles of a data
set are laid out as a data set themselves.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from reftiler.applying import cut_tile
from reftiler.base import BaseTiler
from reftiler.calls import check_merge
from reftiler.config import TilingConfig
from reftiler.datasets import GOOD, Sample, load_pair
from reftiler.dtypes import check_mergeable, check_representable
from reftiler.errors import TilingError
from reftiler.files import AllOrNothing, inner_name, inner_path
from reftiler.folders.manifest import FORMATS, NAME, ImageTiles, Manifest, TileFile
from reftiler.grid import Grid
from reftiler.images import formats, write_image

__all__ = ["Advance", "Export", "plan_export"]

Array = NDArray[Any]
Advance = Callable[[], object]
"""What is called when one more image is checked, or one more tile written."""


@dataclass(frozen=True)
class Export:
    """
    Checked images and the manifest of their tiles, which are still to be written.

    Attributes
    ----------
    samples : tuple of Sample
        The images on disk, in step with the manifest's.
    manifest : Manifest
        What will be written.
    """

    samples: tuple[Sample, ...]
    manifest: Manifest

    @property
    def count(self) -> int:
        """How many tiles there are to write, masks not counted."""
        return sum(len(image.tiles) for image in self.manifest.images)

    def write(
        self,
        folder: Path,
        *,
        earlier: Manifest | None = None,
        advance: Advance = lambda: None,
    ) -> None:
        """
        Write tiles and manifest; if that fails, nothing of them is left.

        Parameters
        ----------
        folder : Path
            Made if need be. No other file in it is ever touched.
        earlier : Manifest, optional
            That of an earlier run in this folder, whose files are removed first.
        advance : callable
            Called after each tile.

        Raises
        ------
        TilingError
            If a file is in the way, the disk refuses, or an image is no longer what
            it was when it was checked.
        """
        self._check_way(folder, earlier)
        if earlier is not None:
            earlier.remove(folder)
        with AllOrNothing() as files:
            for sample, record in zip(self.samples, self.manifest.images, strict=True):
                for tile, image, mask in _cut(sample, record):
                    files.write(folder / tile.file, partial(write_image, image=image))
                    if tile.mask is not None and mask is not None:
                        files.write(
                            folder / tile.mask, partial(write_image, image=mask)
                        )
                    advance()
            files.write(folder / NAME, self.manifest.write)

    def _check_way(self, folder: Path, earlier: Manifest | None) -> None:
        """Refuse to overwrite what is not ours, or what is yet to be read."""
        replaced = {folder / name for name in (*earlier.files, NAME)} if earlier else {}
        for name in (*self.manifest.files, NAME):
            path = inner_path(folder, name)
            if path.exists() and path not in replaced:
                raise TilingError(
                    f"{path} is in the way and no tile of an earlier run: move it, or "
                    "choose another folder"
                )
        doomed = {path.resolve() for path in replaced}
        for sample in self.samples:
            for path in filter(None, (sample.image, sample.mask)):
                if path.resolve() in doomed:
                    raise TilingError(
                        f"{path} is a tile that would be overwritten while it is being "
                        "cut: choose another folder"
                    )


def plan_export(
    samples: Iterable[Sample],
    config: TilingConfig,
    *,
    source: Path,
    file_format: str = "png",
    skip_empty: bool = False,
    advance: Advance = lambda: None,
) -> Export:
    """
    Read and check all images and masks, and plan the files of their tiles.

    Parameters
    ----------
    samples : iterable of Sample
        What to cut.
    config : TilingConfig
        How to cut; switched on. Channels are last, as in files, whatever it says.
    source : Path
        The image, folder or data set in which the samples were found.
    file_format : str
        Of the tiles: png, tiff or npy.
    skip_empty : bool
        Keep only the tiles in which the mask marks a pixel. An image without a mask
        is refused, unless its label says that it is good: then it has no such tile.
    advance : callable
        Called after each image.

    Raises
    ------
    TilingError
        If an image or a mask cannot be read, they do not fit each other, or they do
        not suit the tiler or the format; the file is named.
    """
    if config.tiler is None:
        raise TilingError("the configuration switches tiling off: there is no tile")
    tiler = replace(config.tiler, channels_last=True)
    config = replace(config, tiler=tiler)
    checked, records = [], []
    for sample in samples:
        try:
            records.append(
                _record(sample, config, source, FORMATS[file_format], skip_empty)
            )
        except (TilingError, TypeError) as error:
            known = str(sample.image) in str(error)
            words = str(error) if known else f"{sample.image}: {error}"
            raise TilingError(words) from error
        checked.append(sample)
        advance()
    random = None
    if config.random_count is not None:
        random = {"count": config.random_count, "seed": config.seed}
    name = source.resolve().name
    return Export(
        tuple(checked),
        Manifest(name, file_format, random, skip_empty, tuple(records)),
    )


def _record(
    sample: Sample, config: TilingConfig, source: Path, suffix: str, skip_empty: bool
) -> ImageTiles:
    image, mask = load_pair(sample)
    grid = config.plan(image.shape[:2])
    _check_format(cut_tile(image, grid, 0), suffix)
    _check_merging(grid.tiler, image.dtype.name)
    kept = _touched(sample, grid, mask) if skip_empty else range(len(grid))
    return ImageTiles(
        id=inner_name(sample.id),
        source=_relative(sample.image, source),
        mask=None if sample.mask is None else _relative(sample.mask, source),
        shape=image.shape,
        dtype=image.dtype.name,
        grid=grid,
        tiles=tuple(_files(sample, k, len(grid), suffix) for k in kept),
    )


def _touched(sample: Sample, grid: Grid, mask: Array | None) -> list[int]:
    if mask is not None:
        return list(map(int, grid.touching(mask)))
    if sample.label == GOOD:
        return []
    raise TilingError(
        f"{sample.image} has no mask ({sample.image.stem}_mask beside it), so nobody "
        "knows which of its tiles are empty: give it one, or keep empty tiles"
    )


def _files(sample: Sample, k: int, count: int, suffix: str) -> TileFile:
    """Name the files of a tile, by the rule by which masks are found."""
    name = f"{sample.id}_{k:0{max(4, len(str(count - 1)))}d}"
    if sample.mask is None:
        return TileFile(k, name + suffix)
    in_dataset = sample.split == "test"
    mask = name.replace(sample.split, "ground_truth", 1) if in_dataset else name
    return TileFile(k, name + suffix, f"{mask}_mask{suffix}")


def _relative(path: Path, source: Path) -> str:
    """Say where in the source a file lies, without saying where the source lies."""
    inside = path.is_relative_to(source) and path != source
    return path.relative_to(source).as_posix() if inside else path.name


def _check_format(tile: Array, suffix: str) -> None:
    try:
        formats.encode(tile, suffix)
    except ValueError as error:
        raise TilingError(str(error)) from error


def _check_merging(tiler: BaseTiler, dtype: str) -> None:
    """Refuse tiles that nobody could put together again."""
    check_mergeable(dtype, "its pixels")
    check_merge(tiler, dtype)
    if tiler.fill is not None:
        check_representable(tiler.fill, dtype, "fill")


def _cut(
    sample: Sample, record: ImageTiles
) -> Iterator[tuple[TileFile, Array, Array | None]]:
    """Yield each tile and its mask, one at a time."""
    image, mask = load_pair(sample)
    known = (record.shape, record.dtype, record.mask is not None)
    if (image.shape, image.dtype.name, mask is not None) != known:
        raise TilingError(f"{sample.image} changed while it was being cut: try again")
    for tile in record.tiles:
        marked = None if mask is None else cut_tile(mask, record.mask_grid, tile.index)
        yield tile, cut_tile(image, record.grid, tile.index), marked
