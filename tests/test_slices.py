"""The kit's quick judge of large images says what the oracle says."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from reftiler_conformance import oracle
from reftiler_conformance.cases import Case
from reftiler_conformance.compare import same_bits, same_numbers
from reftiler_conformance.draws import ANY, WIDE, cases
from reftiler_conformance.features import NAMED_ONLY, features
from reftiler_conformance.oracle.grid import contributes
from reftiler_conformance.slices import (
    coverage_of,
    merge_by_slices,
    pieces_of,
    pixels_read,
)

EVERYTHING = features("*", *NAMED_ONLY - {"channels_last:only"})
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[*HealthCheck])


@given(cases(EVERYTHING, **WIDE))
@MANY
def test_slices_are_the_tiles(case: Case) -> None:
    grid = oracle.tile(case.grid, case.image())
    same_bits(pieces_of(case, case.image()), grid)


@given(
    cases(EVERYTHING, **WIDE | {"verb": "untile", "content": ANY, "result": (None,)})
)
@MANY
def test_slices_are_merged(case: Case) -> None:
    """By bits: zeros of both signs, NaN, 64-bit integers and bfloat16 too."""
    want = oracle.untile(case.grid, case.tiles(), case.shape, case.scales)
    same_bits(merge_by_slices(case, case.tiles()), want, nan="any")


@given(cases(EVERYTHING, **WIDE | {"verb": "untile", "content": ("index", "random")}))
@MANY
def test_slices_are_converted(case: Case) -> None:
    tiles, goal = case.tiles(), case.result_dtype
    want = oracle.untile(case.grid, tiles, case.shape, case.scales, goal)
    same_numbers(merge_by_slices(case, tiles), want)


@given(cases(EVERYTHING, **WIDE | {"verb": "untile", "scale": ("",)}))
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
