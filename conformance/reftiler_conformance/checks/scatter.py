"""SCATTER: explicit starts."""

from __future__ import annotations

from dataclasses import replace

from reftiler_conformance.cases import Case
from reftiler_conformance.draws import ANY
from reftiler_conformance.features import MODES
from reftiler_conformance.lines import ranks
from reftiler_conformance.refused import refuses_case
from reftiler_conformance.registry import check
from reftiler_conformance.trial import Trial

SCATTER = (True,)
LOOSE = tuple(
    case
    for mode in MODES
    for case in ranks(
        Case(size=(9,), tile=(4,), stride=(4,), mode=mode, starts=((0,), (5,), (2,)))
    )
)


@check("SCATTER-001", scatter=SCATTER)
def in_the_order_given(trial: Trial) -> None:
    """Tiles lie at the starts, in their order; a start may occur more than once."""
    trial.tiles_agree(by="numbers")
    if "refusals" in trial.features:
        none = replace(trial.case, starts=())
        refuses_case(trial, "tile", none, "there is no start")


@check("SCATTER-002", scatter=SCATTER, mode=ANY, fit=("exact", "longer"), also=LOOSE)
def in_the_image(trial: Trial) -> None:
    """The frame is the image, whatever the mode."""
    trial.tiles_agree(by="numbers")


@check("SCATTER-003", needs=("refusals",), scatter=SCATTER, fit=("exact", "longer"))
def within_the_image(trial: Trial) -> None:
    """A start below 0, or one at which the tile leaves the image, is refused."""
    case = trial.case
    assert case.starts is not None
    beyond = case.size[-1] - case.tile[-1] + 1
    for start in (-1, beyond):
        last = (*case.starts[-1][:-1], start)
        bad = replace(case, starts=(*case.starts[:-1], last))
        refuses_case(trial, "tile", bad, f"a tile starts at {start} of {case.size[-1]}")


@check(
    "SCATTER-004",
    verb="untile",
    needs=("tile",),
    scatter=SCATTER,
    layout=ANY,
    channels_last=ANY,
    fill=(True,),
    dtype=("float32", "float64"),
)
def as_others(trial: Trial) -> None:
    """Scattered tiles are cut and merged as others are, in every image alike."""
    trial.merge_agrees(by="coarse")
    trial.tiles_agree(by="numbers")
