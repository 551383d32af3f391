"""Wrong means."""

# ruff: noqa: D102 - what is wrong is said once, by the class
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from reftiler_conformance.faults.catalogue import fault
from reftiler_conformance.faults.grid import Array
from reftiler_conformance.faults.merging import Parts
from reftiler_conformance.faults.plain import Plain


@fault("MERGE-001")
class LastWins(Plain):
    """The last tile of a pixel is its value."""

    def combine(self, result: Array, parts: Parts, several: Array) -> None:
        self.copy(result, parts, several)


@fault("MERGE-001")
class FirstWins(LastWins):
    """The first tile of a pixel is its value."""

    def turn(self, count: int) -> Iterable[int]:
        return range(count)[::-1]


@fault("MERGE-001")
class SumOnly(Plain):
    """The sum is not divided."""

    def divided(self, above: Array, below: Array) -> Array:
        return above


@fault("MERGE-001")
class CountByte(Plain):
    """Tiles are counted in a byte."""

    def divided(self, above: Array, below: Array) -> Array:
        boxed = self.case.window == "box"
        return super().divided(above, below % 256 if boxed else below)


@fault("MERGE-002")
class SingleSums(Plain):
    """The sums are float32."""

    wide = np.float32


@fault("MERGE-002")
class IntegersTruncated(Plain):
    """64-bit integers become float64 by truncation."""

    def number(self, tile: Array) -> Array:
        found = super().number(tile)
        if tile.dtype.kind not in "iu" or tile.dtype.itemsize < 8:
            return found
        pairs = zip(found.flat, tile.flat, strict=True)
        down = [
            np.nextafter(f, 0) if abs(int(f)) > abs(int(n)) else f for f, n in pairs
        ]
        return np.array(down).reshape(found.shape)


@fault("MERGE-003")
class Descending(Plain):
    """The tiles are added from the last to the first."""

    def turn(self, count: int) -> Iterable[int]:
        return range(count)[::-1]


@fault("MERGE-003")
class FromZero(Plain):
    """The sums start from 0.0."""

    origin = 0.0


@fault("MERGE-004")
class Fused(Plain):
    """The product is fused with the addition."""

    def sums(self, parts: Parts) -> tuple[Array, Array]:
        above, below = super().sums(parts)
        if self.case.window == "box":
            return above, below
        above[...] = self.origin
        for tile, where, weight in parts:
            place = (..., *where)
            above[place] = _fused(above[place], self.number(tile), weight)
        return above, below


@np.vectorize
def _fused(total: float, value: float, weight: float) -> float:
    if not np.isfinite(total + value * weight):
        return total + value * weight
    if not (total or value):
        return total + value
    return float(Fraction(total) + Fraction(value) * Fraction(weight))


@fault("MERGE-005")
class Epsilon(Plain):
    """Something is added to the divisor, lest it be zero."""

    def divided(self, above: Array, below: Array) -> Array:
        return super().divided(above, below + 1e-8)


@fault("MERGE-005")
class Reciprocal(Plain):
    """The sum is multiplied by one over the divisor."""

    def divided(self, above: Array, below: Array) -> Array:
        return above * (1 / below)


@fault("MERGE-006")
class BoxHalves(Plain):
    """With the box window the weights are a third."""

    def weighed(self, values: Array, weight: Array) -> Array:
        boxed = self.case.window == "box"
        return values * (weight / 3) if boxed else super().weighed(values, weight)

    def divided(self, above: Array, below: Array) -> Array:
        boxed = self.case.window == "box"
        return super().divided(above, below / 3 if boxed else below)


@fault("MERGE-007")
class LoneDivided(Plain):
    """The value of a single tile is weighed and divided."""

    def copy(self, result: Array, parts: Parts, lone: Array) -> None:
        self.combine(result, parts, lone)


@fault("MERGE-008")
class NanToNum(Plain):
    """A NaN counts as zero."""

    def number(self, tile: Array) -> Array:
        found = super().number(tile)
        return np.where(np.isnan(found), 0.0, found)


class Leaving(Plain):
    """Leaves some values out of the mean."""

    def left(self, values: Array) -> Array:
        """Say which values are left out."""
        return np.zeros(values.shape, bool)

    def sums(self, parts: Parts) -> tuple[Array, Array]:
        above = np.full_like(super().sums(parts)[0], self.origin)
        below = np.zeros_like(above)
        for tile, where, weight in parts:
            values = self.number(tile)
            left = self.left(values)
            above[(..., *where)] += np.where(left, -0.0, self.weighed(values, weight))
            below[(..., *where)] += np.where(left, 0.0, weight)
        return above, below


@fault("MERGE-008")
class NanMean(Leaving):
    """A NaN is left out of the mean."""

    def left(self, values: Array) -> Array:
        return np.isnan(values)


@fault("MERGE-009")
class ZerosEmpty(Leaving):
    """A zero is left out of the mean."""

    def left(self, values: Array) -> Array:
        return values == 0

    def divided(self, above: Array, below: Array) -> Array:
        return np.where(below == 0, 0.0, super().divided(above, below))


@fault("MERGE-022")
class ChannelsMerged(Plain):
    """The channels of a result come in the other order."""

    def stacked(self, tiles: Array) -> Array:
        return super().stacked(tiles)[:, :, ::-1]


@fault("MERGE-022")
class NanSpreads(Plain):
    """A NaN in one image is one in all images."""

    def sums(self, parts: Parts) -> tuple[Array, Array]:
        above, below = super().sums(parts)
        return np.where(np.isnan(above).any(axis=0), np.nan, above), below


@fault("LAYOUT-007")
class TileMajorMerged(Plain):
    """The tiles of a batch are taken tile by tile."""

    def stacked(self, tiles: Array) -> Array:
        count = len(self.starts)
        batch = len(tiles) // count
        order = np.arange(len(tiles)).reshape(count, batch).T.ravel()
        return super().stacked(tiles[order])


@fault("MERGE-022")
class FirstMerged(Plain):
    """All images of a batch are the first."""

    def stacked(self, tiles: Array) -> Array:
        stack = super().stacked(tiles)
        return np.repeat(stack[:1], len(stack), axis=0)
