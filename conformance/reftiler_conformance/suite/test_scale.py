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
from reftiler_conformance.draws import ANY, SCALES, WIDE, cases
from reftiler_conformance.features import Features
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.suite.narrowed import ranks
from reftiler_conformance.suite.wide import EVERY, PLACES, agrees, merge_is_right

SCALED: dict[str, Any] = {
    "verb": "untile",
    "rank": (1, 2),
    "scale": ("scale", "scale:axes"),
}
NEEDS = ("untile", "scale")
TWICE, HALF = Fraction(2), Fraction(1, 2)

UNLIKE = Case(size=(4, 6), tile=(2, 2), stride=(2, 2), scale=(TWICE, HALF), channels=1)
LED = ranks(Case(size=(6,), tile=(4,), stride=(4,), pad_side="both", scale=(TWICE,)))
FIFTHS = Fraction(7, 5)


FRACTIONS = (
    UNLIKE,
    *(
        Case(size=(20, 20), tile=(10, 10), stride=(10, 10), channels=1, scale=(q, q))
        for q in (Fraction(7, 5), Fraction(1, 5), Fraction(3, 10))
    ),
    Case((40, 20), (20, 20), (20, 20), channels=1, scale=(Fraction(1, 4),) * 2),
)


@clause("SCALE-001", needs=("scale",), overlap=("none",), also=FRACTIONS, **SCALED)
def test_a_fraction(run: CaseRun) -> None:
    """The scale is the exact fraction of the lengths of the tiles."""
    run.merge_agrees(by="numbers")


def unfit_scales(case: Case) -> list[Fraction]:
    """Return scales at which the tiles are whole, and some other length is not."""
    grid = case.grid
    lengths = {
        *case.borders,
        *grid.before,
        *(n for start in grid.starts for n in start),
    }
    return [
        q
        for q in SCALES
        if all((n * q).denominator == 1 for n in case.tile)
        and any((n * q).denominator > 1 for n in lengths)
    ]


def unfit(features: Features) -> SearchStrategy[Case]:
    """Draw cases of which some start, padding or border is not whole at a scale."""
    asked = PLACES | {"layout": (), "count": ("few",), "border": ANY, "rank": (1, 2)}
    overlap = ("none", "some", "some")
    drawn = cases(features, **asked | {"overlap": overlap})
    return drawn.filter(unfit_scales)


@clause("SCALE-004", needs=(*NEEDS, "refusals"), draws=unfit)
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
    "SCALE-007",
    dtype=WIDE["dtype"],
    merge=ANY,
    content=("random",),
    also=LED,
    **EVERY | {"scale": SCALED["scale"]},
)
def test_all_lengths_are_scaled(run: CaseRun) -> None:
    """Starts, tiles, borders and the leading padding are scaled."""
    agrees(run, by="coarse", first="scale")


def lengths(features: Features) -> SearchStrategy[Case]:
    """Draw cases that end within a tile, or between tiles and the image's end."""
    asked = SCALED | {"overlap": ("none", "none", "some"), "merge": ANY}
    beyond = cases(features, fit=("longer", "short"), pad_side=ANY, **asked)
    if not {"mode:drop", "fill"} <= features:
        return beyond
    left = {"mode": ("drop",), "fill": (True,), "fit": ("longer",)}
    return beyond | cases(features, **asked, **left)


LENGTHS = ranks(
    *(
        Case(size=(n,), tile=(5,), stride=(5,), scale=(FIFTHS,), mode=mode, fill=fill)
        for n in (6, 7, 8, 9)
        for mode, fill in (("padding", None), ("drop", 7))
    ),
    Case(size=(11,), tile=(8,), stride=(8,), scale=(Fraction(1, 8),)),
    Case(size=(11,), tile=(8,), stride=(8,), scale=(Fraction(1, 4),)),
    Case(size=(5,), tile=(3,), stride=(3,), scale=(Fraction(4),)),
)


@clause("SCALE-008", needs=NEEDS, draws=lengths, also=LENGTHS)
def test_rounded_up_and_cropped(run: CaseRun) -> None:
    """The result is as long as the image at the scale, rounded up."""
    agrees(run, first="scale")


@clause(
    "SCALE-009",
    needs=("scale",),
    mode=("interpolation",),
    overlap=("none",),
    fit=("longer", "short"),
    also=[
        replace(case, mode="interpolation")
        for case in LENGTHS
        if case.mode == "padding"
    ],
    **SCALED,
)
def test_resampled_back(run: CaseRun) -> None:
    """In interpolation the result reads the merged frame of its own length."""
    run.merge_agrees(by="numbers")


@clause(
    "SCALE-010",
    needs=("scale",),
    mode=("drop",),
    scatter=(False, True),
    overlap=("tight", "some"),
    border=(True,),
    fit=("exact", "longer"),
    fill=(True,),
    merge=ANY,
    also=ranks(
        *(
            Case(
                size=(26,),
                tile=(12,),
                stride=(4,),
                border=(4,),
                mode="drop",
                fill=7,
                scale=(Fraction(q),),
            )
            for q in ("1/2", "1/4", "2")
        )
    ),
    **SCALED,
)
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
