"""Zarr's folders as stores that read nothing but files within them, of limited size.

A few bytes can stand for gigabytes: how large a compressed chunk gets is told before it
is decoded. Some formats say it, some are followed in small steps whose results are
dropped, and only where so few bytes could be too many.
"""

from __future__ import annotations

import bz2
import lzma
import stat
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from zarr.abc.store import RangeByteRequest
from zarr.storage import LocalStore

from reftiler.io.zarr_metadata import ChunkCoding

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

Data: TypeAlias = bytes | memoryview

_SLACK = 2**20  # bytes that a chunk may have more than it needs
_STEP = 2**20  # bytes decoded at once and dropped
_MOST = {"gzip": 1100, "zlib": 1100, "bz2": 1_100_000, "lzma": 10_000}
"""How many bytes one byte can stand for."""
_ZSTD_FRAME, _ZSTD_BLOCK = 0xFD2FB528, 2**17
_WIDEST = 8  # times as large as it is a filter may make a chunk: bytes as float64


class FolderStore(LocalStore):
    """The folder of an array, whose chunks are read if they lie in it and are chunks.

    A link could show any file of this machine as pixels; a pipe or a device would never
    end; a chunk of some bytes could decode to gigabytes.
    """

    def __init__(
        self, root: Path, coding: ChunkCoding, *, read_only: bool, max_bytes: int
    ) -> None:
        super().__init__(root.resolve(), read_only=read_only)
        self.coding, self.max_bytes = coding, max_bytes

    def with_read_only(self, read_only: bool = False) -> FolderStore:
        """Return the same store, which may be written or not."""
        return FolderStore(
            self.root, self.coding, read_only=read_only, max_bytes=self.max_bytes
        )

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return a chunk, a shard or a part of one; None if there is none."""
        self._check_file(key, whole=byte_range is None)
        found = await super().get(key, prototype, byte_range)
        return self._checked(key, found, byte_range)

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Return parts of shards."""
        return [await self.get(key, prototype, part) for key, part in key_ranges]

    def get_sync(
        self,
        key: str,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return a chunk, a shard or a part of one; None if there is none."""
        self._check_file(key, whole=byte_range is None)
        found = super().get_sync(key, prototype=prototype, byte_range=byte_range)
        return self._checked(key, found, byte_range)

    def _check_file(self, key: str, *, whole: bool) -> None:
        try:
            path = (self.root / key).resolve(strict=True)
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return
        if not path.is_relative_to(self.root):
            raise ValueError(f"{key} is a link out of the folder: it is not read")
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            raise ValueError(f"{key} is no regular file")
        if whole and found.st_size > self.max_bytes + _SLACK:
            raise ValueError(
                f"{key} has {found.st_size:,} bytes, the limit is {self.max_bytes:,}"
            )

    def _checked(
        self, key: str, found: Buffer | None, part: ByteRequest | None
    ) -> Buffer | None:
        """Refuse what would decode to far more than a chunk."""
        if found is None or self.coding.compressor is None:
            return found
        data = np.asarray(found.as_numpy_array()).data
        limit = _WIDEST * self.coding.size + _SLACK
        for chunk in self._chunks(data, part):
            if _decoded_size(self.coding.compressor, chunk, limit) > limit:
                raise ValueError(
                    f"{key} decodes to far more than the {self.coding.size:,} bytes of "
                    "a chunk: it is damaged"
                )
        return found

    def _chunks(self, data: memoryview, part: ByteRequest | None) -> list[memoryview]:
        """Return the coded chunks in a file, or in a part of one."""
        index = self.coding.index
        if index is None:
            return [data]
        if part is not None:
            of_chunk = isinstance(part, RangeByteRequest) and not (
                index.at_start and part.start == 0
            )
            return [data] if of_chunk else []  # else it is the index
        if len(data) < index.size:
            return []  # its decoder will say so
        start = 0 if index.at_start else len(data) - index.size
        table = np.frombuffer(data[start:], "<u8", 2 * index.count).reshape(-1, 2)
        return [  # as ints: a sum may need more than 64 bits
            data[int(at) : int(at) + int(n)] for at, n in table if at < len(data)
        ]


# How many bytes a chunk decodes to


def _decoded_size(codec: str, data: Data, limit: int) -> int:
    """Return how many bytes compressed bytes stand for, at most, exact up to `limit`.

    Codecs that are no `COMPRESSORS` do not change sizes much. What is damaged raises
    ValueError, IndexError, OSError or an error of zlib or lzma.
    """
    if codec == "blosc":
        return int.from_bytes(data[4:8], "little")
    if codec == "lz4":
        return int.from_bytes(data[:4], "little")
    if codec == "zstd":
        return _zstd_size(data)
    if codec in _STREAMS and len(data) * _MOST[codec] > limit:
        return _streamed_size(_STREAMS[codec], data, limit)
    return len(data)


def _streamed_size(start: Callable[[], Any], data: Data, limit: int) -> int:
    size = 0
    while data and size <= limit:
        stream, rest = start(), data
        while not stream.eof and size <= limit:
            found = len(stream.decompress(rest, _STEP))
            rest = getattr(stream, "unconsumed_tail", b"")
            size += found
            if not found and not rest and not stream.eof:
                return size  # cut short: its decoder will say so
        data = stream.unused_data if size else b""
        if start is not _STREAMS["gzip"] or data[:2] != b"\x1f\x8b":
            break  # only gzip goes on with another stream
    return size


def _zstd_size(data: Data) -> int:
    """Add up what the frames say of their sizes, or else their blocks' largest."""
    size, at = 0, 0
    while int.from_bytes(data[at : at + 4], "little") == _ZSTD_FRAME:
        flags = data[at + 4]
        single, checksum = flags & 32, flags & 4
        at += 5 + (not single) + (0, 1, 2, 4)[flags & 3]
        length = (1 if single else 0, 2, 4, 8)[flags >> 6]
        said = int.from_bytes(data[at : at + length], "little")
        at, blocks, last = at + length, 0, 0
        while not last:
            header = data[at] | data[at + 1] << 8 | data[at + 2] << 16
            last, kind, block = header & 1, header >> 1 & 3, header >> 3
            blocks += _ZSTD_BLOCK if kind == 2 else block
            at += 3 + (1 if kind == 1 else block)  # one byte, repeated
        at += 4 if checksum else 0
        size += said + (256 if length == 2 else 0) if length else blocks
    return size


_STREAMS: dict[str, Callable[[], Any]] = {
    "zlib": zlib.decompressobj,
    "gzip": lambda: zlib.decompressobj(31),
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}
