"""WINDOW: weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import product
from math import inf, nan
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import SINGLE, Mismatch, same_merge, same_shape
from reftiler_conformance.draws import ANY, cases
from reftiler_conformance.features import NUMBERS, WINDOWS, Features
from reftiler_conformance.oracle import profile
from reftiler_conformance.slices import coverage_of, values
from reftiler_conformance.suite.narrowed import COMBINED_MERGES, each, ranks
from reftiler_conformance.suite.verbs import refuses_case
from reftiler_conformance.suite.wide import EVERY, PLACES, agrees, blaming, spatial_axis
from reftiler_conformance.testdata import chosen

NAMED = WINDOWS[1:]
MEAN = ["merge:mean"]
EXACT = [*MEAN, "exact"]
CUSTOM = [*MEAN, "window:custom"]
REFUSED = [*CUSTOM, "refusals"]
PLAIN: dict[str, Any] = {
    "verb": "untile",
    "overlap": ("some",),
    "dtype": ("float64", "float32"),
    "content": ("random",),
}
IN_DOUBLES = PLACES | {"dtype": ("float64",)}

# Several tiles lie on each pixel, though their borders are left out.
BESIDE = Case((20, 20), (8, 8), (2, 2), channels=1, border=(1, 1), content="random")
WEIGHED = (
    Case((6,) * 3, (4,) * 3, (2,) * 3, window="triangle", content="random"),
    *each([BESIDE], window=("triangle", "hann"), dtype=("float32", "float64")),
    *(case for case in COMBINED_MERGES if case.window != "box"),
)
DOUBLED = Case((12,), (6,), (3,), window="hann", scale=(Fraction(2),))
OF_EVERY_AXIS = {
    "window": (*NAMED, "custom"),
    "dtype": NUMBERS[1:],
    "rank": (2, 2, 3, 1, 4),
}


@clause("WINDOW-001", needs=MEAN, also=WEIGHED, **EVERY | PLAIN | OF_EVERY_AXIS)
@clause(
    "WINDOW-009",
    also=ranks(DOUBLED),
    **EVERY | PLAIN | {"window": NAMED, "scale": ("scale", "scale:axes")},
)
def test_one_factor_for_each_axis(run: CaseRun) -> None:
    """A weight is the product of one profile value for each axis of the tile."""
    agrees(run, by="coarse", first="window")


def custom(
    features: Features, change: Callable[[Case], Case], **asked: Any
) -> SearchStrategy[Case]:
    """Draw cases with a custom window that is changed."""
    return cases(features, window=("custom",), **asked).map(change)


def rounding(case: Case) -> Case:
    """Give a case profiles whose products round, and whose largest number is 1."""
    generator = np.random.Generator(np.random.PCG64(case.seed))
    profiles = (generator.uniform(0.1, 1, side).tolist() for side in case.tile)
    return replace(case, window=tuple((1.0, *profile[1:]) for profile in profiles))


def lopsided(case: Case) -> Case:
    """Give a case a lopsided profile of numbers of one size, which may be any."""
    size = (1.0, 3.0, 1e-300, 1e306)[case.seed % 4]
    profiles = (tuple(size * (1 + i * i) for i in range(side)) for side in case.tile)
    return replace(case, window=tuple(profiles))


CUBES = (
    Case(size=(4, 4, 4), tile=(3, 3, 3), stride=(1, 1, 1), dtype="float64"),
    Case(size=(7, 7, 7), tile=(4, 4, 4), stride=(3, 3, 3), dtype="float64", channels=1),
)


@clause(
    "WINDOW-002",
    needs=[*EXACT, "window:custom"],
    draws=custom,
    change=rounding,
    also=map(rounding, CUBES),
    **IN_DOUBLES | {"rank": (3, 2)},
)
@clause(
    "WINDOW-012",
    needs=CUSTOM,
    draws=custom,
    change=lopsided,
    also=map(lopsided, each(CUBES, seed=(2, 3))),
    **IN_DOUBLES,
)
@clause("WINDOW-014", needs=EXACT, border=ANY, **IN_DOUBLES | {"window": NAMED})
def test_exact_products(run: CaseRun) -> None:
    """
    The product is float64, in the order of the axes, the same to the bit everywhere.

    A custom profile is divided by its largest number, and need not be symmetric.
    """

    # Two tiles of powers of two: no product rounds, and there is but one order.
    def tiles(case: Case) -> Array:
        return chosen(case, [1, -2, 4, 0.5, -8])

    agrees(run, tiles, where=coverage_of(run.case) == 2, first="window")


@clause("WINDOW-004", share=0.5, needs=MEAN, **PLACES | PLAIN)
def test_box(run: CaseRun) -> None:
    """Box, the default, is 1 everywhere."""
    with blaming(run, other=""):
        run.merge_agrees(by="coarse")


LENGTHS = (
    *range(2, 34),
    *(2**n + step for n in range(6, 10) for step in (-1, 0, 1)),
    *(67, 101, 149, 331, 499, 751, 1000, 1021, 1023, 1024),
)


def lengths(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw two tiles of a length that lie one pixel apart."""
    rank = 1 if "rank:1" in features else 2
    sides = st.sampled_from(LENGTHS if rank == 1 else LENGTHS[:32])
    drawn = cases(features, **PLAIN | asked | {"rank": (rank,)})
    return st.builds(_lengthened, drawn, sides)


def _lengthened(case: Case, length: int) -> Case:
    """Return the case with two tiles along its first axis, and one along others."""
    tile, stride = (length,) * case.rank, (1,) * case.rank
    return replace(case, tile=tile, size=(length + 1, *tile[1:]), stride=stride)


def ones_and_zeros(case: Case) -> Array:
    """Return two tiles, of ones and of zeros, whose mean is the share of the first."""
    tiles = np.zeros(case.tiles_shape, case.numpy_dtype)
    tiles[::2] = 1
    return tiles


def shares_of(case: Case, got: Array) -> Array:
    """Return the shares of the first tile, along the axis of both."""
    same_shape(got, np.empty(case.shape))
    line = np.moveaxis(values(got), spatial_axis(case), 0)
    return line.reshape(case.size[0], -1)[1:-1, 0]


def differently_rounded(run: CaseRun) -> bool:
    """Say whether the shares are those of weights that are one more or less."""
    case, got = run.case, run.evidence.got
    if got is None or got.shape != case.shape:
        return False
    line = shares_of(case, got)
    weight = np.array(profile(str(case.window), case.tile[0]), float)
    near = np.zeros(line.shape, bool)
    for high, low in product((-1, 0, 1), repeat=2):
        above = np.maximum(weight[1:] + high, 1)
        share = above / (above + np.maximum(weight[:-1] + low, 1))
        near |= np.abs(line - share) < 3e-7
    return bool(near.all())


two_tiles = partial(clause, needs=MEAN, draws=lengths, verb="untile")


@two_tiles("WINDOW-003", share=0.5, window=NAMED)
def test_mirrored(run: CaseRun) -> None:
    """A named profile is mirrored: from the other end, the shares are the rest."""
    case = run.case
    shares = shares_of(case, run.untile(ones_and_zeros(case)).array)
    wrong = ~(np.abs(shares + shares[::-1] - 1) < 1e-6)  # float32 may round so far
    if wrong.any():
        raise Mismatch(f"{int(wrong.sum())} of {wrong.size} shares are not mirrored")


@two_tiles("WINDOW-005", window=["triangle"])
@two_tiles("WINDOW-006", window=["hann"])
@two_tiles("WINDOW-007", window=["gaussian"])
def test_profile(run: CaseRun) -> None:
    """Two tiles have the shares of their weights, as the named profile has them."""
    try:
        run.merge_agrees(ones_and_zeros(run.case), by="coarse")
    except Mismatch as error:
        # A triangle is of whole numbers: nothing is rounded.
        rounded = run.case.window != "triangle" and differently_rounded(run)
        error.clause = error.clause or ("WINDOW-008" if rounded else "")
        raise


@two_tiles("WINDOW-008", window=["hann", "gaussian"])
def test_rounded_exactly(run: CaseRun) -> None:
    """The weights are rounded from the exact numbers, whatever the length."""
    tiles = ones_and_zeros(run.case)
    try:
        run.merge_agrees(tiles)
    except Mismatch as error:
        if error.clause or run.evidence.got is None or differently_rounded(run):
            raise
        # What is no matter of rounding is another clause.
        same_merge(run.evidence.got, run.case, tiles, least=SINGLE)


@clause("WINDOW-010", needs=REFUSED, **PLAIN)
def test_one_number_for_each_pixel(run: CaseRun) -> None:
    """A custom window has a profile for each axis, as long as the tile."""
    case = run.case
    full = tuple((1.0,) * side for side in case.tile)
    longer = (*full[:-1], (*full[-1], 1.0))
    shorter = (*full[:-1], full[-1][1:])
    for window in (longer, shorter, (*full, full[0]), full[1:], ()):
        bad = replace(case, window=window)
        refuses_case(run, "untile", bad, f"{window} does not fit {case.tile}")


@clause("WINDOW-011", needs=REFUSED, **PLAIN)
def test_not_too_far_apart(run: CaseRun) -> None:
    """Custom weights are finite, positive and at most 2**32 times the smallest."""
    case = run.case

    def window(first: float) -> Case:
        profiles = [(1.0,) * side for side in case.tile]
        profiles[-1] = (first, *profiles[-1][1:])
        return replace(case, window=tuple(profiles))

    for weight in (0.0, -1.0, nan, inf, 2.0**32 + 1, 2.0**-33):
        refuses_case(run, "untile", window(weight), f"a weight is {weight}")
    for weight in (2.0**32, 2.0**-32):  # these are allowed
        run.reopen(window(weight))


@clause("WINDOW-013", needs=REFUSED, rank=(1, 2), scale=("scale",), **PLAIN)
def test_custom_is_not_scaled(run: CaseRun) -> None:
    """A custom window is refused for scaled tiles of another length."""
    case = run.case
    bad = replace(case, window=tuple((1.0,) * side for side in case.tile))
    why = f"tiles of {case.tile} have a window, these are others"
    refuses_case(run, "untile", bad, why)
