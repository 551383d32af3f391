"""The demo in pictures: each a function of the story that returns an RGB image."""

from collections.abc import Callable

import numpy as np

from reftiler.apply import extract_tile
from reftiler.cli.console import times
from reftiler.cli.story import Story, extent, share
from reftiler.figures import draw_grid, overlay
from reftiler.figures.canvas import Rgb, lettering, to_rgb
from reftiler.figures.contact import contact_sheet, side_by_side
from reftiler.io import resize
from reftiler.visibility import Visibility

_ZOOMED = 448  # pixels of a close-up's side
_AROUND = 48  # pixels of the image that it shows at least
_LETTERS = 26


def with_mask(story: Story) -> Rgb:
    """Ring the defects of the image."""
    return overlay(story.sample.image, story.sample.mask)


def resized(story: Story) -> Rgb:
    """Shrink the image, and its mask, to what the model takes."""
    mask = resize(story.sample.mask, story.size)
    return overlay(resize(story.sample.image, story.size), mask)


def grid(story: Story) -> Rgb:
    """Draw the grid and frame the tiles that hold a defect."""
    marked = overlay(story.sample.image, story.sample.mask)
    return draw_grid(marked, story.grid, highlight=story.held)


def sheet(story: Story) -> Rgb:
    """Lay out all tiles as they lie in the image."""
    tiles = [
        extract_tile(story.sample.image, story.grid, k) for k in range(len(story.grid))
    ]
    columns = None if story.grid.is_irregular else story.grid.shape[1]
    labels = [f"tile {k}" for k in range(len(tiles))]
    return contact_sheet(tiles, columns=columns, highlight=story.held, labels=labels)


def defect_tiles(story: Story) -> Rgb:
    """Lay out the tiles that hold a defect."""
    marked = overlay(story.sample.image, story.sample.mask)
    tiles = [extract_tile(marked, story.grid, k) for k in story.held]
    return contact_sheet(tiles, labels=[f"tile {k}" for k in story.held])


def close_ups(story: Story) -> Rgb:
    """Enlarge each defect as resizing and as tiling leave it."""
    rows = []
    for seen in story.seen:
        heading = f"{times(seen.region.size)} px {story.kind(seen)}"
        row = side_by_side(*_pair(story, seen))
        rows.append(np.vstack([lettering(heading, row.shape[1], _LETTERS), row]))
    return np.vstack(rows)


def _pair(story: Story, seen: Visibility) -> tuple[list[Rgb], list[str]]:
    """Return both close-ups of a defect and their captions."""
    image, left, tiled = story.sample.image, seen.resized, seen.tiled
    captions = [f"resized: {extent(left)} px, {share(left.contrast)} of the contrast"]
    if seen.best is None:
        shown, first = to_rgb(image), [0, 0]
        bounds = [(0, length) for length in image.shape]
        captions.append("in no tile, so here is the image")
    else:
        shown = to_rgb(extract_tile(image, story.grid, seen.best))
        first = story.grid.boxes[seen.best, :, 0].tolist()
        bounds = [(s.start, s.stop) for s in story.grid.slices(seen.best)]
        captions.append(
            f"tile {seen.best}: {extent(tiled)} px, {share(tiled.contrast)} of the "
            "contrast"
        )
    windows = [_window(story, seen, axis, *bounds[axis]) for axis in (0, 1)]
    here = [slice(*window[0]) for window in windows]
    there = [
        slice(*(side - start for side in window[1]))
        for window, start in zip(windows, first, strict=True)
    ]
    small = to_rgb(resize(image, story.size))
    return [
        _enlarged(small[here[0], here[1]]),
        _enlarged(shown[there[0], there[1]]),
    ], captions


def _window(
    story: Story, seen: Visibility, axis: int, low: int, high: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return whole pixels around a defect, in the resized image and in the image."""
    scale = story.size[axis] / story.sample.image.shape[axis]
    side = min(max(_AROUND, 3 * max(seen.region.size)), high - low)
    middle = sum(seen.region.box[axis]) / 2
    start = min(max(middle - side / 2, low), high - side)
    first = round(start * scale)
    stop = max(first + 1, round((start + side) * scale))
    return (first, stop), (round(first / scale), round(stop / scale))


def _enlarged(picture: Rgb) -> Rgb:
    """Show single pixels as squares."""
    rows, columns = (np.arange(_ZOOMED) * side // _ZOOMED for side in picture.shape[:2])
    return picture[np.ix_(rows, columns)]


PICTURES: dict[str, tuple[Callable[[Story], Rgb], str]] = {
    "image-with-mask": (with_mask, "The image; its defects are in rings."),
    "resized": (
        resized,
        "The image as it reaches a model that takes the whole of it, in its true size.",
    ),
    "grid": (
        grid,
        "Where the tiles lie. Framed are those that hold a defect; tinted is overlap.",
    ),
    "contact-sheet": (
        sheet,
        "All tiles in their places. Framed are those that hold a defect.",
    ),
    "tiles-with-defects": (
        defect_tiles,
        "The tiles that hold a defect, as they reach a model but for the rings.",
    ),
    "resized-beside-tiled": (
        close_ups,
        "Each defect as resizing and as tiling leave it, enlarged to the same size.",
    ),
}
"""The pictures by their names, in the order of the story, and what they show."""
