"""RANDOM: random tiles."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import Cases, clause
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.features import Features
from reftiler_conformance.oracle.grid import Pixel
from reftiler_conformance.strategies import cases
from reftiler_conformance.suite.positions import origins
from reftiler_conformance.suite.refused import refuses_case

NEEDS = ("random", "tile")
REFUSALS = (*NEEDS, "refusals")
NUMBERED = ("float32", "int32", "float64")
SEEDS = st.sampled_from([0, 1, 7, 2**64, 2**128 - 1]) | st.integers(0, 2**128 - 1)


def drawing(align: SearchStrategy[int]) -> Cases:
    """Return what draws cases of random tiles."""

    def draws(features: Features) -> SearchStrategy[Case]:
        fits = ("longer", "exact")
        plain = cases(features, fit=fits, dtype=NUMBERED)
        random = st.tuples(st.integers(1, 9), SEEDS, align)
        return st.builds(lambda case, r: replace(case, random=r), plain, random)

    return draws


def known(features: Features) -> SearchStrategy[Case]:
    """Draw the example of the specification."""
    sides = (32, 32)
    plain = cases(features, rank=(2,), dtype=NUMBERED)
    return plain.map(
        lambda case: replace(
            case, size=(100, 80), tile=sides, stride=sides, random=(4, 7, 1)
        )
    )


def begin_at(run: CaseRun, want: list[Pixel]) -> None:
    """Fail unless the tiles begin there, in this order."""
    got = origins(run)
    if got != want:
        raise Mismatch(f"the tiles begin at {got}, should at {want}")


@clause("RANDOM-001", needs=NEEDS, draws=drawing(st.just(1)))
def test_as_many_as_asked(run: CaseRun) -> None:
    """There are as many random tiles as are asked for."""
    case, got = run.case, run.tile().array
    run.keep(got, None)
    if got.shape != case.cut_shape:
        raise Mismatch(f"the tiles are {got.shape}, should be {case.cut_shape}")


@clause("RANDOM-002", needs=NEEDS, draws=drawing(st.just(1)))
def test_words_of_philox(run: CaseRun) -> None:
    """Starts come from the words of Philox, tile by tile and axis by axis."""
    begin_at(run, run.case.grid.starts)


@clause("RANDOM-003", needs=NEEDS, draws=drawing(st.integers(2, 5)))
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


@clause("RANDOM-006", needs=NEEDS, share=0, draws=known)
def test_everywhere_alike(run: CaseRun) -> None:
    """The seed 7 gives the starts that it gives everywhere."""
    begin_at(run, [(60, 14), (28, 19), (5, 34), (20, 30)])
