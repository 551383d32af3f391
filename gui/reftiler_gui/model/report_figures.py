"""The pictures of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.regions import Region
from reftiler_gui.model.defect_metrics import DefectMetrics
from reftiler_gui.model.defects import Defects
from reftiler_gui.model.difference_pyramid import DifferencePyramid
from reftiler_gui.model.grid_lookup import Box, GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.model.merging import Merged
from reftiler_gui.model.overlay_settings import OverlaySettings
from reftiler_gui.model.render import cut, drawn, laid_over, transform_on
from reftiler_gui.model.resized_image import ResizedImage
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.model.texts import times

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
    loaded: LoadedImage, view: GridLookup, defects: Defects, most: int, listed: int
) -> Figure:
    """Draw an image with its tiles, the first of its defects ringed."""
    assert loaded.image is not None
    transform = transform_on(view.frame, _WIDE)
    picture = drawn(loaded.image, transform)
    laid_over(picture, transform, view, loaded.mask, OverlaySettings(), most)
    words = ["Tiles start at solid lines and end at dashed ones."]
    if any(any(pair) for pair in view.padding):
        words.append("Grey stripes are padding.")
    rings = tuple(
        _ringed(transform, region, str(number))
        for number, region in enumerate(defects.regions[:listed], start=1)
    )
    if rings:
        words.append("Defects are ringed, and numbered as in the table.")
    return Figure(picture, " ".join(words), rings)


def compared(source: ImagePyramid, seen: DefectMetrics) -> tuple[Figure, Figure]:
    """Draw a defect after resizing the image, and as it is."""
    box = _around(seen, source.size)
    (top, bottom), (left, _) = box
    (first, last), (low, high) = seen.region.box
    radius = max(seen.region.size) / 2 + (bottom - top) / 30
    ring = ((low + high) / 2 - left, (first + last) / 2 - top, radius, "")
    small = ResizedImage(source, seen.target)
    words = f"Resized to {times(seen.target)} px"
    if small.mean > 1:
        words += f", from means of {small.mean} × {small.mean} px"
    tile = "In no tile" if seen.best is None else f"In tile {seen.best}"
    return (
        Figure(cut(small, box), words, (ring,), sharp=True),
        Figure(cut(source, box), tile, (ring,), sharp=True),
    )


def rejoined(source: ImagePyramid, found: Merged) -> tuple[Figure, Figure]:
    """Draw a merged image, and how it differs from the original."""
    whole = source.like(found.image)
    change = DifferencePyramid(found.difference, found.largest)
    transform = transform_on(((0, source.size[0]), (0, source.size[1])), _NARROW)
    rings: tuple[Ring, ...] = ()
    if found.worst is not None:
        row, column = ((place + 0.5) * transform.zoom for place in found.worst)
        rings = ((column, row, _RING, "worst"),)
    words = (
        "Merged minus original: blue is too little, orange too much, the full colour "
        f"{found.largest:.4g}"
    )
    return (
        Figure(drawn(whole, transform), "Merged", rings),
        Figure(drawn(change, transform), words, rings),
    )


def _ringed(transform: ScreenTransform, region: Region, words: str) -> Ring:
    (top, bottom), (left, right) = region.box
    x, y = (left + right) / 2 - transform.left, (top + bottom) / 2 - transform.top
    radius = max(_RING, max(region.size) * transform.zoom / 2 + 6)
    return x * transform.zoom, y * transform.zoom, radius, words


def _around(seen: DefectMetrics, size: tuple[int, int]) -> Box:
    """Return a square around a defect, moved to lie in the image if it can."""
    shrunk = max(side / goal for side, goal in zip(size, seen.target, strict=True))
    side = max(seen.region.size) + round(2 * _AROUND * max(1.0, shrunk))
    spans = []
    for (low, high), length in zip(seen.region.box, size, strict=True):
        start = min(max((low + high - side) // 2, 0), max(0, length - side))
        spans.append((start, min(start + side, length)))
    return spans[0], spans[1]
