"""SCATTER and RANDOM: explicit starts, given or drawn by a seed."""

from __future__ import annotations

from dataclasses import replace
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
