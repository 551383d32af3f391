"""Wrong dtypes, wrong roundings and wrong scales."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np

from reftiler_conformance.cases import Case
from reftiler_conformance.mutants.catalogue import mutant, mutants_of
from reftiler_conformance.mutants.narrowings import has_fill, is_scaled
from reftiler_conformance.mutants.steps import of_kinds, refusing
from reftiler_conformance.mutants.tilers import (
    Array,
    PatchedOracle,
    Session,
    Unchecked,
    reference,
)
from reftiler_conformance.oracle import merge, rounding
from reftiler_conformance.oracle.axis import shrunk
from reftiler_conformance.oracle.merge import ScaledGrid, convert, round_mean
from reftiler_conformance.oracle.rounding import (
    DTypeInfo,
    round_magnitude,
    round_to_float,
    saturated,
)
from reftiler_conformance.oracle.settings import Number


def by_float32(value: float) -> float:
    """Return a number rounded to float32."""
    with np.errstate(all="ignore"):
        return float(np.float32(value))


def truncated(value: Number, goal: DTypeInfo) -> int:
    """Return the bits of a number that loses its fraction, if it becomes an integer."""
    cut = goal.name != "float" and math.isfinite(value)
    return goal.round(float(math.trunc(value) if cut else value))


mutants_of(merge, "round_mean")(
    "twice_rounded, ROUND-002: Means are rounded to float32 first.",
    lambda value, goal: round_mean(by_float32(value), goal),
    "means_truncated, ROUND-003: Means lose their fraction.",
    truncated,
)
mutants_of(merge, "convert")(
    "twice_converted, ROUND-002: A lone value is rounded to float32 first.",
    lambda value, goal: convert(by_float32(float(value)), goal),
    "convert_truncates, ROUND-006/ROUND-004: The value of a single tile is truncated.",
    truncated,
    "convert_exactly, ROUND-006: Integers of 64 bits do not become float64 between.",
    lambda value, goal: goal.round(value),
    "true_is_255, ROUND-007: True becomes 255.",
    lambda value, goal: convert(255 if value is True else value, goal),
)
mutants_of(rounding, "nearest_whole")(
    "half_away, ROUND-003: Halves are rounded away from zero.",
    lambda value: int(math.copysign(math.floor(abs(value) + 0.5), value)),
)
mutants_of(rounding, "saturated")(
    "wraps, ROUND-004: Integers wrap around.",
    lambda x, *ends: saturated(x, -(2**70), 2**70) if math.isfinite(x) else 0,
    "infinity_zero, ROUND-004: An infinity becomes the integer 0.",
    lambda x, *ends: 0 if math.isinf(x) else saturated(x, *ends),
)
mutants_of(Session, "give_result")(
    "result_float, TYPE-006: The result is float32.",
    of_kinds("iuf", lambda a: a.astype(np.float32)),
    "result_native, TYPE-006: The result has the machine's byte order.",
    lambda self, result: result.astype(result.dtype.newbyteorder("=")),
)
mutants_of(Session, "read_case")(
    "result_ignored, TYPE-006: The result has the dtype of the tiles.",
    lambda self, case: replace(case, result=None, fill=0 if has_fill(case) else None),
)
mutants_of(Unchecked, "read_tiles")(
    "nan_zero, ROUND-005: A NaN becomes the integer 0.",
    of_kinds("f", lambda a: np.where(np.isnan(a), a.dtype.type(0), a)),
    "complex_taken, TYPE-005: The real parts of complex tiles are merged.",
    of_kinds("c", lambda a: a.real),
)
mutants_of(Session, "read_tiles")(
    "order_misread, TYPE-008: Tiles are read in the machine's byte order.",
    lambda self, tiles: tiles.view(tiles.dtype.newbyteorder("=")),
    "wide_refused, TYPE-004: Tiles of 64-bit integers are refused.",
    refusing(lambda self, tiles: tiles.dtype.str[1:] in ("i8", "u8")),
)
mutants_of(ScaledGrid, "size")(
    "padding_stays, MERGE-020: The padding stays in the result.",
    lambda merging: tuple(
        merging.whole(a, n) for a, n in enumerate(merging.grid.frame)
    ),
)
mutants_of(ScaledGrid, "whole")(
    "scale_by_tenths, SCALE-001: The scale is rounded to tenths.",
    lambda merging, axis, n: round(n * round(merging.scale[axis], 1)),
)
mutants_of(ScaledGrid, "border")(
    "scaled_border_kept, SCALE-007: The border of scaled tiles is not scaled.",
    lambda merging: merging.grid.settings.borders,
)
mutants_of(ScaledGrid, "before")(
    "scaled_lead_kept, SCALE-007: The leading padding of scaled tiles is not scaled.",
    lambda merging, axis: merging.grid.before[axis],
    "cut_at_zero, MERGE-020: The result begins where the frame begins.",
    lambda merging, axis: 0,
)
mutants_of(ScaledGrid, "reads")(
    "stretch_kept, SCALE-009: A frame of `interpolation` is cut, not resampled.",
    lambda merging, axis: [i + merging.before(axis) for i in range(merging.size[axis])],
)
mutants_of(merge, "scaled_size")(
    "size_floored, SCALE-008: The scaled result is rounded down.",
    lambda length, scale: max(1, math.floor(length * scale)),
    "size_by_float, SCALE-008: The length of the result is rounded by floats.",
    lambda length, scale: max(1, round(length * float(scale))),
)


@mutant(rounding, "round_to_float")
def float_saturates(value: Number, exponent: int, mantissa: int) -> int:
    """ROUND-001: What is too large for a float dtype becomes its largest number."""
    found, infinity = round_to_float(value, exponent, mantissa), 2**exponent - 1
    full = math.isfinite(value) and found >> mantissa & infinity == infinity
    return found - 1 if full else found


@mutant(rounding, "round_magnitude")
def result_flushed(value: Fraction, bias: int, mantissa: int) -> int:
    """ROUND-001: Subnormal numbers become zero."""
    found = round_magnitude(value, bias, mantissa)
    return found if found >= 1 << mantissa else 0


@mutant(rounding, "saturated")
def end_of_float64(value: float, low: int, high: int) -> int:
    """ROUND-004: What lies beyond 64 bits becomes the last float64 before the end."""
    found = saturated(value, low, high)
    return found if abs(found) < 2**62 else int(math.nextafter(float(found), 0))


@mutant(Unchecked, "merge")
def bool_result_taken(self: Session, tiles: Array) -> Array:
    """TYPE-007: Numbers that are not zero become True."""
    if self.case.result != "bool":
        return Session.merge(self, tiles)
    return np.asarray(reference(replace(self.case, result=None)).untile(tiles) != 0)


@mutant(Unchecked, "merge")
def scale_floored(self: Session, tiles: Array) -> Array:
    """SCALE-004: Scaled lengths that are not whole are rounded down."""

    def whole(merging: ScaledGrid, axis: int, length: int) -> int:
        return math.floor(length * merging.scale[axis])

    return PatchedOracle(self.case, [(ScaledGrid, "whole", whole)]).untile(tiles)


@mutant(Unchecked, "merge")
def frame_floored(self: Session, tiles: Array) -> Array:
    """SCALE-004: The scaled length that an image is resampled to is rounded down."""

    def reads(merging: ScaledGrid, axis: int) -> list[int]:
        frame = merging.grid.frame[axis] * merging.scale[axis]
        length = merging.size[axis]
        return [shrunk(i, length, math.floor(frame)) for i in range(length)]

    is_resampled = self.case.grid.resampled
    steps = [(ScaledGrid, "reads", reads)] if is_resampled else []
    return PatchedOracle(self.case, steps).untile(tiles)


@mutant(Session, "read_case")
def scaled_rims(self: Session, case: Case) -> Case:
    """SCALE-010: Which sides keep their border is decided anew for scaled tiles."""
    if not (is_scaled(case) and case.border and case.mode in ("clamp", "drop", "even")):
        return case
    if case.starts or case.random:
        return case
    return replace(case, starts=tuple(case.grid.starts), fill=0)
