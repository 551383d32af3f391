"""What is right for a case: slices of numpy say what the oracle says; remembered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from reftiler_conformance import oracle
from reftiler_conformance.cases import Case
from reftiler_conformance.compare import same_bits
from reftiler_conformance.draws import ANY, WIDE, cases
from reftiler_conformance.expected import expected_merge, expected_tiles
from reftiler_conformance.features import NAMED_ONLY, features
from reftiler_conformance.oracle.grid import contributes
from reftiler_conformance.slices import (
    coverage_of,
    merge_by_slices,
    pieces_of,
    pixels_read,
)

EVERYTHING = features("*", *NAMED_ONLY - {"channels_last:only"})
MANY = settings(max_examples=200, deadline=None, suppress_health_check=[*HealthCheck])


@given(cases(EVERYTHING, **WIDE))
@MANY
def test_slices_are_the_tiles(case: Case) -> None:
    want = oracle.tile(case.grid, case.image())
    same_bits(pieces_of(case, case.image()), want)


MERGED = WIDE | {"verb": "untile"}
AS_THEY_ARE = cases(EVERYTHING, **MERGED | {"content": ANY, "result": (None,)})
CONVERTED = cases(EVERYTHING, **MERGED)


@given(AS_THEY_ARE | CONVERTED)
@MANY
def test_slices_are_merged(case: Case) -> None:
    """By bits: zeros of both signs, NaN, 64-bit integers and bfloat16 too."""
    tiles, goal = case.tiles(), case.result_dtype
    want = oracle.untile(case.grid, tiles, case.shape, case.scales, goal)
    same_bits(merge_by_slices(case, tiles), want, nan="any")


@given(cases(EVERYTHING, **MERGED | {"scale": ("",)}))
@MANY
def test_pixels_are_counted(case: Case) -> None:
    """Each tile takes part where its pixels are read, as `oracle.coverage` counts."""
    counts = oracle.coverage(case.grid)
    assert coverage_of(case).ravel().tolist() == counts
    read, sides = pixels_read(case), (case.tile, case.borders)
    for place, tile in zip(case.grid.tile_specs, read, strict=True):
        for offset in zip(*tile.nonzero(), strict=True):
            assert contributes(place, tuple(map(int, offset)), *sides)
    assert read.any() or not any(counts)


def test_recipes_that_python_calls_equal_are_told_apart() -> None:
    """0 equals -0.0, and only one of the two has the sign."""
    short = Case(size=(3,), tile=(4,), stride=(4,), pad_value=0)
    minus = replace(short, pad_value=-0.0)
    assert minus == short
    padding = [expected_tiles(case)[0, 3] for case in (short, minus)]
    assert np.signbit(padding).tolist() == [False, True]
    sparse = Case(size=(5,), tile=(2,), stride=(2,), mode="drop", fill=0)
    filled = [expected_merge(replace(sparse, fill=zero))[4] for zero in (0, -0.0)]
    assert np.signbit(filled).tolist() == [False, True]
    with pytest.raises(ValueError, match="read-only"):
        expected_tiles(short)[0, 0] = 1  # which is remembered
