"""BORDER: leaving out the border of tiles."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance import definition
from reftiler_conformance.bounds import taking_part
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import same_numbers
from reftiler_conformance.crafted import spoilt
from reftiler_conformance.draws import FLOATS
from reftiler_conformance.features import Features
from reftiler_conformance.lines import ranks
from reftiler_conformance.refused import refuses_case
from reftiler_conformance.registry import check
from reftiler_conformance.strategies import cases
from reftiler_conformance.trial import Trial

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
    counts = np.array(definition.coverage(replace(case, border=()).plan))
    found: Array = counts.reshape(case.size) == 1
    return found


@check("BORDER-001", needs=NEEDS, draws=tight)
def the_border_is_left_out(trial: Trial) -> None:
    """The outer pixels of a tile do not take part, but at the rim of the frame."""
    trial.merge_agrees(by="numbers", where=~rim(trial.case))


@check("BORDER-002", needs=NEEDS, draws=tight)
def the_rim_is_kept(trial: Trial) -> None:
    """The first tile keeps its low side, and the last its high side."""
    case = trial.case
    # Where more tiles lie, their borders count too.
    trial.merge_agrees(by="numbers", where=rim(case) & lone(case))


@check(
    "BORDER-003",
    mode=("drop",),
    fit=("exact", "longer"),
    fill=(True,),
    also=ranks(
        Case(size=(13,), tile=(6,), stride=(4,), mode="drop", border=(1,), fill=7)
    ),
    **TIGHT,
)
def the_last_dropped_side(trial: Trial) -> None:
    """In drop the last tile keeps its high side only where the image ends."""
    case = trial.case
    here = np.zeros(case.size, bool)
    for axis, line in enumerate(case.plan.lines):
        end = line.starts[-1] + line.tile
        side = (slice(None),) * axis
        here[(*side, slice(end - case.borders[axis], end))] = True
    for axis, r in enumerate(case.borders):  # the low sides are another clause
        here[(*(slice(None),) * axis, slice(r))] = False
    trial.merge_agrees(by="numbers", where=here)


@check(
    "BORDER-004",
    verb="untile",
    scatter=(True,),
    border=(True,),
    overlap=("some",),
    fill=(True,),
)
def of_scattered_tiles(trial: Trial) -> None:
    """A scattered tile keeps the sides that lie at the image's edge."""
    trial.merge_agrees(by="numbers", where=taking_part(trial.case) < 2)


@check("BORDER-005", needs=("refusals",), **TIGHT)
def no_pixel_may_be_lost(trial: Trial) -> None:
    """A border below 0, or one that leaves less than the stride, is refused."""
    case = trial.case
    for border in (-1, max(case.borders) + 1):
        bad = replace(case, border=(*case.borders[:-1], border))
        refuses_case(trial, "untile", bad, f"the border is {bad.border}")
    bare = replace(case, stride=case.tile, border=(1,) * case.rank)
    refuses_case(trial, "untile", bare, "tiles without overlap have a border of 1")


def floats(features: Features) -> SearchStrategy[Case]:
    """Draw the like with floats, more than one to a pixel."""
    asked = TIGHT | {"overlap": ("some",), "dtype": FLOATS}
    return cases(features, fill=("fill" in features,), **asked)


@check("BORDER-006", needs=NEEDS, draws=floats)
def nothing_leaks(trial: Trial) -> None:
    """What is left out changes nothing, not even NaN or an infinity."""
    case, tiles = trial.case, trial.case.tiles()
    merged = trial.untile(tiles).array
    poison = (nan, inf, -inf)[case.seed % 3]
    again = trial.untile(spoilt(case, tiles, poison)).array
    trial.keep(again, merged)
    same_numbers(again, merged)
