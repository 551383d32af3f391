"""What Pillow decodes, as arrays: every pixel as stored, never half of them.

BMP, GIF and WebP files are opened here; PNG, JPEG and JPEG 2000 have their own modules.
"""

import io
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    WebPImagePlugin,
)

from reftiler.io.codecs import Picture, check_size, refuse_pages
from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.metadata import Metadata

Array = NDArray[Any]

# channels, dtype, whether the last channel is alpha
_MODES: dict[str, tuple[int, str, bool]] = {
    "1": (1, "?", False),
    "L": (1, "u1", False),
    "P": (1, "u1", False),
    "LA": (2, "u1", True),
    "RGB": (3, "u1", False),
    "RGBA": (4, "u1", True),
    "I;16": (1, "u2", False),
    "I;16B": (1, "u2", False),
    "I": (1, "i4", False),
    "F": (1, "f4", False),
}


_ORIENTATION = 0x0112  # EXIF's tag
_DAMAGED = ("its EXIF data are damaged: the orientation is not known",)
_BMP_RUNS = (1, 2)  # compressions: runs of 8 and of 4 bits


@dataclass
class _Switches:
    """Pillow's switches for the whole process, as they were before we came."""

    users: int = 0
    tolerant: bool = False
    max_pixels: int | None = None


_SWITCHES, _LOCK = _Switches(), threading.Lock()


@contextmanager
def strict_pillow() -> Iterator[None]:
    """Decode without what other libraries in the process have switched on.

    ``LOAD_TRUNCATED_IMAGES`` shows truncated files half black, and
    ``MAX_IMAGE_PIXELS`` knows nothing of our limit.
    """
    with _LOCK:
        if not _SWITCHES.users:
            _SWITCHES.tolerant = ImageFile.LOAD_TRUNCATED_IMAGES
            _SWITCHES.max_pixels = Image.MAX_IMAGE_PIXELS
            ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS = False, None
        _SWITCHES.users += 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters is an error or a note
            yield
    finally:
        with _LOCK:
            _SWITCHES.users -= 1
            if not _SWITCHES.users:
                ImageFile.LOAD_TRUNCATED_IMAGES = _SWITCHES.tolerant
                Image.MAX_IMAGE_PIXELS = _SWITCHES.max_pixels


def picture_of(file: ImageFile.ImageFile, info: ImageInfo, indices: bool) -> Picture:
    """Describe a file that Pillow has opened, by its header.

    Palettes become RGB or RGBA, or stay indices; CMYK becomes RGB, with a note.
    """
    mode = "RGB" if file.mode == "CMYK" else file.mode
    if mode == "P" and not indices:
        mode = "RGBA" if "transparency" in file.info else "RGB"
    if mode not in _MODES:
        raise ValueError(f"pixels of mode {file.mode} are not read: convert to RGB")
    channels, dtype, alpha = _MODES[mode]
    metadata, notes = info.metadata, info.notes
    if file.mode == "P" and indices and file.palette is not None:
        metadata = replace(metadata, palette=_palette_of(file))
    if file.mode == "CMYK":
        notes += ("CMYK is converted to RGB without a colour profile",)
        metadata = replace(metadata, icc_profile=None)
    return Picture(
        shape=(file.height, file.width, channels)[: 3 if channels > 1 else 2],
        dtype=np.dtype(dtype),
        info=replace(info, alpha=alpha, metadata=metadata, notes=notes),
        decode=lambda: _load_pixels(file, mode),
    )


def _load_pixels(file: ImageFile.ImageFile, mode: str) -> Array:
    """Decode the pixels of a file in a mode."""
    with strict_pillow():
        image = file if file.mode == mode else file.convert(mode)
        if mode == "1":  # its True is the byte 255, which is no bool for numpy
            return np.asarray(np.array(image.convert("L")) != 0)
        return np.array(image)


def open_with(plugin: type[ImageFile.ImageFile], data: bytes) -> Any:
    """Open a file's bytes with one of Pillow's plugins, whatever its limits."""
    with strict_pillow():
        return plugin(io.BytesIO(data))


def _palette_of(file: ImageFile.ImageFile) -> bytes:
    """Return red, green and blue of each index."""
    assert file.palette is not None
    order, data = file.palette.getdata()
    entries = np.frombuffer(bytes(data), np.uint8)
    size = len(order)
    entries = entries[: len(entries) // size * size].reshape(-1, size)
    return entries[:, [order.index(color) for color in "RGB"]].tobytes()


def orientation_of(exif: bytes | None) -> tuple[int, tuple[str, ...]]:
    """Find the orientation in EXIF data, else 1, and a note where they are damaged."""
    if not exif:
        return 1, ()
    exif = exif.removeprefix(b"Exif\0\0")
    try:
        order = {b"II*\0": "<", b"MM\0*": ">"}[exif[:4]]
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(count):
            at = start + 2 + 12 * entry
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, at)
            if tag == _ORIENTATION:
                return (value, ()) if 1 <= value <= 8 else (1, _DAMAGED)
    except (KeyError, struct.error):
        return 1, _DAMAGED
    return 1, ()


# Formats


def open_bmp(data: bytes, options: ReadOptions, *, indices: bool = False) -> Picture:
    """Open a BMP file; ValueError if it is truncated."""
    refuse_pages(options, 1, "BMP")
    metadata = _check_length(data)
    info = ImageInfo("BMP", metadata=metadata)
    return picture_of(open_with(BmpImagePlugin.BmpImageFile, data), info, indices)


def _check_length(data: bytes) -> Metadata:
    """Refuse a file that ends before its pixels; return what its header says."""
    if len(data) < 26:
        raise ValueError(f"the BMP is truncated after {len(data):,} bytes")
    start, header = struct.unpack("<II", data[10:18])
    metadata, compression, room = Metadata(), 0, 0
    if header == 12:  # of OS/2
        width, height, _, bits = struct.unpack("<HHHH", data[18:26])
    elif len(data) < 54:
        raise ValueError(f"the BMP is truncated after {len(data):,} bytes")
    else:
        width, height, _, bits, compression, room = struct.unpack(
            "<iiHHII", data[18:38]
        )
        dots = struct.unpack("<ii", data[38:46])
        if min(dots) > 0:
            across, down = (dot / 100 for dot in dots)
            metadata = Metadata(resolution=(across, down), resolution_unit="centimeter")
    if compression in _BMP_RUNS:
        end = start + room if room else len(data)
        whole = data[start:end].rstrip(b"\0").endswith(b"\1") and end <= len(data)
    else:
        line = (width * bits + 31) // 32 * 4
        whole = start + line * abs(height) <= len(data)
    if not whole:
        raise ValueError(f"the BMP is truncated after {len(data):,} bytes")
    return metadata


def open_gif(data: bytes, options: ReadOptions, *, indices: bool = False) -> Picture:
    """Open a GIF file, or the one of its pictures that ``page`` names."""
    sizes = [struct.unpack("<HH", data[6:10]), *_gif_pictures(data)]
    page = refuse_pages(options, len(sizes) - 1, "GIF")
    extent = max(height for _, height in sizes), max(width for width, _ in sizes)
    check_size((*extent, 4), "u1", options)
    file = open_with(GifImagePlugin.GifImageFile, data)
    with strict_pillow():
        file.seek(page)
    return picture_of(file, ImageInfo("GIF", pages=len(sizes) - 1), indices)


def open_webp(data: bytes, options: ReadOptions, *, indices: bool = False) -> Picture:
    """Open a WebP file, or the one of its pictures that ``page`` names."""
    if len(data) < 30 or len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise ValueError(f"the WebP is truncated after {len(data):,} bytes")
    check_size((*_webp_size(data), 4), "u1", options)
    file = open_with(WebPImagePlugin.WebPImageFile, data)
    file.seek(refuse_pages(options, file.n_frames, "WebP"))
    orientation, notes = orientation_of(file.info.get("exif"))
    info = ImageInfo(
        format="WebP",
        pages=file.n_frames,
        orientation=orientation,
        lossy=b"VP8 " in data,
        metadata=Metadata(icc_profile=file.info.get("icc_profile")),
        notes=notes,
    )
    return picture_of(file, info, indices)


def _gif_pictures(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield width and height of each picture, with its place; refuse a lack of end."""
    at = 13 + _table(data[10:11])
    while True:
        kind = data[at : at + 1]
        if kind == b";":
            return
        if kind == b"!":
            at += 2
        elif kind == b"," and at + 10 < len(data):
            left, top, width, height = struct.unpack("<HHHH", data[at + 1 : at + 9])
            yield left + width, top + height
            at += 11 + _table(data[at + 9 : at + 10])
        else:
            raise ValueError(f"the GIF is truncated or damaged at byte {at}")
        while data[at : at + 1] > b"\0":  # blocks, each after its length
            at += 1 + data[at]
        at += 1


def _table(flags: bytes) -> int:
    """Return the bytes of a colour table."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 128 else 0


def _webp_size(data: bytes) -> tuple[int, int]:
    """Read height and width before Pillow makes room for them."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return height + 1, width + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    width, height = struct.unpack("<HH", data[26:30])
    return height & 0x3FFF, width & 0x3FFF
