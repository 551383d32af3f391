"""GIF and WebP files, which may hold several pictures."""

import struct
from collections.abc import Iterator

from PIL import GifImagePlugin, WebPImagePlugin

from reftiler.io.codecs import Picture, check_size, refuse_pages
from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.metadata import Metadata
from reftiler.io.orientation import orientation_of
from reftiler.io.pillow_io import open_with, picture_of, strict_pillow

__all__ = ["open_gif", "open_webp"]


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
