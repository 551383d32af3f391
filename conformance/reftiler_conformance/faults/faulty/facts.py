"""Wrong words about where tiles lie."""

# ruff: noqa: D102 - what is wrong is said once, by the class
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import numpy as np

from reftiler_conformance.faults.catalogue import fault
from reftiler_conformance.faults.grid import Array
from reftiler_conformance.faults.plain import Plain


@fault("COORD-001")
class StartsInImage(Plain):
    """The starts are told in the image, not in the frame."""

    def told(self) -> Array:
        return self.starts - np.array(self.before)


@fault("COORD-002")
class BoxesInFrame(Plain):
    """The boxes are told in the frame, not in the image."""

    def boxes(self) -> Array:
        return super().boxes() + np.array(self.before)[:, None]


@fault("COORD-002")
class BoxesClipped(Plain):
    """The boxes end where the image ends."""

    def boxes(self) -> Array:
        return np.clip(super().boxes(), 0, np.array(self.case.size)[:, None])


@fault("COORD-003")
class BoxesStretched(Plain):
    """The boxes of `interpolation` are told in the frame."""

    def boxes(self) -> Array:
        if self.case.mode != "interpolation":
            return super().boxes()
        return np.stack([self.starts, self.starts + self.case.tile], axis=-1)


@fault("COORD-004")
class SlicesLong(Plain):
    """The slices are the boxes, unclipped."""

    def slices(self) -> Array:
        return self.boxes()

    def reached(self) -> Array:
        return super().slices()


@fault("COORD-005")
class CoverageWhole(Plain):
    """Tiles cover what their removed border covers."""

    def covers(self, k: int, axis: int) -> tuple[int, int]:
        return 0, self.case.tile[axis]


@fault("COORD-006")
class CoverageFloored(Plain):
    """In `interpolation` the coverage is read a pixel before."""

    def looked(self, axis: int) -> Array:
        if self.case.mode != "interpolation" or not self.fitted:
            return super().looked(axis)
        length, frame = self.case.size[axis], self.frame[axis]
        return np.arange(length) * frame // length


@fault("COORD-007")
class UncoveredNever(Plain):
    """No pixel is ever said to be in no tile."""

    def uncovered(self, coverage: Array) -> int:
        return 0


@fault("COORD-008")
class TouchesBeyond(Plain):
    """A marked pixel just behind a tile touches it."""

    def reached(self) -> Array:
        return super().reached() + np.array([0, 1])


@fault("COORD-008")
class TouchesInside(Plain):
    """The removed border touches nothing."""

    def reached(self) -> Array:
        rims = np.array(self.case.borders)[:, None] * np.array([1, -1])
        return super().reached() + rims


@fault("COORD-009")
class NanUnmarked(Plain):
    """Only what is greater than zero is marked."""

    def marked(self, mask: Array) -> Array:
        return np.nan_to_num(mask) > 0


@fault("COORD-010")
class PaddingOfFrames(Plain):
    """In `interpolation`, too, the frame is said to be padding."""

    def padding(self) -> list[tuple[int, int]]:
        sides = zip(self.frame, self.before, self.case.size, strict=True)
        return [(before, frame - before - size) for frame, before, size in sides]
