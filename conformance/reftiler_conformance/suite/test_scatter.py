"""SCATTER: explicit starts."""

from __future__ import annotations

from dataclasses import replace

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.draws import ANY
from reftiler_conformance.features import MODES
from reftiler_conformance.suite.narrowed import each, ranks
from reftiler_conformance.suite.refused import refuses_case

SCATTER = (True,)
# More than 255 tiles, in no order, and all over the image.
MANY = each(
    [
        Case(
            size=(130, 67),
            tile=(17, 16),
            stride=(17, 16),
            channels=1,
            starts=tuple((k * 37 % 114, k * 23 % 52) for k in range(300)),
            content="random",
            fill=7,
        )
    ],
    batch=(None, 2),
)
LOOSE = each(
    ranks(Case(size=(9,), tile=(4,), stride=(4,), starts=((0,), (5,), (2,)))),
    mode=MODES,
)


@clause("SCATTER-001", share=0.5, scatter=SCATTER, fit=("exact", "longer"))
def test_in_the_order_given(run: CaseRun) -> None:
    """Tiles lie at the starts, in their order; a start may occur more than once."""
    run.tiles_agree(by="numbers")
    if "refusals" in run.features:
        none = replace(run.case, starts=())
        refuses_case(run, "tile", none, "there is no start")


@clause(
    "SCATTER-002",
    share=0.6,
    scatter=SCATTER,
    mode=ANY,
    pad_mode=ANY,
    pad_side=ANY,
    fit=("exact", "longer"),
    also=LOOSE,
)
def test_in_the_image(run: CaseRun) -> None:
    """The frame is the image, whatever the mode."""
    run.tiles_agree(by="numbers")


@clause("SCATTER-003", needs=("refusals",), scatter=SCATTER, fit=("exact", "longer"))
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
    needs=("tile",),
    scatter=SCATTER,
    layout=ANY,
    channels_last=ANY,
    mode=ANY,
    fit=("exact", "longer"),
    border=ANY,
    uncovered=("filled",),
    dtype=("float32", "float64"),
    also=MANY,
)
def test_as_others(run: CaseRun) -> None:
    """Scattered tiles are cut and merged as others are, in every image alike."""
    run.merge_agrees(by="coarse")
    run.tiles_agree(by="numbers")
