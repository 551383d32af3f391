"""BMP files: Pillow decodes them, and shows truncated ones half black if it may."""

import struct

from PIL import BmpImagePlugin

from reftiler.io.codecs import Picture, refuse_pages
from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.metadata import Metadata
from reftiler.io.pillow_io import open_with, picture_of

__all__ = ["open_bmp"]

_RUNS = (1, 2)  # compressions: runs of 8 and of 4 bits


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
    if compression in _RUNS:
        end = start + room if room else len(data)
        whole = data[start:end].rstrip(b"\0").endswith(b"\1") and end <= len(data)
    else:
        line = (width * bits + 31) // 32 * 4
        whole = start + line * abs(height) <= len(data)
    if not whole:
        raise ValueError(f"the BMP is truncated after {len(data):,} bytes")
    return metadata
