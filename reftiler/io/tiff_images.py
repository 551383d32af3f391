"""Which of a TIFF's pages are images: series of pages, their levels and planes.

Overviews, masks of transparency, thumbnails and labels of slides are none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import tifffile

from reftiler.io.axes import count_planes
from reftiler.io.info import ReadOptions

_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_SOFTWARE = 305
_SLIDES = frozenset({"svs", "scn", "bif", "ndpi", "philips", "avs", "qpi"})
_UNNAMED = "IQ"  # axes of which a file says only that there are several pages
_NAMED = 6  # how many images an error names
_MOST_BANDS = 32  # more pages are frames, or rows of channels last
_FEW = range(2, 5)  # pages that would make grey with alpha, or colours
_BANDS = "pages of one size are read as channels; --page (page) picks one of them"
_UNTAGGED_LEVELS = (
    "smaller pages are taken for lower resolutions of the first, though no tag says "
    "so; --level (level) picks one of them"
)


@dataclass(frozen=True)
class TiffImage:
    """What is to be read of a TIFF."""

    series: Any  # the pages of the resolution that is read, a TiffPageSeries
    full: Any  # those of the full resolution
    axes: str
    plane: int  # which of the planes of the series is the image
    pages: int  # how many images there are
    notes: tuple[str, ...]


def find_image(file: tifffile.TiffFile, options: ReadOptions) -> TiffImage:
    """Find the image that ``page``, ``level`` and ``axes`` mean."""
    series, notes = _main_series(file)
    _check_whole(file, series, options)
    axes = [_axes_of(one, options) for one in series]
    counts = [
        count_planes(names, one.shape) for names, one in zip(axes, series, strict=True)
    ]
    chosen, plane, names = 0, 0, axes[0]
    if options.page is not None:
        chosen, plane = _chosen(options.page, counts)
        names = axes[chosen]
    elif options.axes is None and len(series) == 1 and _is_bands(file, series[0]):
        names, counts = "C" + names[1:], [1]
        notes += (f"{series[0].shape[0]} {_BANDS}",)
    elif sum(counts) > 1 and not options.guess:
        raise ValueError(_several(series, axes, counts))
    full = series[chosen]
    levels = full.levels
    if not 0 <= options.level < len(levels):
        sizes = ", ".join(f"{n}: {_size(one)}" for n, one in enumerate(levels))
        raise ValueError(
            f"the TIFF has no level {options.level}; its levels are {sizes}"
        )
    return TiffImage(levels[options.level], full, names, plane, sum(counts), notes)


def _main_series(file: tifffile.TiffFile) -> tuple[list[Any], tuple[str, ...]]:
    """Return the series that hold images, and what is said of the others."""
    every = list(file.series)
    if not every:
        raise ValueError("the TIFF holds no image")
    whole = [one for one in every if not one.keyframe.subfiletype & (_REDUCED | _MASK)]
    top = [one for one in whole if not one.keyframe.is_subifd]
    main = top or whole or every
    if len(main) > 1 and main[0].kind in _SLIDES:
        main = [max(main, key=lambda one: math.prod(one.shape))]
    if len(main) > 1 and all(_is_half(*pair) for pair in pairwise(main)):
        main[0].levels[:] = main
        main = main[:1]
    others = [one for one in every if not any(one in top.levels for top in main)]
    notes: tuple[str, ...] = ()
    if others:
        names = ", ".join(_describe(one) for one in others[:_NAMED])
        notes += (f"not read: {len(others)} of the TIFF's images ({names})",)
    if len(main) == 1 and any(not _is_reduced(one) for one in main[0].levels[1:]):
        notes += (_UNTAGGED_LEVELS,)
    return main, notes


def _is_reduced(series: Any) -> bool:
    page = series.keyframe
    known = series.kind in _SLIDES or page.is_subifd
    return known or bool(page.subfiletype & _REDUCED)


def _is_half(larger: Any, smaller: Any) -> bool:
    """Tell whether a series is the next level of a pyramid."""
    if larger.axes != smaller.axes or larger.dtype != smaller.dtype:
        return False
    sizes = zip(larger.axes, larger.shape, smaller.shape, strict=True)
    return all(
        short in ((long // 2, -(-long // 2)) if name in "YX" else (long,))
        for name, long, short in sizes
    )


def _check_whole(
    file: tifffile.TiffFile, series: Sequence[Any], options: ReadOptions
) -> None:
    """Refuse a stack of which the file does not hold all planes."""
    told = (file.imagej_metadata or {}).get("images", 1) if file.is_imagej else 1
    each = math.prod(file.pages.first.shape)
    held = sum(math.prod(one.shape) for one in series) // each if each else 0
    if isinstance(told, int) and told > held:
        raise ValueError(
            f"ImageJ says that the TIFF holds {told} planes, it holds {held}: it is "
            "cut short or damaged"
        )
    # tifffile gives up what OME says where it would have to open other files
    names = set(re.findall(r'FileName="([^"]*)"', file.ome_metadata or ""))
    scattered = series[0].kind != "ome" and len(names) > 1 and options.page is None
    if scattered or any(page is None for one in series for page in one):
        raise ValueError(
            "OME says that planes of the TIFF lie in other files: save it as one file, "
            "or pick one of this file's pages with --page (page)"
        )


def _axes_of(series: Any, options: ReadOptions) -> str:
    """Return the axes' letters; those that the user names win."""
    named = options.axes
    axes: str = series.axes
    if named is None:
        return axes
    if len(named) != len(axes):
        raise ValueError(
            f"axes {named.upper()} are {len(named)}, the TIFF has {len(axes)}: {axes} "
            f"of sizes {series.shape}; name each of them"
        )
    return named.upper()


def _is_bands(file: tifffile.TiffFile, series: Any) -> bool:
    """Tell whether pages of grey, of which nothing is said, are channels."""
    if not _is_unnamed(series) or series.dtype.kind == "b":
        return False
    count, *size = series.shape
    # An array of rows, columns and channels, written plainly, is a page for each row.
    large = min(size) > 4 and count <= min(*size, _MOST_BANDS)
    # Other programs write few pages of grey for documents; tifffile writes arrays.
    document = count in _FEW and series.kind != "shaped"
    written = file.pages.first.tags.valueof(_SOFTWARE, "")
    return large and not (document and "tifffile" not in str(written))


def _is_unnamed(series: Any) -> bool:
    """Tell whether a series is pages of grey of which it is only said how many."""
    axes = series.axes
    return len(axes) == 3 and axes[0] in _UNNAMED and axes[1:] == "YX"


def _chosen(page: int, counts: Sequence[int]) -> tuple[int, int]:
    """Return the series, and the plane in it, of an image's number."""
    rest = page
    for number, count in enumerate(counts):
        if 0 <= rest < count:
            return number, rest
        rest -= count
    total = sum(counts)
    images = f"{total} images, 0 to {total - 1}" if total > 1 else "one image, 0"
    raise ValueError(f"the TIFF holds {images}; there is no page {page}")


def _several(series: Sequence[Any], axes: Sequence[str], counts: Sequence[int]) -> str:
    """Say what images there are, and how one is picked."""
    total = sum(counts)
    if len(series) == 1:
        what = f"axes {axes[0]} of sizes {series[0].shape}"
    else:
        named = ", ".join(_describe(one) for one in series[:_NAMED])
        what = named + (", …" if len(series) > _NAMED else "")
    help_text = f"pick one with --page 0 to {total - 1} (page)"
    if len(series) == 1 and _is_unnamed(series[0]):
        help_text += (
            ", or name the axes of one image: --axes CYX if each page is a channel, "
            "--axes YXC if each is a row (axes)"
        )
    return f"the TIFF holds {total} images, not one ({what}): {help_text}"


def _describe(series: Any) -> str:
    kind = series.keyframe.subfiletype
    role = "mask" if kind & _MASK else "reduced" if kind & _REDUCED else ""
    return f"{series.name or role} {_size(series)}".strip()


def _size(series: Any) -> str:
    sizes = dict(zip(series.axes, series.shape, strict=True))
    return f"{sizes.get('Y', 1)} × {sizes.get('X', 1)}"
