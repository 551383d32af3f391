"""Wrong dtypes, and wrong roundings to them."""

# ruff: noqa: D102 - what is wrong is said once, by the class
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from typing import Any

import numpy as np

from reftiler_conformance.faults import demands
from reftiler_conformance.faults.catalogue import fault
from reftiler_conformance.faults.grid import Array
from reftiler_conformance.faults.plain import Plain


@fault("ROUND-001")
class FloatSaturates(Plain):
    """What is too large for a float dtype becomes its largest number."""

    def narrowed(self, values: Array, target: np.dtype[Any]) -> Array:
        most = np.finfo(target).max.astype(np.float64)
        finite = np.where(np.isfinite(values), np.clip(values, -most, most), values)
        return super().narrowed(finite, target)


@fault("ROUND-001")
class Flushed(Plain):
    """Subnormal numbers become zero."""

    def narrowed(self, values: Array, target: np.dtype[Any]) -> Array:
        found = super().narrowed(values, target)
        small = np.abs(found) < np.finfo(target).smallest_normal
        return np.where(small, found * 0, found)


@fault("ROUND-001")
class FloatTruncated(Plain):
    """Floats are rounded towards zero."""

    def narrowed(self, values: Array, target: np.dtype[Any]) -> Array:
        found = super().narrowed(values, target)
        over = np.abs(found.astype(np.float64)) > np.abs(values)
        return np.where(over, np.nextafter(found, np.zeros((), target)), found)


@fault("ROUND-002")
class TwiceRounded(Plain):
    """Results are rounded to float32 first."""

    def narrowed(self, values: Array, target: np.dtype[Any]) -> Array:
        if target.itemsize > 2:
            return super().narrowed(values, target)
        return values.astype(np.float32).astype(target)


@fault("ROUND-003")
class HalfUp(Plain):
    """Halves are rounded up."""

    def whole(self, values: Array) -> Array:
        return np.floor(values + 0.5)


@fault("ROUND-003")
class Truncated(Plain):
    """Fractions are cut off."""

    def whole(self, values: Array) -> Array:
        return np.trunc(values)


@fault("ROUND-004")
class Wraps(Plain):
    """Integers wrap around."""

    def saturated(self, values: Array, target: np.dtype[Any]) -> Array:
        bits = 8 * target.itemsize
        finite = np.where(np.isfinite(values), values, 0.0)
        wrapped = np.array([int(n) % (1 << bits) for n in finite.flat], np.uint64)
        unsigned = wrapped.astype(f"u{target.itemsize}").reshape(values.shape)
        return unsigned.view(f"{target.kind}{target.itemsize}").astype(target)


@fault("ROUND-004")
class InfinityZero(Plain):
    """An infinity becomes the integer 0."""

    def saturated(self, values: Array, target: np.dtype[Any]) -> Array:
        return super().saturated(np.where(np.isinf(values), 0.0, values), target)


@fault("ROUND-005")
class NanZero(Plain):
    """A NaN becomes the integer 0."""

    def demand_numbers(self, values: Array, target: np.dtype[Any]) -> None:
        values[np.isnan(values)] = 0


@fault("ROUND-006")
class ConvertTruncates(Plain):
    """The value of a single tile becomes an integer by truncation."""

    def converted(self, values: Array, target: np.dtype[Any]) -> Array:
        if values.dtype.kind == "f" and target.kind in "iu":
            values = np.trunc(values)
        return super().converted(values, target)


@fault("ROUND-007")
class TrueIs255(Plain):
    """True becomes 255."""

    def converted(self, values: Array, target: np.dtype[Any]) -> Array:
        if values.dtype.kind == "b" and target.kind != "b":
            return self.rounded(values * 255.0, target)
        return super().converted(values, target)


@fault("TYPE-006")
class ResultFloat(Plain):
    """The result is float32 unless `dtype=` says otherwise."""

    def target(self, tiles: Array) -> np.dtype[Any]:
        number = self.case.result is None and tiles.dtype.kind != "b"
        return np.dtype(np.float32) if number else super().target(tiles)


@fault("TYPE-006")
class ResultSingle(Plain):
    """A float64 result is float32."""

    def target(self, tiles: Array) -> np.dtype[Any]:
        found = super().target(tiles)
        return np.dtype(np.float32) if found == np.float64 else found


@fault("TYPE-006")
class ResultIgnored(Plain):
    """The result has the dtype of the tiles, whatever `dtype=` says."""

    def target(self, tiles: Array) -> np.dtype[Any]:
        return tiles.dtype


@fault("TYPE-006")
class ResultNative(Plain):
    """The result has the machine's byte order."""

    def target(self, tiles: Array) -> np.dtype[Any]:
        return super().target(tiles).newbyteorder("=")


@fault("TYPE-008")
class OrderMisread(Plain):
    """Tiles are read in the machine's byte order, whatever theirs is."""

    def stacked(self, tiles: Array) -> Array:
        return super().stacked(tiles).view(tiles.dtype.newbyteorder("="))


@fault("TYPE-007")
class BoolResultTaken(Plain):
    """Numbers that are not zero become True."""

    def demand_tiles(self, tiles: Array, target: np.dtype[Any]) -> None:
        super().demand_tiles(tiles, tiles.dtype)

    def rounded(self, values: Array, target: np.dtype[Any]) -> Array:
        return values != 0 if target.kind == "b" else super().rounded(values, target)


@fault("TYPE-005")
class ComplexTaken(Plain):
    """The real parts of complex tiles are merged."""

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        return super().untile(tiles.real if tiles.dtype.kind == "c" else tiles, out)


@fault("TYPE-004")
class WideRefused(Plain):
    """Tiles of 64-bit integers are refused."""

    def demand_tiles(self, tiles: Array, target: np.dtype[Any]) -> None:
        super().demand_tiles(tiles, target)
        wide = tiles.dtype.kind in "iu" and tiles.dtype.itemsize == 8
        demands.need(not wide, f"{tiles.dtype} is refused")


@fault("TYPE-001")
class RecordsRefused(Plain):
    """Images that are no numbers are refused."""

    def demand_image(self, image: Array) -> None:
        super().demand_image(image)
        demands.need(image.dtype.kind in "biufc", f"{image.dtype} is refused")
