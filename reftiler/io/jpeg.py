"""JPEG files, whose damage Pillow does not tell: checked by what can be proved.

libjpeg fills what it cannot read with grey, and warns in a way that Pillow does not
pass on. Refused are files without an end, with a marker where none may stand, with
restart markers out of order, with scans missing, and those whose pixels end early. Data
left over after the last pixel are a note: they are damage, or padding of an encoder.
What no decoder can tell is a wrong bit after which the data happen to give as many
pixels as before; what is not told is a progressive file cut within its last scan.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import JpegImagePlugin

from reftiler.io.codecs import Picture, check_size, refuse_pages
from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.metadata import Metadata
from reftiler.io.pillow_io import open_with, orientation_of, picture_of, strict_pillow

_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_SOS, _DRI, _EOI = 0xDA, 0xDD, 0xD9
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NEEDED = frozenset({*range(0xC0, 0xE0), 0xEE})  # Adobe's says how colours are stored
_EXIF, _ICC, _MPF = b"Exif\0\0", b"ICC_PROFILE\0", b"MPF\0"
_UNITS = {0: "none", 1: "inch", 2: "centimeter"}
_END_OF_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_RESTART = re.compile(rb"\xff+([\xd0-\xd7])")
_PADDING_BITS = 7  # at the end, of which a progressive scan may take one a block
_ALL_BITS = 16  # of a coefficient are missing before its first scan
_SCANS = 1000  # more are no picture but an attempt to keep a decoder busy


@dataclass
class _Jpeg:
    """What stands in the segments of a JPEG."""

    kept: list[bytes] = field(default_factory=lambda: [b"\xff\xd8"])
    size: tuple[int, int] = (0, 0)
    sampling: list[tuple[int, int]] = field(default_factory=list)
    progressive: bool = False
    frame: int = 0  # where in `kept` the frame header lies
    first_scan: int = 0  # and the first scan's pixels
    interleaved: bool = False
    scans: int = 0
    missing_bits: dict[int, list[int]] = field(default_factory=dict)  # by component
    exif: bytes | None = None
    profile: dict[int, bytes] = field(default_factory=dict)
    profile_parts: int = 0
    density: tuple[int, int, int] = (0, 0, 0)  # its unit, across, down
    notes: list[str] = field(default_factory=list)

    @property
    def plain(self) -> bytes:
        """A file of the pixels alone."""
        return b"".join([*self.kept, b"\xff\xd9"])


def open_jpeg(data: bytes, options: ReadOptions, *, indices: bool = False) -> Picture:
    """Open a JPEG file; of several pictures (MPO) the first, with a note."""
    refuse_pages(options, 1, "JPEG")
    jpeg = _parse(data)
    check_size((*jpeg.size, len(jpeg.sampling)), "u1", options)
    notes = (*jpeg.notes, *_check_end(jpeg))
    orientation, told = orientation_of(jpeg.exif)
    profile, lost = _profile(jpeg)
    unit, *density = jpeg.density
    said = all(density) and unit in _UNITS and jpeg.density != (0, 1, 1)
    metadata = Metadata(
        icc_profile=profile,
        resolution=(density[0], density[1]) if said else None,
        resolution_unit=_UNITS[unit] if said else None,
    )
    info = ImageInfo(
        format="JPEG",
        orientation=orientation,
        lossy=True,
        metadata=metadata,
        notes=notes + told + lost,
    )
    return picture_of(
        open_with(JpegImagePlugin.JpegImageFile, jpeg.plain), info, indices
    )


def _parse(data: bytes) -> _Jpeg:
    """Read all segments up to the end of the picture."""
    jpeg, interval = _Jpeg(), 0
    for marker, content, end in segments(data, jpeg.notes):
        body = data[content:end]
        if marker in FRAMES:
            _read_frame(jpeg, body)
            jpeg.progressive = marker in _PROGRESSIVE
        elif marker == _DRI:
            interval = int.from_bytes(body[:2], "big")
        else:
            _read_application(jpeg, marker, body)
        if marker in _NEEDED:
            jpeg.kept.append(b"\xff" + data[content - 3 : end])
        if marker == _SOS:
            _read_scan(jpeg, data, end, interval)
    if not jpeg.scans or not jpeg.sampling:
        raise ValueError("the JPEG holds no picture")
    if any(map(any, jpeg.missing_bits.values())):
        raise ValueError(
            "the JPEG is incomplete: scans are missing, it is cut short or was never "
            "whole; if it looks right, save it anew with any image editor"
        )
    return jpeg


def segments(data: bytes, notes: list[str]) -> Iterator[tuple[int, int, int]]:
    """Yield each segment's marker, and where its content starts and ends."""
    at = 2
    while True:
        found = data.find(b"\xff", at)
        if found > at:
            notes.append(f"{found - at} stray bytes at byte {at} are passed over")
        at = found if found >= 0 else len(data)
        while data[at : at + 1] == b"\xff":  # any number of which may be fill bytes
            at += 1
        if at >= len(data):
            raise ValueError("the JPEG is truncated")
        marker, at = data[at], at + 1
        if marker == _EOI:
            return
        if marker < 0xC0 or 0xD0 <= marker <= 0xD8:
            raise ValueError(
                f"the JPEG is damaged at byte {at}: the marker {marker:02X} cannot "
                "stand there"
            )
        end = at + int.from_bytes(data[at : at + 2], "big")
        if end < at + 2 or end > len(data):
            raise ValueError("the JPEG is truncated")
        yield marker, at + 2, end
        at = end
        if marker == _SOS:
            scan = _END_OF_SCAN.search(data, at)
            if scan is None:
                raise ValueError("the JPEG is truncated")
            at = scan.start()


def _read_frame(jpeg: _Jpeg, body: bytes) -> None:
    if jpeg.sampling or len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise ValueError("the JPEG is damaged: its frame header is none")
    height, width = struct.unpack(">HH", body[1:5])
    jpeg.size, jpeg.frame = (height, width), len(jpeg.kept)
    factors = body[7 : 6 + 3 * body[5] : 3]
    jpeg.sampling = [(factor >> 4, factor & 15) for factor in factors]
    numbers = body[6 : 6 + 3 * body[5] : 3]
    jpeg.missing_bits = {number: [_ALL_BITS] * 64 for number in numbers}


def _read_application(jpeg: _Jpeg, marker: int, body: bytes) -> None:
    """Take what programs tell of the picture beside its pixels."""
    if marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 12:
        jpeg.density = struct.unpack(">BHH", body[7:12])
    elif marker == 0xE1 and body.startswith(_EXIF) and jpeg.exif is None:
        jpeg.exif = body
    elif marker == 0xE2 and body.startswith(_ICC) and len(body) > 14:
        jpeg.profile[body[12]], jpeg.profile_parts = body[14:], body[13]
    elif marker == 0xE2 and body.startswith(_MPF):
        jpeg.notes.append("the file holds several pictures (MPO): the first is read")


def _read_scan(jpeg: _Jpeg, data: bytes, start: int, interval: int) -> None:
    """Take the pixels of a scan; its restart markers must count up from 0 to 7."""
    scan = _END_OF_SCAN.search(data, start)
    assert scan is not None
    pixels = data[start : scan.start()]
    restarts = [found[1][0] - 0xD0 for found in _RESTART.finditer(pixels)]
    if restarts != [n % 8 for n in range(len(restarts) if interval else 0)]:
        raise ValueError(
            f"the JPEG is damaged at byte {start}: the restart markers of its pixels "
            "are out of order"
        )
    if not jpeg.scans:
        jpeg.first_scan = len(jpeg.kept)
        jpeg.interleaved = jpeg.kept[-1][4] > 1
    _count_bits(jpeg, jpeg.kept[-1][4:])
    jpeg.kept.append(pixels)
    jpeg.scans += 1
    if jpeg.scans > _SCANS:
        raise ValueError(f"the JPEG has more than {_SCANS} scans")


def _count_bits(jpeg: _Jpeg, header: bytes) -> None:
    """Note how many bits of which coefficients are missing after a scan."""
    count = header[0] if header else 0
    if not count or len(header) < 4 + 2 * count:
        raise ValueError("the JPEG is damaged: the header of its scan is none")
    first, last, bits = header[1 + 2 * count : 4 + 2 * count]
    if not jpeg.progressive:  # of which each scan is whole
        first, last, bits = 0, 63, 0
    for number in header[1 : 1 + 2 * count : 2]:
        missing = jpeg.missing_bits.get(number, [])
        missing[first : last + 1] = [bits & 15] * len(missing[first : last + 1])


def _profile(jpeg: _Jpeg) -> tuple[bytes | None, tuple[str, ...]]:
    """Join the parts of the colour profile."""
    if not jpeg.profile:
        return None, ()
    numbers = range(1, jpeg.profile_parts + 1)
    if sorted(jpeg.profile) != list(numbers):
        return None, ("the colour profile is damaged: it is left out",)
    return b"".join(jpeg.profile[number] for number in numbers), ()


def _check_end(jpeg: _Jpeg) -> tuple[str, ...]:
    """Tell whether the pixels end where they must.

    libjpeg leaves blocks grey for which there are no data. So a header that claims one
    more row of blocks shows what is left over as blocks that are not grey in that row.
    If even its first is grey, the data may have ended before: more would change pixels.
    """
    across, down = jpeg.sampling[0] if jpeg.interleaved else (1, 1)
    if not across or not down or max(jpeg.sampling) != jpeg.sampling[0]:
        return ()
    rows, columns = -(-jpeg.size[0] // (8 * down)), -(-jpeg.size[1] // (8 * across))
    taller = replace(jpeg, kept=[*jpeg.kept])
    header, height = jpeg.kept[jpeg.frame], min(8 * down * (rows + 1), 2**16 - 1)
    taller.kept[jpeg.frame] = header[:5] + struct.pack(">H", height) + header[7:]
    thumbnail = _thumbnail(taller)
    if thumbnail.shape != (down * (rows + 1), -(-jpeg.size[1] // 8)):
        return ()  # too narrow to be reduced
    filled = _filled_units(thumbnail, across, down)
    last = filled[-1] if filled.size else -1
    if last > rows * columns + (_PADDING_BITS if jpeg.progressive else 0):
        return ("the JPEG holds more data than pixels: it may be damaged",)
    for more in (b"\0", b"\xaa") if last < rows * columns else ():
        longer = replace(taller, kept=[*taller.kept])
        longer.kept[jpeg.first_scan] += more * 64
        if (_thumbnail(longer) != thumbnail)[: down * rows].any():
            raise ValueError("the JPEG is damaged: its data end before its pixels")
    return ()


def _thumbnail(jpeg: _Jpeg) -> NDArray[Any]:
    """Decode a pixel for each block of eight by eight, by its mean."""
    file = open_with(JpegImagePlugin.JpegImageFile, jpeg.plain)
    with strict_pillow():
        file.draft("L", (1, 1))
        pixels = np.array(file)
        inverted = file.mode == "CMYK" and "adobe" in file.info
    pixels = pixels if pixels.ndim == 2 else pixels[..., 0]
    return 255 - pixels if inverted else pixels


def _filled_units(thumbnail: NDArray[Any], across: int, down: int) -> NDArray[Any]:
    """Return the numbers of the coded units that are not grey."""
    height, width = thumbnail.shape
    rows, columns = -(-height // down), -(-width // across)
    units = np.zeros((rows * down, columns * across), bool)
    units[:height, :width] = thumbnail != 128
    blocks = units.reshape(rows, down, columns, across)
    return np.flatnonzero(blocks.any((1, 3)))
