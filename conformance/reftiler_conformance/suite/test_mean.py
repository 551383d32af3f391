"""MERGE: the mean."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import (
    Mismatch,
    same_merge,
    same_numbers,
    same_shape,
    values,
)
from reftiler_conformance.crafted_tiles import chosen, whole_tiles
from reftiler_conformance.draws import ANY, FLOATS
from reftiler_conformance.expected import merge_of
from reftiler_conformance.features import NUMBERS, Features
from reftiler_conformance.slices import merge_by_slices
from reftiler_conformance.strategies import cases
from reftiler_conformance.suite.drawn import weighed
from reftiler_conformance.suite.narrowed import ranks
from reftiler_conformance.tolerances import SINGLE, coverage_of

MEAN = ("merge:mean",)
EXACT = (*MEAN, "exact")
CROWD = {1: 256, 2: 16, 3: 7}
"""Tiles of these sides and stride 1 lie on one pixel more often than a byte counts."""

CROWDED = ranks(Case(size=(12,), tile=(4,), stride=(1,)))
NEIGHBOURS = ranks(Case(size=(8,), tile=(5,), stride=(3,)))

# What a weight or a division would change.
LONE: tuple[dict[str, Any], ...] = (
    {"window": "hann", "dtype": "float64", "content": "random"},
    {"window": "triangle", "dtype": "float32", "content": "special"},
    {"dtype": "int64", "content": "bits"},
    {"dtype": "uint64", "content": "bits"},
)


def crowds(features: Features) -> SearchStrategy[Case]:
    """Draw cases with one pixel on which many tiles lie."""
    drawn = cases(
        features,
        verb="untile",
        overlap=("some",),
        dtype=("float32", "float64", "uint8"),
    )
    return drawn.map(crowded)


def crowded(case: Case) -> Case:
    """Return the case with so many tiles."""
    side = CROWD[case.rank]
    size, tile, stride = ((n,) * case.rank for n in (2 * side - 1, side, 1))
    return replace(case, size=size, tile=tile, stride=stride)


@clause(
    "MERGE-001",
    verb="untile",
    needs=MEAN,
    overlap=("some",),
    dtype=(*FLOATS, "uint8", "int16", "int32"),
    content=("random",),
)
def test_the_mean(run: CaseRun) -> None:
    """A pixel of several tiles is their mean."""
    within_one(run)


@clause("MERGE-001", needs=(*MEAN, "untile"), share=0, draws=crowds)
def test_the_mean_of_many(run: CaseRun) -> None:
    """A pixel of more tiles than a byte counts is their mean."""
    case, tiles = run.case, chosen(run.case, range(1, 256))
    got = run.untile(tiles).array
    want = merge_by_slices(replace(case, result="float64"), tiles)
    run.keep(got, want)
    same_shape(got, want)
    slack = 1.0 if case.dtype == "uint8" else 0.01  # more than float32 sums are off
    wrong = ~(np.abs(values(got) - want) <= slack)
    if wrong.any():
        raise Mismatch(f"{int(wrong.sum())} of {got.size} are not the mean", wrong)


def within_one(run: CaseRun) -> None:
    """Fail unless the merge is the mean; fine roundings are left aside."""
    # Zeros are another clause: in a byte they would come often.
    tiles = chosen(run.case, range(1, 256)) if run.case.dtype == "uint8" else None
    got = run.untile(tiles).array
    same_merge(got, run.case, tiles, half=1.0, least=SINGLE)


def even_shares(case: Case) -> Array:
    """Say in which pixels a count of 2, 4, 8 ... tiles takes part.

    To divide by it is exact, so that how is another clause.
    """
    count = coverage_of(case)
    found: Array = (count > 1) & (count & (count - 1) == 0)
    return found


@clause(
    "MERGE-002",
    verb="untile",
    needs=EXACT,
    overlap=("some",),
    dtype=tuple(n for n in NUMBERS if n not in ("bool", "float64")),
    result=("float64",),
    content=("random",),
    also=[
        replace(case, dtype=dtype, content="random", result="float64")
        for dtype in ("int64", "uint64", "float32")
        for case in CROWDED
    ],
)
def test_in_float64(run: CaseRun) -> None:
    """Values and sums are float64; a 64-bit integer is first rounded to it."""
    run.merge_agrees(by="numbers", where=even_shares(run.case))


@clause(
    "MERGE-003",
    verb="untile",
    needs=EXACT,
    overlap=("some",),
    dtype=("float64",),
    also=[replace(c, dtype="float64", seed=s) for c in CROWDED for s in (0, 1)],
)
def test_in_order(run: CaseRun) -> None:
    """Sums start from -0.0 and go over the tiles in ascending order."""
    numbers = [1e16, 1.0, -1e16, 3.0, -1.0, 1e-3]
    if run.case.seed % 3 == 0:
        numbers = [-0.0]
    tiles = chosen(run.case, numbers)
    run.merge_agrees(tiles, by="numbers", where=even_shares(run.case))


@clause(
    "MERGE-004",
    verb="untile",
    needs=EXACT,
    overlap=("some",),
    window=("triangle",),
    dtype=("float64",),
    content=("random",),
)
def test_products_are_rounded(run: CaseRun) -> None:
    """A product is rounded before it is added, never fused with the addition."""
    # Two have but one order.
    run.merge_agrees(by="numbers", where=coverage_of(run.case) == 2)


@clause("MERGE-005", verb="untile", needs=MEAN, overlap=("some",), dtype=("float64",))
def test_one_division(run: CaseRun) -> None:
    """There is one division, and no term is added to the divisor."""
    # Of small whole numbers the sums are exact in any order.
    run.merge_agrees(chosen(run.case, range(1, 100)))


@clause("MERGE-006", verb="untile", needs=EXACT, overlap=("some",), dtype=("float64",))
def test_box_is_not_multiplied(run: CaseRun) -> None:
    """With the box window nothing is multiplied."""
    # Where numbers end, a factor shows; sums of these are exact in any order.
    step = 5e-324 if run.case.seed % 2 else 2.0**1019
    tiles = chosen(run.case, [step * n for n in range(1, 16)])
    run.merge_agrees(tiles, by="numbers", where=even_shares(run.case))


@clause(
    "MERGE-007",
    needs=("untile",),
    draws=weighed(
        overlap=ANY,
        window=ANY,
        dtype=NUMBERS,
        content=("random", "bits", "special"),
    ),
    also=[replace(case, **more) for more in LONE for case in NEIGHBOURS],
)
def test_a_lone_tile_is_copied(run: CaseRun) -> None:
    """A pixel of one tile is that tile's value, whatever its weight."""
    run.merge_agrees(by="numbers", where=coverage_of(run.case) == 1)


@clause("MERGE-008", verb="untile", needs=MEAN, overlap=("some",), dtype=FLOATS)
def test_nan_is_never_masked(run: CaseRun) -> None:
    """A mean with NaN is NaN, and infinities follow IEEE 754."""
    tiles = chosen(run.case, [0, 1, 2, 3, math.nan, math.inf, -math.inf])
    got, want = run.untile(tiles).array, merge_of(run.case, tiles)
    run.keep(got, want)
    same_numbers(beyond(got), beyond(want), where=coverage_of(run.case) > 1)


def beyond(array: Array) -> Array:
    """Return an array with 0 for what is finite."""
    numbers = values(array)
    return np.where(np.isfinite(numbers), 0.0, numbers)


@clause(
    "MERGE-009",
    verb="untile",
    overlap=("some",),
    merge=ANY,
    fill=ANY,
    dtype=("float32", "float64", "float16", "bfloat16", "uint8", "int16"),
    also=[replace(case, fill=7, seed=1) for case in CROWDED],
)
def test_zeros_take_part(run: CaseRun) -> None:
    """A tile of zeros takes part like any other."""
    case = run.case
    sign = 1 if case.dtype == "uint8" or case.seed % 2 else -1
    tiles = whole_tiles(case, [0, sign * 64])
    got = run.untile(tiles).array
    run.keep(got, merge_of(case, tiles))
    same_merge(got, case, tiles, half=1.0, least=SINGLE)
