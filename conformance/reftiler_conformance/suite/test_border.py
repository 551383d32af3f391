"""BORDER: leaving out the border of tiles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.draws import ANY, FLOATS, wide
from reftiler_conformance.slices import coverage_of, pixels_read
from reftiler_conformance.suite.narrowed import COMBINED_MERGES, ranks
from reftiler_conformance.suite.test_merge import unchanged_by
from reftiler_conformance.suite.verbs import refuses_case
from reftiler_conformance.suite.wide import EVERY, PLACES, agrees, rim

BORDERED = EVERY | {"border": (True,), "rank": ANY, "merge": ANY}
OF_ANY_DTYPE = BORDERED | wide("dtype") | {"content": ("random",)}
TIGHT: dict[str, Any] = PLACES | {
    "overlap": ("tight",),
    "border": (True,),
    "scatter": (False,),
}
"""Asks for tiles of which one takes part in nearly every pixel."""
DROPPED = TIGHT | {
    "mode": ("drop",),
    "fit": ("exact", "longer"),
    "fill": (True,),
    "merge": ANY,
}

UNLIKE = Case(size=(13, 11), tile=(6, 7), stride=(4, 3), border=(1, 2), channels=1)
LAST = ranks(Case((13,), (6,), (4,), mode="drop", border=(1,), fill=7))
FITTED = [case for case in COMBINED_MERGES if case.border and not case.starts]


@clause("BORDER-001", also=[UNLIKE], **TIGHT)
def test_the_border_is_left_out(run: CaseRun) -> None:
    """The outer pixels of a tile do not take part, but at the rim of the frame."""
    where = ~rim(run.case) & (coverage_of(run.case) < 2)
    run.merge_agrees(by="numbers", where=where)


@clause("BORDER-001", also=FITTED, **OF_ANY_DTYPE)
@clause("BORDER-003", also=LAST, **DROPPED)
@clause("BORDER-004", **OF_ANY_DTYPE | {"scatter": (True,)})
def test_in_every_merge(run: CaseRun) -> None:
    """
    Borders do not take part in any merge, at any scale, in any mode.

    In drop the last tile keeps its high side only where the image ends; a scattered
    tile keeps the sides that lie at the image's edge.
    """
    agrees(run, by="coarse", first="border")


@clause("BORDER-002", also=FITTED, **TIGHT)
def test_the_rim_is_kept(run: CaseRun) -> None:
    """The first tile keeps its low side, and the last its high side."""
    case = run.case
    # Where more tiles lie, their borders count too.
    lone = coverage_of(replace(case, border=())) == 1
    run.merge_agrees(by="numbers", where=rim(case) & lone)


@clause("BORDER-005", needs=["refusals"], **TIGHT)
def test_no_pixel_may_be_lost(run: CaseRun) -> None:
    """A border below 0, or one that leaves less than the stride, is refused."""
    case = run.case
    for border in (-1, max(case.borders) + 1):
        bad = replace(case, border=(*case.borders[:-1], border))
        refuses_case(run, "untile", bad, f"the border is {bad.border}")
    bare = replace(case, stride=case.tile, border=(1,) * case.rank)
    refuses_case(run, "untile", bare, "tiles without overlap have a border of 1")


RESULTS = (*[None] * 3, "uint8", "int32", "float32")


@clause("BORDER-006", dtype=(*FLOATS, "uint8", "int16"), result=RESULTS, **BORDERED)
def test_nothing_leaks(run: CaseRun) -> None:
    """What is left out changes nothing, not even NaN or an infinity."""
    bare = replace(run.case, border=())
    unchanged_by(run, pixels_read(bare) & ~pixels_read(run.case))
