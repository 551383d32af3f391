"""Cutting a part of an image: what one worker does at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from reftiler.errors import TilingError
from reftiler.io.datasets import ImageEntry, open_pair
from reftiler.io.read import fingerprint
from reftiler.streaming import Source
from reftiler.tilesets.journal import Entry, Prints
from reftiler.tilesets.records import ImageTiles
from reftiler.tilesets.tile_storage import STORAGES
from reftiler.tilesets.validate import cut_tiles

__all__ = ["Cut", "cut", "forget", "parts", "take_prints"]

_BYTES = 2**25  # of the tiles of a part
_TILES = 1024


@dataclass(frozen=True)
class Cut:
    """
    A part of an image that is to be cut.

    Attributes
    ----------
    sample : ImageEntry
        The image on disk.
    entry : Entry
        What it was when it was checked; of its record, the tiles of the part alone.
    first : int
        How many of the image's tiles lie before them.
    folder : Path
        Where the tiles go.
    file_format : str
        Theirs.
    """

    sample: ImageEntry
    entry: Entry
    first: int
    folder: Path
    file_format: str

    @property
    def subject(self) -> str:
        """The image."""
        return str(self.sample.image)


def parts(record: ImageTiles) -> Iterator[tuple[int, ImageTiles]]:
    """Yield the parts of an image, alike for alike records, and their first tiles."""
    pixels = int(np.prod((*record.grid.tiler.tile_size, *record.shape[2:])))
    size = pixels * np.dtype(record.dtype).itemsize
    step = max(1, min(_TILES, _BYTES // size))
    for first in range(0, len(record.tiles), step):
        tiles = record.tiles[first : first + step]
        yield first, replace(record, tiles=tiles)


def cut(job: Cut) -> int:
    """
    Write the tiles of a part, but for those that are there; return how many it has.

    Raises
    ------
    TilingError
        The image changed or cannot be read, or the disk refuses.
    """
    image, mask = _opened(job.sample, job.entry.prints)
    record = job.entry.record
    found = (tuple(image.shape), np.dtype(image.dtype).name, mask is not None)
    if found != (record.shape, record.dtype, bool(record.masks)):
        raise changed(job.sample)
    numbers = [tile.index for tile in record.tiles]
    write = STORAGES[job.file_format].write
    tiles = cut_tiles(image, record.grid, numbers)
    write(job.folder, record.tile_names, job.first, tiles)
    if mask is not None:
        tiles = cut_tiles(mask, record.mask_grid, numbers)
        write(job.folder, record.mask_names, job.first, tiles)
    return len(numbers)


def take_prints(sample: ImageEntry) -> Prints:
    """
    Take the fingerprints of an image and its mask.

    Raises
    ------
    TilingError
        A file is not there.
    """
    return tuple(map(fingerprint, (sample.image, *sample.masks)))


def changed(sample: ImageEntry) -> TilingError:
    """Return the error of an image that is no longer what it was."""
    return TilingError(f"{sample.image} changed while it was being cut")


@lru_cache(maxsize=1)
def _opened(sample: ImageEntry, prints: Prints) -> tuple[Source, Source | None]:
    """Open an image and its mask; the parts of an image come one after the other."""
    if take_prints(sample) != prints:
        raise changed(sample)
    return open_pair(sample)


forget = _opened.cache_clear
"""Let go of the image that was cut last."""
