"""A signed difference by region and resolution; what differs at all never vanishes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler_gui.model.array_types import Span
from reftiler_gui.model.colors import signed
from reftiler_gui.model.picture import Picture
from reftiler_gui.model.pyramid import strongest_halved

__all__ = ["DifferencePyramid"]


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
