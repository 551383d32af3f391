"""PNG files, checked chunk by chunk, with 16 bits of colour where they have them.

Pillow does the work, but is given the chunks of the pixels alone: texts and profiles,
in which a small file may unpack to gigabytes, never reach it. What it shows to 8 bits
it decodes through a changed header.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from reftiler.io.codecs import Picture, refuse_pages
from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.lazy import mask_as_bytes
from reftiler.io.metadata import Metadata
from reftiler.io.pillow_io import open_with, orientation_of, strict_pillow

Array = NDArray[Any]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_CHANNELS = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
_DEPTHS = {_GREY: (1, 2, 4, 8, 16), _PALETTE: (1, 2, 4, 8)}
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
# Of each pass the first row and column, and the steps to the next.
_INTERLACED = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)
_PART = 2**20  # bytes that are unpacked together
_PROFILE = 2**24  # bytes of a colour profile at most
_INCH = 0.0254  # metres


@dataclass(frozen=True)
class _Png:
    """A PNG's header, and its chunks: kind, and where their content lies."""

    data: bytes
    width: int
    height: int
    depth: int
    kind: int
    interlaced: bool
    chunks: tuple[tuple[bytes, int, int], ...]

    def content(self, kind: bytes) -> bytes | None:
        """Return the content of the first chunk of a kind."""
        for name, start, end in self.chunks:
            if name == kind:
                return self.data[start:end]
        return None

    def plain(self, *, depth: int = 0, kind: int = 0) -> bytes:
        """Return a file of the pixels alone, as if of another depth and kind."""
        wanted = _PIXELS if self.kind == _PALETTE else (b"IHDR", b"IDAT", b"IEND")
        parts = [(start - 8, end + 4) for n, start, end in self.chunks if n in wanted]
        if not depth and len(parts) == len(self.chunks):
            return self.data
        pixels = [self.data[start:end] for start, end in parts]
        if depth:
            head = self.data[16:24] + bytes([depth, kind]) + self.data[26:29]
            pixels[0] = _chunk(b"IHDR", head)
        return SIGNATURE + b"".join(pixels)


def open_png(data: bytes, options: ReadOptions, *, indices: bool = False) -> Picture:
    """Open a PNG file.

    Grey of 1 bit gives bool, of 2 and 4 bits the numbers 0 to 3 and 0 to 15. A colour
    that is transparent without an alpha channel is read as opaque, with a note.
    """
    png = _parse(data)
    refuse_pages(options, 1, "PNG")
    transparent = png.content(b"tRNS") is not None
    channels, alpha = _CHANNELS[png.kind], png.kind in (_GREY_ALPHA, _RGBA)
    if png.kind == _PALETTE and not indices:
        channels, alpha = (4, True) if transparent else (3, False)
    dtype = "u2" if png.depth == 16 else "u1"
    if (png.kind, png.depth) == (_GREY, 1):
        dtype = "?"
    orientation, notes = orientation_of(png.content(b"eXIf"))
    if transparent and png.kind != _PALETTE:
        notes += ("one colour is transparent (tRNS): it is read as opaque",)
    if png.content(b"acTL") is not None:
        notes += ("the PNG is animated: its still picture is read",)
    metadata, lost = _metadata(png, indices)
    info = ImageInfo("PNG", alpha, orientation, False, False, metadata, notes + lost)
    shape = (png.height, png.width, channels)[: 3 if channels > 1 else 2]
    return Picture(shape, np.dtype(dtype), info, lambda: _pixels(png, indices))


def encode_png(image: Array, metadata: Metadata = Metadata()) -> bytes:  # noqa: B008
    """Encode a picture, with its colour profile, resolution and palette.

    Two and four channels have alpha last. ValueError if PNG cannot hold the picture.
    """
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
        data = _encode_deep_colour(image)
    else:
        data = _encode_with_pillow(image, metadata.palette)
    return data[:33] + _metadata_chunks(metadata) + data[33:]  # after the header


def _parse(data: bytes) -> _Png:
    """Read header and chunks; ValueError if one is damaged or there is no end."""
    view, at, kind, chunks = memoryview(data), len(SIGNATURE), b"", []
    while kind != b"IEND":
        head, end = view[at : at + 8], at + 12
        if len(head) == 8:
            kind, end = bytes(head[4:]), end + struct.unpack(">I", head[:4])[0]
        if end > len(data):
            raise ValueError(f"the PNG is truncated after {len(data):,} bytes")
        checksum = struct.unpack(">I", view[end - 4 : end])[0]
        if zlib.crc32(view[at + 4 : end - 4]) != checksum:
            raise ValueError(f"the PNG is damaged in its chunk at byte {at}")
        chunks.append((kind, at + 8, end - 4))
        at = end
    if chunks[0] != (b"IHDR", 16, 29):
        raise ValueError("the PNG does not begin with its header")
    width, height, depth, kind_number = struct.unpack(">IIBB", data[16:26])
    interlaced = data[28] != 0
    if depth not in _DEPTHS.get(kind_number, (8, 16)) or kind_number not in _CHANNELS:
        raise ValueError(f"no PNG has {depth} bits of the kind {kind_number}")
    return _Png(data, width, height, depth, kind_number, interlaced, tuple(chunks))


def _pixels(png: _Png, indices: bool) -> Array:
    """Decode the pixels as they are stored."""
    if png.depth == 16:
        return _deep_pixels(png)
    file, array = _decoded(png, png.plain())
    if png.kind == _PALETTE and not indices:
        alpha = "transparency" in file.info
        return np.array(file.convert("RGBA" if alpha else "RGB"))
    if png.depth == 1 and png.kind == _GREY:  # to numpy its True is the byte 255
        return np.asarray(np.array(file.convert("L")) != 0)
    if png.kind == _GREY and png.depth < 8:  # Pillow spreads them over 0 to 255
        array //= {2: 0x55, 4: 0x11}[png.depth]
    return array


def _deep_pixels(png: _Png) -> Array:
    """Decode 16 bits: as 8 bits of twice the channels, or byte by byte."""
    twice = {_GREY: _GREY_ALPHA, _GREY_ALPHA: _RGBA}.get(png.kind)
    if twice is not None:  # pixels of as many bytes, so all filters do the same
        _, raw = _decoded(png, png.plain(depth=8, kind=twice))
        pixels = raw.view(">u2").astype(np.uint16)
        return pixels[..., 0] if png.kind == _GREY else pixels
    # Pillow keeps one byte of each colour sample, but lets us choose which.
    high, low = (_decoded(png, png.plain(), order)[1].astype("u2") for order in "BL")
    return np.asarray(high << 8 | low)


def _decoded(png: _Png, data: bytes, order: str = "") -> tuple[Any, Array]:
    """Decode with Pillow; 16-bit colour as if stored in a byte order, to one byte."""
    file = open_with(PngImagePlugin.PngImageFile, data)
    if order:
        raw = f"{file.mode};16{order}"
        file.tile = [cast(Any, (*part[:3], raw)) for part in file.tile]
    with strict_pillow():
        array = np.array(file)
    # Rows without data stay black, which Pillow does not say.
    if png.interlaced or not array[-1].any():
        _check_amount(png)
    return file, array


def _check_amount(png: _Png) -> None:
    """Refuse a PNG whose data unpack to fewer bytes than its pixels take."""
    steps = _INTERLACED if png.interlaced else ((0, 0, 1, 1),)
    bits, missing = png.depth * _CHANNELS[png.kind], 0
    for top, left, down, across in steps:
        height = len(range(top, png.height, down))
        width = len(range(left, png.width, across))
        missing += height * (1 + -(-width * bits // 8)) if width else 0
    unpacker = zlib.decompressobj()
    packed = b"".join(
        png.data[start:end] for name, start, end in png.chunks if name == b"IDAT"
    )
    while missing > 0:
        part = unpacker.decompress(packed, min(missing, _PART))
        packed, missing = unpacker.unconsumed_tail, missing - len(part)
        if not part:
            raise ValueError("the PNG is damaged: its data end before its pixels")


def _metadata(png: _Png, indices: bool) -> tuple[Metadata, tuple[str, ...]]:
    """Read profile, resolution and palette; what is damaged is a note."""
    profile: bytes | None = None
    notes: tuple[str, ...] = ()
    content = png.content(b"iCCP")
    if content is not None:
        profile = _unpacked(content.partition(b"\0")[2][1:])
        notes = () if profile else ("the colour profile is damaged: it is left out",)
    resolution, unit = None, None
    content = png.content(b"pHYs")
    if content is not None and len(content) == 9:
        across, down, metres = struct.unpack(">IIB", content)
        if across and down:  # a metre has 100 centimetres, of which TIFF has dots
            share = 100 if metres == 1 else 1
            resolution = (across / share, down / share)
            unit = "centimeter" if metres == 1 else "none"
    palette = png.content(b"PLTE") if indices and png.kind == _PALETTE else None
    metadata = Metadata(
        icc_profile=profile or None,
        resolution=resolution,
        resolution_unit=unit,
        palette=palette,
    )
    return metadata, notes


def _unpacked(packed: bytes) -> bytes:
    """Unpack a profile; empty where it is damaged or larger than any profile."""
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(packed, _PROFILE)
    except zlib.error:
        return b""
    return found if unpacker.eof else b""


def _encode_with_pillow(image: Array, palette: bytes | None) -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(image))
    if palette is not None and image.dtype == np.uint8 and image.ndim == 2:
        if 3 * int(image.max()) >= len(palette):  # Pillow would cut these indices
            palette = palette.ljust(3 * 256, b"\0")
        picture = Image.frombytes("P", picture.size, picture.tobytes())
        picture.putpalette(palette)
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _encode_deep_colour(image: Array) -> bytes:
    """Encode 16-bit RGB or RGBA, which Pillow cannot write."""
    height, width, channels = image.shape
    rows = image.astype(">u2").reshape(height, -1).view(np.uint8)
    step = 2 * channels  # filter 1: the difference to the pixel on the left
    rows = np.hstack([rows[:, :step], rows[:, step:] - rows[:, :-step]])
    lines = np.hstack([np.ones((height, 1), np.uint8), rows])
    kind = {3: _RGB, 4: _RGBA}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(lines.tobytes()), b"IEND": b""}
    return SIGNATURE + b"".join(_chunk(*item) for item in chunks.items())


def _metadata_chunks(metadata: Metadata) -> bytes:
    """Return the chunks of a colour profile and a resolution."""
    chunks = b""
    if metadata.icc_profile:
        packed = zlib.compress(metadata.icc_profile)
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + packed)
    if metadata.resolution is not None:
        per_metre = {"centimeter": 100, "inch": 1 / _INCH}
        share = per_metre.get(metadata.resolution_unit or "none")
        dots = [round(dots * (share or 1)) for dots in metadata.resolution]
        if all(0 < one < 2**31 for one in dots):
            body = struct.pack(">IIB", *dots, 0 if share is None else 1)
            chunks += _chunk(b"pHYs", body)
    return chunks


def _chunk(kind: bytes, body: bytes) -> bytes:
    length, checksum = len(body), zlib.crc32(kind + body)
    return struct.pack(">I", length) + kind + body + struct.pack(">I", checksum)
