"""Pixels of an image by region and resolution, ready to be painted.

Level 0 is the image; each further level has half the resolution, a pixel the mean of
four. Levels are built in the background; until then, single pixels are shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.io import ImageInfo, ReadOptions, open_image, resize
from reftiler.io.codecs import check_picture
from reftiler_gui.model.array_types import Array, Span
from reftiler_gui.model.display import DisplaySettings, Histogram, value_range
from reftiler_gui.model.file_pixels import without_mapping
from reftiler_gui.model.picture import Picture, mean_bands, mean_halved, pixels_under
from reftiler_gui.model.steps import Work, finish

GUESS = ReadOptions(guess=True)
"""How files are read of which nobody says how: what is guessed is said."""

_LARGE = 2**26  # bytes from which level 1 is not kept: it would need a quarter more


class ImagePyramid(Picture):
    """The pixels of an image."""

    def __init__(
        self,
        array: Any,
        display: DisplaySettings = DisplaySettings(),  # noqa: B008 - it is immutable
        *,
        alpha: bool = False,
    ) -> None:
        try:
            check_picture(array)
        except ValueError as error:
            raise TilingError(str(error)) from error
        self.array = array
        self.size = array.shape[0], array.shape[1]
        self.channels = array.shape[2] if array.ndim == 3 else 1
        self.dtype = array.dtype
        self.has_alpha = alpha
        self.info, self.page = ImageInfo(), 0
        self._base = 2 if array.nbytes > _LARGE else 1
        self._built: dict[int, Any] = {0: self.array}
        self.display = display  # as given, but with limits and channels
        self._model: ImagePyramid | None = None
        # what was measured so far, by channels
        self.ranges: dict[tuple[int, ...], tuple[float, float]] = {}
        self.histograms: dict[tuple[int, ...], Histogram] = {}
        self.set_display(display)

    def like(self, array: Any) -> ImagePyramid:
        """Return other pixels, which are shown as these are, also when that changes."""
        other = ImagePyramid(array, self.display, alpha=self.has_alpha)
        other._model = self
        return other

    @classmethod
    def open(cls, path: Path, reading: ReadOptions = GUESS) -> ImagePyramid:
        """Open a file; TilingError with a sentence if it is no picture."""
        image = open_image(path, reading)
        source = cls(without_mapping(image[...]), alpha=image.info.alpha)
        source.info, source.page = image.info, reading.page or 0
        return source

    def ready(self, level: int) -> bool:
        """Say whether a level is built, so that no single pixels are shown."""
        return level in self._built or level < self._base

    def set_display(self, display: DisplaySettings) -> None:
        """Set limits, gamma and channels; limits of None are measured."""
        display.check()
        shown = self.shown_channels(display)
        low, high = display.low, display.high
        if low is None or high is None:
            low, high = self._range(shown)
        found = replace(display, low=low, high=high, channels=shown)
        found.check()
        if self._model is not None and found == self._model.display:
            found = self._model.display
        self.display = found
        self._table = self.display.table(self.dtype)

    def shown_channels(self, display: DisplaySettings) -> tuple[int, ...]:
        """Return the channels that these settings show of this image."""
        colors = self.channels - self.has_alpha
        if display.channels and max(display.channels) < colors:
            return display.channels
        return (0, 1, 2) if colors >= 3 else (0,)

    def measure(self, channels: tuple[int, ...]) -> Histogram:
        """Return the histogram of some channels; slow the first time."""
        if channels not in self.histograms:
            self._range(channels)
            self.histograms[channels] = Histogram.of(self.array, channels)
        return self.histograms[channels]

    def _range(self, channels: tuple[int, ...]) -> tuple[float, float]:
        if channels not in self.ranges:
            self.ranges[channels] = value_range(self.array, channels)
        return self.ranges[channels]

    @property
    def low(self) -> float:
        """The value shown black."""
        assert self.display.low is not None
        return self.display.low

    @property
    def high(self) -> float:
        """The value shown white."""
        assert self.display.high is not None
        return self.display.high

    def value(self, row: int, column: int) -> tuple[float, ...] | None:
        """Return the numbers of a pixel, one a channel; None beyond the image."""
        if not (0 <= row < self.size[0] and 0 <= column < self.size[1]):
            return None
        try:
            return tuple(np.ravel(self.array[row, column]).tolist())
        except TilingError:  # as in `region`
            return None

    def build(self) -> Work[None]:
        """Build the levels that are not there yet."""
        if self.levels > self._base and self._base not in self._built:
            bands: list[Array] = []
            for part in mean_bands(self.array, self._base):
                bands.append(part)
                yield min(1.0, sum(map(len, bands)) / self.level_size(self._base)[0])
            self._built[self._base] = np.concatenate(bands)
        for level in range(self._base + 1, self.levels):
            if level not in self._built:
                self._built[level] = mean_halved(self._built[level - 1])
                yield 1.0

    def reduced(self, level: int) -> Array:
        """Return all pixels of a level, which is built if it is not there yet."""
        if 0 < level < self._base:
            return np.concatenate(list(mean_bands(self.array, level)))
        if level not in self._built:
            finish(self.build())
        found: Array = self._built[level]
        return found

    def region(self, level: int, rows: Span, columns: Span) -> NDArray[np.uint32]:
        """Return pixels of a level to paint; black if the file has become shorter."""
        try:
            return self.painted(self._part(level, rows, columns))
        except TilingError:  # whoever watches the file reads it again
            size = rows[1] - rows[0], columns[1] - columns[0]
            return np.full(size, 0xFF000000, np.uint32)

    def _part(self, level: int, rows: Span, columns: Span) -> Array:
        if 0 < level < self._base:
            here, there = (slice(s[0] << level, s[1] << level) for s in (rows, columns))
            part: Array = self.array[here, there]
            for _ in range(level):
                part = mean_halved(part)
            return part
        nearest = max(n for n in tuple(self._built) if n <= level)
        step = 1 << (level - nearest)
        here, there = (slice(s[0] * step, s[1] * step, step) for s in (rows, columns))
        return np.ascontiguousarray(self._built[nearest][here, there])

    def painted(self, part: Array) -> NDArray[np.uint32]:
        """Return pixels of this image, or of its tiles, as `region` does."""
        if self._model is not None and self._model.display is not self.display:
            self.set_display(self._model.display)
        if part.ndim == 2:
            part = part[..., np.newaxis]
        channels = self.display.channels
        span = range(channels[0], channels[0] + len(channels))
        together = slice(span.start, span.stop) if channels == tuple(span) else None
        shown = self._bytes(part[..., together or list(channels)])
        pixels = np.empty((*part.shape[:2], 4), dtype=np.uint8)
        for place in range(3):  # blue comes first, the lowest byte
            pixels[..., place] = shown[..., min(2 - place, shown.shape[-1] - 1)]
        pixels[..., 3] = 255
        if self.has_alpha:
            opaque = np.iinfo(self.dtype).max if self.dtype.kind in "iu" else 1.0
            alpha = DisplaySettings(0.0, float(opaque)).to_bytes(part[..., -1])
            pixels[..., 3] = alpha
            share = alpha[..., np.newaxis].astype(np.uint16)
            pixels[..., :3] = (pixels[..., :3] * share + 127) // 255
        whole: NDArray[np.uint32] = pixels.view("<u4")[..., 0]
        return whole.astype(np.uint32, copy=False)

    def _bytes(self, part: Array) -> NDArray[np.uint8]:
        if self._table is None or part.dtype.kind == "f":
            return self.display.to_bytes(part)
        if part.dtype == bool:
            part = part.view(np.uint8) * np.uint8(255)
        if part.dtype == np.uint8 and self.display == replace(
            self.display, low=0.0, high=255.0, gamma=1.0
        ):
            return part
        return np.asarray(self._table[part])


# Numbers of an image up to which it is resized as it is: that takes many bytes for
# each. Of a larger one a level of its pyramid is.
RESIZED_LIMIT = 2**26

_FINE = 8  # pixels of that level for one of the resized image, if there are as many


class ResizedImage(Picture):
    """What resizing leaves of an image, shown as that is; TilingError if too large."""

    def __init__(self, source: ImagePyramid, target: Sequence[int]) -> None:
        numbers = math.prod(target) * source.channels
        if numbers > RESIZED_LIMIT:
            raise TilingError(
                f"the resized image would have {numbers:,} numbers, more than the "
                f"{RESIZED_LIMIT:,} that are shown: resize it to less"
            )
        level = _level(source, target)
        pixels = source.array if level == 0 else source.reduced(level)
        small = resize(np.asarray(pixels), target)
        self.mean = 1 << level  # the side of the squares whose means were resized
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
    """Return the level that is resized: 0, of large images the last fine enough."""
    if source.array.size <= RESIZED_LIMIT:
        return 0
    levels = range(1, source.levels)
    few = [n for n in levels if source.array.size >> (2 * n) <= RESIZED_LIMIT]
    least = _FINE * np.array(target)
    fine = [n for n in few if (source.level_size(n) >= least).all()]
    return fine[-1] if fine else few[0]
