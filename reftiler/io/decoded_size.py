"""How large a compressed chunk gets, told before it is decoded.

A few bytes can stand for gigabytes. Some formats say how many, some are followed in
small steps whose results are dropped, and only where so few bytes could be too many.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, TypeAlias

Data: TypeAlias = bytes | memoryview

_STEP = 2**20  # bytes decoded at once and dropped
_MOST = {"gzip": 1100, "zlib": 1100, "bz2": 1_100_000, "lzma": 10_000}
"""How many bytes one byte can stand for."""

_ZSTD_FRAME, _ZSTD_BLOCK = 0xFD2FB528, 2**17


def decoded_size(codec: str, data: Data, limit: int) -> int:
    """Return how many bytes compressed bytes stand for, at most, exact up to `limit`.

    Other codecs than `COMPRESSORS` do not change sizes much. What is damaged raises
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
COMPRESSORS = frozenset({"blosc", "lz4", "zstd", *_STREAMS})
"""The codecs of zarr whose results may be much larger than what they read."""
