"""Wrong padding, and wrong resampling."""

# ruff: noqa: D102 - what is wrong is said once, by the class
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reftiler_conformance.cases import Case
from reftiler_conformance.faults.catalogue import fault
from reftiler_conformance.faults.grid import Array
from reftiler_conformance.faults.plain import Plain


@fault("GRID-002")
class LostColumn(Plain):
    """What does not fit is dropped, not padded."""

    def read(self, case: Case) -> Case:
        fits = all(n >= t for n, t in zip(case.size, case.tile, strict=True))
        padded = case.mode == "padding" and fits
        return replace(case, mode="drop") if padded else case


@fault("PAD-001")
class PadsBefore(Plain):
    """All padding comes before the image."""

    def lead(self, padding: int) -> int:
        return super().lead(padding) if self.case.pad_side == "both" else padding


@fault("PAD-002")
class LargerHalfFirst(Plain):
    """The larger half of the padding comes first."""

    def lead(self, padding: int) -> int:
        return padding - padding // 2 if self.case.pad_side == "both" else 0


@fault("PAD-002")
class SideIgnored(Plain):
    """All padding comes after the image, whatever `pad_side` says."""

    def lead(self, padding: int) -> int:
        return 0


@fault("PAD-003")
class TileWise(Plain):
    """Every tile is padded from its own pixels."""

    def piece(self, frame: Array, start: Array) -> Array:
        found = super().piece(frame, start)
        if not self.fitted or self.case.mode != "padding":
            return found
        low = np.maximum(np.array(self.before) - start, 0)
        ends = np.array(self.before) + self.case.size - start
        high = np.maximum(np.array(self.case.tile) - ends, 0)
        for axis, (a, b) in enumerate(zip(low, high, strict=True), 2):
            length = found.shape[axis] - a - b
            inner = self.extended(np.arange(found.shape[axis]) - a, length)
            if self.case.pad_mode != "constant":
                found = found.take(a + inner, axis)
        return found


@fault("PAD-009")
class PaddingShort(Plain):
    """A reflection is no longer than the image; then comes its edge."""

    def reflected(self, x: Array, length: int) -> Array:
        return super().reflected(np.clip(x, 1 - length, 2 * length - 2), length)


@fault("PAD-009")
class ReflectRepeats(Plain):
    """`reflect` repeats the edge."""

    def reflected(self, x: Array, length: int) -> Array:
        return super().symmetric(x, length)


@fault("PAD-008")
class SymmetricSkips(Plain):
    """`symmetric` does not repeat the edge."""

    def symmetric(self, x: Array, length: int) -> Array:
        return super().reflected(x, length)


@fault("PAD-007")
class WrapOff(Plain):
    """`wrap` skips a pixel."""

    def wrapped(self, x: Array, length: int) -> Array:
        return super().wrapped(np.where(x >= length, x + 1, x), length)


@fault("PAD-007")
class WrapTurns(Plain):
    """`wrap` takes the remainder of negative numbers as C does, without the sign."""

    def wrapped(self, x: Array, length: int) -> Array:
        return np.abs(np.fmod(x, length))


@fault("PAD-006")
class EdgeWraps(Plain):
    """`edge` begins anew."""

    def extended(self, x: Array, length: int) -> Array:
        if self.case.pad_mode == "edge":
            return self.wrapped(x, length)
        return super().extended(x, length)


@fault("PAD-009")
class PadModeIgnored(Plain):
    """Padding is constant, whatever `pad_mode` says."""

    def read(self, case: Case) -> Case:
        return replace(case, pad_mode="constant", pad_value=0)


@fault("PAD-004")
class PadValueIgnored(Plain):
    """Padding is zero, whatever `pad_value` says."""

    def constant(self, image: Array) -> Array:
        return np.zeros((), image.dtype)


@fault("PAD-004")
class PadValueNine(Plain):
    """Padding is nine."""

    def constant(self, image: Array) -> Array:
        nine = image.dtype.kind in "biuf"
        return np.array(9).astype(image.dtype) if nine else super().constant(image)


@fault("PAD-004")
class CornersZero(Plain):
    """Pixels outside on two axes are zero, not `pad_value`."""

    def framed(self, image: Array) -> Array:
        frame = super().framed(image)
        outside = [self.source(axis) < 0 for axis in range(self.case.rank)]
        if len(outside) > 1:
            corner = np.logical_and.outer(outside[-2], outside[-1])
            frame[..., corner] = np.zeros((), image.dtype)
        return frame


@fault("PAD-010")
class PadValueUnchecked(Plain):
    """A pad value that does not fit the dtype is wrapped."""

    def demand_value(self, image: Array) -> None:
        pass

    def constant(self, image: Array) -> Array:
        with np.errstate(all="ignore"):
            value = np.array(float(self.case.pad_value))
            return np.nan_to_num(value).astype(np.int64).astype(image.dtype)


@fault("INTERP-001")
class StretchCentred(Plain):
    """A frame pixel reads the image pixel nearest to its middle."""

    def resampled(self, pixels: Array, length: int, frame: int) -> Array:
        return (2 * pixels + 1) * length // (2 * frame)


@fault("INTERP-003")
class StretchFloats(Plain):
    """The frame is resampled in floating point."""

    def resampled(self, pixels: Array, length: int, frame: int) -> Array:
        return (pixels * (length / frame)).astype(np.int64)


@fault("INTERP-002")
class ShrinkFloored(Plain):
    """An image pixel reads the frame pixel before it."""

    def restored(self, pixels: Array, frame: int, length: int) -> Array:
        return pixels * frame // length


@fault("INTERP-003")
class ShrinkFloats(Plain):
    """The result is resampled in floating point."""

    def restored(self, pixels: Array, frame: int, length: int) -> Array:
        return np.ceil(pixels * (frame / length)).astype(np.int64).clip(0, frame - 1)
