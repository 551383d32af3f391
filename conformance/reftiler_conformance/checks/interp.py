"""INTERP: resampling the image."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.cases import Case
from reftiler_conformance.compare import same_numbers
from reftiler_conformance.expected import expected_merge
from reftiler_conformance.features import Features
from reftiler_conformance.lines import BEYOND, along, line
from reftiler_conformance.registry import Cases, check
from reftiler_conformance.trial import Trial

RESAMPLED = ("interpolation",)


def merge_agrees(trial: Trial) -> None:
    """Fail unless the merge of tiles without overlap is the definition's."""
    want = expected_merge(trial.case)
    got = trial.untile().array
    trial.keep(got, want)
    same_numbers(got, want)


@line("INTERP-001", mode=RESAMPLED, fit=BEYOND)
def stretches(trial: Trial) -> None:
    """Every pixel of the frame is the image's pixel before it."""
    trial.tiles_agree(by="numbers")


@line("INTERP-002", verb="untile", mode=RESAMPLED, fit=BEYOND, overlap=("none",))
def shrinks(trial: Trial) -> None:
    """Every pixel of the result is the frame's pixel after it."""
    merge_agrees(trial)


# Lengths and tiles at which some j·(L/P), j/(P/L), i·(P/L) or i/(L/P) falls on the
# wrong side of the whole number that it is, in float64 or in float32.
HARD = ((26, 4), (14, 4), (14, 6), (52, 3), (22, 10), (26, 22), (26, 23))


def hard(verb: str) -> Cases:
    """Return what draws images whose resampling goes wrong in floating point."""

    def drawn(features: Features) -> SearchStrategy[Case]:
        draw = along(verb=verb, mode=RESAMPLED, fit=("longer",), overlap=("none",))
        return draw(features).flatmap(
            lambda case: st.sampled_from(HARD[: -2 if case.rank > 2 else None]).map(
                lambda hard: _hard(case, *hard)
            )
        )

    return drawn


def _hard(case: Case, length: int, tile: int) -> Case:
    sides = (tile,) * case.rank
    size = (length, *sides[1:])
    return replace(case, size=size, tile=sides, stride=sides, seed=0)


@check("INTERP-003", needs=["tile"], draws=hard("tile"), share=0.4)
def stretches_exactly(trial: Trial) -> None:
    """No pixel of the frame is off by the rounding of a float."""
    trial.tiles_agree(by="numbers")


@check("INTERP-003", needs=["untile"], draws=hard("untile"), share=0.4)
def shrinks_exactly(trial: Trial) -> None:
    """No pixel of the result is off by the rounding of a float."""
    merge_agrees(trial)
