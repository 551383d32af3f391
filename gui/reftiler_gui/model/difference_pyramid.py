"""A signed difference by region and resolution; what differs at all never vanishes."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler_gui.model.colors import signed
from reftiler_gui.model.pyramid import level_size, strongest_halved

__all__ = ["DifferencePyramid"]

Floats: TypeAlias = NDArray[Any]
Span: TypeAlias = tuple[int, int]


class DifferencePyramid:
    """A difference, to be painted as an `ImagePyramid` is.

    A pixel of a level is that of four that differs most.
    """

    has_alpha = False

    def __init__(self, difference: Floats, limit: float) -> None:
        self.array, self.limit = difference, limit
        self.size: tuple[int, int] = (difference.shape[0], difference.shape[1])
        self._levels = [difference]
        while max(self._levels[-1].shape) > 1:
            self._levels.append(strongest_halved(self._levels[-1]))

    def level(self, zoom: float) -> int:
        """Return the level to paint at ``zoom`` screen pixels an image pixel."""
        level = max(0, math.ceil(-math.log2(zoom) - 1e-9))
        return min(level, len(self._levels) - 1)

    def level_size(self, level: int) -> tuple[int, int]:
        """Return a level's height and width."""
        return level_size(self.size, level)

    def ready(self, level: int) -> bool:
        """Say that a level is what it should be."""
        return level < len(self._levels)

    def region(self, level: int, rows: Span, columns: Span) -> NDArray[np.uint32]:
        """Return pixels of a level to paint, as `ImagePyramid.region` does."""
        part = self._levels[level][slice(*rows), slice(*columns)]
        return signed(part, self.limit)
