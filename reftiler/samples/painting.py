"""Painted defects: small, exactly known and lit like real ones.

All shapes and shades are whole numbers, and no change is zero within a shape. Light
falls from the top left, so that a dent is dark there and bright on the other side.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Ints = NDArray[np.int64]

_SCRATCH = 3  # pixels across


@dataclass(frozen=True)
class Defect:
    """
    A painted defect.

    Attributes
    ----------
    kind : str
        spot (dark), glint (bright), scratch or dent.
    box : pair of pairs of int
        Rows and columns that it fills, ``((top, bottom), (left, right))``, the
        second of each not included: the tightest box around its part of the mask.
    size : int
        Its narrow side in pixels, which decides whether shrinking loses it: 3 for a
        scratch, however long, and 9 for a dent of 12 x 9.
    """

    kind: str
    box: tuple[tuple[int, int], tuple[int, int]]
    size: int


def paint(image: _Ints, mask: NDArray[np.bool_], kind: str, box: _Ints) -> Defect:
    """Paint a defect into an image, which has room for changes, and its mask, in place.

    ``box`` has the rows and columns to fill, as in `Defect`.
    """
    rows, columns = (slice(*side) for side in box.tolist())
    height, width = (box[:, 1] - box[:, 0]).tolist()
    change = _CHANGES[kind](height, width)
    image[rows, columns] = (image[rows, columns] + change).clip(0, 255)
    mask[rows, columns] |= change != 0
    size = _SCRATCH if kind == "scratch" else min(height, width)
    (top, bottom), (left, right) = box.tolist()
    return Defect(kind, ((top, bottom), (left, right)), size)


def _spot(height: int, width: int) -> _Ints:
    """Darken towards the middle, as dirt does."""
    radius, _ = _ellipse(height, width)
    return np.where(radius <= 256, -40 - (256 - radius) * 60 // 256, 0)


def _glint(height: int, width: int) -> _Ints:
    """Brighten towards the middle."""
    return -_spot(height, width)


def _dent(height: int, width: int) -> _Ints:
    """Shade a bowl, steepest between its middle and its rim."""
    radius, slope = _ellipse(height, width)
    shade = slope * (320 - radius) // 320 * 130 // 256 - 12
    shade = np.where(shade == 0, -1, shade)
    return np.where(radius <= 256, shade, 0)


def _scratch(height: int, width: int) -> _Ints:
    """Draw a bent line, bright with a dark edge, from corner to corner."""
    if height > width:
        return _scratch(width, height).T
    change = np.zeros((height, width), dtype=np.int64)
    across = np.arange(width)
    down = (height - _SCRATCH) * across**2 // (width - 1) ** 2
    for row, shade in enumerate((-40, 80, 45)):
        change[down + row, across] = shade
    return change


def _ellipse(height: int, width: int) -> tuple[_Ints, _Ints]:
    """Return the squared radius (256 at the rim) and the height lit from top left."""
    down = (2 * np.arange(height) + 1 - height)[:, np.newaxis]
    across = 2 * np.arange(width) + 1 - width
    radius = ((down * width) ** 2 + (across * height) ** 2) * 256
    slope = (down * width + across * height) * 256
    return radius // (height * width) ** 2, slope // (height * width)


_CHANGES: dict[str, Callable[[int, int], _Ints]] = {
    "spot": _spot,
    "glint": _glint,
    "scratch": _scratch,
    "dent": _dent,
}
