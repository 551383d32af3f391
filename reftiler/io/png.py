"""PNG files, checked chunk by chunk, with 16 bits of colour where they have them.

Pillow does the work, but shows a truncated file half black when another library in
the process has told it to, reads 16-bit colour to 8 bits and cannot write it.
"""

import io
import struct
import zlib
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

try:
    from PIL import Image, ImageFile, PngImagePlugin
except ImportError as error:
    raise ImportError(
        'images need scikit-image and what comes with it: pip install "reftiler[cli]"'
    ) from error

Array = NDArray[Any]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MODES = ("1", "L", "LA", "RGB", "RGBA", "I", "I;16", "I;16B", "F")


def decode_png(data: bytes) -> Array:
    """Decode a whole PNG file; ValueError, OSError or SyntaxError if damaged."""
    _check_chunks(data)
    if data[12:16] != b"IHDR":
        raise ValueError("the PNG does not begin with its header")
    depth, kind = data[24:26]
    if depth < 16:
        return pixels(PngImagePlugin.PngImageFile(io.BytesIO(data)))
    if kind == 0:  # grey; some versions of Pillow widen it to 32 bits
        return pixels(PngImagePlugin.PngImageFile(io.BytesIO(data))).astype(np.uint16)
    if kind == 4:
        raise ValueError("16-bit grey with alpha is not read: drop alpha or use TIFF")
    # Pillow keeps one byte of each colour sample, but lets us choose which.
    high, low = (_png_bytes(data, order).astype(np.uint16) for order in "BL")
    return high << 8 | low


def _png_bytes(data: bytes, order: str) -> Array:
    """Decode 16-bit colour as if stored in this byte order, to its high bytes."""
    file = PngImagePlugin.PngImageFile(io.BytesIO(data))
    raw = f"{file.mode};16{order}"
    file.tile = [cast(Any, (*part[:3], raw)) for part in file.tile]
    return np.array(file)


def _check_chunks(data: bytes) -> None:
    """Refuse a PNG with a damaged chunk or no end: Pillow may show it half black."""
    view, at, kind = memoryview(data), len(SIGNATURE), b""
    while kind != b"IEND":
        head, end = view[at : at + 8], at + 12
        if len(head) == 8:
            kind, end = bytes(head[4:]), end + struct.unpack(">I", head[:4])[0]
        if end > len(data):
            raise ValueError(f"the PNG is truncated after {len(data)} bytes")
        checksum = struct.unpack(">I", view[end - 4 : end])[0]
        if zlib.crc32(view[at + 4 : end - 4]) != checksum:
            raise ValueError(f"the PNG is damaged in its chunk at byte {at}")
        at = end


def encode_png(image: Array) -> bytes:
    """Encode ``(H, W)`` or ``(H, W, C)``; ValueError if PNG cannot hold it."""
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    image = mask_as_bytes(image)
    channels = image.shape[-1] if image.ndim == 3 else 1
    if image.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"PNG holds bool, uint8 and uint16, not {image.dtype}: use .tif or .npy"
        )
    if channels > 4 or (channels == 2 and image.dtype == np.uint16):
        raise ValueError(
            f"PNG does not hold {channels} channels of {image.dtype}: use .tif or .npy"
        )
    if image.dtype == np.uint16 and channels > 1:
        return _encode_deep_colour(image)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG")
    return buffer.getvalue()


def _encode_deep_colour(image: Array) -> bytes:
    """Encode 16-bit RGB or RGBA, which Pillow cannot write."""
    height, width, channels = image.shape
    rows = image.astype(">u2").reshape(height, -1).view(np.uint8)
    step = 2 * channels  # filter 1: the difference to the pixel on the left
    rows = np.hstack([rows[:, :step], rows[:, step:] - rows[:, :-step]])
    lines = np.hstack([np.ones((height, 1), np.uint8), rows])
    kind = {3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(lines.tobytes()), b"IEND": b""}
    return SIGNATURE + b"".join(_chunk(*item) for item in chunks.items())


def _chunk(kind: bytes, body: bytes) -> bytes:
    length, checksum = len(body), zlib.crc32(kind + body)
    return struct.pack(">I", length) + kind + body + struct.pack(">I", checksum)


def pixels(file: ImageFile.ImageFile) -> Array:
    """Return the pixels of a file that Pillow has opened, as stored."""
    image: Image.Image = file
    if image.mode in ("P", "PA"):
        alpha = "transparency" in image.info or image.mode == "PA"
        image = image.convert("RGBA" if alpha else "RGB")
    if image.mode not in _MODES:
        raise ValueError(f"pixels of mode {image.mode} are not read: convert to RGB")
    if image.mode == "1":  # its True is the byte 255, which is no bool for numpy
        return np.asarray(np.array(image.convert("L")) != 0)
    return np.array(image)


def mask_as_bytes(image: Array) -> Array:
    """Return a bool mask as 0 and 255, other pictures as they are."""
    return image * np.uint8(255) if image.dtype == bool else image
