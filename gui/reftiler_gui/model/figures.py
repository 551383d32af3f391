"""The pictures of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.regions import Region
from reftiler_gui.model.defects import Defects
from reftiler_gui.model.differences import DifferencePicture
from reftiler_gui.model.document import Loaded
from reftiler_gui.model.drawing import cut, drawn, laid_over, lens_on
from reftiler_gui.model.layers import Layers
from reftiler_gui.model.lens import Lens
from reftiler_gui.model.merging import Merged
from reftiler_gui.model.resized import ResizedPicture
from reftiler_gui.model.seeing import Seen
from reftiler_gui.model.source import PixelSource
from reftiler_gui.model.story import times
from reftiler_gui.model.tiling import Box, TilingView

__all__ = ["Figure", "Ring", "compared", "gridded", "rejoined"]

Rgb: TypeAlias = NDArray[np.uint8]
Ring: TypeAlias = tuple[float, float, float, str]
"""Column, row and radius in pixels of a picture, and a word beside it."""

_WIDE, _NARROW = 1280, 600  # pixels of a picture that has a line, or half, to itself
_RING = 15.0  # the radius of a ring, at the least
_AROUND = 14  # what is shown around a defect, in pixels of the resized image


@dataclass(frozen=True, eq=False)
class Figure:
    """
    A picture.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        It.
    words : str
        What it shows.
    rings : tuple of Ring
        Places in it to mark, in its pixels.
    sharp : bool
        Whether its pixels are to be seen, however large.
    """

    pixels: Rgb
    words: str
    rings: tuple[Ring, ...] = ()
    sharp: bool = False


def gridded(
    loaded: Loaded, view: TilingView, defects: Defects, most: int, listed: int
) -> Figure:
    """Draw an image with its tiles, the first of its defects ringed."""
    assert loaded.image is not None
    lens = lens_on(view.frame, _WIDE)
    picture = drawn(loaded.image, lens)
    laid_over(picture, lens, view, loaded.mask, Layers(), most)
    words = ["Tiles start at solid lines and end at dashed ones."]
    if any(any(pair) for pair in view.padding):
        words.append("Grey stripes are padding.")
    rings = tuple(
        _ringed(lens, region, str(number))
        for number, region in enumerate(defects.regions[:listed], start=1)
    )
    if rings:
        words.append("Defects are ringed, and numbered as in the table.")
    return Figure(picture, " ".join(words), rings)


def compared(source: PixelSource, seen: Seen) -> tuple[Figure, Figure]:
    """Draw a defect after resizing the image, and as it is."""
    box = _around(seen, source.size)
    (top, bottom), (left, _) = box
    (first, last), (low, high) = seen.region.box
    radius = max(seen.region.size) / 2 + (bottom - top) / 30
    ring = ((low + high) / 2 - left, (first + last) / 2 - top, radius, "")
    small = ResizedPicture(source, seen.target)
    words = f"Resized to {times(seen.target)} px"
    if small.mean > 1:
        words += f", from means of {small.mean} × {small.mean} px"
    tile = "In no tile" if seen.best is None else f"In tile {seen.best}"
    return (
        Figure(cut(small, box), words, (ring,), sharp=True),
        Figure(cut(source, box), tile, (ring,), sharp=True),
    )


def rejoined(source: PixelSource, found: Merged) -> tuple[Figure, Figure]:
    """Draw a merged image, and how it differs from the original."""
    whole = PixelSource(found.image, source.low, source.high, alpha=source.has_alpha)
    change = DifferencePicture(found.difference, found.largest)
    lens = lens_on(((0, source.size[0]), (0, source.size[1])), _NARROW)
    rings: tuple[Ring, ...] = ()
    if found.worst is not None:
        row, column = ((place + 0.5) * lens.zoom for place in found.worst)
        rings = ((column, row, _RING, "worst"),)
    words = (
        "Merged minus original: blue is too little, orange too much, the full colour "
        f"{found.largest:.4g}"
    )
    return (
        Figure(drawn(whole, lens), "Merged", rings),
        Figure(drawn(change, lens), words, rings),
    )


def _ringed(lens: Lens, region: Region, words: str) -> Ring:
    (top, bottom), (left, right) = region.box
    x, y = (left + right) / 2 - lens.left, (top + bottom) / 2 - lens.top
    radius = max(_RING, max(region.size) * lens.zoom / 2 + 6)
    return x * lens.zoom, y * lens.zoom, radius, words


def _around(seen: Seen, size: tuple[int, int]) -> Box:
    """Return a square around a defect, moved to lie in the image if it can."""
    shrunk = max(side / goal for side, goal in zip(size, seen.target, strict=True))
    side = max(seen.region.size) + round(2 * _AROUND * max(1.0, shrunk))
    spans = []
    for (low, high), length in zip(seen.region.box, size, strict=True):
        start = min(max((low + high - side) // 2, 0), max(0, length - side))
        spans.append((start, min(start + side, length)))
    return spans[0], spans[1]
