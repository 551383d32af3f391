"""Pictures for people: masks on images, grids of tiles, contact sheets.

Every function takes pictures ``(H, W)`` or ``(H, W, C)``, as `reftiler.io` reads
them, leaves them alone and returns a new RGB image of uint8. Lines grow with the
image, so that they survive being shown small, and no marked pixel stays unseen.
Colours are those of Okabe and Ito, which colour-blind people can tell apart.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError, missing_extra

try:
    import scipy  # parts of both are loaded when they are used
    import skimage
except ImportError as error:
    raise missing_extra("figures need scikit-image", "cli", error) from error

from reftiler.figures.canvas import (
    COLORS,
    Color,
    Figure,
    Mask,
    Rgb,
    chosen,
    color_of,
    line_width,
    tint,
    to_rgb,
)
from reftiler.figures.contact import contact_sheet, side_by_side
from reftiler.grid import Grid
from reftiler.validation import as_int

__all__ = [
    "COLORS",
    "Figure",
    "contact_sheet",
    "draw_grid",
    "overlay",
    "side_by_side",
    "to_rgb",
]

_Ints = NDArray[np.int64]


def overlay(
    image: NDArray[Any],
    mask: NDArray[Any],
    *,
    color: Color = "orange",
    alpha: float = 0.4,
    outline: bool = True,
    min_size: int | None = None,
) -> Figure:
    """
    Show a mask on its image.

    Marked pixels are tinted and marked regions outlined. A region smaller than
    ``min_size`` has its outline at a distance, as a ring, so that a defect of one pixel
    is found, and seen within.

    Parameters
    ----------
    image : ndarray
        Any picture that `to_rgb` takes.
    mask : ndarray
        Shape ``(H, W)``; what is not zero is marked, be it 1, 255 or True.
    color : str or three ints
        A name in `COLORS` or of CSS, or red, green and blue.
    alpha : float
        How much of the colour a marked pixel takes, 0 to 1.
    outline : bool
        Whether to draw outlines.
    min_size : int, optional
        The least diameter of an outline; by default 1/40 of the image's longer side,
        and 9 at least.

    Returns
    -------
    Figure of uint8, shape (H, W, 3)
    """
    result, marked, paint = to_rgb(image), np.asarray(mask) != 0, color_of(color)
    if marked.shape != result.shape[:2]:
        raise TilingError(
            f"the mask is {marked.shape}, the image {result.shape[:2]}: give a mask of "
            "the image's own size, without channels"
        )
    if not 0 <= alpha <= 1:
        raise TilingError(f"alpha must be from 0 to 1, got {alpha}")
    side = max(marked.shape)
    if min_size is None:
        min_size = max(9, side // 40)
    least = as_int(min_size, "min_size", minimum=0)
    tint(result, marked, paint, alpha)
    if outline and marked.any():
        width = line_width(side)
        margin, spans = least + 2 * width, []
        for axis in (1, 0):  # the part that holds all marks, and some more around
            held = np.flatnonzero(marked.any(axis=axis))
            spans.append(slice(max(0, held[0] - margin), held[-1] + margin + 1))
        near = tuple(spans)
        result[near][_outlines(marked[near], width, least)] = paint
    return result


def draw_grid(
    image: NDArray[Any],
    grid: Grid,
    *,
    highlight: Iterable[int] = (),
    color: Color = "sky",
    highlight_color: Color = "vermillion",
) -> Figure:
    """
    Show where the tiles of an image lie.

    Tiles begin at solid lines; where they overlap they end at dashed ones, and the
    overlap is tinted. Padding is drawn around the image, striped. Pixels in which no
    tile takes part are hatched.

    Parameters
    ----------
    image : ndarray
        Any picture that `to_rgb` takes, of the grid's image size.
    grid : Grid
        Of two spatial axes, fitted or scattered.
    highlight : iterable of int
        Numbers of the tiles to frame strongly.
    color, highlight_color : str or three ints
        Names in `COLORS` or of CSS, or red, green and blue.

    Returns
    -------
    Figure of uint8, shape (P, Q, 3)
        As large as the image with its padding.
    """
    inner, lines, frames = to_rgb(image), color_of(color), color_of(highlight_color)
    if grid.image_size != inner.shape[:2]:
        raise TilingError(
            f"the grid is for an image of {grid.image_size}, got one of "
            f"{inner.shape[:2]}"
        )
    strong = chosen(highlight, len(grid))
    _show_coverage(inner, grid.coverage(), lines)
    first = np.minimum(grid.boxes[..., 0].min(axis=0), 0)
    stop = np.maximum(grid.boxes[..., 1].max(axis=0), grid.image_size)
    height, across = (stop - first).tolist()
    # What shows of the ground on which the image is laid is padding.
    canvas = np.full((height, across, 3), 236, dtype=np.uint8)
    canvas[_diagonals(height, across, 2)] = 212
    top, left = (-first).tolist()
    canvas[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    boxes, width = grid.boxes - first[:, np.newaxis], line_width(max(canvas.shape))
    drawn = _frames if grid.is_irregular else _rulers
    canvas[drawn(boxes, canvas, width)] = lines
    canvas[_frames(boxes[strong], canvas, 3 * width)] = COLORS["white"]
    canvas[_frames(boxes[strong], canvas, 2 * width)] = frames
    return canvas.view(Figure)


def _outlines(marked: Mask, width: int, least: int) -> Mask:
    """Return lines around regions: close around large ones, wide around small."""
    labels = skimage.measure.label(marked, connectivity=2)
    boxes = scipy.ndimage.find_objects(labels)
    sides = [max(side.stop - side.start for side in box) for box in boxes]
    small = np.array([False, *(side < least for side in sides)])
    little, large = small[labels], marked & ~small[labels]
    wide = _ring(little, max(2 * width, least // 2), width)
    return (wide | _ring(large, 2 * width, width)) & ~marked


def _ring(mask: Mask, radius: int, width: int) -> Mask:
    if not mask.any():
        return mask
    outer = skimage.morphology.isotropic_dilation(mask, radius)
    return np.asarray(
        outer & ~skimage.morphology.isotropic_dilation(mask, radius - width)
    )


def _show_coverage(canvas: Rgb, coverage: _Ints, color: Rgb) -> None:
    """Tint where tiles overlap, more where more do, and hatch where there is none."""
    shared = coverage > 1
    tint(canvas, shared, color, 1 - 0.9 ** (coverage[shared].clip(max=4) - 1))
    height, width = coverage.shape
    bare = (coverage == 0) & _diagonals(height, width, 5)
    tint(canvas, bare, color_of("vermillion"), 0.6)


def _diagonals(height: int, width: int, sparse: int) -> Mask:
    """Return stripes: one in `sparse` is set."""
    thick = 3 * line_width(max(height, width))
    places = np.arange(height)[:, np.newaxis] + np.arange(width)
    return np.asarray(places // thick % sparse == 0)


def _frames(boxes: _Ints, canvas: Rgb, width: int) -> Mask:
    """Return the rim of every box, inside of it."""
    drawn = np.zeros(canvas.shape[:2], dtype=bool)
    for (top, bottom), (left, right) in boxes.tolist():
        box = drawn[top:bottom, left:right]
        box[:width] = box[-width:] = box[:, :width] = box[:, -width:] = True
    return drawn


def _rulers(boxes: _Ints, canvas: Rgb, width: int) -> Mask:
    """Return solid lines where tiles begin, dashed ones where they end in others."""
    lines = [_ruler(boxes[:, axis], canvas.shape[axis], width) for axis in (0, 1)]
    (rows, row_ends), (columns, column_ends) = lines
    extent = np.zeros(canvas.shape[:2], dtype=bool)
    low, high = boxes[..., 0].min(axis=0), boxes[..., 1].max(axis=0)
    extent[low[0] : high[0], low[1] : high[1]] = True
    dash = 5 * width
    dashed = [np.arange(side) % (2 * dash) < dash for side in canvas.shape[:2]]
    drawn = rows[:, np.newaxis] | columns
    drawn |= row_ends[:, np.newaxis] & dashed[1]
    drawn |= dashed[0][:, np.newaxis] & column_ends
    return drawn & extent


def _ruler(sides: _Ints, length: int, width: int) -> tuple[Mask, Mask]:
    """Return which places of an axis lie on solid lines, and which on dashed ones."""
    solid, dashed = np.zeros(length, dtype=bool), np.zeros(length, dtype=bool)
    begins, ends = set(sides[:, 0].tolist()), set(sides[:, 1].tolist())
    for begin in begins:
        solid[begin : begin + width] = True
    for end in ends - begins:
        line = solid if end == max(ends) else dashed
        line[max(0, end - width) : end] = True
    return solid, dashed
