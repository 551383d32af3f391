"""TIFF files as pictures that are read by slices, whatever program wrote them.

tifffile finds the pages; `reftiler.io.tiff_images` tells which are images,
`reftiler.io.tiff_chunks` decodes what a slice meets.
"""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError, missing_extra

try:
    import tifffile
except ImportError as error:
    raise missing_extra("TIFF files need tifffile", "cli", error) from error

from reftiler.io.axes import picture_axes, resolve_axes
from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.lazy import LazyImage, Read, os_error_reason, size_of
from reftiler.io.metadata import Metadata
from reftiler.io.tiff_chunks import ChunkedPages
from reftiler.io.tiff_colors import Colors, colors_of
from reftiler.io.tiff_images import TiffImage, find_image, picture_planes
from reftiler.io.tiff_lossy import is_lossy
from reftiler.io.tiff_tags import lost_tags, read_metadata

__all__ = ["open_tiff"]

Array = NDArray[Any]

_LOGGER = logging.getLogger("tifffile")
_LOGGER.addHandler(logging.NullHandler())  # else what nobody handles goes to the screen
_REPORTS = 3  # of tifffile that are handed on
_ALPHA = (1, 2)  # of ExtraSamples: associated or not; 0 is any other channel
_ORIENTATION = 274


@dataclass(frozen=True)
class _PageArray:
    """Pages as an array, an axis for each letter."""

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Read
    notes: tuple[str, ...] = ()


def open_tiff(
    path: Path, options: ReadOptions, whole: int, *, indices: bool = False
) -> LazyImage:
    """Open a TIFF as a picture; beyond `whole` bytes, what a slice meets is read."""
    try:
        with _reports() as reports, _opened(path) as file:
            return _open_picture(file, path, options, whole, indices, reports)
    except Exception as error:  # tifffile raises anything when tags are damaged
        raise TilingError(f"cannot read {path}: {os_error_reason(error)}") from error


def _opened(path: Path) -> tifffile.TiffFile:
    try:
        # Names of other files are a stranger's: they are not opened.
        return tifffile.TiffFile(path, _multifile=False)
    except tifffile.TiffFileError as error:
        raise ValueError(f"the TIFF is damaged: {error}") from error


def _open_picture(
    file: tifffile.TiffFile,
    path: Path,
    options: ReadOptions,
    whole: int,
    indices: bool,
    reports: list[logging.LogRecord],
) -> LazyImage:
    image = find_image(file, options)
    page = image.full.keyframe
    array = _one_plane(_page_array(image, path, options), image)
    colors = colors_of(image.series.keyframe, indices=indices)
    array = _colored(array, colors)
    names = resolve_axes(array.shape, replace(options, axes=None), array.axes)
    kept = replace(options, page=None)
    shape, read = picture_axes(names, array.shape, kept, array.read)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"not a picture of real numbers: the dtype is {array.dtype}")
    if size_of(shape, array.dtype) <= whole:
        pixels = np.ascontiguousarray(read(tuple(slice(0, size) for size in shape)))
        read = pixels.__getitem__
    metadata, lost = _metadata(file, image, colors)
    info = ImageInfo(
        format="TIFF",
        alpha=_is_alpha(image.series.keyframe, array, shape, options),
        orientation=_orientation(page),
        lossy=is_lossy(image.series),
        metadata=metadata,
        axes=image.axes,
        pages=image.pages,
        notes=(
            image.notes
            + array.notes
            + colors.notes
            + lost_tags(page)
            + lost
            + _told(reports, options.page)
        ),
    )
    return LazyImage(path, shape, array.dtype, read, info)


def _page_array(image: TiffImage, path: Path, options: ReadOptions) -> _PageArray:
    """See a series of pages as an array, without reading any pixel."""
    series = image.series
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
        return _mapped(image, path, offset)
    rank = len(page.axes)
    if series.axes[-rank:] != page.axes or shape[-rank:] != tuple(page.shape):
        raise ValueError(
            f"pages with axes {page.axes} do not make up {series.axes} {shape}"
        )
    count = math.prod(shape[:-rank])
    if count != len(series):
        raise ValueError(f"the TIFF lacks pages: it holds {len(series)} of {count}")
    pages = ChunkedPages(path, page, list(series), options.max_bytes)
    missing, chunks = pages.sparse
    told = f"{missing} of {chunks} chunks are not stored: they read as {pages.fill}"
    read = _SeriesReader(pages, shape[:-rank])
    notes = (told,) if missing else ()
    return _PageArray(image.axes, shape, pages.dtype, read, notes)


def _mapped(image: TiffImage, path: Path, offset: int) -> _PageArray:
    series = image.series
    shape, page = tuple(series.shape), series.keyframe
    stored = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    size = page.parent.filehandle.size
    if offset + size_of(shape, stored) > size:
        raise ValueError(f"the TIFF is truncated after {size:,} bytes")
    mapped = np.memmap(path, stored, "r", offset, shape)
    dtype = stored.newbyteorder("=")

    def read(index: tuple[slice, ...]) -> Array:
        return mapped[index].astype(dtype, copy=False)

    return _PageArray(image.axes, shape, dtype, read)


class _SeriesReader:
    """Reads slices of a series whose first axes are those of pages."""

    def __init__(self, pages: ChunkedPages, leading: tuple[int, ...]) -> None:
        self._pages, self._leading = pages, leading

    def __call__(self, index: tuple[slice, ...]) -> Array:
        rank = len(self._leading)
        first, rest = index[:rank], index[rank:]
        ranges = [range(part.start, part.stop) for part in first]
        if not rank:
            return self._pages.read(0, rest)
        found = [
            self._pages.read(int(np.ravel_multi_index(place, self._leading)), rest)
            for place in product(*ranges)
        ]
        sizes = [*map(len, ranges), *(part.stop - part.start for part in rest)]
        return np.stack(found).reshape(sizes)


def _one_plane(array: _PageArray, image: TiffImage) -> _PageArray:
    """Fix the axes that are none of a picture."""
    fixed = dict(zip(picture_planes(array.axes), image.plane, strict=True))
    if not fixed:
        return array
    kept = [at for at in range(len(array.shape)) if at not in fixed]

    def read(index: tuple[slice, ...]) -> Array:
        box = {at: slice(place, place + 1) for at, place in fixed.items()}
        box |= dict(zip(kept, index, strict=True))
        pixels = np.asarray(array.read(tuple(box[at] for at in sorted(box))))
        return pixels.reshape([pixels.shape[at] for at in kept])

    axes = "".join(array.axes[at] for at in kept)
    shape = tuple(array.shape[at] for at in kept)
    return replace(array, axes=axes, shape=shape, read=read)


def _colored(array: _PageArray, colors: Colors) -> _PageArray:
    """Turn stored numbers into what they mean."""
    convert = colors.convert
    if convert is None:
        return array
    if not colors.channels:
        return replace(array, read=lambda index: convert(array.read(index)))
    samples = array.axes.endswith("S")
    rank = len(array.shape) - samples
    axes, shape = array.axes[:rank] + "S", (*array.shape[:rank], colors.channels)
    every = (slice(0, array.shape[-1]),) if samples else ()

    def read(index: tuple[slice, ...]) -> Array:
        return convert(array.read((*index[:rank], *every)))[..., index[-1]]

    return replace(array, axes=axes, shape=shape, dtype=np.dtype(np.uint8), read=read)


def _is_alpha(
    page: Any, array: _PageArray, shape: tuple[int, ...], options: ReadOptions
) -> bool:
    """Tell whether the last channel of what is read is alpha."""
    extra = page.extrasamples
    if len(shape) < 3 or not extra or extra[-1] not in _ALPHA or "S" not in array.axes:
        return False
    last = array.shape[array.axes.index("S")] - 1
    return options.channels is None or options.channels[-1] == last


def _orientation(page: Any) -> int:
    number = page.tags.valueof(_ORIENTATION, 1)
    return int(number) if number in range(1, 9) else 1


def _metadata(
    file: tifffile.TiffFile, image: TiffImage, colors: Colors
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
