"""ROUND: from float64 to the dtype of the result."""

from __future__ import annotations

import math
from dataclasses import replace
from math import inf

import numpy as np

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.crafted_tiles import chosen
from reftiler_conformance.draws import INTEGERS
from reftiler_conformance.features import NUMBERS
from reftiler_conformance.oracle.rounding import dtype_info
from reftiler_conformance.suite.refused import refuses_array
from reftiler_conformance.suite.test_merge import SCATTERED
from reftiler_conformance.tolerances import coverage_of

RESULT = ("result",)
ALONE = ("none",)
SMALL = ("uint8", "int8", "uint16", "int16", "int32")


def between(case: Case, shares: tuple[float, ...]) -> list[float]:
    """Return numbers that lie so far on the way between neighbours of the result."""
    kind = dtype_info(case.result_dtype)
    assert kind is not None
    step = 1 << kind.mantissa
    top = ((1 << kind.exponent) - 1) * step  # the bits of infinity
    middle = ((1 << kind.exponent - 1) - 1) * step  # the bits of 1.0
    seeds = [0, 1, 2, 3, step - 1, step, middle, middle + 1, middle + 7, top - 2]
    pairs = [(float(kind.read(n)), float(kind.read(n + 1))) for n in seeds]
    over = float(kind.read(top - 1))  # its temp_path, were there no infinity
    pairs.append((over, 2 * over - float(kind.read(top - 2))))
    found = [low + share * (high - low) for low, high in pairs for share in shares]
    return [*found, *(-number for number in found)]


@clause(
    "ROUND-001",
    verb="untile",
    needs=RESULT,
    overlap=ALONE,
    dtype=("float64",),
    result=("float16", "bfloat16", "float32"),
)
def test_to_floats(run: CaseRun) -> None:
    """To a float dtype there is one rounding to nearest, ties to even."""
    numbers = [*between(run.case, (0, 0.25, 0.5, 0.75)), 1e300, -1e300, math.inf]
    run.merge_agrees(chosen(run.case, numbers), by="numbers")


@clause(
    "ROUND-002",
    verb="untile",
    needs=RESULT,
    overlap=ALONE,
    dtype=("float64",),
    result=("float16", "bfloat16"),
)
def test_straight(run: CaseRun) -> None:
    """The rounding goes straight to the dtype, so that nothing is rounded twice."""
    near = 0.5 - 2**-25, 0.5 + 2**-25  # float32 takes both for the middle
    run.merge_agrees(chosen(run.case, between(run.case, near)), by="numbers")


@clause(
    "ROUND-003", verb="untile", needs=("merge:mean",), overlap=("some",), dtype=SMALL
)
def test_to_integers(run: CaseRun) -> None:
    """To an integer dtype the mean is rounded to nearest, ties to even."""
    case, count = run.case, coverage_of(run.case)
    numbers = range(1, 100) if case.dtype[0] == "u" else [*range(-50, 0), *range(1, 50)]
    # A mean by way of 1/k is right here: of these, halves alone have a power of two.
    here = (count > 1) & (count < 6)
    run.merge_agrees(chosen(case, numbers), by="numbers", where=here)


@clause(
    "ROUND-004",
    verb="untile",
    needs=RESULT,
    overlap=ALONE,
    dtype=("float64", "float32"),
    result=INTEGERS,
    also=[
        Case(size=(16, 16), tile=(8, 8), stride=(8, 8), channels=1, dtype=a, result=b)
        for a in ("float32", "float64")
        for b in ("int64", "uint64", "int32", "uint32", "int8")
    ],
)
def test_saturates(run: CaseRun) -> None:
    """An integer result saturates: it never wraps."""
    run.merge_agrees(chosen(run.case, ends(run.case)), by="numbers")


def ends(case: Case) -> list[float]:
    """Return the ends of the integer types, and the floats next to them."""
    powers = [2.0**n for n in (7, 8, 15, 16, 31, 32, 63, 64, 100)]
    kind = case.numpy_dtype.type
    near = [float(np.nextafter(kind(p), kind(to))) for p in powers for to in (0, inf)]
    numbers = [*powers, *near]
    return [0, 1, -1, -2, inf, -inf, *numbers, *(-n for n in numbers)]


@clause(
    "ROUND-005",
    verb="untile",
    needs=(*RESULT, "refusals"),
    overlap=ALONE,
    dtype=("float32", "float64", "float16"),
    result=INTEGERS,
    also=[
        Case(
            size=(6, 5),
            tile=(3, 5),
            stride=(3, 5),
            starts=((0, 0), (3, 0)),
            result="uint8",
        )
    ],
)
def test_nan_is_no_integer(run: CaseRun) -> None:
    """NaN in a result of integer dtype is an error."""
    tiles = run.case.tiles().copy()
    tiles.flat[run.case.seed % tiles.size] = math.nan
    why = f"NaN is no {run.case.result}"
    refuses_array(run, "untile", tiles, why)


# As float64 the first lies in the middle of two float32, and else a little above.
WIDE = [2**54 + 2**30 + 1, 2**53 + 1, 2**53 + 3, 2**24 + 1, 2**62 + 1, 300, 70000, 5]
PARTS = [0.5, 1.5, 2.5, 2.6, 3.4, -0.5, -1.5, -2.6, 7.0]


@clause(
    "ROUND-006",
    verb="untile",
    needs=RESULT,
    overlap=("none", "some"),
    merge=(None, "max", "min"),
    dtype=("int64", "uint64", "float32"),
    result=("float32", "float64", "float16", "int8", "int32", "uint64", "int64"),
    also=[
        replace(SCATTERED, merge=merge, result="int8", seed=1)
        for merge in ("max", "min")
    ],
)
def test_by_way_of_float64(run: CaseRun) -> None:
    """A lone pixel or an extreme becomes another dtype by way of float64."""
    case = run.case
    numbers = PARTS if case.dtype == "float32" else WIDE
    if case.merge is None:
        lone = coverage_of(case) == 1
        run.merge_agrees(chosen(case, numbers), by="numbers", where=lone)
    else:  # all tiles alike: which of them it is, is another clause
        number = numbers[case.seed % len(numbers)]
        run.merge_agrees(chosen(case, [number]), by="numbers")


TYPES = [(a, b) for a in ("float32", "float64", "float16") for b in INTEGERS]


@clause(
    "ROUND-006",
    verb="untile",
    needs=RESULT,
    only=[
        Case(size=(8, 8), tile=(4, 4), stride=(4, 4), channels=1, dtype=a, result=b)
        for a, b in TYPES
    ],
)
def test_halves_of_one_tile(run: CaseRun) -> None:
    """A lone pixel is rounded to nearest, ties to even."""
    signed = [] if run.case.result_dtype.kind == "u" else [-0.5, -1.5, -2.5]
    numbers = [0.5, 1.5, 2.5, 0.75, 126.5, *signed]
    run.merge_agrees(chosen(run.case, numbers), by="numbers")


@clause(
    "ROUND-007",
    verb="untile",
    needs=(*RESULT, "merge:any"),
    overlap=ALONE,
    dtype=("bool",),
    result=tuple(name for name in NUMBERS if name != "bool"),
)
def test_of_bools(run: CaseRun) -> None:
    """A bool becomes 0 or 1 in a number dtype."""
    run.merge_agrees(by="numbers")
