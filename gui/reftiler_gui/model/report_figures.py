"""The pictures of a report: drawn without a window, as PNG files within the page."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.io import resize
from reftiler.io.png import encode_png
from reftiler.regions import Region
from reftiler_gui.model.array_types import Pixels
from reftiler_gui.model.colors import as_rgb
from reftiler_gui.model.defect_metrics import DefectMetrics, shrinkage, square_around
from reftiler_gui.model.grid_lookup import Box, GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.model.overlay_settings import OverlaySettings, lines_of, mask_of
from reftiler_gui.model.resized_image import ResizedImage
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.model.texts import times

__all__ = ["Figure", "Ring", "compare_figures", "grid_figure"]

Rgb: TypeAlias = NDArray[np.uint8]
Ring: TypeAlias = tuple[float, float, float, str]
"""Column, row and radius in pixels of a picture, and a label."""

_SIDE = 1280  # pixels of the longer side of the picture of the grid
_LARGEST = 16  # zoom of small images, at the most
_WIDTH = 2  # of lines and outlines, in pixels of the picture
_BACKGROUND = np.array((225, 226, 228), np.uint8)
_RING = 15.0  # smallest radius of a ring
_PART = 768  # pixels of the longer side of the picture of a defect, about
_AROUND = 14  # pixels of the resized image shown around a defect


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture of a report."""

    pixels: Rgb  # shape (H, W, 3): the picture
    caption: str  # what it shows
    rings: tuple[Ring, ...] = ()  # places to mark, in its pixels
    # left, top, width and height of a tile in its pixels: what lies beyond is veiled
    frame: tuple[float, ...] | None = None
    sharp: bool = False  # whether it is enlarged without smoothing

    @property
    def uri(self) -> str:
        """The picture as a PNG file in a line of text, grey ones as such."""
        grey = bool((self.pixels == self.pixels[..., :1]).all())
        data = encode_png(self.pixels[..., 0] if grey else self.pixels)
        return f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"

    @property
    def line(self) -> float:
        """Width of a ring in its pixels, so that all rings look equally wide."""
        return float(max(self.pixels.shape[:2]) / (160 if self.sharp else 520))


def grid_figure(
    loaded: LoadedImage, view: GridLookup, regions: Sequence[Region]
) -> Figure:
    """Draw an image with its mask and tiles, some of its defects ringed."""
    assert loaded.image is not None
    layers, frame = OverlaySettings(), view.frame
    transform = _transform_on(frame)
    canvas = _drawn(loaded.image, transform)
    if loaded.mask is not None:
        _lay_over(canvas, mask_of(loaded.mask, transform, layers, _WIDTH))
    _lay_over(canvas, (0, 0, lines_of(view, transform, layers, _WIDTH)))
    caption = f"{loaded.item.name}. Tiles start at solid lines and end at dashed ones."
    if any(any(pair) for pair in view.padding):
        caption += " Grey stripes are padding."
    if regions:
        caption += " Defects are ringed, with the numbers of the table."
    rings = []
    for number, region in enumerate(regions, start=1):
        (top, bottom), (left, right) = region.box
        x = ((left + right) / 2 - transform.left) * transform.zoom
        y = ((top + bottom) / 2 - transform.top) * transform.zoom
        radius = max(_RING, max(region.size) * transform.zoom / 2 + 6)
        rings.append((x, y, radius, str(number)))
    return Figure(canvas, caption, tuple(rings))


def compare_figures(
    source: ImagePyramid,
    small: ResizedImage,
    seen: DefectMetrics,
    view: GridLookup | None,
) -> tuple[Figure, Figure]:
    """Draw a defect after resizing the image, and as it is in its tile."""
    around = round(_AROUND * shrinkage(source.size, seen.target))
    box = square_around(seen.region, source.size, around)
    (top, bottom), (left, _) = box
    level = max(0, math.ceil(math.log2((bottom - top) / _PART)))
    (first, last), (low, high) = seen.region.box
    place = (low + high) / 2 - left, (first + last) / 2 - top
    radius = max(seen.region.size) / 2 + (bottom - top) / 30
    x, y, radius = (length / 2**level for length in (*place, radius))
    resized = f"Resized to {times(seen.target)} px"
    if small.mean > 1:
        resized += f", from means of {small.mean} × {small.mean} px"
    tile = "In no tile" if seen.best is None else f"In tile {seen.best}"
    rows, columns = ((span[0] >> level, -(-span[1] >> level)) for span in box)
    left_side, right_side = (
        as_rgb(picture.region(level, rows, columns), _BACKGROUND)
        for picture in (small, source)
    )
    rings = ((x, y, radius, ""),)
    frame = None
    if view is not None and seen.best is not None:
        spans = [
            [min(max(place - start, 0), stop - start) / 2**level for place in span]
            for span, (start, stop) in zip(view.box(seen.best), box, strict=True)
        ]
        (first, last), (low, high) = spans
        frame = low, first, high - low, last - first
    return (
        Figure(left_side, resized, rings, sharp=True),
        Figure(right_side, tile, rings, frame, sharp=True),
    )


def _transform_on(frame: Box) -> ScreenTransform:
    """Return what shows a whole box in `_SIDE` pixels, or a few less."""
    (top, bottom), (left, right) = frame
    zoom = _SIDE / max(bottom - top, right - left)
    if zoom > 1:
        zoom = float(min(int(zoom), _LARGEST))
    height, width = (max(1, round(n * zoom)) for n in (bottom - top, right - left))
    return ScreenTransform(float(top), float(left), zoom, height, width)


def _drawn(picture: ImagePyramid, transform: ScreenTransform) -> Rgb:
    """Draw a whole picture; what lies around it is grey."""
    canvas = np.empty((transform.height, transform.width, 3), np.uint8)
    canvas[:] = _BACKGROUND
    top, bottom = transform.down((0, picture.size[0]))
    left, right = transform.across((0, picture.size[1]))
    if top == bottom or left == right:
        return canvas
    level = picture.level(transform.zoom)
    height, width = picture.level_size(level)
    shown = as_rgb(picture.whole(level), _BACKGROUND)
    size = bottom - top, right - left
    if transform.zoom >= 1:
        rows = np.arange(size[0]) * height // size[0]
        columns = np.arange(size[1]) * width // size[1]
        shown = shown[np.ix_(rows, columns)]
    elif size != (height, width):
        shown = resize(shown, size)
    canvas[top:bottom, left:right] = shown
    return canvas


def _lay_over(canvas: Rgb, layer: tuple[int, int, Pixels] | None) -> None:
    if layer is not None:
        top, left, pixels = layer
        height, width = pixels.shape
        part = canvas[top : top + height, left : left + width]
        part[:] = as_rgb(pixels, part)
