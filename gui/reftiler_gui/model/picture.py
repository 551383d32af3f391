"""What can be painted, by level and region: the base of all pictures, differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler_gui.model.array_types import Array, Ints, Pixels, Span
from reftiler_gui.model.colors import signed

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
        """Return the level whose pixels are the largest no larger than the screen's."""
        return min(max(0, math.floor(-math.log2(zoom) + 1e-9)), self.levels - 1)

    def level_size(self, level: int) -> Span:
        """Return a level's height and width."""
        return level_size(self.size, level)

    def ready(self, level: int) -> bool:
        """Say whether a level is what it should be; else it is painted again later."""
        return 0 <= level < self.levels

    def region(self, level: int, rows: Span, columns: Span) -> Pixels:
        """Return pixels of a level to paint, 0xAARRGGBB, premultiplied by alpha."""
        raise NotImplementedError

    def whole(self, level: int = 0) -> Pixels:
        """Return all pixels of a level to paint."""
        height, width = self.level_size(level)
        return self.region(level, (0, height), (0, width))


def pixels_under(span: Span, level: int, length: int, count: int) -> Ints:
    """Return which of ``count`` pixels over ``length`` lies under each of a level."""
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
    """A difference; a pixel of a level is that of four that differs most."""

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


_BAND = 2**22  # numbers that are halved at a time


def level_size(size: tuple[int, int], level: int) -> tuple[int, int]:
    """Return the size of a level: sides halved so often, rounded up."""
    height, width = (-(-side >> level) for side in size)
    return height, width


def mean_halved(picture: Array) -> Array:
    """Return the means of 2 × 2 pixels, of fewer at odd ends; integers are rounded.

    Bools become bytes of 0 to 255, integers of 64 bits float64.
    """
    if picture.dtype == bool:
        picture = picture.view(np.uint8) * np.uint8(255)
    wide = _wide(picture.dtype)
    with np.errstate(all="ignore"):  # infinite pixels make NaN, which is shown
        total = _halved(picture.astype(wide), _add)
        if picture.dtype.kind in "iu" and wide.kind != "f":
            total += total.dtype.type(2)
            total >>= total.dtype.type(2)
        else:
            total *= total.dtype.type(0.25)
        if picture.dtype.kind in "iu" and wide.kind == "f":
            return total
        return total.astype(picture.dtype.newbyteorder("="))


def mean_bands(picture: Array, level: int) -> Iterator[Array]:
    """Yield a picture halved ``level`` times, some rows at a time."""
    step = 1 << level
    rows = max(1, _BAND // (step * math.prod(picture.shape[1:]))) * step
    for top in range(0, len(picture), rows):
        part = picture[top : top + rows]
        for _ in range(level):
            part = mean_halved(part)
        yield part


def largest_halved(picture: Array) -> Array:
    """Return the largest of 2 × 2 pixels, of fewer at odd ends; NaN if one is NaN."""

    def join(even: Array, odd: Array) -> None:
        head = even[: len(odd)]
        np.maximum(head, odd, out=head)

    return _halved(picture, join)


def strongest_halved(picture: Array) -> Array:
    """Return that of 2 × 2 pixels that is farthest from zero, of fewer at odd ends."""

    def join(even: Array, odd: Array) -> None:
        head = even[: len(odd)]
        with np.errstate(invalid="ignore"):
            take = ~(np.abs(head) >= np.abs(odd)) & ~np.isnan(head)
        head[take] = odd[take]

    return _halved(picture, join)


def strongest_channel(picture: Array) -> Array:
    """Return that channel of each pixel that is farthest from zero; NaN is farthest."""
    if picture.ndim == 2:
        return picture
    far = np.abs(np.nan_to_num(picture, nan=np.inf))
    place = far.argmax(axis=2)[..., np.newaxis]
    return np.take_along_axis(picture, place, axis=2)[..., 0]


def _add(even: Array, odd: Array) -> None:
    even[: len(odd)] += odd
    even[len(odd) :] *= even.dtype.type(2)  # without a neighbour it counts twice


def _halved(picture: Array, join: Callable[[Array, Array], None]) -> Array:
    """Join each second line of both axes into a copy of the one before it."""
    for axis in (0, 1):
        lines = np.moveaxis(picture, axis, 0)
        even = lines[::2].copy("K")  # pixels that lie together stay so
        join(even, lines[1::2])
        picture = np.moveaxis(even, 0, axis)
    return np.ascontiguousarray(picture)


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return a dtype that holds the sum of four pixels."""
    if dtype.kind == "f":
        return np.dtype(np.float64 if dtype.itemsize > 4 else np.float32)
    widths = {1: np.int16, 2: np.int32, 4: np.int64}
    return np.dtype(widths.get(dtype.itemsize, np.float64))
