"""The demo in pictures: each a function of the report that returns an RGB image."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from reftiler.apply import extract_tile
from reftiler.cli.console import times
from reftiler.cli.demo_report import DemoReport, Rgb, extent, share
from reftiler.errors import count
from reftiler.figures import contact_sheet, draw_grid, overlay, side_by_side
from reftiler.figures.canvas import enlarged, lettering
from reftiler.io import resize
from reftiler.visibility import Visibility

_ZOOMED = 448  # pixels of a close-up's side
_AROUND = 48  # pixels of the image that it shows at least
_LETTERS = 26
_MAX_PIXELS = 2**22  # of a figure; what is larger is shown smaller
_MIN_SIDE = 512  # pixels of a figure's longer side; what is smaller is shown larger
_MAX_TILES = 4096  # of a sheet
_MAX_MARKED = 36  # tiles with defects of a sheet
_FRAMED = " Framed are those that hold a defect."
_LABELLED = 48  # pixels of a tile's width from which on there is room for its number


def image(report: DemoReport) -> Rgb:
    """Show the image, its defects in rings."""
    return _of_fair_size(report.marked)


def resized(report: DemoReport) -> Rgb:
    """Shrink the image, and its mask, to what the model takes."""
    if report.mask is None:
        return report.resized
    return overlay(report.resized, resize(report.mask, report.size))


def grid(report: DemoReport) -> Rgb:
    """Draw the grid and frame the tiles that hold a defect."""
    return _of_fair_size(draw_grid(report.marked, report.grid, highlight=report.held))


def sheet(report: DemoReport) -> Rgb:
    """Lay out all tiles as they lie in the image; of very many the first rows."""
    columns = None if report.grid.is_irregular else report.grid.shape[1]
    rows = max(1, _MAX_TILES // (columns or 1))
    shown = range(min(len(report.grid), rows * (columns or 1)))
    tiles = [extract_tile(report.shown, report.grid, k) for k in shown]
    held = [k for k in report.held if k in shown]
    return _sheet(tiles, list(shown), held, columns)


def defect_tiles(report: DemoReport) -> Rgb:
    """Lay out the tiles that hold a defect, or the first of many."""
    shown, ring = report.held[:_MAX_MARKED], max(9, max(report.size) // 8)
    assert report.mask is not None
    pairs = [
        [extract_tile(one, report.grid, k) for one in (report.shown, report.mask)]
        for k in shown
    ]
    tiles = [overlay(tile, mask, min_size=ring) for tile, mask in pairs]
    return _sheet(tiles, shown)


def close_ups(report: DemoReport) -> Rgb:
    """Enlarge each defect as resizing and as tiling leave it."""
    rows = []
    for seen in report.seen:
        heading = f"{times(seen.region.size)} px {report.kind(seen)}"
        row = side_by_side(*_pair(report, seen))
        rows.append(np.vstack([lettering(heading, row.shape[1], _LETTERS), row]))
    return np.vstack(rows)


def middle_tile(report: DemoReport) -> Rgb:
    """Enlarge the place of the middle tile as resizing and as tiling leave it."""
    away = report.grid.boxes.mean(axis=2) - np.divide(report.grid.image_size, 2)
    k = int(np.argmin((away**2).sum(axis=1)))  # nearest to the middle of the image
    bounds = [(part.start, part.stop) for part in report.grid.slices(k)]
    scale = np.divide(report.size, report.grid.image_size)
    rows, columns = (
        slice(int(low * s), max(int(low * s) + 1, round(high * s)))
        for (low, high), s in zip(bounds, scale, strict=True)
    )
    (top, bottom), (left, right) = bounds
    place = f"rows {top} to {bottom}, columns {left} to {right}"
    pictures = [report.resized[rows, columns], report.shown[top:bottom, left:right]]
    captions = [f"{place}, resized", f"tile {k}"]
    return side_by_side([_enlarged(picture) for picture in pictures], captions)


def _sheet(
    tiles: Sequence[Rgb],
    numbers: list[int],
    highlight: list[int] | None = None,
    columns: int | None = None,
) -> Rgb:
    """Lay out tiles, smaller where the sheet would be huge, larger where tiny."""
    height, width = tiles[0].shape[:2]
    share = math.sqrt(_MAX_PIXELS / (len(tiles) * height * width))
    if share < 1:
        size = (max(1, int(width * share)), max(1, int(height * share)))
        shrink = Image.Resampling.BOX
        tiles = [
            np.asarray(Image.fromarray(tile).resize(size, shrink)) for tile in tiles
        ]
    else:
        tiles = [_enlarged_to(tile, 2 * _LABELLED) for tile in tiles]
    labelled = tiles[0].shape[1] >= _LABELLED
    labels = [f"tile {k}" for k in numbers] if labelled else None
    return contact_sheet(
        tiles, columns=columns, highlight=highlight or (), labels=labels
    )


def _of_fair_size(picture: Rgb) -> Rgb:
    """Show a huge picture smaller and a tiny one larger, by whole factors."""
    factor = math.ceil(math.sqrt(picture.shape[0] * picture.shape[1] / _MAX_PIXELS))
    if factor > 1:
        return np.asarray(Image.fromarray(picture).reduce(factor))
    return _enlarged_to(picture, _MIN_SIDE)


def _enlarged_to(picture: Rgb, side: int) -> Rgb:
    return enlarged(picture, max(1, side // max(picture.shape[:2])))


def _pair(report: DemoReport, seen: Visibility) -> tuple[list[Rgb], list[str]]:
    """Return both close-ups of a defect and their captions."""
    left, tiled = seen.resized, seen.tiled
    captions = [f"resized: {extent(left)} px, {share(left.contrast)} of the contrast"]
    if seen.best is None:
        shown, first = report.shown, [0, 0]
        bounds = [(0, length) for length in report.grid.image_size]
        captions.append("in no tile, so here is the image")
    else:
        shown = extract_tile(report.shown, report.grid, seen.best)
        first = report.grid.boxes[seen.best, :, 0].tolist()
        bounds = [(s.start, s.stop) for s in report.grid.slices(seen.best)]
        captions.append(
            f"tile {seen.best}: {extent(tiled)} px, {share(tiled.contrast)} of the "
            "contrast"
        )
    windows = [_window(report, seen, axis, *bounds[axis]) for axis in (0, 1)]
    here = [slice(*window[0]) for window in windows]
    there = [
        slice(*(side - start for side in window[1]))
        for window, start in zip(windows, first, strict=True)
    ]
    return [
        _enlarged(report.resized[here[0], here[1]]),
        _enlarged(shown[there[0], there[1]]),
    ], captions


def _window(
    report: DemoReport, seen: Visibility, axis: int, low: int, high: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return whole pixels around a defect, in the resized image and in the image."""
    scale = report.size[axis] / report.grid.image_size[axis]
    side = min(max(_AROUND, 3 * max(seen.region.size)), high - low)
    middle = sum(seen.region.box[axis]) / 2
    start = min(max(middle - side / 2, low), high - side)
    # Pixels of the resized image that lie in the tile, if there are any.
    first = max(round(start * scale), math.ceil(low * scale))
    stop = min(round((start + side) * scale), math.floor(high * scale))
    if stop <= first:
        first = min(int(middle * scale), report.size[axis] - 1)
        stop = first + 1
    inside = max(low, round(first / scale)), min(high, round(stop / scale))
    return (first, stop), inside


def _enlarged(picture: Rgb) -> Rgb:
    """Show single pixels as squares."""
    rows, columns = (np.arange(_ZOOMED) * side // _ZOOMED for side in picture.shape[:2])
    return picture[np.ix_(rows, columns)]


FIGURES: dict[str, tuple[Callable[[DemoReport], Rgb], str]] = {
    "image": (image, "The image."),
    "image-with-mask": (image, "The image; its defects are in rings."),
    "resized": (
        resized,
        "The image as it reaches a model that takes the whole of it, in its true size.",
    ),
    "grid": (
        grid,
        "Where the tiles lie; tinted is overlap.",
    ),
    "contact-sheet": (
        sheet,
        "All tiles in their places.",
    ),
    "tiles-with-defects": (
        defect_tiles,
        "The tiles that hold a defect, as they reach a model but for the rings.",
    ),
    "resized-beside-tiled": (
        close_ups,
        "Each defect as resizing and as tiling leave it, enlarged to the same size.",
    ),
    "middle-tile": (
        middle_tile,
        "The middle tile's place as resizing and as tiling leave it, enlarged alike.",
    ),
}
"""The figures by their names, in the order of the report, and what they show."""


def figures_of(report: DemoReport) -> dict[str, str]:
    """Return the names of the figures that a report has, and what each shows."""
    names = ["image", "resized", "grid", "contact-sheet", "middle-tile"]
    if report.regions:
        names = ["image-with-mask", *names[1:4], "resized-beside-tiled"]
        if report.held:
            names.insert(4, "tiles-with-defects")
    words = {name: FIGURES[name][1] for name in names}
    if report.held:
        words["grid"] += _FRAMED
        words["contact-sheet"] += _FRAMED
    if len(report.grid) > _MAX_TILES:
        words["contact-sheet"] += (
            f" It shows the first of {count(len(report.grid), 'tile')}."
        )
    if len(report.held) > _MAX_MARKED:
        words["tiles-with-defects"] = (
            f"The first {_MAX_MARKED} of {len(report.held):,} tiles that hold a defect."
        )
    if len(report.seen) < len(report.regions):
        words["resized-beside-tiled"] = (
            f"The {len(report.seen)} smallest of {len(report.regions):,} defects as "
            "resizing and as tiling leave them, enlarged to the same size."
        )
    return words
