"""One axis of a grid: integers only, the same for every backend."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError

IntArray = NDArray[np.int64]
Index = slice | IntArray

MODES = ("padding", "interpolation", "clamp", "even", "drop")
PAD_SIDES = ("end", "both")


@dataclass(frozen=True)
class BoundedStarts(Sequence[int]):
    """Starts from 0 to ``last``, worked out when they are asked for.

    ``stride`` None spreads them evenly; all are multiples of ``align``.
    """

    size: int
    last: int
    stride: int | None
    align: int = 1

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self._at(i) for i in range(self.size)[index]]
        return self._at(range(self.size)[index])

    def _at(self, i: int) -> int:
        if self.stride is not None:
            return min(i * self.stride, self.last)  # GRID-004: the last slides inward
        gaps = self.size - 1
        # GRID-005: rounded half up, floor(x + 1/2), in exact integers; GRID-015: of
        # multiples of align
        steps = self.last // self.align
        return (2 * i * steps + gaps) // (2 * gaps) * self.align if gaps else 0


@dataclass(frozen=True)
class Axis:
    """Where the tiles lie along one axis.

    Tiles are cut from the *padded* axis: the image itself, the image with padding, or
    the image resampled. Starts are counted there.

    Attributes
    ----------
    length : int
        Pixels of the image.
    tile : int
        Pixels of a tile.
    padded_length : int
        Pixels that the tiles are cut from, P in the specification.
    pad_before : int
        Padding ahead of the image's first pixel.
    starts : sequence of int
        First padded pixel of each tile; a range or a formula where there is one, so
        that a grid of any size costs nothing.
    border : int
        Pixels at either side of a tile that do not contribute to the merge, except
        where that side is the padded axis' own edge.
    resampled : bool
        Whether the image is resampled instead of extended.
    """

    length: int
    tile: int
    padded_length: int
    pad_before: int
    starts: Sequence[int]
    border: int = 0
    resampled: bool = False

    def __len__(self) -> int:
        return len(self.starts)

    def with_context(self, context: int) -> "Axis":
        """Return the axis of tiles with so many more pixels on either side.

        The padded axis grows as much on both sides, so that starts stay what they are.
        """
        return replace(  # CONTEXT-001
            self,
            tile=self.tile + 2 * context,
            padded_length=self.padded_length + 2 * context,
            pad_before=self.pad_before + context,
        )

    @property
    def pad_after(self) -> int:
        """Padding behind the image's last pixel; 0 where the image is resampled."""
        # PAD-001, PAD-002: what is not before the image is after it
        behind = self.padded_length - self.pad_before - self.length
        return 0 if self.resampled else behind

    @property
    def is_unpadded(self) -> bool:
        """Whether tiles are cut from the image itself."""
        return self.padded_length == self.length

    @cached_property
    def start_array(self) -> IntArray:
        """The starts as an array, shape (n,)."""
        return _frozen(np.fromiter(self.starts, np.int64, len(self.starts)))

    @cached_property
    def step(self) -> int | None:
        """The distance from each start to the next, if it is the same everywhere."""
        if isinstance(self.starts, range):
            return self.starts.step if len(self.starts) > 1 else self.tile
        steps = np.diff(self.start_array)
        if not len(steps):
            return self.tile
        return int(steps[0]) if steps[0] > 0 and (steps == steps[0]).all() else None

    @cached_property
    def regular_run(self) -> range:
        """The longest run of equally spaced tiles that lie inside the image."""
        if self.resampled and not self.is_unpadded:
            return range(0)
        begin = self.start_array - self.pad_before
        inside = (begin >= 0) & (begin + self.tile <= self.length)
        steps = np.diff(begin)
        best = range(0)
        first = 0
        for number in range(len(begin)):
            if not inside[number]:
                first = number + 1
                continue
            if number - first > 1 and steps[number - 1] != steps[number - 2]:
                first = number - 1  # the last of one run is the first of the next
            if number + 1 - first > len(best):
                best = range(first, number + 1)
        return best

    def slices(self, run: range) -> tuple[slice, int]:
        """Return the image pixels that a regular run covers, and its step."""
        first, last = (self.starts[n] - self.pad_before for n in (run[0], run[-1]))
        step = self.starts[run[1]] - self.starts[run[0]] if len(run) > 1 else 1
        return slice(first, last + self.tile), step

    @cached_property
    def boxes(self) -> IntArray:
        """First and one past last image pixel of each tile, shape (n, 2)."""
        first, last = self.start_array, self.start_array + self.tile - 1
        if self.resampled:  # COORD-003
            ends = (first, last)
            first, last = (
                scale_index(p, self.length, self.padded_length) for p in ends
            )
        else:  # COORD-002
            first, last = first - self.pad_before, last - self.pad_before
        return _frozen(np.stack([first, last + 1], axis=1))

    @cached_property
    def valid(self) -> IntArray:
        """Image pixels to which each tile contributes, shape (n, 2)."""
        start = self.start_array
        stop = start + self.tile
        # BORDER-001; BORDER-002, BORDER-003, BORDER-004: the padded axis' own edge
        # stays; SCALE-010: scaled tiles end there if and only if the tiles do
        low = np.where(start == 0, start, start + self.border)
        high = np.where(stop == self.padded_length, stop, stop - self.border)
        padded = np.stack([low, high], axis=1)
        if self.resampled:
            # INTERP-002: pixel i reads ceil(i P / L); the first i with that >= j
            last = scale_index(padded - 1, self.length, self.padded_length)
            return _frozen(last + 1)
        # MERGE-020: padding is cut off; MERGE-023: so it is never read
        return _frozen(np.clip(padded - self.pad_before, 0, self.length))

    @cached_property
    def merge_source(self) -> IntArray:
        """The padded pixel that each image pixel reads in a merge, shape (length,)."""
        pixels = np.arange(self.length, dtype=np.int64)
        if self.resampled:  # INTERP-002, INTERP-003, SCALE-009
            return _frozen(-scale_index(-pixels, self.padded_length, self.length))
        return _frozen(pixels + self.pad_before)

    @cached_property
    def coverage(self) -> IntArray:
        """How many tiles contribute to each image pixel, shape (length,)."""
        # COORD-005, COORD-006
        low, high = self.valid.T
        change = np.zeros(self.length + 1, dtype=np.int64)
        np.add.at(change, low[low < high], 1)
        np.add.at(change, high[low < high], -1)
        return _frozen(np.cumsum(change[:-1]))

    def tile_index(self, number: int, low: int, high: int) -> Index:
        """Return which pixels of tile ``number`` image pixels low to high read."""
        start = self.starts[number]
        if self.resampled and not self.is_unpadded:
            return self.merge_source[low:high] - start
        return slice(low + self.pad_before - start, high + self.pad_before - start)

    def cropped(self, low: int, high: int) -> "Axis":
        """Return this axis with the image pixels from low to high alone."""
        if (low, high) == (0, self.length):
            return self
        if self.resampled:
            return SampledAxis.of(self, range(low, high))
        return replace(self, length=high - low, pad_before=self.pad_before + low)

    def selected(self, merge: str) -> "SelectingAxis":
        """Return this axis with one tile for each pixel, chosen by ``merge``."""
        own = {field.name: getattr(self, field.name) for field in fields(Axis)}
        return SelectingAxis(**own, merge=merge)

    def scaled(self, scale: Fraction, name: str) -> "Axis":
        """Return this axis for tiles of ``scale`` times the resolution.

        Raises
        ------
        TilingError
            If a start, the tile, the padding or the border becomes fractional.
        """
        if scale == 1:
            return self
        self._check_scale(scale, name)
        above, below = scale.numerator, scale.denominator
        # SCALE-007, SCALE-008, SCALE-009
        return Axis(
            length=_ceil(self.length * scale),
            tile=int(self.tile * scale),
            padded_length=_ceil(self.padded_length * scale),
            pad_before=int(self.pad_before * scale),
            starts=tuple((self.start_array // below * above).tolist()),
            border=int(self.border * scale),
            resampled=self.resampled,
        )

    def _check_scale(self, scale: Fraction, name: str) -> None:
        values = {
            "the tile size": self.tile,
            "the leading padding": self.pad_before,
            "remove_border_count": self.border,
        }
        if self.resampled:  # of selected tiles, the last may not be there
            values["the length that the image is resampled to"] = self.padded_length
        for tile in np.flatnonzero(self.start_array % scale.denominator)[:1].tolist():
            values[f"the start of tile {tile}"] = self.starts[tile]
        for what, value in values.items():
            if value % scale.denominator:  # SCALE-004, SCALE-006
                raise TilingError(
                    f"scale {scale} on {name}: {what}, {value}, times {scale} is not "
                    f"whole; it and every other start, padding and border must be a "
                    f"multiple of {scale.denominator}"
                )


@dataclass(frozen=True)
class SampledAxis(Axis):
    """An axis of which only some pixels are merged; they are counted among these."""

    whole: Axis = field(kw_only=True)
    pixels: range = field(kw_only=True)

    @classmethod
    def of(cls, axis: Axis, pixels: range) -> "SampledAxis":
        """Return an axis with some of its pixels, ascending."""
        own = {field.name: getattr(axis, field.name) for field in fields(Axis)}
        return cls(**{**own, "length": len(pixels), "whole": axis, "pixels": pixels})

    @cached_property
    def step(self) -> int | None:
        """The distance from each start to the next, in pixels that are merged."""
        step = self.whole.step
        return step and max(1, step // self.pixels.step)

    @cached_property
    def valid(self) -> IntArray:
        """The first of the pixels at or behind each end, shape (n, 2)."""
        ends = -((self.pixels.start - self.whole.valid) // self.pixels.step)
        return np.clip(ends, 0, len(self.pixels))

    @cached_property
    def merge_source(self) -> IntArray:
        """The padded pixel that each of the pixels reads in a merge."""
        some = self.pixels
        return self.whole.merge_source[some.start : some.stop : some.step]

    def tile_index(self, number: int, low: int, high: int) -> Index:
        """Return which pixels of tile ``number`` the pixels low to high read."""
        some = self.pixels[low:high]
        if some.step == 1:
            return self.whole.tile_index(number, some.start, some.stop)
        return self.merge_source[low:high] - self.starts[number]


@dataclass(frozen=True)
class SelectingAxis(Axis):
    """An axis of a regular grid, to whose pixels at most one tile each contributes."""

    merge: str = "first"

    @cached_property
    def valid(self) -> IntArray:
        """Image pixels to which each tile contributes, shape (n, 2)."""
        low, high = super().valid.T
        pixels = np.arange(self.length, dtype=np.int64)
        # Tiles begin and end in the same order, so those in a pixel are neighbours.
        first = np.searchsorted(high, pixels, side="right")
        stop = np.searchsorted(low, pixels, side="right")
        tile = self._chosen(first, stop)
        # Doubled, so that a pixel of no tile has a number between those of its
        # neighbours, and all numbers ascend.
        number = np.where(first < stop, 2 * tile, 2 * stop - 1)
        tiles = 2 * np.arange(len(self))
        ends = [np.searchsorted(number, tiles, side) for side in ("left", "right")]
        return _frozen(np.stack(ends, axis=1).astype(np.int64))

    def _chosen(self, first: IntArray, stop: IntArray) -> IntArray:
        """Return of the tiles from ``first`` to ``stop`` of each pixel the chosen."""
        if self.merge != "center":  # MERGE-024
            return first if self.merge == "first" else stop - 1
        # MERGE-025: 2 x + 1 - t is 0 where twice the start is this
        center = 2 * self.merge_source + 1 - self.tile
        starts = 2 * self.start_array
        behind = np.searchsorted(starts, center).clip(
            first, np.maximum(first, stop - 1)
        )
        behind = behind.clip(0, len(self) - 1)
        before = np.maximum(behind - 1, first).clip(0, len(self) - 1)
        nearer = abs(starts[before] - center) <= abs(starts[behind] - center)
        return np.where(nearer, before, behind)


def fit_axis(
    length: int, tile: int, stride: int, mode: str, *, both: bool, align: int = 1
) -> Axis:
    """Fit an axis of ``length`` pixels with tiles, by ``mode``.

    ``clamp``, ``even`` and ``drop`` need ``length >= tile``. With ``both`` padding goes
    to both sides, the smaller half first.
    """
    rest = max(0, length - tile)
    if mode == "drop":  # GRID-006, GRID-008
        return Axis(length, tile, length, 0, range(0, rest + 1, stride))
    gaps = -(-rest // stride)
    if mode in ("clamp", "even"):  # GRID-004, GRID-005, GRID-008
        step = stride if mode == "clamp" else None
        starts = BoundedStarts(gaps + 1, rest, step, align)
        return Axis(length, tile, length, 0, starts)
    padded = gaps * stride + tile  # GRID-007, GRID-009
    every = range(0, gaps * stride + 1, stride)  # GRID-002, GRID-003
    if mode == "interpolation":
        return Axis(length, tile, padded, 0, every, resampled=True)
    before = (padded - length) // 2 if both else 0  # PAD-001, PAD-002
    return Axis(length, tile, padded, before, every)


def scale_index(index: IntArray, above: int, below: int) -> IntArray:
    """Return ``⌊index · above / below⌋``, exact for axes of any length (INTERP-003)."""
    if above * max(map(abs, (int(index.min()), int(index.max())))) < 2**63:
        return index * above // below
    exact: IntArray = (index.astype(object) * above // below).astype(np.int64)
    return exact


def _frozen(array: IntArray) -> IntArray:
    """Return what is kept for later calls, read-only (TILER-001, TILER-003)."""
    array.flags.writeable = False
    return array


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
