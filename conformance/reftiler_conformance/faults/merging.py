"""How the plain tiler merges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.faults import demands
from reftiler_conformance.faults.grid import Box
from reftiler_conformance.faults.weighing import Weighing

Array = npt.NDArray[Any]
Scales = Sequence[Fraction]


class Merging(Weighing):
    """Merges tiles, which are of shape (N, K, C, *T) in here."""

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        """Merge tiles."""
        target = self.target(tiles)
        scales = self.scales(tiles)
        self.demand_tiles(tiles, target)
        self.demand_whole(scales)
        with np.errstate(all="ignore"):
            merged = self.merged(self.stacked(tiles), target, scales)
        result = self.together(merged, tiles.ndim - 1)
        if self.case.batch is None:
            result = result[0]
        return self.give(result, tiles, out)

    def scales(self, tiles: Array) -> tuple[Fraction, ...]:
        """Return the scale of the tiles on each axis."""
        found = demands.scales(tiles, self.case)
        self.demand_length(tiles.shape)
        return found

    def demand_length(self, shape: Sequence[int]) -> None:
        """Refuse tiles that a custom window does not fit."""
        demands.length(shape, self.case)

    def target(self, tiles: Array) -> np.dtype[Any]:
        """Return the dtype of the result."""
        return np.dtype(self.case.result or tiles.dtype)

    def demand_tiles(self, tiles: Array, target: np.dtype[Any]) -> None:
        """Refuse tiles that cannot be merged."""
        demands.tiles(tiles, target, self.case, len(self.starts))
        self.demand_fill(target)

    def demand_fill(self, target: np.dtype[Any]) -> None:
        """Refuse a fill that the result cannot hold."""
        if self.case.fill is not None:
            demands.representable(self.case.fill, target)

    def demand_whole(self, scales: Scales) -> None:
        """Refuse scales at which lengths are not whole."""
        demands.whole(scales, self.starts, self.before, self.case)

    def demand_numbers(self, values: Array, target: np.dtype[Any]) -> None:
        """Refuse NaN where integers are due."""
        demands.numbers(values, target)

    def stacked(self, tiles: Array) -> Array:
        """Return tiles by image, tile and channel."""
        if tiles.ndim == self.case.rank + 1:
            tiles = tiles[:, None]
        elif self.case.channels_last:
            tiles = np.moveaxis(tiles, -1, 1)
        return tiles.reshape(-1, len(self.starts), *tiles.shape[1:])

    def merged(self, stack: Array, target: np.dtype[Any], scales: Scales) -> Array:
        """Return the result, of shape (N, C, *S)."""
        parts = Parts(self, stack, scales)
        counts = parts.cropped(self.counted(parts))
        result = np.empty((len(stack), stack.shape[2], *counts.shape), target)
        self.copy(result, parts, counts == 1)
        if (counts > 1).any():
            self.combine(result, parts, counts > 1)
        if (counts == 0).any():
            result[:, :, counts == 0] = self.nothing(counts, target)
        return result

    def counted(self, parts: Parts) -> Array:
        """Count the tiles that take part in each frame pixel."""
        counts = np.zeros(parts.frame, np.int64)
        for _, where, _ in parts:
            counts[where] += 1
        return counts

    def copy(self, result: Array, parts: Parts, lone: Array) -> None:
        """Copy the pixels of one tile."""
        single = np.zeros((*result.shape[:2], *parts.frame), parts.stack.dtype)
        for tile, where, _ in parts:
            single[(..., *where)] = tile
        found = parts.cropped(single)[:, :, lone]
        result[:, :, lone] = self.converted(found, result.dtype)

    def combine(self, result: Array, parts: Parts, several: Array) -> None:
        """Merge the pixels of several tiles."""
        if self.how(parts.stack.dtype) == "mean":
            above, below = self.sums(parts)
            above = parts.cropped(above)[:, :, several]
            mean = self.divided(above, parts.cropped(below)[..., several])
            result[:, :, several] = self.rounded(mean, result.dtype)
        else:
            best = parts.cropped(self.extreme(parts))[:, :, several]
            result[:, :, several] = self.converted(best, result.dtype)

    def how(self, dtype: np.dtype[Any]) -> str:
        """Return how tiles are merged."""
        return self.case.merge or ("max" if dtype.kind == "b" else "mean")

    def sums(self, parts: Parts) -> tuple[Array, Array]:
        """Return the sums of weighted values and of weights."""
        shape = (len(parts.stack), parts.stack.shape[2], *parts.frame)
        above, below = np.full(shape, self.origin), np.full(parts.frame, self.origin)
        above, below = above.astype(self.wide), below.astype(self.wide)
        for tile, where, weight in parts:
            above[(..., *where)] += self.weighed(self.number(tile), weight)
            below[where] += weight
        return above, below

    origin = -0.0
    wide: type = np.float64

    def number(self, tile: Array) -> Array:
        """Return the values of a tile."""
        return tile.astype(self.wide)

    def weighed(self, values: Array, weight: Array) -> Array:
        """Return values times their weights."""
        return values if self.case.window == "box" else values * weight

    def divided(self, above: Array, below: Array) -> Array:
        """Return the mean."""
        found: Array = above / below
        return found

    def extreme(self, parts: Parts) -> Array:
        """Return the maximum or minimum of each frame pixel."""
        shape = (len(parts.stack), parts.stack.shape[2], *parts.frame)
        best = np.zeros(shape, parts.stack.dtype)
        seen = np.zeros(parts.frame, bool)
        for tile, where, _ in parts:
            old = best[(..., *where)]
            takes = ~seen[where] | self.beats(tile, old)
            best[(..., *where)] = np.where(takes, tile, old)
            seen[where] = True
        return best

    def beats(self, new: Array, old: Array) -> Array:
        """Say where a value takes the place of an older one."""
        if new.dtype.kind != "f":
            found: Array = new > old if self.largest(new) else new < old
            return found
        more = new > old if self.largest(new) else new < old
        sign = old if self.largest(new) else new
        other = new if self.largest(new) else old
        zeros = (new == old) & np.signbit(sign) & ~np.signbit(other)
        wins: Array = ~np.isnan(old) & (np.isnan(new) | more | zeros)
        return wins

    def largest(self, new: Array) -> bool:
        """Say whether the maximum is asked for."""
        return self.how(new.dtype) == "max"

    def converted(self, values: Array, target: np.dtype[Any]) -> Array:
        """Return values of tiles in the dtype of the result."""
        if values.dtype.newbyteorder("=") == target.newbyteorder("="):
            return values.astype(target)
        return self.rounded(values.astype(np.float64), target)

    def rounded(self, values: Array, target: np.dtype[Any]) -> Array:
        """Return float64 numbers in the dtype of the result."""
        if target.kind == "f":
            return self.narrowed(values, target)
        self.demand_numbers(values, target)
        return self.saturated(self.whole(values), target)

    def narrowed(self, values: Array, target: np.dtype[Any]) -> Array:
        """Return the nearest floats."""
        return values.astype(target)

    def whole(self, values: Array) -> Array:
        """Return the nearest whole numbers."""
        return np.rint(values)

    def saturated(self, values: Array, target: np.dtype[Any]) -> Array:
        """Return whole numbers as integers, within their limits."""
        info = np.iinfo(target)
        low, high = values <= float(info.min), values >= float(info.max)
        found = np.where(low | high, 0.0, values).astype(target)
        found[low], found[high] = info.min, info.max
        return found

    def nothing(self, counts: Array, target: np.dtype[Any]) -> Array:
        """Return what stands in pixels of no tile."""
        if self.case.fill is None:
            demands.refuse(f"{int((counts == 0).sum())} pixels lie in no tile")
        return np.array(self.case.fill).astype(target)

    def turn(self, count: int) -> Iterable[int]:
        """Return the tiles in the order in which they are added."""
        return range(count)


class Parts:
    """What the tiles bring: pixels, where in the frame they go, and weights."""

    def __init__(self, tiler: Merging, stack: Array, scales: Scales) -> None:
        self.tiler, self.stack, self.scales = tiler, stack, scales
        sides = zip(tiler.frame, scales, strict=True)
        self.frame = tuple(tiler.scaled(length, scale) for length, scale in sides)

    @cached_property
    def _listed(self) -> list[tuple[Array, Box, Array]]:
        weights = self.tiler.weights(self.stack.shape[3:])
        return [self._part(k, weights) for k in self.tiler.turn(self.stack.shape[1])]

    def _part(self, k: int, weights: Array) -> tuple[Array, Box, Array]:
        spans = self.tiler.spans(k, self.scales)
        inner = tuple(slice(low, high) for _, low, high in spans)
        where = tuple(slice(s + low, s + high) for s, low, high in spans)
        here: Box = (slice(None), k, slice(None), *inner)
        return self.stack[here], where, weights[inner]

    def __iter__(self) -> Any:
        """Go over the tiles, in ascending order."""
        return iter(self._listed)

    def whole(self) -> Iterator[tuple[Array, Box, Array]]:
        """Go over whole tiles: pixels, where they go, and what is removed border."""
        for k in range(self.stack.shape[1]):
            tile, spans = self.stack[:, k], self.tiler.spans(k, self.scales)
            border = np.ones(tile.shape[2:], bool)
            border[tuple(slice(low, high) for _, low, high in spans)] = False
            starts = np.array([start for start, _, _ in spans])
            stops = starts + border.shape
            where = tuple(slice(a, b) for a, b in zip(starts, stops, strict=True))
            yield tile, where, border

    def cropped(self, array: Array) -> Array:
        """Return what the result reads of an array of frame pixels."""
        for axis, scale in enumerate(self.scales):
            lead = array.ndim - len(self.scales)
            array = array.take(self.tiler.back(axis, scale), lead + axis)
        return array
