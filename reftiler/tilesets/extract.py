"""Cutting a part of an image: what one worker does at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np

from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.io.datasets import ImageEntry, open_pair
from reftiler.io.info import ReadOptions
from reftiler.io.lazy import LazyImage
from reftiler.io.masks import Mask
from reftiler.io.metadata import Metadata
from reftiler.io.read import fingerprint
from reftiler.streaming import Source
from reftiler.tilesets.job import ExportOptions
from reftiler.tilesets.records import Fingerprint, ImageRecord
from reftiler.tilesets.tile_storage import STORAGES
from reftiler.tilesets.validate import BadImage, batches, cut_tiles, reason

Prints: TypeAlias = tuple[Fingerprint, ...]
"""Of an image and of its masks."""

_BYTES = 2**26  # of the tiles of a part
_TILES = 1024


@dataclass(frozen=True)
class ExtractTask:
    """A part of an image that is to be cut."""

    entry: ImageEntry
    record: ImageRecord  # with the tiles of the part alone
    first: int  # how many of the image's tiles lie before them
    folder: Path
    options: ExportOptions

    @property
    def subject(self) -> str:
        """The image."""
        return str(self.entry.image)


def parts(record: ImageRecord) -> Iterator[tuple[int, ImageRecord]]:
    """Yield the parts of an image, alike for alike records, and their first tiles."""
    pixels = int(np.prod(record.tile_shape))
    step = max(1, min(_TILES, _BYTES // (pixels * np.dtype(record.dtype).itemsize)))
    # A grid remembers what it has computed: a fresh one is small to send to a worker.
    record = replace(record, grid=replace(record.grid))
    for first in range(0, len(record.tiles), step):
        yield first, replace(record, tiles=record.tiles[first : first + step])


def extract(task: ExtractTask) -> int | BadImage:
    """Write the tiles of a part that are not there; return how many it has."""
    record = task.record
    for batch in batches(len(record.tiles), record.tile_shape, record.dtype):
        some = replace(record, tiles=record.tiles[batch.start : batch.stop])
        bad = _extract_batch(task, some, task.first + batch.start)
        if bad is not None:
            return bad
    return len(record.tiles)


def is_changed(entry: ImageEntry, fingerprints: Prints) -> bool:
    """Tell whether an image or one of its masks is no longer what it was."""
    return fingerprints != tuple(map(fingerprint, (entry.image, *entry.masks)))


def changed_error(entry: ImageEntry) -> TilingError:
    """Return the error of an image that is no longer what it was."""
    return TilingError(f"{entry.image} changed while it was being cut")


def _extract_batch(
    task: ExtractTask, record: ImageRecord, first: int
) -> BadImage | None:
    """Write the missing tiles of a batch, and of its masks."""
    storage, folder = STORAGES[task.options.file_format], task.folder
    lacking = []
    for layer in (_image_layer(record), _mask_layer(record)):
        names = [name for name, _ in layer.tiles]
        missing = storage.missing(folder, names, first) if names else []
        tiles = [layer.tiles[k] for k in missing]
        lacking.append(replace(layer, tiles=tiles))
    if not any(layer.tiles for layer in lacking):
        return None
    sources = _open(task)
    try:
        cuts = [
            cut_tiles(source, layer.grid, [index for _, index in layer.tiles])
            for source, layer in zip(sources, lacking, strict=True)
            if source is not None and layer.tiles
        ]
    except (TilingError, MemoryError) as error:
        return BadImage(record.source, reason(task, error))
    for layer, cut in zip([one for one in lacking if one.tiles], cuts, strict=True):
        names = [name for name, _ in layer.tiles]
        metadata = [layer.metadata_of(index) for _, index in layer.tiles]
        storage.write(folder, names, first, cut, metadata, alpha=layer.alpha)
    return None


@dataclass(frozen=True)
class _Layer:
    """The tiles of an image, or of its mask: their names and indices."""

    tiles: list[tuple[str, int]]
    grid: Grid
    metadata: Metadata
    alpha: bool = False

    def metadata_of(self, index: int) -> Metadata:
        """Return a tile's metadata: the image's, moved to its corner."""
        found = self.metadata
        if found.transform is None:
            return found
        if self.grid.geometry.axes[0].resampled:
            rows, columns = (
                Fraction(axis.padded_length, axis.length) for axis in self.grid.axes
            )
            top, left = map(int, self.grid.starts[index])
            return found.scaled(rows, columns).cropped(top, left)
        (top, _), (left, _) = self.grid.boxes[index].tolist()
        above, before = self.grid.tiler.context
        return found.cropped(top - above, left - before)


def _image_layer(record: ImageRecord) -> _Layer:
    tiles = [(tile.file, tile.index) for tile in record.tiles]
    return _Layer(tiles, record.grid, record.image_metadata, record.alpha)


def _mask_layer(record: ImageRecord) -> _Layer:
    tiles = [(tile.mask, tile.index) for tile in record.tiles if tile.mask is not None]
    return _Layer(tiles, record.mask_grid, record.mask_metadata)


def _open(task: ExtractTask) -> tuple[Source, Source | None]:
    """Open an image and the labels of its mask, which must be what they were."""
    record, options = task.record, task.options
    image, mask = _opened(
        task.entry, options.reading, options.mask_threshold, record.fingerprints
    )
    found = (tuple(image.shape), np.dtype(image.dtype).name, mask is not None)
    if found != (record.shape, record.dtype, bool(record.masks)):
        raise changed_error(task.entry)
    return image, None if mask is None else mask.labels


@lru_cache(maxsize=1)
def _opened(
    entry: ImageEntry, reading: ReadOptions, threshold: float | None, prints: Prints
) -> tuple[LazyImage, Mask | None]:
    """Open an image and its mask; the parts of an image come one after the other."""
    if is_changed(entry, prints):
        raise changed_error(entry)
    return open_pair(entry, reading, threshold)


clear_cache = _opened.cache_clear
"""Let go of the image that was cut last."""
