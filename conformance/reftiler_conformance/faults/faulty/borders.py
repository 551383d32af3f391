"""Borders removed wrongly, and wrong scales."""

# ruff: noqa: D102 - what is wrong is said once, by the class
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from reftiler_conformance.faults.catalogue import fault
from reftiler_conformance.faults.grid import ONE, Array
from reftiler_conformance.faults.merging import Parts
from reftiler_conformance.faults.plain import Plain


@fault("BORDER-001")
class BorderKept(Plain):
    """No border is removed."""

    def kept(self, k: int, axis: int) -> tuple[int, int]:
        return 0, self.case.tile[axis]


@fault("BORDER-001")
class BorderOneSide(Plain):
    """The border is removed on the low side only."""

    def kept(self, k: int, axis: int) -> tuple[int, int]:
        return super().kept(k, axis)[0], self.case.tile[axis]


@fault("BORDER-001")
class BorderThin(Plain):
    """A pixel too little of the border is removed."""

    def kept(self, k: int, axis: int) -> tuple[int, int]:
        low, high = super().kept(k, axis)
        return max(0, low - 1), min(self.case.tile[axis], high + 1)


@fault("BORDER-002")
class RimLost(Plain):
    """The rim of the frame is removed too."""

    def rims(self) -> tuple[Array, Array]:
        low, high = super().rims()
        return (low & False, high & False) if self.fitted else (low, high)


@fault("BORDER-003")
class DropKeepsRim(Plain):
    """In `drop` the last tile keeps its rim wherever it ends."""

    def rims(self) -> tuple[Array, Array]:
        low, high = super().rims()
        dropped = self.fitted and self.case.mode == "drop"
        return low, self.index == self.index.max(axis=0) if dropped else high


@fault("BORDER-004")
class ScatterRimLost(Plain):
    """Scattered tiles lose their border at the image's rim too."""

    def rims(self) -> tuple[Array, Array]:
        low, high = super().rims()
        return (low, high) if self.fitted else (low & False, high & False)


@fault("BORDER-004")
class ScatterRimListed(Plain):
    """The first scattered tile keeps its low side, the last its high side."""

    def rims(self) -> tuple[Array, Array]:
        low, high = super().rims()
        if not self.fitted:
            low[:], high[:] = False, False
            low[0], high[-1] = True, True
        return low, high


@fault("BORDER-006")
class BorderWeighed(Plain):
    """The border is weighed by zero: a NaN there spreads."""

    def merged(
        self, stack: Array, target: np.dtype[Any], scales: Sequence[Fraction]
    ) -> Array:
        found, parts = super().merged(stack, target, scales), Parts(self, stack, scales)
        spread = np.zeros((*found.shape[:2], *parts.frame), bool)
        for tile, where, border in parts.whole():
            spread[(..., *where)] |= border & ~np.isfinite(self.number(tile))
        if target.kind == "f":
            found[parts.cropped(spread)] = np.nan
        return found


@fault("SCALE-001")
class ScaleFirst(Plain):
    """The scale of the first axis is that of all."""

    def scales(self, tiles: Array) -> tuple[Fraction, ...]:
        return super().scales(tiles)[:1] * self.case.rank


@fault("SCALE-004")
class ScaleUnchecked(Plain):
    """Scaled lengths that are not whole are rounded down."""

    def demand_whole(self, scales: Sequence[Fraction]) -> None:
        pass


@fault("SCALE-007")
class ScaledBorderKept(Plain):
    """The border of scaled tiles is not scaled."""

    def spans(self, k: int, scales: Sequence[Fraction]) -> list[tuple[int, int, int]]:
        found = []
        for axis, (start, low, high) in enumerate(super().spans(k, scales)):
            tile, rim = self.case.tile[axis] * scales[axis], self.case.borders[axis]
            whole = high == tile
            found.append((start, low and rim, high if whole else int(tile) - rim))
        return found


@fault("SCALE-007")
class ScaledLeadKept(Plain):
    """The leading padding of scaled tiles is not scaled."""

    def trimmed(self, axis: int, scale: Fraction) -> int:
        spare = self.scaled(self.frame[axis], scale) - self.scaled(
            self.case.size[axis], scale
        )
        return min(self.before[axis], spare)


@fault("SCALE-008")
class ScaleFloored(Plain):
    """The scaled result is rounded down."""

    def scaled(self, length: int, scale: Fraction) -> int:
        return max(1, math.floor(length * scale))


@fault("MERGE-020")
class PaddingStays(Plain):
    """The padding stays in the result."""

    def back(self, axis: int, scale: Fraction = ONE) -> Array:
        padded = self.fitted and self.case.mode == "padding"
        whole = np.arange(self.scaled(self.frame[axis], scale))
        return whole if padded else super().back(axis, scale)

    def looked(self, axis: int) -> Array:
        return super().back(axis)


@fault("SCALE-008")
class ScaledPaddingStays(PaddingStays):
    """The padding stays in a scaled result."""

    def back(self, axis: int, scale: Fraction = ONE) -> Array:
        return super().back(axis, scale) if scale != ONE else super().looked(axis)


@fault("MERGE-020")
class CutAtZero(Plain):
    """The result begins where the frame begins."""

    def trimmed(self, axis: int, scale: Fraction) -> int:
        return 0

    def looked(self, axis: int) -> Array:
        lead = 0 if self.case.mode == "interpolation" else self.before[axis]
        return super().looked(axis) + lead


@fault("MERGE-020")
class PaddingSpoils(Plain):
    """NaN in the padding is refused where the result is of integers."""

    def demand_tiles(self, tiles: Array, target: np.dtype[Any]) -> None:
        super().demand_tiles(tiles, target)
        if tiles.dtype.kind == "f" and target.kind in "iu":
            self.demand_numbers(tiles, target)


@fault("SCALE-009")
class ScaledStretchKept(Plain):
    """A scaled frame of `interpolation` is cut, not resampled."""

    def restored(self, pixels: Array, frame: int, length: int) -> Array:
        plain = frame in self.frame and length in self.case.size
        return super().restored(pixels, frame, length) if plain else pixels


@fault("SCALE-001")
class ScaleRefused(Plain):
    """Tiles of another size are refused."""

    def scales(self, tiles: Array) -> tuple[Fraction, ...]:
        found = super().scales(tiles)
        if set(found) != {ONE}:
            raise ValueError("tiles of another size")
        return found


@fault("SCALE-010")
class ScaledRims(Plain):
    """Which sides keep their border is decided after scaling and rounding."""

    def spans(self, k: int, scales: Sequence[Fraction]) -> list[tuple[int, int, int]]:
        found = super().spans(k, scales)
        for axis, (start, low, _) in enumerate(found):
            tile = int(self.case.tile[axis] * scales[axis])
            size = math.floor(self.case.size[axis] * scales[axis])
            if start + tile == size:
                found[axis] = start, low, tile
        return found
