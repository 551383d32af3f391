"""INTERP: resampling the image."""

from __future__ import annotations

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import same_numbers
from reftiler_conformance.expected import expected_merge
from reftiler_conformance.suite.narrowed import BEYOND, line, ranks

RESAMPLED = ("interpolation",)


def merge_agrees(run: CaseRun) -> None:
    """Fail unless the merge of tiles without overlap is the definition's."""
    want = expected_merge(run.case)
    got = run.untile().array
    run.keep(got, want)
    same_numbers(got, want)


@line("INTERP-001", mode=RESAMPLED, fit=BEYOND)
def test_stretches(run: CaseRun) -> None:
    """Every pixel of the frame is the image's pixel before it."""
    run.tiles_agree(by="numbers")


@line("INTERP-002", verb="untile", mode=RESAMPLED, fit=BEYOND, overlap=("none",))
def test_shrinks(run: CaseRun) -> None:
    """Every pixel of the result is the frame's pixel after it."""
    merge_agrees(run)


# Lengths and tiles at which some j·(L/P), j/(P/L), i·(P/L) or i/(L/P) falls on the
# wrong side of the whole number that it is, in float64 or in float32.
HARD = tuple(
    case
    for length, tile in (
        (26, 4),
        (14, 4),
        (14, 6),
        (52, 3),
        (22, 10),
        (26, 22),
        (26, 23),
    )
    for case in ranks(
        Case(size=(length,), tile=(tile,), stride=(tile,), mode="interpolation")
    )
)


@clause("INTERP-003", only=HARD)
def test_stretches_exactly(run: CaseRun) -> None:
    """No pixel of the frame is off by the rounding of a float."""
    run.tiles_agree(by="numbers")


@clause("INTERP-003", verb="untile", only=HARD)
def test_shrinks_exactly(run: CaseRun) -> None:
    """No pixel of the result is off by the rounding of a float."""
    merge_agrees(run)
