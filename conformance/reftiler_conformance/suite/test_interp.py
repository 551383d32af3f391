"""INTERP: resampling the image."""

from __future__ import annotations

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.draws import ANY
from reftiler_conformance.suite.narrowed import BEYOND, line, ranks

RESAMPLED = ("interpolation",)

# Lengths and tiles at which some j·(L/P), j/(P/L), i·(P/L) or i/(L/P) falls on the
# wrong side of the whole number that it is, in float64 or in float32; and such whose
# products j·L neither float32 nor 32 bits hold.
HARD = (
    *((26, 4), (14, 4), (14, 6), (52, 3), (22, 10), (26, 22), (26, 23)),
    *((4_099, 16), (50_021, 8)),
)
CASES = (
    *ranks(*(Case((n,), (t,), (t,), mode="interpolation") for n, t in HARD)),
    Case(size=(70_001,), tile=(32_771,), stride=(32_771,), mode="interpolation"),
)


@line("INTERP-001", mode=RESAMPLED, fit=BEYOND, layout=ANY)
@clause("INTERP-003", only=CASES)
def test_stretches(run: CaseRun) -> None:
    """Every pixel of the frame is exactly the image's pixel before it."""
    run.tiles_agree(by="numbers")


@line("INTERP-002", verb="untile", mode=RESAMPLED, fit=BEYOND, overlap=("none",))
@clause("INTERP-003", verb="untile", only=CASES)
def test_shrinks(run: CaseRun) -> None:
    """Every pixel of the result is exactly the frame's pixel after it."""
    run.merge_agrees(by="numbers")
