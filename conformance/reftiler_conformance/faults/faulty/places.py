"""Tiles in wrong places."""

# ruff: noqa: D102 - what is wrong is said once, by the class
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from reftiler_conformance.cases import Case
from reftiler_conformance.faults import demands
from reftiler_conformance.faults.catalogue import fault
from reftiler_conformance.faults.grid import Array
from reftiler_conformance.faults.plain import Plain


@fault("LAYOUT-008")
class ColumnMajor(Plain):
    """The first axis runs fastest."""

    def order(self, counts: Sequence[int]) -> Array:
        return super().order(counts[::-1])[:, ::-1]


@fault("GRID-002")
class TooFew(Plain):
    """What is left over gets no tile."""

    def count(self, length: int, tile: int, stride: int) -> int:
        return max(1, (length - tile) // stride + 1)


@fault("GRID-002")
class TooMany(Plain):
    """Tiles are counted as if they did not overlap."""

    def count(self, length: int, tile: int, stride: int) -> int:
        if self.case.mode not in ("padding", "interpolation"):
            return super().count(length, tile, stride)
        return -(-length // stride)


@fault("GRID-001")
class SwappedAxes(Plain):
    """Starts of rows are taken for starts of columns."""

    def fit(self) -> Array:
        return super().fit()[:, ::-1]


@fault("GRID-001")
class SwappedStrides(Plain):
    """The strides are read in the other order."""

    def read(self, case: Case) -> Case:
        demands.settings(case)
        strides = zip(case.stride[::-1], case.stride, case.tile, strict=True)
        return replace(case, stride=tuple(s if s <= t else o for s, o, t in strides))

    def demand(self) -> None:
        pass


@fault("SIZE-001")
class SwappedSides(Plain):
    """The sides of a tile are read in the other order."""

    def read(self, case: Case) -> Case:
        demands.settings(case)
        return replace(case, tile=case.tile[::-1])

    def demand(self) -> None:
        pass


@fault("GRID-004")
class ClampPads(Plain):
    """The last tile of `clamp` ends in padding."""

    def read(self, case: Case) -> Case:
        return replace(case, mode="padding") if case.mode == "clamp" else case


@fault("GRID-004")
class ClampDrops(Plain):
    """The last tile of `clamp` is missing."""

    def read(self, case: Case) -> Case:
        return replace(case, mode="drop") if case.mode == "clamp" else case


@fault("GRID-005")
class EvenHalfEven(Plain):
    """Evenly spaced starts are rounded half to even."""

    def even(self, i: int, n: int, most: int) -> int:
        return round(Fraction(i * most, max(1, n - 1)))


@fault("GRID-005")
class EvenFloored(Plain):
    """Evenly spaced starts are rounded down."""

    def even(self, i: int, n: int, most: int) -> int:
        return i * most // max(1, n - 1)


@fault("GRID-005")
class EvenClamps(Plain):
    """The starts of `even` are those of `clamp`."""

    def even(self, i: int, n: int, most: int) -> int:
        return min(i * self.case.stride[0], most)


@fault("GRID-006")
class DropKeeps(Plain):
    """In `drop` a last tile slides inward."""

    def read(self, case: Case) -> Case:
        return replace(case, mode="clamp") if case.mode == "drop" else case


@fault("GRID-007")
class FrameLong(Plain):
    """The frame of `interpolation` is a pixel too long."""

    def extent(self, n: int, tile: int, stride: int) -> int:
        longer = self.case.mode == "interpolation"
        return super().extent(n, tile, stride) + longer


@fault("SCATTER-001")
class ScatterSorted(Plain):
    """Scattered tiles are sorted."""

    def scatter(self) -> Array:
        return np.array(sorted(super().scatter().tolist()))


@fault("SCATTER-001")
class ScatterUnique(Plain):
    """A start that comes twice counts once."""

    def scatter(self) -> Array:
        return np.array(list(dict.fromkeys(map(tuple, super().scatter().tolist()))))


@fault("SCATTER-002")
class ScatterFramed(Plain):
    """Scattered tiles are cut from the resampled image in `interpolation`."""

    def source(self, axis: int) -> Array:
        if self.case.mode != "interpolation":
            return super().source(axis)
        length, tile, stride = (
            sides[axis] for sides in (self.case.size, self.case.tile, self.case.stride)
        )
        frame = self.extent(self.count(length, tile, stride), tile, stride)
        return self.resampled(np.arange(frame), length, frame)


@fault("RANDOM-003")
class RandomShort(Plain):
    """No random tile reaches the image's end."""

    def room(self, most: int, align: int) -> int:
        return max(1, most // align)


@fault("RANDOM-002")
class RandomSwapped(Plain):
    """Random starts are drawn from the last axis to the first."""

    def drawn(self, count: int, seed: int, align: int) -> list[list[int]]:
        case = self.case
        self.case = replace(case, size=case.size[::-1], tile=case.tile[::-1])
        starts = super().drawn(count, seed, align)
        self.case = case
        return [start[::-1] for start in starts]


@fault("RANDOM-002")
class RandomOther(Plain):
    """Random numbers come from another generator."""

    def drawn(self, count: int, seed: int, align: int) -> list[list[int]]:
        return super().drawn(count, seed ^ 1, align)


@fault("RANDOM-003")
class RandomUnaligned(Plain):
    """Random starts are not aligned."""

    def drawn(self, count: int, seed: int, align: int) -> list[list[int]]:
        return super().drawn(count, seed, 1)


@fault("RANDOM-001")
class RandomOneLess(Plain):
    """One random tile is missing, if there are two."""

    def drawn(self, count: int, seed: int, align: int) -> list[list[int]]:
        return super().drawn(max(1, count - 1), seed, align)
