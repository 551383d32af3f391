"""Colours that colour-blind people can tell apart, as pixels that Qt paints.

A pixel is one number, 0xAARRGGBB, its colour already multiplied by its alpha: what
``QImage.Format_ARGB32_Premultiplied`` holds, and ``Format_RGB32`` where all is opaque.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler import figures
from reftiler_gui.model.array_types import Pixels, Rgb

COLORS = figures.COLORS
UNCOVERED = COLORS["vermillion"]  # the colour of the hatching where no tile takes part

# From dark to bright, evenly as the eye sees it, in any kind of colour vision.
_RISING = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
_DEPTH = 255  # steps of a difference to either side


def pixel(color: Rgb, alpha: float = 1.0) -> int:
    """Return a colour as one pixel; ``alpha`` is 0 to 1."""
    red, green, blue = (round(part * alpha) for part in color)
    return round(255 * alpha) << 24 | red << 16 | green << 8 | blue


def label_colors(count: int) -> tuple[Rgb, ...]:
    """Return colours that differ, those that colour-blind people tell apart first."""
    names = ("orange", "purple", "yellow", "green", "vermillion", "blue")
    first = [COLORS[name] for name in names[:count]]
    more = []
    for number in range(count - len(first)):  # hues by the golden ratio
        share = colorsys.hsv_to_rgb(number * 0.618 % 1, 0.5 + number % 3 / 4, 0.95)
        more.append(tuple(round(255 * part) for part in share))
    return (*first, *more)  # type: ignore[arg-type]


def mask_layer(
    marked: NDArray[Any],
    color: Rgb = COLORS["orange"],
    alpha: float = 0.4,
    outline: int = 2,
) -> Pixels:
    """Colour a mask as `MaskPyramid.view` gives it, each region outlined opaquely."""
    places = marked.view(np.uint8)
    edge = _grown(places, outline) * (places == 0)
    if marked.dtype == bool:  # products are faster than a table
        layer = places * np.uint32(pixel(color, alpha))
        layer += edge * np.uint32(pixel(color))
        return layer
    colors = label_colors(int(places.max()))
    filled, opaque = (
        np.array([0, *(pixel(one, share) for one in colors)], np.uint32)
        for share in (alpha, 1.0)
    )
    return np.asarray(filled[places] + opaque[edge])


def coverage_colors(most: int) -> tuple[Rgb, ...]:
    """Return the colours of 0 to ``most`` tiles; that of 0 is `UNCOVERED`."""
    place = np.linspace(0, len(_RISING) - 1, max(most, 2))[: max(most, 1)]
    rows = np.rint(interpolated(place, _RISING)).astype(int).tolist()
    return (UNCOVERED, *(tuple(row) for row in rows[:most]))


def interpolated(places: NDArray[Any], colors: Sequence[Any]) -> NDArray[Any]:
    """Return the colours between some that are one apart, shape (n, 3)."""
    channels = np.array([tuple(color) for color in colors]).T
    return np.stack([np.interp(places, range(len(colors)), c) for c in channels], 1)


def coverage_layer(counts: NDArray[np.int64], most: int, alpha: float = 0.6) -> Pixels:
    """Colour the numbers of tiles; nothing is laid where there is none."""
    colors = [0, *(pixel(color, alpha) for color in coverage_colors(most)[1:])]
    table = np.array(colors, dtype=np.uint32)
    return np.asarray(table[counts.clip(0, most)])


def legend(least: int, most: int, rows: int = 12) -> tuple[tuple[int, Rgb], ...]:
    """Return numbers of tiles and their colours, ``rows`` of them at the most."""
    colors = coverage_colors(most)
    step = max(1, -(-(most - least + 1) // rows))
    numbers = sorted({*range(least, most + 1, step), most})
    return tuple((number, colors[number]) for number in numbers)


def as_rgb(pixels: Pixels, ground: Any = 255) -> NDArray[np.uint8]:
    """Return pixels as red, green and blue, shape (H, W, 3), over a background."""
    parts = pixels.astype("<u4", copy=False).view(np.uint8).reshape(*pixels.shape, 4)
    through = 255 - parts[..., 3:].astype(np.int32)
    whole = parts[..., 2::-1] + (through * ground + 127) // 255
    return np.asarray(whole.clip(0, 255), np.uint8)


def signed(difference: NDArray[Any], limit: float) -> Pixels:
    """Colour a difference: blue below zero, white at it, orange above; NaN is black."""
    wide = np.asarray(difference, dtype=np.float64)
    with np.errstate(all="ignore"):
        share = wide / limit if limit else np.sign(wide)
    unknown = np.isnan(share)
    step = np.where(unknown, 0, np.clip(share, -1, 1)) * _DEPTH
    # What differs at all is never white.
    step = np.where(step > 0, np.ceil(step), np.floor(step)).astype(np.int64)
    colored: Pixels = _signed_table()[step + _DEPTH]
    colored[unknown] = pixel(COLORS["black"])
    return colored


@cache
def _signed_table() -> Pixels:
    low, high = np.array(COLORS["blue"]), np.array(COLORS["orange"])
    white = np.array(COLORS["white"])
    share = np.linspace(0, 1, _DEPTH + 1)[1:, np.newaxis] * 0.85 + 0.15
    above = white + (high - white) * share
    below = (white + (low - white) * share)[::-1]
    rgb = np.rint(np.vstack([below, white[np.newaxis], above])).astype(int).tolist()
    return np.array([pixel(color) for color in rgb], np.uint32)


def _grown(places: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    """Grow labels by some pixels to all sides, corners cut."""
    grown = places.copy()
    for _ in range(by):
        before = grown.copy()
        for near, far in ((grown, before), (grown.T, before.T)):
            np.maximum(near[1:], far[:-1], out=near[1:])
            np.maximum(near[:-1], far[1:], out=near[:-1])
    return grown
