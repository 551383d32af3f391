"""Anomaly maps: one number a pixel, over an image of the same or another resolution.

Zoomed out, a map is shown by the largest of the values that fall together, so that no
peak vanishes at any zoom.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.evaluation import find_pixels, map_rows
from reftiler.io.map_files import as_map, check_map_size, open_map
from reftiler_gui.model.array_types import Array, Ints, Pixels, Size
from reftiler_gui.model.colors import COLORS, interpolated, pixel
from reftiler_gui.model.file_pixels import FilePixels, without_mapping
from reftiler_gui.model.screen_transform import ScreenTransform

COLORMAPS = {
    "viridis": "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1f9f88 "
    "27ad81 3dbc74 5cc863 81d34d aadc32 d5e21a fde725",
    "inferno": "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 d04545 "
    "e35933 f1711f f98c0a fcaa0f f9c932 f2e865 fcffa4",
    "magma": "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 cf4070 "
    "e55064 f4695c fb8761 fea571 fec287 fde0a1 fcfdbf",
}
"""Colour maps by name: colours at equal distances, from low to high values."""

UNKNOWN = COLORS["sky"]  # the colour of NaN, which is in none of the colour maps
_INSIDE, _OUTSIDE = pixel(COLORS["white"]), pixel(COLORS["black"])
_BAND = 2**22  # values that are looked at together
_LARGE = 2**29  # bytes from which half the resolution is not kept: it takes a quarter


@dataclass(frozen=True)
class MapSettings:
    """How a map is shown."""

    colormap: str = "inferno"  # one of `COLORMAPS`
    opacity: float = 0.6  # of the colours over the image, 0 to 1
    low: float | None = None  # the value of the first colour; None for the map's own
    high: float | None = None
    threshold: float | None = None  # the least value that is found, and outlined


@cache
def color_table(name: str, opacity: float = 1.0, count: int = 256) -> Pixels:
    """Return the pixels of a colour map from low to high; see `colors.pixel`."""
    points = [bytes.fromhex(color) for color in COLORMAPS[name].split()]
    place = np.linspace(0, len(points) - 1, count)
    colors = np.rint(interpolated(place, points)).astype(int).tolist()
    return np.array([pixel(color, opacity) for color in colors], dtype=np.uint32)


class AnomalyMap:
    """A map (h, w) over an image of a size; TilingError if it is none of this image."""

    def __init__(self, array: Any, size: Size | None = None, name: str = "") -> None:
        self.name = name or "the map"
        given = isinstance(array, FilePixels)
        self.array = array if given else as_map(np.asarray(array), self.name)
        self.shape: Size = self.array.shape  # the map's height and width
        self.size = size or self.shape
        # pixels of the image that one of the map covers, down and across
        self.scale = tuple(map(Fraction, self.size, self.shape))
        check_map_size(self.shape, self.size, self.name)
        # the smallest and the largest finite value; NaN if there is none
        self.low = self.high = math.nan
        self.unknown = self.infinite = 0
        self._base = 2 if self.array.nbytes > _LARGE else 1
        self._levels: dict[int, Any] = {0: self.array}
        self._measure()

    @classmethod
    def open(cls, path: Path, size: Size | None = None) -> AnomalyMap:
        """Open a file of any format that `reftiler.io` reads."""
        return cls(without_mapping(open_map(path)), size, path.name)

    @property
    def notes(self) -> list[str]:
        """What the user should know of it, a sentence each."""
        notes = []
        if self.unknown:
            share = self.unknown / math.prod(self.shape)
            every = "all" if share == 1 else f"{self.unknown:,} ({share:.2%})"
            notes.append(f"{every} of its values are NaN and left out")
        if self.infinite:
            notes.append(f"{self.infinite:,} of its values are infinite")
        if self.low == self.high:
            notes.append(f"all its values are {self.low:.6g}")
        if self.scale[0] != self.scale[1]:
            height, width = map(float, self.scale)
            notes.append(
                f"it is stretched by {width:.4g} across and {height:.4g} down to the "
                "image's size"
            )
        return notes

    def _measure(self) -> None:
        """Find the range, count NaN and reduce the map, in one pass over its file."""
        parts = []
        step = max(4, _BAND // self.shape[1] // 4 * 4)
        height = self.shape[0]
        for top in range(0, max(step, height // step * step), step):
            bottom = top + step if top + 2 * step <= height else height
            part = np.asarray(self.array[top:bottom])
            parts.append(max_halved(part, self._base))
            least, most = part.min(), part.max()
            if part.dtype.kind == "f" and not (np.isfinite(least) & np.isfinite(most)):
                self.unknown += int(np.count_nonzero(np.isnan(part)))
                self.infinite += int(np.count_nonzero(np.isinf(part)))
                part = part[np.isfinite(part)]
                if not part.size:
                    continue
                least, most = part.min(), part.max()
            self.low = float(np.fmin(self.low, least))
            self.high = float(np.fmax(self.high, most))
        self._levels[self._base] = np.concatenate(parts)

    def value(self, row: int, column: int) -> float | None:
        """Return the value at a pixel of the image; None beyond it."""
        if not (0 <= row < self.size[0] and 0 <= column < self.size[1]):
            return None
        try:
            return float(map_rows(self.array, self.size, row, row + 1)[0, column])
        except TilingError:  # the file is shorter now; who watches it reads it again
            return None

    def paint(
        self, transform: ScreenTransform, settings: MapSettings, *, colors: bool = True
    ) -> tuple[int, int, Pixels] | None:
        """Draw what the screen shows: row, column and pixels; None if nothing."""
        (top, bottom), (left, right) = transform.shown(self.size)
        if top == bottom or left == right:
            return None
        level = self._level(transform.zoom)
        rows = self._places(0, transform.top, (top, bottom), transform.zoom, level)
        columns = self._places(1, transform.left, (left, right), transform.zoom, level)
        spans = (rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1)
        try:
            part = self._part(level, *spans)
        except TilingError:  # as in `value`
            return None
        rows, columns = rows - rows[0], columns - columns[0]
        painted = np.zeros(part.shape, dtype=np.uint32)
        if colors:
            low = self.low if settings.low is None else settings.low
            high = self.high if settings.high is None else settings.high
            clean = not (self.unknown or self.infinite)
            how = settings.colormap, settings.opacity
            painted = map_colors(part, (low, high), *how, clean=clean)
        found = None
        if settings.threshold is not None:
            found = find_pixels(part, settings.threshold)
            if columns.size < 2 * part.shape[1]:  # its pixels are fine enough for lines
                _outline(painted, found)
                found = None
        painted = _enlarged(painted, rows, columns)
        if found is not None:
            _outline(painted, _enlarged(found, rows, columns))
        return top, left, painted

    def _level(self, zoom: float) -> int:
        """Return the finest level of which no pixel is smaller than the screen's."""
        step = zoom * float(min(self.scale))
        most = (max(self.shape) - 1).bit_length()
        return min(max(0, math.ceil(-math.log2(step) - 1e-9)), most)

    def _places(
        self, axis: int, start: float, screen: Size, zoom: float, level: int
    ) -> Ints:
        """Return the pixels of a level under those of the screen along an axis."""
        count, length = self.shape[axis], self.size[axis]
        place = start + (np.arange(*screen) + 0.5) / zoom
        if count <= length:  # as `map_rows` has it
            place = (2 * np.floor(place) + 1) / 2
        place = np.floor(place * count / length)
        last = max(1, count >> level) - 1  # a remainder belongs to the last
        return np.asarray(place.astype(np.int64).clip(0) >> level).clip(0, last)

    def _part(self, level: int, rows: Size, columns: Size) -> Array:
        """Return a part of a level, which is built if it is not there."""
        if 0 < level < self._base:
            span = [
                slice(low << level, high << level if high < count >> level else count)
                for (low, high), count in zip((rows, columns), self.shape, strict=True)
            ]
            return max_halved(np.asarray(self.array[span[0], span[1]]), level)
        for one in range(self._base + 1, level + 1):
            if one not in self._levels:
                self._levels[one] = max_halved(self._levels[one - 1])
        return np.asarray(self._levels[level][slice(*rows), slice(*columns)])


def map_colors(
    part: Array,
    limits: tuple[float, float],
    colormap: str,
    opacity: float = 1.0,
    *,
    clean: bool = False,
) -> Pixels:
    """Colour the values of a map; clean ones hold no NaN and no infinite value."""
    low, high = limits
    if high - low == math.inf:
        part, low, high = part / 2, low / 2, high / 2
    span = 255 / (high - low) if high > low else 0.0
    wide = np.float32 if part.dtype.itemsize <= 4 else np.float64
    with np.errstate(all="ignore"):
        share = np.subtract(part, low, dtype=wide)
        share *= span
        np.clip(share, 0, 255, out=share)
        if not clean:
            share[np.isnan(share)] = 0  # an infinite value of a constant map, too
        place = share.astype(np.uint8)
    painted: Pixels = color_table(colormap, opacity).take(place, mode="clip")
    if not clean:
        painted[np.isnan(part)] = pixel(UNKNOWN, max(opacity, 0.5))
    return painted


def _enlarged(part: Array, rows: Ints, columns: Ints) -> Array:
    """Return pixels of a picture, some several times; the places rise, none is left."""
    if part.shape[1] != columns.size:
        part = part.take(columns, 1, mode="clip")
    return part if len(part) == rows.size else part.take(rows, 0, mode="clip")


def _outline(painted: Pixels, found: NDArray[np.bool_]) -> None:
    """Draw around regions: white within, black without, so that it is seen anywhere."""
    inner, outer = found.copy(), found.copy()
    for axis in (0, 1):
        for shown, other in itertools.permutations((slice(1, None), slice(None, -1))):
            near = np.moveaxis(found, axis, 0)[other]
            np.moveaxis(inner, axis, 0)[shown] &= near
            np.moveaxis(outer, axis, 0)[shown] |= near
    np.copyto(painted, np.uint32(_OUTSIDE), where=outer & ~found)
    np.copyto(painted, np.uint32(_INSIDE), where=found & ~inner)


def max_halved(picture: Array, times: int = 1) -> Array:
    """Return the largest of 2 × 2 values but NaN; an odd line joins the last two."""
    for axis in (0, 1) * times:
        lines = np.moveaxis(picture, axis, 0)
        if len(lines) > 1:
            even = len(lines) // 2 * 2
            joined = np.fmax(lines[0:even:2], lines[1:even:2])
            if even < len(lines):
                np.fmax(joined[-1], lines[-1], out=joined[-1])
            picture = np.moveaxis(joined, 0, axis)
    return np.ascontiguousarray(picture)
