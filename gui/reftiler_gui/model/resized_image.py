"""A resized image in the place of the original, each of its pixels as large as it is.

So a defect can be looked at in both with the same zoom and at the same place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.io import resize
from reftiler_gui.model.array_types import Span
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.picture import Picture, pixels_under

__all__ = ["LIMIT", "ResizedImage"]

LIMIT = 2**26
"""Numbers of an image up to which it is resized as it is: that takes many bytes for
each. Of a larger one a level of its pyramid is."""

_FINE = 8  # pixels of that level for one of the resized image, if there are as many


class ResizedImage(Picture):
    """What resizing leaves of an image, shown as that is; TilingError if too large."""

    def __init__(self, source: ImagePyramid, target: Sequence[int]) -> None:
        numbers = math.prod(target) * source.channels
        if numbers > LIMIT:
            raise TilingError(
                f"the resized image would have {numbers:,} numbers, more than the "
                f"{LIMIT:,} that are shown: resize it to less"
            )
        level = _level(source, target)
        pixels = source.array if level == 0 else source.reduced(level)
        small = resize(np.asarray(pixels), target)
        # the side of the squares of pixels whose means were resized; 1 if the pixels
        # themselves were
        self.mean = 1 << level
        self.small = source.like(small)  # the resized image
        self.size, self.has_alpha = source.size, source.has_alpha

    def region(self, level: int, rows: Span, columns: Span) -> NDArray[np.uint32]:
        """Return pixels of a level to paint, as `ImagePyramid.region` does."""
        spans = zip((rows, columns), self.size, self.small.size, strict=True)
        lines = [pixels_under(span, level, *sides) for span, *sides in spans]
        first, second = ((int(line[0]), int(line[-1]) + 1) for line in lines)
        part = self.small.region(0, first, second)
        return np.ascontiguousarray(
            part[np.ix_(lines[0] - first[0], lines[1] - second[0])]
        )


def _level(source: ImagePyramid, target: Sequence[int]) -> int:
    """Return the level that is resized: of large images the last that is fine enough.

    Halving is a mean and so is resizing: one after the other is as good as the latter,
    if that has still much to do.
    """
    if source.array.size <= LIMIT:
        return 0
    levels = range(1, source.levels)
    few = [n for n in levels if source.array.size >> (2 * n) <= LIMIT]
    fine = [
        n
        for n in few
        if all(
            side >= _FINE * goal
            for side, goal in zip(source.level_size(n), target, strict=True)
        )
    ]
    return fine[-1] if fine else few[0]
