"""ROUND: from float64 to the dtype of the result."""

from __future__ import annotations

import math
from dataclasses import replace
from math import inf

import numpy as np

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.draws import ANY, FLOATS, INTEGERS
from reftiler_conformance.expected import merge_of
from reftiler_conformance.features import NUMBERS
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.oracle.rounding import dtype_info
from reftiler_conformance.slices import coverage_of, pixels_read
from reftiler_conformance.suite.narrowed import each, ranks
from reftiler_conformance.suite.verbs import refuses_array
from reftiler_conformance.suite.wide import PLACES, exact_division
from reftiler_conformance.testdata import chosen, held, whole_tiles

RESULT = ["result"]
MEAN = ["merge:mean"]
EXACT = [*MEAN, "exact"]
NARROW = ("float32", "float64", "float16")
SMALL = ("uint8", "int8", "uint16", "int16", "int32")
ALL_PLACES = PLACES | {"overlap": ("none", "some")}
"""Pixels of one tile are asked about beside those of several."""
CONVERTED = ALL_PLACES | {"needs": RESULT, "dtype": ("float64",)}

PAIRS = ranks(Case(size=(12,), tile=(6,), stride=(3,)))
LONE = Case(size=(8, 8), tile=(4, 4), stride=(4, 4), channels=1)
STACKED = Case(size=(8,), tile=(8,), stride=(8,), starts=((0,), (0,)))


def agreeing(case: Case, numbers: list[float]) -> Array:
    """
    Return tiles of the numbers that agree where they overlap.

    So the mean of two is exactly the number; only where tiles lie a stride apart, as
    the last ones of `clamp` do not. Tiles of unlike numbers have their own checks.
    """
    generator = np.random.Generator(np.random.PCG64(case.seed))
    period = join(1, case.depth, case.stride, case.channels_last)
    found = held(numbers, case.dtype)[generator.integers(0, len(numbers), period)]
    first = 1 + (case.depth is not None and not case.channels_last)
    for axis, (t, s) in enumerate(zip(case.tile, case.stride, strict=True)):
        found = found.take(np.arange(t) % s, first + axis)
    return np.ascontiguousarray(np.broadcast_to(found, case.tiles_shape))


def one_or_two(case: Case) -> Array:
    """Say where a mean is exact in any order: of two tiles, or copied of one."""
    count = coverage_of(case)
    found: Array = (count == 1) | (count == 2)
    return found


def between(case: Case, *shares: float) -> list[float]:
    """Return numbers that lie so far on the way between neighbours of the result."""
    kind = dtype_info(case.result_dtype)
    if kind is None:
        raise TypeError(f"{case.result} is no number")
    step = 1 << kind.mantissa
    top = ((1 << kind.exponent) - 1) * step  # the bits of infinity
    middle = ((1 << kind.exponent - 1) - 1) * step  # the bits of 1.0
    seeds = [0, 1, 2, 3, step - 1, step, middle, middle + 1, middle + 7, top - 2]
    pairs = [(float(kind.read(n)), float(kind.read(n + 1))) for n in seeds]
    over = float(kind.read(top - 1))  # its neighbour, were there no infinity
    pairs.append((over, 2 * over - float(kind.read(top - 2))))
    found = [low + share * (high - low) for low, high in pairs for share in shares]
    return [*found, *(-number for number in found)]


@clause("ROUND-001", result=("float16", "bfloat16", "float32"), **CONVERTED)
def test_to_floats(run: CaseRun) -> None:
    """To a float dtype there is one rounding to nearest, ties to even."""
    numbers = [*between(run.case, 0, 0.25, 0.5, 0.75), 1e300, -1e300, inf]
    tiles = agreeing(run.case, numbers)
    run.merge_agrees(tiles, by="numbers", where=one_or_two(run.case))


@clause("ROUND-002", result=("float16", "bfloat16"), **CONVERTED)
def test_straight(run: CaseRun) -> None:
    """The rounding goes straight to the dtype, so that nothing is rounded twice."""
    near = 0.5 - 2**-25, 0.5 + 2**-25  # float32 takes both for the middle
    tiles = agreeing(run.case, between(run.case, *near))
    run.merge_agrees(tiles, by="numbers", where=one_or_two(run.case))


@clause(
    "ROUND-001",
    needs=EXACT,
    window=("box", "triangle"),
    dtype=("float16", "bfloat16", "float32"),
    also=each(PAIRS, dtype=["float16"]),
    **PLACES,
)
def test_means_of_floats(run: CaseRun) -> None:
    """The mean of neighbours, a tie or nearly one, is rounded to nearest."""
    case = run.case
    sign, which = (-1) ** case.seed, 2 * (case.seed % 10)
    # One pair of neighbours, whose sums are exact.
    pair = between(case, 0, 1)[which : which + 2]
    tiles = chosen(case, [sign * number for number in pair])
    run.merge_agrees(tiles, by="numbers", where=exact_division(case))


def whole(case: Case) -> list[float]:
    """Return small whole numbers of a dtype."""
    return [*range(1, 100)] if case.dtype[0] == "u" else [*range(-50, 50)]


@clause("ROUND-003", needs=MEAN, dtype=SMALL, **PLACES)
def test_to_integers(run: CaseRun) -> None:
    """To an integer dtype the mean is rounded to nearest, ties to even."""
    case, count, numbers = run.case, coverage_of(run.case), whole(run.case)
    if case.dtype != "int32":  # whose sums need not be exact in float32
        info = np.iinfo(case.dtype)
        numbers += [n + 1 for n in range(info.max - 9, info.max)]
        numbers += [n - 1 for n in range(info.min + 1, info.min + 9)]
    # A mean by way of 1/k is right here: of these, halves alone have a power of two.
    here = (count > 1) & (count < 6)
    run.merge_agrees(chosen(case, numbers), by="numbers", where=here)


@clause(
    "ROUND-003",
    needs=EXACT,
    window=("triangle", "hann"),
    dtype=SMALL,
    also=each(PAIRS, dtype=["int8"], window=["triangle"]),
    **PLACES,
)
def test_weighted_to_integers(run: CaseRun) -> None:
    """A weighted mean is rounded to the nearest whole number, ties to even."""
    tiles = chosen(run.case, whole(run.case))
    run.merge_agrees(tiles, by="bound")  # a fraction is not cut off, wherever it lies
    run.merge_agrees(tiles, by="numbers", where=exact_division(run.case))


@clause(
    "ROUND-003",
    needs=[*MEAN, *RESULT],
    dtype=NARROW,
    result=INTEGERS,
    also=each(PAIRS, result=INTEGERS),
    **PLACES,
)
def test_floats_to_integers(run: CaseRun) -> None:
    """The mean of floats becomes the nearest integer, ties to even."""
    signed = run.case.result_dtype.kind == "i"
    numbers = [n / 4 for n in range(-60 if signed else 0, 61)]
    two = coverage_of(run.case) == 2
    run.merge_agrees(chosen(run.case, numbers), by="numbers", where=two)


def ends(case: Case) -> list[float]:
    """Return the ends of the integer types, and the numbers next to them."""
    kind = case.numpy_dtype
    powers = [2**n for n in (7, 8, 15, 16, 31, 32, 63, 64)]
    if kind.kind in "iu":
        near = [n + step for n in (0, 1, *powers) for step in (-1, 0, 1)]
        info = np.iinfo(kind)
        return [n for n in (*near, *(-n for n in near)) if info.min <= n <= info.max]
    floats, one = [*map(float, powers), 2.0**100], kind.type
    near = [float(np.nextafter(one(n), one(to))) for n in floats for to in (0, inf)]
    numbers = [*floats, *near]
    return [0, 1, -1, -2, inf, -inf, *numbers, *(-n for n in numbers)]


@clause(
    "ROUND-004",
    needs=RESULT,
    dtype=("float64", "float32", "int64", "uint64", "int32", "int16"),
    result=INTEGERS,
    merge=ANY,
    also=[
        *each(PAIRS, dtype=NARROW[:2], result=("int64", "uint64", "uint32", "int8")),
        *each(PAIRS, dtype=("int64", "uint64"), seed=range(4)),
    ],
    **ALL_PLACES,
)
def test_saturates(run: CaseRun) -> None:
    """An integer result saturates: it never wraps."""
    case, numbers = run.case, ends(run.case)
    two = one_or_two(case)
    if case.starts is not None or case.mode in ("clamp", "even"):
        # Infinities of both signs have no mean.
        numbers = [n for n in numbers if n >= 0]
        two = two if "exact" in run.features else coverage_of(case) == 1
    run.merge_agrees(agreeing(case, numbers), by="numbers", where=two)


@clause(
    "ROUND-004",
    needs=EXACT,
    dtype=("int64", "uint64"),
    also=each(PAIRS, dtype=("int64", "uint64"), seed=range(2)),
    **PLACES,
)
def test_means_saturate(run: CaseRun) -> None:
    """The mean of the largest 64-bit integers is that integer."""
    info = np.iinfo(run.case.dtype)
    end = int(info.min if run.case.seed % 3 == 0 else info.max)
    tiles = chosen(run.case, [end])
    run.merge_agrees(tiles, by="numbers", where=exact_division(run.case))


@clause(
    "ROUND-005",
    needs=[*RESULT, "refusals"],
    dtype=NARROW,
    result=INTEGERS,
    merge=ANY,
    border=ANY,
    also=[
        *each([STACKED], merge=(None, "max"), result=["uint8"]),
        *each(PAIRS, result=INTEGERS),
    ],
    **ALL_PLACES,
)
def test_nan_is_no_integer(run: CaseRun) -> None:
    """NaN in a result of integer dtype is an error, and so is inf less inf."""
    case, tiles = run.case, run.case.tiles().copy()
    read = np.argwhere(pixels_read(case))
    k, *offset = read[case.seed % len(read)]
    channels = [slice(None)] if case.depth is not None else []
    here = (*offset, *channels) if case.channels_last else (*channels, *offset)
    tiles[(k, *here)] = math.nan
    both = np.empty_like(tiles)
    both[::2], both[1::2] = inf, -inf
    for given, what in ((tiles, "NaN"), (both, "the mean of inf and -inf")):
        # Where the merge takes the pixel of another tile it is a result.
        if np.isnan(merge_of(replace(case, result=None), given)).any():
            refuses_array(run, "untile", given, f"{what} is no {case.result}")


# As float64 the first lies in the middle of two float32, and else a little above.
WIDE = [2**54 + 2**30 + 1, 2**53 + 1, 2**53 + 3, 2**24 + 1, 2**62 + 1, 300, 70000, 5]
PARTS = [0.5, 1.5, 2.5, 2.6, 3.4, 0.75, 126.5, -0.5, -1.5, -2.5, -2.6, 7.0]


@clause(
    "ROUND-006",
    needs=RESULT,
    merge=ANY,
    dtype=(*INTEGERS, *NARROW),
    result=(*FLOATS, *INTEGERS),
    also=[
        *each([LONE], dtype=NARROW[:2], result=("int8", "uint8")),
        replace(LONE, dtype="int64", result="float32"),
        *each([STACKED], merge=("max", "min"), result=["int8"]),
    ],
    **ALL_PLACES,
)
def test_by_way_of_float64(run: CaseRun) -> None:
    """A lone pixel or an extreme becomes another dtype by way of float64."""
    case = run.case
    numbers: list[float] = [*PARTS]
    if case.numpy_dtype.kind in "iu":
        most = int(np.iinfo(case.dtype).max)
        numbers = [n for n in (*WIDE, 1, 100, 127) if n <= most]
    # Tiles alike: which of them is the largest is another clause.
    if case.merge in ("max", "min"):
        run.merge_agrees(whole_tiles(case, [numbers[case.seed % len(numbers)]]))
    lone = coverage_of(case) == 1
    run.merge_agrees(chosen(case, numbers), by="numbers", where=lone)


@clause(
    "ROUND-007",
    share=0.5,
    needs=[*RESULT, "merge:any"],
    dtype=("bool",),
    merge=(None, "max", "min"),
    result=tuple(name for name in NUMBERS if name != "bool"),
    **ALL_PLACES,
)
def test_of_bools(run: CaseRun) -> None:
    """A bool becomes 0 or 1 in a number dtype."""
    run.merge_agrees(by="numbers")
