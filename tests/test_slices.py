"""The kit's quick judge of large images says what the definition says."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings

from reftiler_conformance.cases import Case
from reftiler_conformance.compare import same_numbers
from reftiler_conformance.draws import ANY
from reftiler_conformance.expected import expected_merge, expected_tiles
from reftiler_conformance.features import MODES, features
from reftiler_conformance.slices import merge_by_slices, pieces_of
from reftiler_conformance.strategies import cases

EVERYTHING = features("*")
DTYPES = ("float32", "float64", "float16", "uint8", "int16", "int64")
BOTH = {
    "layout": ANY,
    "channels_last": ANY,
    "fit": ANY,
    "mode": ANY,
    "pad_side": ANY,
    "dtype": DTYPES,
}


@given(cases(EVERYTHING, **BOTH, pad_mode=ANY))
@settings(max_examples=150, deadline=None)
def test_slices_are_the_tiles(case: Case) -> None:
    same_numbers(pieces_of(case, case.image()), expected_tiles(case))


@given(
    cases(
        EVERYTHING,
        **BOTH | {"mode": tuple(mode for mode in MODES if mode != "drop")},
        verb="untile",
        window=ANY,
        merge=ANY,
        border=ANY,
        maps=ANY,
        result=(None, "float64", "float32", "uint8", "int32"),
        content=("index", "random"),
    )
)
@settings(max_examples=150, deadline=None)
def test_slices_are_merged(case: Case) -> None:
    same_numbers(merge_by_slices(case, case.tiles()), expected_merge(case))


@given(
    cases(
        EVERYTHING,
        **BOTH | {"mode": ("drop",), "fit": ("longer",)},
        verb="untile",
        merge=ANY,
        border=ANY,
        fill=(True,),
        content=("random",),
    )
)
@settings(max_examples=100, deadline=None)
def test_slices_are_filled(case: Case) -> None:
    same_numbers(merge_by_slices(case, case.tiles()), expected_merge(case))


@given(cases(EVERYTHING, verb="untile", scatter=(True,), fill=(True,), border=ANY))
@settings(max_examples=50, deadline=None)
def test_scattered_slices_are_merged(case: Case) -> None:
    same_numbers(merge_by_slices(case, case.tiles()), expected_merge(case))


def test_scaled_slices_are_merged() -> None:
    case = Case(
        size=(10, 13),
        tile=(6, 6),
        stride=(4, 2),
        border=(0, 2),
        pad_side="both",
        scale=(Fraction(1, 2), Fraction(3, 2)),
        window="hann",
    )
    same_numbers(merge_by_slices(case, case.tiles()), expected_merge(case))
    assert np.unique(case.tiles()).size > 1
