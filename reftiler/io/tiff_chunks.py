"""Regions of TIFF pages: only the chunks (strips or tiles) they meet are decoded."""

from __future__ import annotations

import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from reftiler.io.tiff_codecs import Decode, chunk_decoder

__all__ = ["ChunkedPages", "PageChunks", "page_chunks"]

Array = NDArray[Any]

_CACHE = 2**25
"""Bytes of decoded chunks that are kept for the slices that follow."""
_SHAPED = "SZYXC"  # the axes of `ChunkedPages.full`; S and C are samples, apart or not


@dataclass(frozen=True)
class PageChunks:
    """
    Where the chunks of a page lie.

    Attributes
    ----------
    offsets, counts : sequence of int
        Of each chunk's bytes in the file; both 0 where a chunk is not stored.
    tables : bytes or None
        What JPEG chunks share.
    """

    offsets: Sequence[int]
    counts: Sequence[int]
    tables: bytes | None


def page_chunks(page: Any, expected: int, size: int) -> PageChunks:
    """Return where a page's chunks lie; refuse missing ones."""
    offsets, counts = page.dataoffsets, page.databytecounts
    if not len(offsets) == len(counts) == expected:
        raise ValueError("the TIFF is damaged: it lacks strips")
    for offset, count in zip(offsets, counts, strict=True):
        if offset + count > size:
            raise ValueError(f"the TIFF is truncated after {size:,} bytes")
        if bool(offset) != bool(count):
            raise ValueError("the TIFF is damaged: it lacks strips")
    return PageChunks(offsets, counts, page.jpegtables)


class ChunkedPages:
    """Pages of one shape and dtype as an array ``(pages, *page)``, read by slices."""

    def __init__(
        self, path: Path, keyframe: Any, pages: Sequence[Any], max_bytes: int
    ) -> None:
        self._path = path
        self.full: tuple[int, ...] = keyframe.shaped
        self.dtype = np.dtype(keyframe.dtype)
        self.chunk = _chunk_shape(keyframe)
        self._grid = [
            -(-size // part) for size, part in zip(self.full, self.chunk, strict=True)
        ]
        size = math.prod(self.chunk) * self.dtype.itemsize
        if size > max_bytes:
            raise ValueError(
                f"a chunk of the TIFF holds {size:,} bytes of pixels, more than "
                f"{max_bytes:,}: raise --max-bytes (max_bytes) if you trust the file"
            )
        expected = math.prod(self._grid)
        end = keyframe.parent.filehandle.size
        self._chunks = [page_chunks(page, expected, end) for page in pages]
        self._decode: Decode = chunk_decoder(keyframe)
        self._fill = keyframe.nodata
        self._axes = [_axis(name, keyframe) for name in keyframe.axes]
        self._cache = _ChunkCache()

    @property
    def sparse(self) -> tuple[int, int]:
        """How many chunks are not stored, and how many there are."""
        counts = [count for page in self._chunks for count in page.counts]
        return counts.count(0), len(counts)

    @property
    def fill(self) -> Any:
        """The value of pixels that are not stored."""
        return self._fill

    def read(self, page: int, index: Sequence[slice]) -> Array:
        """Return a region of a page, a slice of each of its axes."""
        box = [slice(0, size) for size in self.full]
        for axis, part in zip(self._axes, index, strict=True):
            box[axis] = part
        out = np.empty([part.stop - part.start for part in box], self.dtype)
        with self._path.open("rb") as file:
            for place in self._met(box):
                self._copy(file, page, place, box, out)
        return out.reshape([part.stop - part.start for part in index])

    def _met(self, box: Sequence[slice]) -> Iterator[tuple[int, ...]]:
        """Yield the places, in the grid of chunks, of those that a box meets."""
        ranges = [
            range(part.start // size, -(-part.stop // size))
            for part, size in zip(box, self.chunk, strict=True)
        ]
        return itertools.product(*ranges)

    def _copy(
        self,
        file: BinaryIO,
        page: int,
        place: tuple[int, ...],
        box: Sequence[slice],
        out: Array,
    ) -> None:
        """Copy what a box has of a chunk."""
        pixels = self._decoded(file, page, place)
        source, target = [], []
        for at, size, part in zip(place, self.chunk, box, strict=True):
            first, stop = max(at * size, part.start), min((at + 1) * size, part.stop)
            source.append(slice(first - at * size, stop - at * size))
            target.append(slice(first - part.start, stop - part.start))
        if pixels is None:
            out[tuple(target)] = self._fill
            return
        part_of_chunk = pixels[tuple(source[1:])]
        if part_of_chunk.shape != tuple(one.stop - one.start for one in source[1:]):
            raise ValueError("the TIFF is damaged: a chunk holds too few pixels")
        out[tuple(target)] = part_of_chunk

    def _decoded(
        self, file: BinaryIO, page: int, place: tuple[int, ...]
    ) -> Array | None:
        number = int(np.ravel_multi_index(place, self._grid))
        chunks = self._chunks[page]
        offset, count = int(chunks.offsets[number]), int(chunks.counts[number])
        if not count:
            return None
        found = self._cache.get((page, number))
        if found is not None:
            return found
        file.seek(offset)
        data = file.read(count)
        if len(data) < count:
            raise ValueError("the TIFF was cut short while it was read")
        pixels = self._decode(data, number, chunks.tables)
        self._cache.put((page, number), pixels)
        return pixels


class _ChunkCache:
    """The chunks decoded last, up to so many bytes, for several threads."""

    def __init__(self, limit: int = _CACHE) -> None:
        self._limit, self._bytes = limit, 0
        self._found: OrderedDict[tuple[int, int], Array] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[int, int]) -> Array | None:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def put(self, key: tuple[int, int], pixels: Array) -> None:
        """Keep a chunk; the last one stays, whatever its size."""
        with self._lock:
            if key not in self._found:
                self._bytes += pixels.nbytes
            self._found[key] = pixels
            while self._bytes > self._limit and len(self._found) > 1:
                self._bytes -= self._found.popitem(last=False)[1].nbytes


def _chunk_shape(page: Any) -> tuple[int, ...]:
    """Return a chunk's shape: samples apart, slices, rows, columns, samples."""
    _, _, height, width, samples = page.shaped
    if page.is_tiled:
        return (1, page.tiledepth, page.tilelength, page.tilewidth, samples)
    return (1, 1, min(page.rowsperstrip, height), width, samples)


def _axis(name: str, page: Any) -> int:
    """Return which axis of a page's full shape one of its named axes is."""
    if name == "S":
        return 4 if page.planarconfig == 1 else 0
    return _SHAPED.index(name)
