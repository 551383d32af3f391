"""SCATTER and RANDOM: explicit starts, given or drawn by a seed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case, Sizes
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch, same_shape
from reftiler_conformance.draws import ANY, cases, wide
from reftiler_conformance.features import MODES, Features
from reftiler_conformance.suite.narrowed import each, ranks
from reftiler_conformance.suite.positions import origins
from reftiler_conformance.suite.verbs import refuses_case

SCATTERED: dict[str, Any] = {"scatter": (True,), "fit": ("exact", "longer")}
# More than 255 tiles, in no order, and all over the image.
SPREAD = tuple((k * 37 % 114, k * 23 % 52) for k in range(300))
FULL = Case((130, 67), (17, 16), (17, 16), channels=1, starts=SPREAD, fill=7)
MANY = each([FULL], batch=(None, 2), content=["random"])
LOOSE = each(
    ranks(Case(size=(9,), tile=(4,), stride=(4,), starts=((0,), (5,), (2,)))),
    mode=MODES,
)


@clause("SCATTER-001", share=0.5, **SCATTERED)
def test_in_the_order_given(run: CaseRun) -> None:
    """Tiles lie at the starts, in their order; a start may occur more than once."""
    run.tiles_agree(by="numbers")
    if "refusals" in run.features:
        none = replace(run.case, starts=())
        refuses_case(run, "tile", none, "there is no start")


@clause(
    "SCATTER-002",
    share=0.6,
    also=LOOSE,
    **SCATTERED,
    **wide("mode", "pad_mode", "pad_side"),
)
def test_in_the_image(run: CaseRun) -> None:
    """The frame is the image, whatever the mode."""
    run.tiles_agree(by="numbers")


@clause("SCATTER-003", needs=["refusals"], **SCATTERED)
def test_within_the_image(run: CaseRun) -> None:
    """A start below 0, or one at which the tile leaves the image, is refused."""
    case = run.case
    assert case.starts is not None
    beyond = case.size[-1] - case.tile[-1] + 1
    for start in (-1, beyond):
        last = (*case.starts[-1][:-1], start)
        bad = replace(case, starts=(*case.starts[:-1], last))
        refuses_case(run, "tile", bad, f"a tile starts at {start} of {case.size[-1]}")


@clause(
    "SCATTER-004",
    verb="untile",
    needs=["tile"],
    uncovered=("filled",),
    dtype=("float32", "float64"),
    also=MANY,
    **SCATTERED,
    **wide("layout", "channels_last", "mode", "border"),
)
def test_as_others(run: CaseRun) -> None:
    """Scattered tiles are cut and merged as others are, in every image alike."""
    run.merge_agrees(by="coarse")
    run.tiles_agree(by="numbers")


SEEDS = st.sampled_from([0, 1, 7, 2**64, 2**64 - 1, 2**128 - 1]) | st.integers(
    0, 2**128 - 1
)
# Hundreds of words of Philox; starts of which few are alike; more align than room.
REAL, ALIGNED = (
    tuple(
        Case(size, tile, tile, random=(count, seed, align if aligned else 1))
        for size, tile, count, seed, align in (
            ((65_537,), (16,), 700, 2**127 + 5, 7),
            ((1_000_003,), (31,), 300, 2**64 - 1, 1_024),
            ((257, 131), (16, 17), 301, 11, 200),
            ((33, 17, 20), (8, 5, 7), 67, 2**65 + 3, 3),
        )
    )
    for aligned in (False, True)
)


def drawn(features: Features, aligns: Sizes = (1, 1)) -> SearchStrategy[Case]:
    """Draw cases of random tiles."""
    dtypes = ("float32", "int32", "float64")
    plain = cases(features, mode=ANY, fit=("longer", "exact"), dtype=dtypes)
    random = st.tuples(st.integers(1, 9), SEEDS, st.integers(*aligns))
    return st.builds(lambda case, r: replace(case, random=r), plain, random)


random = partial(clause, needs=["random"], draws=drawn)


def begin_at(run: CaseRun, want: list[Sizes]) -> None:
    """Fail unless the tiles begin there, in this order."""
    got = origins(run)
    if got == want:
        return
    if len(got) != len(want):
        raise Mismatch(f"there are {len(got)} tiles, should be {len(want)}")
    first = next(k for k, start in enumerate(got) if start != want[k])
    raise Mismatch(f"tile {first} begins at {got[first]}, should at {want[first]}")


@random("RANDOM-001", share=0.4, also=REAL)
def test_as_many_as_asked(run: CaseRun) -> None:
    """There are as many random tiles as are asked for."""
    got = run.tile().array
    run.keep(got, None)
    same_shape(got, np.empty(run.case.cut_shape))


@random("RANDOM-002", also=REAL)
@random("RANDOM-003", aligns=(2, 40), also=ALIGNED)
def test_words_of_philox(run: CaseRun) -> None:
    """
    Starts come from the words of Philox, tile by tile and axis by axis.

    Each is a multiple of align, each as likely as a word can tell.
    """
    begin_at(run, run.case.grid.starts)


@random("RANDOM-004", needs=["random", "refusals"])
def test_seeds(run: CaseRun) -> None:
    """A seed is at least 0 and below 2**128."""
    case = run.case
    for seed in (-1, 2**128):
        bad = replace(case, random=(1, seed, 1))
        refuses_case(run, "tile", bad, f"the seed is {seed}")
    for seed in (0, 2**128 - 1):  # these are allowed
        run.reopen(replace(case, random=(1, seed, 1)))


@random("RANDOM-005", needs=["random", "refusals"])
def test_counts(run: CaseRun) -> None:
    """A count is at least 1, and align too."""
    for count, align in ((0, 1), (-1, 1), (1, 0), (1, -2)):
        bad = replace(run.case, random=(count, 7, align))
        why = f"the count is {count}, align is {align}"
        refuses_case(run, "tile", bad, why)


# The example of the specification.
KNOWN = Case((100, 80), (32, 32), (32, 32), random=(4, 7, 1))


@clause("RANDOM-006", needs=["random"], only=each([KNOWN], channels=(None, 1)))
def test_everywhere_alike(run: CaseRun) -> None:
    """The seed 7 gives the starts that it gives everywhere."""
    begin_at(run, [(60, 14), (28, 19), (5, 34), (20, 30)])


def marked(features: Features, aligns: Sizes = (1, 9)) -> SearchStrategy[Case]:
    """Draw cases of random tiles of which a share hold one of few marked pixels."""

    def mark(case: Case, places: list[int], share: Fraction | None) -> Case:
        # The first tile holds the first pixel, so that there is always one.
        ends = [min(case.tile, case.size, key=sum), *[case.size] * (len(places) - 1)]
        pixels = {
            tuple(place // 37**axis % n for axis, n in enumerate(end))
            for place, end in zip(places, ends, strict=True)
        }
        return replace(case, inside=tuple(pixels), share=share)

    places = st.lists(st.integers(0, 10**7), min_size=1, max_size=5)
    shares = st.none() | st.fractions(0, 1, max_denominator=9)
    return st.builds(mark, drawn(features, aligns), places, shares)


inside = partial(clause, needs=["random", "random:inside"], draws=marked)
# Many tiles, pixels that no tile can hold, and shares that floats would round.
MARKED = tuple(
    Case(size, tile, tile, random=random, inside=pixels, share=share)
    for size, tile, random, pixels, share in (
        ((97,), (10,), (211, 2**80, 25), ((4,), (30,), (15,), (96,)), Fraction(2, 7)),
        ((64, 50), (9, 7), (99, 5, 1), ((0, 49), (63, 0), (30, 30)), None),
        ((33, 17, 20), (8, 5, 7), (40, 11, 3), ((32, 16, 19), (0, 1, 2)), Fraction(1)),
        ((40, 40), (8, 8), (50, 3, 1), ((7, 8),), Fraction(0)),
    )
)


@inside("RANDOM-007", also=MARKED)
def test_a_share_holds_a_marked_pixel(run: CaseRun) -> None:
    """At every length, so many tiles as the share is hold a marked pixel."""
    case, starts = run.case, origins(run)
    assert case.inside is not None
    share = Fraction(1 / 3 if case.share is None else case.share)
    found = 0
    for n, start in enumerate(starts, 1):
        found += any(_holds(start, case.tile, pixel) for pixel in case.inside)
        if found < n * share // 1:
            raise Mismatch(f"of the first {n} tiles {found} hold a marked pixel")


def _holds(start: Sizes, tile: Sizes, pixel: Sizes) -> bool:
    sides = zip(start, tile, pixel, strict=True)
    return all(first <= x < first + t for first, t, x in sides)


@inside("RANDOM-008", aligns=(1, 1), also=MARKED)
@inside("RANDOM-009", also=MARKED)
def test_words_of_tiles_inside(run: CaseRun) -> None:
    """Words choose the tiles that hold a marked pixel, the pixels and the places."""
    begin_at(run, run.case.grid.starts)


@inside("RANDOM-010", needs=["random", "random:inside", "refusals"])
def test_marks_and_shares(run: CaseRun) -> None:
    """There is a marked pixel that tiles can hold, and a share from 0 to 1."""
    case = replace(run.case, random=(1, 7, 1))
    refuses_case(run, "tile", replace(case, inside=()), "no pixel is marked")
    for share in (Fraction(-1, 9), Fraction(10, 9)):
        refuses_case(run, "tile", replace(case, share=share), f"the share is {share}")
    far = replace(case, size=(9,), tile=(3,), stride=(3,), batch=None, channels=None)
    if case.rank == 1:
        far = replace(far, random=(1, 7, 7), inside=((5,),), border=())
        refuses_case(run, "tile", far, "no tile can hold a marked pixel")
