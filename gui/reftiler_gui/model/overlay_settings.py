"""What lies over the image: buffers of the screen's size, filled by numpy.

A grid of a hundred thousand tiles has but some hundred lines, so its cost is flat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reftiler_gui.model.array_types import Ints, Pixels, Rgb, Span
from reftiler_gui.model.colors import (
    COLORS,
    UNCOVERED,
    coverage_layer,
    mask_layer,
    pixel,
)
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.screen_transform import ScreenTransform

_LINE = pixel(COLORS["sky"])
_CASING = pixel(COLORS["black"], 0.45)
_HATCH, _TINT = pixel(UNCOVERED), pixel(UNCOVERED, 0.16)
_STRIPE, _PALE = pixel((128, 128, 128), 0.55), pixel((128, 128, 128), 0.2)
_LEAST = 3  # the screen's pixels that uncovered ones take at the least
_CLOSE = 5  # the screen's pixels from line to line below which some are left out
_DASHED = 10  # the same, below which only starts are drawn


@dataclass(frozen=True)
class OverlaySettings:
    """What is shown."""

    image: bool = True
    map: bool = True  # the anomaly map
    outline: bool = True  # its regions at the threshold
    mask: bool = True
    grid: bool = True
    gaps: bool = True  # the pixels in no tile
    padding: bool = True
    coverage: bool = False
    seams: bool = False  # how much the results of tiles disagree
    marks: bool = True  # the rings around defects
    labels: bool = True  # whether several labels of a mask have colours of their own
    scale_bar: bool = False
    minimap: bool = False
    alpha: float = 0.4  # how much of their colour marked pixels take, 0 to 1
    color: Rgb = COLORS["orange"]  # the mask's


START = OverlaySettings(scale_bar=True, minimap=True)  # what the window shows at first


def thinning(view: GridLookup, transform: ScreenTransform) -> int:
    """Return which starts are drawn: every one, or every n-th where they are close."""
    gap = max(_spacing(view) * transform.zoom, 1e-3)
    return max(1, math.ceil(_CLOSE / gap))


def lines_of(
    view: GridLookup, transform: ScreenTransform, layers: OverlaySettings, width: int
) -> Pixels:
    """Draw padding, uncovered pixels and the grid; lines are so many pixels wide."""
    buffer = np.zeros((transform.height, transform.width), dtype=np.uint32)
    if layers.padding:
        _pad(buffer, view, transform, width)
    if layers.gaps:
        _hatch(buffer, view, transform, width)
    if layers.grid and view.scattered:
        _outline(buffer, view, transform)
    elif layers.grid:
        _rule(buffer, view, transform, width)
    return buffer


def mask_of(
    mask: MaskPyramid, transform: ScreenTransform, layers: OverlaySettings, outline: int
) -> tuple[int, int, Pixels] | None:
    """Draw the marked pixels; return where on the screen, and what; None if nothing."""
    marked = mask.view(
        *(transform.top, transform.left, transform.zoom),
        *(transform.height, transform.width),
        labels=layers.labels,
    )
    rows = np.flatnonzero(marked.any(axis=1))
    if not rows.size:
        return None
    cols = np.flatnonzero(marked[rows[0] : rows[-1] + 1].any(axis=0))
    top, left = max(0, rows[0] - outline), max(0, cols[0] - outline)
    part = marked[top : rows[-1] + outline + 1, left : cols[-1] + outline + 1]
    return int(top), int(left), mask_layer(part, layers.color, layers.alpha, outline)


def coverage_of(
    view: GridLookup, transform: ScreenTransform, most: int
) -> tuple[int, int, Pixels] | None:
    """Colour how many tiles take part in each pixel; place and colours, or None."""
    (top, bottom), (left, right) = transform.shown(view.size)
    if top == bottom or left == right:
        return None
    rows, cols = transform.rows[top:bottom], transform.cols[left:right]
    if view.scattered:
        return top, left, coverage_layer(view.coverage(rows, cols), most)
    # Rows that as many rows of tiles cover have the same colours.
    counts = view.grid.axes[0].coverage[rows]
    _, first, place = np.unique(counts, return_index=True, return_inverse=True)
    lines = coverage_layer(view.coverage(rows[first], cols), most)
    return top, left, lines[place]


def _spacing(view: GridLookup) -> float:
    gaps = [np.diff(starts).min() for starts in view.starts if len(starts) > 1]
    return float(min(gaps)) if gaps else float("inf")


def _pad(
    buffer: Pixels, view: GridLookup, transform: ScreenTransform, width: int
) -> None:
    """Stripe what tiles hold beyond the image."""
    top, bottom = transform.down(view.frame[0])
    left, right = transform.across(view.frame[1])
    (first, last), (low, high) = transform.shown(view.size)
    for rows, cols in (
        ((top, first), (left, right)),
        ((last, bottom), (left, right)),
        ((first, last), (left, low)),
        ((first, last), (high, right)),
    ):
        _stripe(buffer, transform, rows, cols, (_STRIPE, _PALE, width))


def _hatch(
    buffer: Pixels, view: GridLookup, transform: ScreenTransform, width: int
) -> None:
    """Hatch where no tile takes part, at least some pixels wide."""
    rows, cols = transform.shown(view.size)
    ink = _HATCH, _TINT, width
    if view.scattered:
        part = slice(*rows), slice(*cols)
        if buffer[part].size:
            striped = np.zeros_like(buffer)
            _stripe(striped, transform, rows, cols, ink)
            cover = view.coverage(transform.rows[part[0]], transform.cols[part[1]])
            buffer[part] = striped[part] * (cover == 0)
        return
    for gap in view.gaps[0]:
        _stripe(buffer, transform, _widened(transform.down(gap), rows), cols, ink)
    for gap in view.gaps[1]:
        _stripe(buffer, transform, rows, _widened(transform.across(gap), cols), ink)


def _widened(span: Span, within: Span) -> Span:
    low, high = span
    if high - low < _LEAST:
        low = max(within[0], min(low, within[1] - _LEAST))
        high = min(within[1], low + _LEAST)
    return low, high


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


def _rule(
    buffer: Pixels, view: GridLookup, transform: ScreenTransform, width: int
) -> None:
    """Draw where tiles start, solid, and where they end, dashed."""
    every = thinning(view, transform)
    dashed = _spacing(view) * transform.zoom >= _DASHED
    top, bottom = transform.down(view.frame[0])
    left, right = transform.across(view.frame[1])
    down, across = buffer[top:bottom, :], buffer[:, left:right]
    begin = transform.ys(view.starts[0][::every]), transform.xs(view.starts[1][::every])
    if dashed:
        ends = transform.ys(view.ends[0]) - width, transform.xs(view.ends[1]) - width
        for side in range(width):
            _dash(across, ends[0] + side, transform.x(0) - left, width)
            _dash(down.T, ends[1] + side, transform.y(0) - top, width)
        _lines(across, begin[0] + width, _CASING)
        _lines(down.T, begin[1] + width, _CASING)
    for side in range(width):
        _lines(across, begin[0] + side, _LINE)
        _lines(down.T, begin[1] + side, _LINE)


def _lines(lines: Pixels, places: Ints, color: int) -> None:
    """Fill whole rows of a buffer, those that it has."""
    lines[places[(places >= 0) & (places < len(lines))]] = color


def _dash(lines: Pixels, places: Ints, start: int, width: int) -> None:
    """Dash rows of a buffer, in step with the image."""
    inside = places[(places >= 0) & (places < len(lines))]
    on = (np.arange(lines.shape[1]) - start) // (5 * width) % 2 == 0
    lines[np.ix_(inside, on)] = _LINE


def _outline(buffer: Pixels, view: GridLookup, transform: ScreenTransform) -> None:
    """Draw the outlines of scattered tiles, however many, by counting ends."""
    rows, cols = (axis.boxes for axis in view.grid.axes)
    ys = np.stack([transform.ys(rows[:, 0]), transform.ys(rows[:, 1]) - 1], axis=1)
    xs = np.stack([transform.xs(cols[:, 0]), transform.xs(cols[:, 1]) - 1], axis=1)
    buffer[_edges(ys, xs, buffer.shape[0], buffer.shape[1])] = _LINE
    buffer.T[_edges(xs, ys, buffer.shape[1], buffer.shape[0])] = _LINE


def _edges(lines: Ints, spans: Ints, height: int, width: int) -> NDArray[np.bool_]:
    """Say which pixels lie on a tile's first or last line."""
    first, stop = (spans + np.array([0, 1])).clip(0, width).T
    change = np.zeros(height * (width + 1), dtype=np.int64)
    for line in lines.T:
        seen = (line >= 0) & (line < height) & (first < stop)
        rows = line[seen] * (width + 1)
        change += np.bincount(rows + first[seen], minlength=change.size)
        change -= np.bincount(rows + stop[seen], minlength=change.size)
    count = change.reshape(height, width + 1).cumsum(axis=1)
    return np.asarray(count[:, :width] > 0)
