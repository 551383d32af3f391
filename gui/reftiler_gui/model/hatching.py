"""Stripes: over the padding, and over pixels in which no tile takes part."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler_gui.model.colors import UNCOVERED, pixel
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.screen_transform import ScreenTransform

__all__ = ["hatch", "pad"]

Pixels: TypeAlias = NDArray[np.uint32]
Span: TypeAlias = tuple[int, int]

_HATCH = pixel(UNCOVERED)
_TINT = pixel(UNCOVERED, 0.16)
_STRIPE = pixel((128, 128, 128), 0.55)
_PALE = pixel((128, 128, 128), 0.2)
_LEAST = 3  # the screen's pixels that uncovered ones take at the least


def pad(
    buffer: Pixels, view: GridLookup, transform: ScreenTransform, width: int
) -> None:
    """Stripe what tiles hold beyond the image."""
    rows, cols = view.frame
    (top, bottom), (left, right) = transform.down(rows), transform.across(cols)
    height, side = view.size
    (first, last), (low, high) = (
        transform.down((0, height)),
        transform.across((0, side)),
    )
    for down, across in (
        ((top, first), (left, right)),
        ((last, bottom), (left, right)),
        ((first, last), (left, low)),
        ((first, last), (high, right)),
    ):
        _stripe(buffer, transform, down, across, (_STRIPE, _PALE, width))


def hatch(
    buffer: Pixels, view: GridLookup, transform: ScreenTransform, width: int
) -> None:
    """Hatch where no tile takes part, at least some pixels wide."""
    height, side = view.size
    rows, cols = transform.down((0, height)), transform.across((0, side))
    ink = (_HATCH, _TINT, width)
    if view.scattered:
        _hatch_counted(buffer, view, transform, (rows, cols), ink)
        return
    for low, high in view.gaps[0]:
        _stripe(
            buffer, transform, _widened(transform.down((low, high)), rows), cols, ink
        )
    for low, high in view.gaps[1]:
        _stripe(
            buffer, transform, rows, _widened(transform.across((low, high)), cols), ink
        )


def _widened(span: Span, within: Span) -> Span:
    low, high = span
    if high - low < _LEAST:
        low = max(within[0], min(low, within[1] - _LEAST))
        high = min(within[1], low + _LEAST)
    return low, high


def _hatch_counted(
    buffer: Pixels,
    view: GridLookup,
    transform: ScreenTransform,
    spans: tuple[Span, Span],
    ink: tuple[int, int, int],
) -> None:
    (top, bottom), (left, right) = spans
    if top == bottom or left == right:
        return
    none = view.coverage(transform.rows[top:bottom], transform.cols[left:right]) == 0
    part = np.zeros(none.shape, dtype=np.uint32)
    whole = np.zeros_like(buffer)
    _stripe(whole, transform, (top, bottom), (left, right), ink)
    np.copyto(part, whole[top:bottom, left:right], where=none)
    buffer[top:bottom, left:right] = part


def _stripe(
    buffer: Pixels,
    transform: ScreenTransform,
    rows: Span,
    cols: Span,
    ink: tuple[int, int, int],
) -> None:
    """Fill a part with diagonal stripes that move with the image."""
    if rows[0] >= rows[1] or cols[0] >= cols[1]:
        return
    strong, weak, width = ink
    period = 10 * width
    down = np.arange(*rows) - transform.y(0)
    across = np.arange(*cols) - transform.x(0)
    line = np.where(np.arange(period) < 2 * width, strong, weak).astype(np.uint32)
    # A row is the one above, moved by a pixel.
    count = cols[1] - cols[0]
    long = np.resize(line, count + period)
    rolled = np.stack([long[n : n + count] for n in range(period)])
    start = int(across[0] % period)
    buffer[rows[0] : rows[1], cols[0] : cols[1]] = rolled[(down + start) % period]
