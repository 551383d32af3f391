"""TIFF files as pictures that are read by slices, whatever program wrote them.

tifffile finds the pages; `reftiler.io.tiff_images` tells which are images,
`reftiler.io.tiff_chunks` decodes what a slice meets.
"""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from reftiler.io.axes import picture_axes
from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.lazy import LazyImage, Read, size_of
from reftiler.io.metadata import Metadata
from reftiler.io.tiff_chunks import ChunkedPages
from reftiler.io.tiff_codecs import is_lossy
from reftiler.io.tiff_images import TiffImage, find_image
from reftiler.io.tiff_tags import lost_tags, read_metadata

Array = NDArray[Any]
_Stored: TypeAlias = tuple[np.dtype[Any], Read, tuple[str, ...]]  # and notes

_LOGGER = logging.getLogger("tifffile")
_LOGGER.addHandler(logging.NullHandler())  # else what nobody handles goes to the screen
_REPORTS = 3  # of tifffile that are handed on
_ALPHA = (1, 2)  # of ExtraSamples: associated or not; 0 is any other channel
_ORIENTATION = 274
_KIND = tifffile.PHOTOMETRIC
_PLAIN = (_KIND.MINISBLACK, _KIND.RGB, _KIND.MASK, _KIND.DEPTH_MAP)
_JPEG = (6, 7, 33007, 34892)
_APERIO_YCBCR = 33003
_PHOTOMETRIC, _COLOR_MAP = 262, 320


def open_tiff(
    path: Path, options: ReadOptions, whole: int, *, indices: bool = False
) -> LazyImage:
    """Open a TIFF as a picture; beyond `whole` bytes, what a slice meets is read."""
    with _reports() as reports, _opened(path) as file:
        image = find_image(file, options)
        page, first = image.full.keyframe, image.series.keyframe
        dtype, read, notes = _stored_pixels(image.series, path, options.max_bytes)
        colors = _colors_of(first, indices=indices)
        axes, stored, read = _colored(image, read, colors)
        dtype = np.dtype(np.uint8) if colors.channels else dtype
        one = replace(options, page=image.plane)
        shape, read = picture_axes(axes, stored, one, read)
        if size_of(shape, dtype) <= whole:
            pixels = np.ascontiguousarray(read(tuple(slice(0, size) for size in shape)))
            read = pixels.__getitem__
        metadata, lost = _metadata(file, image, colors)
        orientation = page.tags.valueof(_ORIENTATION, 1)
        info = ImageInfo(
            format="TIFF",
            alpha=len(shape) == 3 and _keeps_alpha(first, axes, stored, options),
            orientation=int(orientation) if orientation in range(1, 9) else 1,
            lossy=is_lossy(first),
            metadata=metadata,
            axes=image.axes,
            pages=image.pages,
            notes=(
                image.notes
                + notes
                + colors.notes
                + lost_tags(page)
                + lost
                + _told(reports, options.page)
            ),
        )
    return LazyImage(path, shape, dtype, read, info)


def _opened(path: Path) -> tifffile.TiffFile:
    try:
        # Names of other files are a stranger's: they are not opened.
        return tifffile.TiffFile(path, _multifile=False)
    except tifffile.TiffFileError as error:
        raise ValueError(f"the TIFF is damaged: {error}") from error


def _stored_pixels(series: Any, path: Path, max_bytes: int) -> _Stored:
    """See a series of pages as an array, without reading any pixel."""
    page, shape = series.keyframe, tuple(series.shape)
    if page.dtype is None:
        raise ValueError(
            f"samples of {page.bitspersample} bits and format {page.sampleformat} are "
            "not read"
        )
    if not all(isinstance(length, int) and length > 0 for length in shape):
        raise ValueError(f"the TIFF is damaged: its size is {shape}")
    offset = series.dataoffset
    if offset is not None and page.is_memmappable:
        return _mapped(page, shape, path, offset)
    rank = len(page.axes)
    if series.axes[-rank:] != page.axes or shape[-rank:] != tuple(page.shape):
        raise ValueError(
            f"pages with axes {page.axes} do not make up {series.axes} {shape}"
        )
    leading = shape[:-rank]
    if math.prod(leading) != len(series):
        raise ValueError(
            f"the TIFF lacks pages: it holds {len(series)} of {math.prod(leading)}"
        )
    pages = ChunkedPages(path, page, list(series), max_bytes)

    def read(index: tuple[slice, ...]) -> Array:
        if not leading:
            return pages.read(0, index)
        places = product(*(range(s.start, s.stop) for s in index[: len(leading)]))
        found = [
            pages.read(int(np.ravel_multi_index(place, leading)), index[len(leading) :])
            for place in places
        ]
        return np.stack(found).reshape([part.stop - part.start for part in index])

    missing, chunks = pages.sparse
    told = f"{missing} of {chunks} chunks are not stored: they read as {pages.fill}"
    return pages.dtype, read, (told,) if missing else ()


def _mapped(page: Any, shape: tuple[int, ...], path: Path, offset: int) -> _Stored:
    stored = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    size = page.parent.filehandle.size
    if offset + size_of(shape, stored) > size:
        raise ValueError(f"the TIFF is truncated after {size:,} bytes")
    mapped = np.memmap(path, stored, "r", offset, shape)
    dtype = stored.newbyteorder("=")
    return dtype, lambda index: mapped[index].astype(dtype, copy=False), ()


def _colored(
    image: TiffImage, stored: Read, colors: _Colors
) -> tuple[str, tuple[int, ...], Read]:
    """Return axes, shape and reader of what the stored numbers mean."""
    axes, shape, convert = image.axes, tuple(image.series.shape), colors.convert
    if convert is None:
        return axes, shape, stored
    if not colors.channels:
        return axes, shape, lambda index: convert(stored(index))
    rank = len(shape) - axes.endswith("S")
    every = tuple(slice(0, samples) for samples in shape[rank:])

    def read(index: tuple[slice, ...]) -> Array:
        return convert(stored((*index[:rank], *every)))[..., index[-1]]

    return axes[:rank] + "S", (*shape[:rank], colors.channels), read


def _keeps_alpha(
    page: Any, axes: str, stored: tuple[int, ...], options: ReadOptions
) -> bool:
    """Tell whether the last of the channels that are read is alpha."""
    extra = page.extrasamples
    if "S" not in axes or not extra or extra[-1] not in _ALPHA:
        return False
    channels = options.channels
    return channels is None or channels[-1] == stored[axes.index("S")] - 1


def _metadata(
    file: tifffile.TiffFile, image: TiffImage, colors: _Colors
) -> tuple[Metadata, tuple[str, ...]]:
    """Return the metadata of the resolution that is read, and what is lost of them."""
    full, level = image.full, image.series
    number = next(n for n, one in enumerate(file.series) if one is full)
    metadata = read_metadata(file, full.keyframe, number)
    if level is not full:
        sizes = [dict(zip(one.axes, one.shape, strict=True)) for one in (level, full)]
        rows, columns = (Fraction(sizes[0][axis], sizes[1][axis]) for axis in "YX")
        metadata = metadata.scaled(rows, columns)
    stored, nodata = metadata.nodata, colors.nodata(metadata.nodata)
    lost: tuple[str, ...] = ()
    if stored is not None and nodata is None:
        lost = (f"nodata {stored} is lost: it is no value of the converted pixels",)
    return replace(metadata, palette=colors.palette, nodata=nodata), lost


@contextmanager
def _reports() -> Iterator[list[logging.LogRecord]]:
    """Collect what tifffile logs in this thread."""
    reports: list[logging.LogRecord] = []
    thread = threading.get_ident()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread and record.levelno >= logging.WARNING:
                reports.append(record)

    collector = Collector()
    _LOGGER.addHandler(collector)
    try:
        yield reports
    finally:
        _LOGGER.removeHandler(collector)


def _told(reports: list[logging.LogRecord], page: int | None) -> tuple[str, ...]:
    """Refuse what tifffile finds wrong, and tell what it finds odd.

    Of private tags that are damaged the picture needs none. Of other damage, such as
    pages that are missing, a page that the user picked need not be touched.
    """
    texts: dict[str, None] = {}
    for record in reports:
        text = " ".join(record.getMessage().split())[:160]
        text = "".join(letter if letter.isprintable() else "?" for letter in text)
        private = re.search(r"TiffTag (3[3-9]|[4-6]\d)\d{3} ", text)
        if record.levelno >= logging.ERROR and page is None and not private:
            raise ValueError(f"the TIFF is damaged or cut short: {text}")
        texts[f"the TIFF may be damaged: {text}"] = None
    return tuple(texts)[:_REPORTS]


# What the stored numbers mean: grey, colours, palettes


@dataclass(frozen=True)
class _Colors:
    """How stored numbers become a picture."""

    convert: Callable[[Array], Array] | None = None  # a block of stored numbers
    channels: int = 0  # that it makes of a pixel's samples; 0: of each number one
    palette: bytes | None = None  # red, green and blue of each index that is kept
    notes: tuple[str, ...] = ()
    white: int | None = None  # the number of black, where 0 is white

    def nodata(self, text: str | None) -> str | None:
        """Return the value that means no data after conversion, if there is one."""
        if self.convert is None or text is None:
            return text
        if self.white is None or not re.fullmatch(r"\d{1,20}", text):
            return None
        inverted = self.white - int(text)
        return str(inverted) if inverted >= 0 else None


def _colors_of(page: Any, *, indices: bool = False) -> _Colors:
    """Return what a page's numbers mean: grey, RGB or a palette."""
    if _PHOTOMETRIC not in page.tags:
        return _Colors(
            notes=("no tag says what the numbers mean: black is taken as 0",)
        )
    kind = page.photometric
    if kind == _KIND.PALETTE:
        return _palette(page, indices=indices)
    if kind == _KIND.MINISWHITE:
        white = _white(page)
        return _Colors(convert=partial(_inverted, white=white), white=white)
    if page.compression == _APERIO_YCBCR and page.axes == "YXS":
        return _Colors(convert=_from_ycbcr, channels=3)  # whatever the tag says
    if kind == _KIND.YCBCR and page.compression in _JPEG:
        return _Colors()  # its decoder makes RGB of it
    if kind in _PLAIN:
        alpha = 1 in page.extrasamples
        told = ("its colours are multiplied by alpha",) if alpha else ()
        return _Colors(notes=told)
    raise ValueError(
        f"pixels of photometric {getattr(kind, 'name', kind)} are not read: convert "
        "the TIFF to RGB or grey"
    )


def _palette(page: Any, *, indices: bool) -> _Colors:
    table = page.tags.valueof(_COLOR_MAP)
    if table is None or len(table) % 3 or page.dtype.kind not in "bu":
        raise ValueError("the TIFF is damaged: it lacks its palette")
    if page.samplesperpixel != 1:
        raise ValueError("a palette of several samples is not read: convert it to RGB")
    table = np.asarray(table, np.uint32).reshape(3, -1).T
    if table.max() > 255:  # 16 bits as they should be; some programs write 8
        table = table >> 8
    colors = table.astype(np.uint8)
    if indices:
        return _Colors(palette=colors.tobytes())
    return _Colors(convert=partial(_looked_up, colors=colors), channels=3)


def _looked_up(block: Array, colors: Array) -> Array:
    if block.size and int(block.max()) >= len(colors):
        raise ValueError("the TIFF is damaged: an index is not in its palette")
    return np.asarray(colors[block.astype(np.intp, copy=False)])


def _white(page: Any) -> int:
    """Return the number of black, where 0 is white."""
    if page.dtype.kind == "b":
        return 1
    if page.dtype.kind != "u":
        raise ValueError(
            f"pixels of {page.dtype} whose white is 0 (MINISWHITE) are not read: "
            "convert the TIFF"
        )
    return int(2**page.bitspersample - 1)


def _from_ycbcr(block: Array) -> Array:
    width = block.shape[-2]
    image = Image.frombytes("YCbCr", (width, block.size // 3 // width), block.tobytes())
    return np.asarray(image.convert("RGB")).reshape(block.shape)


def _inverted(block: Array, white: int) -> Array:
    return ~block if block.dtype.kind == "b" else block.dtype.type(white) - block
