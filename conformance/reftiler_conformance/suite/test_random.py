"""RANDOM: random tiles."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case, Sizes
from reftiler_conformance.check import Cases, clause
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.draws import ANY, cases
from reftiler_conformance.features import Features
from reftiler_conformance.suite.narrowed import each
from reftiler_conformance.suite.positions import origins
from reftiler_conformance.suite.refused import refuses_case

NEEDS = ("random", "tile")
REFUSALS = (*NEEDS, "refusals")
NUMBERED = ("float32", "int32", "float64")
SEEDS = st.sampled_from([0, 1, 7, 2**64, 2**64 - 1, 2**128 - 1]) | st.integers(
    0, 2**128 - 1
)
# Hundreds of words of Philox; starts of which few are alike; more align than room.
REAL = tuple(
    Case(size, tile, tile, random=random)
    for size, tile, random in (
        ((65_537,), (16,), (700, 2**127 + 5, 1)),
        ((1_000_003,), (31,), (300, 2**64 - 1, 1)),
        ((257, 131), (16, 17), (301, 11, 1)),
        ((33, 17, 20), (8, 5, 7), (67, 2**65 + 3, 1)),
    )
)
ALIGNED = tuple(
    replace(case, random=(*case.random[:2], align))
    for case, align in zip(REAL, (7, 1_024, 200, 3), strict=True)
    if case.random
)


def drawing(align: SearchStrategy[int]) -> Cases:
    """Return what draws cases of random tiles."""

    def draws(features: Features) -> SearchStrategy[Case]:
        plain = cases(features, mode=ANY, fit=("longer", "exact"), dtype=NUMBERED)
        random = st.tuples(st.integers(1, 9), SEEDS, align)
        return st.builds(lambda case, r: replace(case, random=r), plain, random)

    return draws


def begin_at(run: CaseRun, want: list[Sizes]) -> None:
    """Fail unless the tiles begin there, in this order."""
    got = origins(run)
    if got == want:
        return
    if len(got) != len(want):
        raise Mismatch(f"there are {len(got)} tiles, should be {len(want)}")
    first = next(k for k, start in enumerate(got) if start != want[k])
    raise Mismatch(f"tile {first} begins at {got[first]}, should at {want[first]}")


@clause("RANDOM-001", share=0.4, needs=NEEDS, draws=drawing(st.just(1)), also=REAL)
def test_as_many_as_asked(run: CaseRun) -> None:
    """There are as many random tiles as are asked for."""
    case, got = run.case, run.tile().array
    run.keep(got, None)
    if got.shape != case.cut_shape:
        raise Mismatch(f"the tiles are {got.shape}, should be {case.cut_shape}")


@clause("RANDOM-002", needs=NEEDS, draws=drawing(st.just(1)), also=REAL)
def test_words_of_philox(run: CaseRun) -> None:
    """Starts come from the words of Philox, tile by tile and axis by axis."""
    begin_at(run, run.case.grid.starts)


@clause("RANDOM-003", needs=NEEDS, draws=drawing(st.integers(2, 40)), also=ALIGNED)
def test_aligned(run: CaseRun) -> None:
    """A start is a multiple of align, each as likely as a word can tell."""
    begin_at(run, run.case.grid.starts)


@clause("RANDOM-004", needs=REFUSALS, draws=drawing(st.just(1)))
def test_seeds(run: CaseRun) -> None:
    """A seed is at least 0 and below 2**128."""
    case = run.case
    for seed in (-1, 2**128):
        bad = replace(case, random=(1, seed, 1))
        refuses_case(run, "tile", bad, f"the seed is {seed}")
    for seed in (0, 2**128 - 1):  # these are allowed
        run.reopen(replace(case, random=(1, seed, 1)))


@clause("RANDOM-005", needs=REFUSALS, draws=drawing(st.just(1)))
def test_counts(run: CaseRun) -> None:
    """A count is at least 1, and align too."""
    for count, align in ((0, 1), (-1, 1), (1, 0), (1, -2)):
        bad = replace(run.case, random=(count, 7, align))
        why = f"the count is {count}, align is {align}"
        refuses_case(run, "tile", bad, why)


# The example of the specification.
KNOWN = Case((100, 80), (32, 32), (32, 32), random=(4, 7, 1))


@clause("RANDOM-006", needs=NEEDS, only=each([KNOWN], channels=(None, 1)))
def test_everywhere_alike(run: CaseRun) -> None:
    """The seed 7 gives the starts that it gives everywhere."""
    begin_at(run, [(60, 14), (28, 19), (5, 34), (20, 30)])
