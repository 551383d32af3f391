"""ScaledGrid: every pixel of the result, from the tiles that take part in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from reftiler_conformance.oracle.axis import ceil_div
from reftiler_conformance.oracle.grid import Grid, Pixel, box, contributes
from reftiler_conformance.oracle.layout import (
    Array,
    Index,
    each,
    join,
    order_of,
    put_together,
    split,
    take_apart,
)
from reftiler_conformance.oracle.rounding import DTypeInfo, dtype_info
from reftiler_conformance.oracle.settings import Number
from reftiler_conformance.oracle.tiling import constant
from reftiler_conformance.oracle.windows import weights

# A tile's number, the pixel in that tile, and its weight.
Part = tuple[int, Pixel, float]


class UncoveredError(ValueError):
    """No tile takes part in some pixel, and there is no fill."""


@dataclass(frozen=True)
class ScaledGrid:
    """A grid at a scale: all that its geometry becomes there, in whole pixels."""

    grid: Grid
    scale: tuple[Fraction, ...]

    def whole(self, axis: int, length: int) -> int:
        """Return a length times the scale, which must be an integer."""
        scaled = length * self.scale[axis]
        if scaled.denominator != 1:
            raise ValueError(f"{length} times {self.scale[axis]} is no integer")
        return scaled.numerator

    @property
    def tile(self) -> tuple[int, ...]:
        """The size of the tiles at this scale."""
        return tuple(self.whole(a, t) for a, t in enumerate(self.grid.settings.tile))

    @property
    def size(self) -> tuple[int, ...]:
        """The size of the result: the image's, scaled and rounded up."""
        return tuple(
            math.ceil(length * self.scale[a]) for a, length in enumerate(self.grid.size)
        )

    def reads(self, axis: int) -> list[int]:
        """Return the frame pixel that each result pixel reads."""
        length = self.size[axis]
        if self.grid.resampled:
            frame = self.whole(axis, self.grid.frame[axis])
            return [ceil_div(i * frame, length) for i in range(length)]
        before = self.whole(axis, self.grid.before[axis])
        return [i + before for i in range(length)]

    def sources(self) -> Iterator[Pixel]:
        """Go over the frame pixels that result pixels read, in row-major order."""
        return product(*(self.reads(axis) for axis in range(len(self.size))))

    def parts(self) -> dict[Pixel, list[Part]]:
        """Return for each frame pixel the tiles that take part, in order."""
        return _parts(self)


@lru_cache(maxsize=4)  # several merges of one grid follow each other
def _parts(merging: ScaledGrid) -> dict[Pixel, list[Part]]:
    grid, tile = merging.grid, merging.tile
    border = [merging.whole(a, r) for a, r in enumerate(grid.settings.borders)]
    lines = [weights(grid.settings, a, t) for a, t in enumerate(tile)]
    result: dict[Pixel, list[Part]] = {}
    for k, place in enumerate(grid.tile_specs):
        start = [merging.whole(a, s) for a, s in enumerate(place.start)]
        for offset in box(tile):
            if contributes(place, offset, tile, border):
                pixel = tuple(s + x for s, x in zip(start, offset, strict=True))
                weight = lines[0][offset[0]]
                for line, x in zip(lines[1:], offset[1:], strict=True):
                    weight = weight * line[x]
                result.setdefault(pixel, []).append((k, offset, weight))
    return result


def mean(values: Sequence[Number], weight: Sequence[float]) -> float:
    """Return the weighted mean: sums from -0.0 in the given order, one division."""
    above = below = -0.0
    for value, w in zip(values, weight, strict=True):
        above += w * float(value)
        below += w
    return above / below


def extreme(values: Sequence[Number], merge: str) -> int:
    """Return which value is the maximum or minimum: NaN wins, and -0 < +0."""
    best = 0
    for i, value in enumerate(values):
        if math.isnan(value):
            return i
        low, high = (best, i) if merge == "max" else (i, best)
        if sort_key(values[low]) < sort_key(values[high]):
            best = i
    return best


def sort_key(value: Number) -> tuple[Number, float]:
    """Return a key that sorts -0.0 before +0.0."""
    return value, math.copysign(1, value) if value == 0 else 0.0


def untile(
    grid: Grid,
    tiles: Array,
    shape: Sequence[int],
    scale: Sequence[Fraction] | None = None,
    dtype: np.dtype[Any] | None = None,
) -> Array:
    """Put tiles together again; ``shape`` is that of the image that was cut."""
    settings = grid.settings
    merging = ScaledGrid(grid, tuple(scale or [Fraction(1)] * settings.rank))
    batch = split(shape, settings.rank, settings.channels_last).batch
    has_channels = tiles.ndim == settings.rank + 2
    channel_axis = -1 if settings.channels_last else 1
    channels = tiles.shape[channel_axis] if has_channels else None
    target = tiles.dtype if dtype is None else np.dtype(dtype)
    fill = None if settings.fill is None else constant(settings.fill, target)
    given, parts = take_apart(tiles), merging.parts()
    result: dict[Index, bytes] = {}
    for pixel, there in zip(box(merging.size), merging.sources(), strict=True):
        taking = parts.get(there, [])
        if not taking and fill is None:
            raise UncoveredError(f"no tile takes part in {pixel}")
        for n in each(batch):
            for c in each(channels):
                raws = [
                    given[
                        join(
                            (n or 0) * len(grid.tile_specs) + k,
                            c,
                            x,
                            settings.channels_last,
                        )
                    ]
                    for k, x, _ in taking
                ]
                merged = fill
                if taking:
                    weight = [w for _, _, w in taking]
                    merged = one(raws, weight, settings.merge, tiles.dtype, target)
                assert merged is not None
                result[join(n, c, pixel, settings.channels_last)] = merged
    whole = join(batch, channels, merging.size, settings.channels_last)
    return put_together(result, whole, target)


def one(
    raws: list[bytes],
    weight: list[float],
    merge: str | None,
    dtype: np.dtype[Any],
    target: np.dtype[Any],
) -> bytes:
    """Merge one pixel from the bytes of its tiles."""
    kind, goal = dtype_info(dtype), dtype_info(target)
    assert kind is not None
    assert goal is not None
    values = [read(raw, kind, dtype) for raw in raws]
    if merge is None:
        merge = "max" if kind.name == "bool" else "mean"
    if len(values) > 1 and merge == "mean":
        return goal.round(mean(values, weight)).to_bytes(goal.size, order_of(target))
    chosen = 0 if len(values) == 1 else extreme(values, merge)
    if kind == goal:  # copied, but for the byte order
        same = order_of(dtype) == order_of(target)
        return raws[chosen] if same else raws[chosen][::-1]
    return goal.round(float(values[chosen])).to_bytes(goal.size, order_of(target))


def read(raw: bytes, kind: DTypeInfo, dtype: np.dtype[Any]) -> Number:
    """Return the number in the bytes of a pixel."""
    return kind.read(int.from_bytes(raw, order_of(dtype)))
