"""Pictures of an image and its tiles that need no window, as arrays and PNG files."""

from __future__ import annotations

import base64
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.io import resize
from reftiler.io.png import encode_png
from reftiler_gui.model.grid_lookup import Box, GridLookup
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.overlay_settings import (
    OverlaySettings,
    coverage_of,
    lines_of,
    mask_of,
)
from reftiler_gui.model.screen_transform import ScreenTransform

__all__ = ["Drawable", "cut", "data_uri", "drawn", "laid_over", "transform_on"]

Pixels: TypeAlias = NDArray[np.uint32]
Rgb: TypeAlias = NDArray[np.uint8]
Span: TypeAlias = tuple[int, int]

_LARGEST = 16  # the zoom, at the most, of what is small
_WIDTH = 2  # of lines and outlines, in pixels of the picture
_GROUND = (225, 226, 228)


class Drawable(Protocol):
    """What can be drawn: a `ImagePyramid`, or what is painted as it is."""

    @property
    def size(self) -> Span: ...  # noqa: D102
    def level(self, zoom: float) -> int: ...  # noqa: D102
    def level_size(self, level: int) -> Span: ...  # noqa: D102
    def region(self, level: int, rows: Span, columns: Span) -> Pixels: ...  # noqa: D102


def transform_on(frame: Box, side: int) -> ScreenTransform:
    """Return what shows a whole box ``side`` pixels long, or a little less."""
    (top, bottom), (left, right) = frame
    longest = max(bottom - top, right - left)
    zoom = side / longest
    if zoom > 1:
        zoom = float(min(int(zoom), _LARGEST))
    height, width = (max(1, round(n * zoom)) for n in (bottom - top, right - left))
    return ScreenTransform(float(top), float(left), zoom, height, width)


def drawn(picture: Drawable, transform: ScreenTransform) -> Rgb:
    """Draw a whole picture, and on grey what lies around it."""
    canvas = np.empty((transform.height, transform.width, 3), np.uint8)
    canvas[:] = _GROUND
    top, bottom = transform.down((0, picture.size[0]))
    left, right = transform.across((0, picture.size[1]))
    if top == bottom or left == right:
        return canvas
    level = picture.level(transform.zoom)
    height, width = picture.level_size(level)
    pixels = picture.region(level, (0, height), (0, width))
    size = bottom - top, right - left
    shown = _as_rgb(pixels, canvas[0, 0])
    if transform.zoom >= 1:
        rows = np.arange(size[0]) * height // size[0]
        columns = np.arange(size[1]) * width // size[1]
        shown = shown[np.ix_(rows, columns)]
    elif size != (height, width):
        shown = resize(shown, size)
    canvas[top:bottom, left:right] = shown
    return canvas


def cut(picture: Drawable, box: Box) -> Rgb:
    """Return the pixels of a box, which lies within the picture."""
    pixels = picture.region(0, *box)
    return _as_rgb(pixels, np.array(_GROUND, np.uint8))


def laid_over(
    canvas: Rgb,
    transform: ScreenTransform,
    view: GridLookup,
    mask: MaskPyramid | None,
    layers: OverlaySettings,
    most: int,
) -> None:
    """Lay tiles and marks over what `drawn` has drawn, as the window does."""
    over: list[tuple[int, int, Pixels] | None] = []
    if layers.coverage:
        over.append(coverage_of(view, transform, most))
    if mask is not None and layers.mask:
        over.append(mask_of(mask, transform, layers, _WIDTH))
    over.append((0, 0, lines_of(view, transform, layers, _WIDTH)))
    for found in over:
        if found is not None:
            top, left, pixels = found
            height, width = pixels.shape
            part = canvas[top : top + height, left : left + width]
            part[:] = _as_rgb(pixels, part)


def _as_rgb(pixels: Pixels, ground: NDArray[Any]) -> Rgb:
    """Return pixels 0xAARRGGBB, their colours multiplied by alpha, on a ground."""
    parts = [(pixels >> np.uint32(shift)) & np.uint32(255) for shift in (16, 8, 0)]
    color = np.stack(parts, axis=-1)
    through = 255 - (pixels >> np.uint32(24))[..., np.newaxis].astype(np.int32)
    whole = color.astype(np.int32) + (through * ground + 127) // 255
    return np.asarray(whole.clip(0, 255), np.uint8)


def data_uri(picture: Rgb) -> str:
    """Return a picture as a PNG file in a line of text, grey ones as such."""
    grey = bool((picture == picture[..., :1]).all())
    data = encode_png(picture[..., 0] if grey else picture)
    return f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"
