"""What part of the image the screen shows, in its finest pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reftiler_gui.model.array_types import Ints, Size, Span

# A middle that a pixel's edge meets is beyond it, also where floats miss it a little.
_TIE = 0.5 + 1e-7


@dataclass(frozen=True)
class ScreenTransform:
    """A window onto the image."""

    # top, left: the image's coordinates at the screen's upper left corner
    top: float
    left: float
    zoom: float  # pixels of the screen for one of the image
    height: int
    width: int

    @classmethod
    def centred(
        cls, row: float, col: float, zoom: float, height: int, width: int
    ) -> ScreenTransform:
        """Put a place into the middle, so that pixel 0 begins at one of the screen."""
        top = round(row * zoom - height / 2) / zoom
        left = round(col * zoom - width / 2) / zoom
        return cls(top, left, zoom, height, width)

    def y(self, row: float) -> int:
        """Return the first pixel of the screen at or below a row's beginning."""
        return math.ceil((row - self.top) * self.zoom - _TIE)

    def x(self, col: float) -> int:
        """Return the first pixel of the screen at or right of a column's beginning."""
        return math.ceil((col - self.left) * self.zoom - _TIE)

    def ys(self, rows: Ints) -> Ints:
        """Return `y` of many rows."""
        return _whole(np.ceil((rows - self.top) * self.zoom - _TIE))

    def xs(self, cols: Ints) -> Ints:
        """Return `x` of many columns."""
        return _whole(np.ceil((cols - self.left) * self.zoom - _TIE))

    @property
    def rows(self) -> Ints:
        """The image's row in the middle of each of the screen's."""
        return _whole(np.floor(self.top + (np.arange(self.height) + 0.5) / self.zoom))

    @property
    def cols(self) -> Ints:
        """The image's column in the middle of each of the screen's."""
        return _whole(np.floor(self.left + (np.arange(self.width) + 0.5) / self.zoom))

    def down(self, rows: Span) -> Span:
        """Return the screen's pixels of some rows, clipped."""
        return _clipped(self.y(rows[0]), self.y(rows[1]), self.height)

    def across(self, cols: Span) -> Span:
        """Return the screen's pixels of some columns, clipped."""
        return _clipped(self.x(cols[0]), self.x(cols[1]), self.width)

    def shown(self, size: Size) -> tuple[Span, Span]:
        """Return the screen's pixels of an image of a height and a width, clipped."""
        return self.down((0, size[0])), self.across((0, size[1]))


def _whole(places: NDArray[np.float64]) -> Ints:
    return np.asarray(places, np.int64)


def _clipped(low: int, high: int, length: int) -> Span:
    low = min(max(low, 0), length)
    return low, min(max(high, low), length)
