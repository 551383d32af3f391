"""SCALE: tiles of another resolution."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.draws import ANY, SCALES, cases, wide
from reftiler_conformance.features import Features
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.suite.narrowed import each, ranks
from reftiler_conformance.suite.verbs import refuses_case
from reftiler_conformance.suite.wide import EVERY, PLACES, agrees, merge_is_right

NEEDS = ["scale"]
SCALED: dict[str, Any] = {
    "verb": "untile",
    "rank": (1, 2),
    "scale": ("scale", "scale:axes"),
}
TWICE, HALF, FIFTHS = Fraction(2), Fraction(1, 2), Fraction(7, 5)

UNLIKE = Case(size=(4, 6), tile=(2, 2), stride=(2, 2), scale=(TWICE, HALF), channels=1)
LED = ranks(Case(size=(6,), tile=(4,), stride=(4,), pad_side="both", scale=(TWICE,)))
FRACTIONS = (
    UNLIKE,
    *each(
        [Case(size=(20, 20), tile=(10, 10), stride=(10, 10), channels=1)],
        scale=[(FIFTHS,) * 2, (FIFTHS / 7,) * 2, (Fraction(3, 10),) * 2],
    ),
    Case((40, 20), (20, 20), (20, 20), channels=1, scale=(HALF / 2,) * 2),
)
EIGHT = Case(size=(11,), tile=(8,), stride=(8,))
LENGTHS = ranks(
    *(
        Case(size=(n,), tile=(5,), stride=(5,), scale=(FIFTHS,), mode=mode, fill=fill)
        for n in (6, 7, 8, 9)
        for mode, fill in (("padding", None), ("drop", 7))
    ),
    *each([EIGHT], scale=[(HALF / 4,), (HALF / 2,)]),
    Case(size=(5,), tile=(3,), stride=(3,), scale=(TWICE * 2,)),
)
RESAMPLED = each(
    [case for case in LENGTHS if case.fill is None], mode=["interpolation"]
)
FITTED = SCALED | {"overlap": ("none",)}


@clause("SCALE-001", needs=NEEDS, also=FRACTIONS, **FITTED)
@clause(
    "SCALE-009",
    needs=NEEDS,
    also=RESAMPLED,
    **FITTED | {"mode": ("interpolation",), "fit": ("longer", "short")},
)
def test_a_fraction(run: CaseRun) -> None:
    """
    The scale is the exact fraction of the lengths of the tiles.

    In interpolation the result reads the merged frame of its own length.
    """
    run.merge_agrees(by="numbers")


def unfit_scales(case: Case) -> list[Fraction]:
    """Return scales at which the tiles are whole, and some other length is not."""
    starts = (n for start in case.grid.starts for n in start)
    lengths = {*case.borders, *case.grid.before, *starts}
    return [
        q
        for q in SCALES
        if all((n * q).denominator == 1 for n in case.tile)
        and any((n * q).denominator > 1 for n in lengths)
    ]


def unfit(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases of which some start, padding or border is not whole at a scale."""
    overlap = ("none", "some", "some")
    asked = PLACES | asked | {"layout": (), "count": ("few",), "overlap": overlap}
    return cases(features, **asked).filter(unfit_scales)


@clause(
    "SCALE-004",
    verb="untile",
    needs=[*NEEDS, "refusals"],
    draws=unfit,
    border=ANY,
    rank=(1, 2),
)
def test_whole_numbers(run: CaseRun) -> None:
    """A scale at which a start, the padding or the border is no integer is refused."""
    case = run.case
    scales = unfit_scales(case)
    scale = scales[case.seed % len(scales)]
    run.reopen(replace(case, scale=(scale,) * case.rank))
    space = [int(side * scale) for side in case.tile]
    shape = join(case.count, case.depth, space, case.channels_last)
    tiles = np.zeros(shape, case.numpy_dtype)
    run.refuses(
        lambda: run.untile(tiles), f"at the scale {scale} a length is not whole"
    )


@clause(
    "SCALE-004",
    verb="untile",
    needs=[*NEEDS, "refusals"],
    only=ranks(
        Case((6,), (4,), (3,), mode="interpolation", selection=(0,), fill=7),
    ),
)
def test_the_resampled_length_is_whole(run: CaseRun) -> None:
    """Of selected tiles too, P times the scale is an integer, or it is refused."""
    case = replace(run.case, scale=(HALF,) * run.case.rank)
    refuses_case(run, "untile", case, "7 · 1/2 is no integer")


@clause(
    "SCALE-007",
    also=LED,
    **EVERY | wide("dtype", "merge") | SCALED | {"rank": ANY, "content": ("random",)},
)
def test_all_lengths_are_scaled(run: CaseRun) -> None:
    """Starts, tiles, borders and the leading padding are scaled."""
    agrees(run, by="coarse", first="scale")


def lengths(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases that end within a tile, or between tiles and the image's end."""
    beyond = cases(features, fit=("longer", "short"), pad_side=ANY, **asked)
    if not {"mode:drop", "fill"} <= features:
        return beyond
    left = {"mode": ("drop",), "fill": (True,), "fit": ("longer",)}
    return beyond | cases(features, **asked, **left)


@clause(
    "SCALE-008",
    needs=NEEDS,
    draws=lengths,
    also=LENGTHS,
    merge=ANY,
    overlap=("none", "none", "some"),
    **SCALED,
)
def test_rounded_up_and_cropped(run: CaseRun) -> None:
    """The result is as long as the image at the scale, rounded up."""
    agrees(run, first="scale")


SIDES = ranks(
    *each(
        [Case((26,), (12,), (4,), border=(4,), mode="drop", fill=7)],
        scale=[(q,) for q in (HALF, HALF / 2, TWICE)],
    )
)
BORDERED = SCALED | {
    "mode": ("drop",),
    "scatter": (False, True),
    "overlap": ("tight", "some"),
    "border": (True,),
    "fit": ("exact", "longer"),
    "fill": (True,),
    "merge": ANY,
}


@clause("SCALE-010", needs=NEEDS, also=SIDES, **BORDERED)
def test_sides_before_scaling(run: CaseRun) -> None:
    """Which sides keep their border is decided by the starts before scaling."""
    try:
        run.merge_agrees(by="coarse")
    except Mismatch as error:
        # Each of the two by itself is another clause.
        alone = (
            ("SCALE-007", replace(run.case, border=())),
            ("BORDER-003", replace(run.case, scale=())),
        )
        for clause_id, case in alone:
            if not error.clause and not merge_is_right(run, case):
                error.clause = clause_id
        raise
