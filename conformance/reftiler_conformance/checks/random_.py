"""RANDOM: random tiles."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.cases import Case
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.definition.grid import Pixel
from reftiler_conformance.features import Features
from reftiler_conformance.places import origins
from reftiler_conformance.refused import refuses_case
from reftiler_conformance.registry import Cases, check
from reftiler_conformance.strategies import cases
from reftiler_conformance.trial import Trial

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


def begin_at(trial: Trial, want: list[Pixel]) -> None:
    """Fail unless the tiles begin there, in this order."""
    got = origins(trial)
    if got != want:
        raise Mismatch(f"the tiles begin at {got}, should at {want}")


@check("RANDOM-001", needs=NEEDS, draws=drawing(st.just(1)))
def as_many_as_asked(trial: Trial) -> None:
    """There are as many random tiles as are asked for."""
    case, got = trial.case, trial.tile().array
    trial.keep(got, None)
    if got.shape != case.cut_shape:
        raise Mismatch(f"the tiles are {got.shape}, should be {case.cut_shape}")


@check("RANDOM-002", needs=NEEDS, draws=drawing(st.just(1)))
def words_of_philox(trial: Trial) -> None:
    """Starts come from the words of Philox, tile by tile and axis by axis."""
    begin_at(trial, trial.case.plan.starts)


@check("RANDOM-003", needs=NEEDS, draws=drawing(st.integers(2, 5)))
def aligned(trial: Trial) -> None:
    """A start is a multiple of align, each as likely as a word can tell."""
    begin_at(trial, trial.case.plan.starts)


@check("RANDOM-004", needs=REFUSALS, draws=drawing(st.just(1)))
def seeds(trial: Trial) -> None:
    """A seed is at least 0 and below 2**128."""
    case = trial.case
    for seed in (-1, 2**128):
        bad = replace(case, random=(1, seed, 1))
        refuses_case(trial, "tile", bad, f"the seed is {seed}")
    for seed in (0, 2**128 - 1):  # these are allowed
        trial.reopen(replace(case, random=(1, seed, 1)))


@check("RANDOM-005", needs=REFUSALS, draws=drawing(st.just(1)))
def counts(trial: Trial) -> None:
    """A count is at least 1, and align too."""
    for count, align in ((0, 1), (-1, 1), (1, 0), (1, -2)):
        bad = replace(trial.case, random=(count, 7, align))
        why = f"the count is {count}, align is {align}"
        refuses_case(trial, "tile", bad, why)


@check("RANDOM-006", needs=NEEDS, share=0, draws=known)
def everywhere_alike(trial: Trial) -> None:
    """The seed 7 gives the starts that it gives everywhere."""
    begin_at(trial, [(60, 14), (28, 19), (5, 34), (20, 30)])
