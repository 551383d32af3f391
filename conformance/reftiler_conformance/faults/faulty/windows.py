"""Wrong windows."""

# ruff: noqa: D102 - what is wrong is said once, by the class
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from reftiler_conformance.faults.catalogue import fault
from reftiler_conformance.faults.grid import Array
from reftiler_conformance.faults.plain import Plain


@fault("WINDOW-001")
class WindowIgnored(Plain):
    """All pixels weigh alike."""

    def weights(self, size: Sequence[int]) -> Array:
        return np.ones(size)


@fault("WINDOW-001")
class WindowOnce(Plain):
    """Only the first axis has weights."""

    def profile(self, axis: int, length: int) -> Array:
        return np.ones(length) if axis else super().profile(axis, length)


@fault("WINDOW-001")
class WindowSummed(Plain):
    """The weights of the axes are added."""

    def weights(self, size: Sequence[int]) -> Array:
        lines = [self.profile(axis, length) for axis, length in enumerate(size)]
        return reduce(np.add.outer, lines)


@fault("WINDOW-002")
class WindowBackwards(Plain):
    """The weights of the axes are multiplied from the last axis to the first."""

    def weights(self, size: Sequence[int]) -> Array:
        lines = [self.profile(axis, length) for axis, length in enumerate(size)]
        return reduce(np.multiply.outer, lines[::-1]).T


@fault("WINDOW-003")
class WindowPeriodic(Plain):
    """A profile is the first part of one that is a place longer."""

    def profile(self, axis: int, length: int) -> Array:
        named = isinstance(self.case.window, str)
        return super().profile(axis, length + named)[:length]


@fault("WINDOW-006")
class HalfPixel(Plain):
    """The places of `hann` and `gaussian` are off by half a pixel."""

    def curve(self, window: str, i: Array, length: int) -> Array:
        smooth = window in ("hann", "gaussian")
        return super().curve(window, i - 0.5 if smooth else i, length)


@fault("WINDOW-005")
class TriangleSteps(Plain):
    """`triangle` grows by one."""

    def curve(self, window: str, i: Array, length: int) -> Array:
        return i + 1.0 if window == "triangle" else super().curve(window, i, length)


@fault("WINDOW-006")
class HannZeros(Plain):
    """`hann` is zero at both ends."""

    def curve(self, window: str, i: Array, length: int) -> Array:
        if window != "hann":
            return super().curve(window, i, length)
        return 2**16 * np.sin(np.pi * i / max(1, length - 1)) ** 2


@fault("WINDOW-006")
class HannUnrounded(Plain):
    """`hann` is not rounded to whole numbers."""

    def curve(self, window: str, i: Array, length: int) -> Array:
        if window != "hann":
            return super().curve(window, i, length)
        return 2**16 * np.sin(np.pi * (i + 0.5) / length) ** 2


@fault("WINDOW-008")
class HannFloored(Plain):
    """`hann` is rounded down."""

    def curve(self, window: str, i: Array, length: int) -> Array:
        if window != "hann":
            return super().curve(window, i, length)
        return np.maximum(1, 2**16 * np.sin(np.pi * (i + 0.5) / length) ** 2 // 1)


@fault("WINDOW-007")
class GaussianWide(Plain):
    """The standard deviation of `gaussian` is a sixth of the tile."""

    def curve(self, window: str, i: Array, length: int) -> Array:
        if window != "gaussian":
            return super().curve(window, i, length)
        away = (i + 0.5 - length / 2) / (length / 6)
        return np.maximum(1, np.rint(2**16 * np.exp(-(away**2) / 2)))


@fault("WINDOW-009")
class WindowStretched(Plain):
    """Scaled tiles have the weights of the tile that was cut, stretched."""

    def profile(self, axis: int, length: int) -> Array:
        tile = self.case.tile[axis]
        return super().profile(axis, tile)[np.arange(length) * tile // length]


@fault("WINDOW-012")
class CustomRaw(Plain):
    """The numbers of a custom window are taken as they are."""

    def profile(self, axis: int, length: int) -> Array:
        window = self.case.window
        if isinstance(window, str):
            return super().profile(axis, length)
        return np.array(window[axis], float)


@fault("WINDOW-012")
class CustomMirrored(Plain):
    """The second half of a custom window mirrors the first."""

    def profile(self, axis: int, length: int) -> Array:
        found = super().profile(axis, length)
        if isinstance(self.case.window, str):
            return found
        return np.concatenate([found[: (length + 1) // 2], found[: length // 2][::-1]])


@fault("WINDOW-013")
class CustomStretched(Plain):
    """A custom window is stretched to the length of scaled tiles."""

    def demand_length(self, size: Sequence[int]) -> None:
        pass

    def profile(self, axis: int, length: int) -> Array:
        tile = self.case.tile[axis]
        custom = not isinstance(self.case.window, str)
        found = super().profile(axis, tile if custom else length)
        return found[np.arange(length) * len(found) // length]
