"""SCALE: tiles of another resolution."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch, same_numbers
from reftiler_conformance.draws import ANY
from reftiler_conformance.expected import expected_merge
from reftiler_conformance.features import Features
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.strategies import cases
from reftiler_conformance.suite.narrowed import ranks

SCALED: dict[str, Any] = {
    "verb": "untile",
    "rank": (1, 2),
    "scale": ("scale", "scale:axes"),
}
NEEDS = ("untile", "scale")
TWICE, HALF = Fraction(2), Fraction(1, 2)

UNLIKE = Case(size=(4, 6), tile=(2, 2), stride=(2, 2), scale=(TWICE, HALF), channels=1)
LED = ranks(Case(size=(6,), tile=(4,), stride=(4,), pad_side="both", scale=(TWICE,)))


@clause("SCALE-001", needs=("scale",), overlap=("none",), also=[UNLIKE], **SCALED)
def test_a_fraction(run: CaseRun) -> None:
    """The scale is the exact fraction of the lengths of the tiles."""
    run.merge_agrees(by="numbers")


Unfit = tuple[str, dict[str, Any]]

# Of each what is no whole number at half the size: the start, the leading padding, the
# border.
UNFIT: tuple[Unfit, ...] = (
    ("overlap", {"tile": 4, "stride": 3, "size": 7}),
    ("pad_side:both", {"tile": 4, "stride": 4, "size": 6}),
    ("border", {"tile": 8, "stride": 4, "size": 12}),
)


def unfit(features: Features) -> SearchStrategy[Case]:
    """Draw cases of which some length is no whole number at half the size."""
    allowed = [entry for entry in UNFIT if entry[0] in features]
    if "mode:padding" not in features:
        allowed = [entry for entry in allowed if entry[0] != "pad_side:both"]
    if not allowed:
        raise Unsupported("overlap, pad_side:both or border")

    def make(drawn: tuple[Case, Unfit]) -> Case:
        case, (feature, sides) = drawn
        made: dict[str, Any] = {name: (n,) * case.rank for name, n in sides.items()}
        if feature == "pad_side:both":
            made["pad_side"] = "both"
        if feature == "border":
            made["border"] = (1,) * case.rank
        return replace(case, **made)

    plain = cases(features, verb="untile", rank=(1, 2), overlap=("none",))
    return st.tuples(plain, st.sampled_from(allowed)).map(make)


@clause("SCALE-004", needs=(*NEEDS, "refusals"), draws=unfit)
def test_whole_numbers(run: CaseRun) -> None:
    """A scale at which a start, the padding or the border is no integer is refused."""
    case = run.case
    half = replace(case, scale=(HALF,) * case.rank)
    run.reopen(half)
    space = [side // 2 for side in case.tile]
    shape = join(case.count, case.depth, space, case.channels_last)
    tiles = np.zeros(shape, case.numpy_dtype)
    run.refuses(lambda: run.untile(tiles), "at half the size a length is not whole")


def common(case: Case, array: Array, other: Array) -> Array:
    """Return an array cut to the spatial lengths of another, where it is longer."""
    lead = (slice(None),) * (array.ndim - case.rank)
    if array.ndim != other.ndim:
        raise Mismatch(f"the shape is {array.shape}, should be {other.shape}")
    return array[(*lead, *map(slice, other.shape[other.ndim - case.rank :]))]


@clause(
    "SCALE-007",
    needs=("scale",),
    overlap=("tight",),
    border=ANY,
    fit=("exact", "longer"),
    pad_side=ANY,
    also=LED,
    **SCALED,
)
def test_all_lengths_are_scaled(run: CaseRun) -> None:
    """Starts, tiles, borders and the leading padding are scaled."""
    got, want = run.untile().array, expected_merge(run.case)
    run.keep(got, want)
    case = run.case  # how long the result is, is another clause
    same_numbers(common(case, got, want), common(case, want, got))


def lengths(features: Features) -> SearchStrategy[Case]:
    """Draw cases that end within a tile, or between tiles and the image's end."""
    asked = SCALED | {"overlap": ("none",)}
    beyond = cases(features, fit=("longer", "short"), **asked)
    if not {"mode:drop", "fill"} <= features:
        return beyond
    left = {"mode": ("drop",), "fill": (True,), "fit": ("longer",)}
    return beyond | cases(features, **asked, **left)


@clause("SCALE-008", needs=NEEDS, draws=lengths)
def test_rounded_up_and_cropped(run: CaseRun) -> None:
    """The result is as long as the image at the scale, rounded up."""
    run.merge_agrees(by="numbers")


@clause(
    "SCALE-009",
    needs=("scale",),
    mode=("interpolation",),
    overlap=("none",),
    fit=("longer", "short"),
    **SCALED,
)
def test_resampled_back(run: CaseRun) -> None:
    """In interpolation the result reads the merged frame of its own length."""
    run.merge_agrees(by="numbers")


@clause(
    "SCALE-010",
    needs=("scale",),
    mode=("drop",),
    overlap=("tight",),
    border=(True,),
    fit=("longer",),
    fill=(True,),
    **SCALED,
)
def test_sides_before_scaling(run: CaseRun) -> None:
    """Which sides keep their border is decided by the starts before scaling."""
    run.merge_agrees(by="numbers")
