"""What can be painted, by level and region: the base of all pictures, differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler_gui.model.array_types import Ints, Pixels, Span
from reftiler_gui.model.colors import signed
from reftiler_gui.model.pyramid import level_size, strongest_halved

__all__ = ["DifferencePyramid", "Picture", "pixels_under", "rescaled"]


_SMALLEST = 128  # the longer side of the last level, at the most


class Picture:
    """Pixels by level and region; level 0 has all, each further one half as many."""

    size: Span  # height and width
    has_alpha = False  # whether what `region` gives may be transparent

    @property
    def levels(self) -> int:
        """How many levels there are, the picture itself among them."""
        return 1 + max(0, math.ceil(math.log2(max(self.size) / _SMALLEST)))

    def level(self, zoom: float) -> int:
        """Return the level to paint at ``zoom`` screen pixels a pixel.

        Its pixels are the largest that are no larger than the screen's.
        """
        return min(max(0, math.floor(-math.log2(zoom) + 1e-9)), self.levels - 1)

    def level_size(self, level: int) -> Span:
        """Return a level's height and width."""
        return level_size(self.size, level)

    def ready(self, level: int) -> bool:
        """Say whether a level is what it should be; else it is painted again later."""
        return 0 <= level < self.levels

    def region(self, level: int, rows: Span, columns: Span) -> Pixels:
        """Return pixels of a level to paint, new ones, of some of its rows and columns.

        They are 0xAARRGGBB, as QImage's Format_RGB32 has it, where there is alpha
        Format_ARGB32_Premultiplied.
        """
        raise NotImplementedError

    def whole(self, level: int = 0) -> Pixels:
        """Return all pixels of a level to paint."""
        height, width = self.level_size(level)
        return self.region(level, (0, height), (0, width))


def pixels_under(span: Span, level: int, length: int, count: int) -> Ints:
    """Return which of ``count`` pixels lies in the middle of each pixel of a level.

    Both are spread over ``length`` pixels of an image.
    """
    middle = (np.arange(*span) + 0.5) * (1 << level)
    place = np.minimum(middle, length - 0.5) * (count / length)
    return np.asarray(np.minimum(place.astype(np.int64), count - 1))


def rescaled(place: Sequence[int], old: Sequence[int], new: Sequence[int]) -> Span:
    """Return the pixel of one size in which the middle of a pixel of another lies."""
    row, column = (
        min(int((n + 0.5) * after / before), after - 1)
        for n, before, after in zip(place, old[:2], new[:2], strict=True)
    )
    return row, column


class DifferencePyramid(Picture):
    """A difference, to be painted as an `ImagePyramid` is.

    A pixel of a level is that of four that differs most.
    """

    def __init__(self, difference: NDArray[Any], limit: float) -> None:
        self.limit = limit  # the difference that has the full colour
        self.size = difference.shape[0], difference.shape[1]
        self._levels = [difference]
        while max(self._levels[-1].shape) > 1:
            self._levels.append(strongest_halved(self._levels[-1]))

    @property
    def levels(self) -> int:
        """How many there are, down to a single pixel."""
        return len(self._levels)

    def level(self, zoom: float) -> int:
        """Return the level of which no pixel is smaller than the screen's."""
        return min(max(0, math.ceil(-math.log2(zoom) - 1e-9)), self.levels - 1)

    def region(self, level: int, rows: Span, columns: Span) -> NDArray[np.uint32]:
        """Return pixels of a level to paint."""
        part = self._levels[level][slice(*rows), slice(*columns)]
        return signed(part, self.limit)
