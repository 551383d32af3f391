"""Decoding of a TIFF's chunks (strips or tiles).

tifffile does it with imagecodecs, the extra ``codecs``, where that is installed. Two
things it is not trusted with: JPEG, of which it fills what is missing with grey, and
LZW, PackBits and faxes, on whose damage it has crashed (imagecodecs 2026.3.6). Those
are for Pillow's libjpeg and libtiff. Without imagecodecs zlib does deflate, and all
else is refused with the name of the extra.
"""

from __future__ import annotations

import io
import os
import re
import struct
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from reftiler.io.codecs import has_imagecodecs
from reftiler.io.info import ReadOptions
from reftiler.io.jpeg import FRAMES, open_jpeg, segments
from reftiler.io.jpeg2000 import is_lossy_stream

Array = NDArray[Any]
Decode: TypeAlias = Callable[[bytes, int, bytes | None], Array]
"""Takes a chunk's bytes, its number and JPEG's tables; returns its pixels as
``(D, L, W, S)``: slices, rows, columns and samples."""

_NONE, _LZW, _JPEG, _PACKBITS = 1, 5, 7, 32773
_DEFLATE = (8, 32946)
_ADDED = 2**20  # bytes that may follow the pixels of a deflated chunk
_FAX = (2, 3, 4)
_LIBTIFF_DOES = (_LZW, _PACKBITS, *_FAX)
_JPEGS = (6, _JPEG, 33007, 34892)
_APP14 = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"  # and a byte: the transform
_LIBTIFF_LINE = re.compile(
    r"^(tempfile\.tif|_?TIFF\w*|\w*(Decode|Setup|Lib|Codec|Predict)\w*): .*",
    re.MULTILINE,
)
_LOSSY = frozenset({6, 7, 33007, 34892})  # JPEG
_LOSSY |= {22610, 34934, 48124, 50002, 52546}  # JPEG XR, Jetraw, JPEG XL: not told
_JPEG_2000 = frozenset({33003, 33004, 33005, 34712})
_WEBP, _LERC = 50001, 34887
_LERC_PARAMETERS, _LERC_DEFLATE, _LERC_ZSTD = 50674, 1, 2
_START = 4096  # bytes of a chunk that hold its header
_LOCK = threading.Lock()


def chunk_decoder(page: Any) -> Decode:
    """Return the decoder of a page's chunks, or say what to install for it."""
    if _is_plain_jpeg(page):
        return _jpeg_decoder(page)
    if page.compression in _LIBTIFF_DOES or not has_imagecodecs():
        return _simple_decoder(page)
    for known, key in (
        (tifffile.TIFF.DECOMPRESSORS, page.compression),
        (tifffile.TIFF.UNPREDICTORS, page.predictor),
    ):
        if key not in known:
            raise ValueError(f"{_compression(page)} is not read: save it otherwise")
    decode, header = page.decode, page.jpegheader

    def with_tifffile(data: bytes, index: int, tables: bytes | None) -> Array:
        return np.asarray(decode(data, index, jpegtables=tables, jpegheader=header)[0])

    if page.compression in _JPEGS:
        return with_tifffile
    return lambda data, index, tables: np.asarray(decode(data, index)[0])


def _compression(page: Any) -> str:
    """Name how a page is stored, for messages."""
    name = getattr(page.compression, "name", f"compression {page.compression}")
    predictor = f" with predictor {page.predictor}" if page.predictor != 1 else ""
    return f"{name}{predictor} of {page.bitspersample} bits"


def _chunk_shape(page: Any, index: int) -> tuple[int, int, int, int]:
    """Return slices, rows, columns and samples of a chunk as it is stored."""
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    if page.is_tiled:
        return page.tiledepth, page.tilelength, page.tilewidth, samples
    per_plane = -(-page.imagelength // page.rowsperstrip)
    row = index % per_plane * page.rowsperstrip
    rows = min(page.rowsperstrip, page.imagelength - row)
    return 1, rows, int(page.imagewidth), samples


# JPEG


def _is_plain_jpeg(page: Any) -> bool:
    plain = page.compression == _JPEG and page.bitspersample == 8
    grey = page.samplesperpixel == 1 or page.planarconfig != 1
    return bool(plain and not page.jpegheader and (grey or page.samplesperpixel == 3))


def _jpeg_decoder(page: Any) -> Decode:
    # A stream without a marker of its own is what the tags say: Aperio's are RGB.
    rgb = page.photometric == tifffile.PHOTOMETRIC.RGB and not page.is_jfif
    marker = _APP14 + (b"\0" if rgb else b"\1")
    color = page.samplesperpixel == 3 and page.planarconfig == 1

    def decode(data: bytes, index: int, tables: bytes | None) -> Array:
        stream = data
        if tables:
            stream = tables[: tables.rindex(b"\xff\xd9")] + data[2:]
        if color:
            at = _frame_header(stream)  # a marker just before it is the last
            stream = stream[:at] + marker + stream[at:]
        picture = open_jpeg(stream, ReadOptions())
        for note in picture.info.notes:  # which would come after the image's
            raise ValueError(f"the TIFF is damaged: a chunk is no sound JPEG ({note})")
        pixels = picture.decode()
        depth, rows, columns, samples = _chunk_shape(page, index)
        if pixels.ndim != (3 if samples > 1 else 2):
            raise ValueError("the JPEG's samples are not those of the TIFF")
        if depth != 1 or pixels.shape[0] > rows or pixels.shape[1] > columns:
            raise ValueError("the JPEG's size is not that of the TIFF's chunk")
        return pixels.reshape(1, *pixels.shape[:2], samples)

    return decode


def _frame_header(stream: bytes) -> int:
    for marker, content, _ in segments(stream, []):
        if marker in FRAMES:
            return content - 4
    raise ValueError("the JPEG is damaged: it has no frame header")


# Without imagecodecs


def _is_simple(page: Any) -> bool:
    bits, dtype = page.bitspersample, page.dtype
    if isinstance(bits, tuple) or dtype is None or page.is_subsampled:
        return False
    if page.compression in _FAX:
        return bool(bits == 1 and page.predictor == 1)
    known = page.compression in (_NONE, *_LIBTIFF_DOES, *_DEFLATE)
    if known and bits == 8 * dtype.itemsize:
        floats = dtype.kind == "f"
        return page.predictor in (1, 2) or bool(page.predictor == 3 and floats)
    return bool(known and page.predictor == 1 and dtype.kind in "bu" and bits <= 16)


def _simple_decoder(page: Any) -> Decode:
    if not _is_simple(page):
        help_text = "is not read: save it otherwise"
        if not has_imagecodecs():
            help_text = 'needs imagecodecs: pip install "reftiler[codecs]"'
        raise ValueError(f"{_compression(page)} {help_text}")

    def decode(data: bytes, index: int, tables: bytes | None) -> Array:
        del tables
        depth, rows, columns, samples = _chunk_shape(page, index)
        lines = depth * rows
        row_bytes = -(-columns * samples * page.bitspersample // 8)
        raw = _decompress(page, data, lines, row_bytes)
        if len(raw) < lines * row_bytes:
            raise ValueError("the TIFF is damaged: a chunk holds too few pixels")
        packed = np.frombuffer(raw, np.uint8, lines * row_bytes)
        pixels = _unpack(page, packed.reshape(lines, row_bytes), columns, samples)
        return np.reshape(pixels, (depth, rows, columns, samples))

    return decode


def _unpack(page: Any, lines: Array, columns: int, samples: int) -> Array:
    """Return the values of each row of bytes, without their predictor."""
    bits, dtype, count = page.bitspersample, page.dtype, columns * samples
    if bits != 8 * dtype.itemsize:
        each = np.unpackbits(lines, axis=1)[:, : count * bits]
        weights = 1 << np.arange(bits, dtype=np.uint16)[::-1]
        return np.asarray((each.reshape(-1, count, bits) @ weights).astype(dtype))
    if page.predictor == 3:  # differences of bytes, the most significant first
        deltas = lines.reshape(len(lines), -1, samples)
        summed = np.cumsum(deltas, axis=1, dtype=np.uint8)
        planes = summed.reshape(len(lines), dtype.itemsize, count)
        values = np.ascontiguousarray(planes.transpose(0, 2, 1))
        return np.asarray(values.view(dtype.newbyteorder(">")).astype(dtype))
    pixels = lines.view(dtype.newbyteorder(page.parent.byteorder)).astype(dtype)
    if page.predictor == 2:
        whole = pixels.view(f"u{dtype.itemsize}").reshape(-1, columns, samples)
        pixels = np.cumsum(whole, axis=1, dtype=whole.dtype).view(dtype)
    return np.asarray(pixels)


def _decompress(page: Any, data: bytes, lines: int, row_bytes: int) -> bytes:
    if page.compression in _LIBTIFF_DOES:
        return _libtiff(page, data, lines, row_bytes)
    if page.fillorder == 2:
        data = np.packbits(
            np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        ).tobytes()
    if page.compression in _DEFLATE:
        return _inflate(data, lines * row_bytes)
    return data


def _inflate(data: bytes, size: int) -> bytes:
    """Decompress so many bytes, and what some writers add, up to the checksum."""
    stream = zlib.decompressobj()
    found = stream.decompress(data, size)
    if not stream.eof:
        stream.decompress(stream.unconsumed_tail, size + _ADDED)
    if not stream.eof:
        raise ValueError("the TIFF is damaged: a chunk is cut short or too long")
    return found


def _libtiff(page: Any, data: bytes, lines: int, row_bytes: int) -> bytes:
    """Have libtiff decode a chunk, as a file of one strip of bits or bytes."""
    fax = page.compression in _FAX
    width = _chunk_shape(page, 0)[2] if fax else row_bytes
    fields = [
        *((256, "I", width), (257, "I", lines), (258, "H", 1 if fax else 8)),
        *((259, "H", page.compression), (262, "H", 1), (266, "H", page.fillorder)),
        *((273, "I", 0), (277, "H", 1), (278, "I", lines), (279, "I", len(data))),
    ]
    for code in (292, 293) if fax else ():  # the options of faxes
        fields.append((code, "I", page.tags.valueof(code, 0)))
    start = 8 + 2 + 12 * len(fields) + 4
    fields = [(*one[:2], start) if one[0] == 273 else one for one in fields]
    entries = [
        struct.pack(f"<HHI{kind}", code, 4 if kind == "I" else 3, 1, value)
        for code, kind, value in fields
    ]
    header = b"II*\0" + struct.pack("<IH", 8, len(fields))
    body = b"".join(entry.ljust(12, b"\0") for entry in entries)
    file = io.BytesIO(header + body + bytes(4) + data)
    with _libtiff_reports():
        pixels = np.array(TiffImagePlugin.TiffImageFile(file))
    return np.packbits(pixels, axis=1).tobytes() if fax else pixels.tobytes()


@contextmanager
def _libtiff_reports() -> Iterator[None]:
    """Raise what libtiff reports on standard error, and hand on what others write.

    Pillow does not pass on all of its reports, and shows damaged faxes.
    """
    with _LOCK, tempfile.TemporaryFile() as reports:
        try:
            kept = os.dup(2)
        except OSError:  # there is no standard error
            yield
            return
        os.dup2(reports.fileno(), 2)
        error: Exception | None = None
        try:
            yield
        except Exception as found:  # noqa: BLE001 - libtiff's report says more
            error = found
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            reports.seek(0)
            text = reports.read().decode(errors="replace")
            others = _LIBTIFF_LINE.sub("", text).strip("\n")
            if others:
                os.write(2, f"{others}\n".encode())
        report = _LIBTIFF_LINE.search(text)
        if report:
            raise ValueError(
                f"the TIFF is damaged: libtiff reports {report[0]}"
            ) from error
        if error is not None:
            raise error


# What may differ from the pixels that were written


def is_lossy(page: Any) -> bool:
    """Tell whether the pixels of a page may differ from those that were written.

    True also where the compression does not tell; JPEG 2000, WebP and LERC tell in the
    header of the first chunk.
    """
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
    if more == _LERC_DEFLATE:
        return zlib.decompressobj().decompress(_first_chunk(page), _START)
    if more == _LERC_ZSTD:
        import imagecodecs  # noqa: PLC0415 - an extra, without which no LERC is read

        return bytes(imagecodecs.zstd_decode(_first_chunk(page, whole=True)))
    return _first_chunk(page)
