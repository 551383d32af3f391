"""Wrong maxima and minima, and wrong fills."""

# ruff: noqa: D102 - what is wrong is said once, by the class
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from typing import Any

import numpy as np

from reftiler_conformance.faults import demands
from reftiler_conformance.faults.catalogue import fault
from reftiler_conformance.faults.grid import Array
from reftiler_conformance.faults.merging import Parts
from reftiler_conformance.faults.plain import Plain


@fault("MERGE-010")
class BoolAll(Plain):
    """Bool tiles merge by "all tiles say so"."""

    def how(self, dtype: np.dtype[Any]) -> str:
        unsaid = self.case.merge is None and dtype.kind == "b"
        return "min" if unsaid else super().how(dtype)


@fault("MERGE-010")
class BoolMean(Plain):
    """Bool tiles merge by majority."""

    def how(self, dtype: np.dtype[Any]) -> str:
        unsaid = self.case.merge is None and dtype.kind == "b"
        return "mean" if unsaid else super().how(dtype)

    def rounded(self, values: Array, target: np.dtype[Any]) -> Array:
        return values > 0.5 if target.kind == "b" else super().rounded(values, target)


@fault("MERGE-011")
class BoolMeanTaken(Plain):
    """The mean of bool tiles is that of zeros and ones."""

    def demand_tiles(self, tiles: Array, target: np.dtype[Any]) -> None:
        if tiles.dtype.kind != "b" or self.case.merge != "mean":
            super().demand_tiles(tiles, target)

    def rounded(self, values: Array, target: np.dtype[Any]) -> Array:
        return values > 0.5 if target.kind == "b" else super().rounded(values, target)


@fault("MERGE-012")
class MergeIgnored(Plain):
    """Numbers merge by their mean, whatever `merge` says."""

    def how(self, dtype: np.dtype[Any]) -> str:
        return super().how(dtype) if dtype.kind == "b" else "mean"


@fault("MERGE-012")
class MaxSkipsNan(Plain):
    """`max` and `min` leave NaN out."""

    def beats(self, new: Array, old: Array) -> Array:
        if new.dtype.kind != "f":
            return super().beats(new, old)
        return ~np.isnan(new) & (np.isnan(old) | super().beats(new, old))


@fault("MERGE-012")
class MaxMixesZeros(Plain):
    """`max` and `min` take −0.0 and 0.0 for equal."""

    def beats(self, new: Array, old: Array) -> Array:
        return super().beats(new, old) & (new != old)


@fault("MERGE-012")
class MaxFromZero(Plain):
    """`max` and `min` start from zero."""

    def extreme(self, parts: Parts) -> Array:
        best = super().extreme(parts)
        zero = np.zeros((), best.dtype)
        return np.where(self.beats(np.broadcast_to(zero, best.shape), best), zero, best)


@fault("MERGE-013")
class MaxByFloats(Plain):
    """`max` and `min` compare as float64."""

    def beats(self, new: Array, old: Array) -> Array:
        if new.dtype.kind == "b":
            return super().beats(new, old)
        return super().beats(new.astype(np.float64), old.astype(np.float64))


@fault("MERGE-015")
class BoolWindowTaken(Plain):
    """A window of bool tiles has no effect."""

    def demand_tiles(self, tiles: Array, target: np.dtype[Any]) -> None:
        if tiles.dtype.kind != "b" or self.case.window == "box":
            super().demand_tiles(tiles, target)


@fault("MERGE-018")
class FillIgnored(Plain):
    """Pixels of no tile are zero, whatever `fill` says."""

    def nothing(self, counts: Array, target: np.dtype[Any]) -> Array:
        if self.case.fill is not None:
            return np.zeros((), target)
        return super().nothing(counts, target)


@fault("MERGE-016")
class SilentZero(Plain):
    """Pixels of no tile are zero if there is no fill."""

    def nothing(self, counts: Array, target: np.dtype[Any]) -> Array:
        if self.case.fill is None:
            return np.zeros((), target)
        return super().nothing(counts, target)


@fault("MERGE-017")
class SilentCount(Plain):
    """The error about pixels of no tile does not say how many."""

    def nothing(self, counts: Array, target: np.dtype[Any]) -> Array:
        if self.case.fill is None:
            demands.refuse("some pixels lie in no tile")
        return super().nothing(counts, target)


@fault("MERGE-019")
class FillUnchecked(Plain):
    """A fill that does not fit is taken where no pixel needs it."""

    def demand_fill(self, target: np.dtype[Any]) -> None:
        pass


@fault("MERGE-009")
class FillSpreads(Plain):
    """Pixels of one tile that are zero are filled."""

    def converted(self, values: Array, target: np.dtype[Any]) -> Array:
        found = super().converted(values, target)
        if self.case.fill is None:
            return found
        return np.where(found == 0, np.array(self.case.fill).astype(target), found)
