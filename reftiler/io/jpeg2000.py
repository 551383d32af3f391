"""JPEG 2000 files: by imagecodecs where it is installed, else by Pillow.

Pillow keeps all bits of 8-bit samples and of 16-bit grey alone, and cannot read all
that GDAL writes. Palettes, YCbCr and CMYK are for Pillow, which converts them.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Jpeg2KImagePlugin

from reftiler.io.codecs import Picture, has_imagecodecs, refuse_pages
from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.metadata import Metadata
from reftiler.io.pillow_io import open_with, picture_of

_STREAM = b"\xff\x4f\xff\x51"
_COD, _SOT, _END = 0x52, b"\xff\x90", b"\xff\xd9"
_GEO_JP2 = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")
_CMYK, _YCBCR = 12, 18  # enumerated colour spaces that are converted
_EXTRA = 'pip install "reftiler[codecs]"'
_PLACE_LOST = "the coordinates (GeoJP2, GML) are lost: convert to GeoTIFF to keep them"


@dataclass
class _Boxes:
    """What stands in the boxes around a codestream."""

    start: int = 0  # where the codestream lies
    alpha: bool = False
    converted: bool = False  # by Pillow: a palette, or colours other than RGB
    profile: bytes | None = None
    placed: bool = False  # in coordinates


def open_jpeg2000(
    data: bytes, options: ReadOptions, *, indices: bool = False
) -> Picture:
    """Open a JPEG 2000 file or codestream."""
    refuse_pages(options, 1, "JPEG 2000")
    boxes = _read_boxes(data)
    stream = data[boxes.start :]
    if boxes.start < 0 or not _is_whole(stream):
        raise ValueError(f"the JPEG 2000 is truncated after {len(data):,} bytes")
    shape, bits, reduced = _header(stream)
    info = ImageInfo(
        "JPEG 2000",
        lossy=is_lossy_stream(stream),
        metadata=Metadata(icc_profile=boxes.profile),
        notes=(_PLACE_LOST,) if boxes.placed else (),
    )
    kept = set(bits) == {8} or bits == [16]
    converted = boxes.converted or reduced
    if kept and (converted or not has_imagecodecs()):
        return _by_pillow(data, info, indices=indices, alpha=boxes.alpha)
    if converted:
        raise ValueError(
            f"a palette, YCbCr or CMYK of {bits} bits is not read: save it as RGB"
        )
    return _by_imagecodecs(data, shape, bits, replace(info, alpha=boxes.alpha))


def is_lossy_stream(stream: bytes) -> bool:
    """Tell whether a codestream's wavelet rounds; if its main header is cut, yes."""
    for marker, at in _main_header(stream):
        if marker == _COD:
            return stream[at + 13 : at + 14] != b"\1"
    return True


def _main_header(stream: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker of the main header, and where it lies; the last is a tile's."""
    at = 2
    while stream[at : at + 1] == b"\xff" and at + 4 <= len(stream):
        yield stream[at + 1], at
        if stream[at : at + 2] in (_SOT, _END):
            return
        at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")


def _is_whole(stream: bytes) -> bool:
    """Tell whether all tile parts are there, whose lengths lead to the end marker."""
    if not stream.startswith(_STREAM) or len(stream) < 45:
        return False
    *_, (_, at) = _main_header(stream)
    while stream[at : at + 2] == _SOT and at + 12 <= len(stream):
        length = int.from_bytes(stream[at + 6 : at + 10], "big")
        if not length:  # up to the end
            return stream.rstrip(b"\0").endswith(_END)
        at += max(length, 12)
    return stream[at : at + 2] == _END


def _header(stream: bytes) -> tuple[tuple[int, int], list[int], bool]:
    """Return height and width, the bits of each component, whether any is reduced.

    Bits are 0 where numbers are signed.
    """
    right, bottom, left, top = struct.unpack(">IIII", stream[8:24])
    (count,) = struct.unpack(">H", stream[40:42])
    components = stream[42 : 42 + 3 * count]
    bits = [0 if depth & 128 else depth + 1 for depth in components[::3]]
    reduced = {*components[1::3], *components[2::3]} - {1} != set()
    return (bottom - top, right - left), bits, reduced


def _read_boxes(data: bytes) -> _Boxes:
    """Read what the boxes say; a codestream may stand alone."""
    if data.startswith(_STREAM):
        return _Boxes()
    found = _Boxes(start=-1)
    for kind, content in _boxes(data, 0, len(data)):
        body = data[content.start : content.stop]
        if kind == b"jp2c" and found.start < 0:
            found.start = content.start
        elif kind == b"jp2h":
            for inner, part in _boxes(data, content.start, content.stop):
                _read_header_box(found, inner, data[part.start : part.stop])
        elif kind in (b"uuid", b"asoc"):
            place = _GEO_JP2 if kind == b"uuid" else b"gml"
            found.placed = found.placed or place in body
    return found


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, slice]]:
    """Yield the kind of each box, and where its content lies."""
    while at + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, at)
        header = 8
        if length == 1 and at + 16 <= end:  # a longer number follows
            (length,), header = struct.unpack_from(">Q", data, at + 8), 16
        stop = at + length if length else end
        if stop < at + header:
            return
        yield kind, slice(at + header, min(stop, end))
        at = stop


def _read_header_box(found: _Boxes, kind: bytes, body: bytes) -> None:
    """Take what a box says of the colours."""
    if kind == b"pclr":
        found.converted = True
    elif kind == b"colr" and body[:1] == b"\1" and len(body) >= 7:
        space = int.from_bytes(body[3:7], "big")
        found.converted = found.converted or space in (_CMYK, _YCBCR)
    elif kind == b"colr" and body[:1] in (b"\2", b"\3"):
        found.profile = body[3:]
    elif kind == b"cdef" and len(body) >= 2:
        kinds = struct.unpack(f">{len(body) // 2}H", body[: len(body) // 2 * 2])[2::3]
        found.alpha = bool({1, 2} & {*kinds})  # straight or premultiplied


def _by_pillow(data: bytes, info: ImageInfo, *, indices: bool, alpha: bool) -> Picture:
    file = open_with(Jpeg2KImagePlugin.Jpeg2KImageFile, data)
    picture = picture_of(file, info, indices)

    def decode() -> Any:
        try:
            return picture.decode()
        except OSError as error:
            help_text = "" if has_imagecodecs() else f"; imagecodecs may: {_EXTRA}"
            raise ValueError(f"Pillow cannot read it ({error}){help_text}") from error

    alpha = picture.info.alpha and alpha
    return replace(picture, decode=decode, info=replace(picture.info, alpha=alpha))


def _by_imagecodecs(
    data: bytes, shape: tuple[int, int], bits: list[int], info: ImageInfo
) -> Picture:
    """Open samples that Pillow would spread over, or cut to, 8 or 16 bits."""
    if not bits or len(set(bits)) > 1 or not 1 < bits[0] <= 16:
        raise ValueError(
            f"samples of {bits} bits (0: signed) are not read: convert the file to "
            "TIFF (gdal_translate), or to unsigned samples of 8 or 16 bits"
        )
    if not has_imagecodecs():
        raise ValueError(f"samples of {bits} bits need imagecodecs: {_EXTRA}")
    import imagecodecs  # noqa: PLC0415 - an extra

    dtype = np.dtype("u1" if bits[0] <= 8 else "u2")
    channels = (len(bits),) if len(bits) > 1 else ()
    return Picture(
        (*shape, *channels), dtype, info, lambda: imagecodecs.jpeg2k_decode(data)
    )
