"""Wrong means, wrong extremes and wrong fills."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from reftiler_conformance.cases import Case
from reftiler_conformance.mutants.catalogue import (
    Session,
    Unchecked,
    in_mode,
    mutant,
    narrowed,
    of_dtype,
)
from reftiler_conformance.mutants.tilers import Array
from reftiler_conformance.oracle import merge
from reftiler_conformance.oracle.merge import extreme, mean, merge_rule, to_float64
from reftiler_conformance.oracle.rounding import DTypeInfo
from reftiler_conformance.oracle.settings import Number

Numbers = Sequence[Number]
Weights = Sequence[float]


@mutant("MERGE-001", merge, "mean")
def last_wins(values: Numbers, weight: Weights) -> float:
    """The last tile of a pixel is its value."""
    return to_float64(values[-1])


@mutant("MERGE-001", merge, "mean")
def first_wins(values: Numbers, weight: Weights) -> float:
    """The first tile of a pixel is its value."""
    return to_float64(values[0])


@mutant("MERGE-001", merge, "mean")
def sum_only(values: Numbers, weight: Weights) -> float:
    """The sum is not divided."""
    return mean(values, weight) * sum(weight)


@mutant("MERGE-001", merge, "mean")
def running_mean(values: Numbers, weight: Weights) -> float:
    """Each tile after the first is averaged with the mean before it."""
    found = to_float64(values[0])
    for value in values[1:]:
        found = (found + to_float64(value)) / 2
    return found


@mutant("MERGE-001", merge, "mean")
def count_byte(values: Numbers, weight: Weights) -> float:
    """Tiles are counted in a byte."""
    below = len(values) % 256 if set(weight) == {1.0} else sum(weight)
    above = mean(values, weight) * sum(weight)
    return above / below if below else math.copysign(math.inf, above)


@mutant("MERGE-001", merge, "mean")
def sixteen_at_most(values: Numbers, weight: Weights) -> float:
    """Only the first 16 tiles of a pixel count."""
    return mean(values[:16], weight[:16])


@mutant("MERGE-002", merge, "mean")
def single_sums(values: Numbers, weight: Weights) -> float:
    """The sums are float32."""
    with np.errstate(all="ignore"):
        above = below = np.float32(-0.0)
        for value, w in zip(values, weight, strict=True):
            above += np.float32(w) * np.float32(to_float64(value))
            below += np.float32(w)
        return float(above / below)


@mutant("MERGE-002", merge, "to_float64")
def integers_truncated(value: Number) -> float:
    """64-bit integers become float64 by truncation."""
    found = float(value)
    if isinstance(value, int) and abs(int(found)) > abs(value):
        return math.nextafter(found, 0)
    return found


@mutant("MERGE-002", merge, "mean")
def integer_sums(values: Numbers, weight: Weights) -> float:
    """Integers are summed exactly, not as float64."""
    if set(weight) != {1.0} or not all(isinstance(v, int) for v in values):
        return mean(values, weight)
    return float(Fraction(sum(int(v) for v in values), len(values)))


@mutant("MERGE-002", merge, "mean")
def unsigned_sums(values: Numbers, weight: Weights) -> float:
    """Sums of integers wrap at 64 bits."""
    if set(weight) != {1.0} or not all(isinstance(v, int) for v in values):
        return mean(values, weight)
    total = sum(int(v) for v in values)
    wrapped = total % 2**64 if min(values) >= 0 else total
    return wrapped / len(values)


@mutant("MERGE-003", merge, "mean", also=["MERGE-002"])
def descending(values: Numbers, weight: Weights) -> float:
    """The tiles are added from the last to the first."""
    return mean(values[::-1], weight[::-1])


@mutant("MERGE-003", merge, "mean")
def pairwise(values: Numbers, weight: Weights) -> float:
    """The sum is that of its two halves."""
    half = len(values) // 2
    below = sum(weight)
    parts = [(values[:half], weight[:half]), (values[half:], weight[half:])]
    return (
        math.fsum(mean(v, w) * sum(w) for v, w in parts if v) / below
        if all(math.isfinite(to_float64(v)) and v for v in values)
        else mean(values, weight)
    )


@mutant("MERGE-003", merge, "mean")
def exact_sums(values: Numbers, weight: Weights) -> float:
    """The sum is exact, and rounded once."""
    terms = [w * to_float64(v) for v, w in zip(values, weight, strict=True)]
    if not all(map(math.isfinite, terms)) or not any(terms):
        return mean(values, weight)
    return math.fsum(terms) / sum(weight)


@mutant("MERGE-003", merge, "mean")
def from_zero(values: Numbers, weight: Weights) -> float:
    """The sums start from 0.0."""
    return (
        mean([0.0, *values], [1.0, *weight])
        if all(v == 0 for v in values)
        else mean(values, weight)
    )


@mutant("MERGE-004", merge, "mean")
def fused(values: Numbers, weight: Weights) -> float:
    """The product is fused with the addition."""
    total = -0.0
    for value, w in zip(values, weight, strict=True):
        v = to_float64(value)
        if not math.isfinite(total + v * w) or not (total or v):
            total += v * w
        else:
            total = float(Fraction(total) + Fraction(v) * Fraction(w))
    return total / sum(weight)


@mutant("MERGE-005", merge, "mean", also=("MERGE-003", "MERGE-004"))
def weights_normalised(values: Numbers, weight: Weights) -> float:
    """Each weight is divided by the sum of weights before it is used."""
    if set(weight) == {1.0}:
        return mean(values, weight)
    terms = zip(values, weight, strict=True)
    return sum((w / sum(weight) * to_float64(v) for v, w in terms), -0.0)


@mutant("MERGE-005", merge, "mean")
def epsilon(values: Numbers, weight: Weights) -> float:
    """Something is added to the divisor, lest it be zero."""
    below = sum(weight)
    return mean(values, weight) * below / (below + 1e-8)


@mutant("MERGE-005", merge, "mean")
def reciprocal(values: Numbers, weight: Weights) -> float:
    """The sum is multiplied by one over the divisor."""
    above = -0.0
    for value, w in zip(values, weight, strict=True):
        above += w * to_float64(value)
    return above * (1 / sum(weight))


@mutant("MERGE-006", merge, "mean")
def box_thirds(values: Numbers, weight: Weights) -> float:
    """With the box window the weights are a third."""
    boxed = set(weight) == {1.0}
    return mean(values, [w / 3 for w in weight] if boxed else weight)


@mutant("MERGE-008", merge, "mean")
def nan_to_num(values: Numbers, weight: Weights) -> float:
    """A NaN counts as zero."""
    return mean([0.0 if math.isnan(v) else v for v in values], weight)


@mutant("MERGE-008", merge, "mean")
def nan_mean(values: Numbers, weight: Weights) -> float:
    """A NaN is left out of the mean."""
    pairs = [p for p in zip(values, weight, strict=True) if not math.isnan(p[0])]
    return mean(*zip(*pairs, strict=True)) if pairs else math.nan


@mutant("MERGE-008", merge, "mean")
def infinities_cancel(values: Numbers, weight: Weights) -> float:
    """+∞ and −∞ have the mean zero."""
    found = mean(values, weight)
    given = any(map(math.isnan, values))
    return 0.0 if math.isnan(found) and not given else found


@mutant("MERGE-009", merge, "mean")
def zeros_empty(values: Numbers, weight: Weights) -> float:
    """A zero is left out of the mean."""
    pairs = [p for p in zip(values, weight, strict=True) if p[0] != 0]
    return mean(*zip(*pairs, strict=True)) if pairs else mean(values, weight)


@mutant("MERGE-007", Session, "merge")
def lone_divided(self: Session, tiles: Array) -> Array:
    """The value of a single tile is weighed and divided."""
    found, case = Session.merge(self, tiles), self.case
    if case.window == "box" or case.merge in ("max", "min") or case.fill:
        return found
    if found.dtype.kind != "f":
        return found
    with np.errstate(all="ignore"):
        weight = found.dtype.type(1 / 3)
        return (found * weight / weight).astype(found.dtype)


@mutant("MERGE-007", Session, "merge")
def lone_through_float(self: Session, tiles: Array) -> Array:
    """A 64-bit integer of a single tile becomes a float64 first."""
    found = Session.merge(self, tiles)
    if found.dtype.kind not in "iu" or found.dtype.itemsize < 8:
        return found
    most = float(np.nextafter(float(np.iinfo(found.dtype).max), 0))
    return np.minimum(found.astype(np.float64), most).astype(found.dtype)


@mutant("MERGE-010", merge, "merge_rule")
def bool_all(rule: str | None, kind: DTypeInfo) -> str:
    """Bool tiles merge by "all tiles say so"."""
    unsaid = rule is None and kind.name == "bool"
    return "min" if unsaid else merge_rule(rule, kind)


@mutant("MERGE-010", Session, "merge")
def bool_mean(self: Session, tiles: Array) -> Array:
    """Bool tiles merge by majority."""
    if self.case.merge is not None or tiles.dtype.kind != "b" or self.case.result:
        return Session.merge(self, tiles)
    return majority(self.case, tiles)


def majority(case: Case, tiles: Array) -> Array:
    """Return where more than half of the tiles are true."""
    wide = replace(case, dtype="float64", merge="mean", result=None)
    return Session(wide, {}).merge(tiles.astype(np.float64)) > 0.5


@mutant("MERGE-011", Unchecked, "merge")
def bool_mean_taken(self: Session, tiles: Array) -> Array:
    """The mean of bool tiles is that of zeros and ones."""
    if tiles.dtype.kind != "b" or self.case.merge != "mean":
        return Session.merge(self, tiles)
    return majority(self.case, tiles)


@mutant("MERGE-012", merge, "merge_rule")
def merge_ignored(rule: str | None, kind: DTypeInfo) -> str:
    """Numbers merge by their mean, whatever `merge` says."""
    return merge_rule(rule if kind.name == "bool" else None, kind)


@mutant("MERGE-012", merge, "extreme")
def max_skips_nan(values: Numbers, rule: str) -> int:
    """`max` and `min` leave NaN out."""
    there = [i for i, v in enumerate(values) if not math.isnan(v)]
    return there[extreme([values[i] for i in there], rule)] if there else 0


@mutant("MERGE-012", merge, "extreme")
def max_keeps_first_nan(values: Numbers, rule: str) -> int:
    """`max` and `min` see a NaN only in the first tile."""
    if math.isnan(values[0]):
        return 0
    return max_skips_nan(values, rule)


@mutant("MERGE-012", merge, "sort_key")
def max_mixes_zeros(value: Number) -> tuple[Number, float]:
    """`max` and `min` take −0.0 and 0.0 for equal."""
    return value, 0.0


@mutant("MERGE-012", Session, "merge")
def max_from_zero(self: Session, tiles: Array) -> Array:
    """`max` and `min` start from zero."""
    found, rule = Session.merge(self, tiles), self.case.merge
    if rule not in ("max", "min") or found.dtype.kind not in "iuf":
        return found
    zero = np.zeros((), found.dtype)
    return np.maximum(found, zero) if rule == "max" else np.minimum(found, zero)


@mutant("MERGE-012", merge, "extreme")
def max_and_min_swapped(values: Numbers, rule: str) -> int:
    """`max` is the minimum, and `min` the maximum."""
    return extreme(values, "min" if rule == "max" else "max")


@mutant("MERGE-013", merge, "extreme")
def max_by_floats(values: Numbers, rule: str) -> int:
    """`max` and `min` compare as float64."""
    return extreme([float(v) for v in values], rule)


@mutant("MERGE-013", merge, "extreme")
def max_by_float32(values: Numbers, rule: str) -> int:
    """`max` and `min` of integers compare as float32."""
    small = isinstance(values[0], float)
    return extreme(values if small else [float(np.float32(v)) for v in values], rule)


@mutant("MERGE-013", merge, "extreme")
def max_signed(values: Numbers, rule: str) -> int:
    """Unsigned integers of 64 bits are compared as signed ones."""
    return extreme([v - 2**64 if v >= 2**63 else v for v in values], rule)


@mutant("MERGE-014", Unchecked, "read")
def window_of_extremes(self: Session, case: Case) -> Case:
    """A window has no effect on `max` and `min`."""
    return replace(case, window="box") if case.merge in ("max", "min") else case


@mutant("MERGE-015", Unchecked, "read")
def bool_window_taken(self: Session, case: Case) -> Case:
    """A window of bool tiles has no effect."""
    return replace(case, window="box") if case.dtype == "bool" else case


@mutant("MERGE-018", Session, "read")
def fill_ignored(self: Session, case: Case) -> Case:
    """Pixels of no tile are zero, whatever `fill` says."""
    return case if case.fill is None else replace(case, fill=0)


@mutant("MERGE-018", Session, "read")
def fill_float32(self: Session, case: Case) -> Case:
    """The fill of float64 results is rounded to float32."""
    wide = case.result_dtype == np.float64 and case.fill is not None
    with np.errstate(all="ignore"):
        return replace(case, fill=float(np.float32(case.fill))) if wide else case


narrowed(fill_ignored, "in drop", in_mode("drop"))
narrowed(fill_ignored, "of scattered tiles", lambda case: case.starts is not None)


@mutant("MERGE-016", Unchecked, "read")
def silent_zero(self: Session, case: Case) -> Case:
    """Pixels of no tile are zero if there is no fill."""
    return replace(case, fill=0) if case.fill is None else case


@mutant("MERGE-017", Session, "refuse")
def silent_count(
    self: Session, verb: str, array: Array, out: Array | None = None
) -> None:
    """The error about pixels of no tile does not say how many."""
    try:
        Session.refuse(self, verb, array, out)
    except ValueError as error:
        raise ValueError("the call is refused") from error


@mutant("MERGE-019", Unchecked, "merge")
def fill_unchecked(self: Session, tiles: Array) -> Array:
    """A fill that does not fit is zero."""
    try:
        return Session.merge(self, tiles)
    except ValueError:
        return Session(replace(self.case, fill=0), {}).merge(tiles)


@mutant("MERGE-009", Session, "merge")
def fill_spreads(self: Session, tiles: Array) -> Array:
    """Zeros of the result are filled."""
    found = Session.merge(self, tiles)
    if self.case.fill is None:
        return found
    with np.errstate(all="ignore"):
        fill = np.array(self.case.fill).astype(found.dtype)
    return np.where(found == 0, fill, found)


@mutant("MERGE-022", Session, "merge", also=["LAYOUT-011"])
def channels_merged(self: Session, tiles: Array) -> Array:
    """The channels of a result come in the other order."""
    if tiles.ndim == self.case.rank + 1:
        return Session.merge(self, tiles)
    return Session.merge(self, np.flip(tiles, -1 if self.case.channels_last else 1))


@mutant("MERGE-022", Session, "merge")
def nan_spreads(self: Session, tiles: Array) -> Array:
    """A NaN in one image is one in all images."""
    found = Session.merge(self, tiles)
    if found.dtype.kind == "f" and self.case.batch:
        found[:, np.isnan(found).any(axis=0)] = np.nan
    return found


@mutant("LAYOUT-007", Session, "merge")
def tile_major_merged(self: Session, tiles: Array) -> Array:
    """The tiles of a batch are taken tile by tile."""
    batch = self.case.batch or 1
    order = np.arange(len(tiles)).reshape(-1, batch).T.ravel()
    return Session.merge(self, tiles[order])


@mutant("MERGE-022", Session, "merge")
def first_merged(self: Session, tiles: Array) -> Array:
    """All images of a batch are the first."""
    found = Session.merge(self, tiles)
    return np.repeat(found[:1], len(found), axis=0) if self.case.batch else found


def weighed(case: Case) -> bool:
    """Say whether tiles are weighed."""
    return case.window != "box"


WHERE = {
    "in interpolation": in_mode("interpolation"),
    "in clamp": in_mode("clamp"),
    "in even": in_mode("even"),
    "in drop": in_mode("drop"),
    "of scattered tiles": lambda case: case.starts is not None,
    "of volumes": lambda case: case.rank == 3,
    "of batches": lambda case: (case.batch or 1) > 1,
    "of channels last": lambda case: case.channels_last and (case.channels or 1) > 1,
    "with a window": weighed,
    "beside a border": lambda case: bool(case.border),
}
for where, when in WHERE.items():
    narrowed(last_wins, where, when)
for where in ("in interpolation", "in clamp", "of scattered tiles"):
    narrowed(epsilon, where, WHERE[where])
for kind in ("uint64", "int64", "float16", "uint8"):
    narrowed(last_wins, f"of {kind}", of_dtype(kind))
