"""A resized image in the place of the original, each of its pixels as large as it is.

So a defect can be looked at in both with the same zoom and at the same place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.images import resize
from reftiler_gui.model.pyramid import level_size
from reftiler_gui.model.source import PixelSource

__all__ = ["LIMIT", "ResizedPicture"]

LIMIT = 2**26
"""Numbers of an image up to which it is resized: that takes many bytes for each."""

Span = tuple[int, int]


class ResizedPicture:
    """
    What resizing leaves of an image, to be painted as `PixelSource` is.

    Parameters
    ----------
    source : PixelSource
        The image; its range of values is taken over.
    target : sequence of two ints
        Height and width to which it is resized.

    Raises
    ------
    TilingError
        If it cannot be resized, or has more numbers than LIMIT.
    """

    def __init__(self, source: PixelSource, target: Sequence[int]) -> None:
        if source.array.size > LIMIT:
            raise TilingError(
                f"this image has {source.array.size:,} numbers, and resizing more than "
                f"{LIMIT:,} takes too much memory"
            )
        small = resize(np.asarray(source.array), target)
        self.small = PixelSource(small, source.low, source.high)
        self.size, self._levels = source.size, source.levels

    @property
    def has_alpha(self) -> bool:
        """Whether what `region` gives may be transparent."""
        return self.small.has_alpha

    def level(self, zoom: float) -> int:
        """Return the level to paint at ``zoom`` screen pixels an image pixel."""
        return min(max(0, int(np.floor(-np.log2(zoom) + 1e-9))), self._levels - 1)

    def level_size(self, level: int) -> Span:
        """Return a level's height and width."""
        return level_size(self.size, level)

    def ready(self, level: int) -> bool:
        """Say that a level is what it should be."""
        return 0 <= level < self._levels

    def region(self, level: int, rows: Span, columns: Span) -> NDArray[np.uint32]:
        """Return pixels of a level to paint, as `PixelSource.region` does."""
        lines = [
            self._under(axis, level, span) for axis, span in enumerate((rows, columns))
        ]
        first, second = ((int(line[0]), int(line[-1]) + 1) for line in lines)
        part = self.small.region(0, first, second)
        return np.ascontiguousarray(
            part[np.ix_(lines[0] - first[0], lines[1] - second[0])]
        )

    def _under(self, axis: int, level: int, span: Span) -> NDArray[np.int64]:
        """Return the resized pixel in the middle of each of a level's."""
        length, side = self.size[axis], self.small.size[axis]
        middle = (np.arange(*span) + 0.5) * (1 << level)
        place = np.minimum(middle, length - 0.5) * (side / length)
        return np.asarray(np.floor(place), dtype=np.int64)
