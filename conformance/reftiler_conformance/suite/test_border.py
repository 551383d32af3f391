"""BORDER: leaving out the border of tiles."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance import oracle
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import same_numbers
from reftiler_conformance.crafted_tiles import spoilt
from reftiler_conformance.draws import FLOATS
from reftiler_conformance.features import Features
from reftiler_conformance.strategies import cases
from reftiler_conformance.suite.narrowed import ranks
from reftiler_conformance.suite.refused import refuses_case
from reftiler_conformance.tolerances import coverage_of

NEEDS = ("untile", "border")

# One tile takes part in every pixel, so that nothing is averaged.
TIGHT: dict[str, Any] = {"verb": "untile", "overlap": ("tight",), "border": (True,)}


def rim(case: Case) -> Array:
    """Say which pixels of the image lie as near to its edge as the border is wide."""
    found = np.ones(case.size, bool)
    inner = (slice(r, n - r) for r, n in zip(case.borders, case.size, strict=True))
    found[tuple(inner)] = False
    return found


def tight(features: Features) -> SearchStrategy[Case]:
    """Draw cases of which a pixel of no tile is filled, if that is supported."""
    return cases(features, fill=("fill" in features,), **TIGHT)


def lone(case: Case) -> Array:
    """Say which pixels lie in one tile alone, be it in its border."""
    counts = np.array(oracle.coverage(replace(case, border=()).grid))
    found: Array = counts.reshape(case.size) == 1
    return found


@clause("BORDER-001", needs=NEEDS, draws=tight)
def test_the_border_is_left_out(run: CaseRun) -> None:
    """The outer pixels of a tile do not take part, but at the rim of the frame."""
    run.merge_agrees(by="numbers", where=~rim(run.case))


@clause("BORDER-002", needs=NEEDS, draws=tight)
def test_the_rim_is_kept(run: CaseRun) -> None:
    """The first tile keeps its low side, and the last its high side."""
    case = run.case
    # Where more tiles lie, their borders count too.
    run.merge_agrees(by="numbers", where=rim(case) & lone(case))


@clause(
    "BORDER-003",
    mode=("drop",),
    fit=("exact", "longer"),
    fill=(True,),
    also=ranks(
        Case(size=(13,), tile=(6,), stride=(4,), mode="drop", border=(1,), fill=7)
    ),
    **TIGHT,
)
def test_the_last_dropped_side(run: CaseRun) -> None:
    """In drop the last tile keeps its high side only where the image ends."""
    case = run.case
    here = np.zeros(case.size, bool)
    for axis, line in enumerate(case.grid.axes):
        end = line.starts[-1] + line.tile
        side = (slice(None),) * axis
        here[(*side, slice(end - case.borders[axis], end))] = True
    for axis, r in enumerate(case.borders):  # the low sides are another clause
        here[(*(slice(None),) * axis, slice(r))] = False
    run.merge_agrees(by="numbers", where=here)


@clause(
    "BORDER-004",
    verb="untile",
    scatter=(True,),
    border=(True,),
    overlap=("some",),
    fill=(True,),
)
def test_of_scattered_tiles(run: CaseRun) -> None:
    """A scattered tile keeps the sides that lie at the image's edge."""
    run.merge_agrees(by="numbers", where=coverage_of(run.case) < 2)


@clause("BORDER-005", needs=("refusals",), **TIGHT)
def test_no_pixel_may_be_lost(run: CaseRun) -> None:
    """A border below 0, or one that leaves less than the stride, is refused."""
    case = run.case
    for border in (-1, max(case.borders) + 1):
        bad = replace(case, border=(*case.borders[:-1], border))
        refuses_case(run, "untile", bad, f"the border is {bad.border}")
    bare = replace(case, stride=case.tile, border=(1,) * case.rank)
    refuses_case(run, "untile", bare, "tiles without overlap have a border of 1")


def floats(features: Features) -> SearchStrategy[Case]:
    """Draw the like with floats, more than one to a pixel."""
    asked = TIGHT | {"overlap": ("some",), "dtype": FLOATS}
    return cases(features, fill=("fill" in features,), **asked)


@clause("BORDER-006", needs=NEEDS, draws=floats)
def test_nothing_leaks(run: CaseRun) -> None:
    """What is left out changes nothing, not even NaN or an infinity."""
    case, tiles = run.case, run.case.tiles()
    merged = run.untile(tiles).array
    poison = (nan, inf, -inf)[case.seed % 3]
    again = run.untile(spoilt(case, tiles, poison)).array
    run.keep(again, merged)
    same_numbers(again, merged)
