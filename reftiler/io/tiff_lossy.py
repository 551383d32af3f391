"""Whether a TIFF keeps its pixels only nearly."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from reftiler.io.jpeg2000 import is_lossy_stream

__all__ = ["is_lossy"]

_LOSSY = frozenset({6, 7, 33007, 34892})  # JPEG
_LOSSY |= {22610, 34934, 48124, 50002, 52546}  # JPEG XR, Jetraw, JPEG XL: not told
_JPEG_2000 = frozenset({33003, 33004, 33005, 34712})
_WEBP, _LERC = 50001, 34887
_LERC_PARAMETERS, _DEFLATE, _ZSTD = 50674, 1, 2
_START = 4096  # bytes of a chunk that hold its header


def is_lossy(series: Any) -> bool:
    """Tell whether the pixels of a series may differ from those that were written.

    True also where the compression does not tell; JPEG 2000, WebP and LERC tell in the
    header of the first chunk.
    """
    page = series.keyframe
    kind = page.compression
    if kind in _JPEG_2000:
        data = _first_chunk(page)
        start = data.find(b"\xff\x4f\xff\x51")
        return start < 0 or is_lossy_stream(data[start:])
    if kind == _WEBP:
        return _first_chunk(page)[12:16] != b"VP8L"
    if kind == _LERC:
        return _has_error_bound(page)
    return kind in _LOSSY


def _first_chunk(page: Any, *, whole: bool = False) -> bytes:
    """Return the first chunk that is stored, or the start of it."""
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if count:
            page.parent.filehandle.seek(offset)
            return bytes(
                page.parent.filehandle.read(count if whole else min(count, _START))
            )
    return b""


def _has_error_bound(page: Any) -> bool:
    """Tell whether LERC may change values: integers are whole below an error of 1."""
    data = _lerc_start(page)
    if data[:6] != b"Lerc2 " or len(data) < 10:
        return True
    (version,) = struct.unpack_from("<i", data, 6)
    at = 10 + (4 if version >= 3 else 0) + (28 if version >= 4 else 24)
    at += 8 if version >= 6 else 0
    if len(data) < at + 8:
        return True
    (error,) = struct.unpack_from("<d", data, at)
    return bool(error >= 1 or (error > 0 and page.dtype.kind == "f"))


def _lerc_start(page: Any) -> bytes:
    """Return the first chunk's header, which may be compressed once more."""
    parameters = page.tags.valueof(_LERC_PARAMETERS, ())
    more = parameters[1] if len(parameters) > 1 else 0
    if more == _DEFLATE:
        return zlib.decompressobj().decompress(_first_chunk(page), _START)
    if more == _ZSTD:
        import imagecodecs  # noqa: PLC0415 - an extra, without which no LERC is read

        return bytes(imagecodecs.zstd_decode(_first_chunk(page, whole=True)))
    return _first_chunk(page)
