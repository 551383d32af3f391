"""Wrong means, wrong extremes and wrong fills."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import reduce

import numpy as np

from reftiler_conformance.mutants.catalogue import mutant, mutants_of
from reftiler_conformance.mutants.narrowings import has_fill
from reftiler_conformance.mutants.steps import (
    anyway,
    channel_axes,
    of_kinds,
    refusing,
    taken_for,
)
from reftiler_conformance.mutants.tilers import Array, Session, Unchecked, reference
from reftiler_conformance.oracle import merge
from reftiler_conformance.oracle.merge import (
    chosen_place,
    extreme,
    mean,
    merge_rule,
    numbers,
    to_float64,
    vote,
)
from reftiler_conformance.oracle.settings import Number

Numbers = Sequence[Number]
Weights = Sequence[float]


def total(values: Numbers, weights: Weights) -> float:
    """Return the sum that the oracle divides."""
    above = -0.0
    for value, weight in zip(values, weights, strict=True):
        above += weight * to_float64(value)
    return above


def are_integers(values: Numbers, weights: Weights) -> bool:
    """Say whether values are integers that are not weighed."""
    return set(weights) == {1.0} and all(isinstance(v, int) for v in values)


_PLACED = ("first", "last", "center")


def _spoils(self: Session, tiles: Array) -> bool:
    """Say whether tiles hold NaN, and the result is to be of integers."""
    whole = self.case.result_dtype.kind in "iu" and tiles.dtype.kind == "f"
    return whole and bool(np.isnan(tiles).any())


# Of the values of a pixel's tiles, v, and their weights, w.
mutants_of(merge, "mean")(
    "last_wins, MERGE-001: The last tile of a pixel is its value.",
    lambda v, w: to_float64(v[-1]),
    "sum_only, MERGE-001: The sum is not divided.",
    total,
    "running_mean, MERGE-001: Each tile is averaged with the mean before it.",
    lambda v, w: reduce(lambda a, b: (a + b) / 2, map(to_float64, v)),
    "count_byte, MERGE-001: Tiles are counted in a byte: 256 of them double the mean.",
    lambda v, w: mean(v, w) * (1 + len(v) // 256),
    "sixteen_at_most, MERGE-001: Only the first 16 tiles of a pixel count.",
    lambda v, w: mean(v[:16], w[:16]),
    "integer_sums, MERGE-002: Integers are summed exactly, not as float64.",
    lambda v, w: sum(v) / len(v) if are_integers(v, w) else mean(v, w),
    "unsigned_sums, MERGE-002: Sums of integers are unsigned, and wrap at 64 bits.",
    lambda v, w: sum(v) % 2**64 / len(v) if are_integers(v, w) else mean(v, w),
    "descending, MERGE-003/MERGE-002: The tiles are added in reverse.",
    lambda v, w: mean(v[::-1], w[::-1]),
    "two_sums, MERGE-003: Every other tile is added to a sum of its own.",
    lambda v, w: (total(v[::2], w[::2]) + total(v[1::2], w[1::2])) / sum(w),
    "from_zero, MERGE-003: The sums start from 0.0, so that no mean is −0.0.",
    lambda v, w: mean(v, w) + 0.0,
    "weights_normalised, MERGE-005/MERGE-003/MERGE-004: Weights are divided first.",
    lambda v, w: total(v, [weight / sum(w) for weight in w]),
    "epsilon, MERGE-005: Something is added to the divisor, lest it be zero.",
    lambda v, w: mean(v, w) * sum(w) / (sum(w) + 1e-8),
    "thirds, MERGE-006: All weights are a third of what they are.",
    lambda v, w: mean(v, [weight / 3 for weight in w]),
    "nan_to_num, MERGE-008: A NaN counts as zero.",
    lambda v, w: mean([0.0 if math.isnan(value) else value for value in v], w),
    "infinities_cancel, MERGE-008: +∞ and −∞ have the mean zero.",
    lambda v, w: 0.0 if {math.inf, -math.inf} <= {*v} else mean(v, w),
)
mutants_of(Session, "give_result")(
    "lone_divided, MERGE-007: The value of a single tile is weighed and divided.",
    of_kinds("f", lambda a: a * a.dtype.type(1 / 3) / a.dtype.type(1 / 3)),
    "lone_through_float, MERGE-007: A 64-bit integer becomes a float64 first.",
    of_kinds("iu", lambda a: a.astype(np.float64).astype(a.dtype)),
)
mutants_of(merge, "merge_rule")(
    'bool_all, MERGE-010: Bool tiles merge by "all tiles say so".',
    lambda rule, kind: rule or ("min" if kind.name == "bool" else "mean"),
    "merge_ignored, MERGE-012: Numbers merge by their mean, whatever `merge` says.",
    lambda rule, kind: merge_rule(rule if kind.name == "bool" else None, kind),
)
mutants_of(merge, "extreme")(
    "max_by_floats, MERGE-013: `max` and `min` compare as float64.",
    lambda v, rule: extreme([float(value) for value in v], rule),
    "max_signed, MERGE-013: Unsigned integers of 64 bits are compared as signed ones.",
    lambda v, rule: extreme([x - 2**64 if x >= 2**63 else x for x in v], rule),
)
# Of the bytes of a pixel's tiles, their dtype and the setting.
mutants_of(merge, "numbers")(
    "nan_kept, MERGE-032: `nan` has no effect.",
    lambda raws, dtype, nan: numbers(raws, dtype, "propagate"),
    "nan_spoils_all, MERGE-032: A pixel with a NaN is that of its first number alone.",
    lambda raws, dtype, nan: (
        numbers(raws, dtype, nan)[:1]
        if len(numbers(raws, dtype, nan)) < len(raws)
        else numbers(raws, dtype, nan)
    ),
    "nan_always_out, MERGE-008: NaN is left out of every mean.",
    lambda raws, dtype, nan: numbers(raws, dtype, "omit"),
)
mutants_of(Unchecked, "read_case")(
    "nan_of_extremes, MERGE-034: `nan` has no effect on other merges.",
    taken_for(lambda case: case.merge not in (None, "mean"), nan="propagate"),
)
mutants_of(Session, "give_result")(
    "nan_filled, MERGE-033: A pixel of NaN alone is zero.",
    lambda self, result: (
        np.nan_to_num(result, nan=0.0, posinf=np.inf, neginf=-np.inf)
        if result.dtype.kind == "f" and self.case.nan == "omit"
        else result
    ),
)
mutants_of(Session, "read_tiles")(
    "untaken_refused, MERGE-026: NaN is refused also where another tile is taken.",
    refusing(lambda self, tiles: self.case.merge in _PLACED and _spoils(self, tiles)),
    "omitted_refused, MERGE-032: NaN that is left out is refused for integers.",
    refusing(lambda self, tiles: self.case.nan == "omit" and _spoils(self, tiles)),
)
# Of how many tiles a pixel has, how far their centres are, and the merge.
mutants_of(merge, "chosen_place")(
    "first_is_last, MERGE-024: `first` takes the tile of highest index.",
    lambda n, far, rule: n - 1 if rule == "first" else chosen_place(n, far, rule),
    "last_is_first, MERGE-024: `last` takes the tile of lowest index.",
    lambda n, far, rule: 0 if rule == "last" else chosen_place(n, far, rule),
    "second_is_last, MERGE-024: `last` takes the second tile of a pixel.",
    lambda n, far, rule: 1 if rule == "last" else chosen_place(n, far, rule),
    "center_ties_late, MERGE-025: Of equally near tiles the last one counts.",
    lambda n, far, rule: (
        n - 1 - far[::-1].index(min(far))
        if rule == "center"
        else chosen_place(n, far, rule)
    ),
    "center_is_rim, MERGE-025: The tile whose centre is farthest counts.",
    lambda n, far, rule: chosen_place(n, [-d for d in far], rule),
)
mutants_of(merge, "center_distance")(
    "center_by_axis, MERGE-025: The distance is that on the farthest axis.",
    lambda x, tile: max((2 * a + 1 - t) ** 2 for a, t in zip(x, tile, strict=True)),
    "center_of_corner, MERGE-025: Places are not counted from the pixels' middle.",
    lambda x, tile: sum((2 * a - t) ** 2 for a, t in zip(x, tile, strict=True)),
    "center_in_tiles, MERGE-025: The distance is a share of the tile's sides.",
    lambda x, tile: sum(
        Fraction(2 * a + 1 - t, t) ** 2 for a, t in zip(x, tile, strict=True)
    ),
)
mutants_of(merge, "winner")(
    "vote_ties_high, MERGE-028: Of several labels the highest wins.",
    lambda sums: max(sums, key=lambda label: (sums[label], label)),
    "vote_ties_first, MERGE-028: Of several labels that of the first tile wins.",
    lambda sums: max(sums, key=lambda label: sums[label]),
    "vote_minority, MERGE-028: The label of the smallest sum wins.",
    lambda sums: min(sums, key=lambda label: (sums[label], label)),
    "labels_signed, MERGE-029: Unsigned labels of 64 bits are compared as signed.",
    lambda sums: min(sums, key=lambda x: (-sums[x], x - 2**64 if x >= 2**63 else x)),
    "labels_by_size, MERGE-029: Of labels with equal sums the one nearest 0 wins.",
    lambda sums: min(sums, key=lambda label: (-sums[label], abs(label))),
)
mutants_of(merge, "vote")(
    "votes_unweighed, MERGE-028/WINDOW-001: A window has no effect on the vote.",
    lambda labels, weight: vote(labels, [1.0] * len(labels)),
    "labels_by_floats, MERGE-029: Labels are compared as float64.",
    lambda labels, weight: vote([float(label) for label in labels], weight),
    "votes_of_three, MERGE-028: Only the first three tiles of a pixel vote.",
    lambda labels, weight: vote(labels[:3], weight[:3]),
)
mutants_of(Unchecked, "read_case")(
    "window_of_places, MERGE-027: A window has no effect on `first` and `last`.",
    taken_for(lambda case: case.merge in ("first", "last", "center"), window="box"),
    "votes_of_floats, MERGE-030: Float tiles are merged by the mean instead.",
    taken_for(
        lambda case: case.merge == "vote" and case.numpy_dtype.kind == "f", merge=None
    ),
    "votes_rounded, MERGE-031: Labels saturate where a result cannot hold them.",
    taken_for(
        lambda case: case.merge == "vote" and case.result is not None, merge="max"
    ),
)
mutants_of(merge, "sort_key")(
    "max_mixes_zeros, MERGE-012: `max` and `min` take −0.0 and 0.0 for equal.",
    lambda value: (value, 0.0),
    "max_from_zero, MERGE-012: `max` and `min` take negative numbers for equal.",
    lambda value: (max(value, 0), 0.0),
)
mutants_of(Session, "read_case")(
    "fill_ignored, MERGE-018: Pixels of no tile are zero, whatever `fill` says.",
    taken_for(has_fill, fill=0),
)
mutants_of(Unchecked, "read_case")(
    "window_of_extremes, MERGE-014: A window has no effect on `max` and `min`.",
    taken_for(lambda case: case.merge in ("max", "min"), window="box"),
    "bool_window_taken, MERGE-015: A window of bool tiles has no effect.",
    taken_for(lambda case: case.dtype == "bool", window="box"),
    "silent_zero, MERGE-016: Pixels of no tile are zero if there is no fill.",
    taken_for(lambda case: not has_fill(case), fill=0),
)
mutants_of(Unchecked, "untile")(
    "fill_unchecked, MERGE-019: A fill that does not fit is zero.",
    anyway("untile", fill=0),
)
mutants_of(Session, "read_tiles")(
    "channels_merged, MERGE-022/LAYOUT-011: The channels are merged in reverse.",
    lambda self, tiles: np.flip(tiles, channel_axes(self.case, tiles)),
    "padding_spoils, MERGE-023: NaN in the padding is refused.",
    refusing(lambda self, tiles: np.isnan(tiles).any()),
)


@mutant(merge, "mean")
def single_sums(values: Numbers, weights: Weights) -> float:
    """MERGE-002: The sums are float32."""
    with np.errstate(all="ignore"):
        above = below = np.float32(-0.0)
        for value, weight in zip(values, weights, strict=True):
            above += np.float32(weight) * np.float32(to_float64(value))
            below += np.float32(weight)
        return float(above / below)


@mutant(merge, "to_float64")
def integers_truncated(value: Number) -> float:
    """MERGE-002: 64-bit integers become float64 by truncation."""
    found = float(value)
    above = isinstance(value, int) and abs(int(found)) > abs(value)
    return math.nextafter(found, 0) if above else found


@mutant(merge, "mean")
def zeros_empty(values: Numbers, weights: Weights) -> float:
    """MERGE-009: A zero is left out of the mean."""
    pairs = [pair for pair in zip(values, weights, strict=True) if pair[0]]
    return mean(*zip(*pairs, strict=True)) if pairs else mean(values, weights)


@mutant(merge, "mean")
def fused(values: Numbers, weights: Weights) -> float:
    """MERGE-004: The product is fused with the addition."""
    above = -0.0
    for value, weight in zip(values, weights, strict=True):
        term = weight * to_float64(value)
        if math.isfinite(above + term) and (above or term):
            exact = Fraction(weight) * Fraction(to_float64(value))
            above = float(Fraction(above) + exact)
        else:
            above += term
    return above / sum(weights)


@mutant(Unchecked, "merge")
def bool_mean_taken(self: Session, tiles: Array) -> Array:
    """MERGE-011: The mean of bool tiles is that of zeros and ones."""
    if tiles.dtype.kind != "b" or self.case.merge != "mean":
        return Session.merge(self, tiles)
    wide = replace(self.case, dtype="float64", result=None)
    return np.asarray(reference(wide).untile(tiles.astype(np.float64)) > 0.5)


@mutant(merge, "extreme")
def max_skips_nan(values: Numbers, rule: str) -> int:
    """MERGE-012: `max` and `min` leave NaN out."""
    there = [i for i, v in enumerate(values) if not math.isnan(v)]
    return there[extreme([values[i] for i in there], rule)] if there else 0


@mutant(Session, "refuse")
def silent_count(
    self: Session, verb: str, array: Array, out: Array | None = None
) -> None:
    """MERGE-017: The error about pixels of no tile does not say how many."""
    try:
        Session.refuse(self, verb, array, out)
    except ValueError as error:
        raise ValueError("the call is refused") from error


@mutant(Session, "give_result")
def nan_spreads(self: Session, result: Array) -> Array:
    """MERGE-022: A NaN in one image is one in all images."""
    if result.dtype.kind == "f" and self.case.batch:
        result[:, np.isnan(result).any(axis=0)] = np.nan
    return result
