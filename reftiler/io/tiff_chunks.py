"""Regions of TIFF pages: only the chunks (strips or tiles) they meet are decoded."""

from __future__ import annotations

import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from reftiler.io.tiff_codecs import chunk_decoder

Array = NDArray[Any]

_CACHE = 2**25
"""Bytes of decoded chunks that are kept for the slices that follow."""
_SHAPED = "SZYXC"  # the axes of tifffile's `shaped`; S and C are samples, apart or not


class ChunkedPages:
    """Pages like `keyframe`, whose file is open, read by slices from `path`."""

    def __init__(
        self, path: Path, keyframe: Any, pages: Sequence[Any], max_bytes: int
    ) -> None:
        self._path = path
        self._full: tuple[int, ...] = keyframe.shaped
        self.dtype, self.fill = np.dtype(keyframe.dtype), keyframe.nodata
        self._chunk = _chunk_shape(keyframe)
        self._grid = [
            -(-size // part) for size, part in zip(self._full, self._chunk, strict=True)
        ]
        size = math.prod(self._chunk) * self.dtype.itemsize
        if size > max_bytes:
            raise ValueError(
                f"a chunk of the TIFF holds {size:,} bytes of pixels, more than "
                f"{max_bytes:,}: raise --max-bytes (max_bytes) if you trust the file"
            )
        for page in pages:
            _check_chunks(page, math.prod(self._grid), keyframe.parent.filehandle.size)
        self._chunks = [(p.dataoffsets, p.databytecounts, p.jpegtables) for p in pages]
        counts = [count for _, every, _ in self._chunks for count in every]
        self.sparse = counts.count(0), len(counts)  # how many of them are not stored
        self._decode = chunk_decoder(keyframe)
        self._axes = [_axis(name, keyframe) for name in keyframe.axes]
        self._cache = _ChunkCache()

    def read(self, page: int, index: Sequence[slice]) -> Array:
        """Return a region of a page, a slice of each of its axes."""
        box = [slice(0, size) for size in self._full]
        for axis, part in zip(self._axes, index, strict=True):
            box[axis] = part
        out = np.empty([part.stop - part.start for part in box], self.dtype)
        met = [
            range(part.start // size, -(-part.stop // size))
            for part, size in zip(box, self._chunk, strict=True)
        ]
        with self._path.open("rb") as file:
            for place in itertools.product(*met):
                self._copy(self._decoded(file, page, place), place, box, out)
        return out.reshape([part.stop - part.start for part in index])

    def _copy(
        self,
        pixels: Array | None,
        place: tuple[int, ...],
        box: Sequence[slice],
        out: Array,
    ) -> None:
        """Copy what a box has of a chunk; None is one that is not stored."""
        source, target = [], []
        for at, size, part in zip(place, self._chunk, box, strict=True):
            first, stop = max(at * size, part.start), min((at + 1) * size, part.stop)
            source.append(slice(first - at * size, stop - at * size))
            target.append(slice(first - part.start, stop - part.start))
        if pixels is None:
            out[tuple(target)] = self.fill
            return
        part_of_chunk = pixels[tuple(source[1:])]
        if part_of_chunk.shape != tuple(one.stop - one.start for one in source[1:]):
            raise ValueError("the TIFF is damaged: a chunk holds too few pixels")
        out[tuple(target)] = part_of_chunk

    def _decoded(
        self, file: BinaryIO, page: int, place: tuple[int, ...]
    ) -> Array | None:
        number = int(np.ravel_multi_index(place, self._grid))
        offsets, counts, tables = self._chunks[page]
        if not counts[number]:
            return None
        found = self._cache.get((page, number))
        if found is not None:
            return found
        file.seek(int(offsets[number]))
        data = file.read(int(counts[number]))
        if len(data) < counts[number]:
            raise ValueError("the TIFF was cut short while it was read")
        pixels = self._decode(data, number, tables)
        self._cache.put((page, number), pixels)
        return pixels


class _ChunkCache:
    """The chunks decoded last, up to so many bytes, for several threads."""

    def __init__(self) -> None:
        self._bytes = 0
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
            while self._bytes > _CACHE and len(self._found) > 1:
                self._bytes -= self._found.popitem(last=False)[1].nbytes


def _check_chunks(page: Any, expected: int, size: int) -> None:
    """Refuse a page that lacks chunks; offset and size of one not stored are both 0."""
    offsets, counts = page.dataoffsets, page.databytecounts
    if not len(offsets) == len(counts) == expected:
        raise ValueError("the TIFF is damaged: it lacks strips")
    for offset, count in zip(offsets, counts, strict=True):
        if offset + count > size:
            raise ValueError(f"the TIFF is truncated after {size:,} bytes")
        if bool(offset) != bool(count):
            raise ValueError("the TIFF is damaged: it lacks strips")


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
