"""WINDOW: weights."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import Cases, clause
from reftiler_conformance.compare import Mismatch, same_shape, values
from reftiler_conformance.crafted_tiles import chosen
from reftiler_conformance.draws import ANY
from reftiler_conformance.features import WINDOWS, Features
from reftiler_conformance.strategies import cases
from reftiler_conformance.suite.refused import refuses_case
from reftiler_conformance.tolerances import allowance, coverage_of

NAMED = WINDOWS[1:]
NEEDS = ("untile", "merge:mean")
CUSTOM = (*NEEDS, "window:custom")
PLAIN: dict[str, Any] = {
    "verb": "untile",
    "overlap": ("some",),
    "dtype": ("float64", "float32"),
    "content": ("random",),
}


def lines(name: str) -> Cases:
    """Return what draws cases of one axis, where it can, so that one profile counts."""

    def draws(features: Features) -> SearchStrategy[Case]:
        rank = (1,) if "rank:1" in features else ANY
        return cases(features, rank=rank, window=(name,), **PLAIN)

    return draws


@clause(
    "WINDOW-001",
    needs=("merge:mean",),
    rank=(2, 3),
    window=("triangle", "custom"),
    also=[
        Case(
            size=(6, 6, 6),
            tile=(4, 4, 4),
            stride=(2, 2, 2),
            window="triangle",
            content="random",
        )
    ],
    **PLAIN,
)
def test_one_factor_for_each_axis(run: CaseRun) -> None:
    """A weight is the product of one profile value for each axis."""
    run.merge_agrees(by="coarse")


def fractions(case: Case) -> Case:
    """Give a case profiles whose products round, and whose largest number is 1."""
    generator = np.random.Generator(np.random.PCG64(case.seed))
    profiles = (generator.uniform(0.1, 1, side).tolist() for side in case.tile)
    return replace(case, window=tuple((1.0, *profile[1:]) for profile in profiles))


def products(features: Features) -> SearchStrategy[Case]:
    """Draw cases whose weights are products that round."""
    asked = PLAIN | {"dtype": ("float64",)}
    return cases(features, rank=(3, 2), window=("custom",), **asked).map(fractions)


ROUNDED = (
    Case(size=(4, 4, 4), tile=(3, 3, 3), stride=(1, 1, 1), dtype="float64"),
    Case(size=(7, 7, 7), tile=(4, 4, 4), stride=(3, 3, 3), dtype="float64", channels=1),
)


@clause(
    "WINDOW-002",
    needs=(*CUSTOM, "exact"),
    draws=products,
    also=map(fractions, ROUNDED),
)
def test_in_the_order_of_axes(run: CaseRun) -> None:
    """The product is float64, in the order of the axes."""
    exact_products(run)


def exact_products(run: CaseRun) -> None:
    """Fail unless the weights are right to the bit, for subjects that are exact."""
    # Two tiles of powers of two: no product rounds, and there is but one order.
    tiles = chosen(run.case, [1, -2, 4, 0.5, -8])
    run.merge_agrees(tiles, where=coverage_of(run.case) == 2)


@clause("WINDOW-003", needs=("merge:mean",), window=NAMED, **PLAIN)
def test_mirrored(run: CaseRun) -> None:
    """A named profile is mirrored: mirrored tiles give the mirrored image."""
    case, tiles = run.case, run.case.tiles()
    merged = run.untile(tiles).array
    turned = run.untile(_mirrored_tiles(case, tiles)).array
    space = _space(case, merged)
    got = np.flip(turned, space)
    run.keep(got, merged)
    same_shape(got, merged)
    size = np.full(merged.shape, np.abs(values(tiles)).max())
    wrong = ~(np.abs(values(got) - values(merged)) <= 2 * allowance(case, size))
    if wrong.any():
        raise Mismatch(f"{int(wrong.sum())} of {got.size} differ when mirrored", wrong)


def _space(case: Case, array: Array) -> tuple[int, ...]:
    """Return the spatial axes of an array that has its channels first."""
    return tuple(range(array.ndim - case.rank, array.ndim))


def _mirrored_tiles(case: Case, tiles: Array) -> Array:
    """Turn every tile, and the order of the tiles on every axis of the grid."""
    grid = tiles.reshape(*case.grid.shape, *tiles.shape[1:])
    axes = (*range(case.rank), *_space(case, grid))
    return np.ascontiguousarray(np.flip(grid, axes)).reshape(tiles.shape)


@clause("WINDOW-004", needs=("merge:mean",), **PLAIN)
def test_box(run: CaseRun) -> None:
    """Box, the default, is 1 everywhere."""
    run.merge_agrees(by="coarse")


@clause("WINDOW-005", needs=NEEDS, draws=lines("triangle"))
def test_triangle(run: CaseRun) -> None:
    """A triangle is 2i + 1."""
    run.merge_agrees(by="coarse")


@clause("WINDOW-006", needs=NEEDS, draws=lines("hann"))
def test_hann(run: CaseRun) -> None:
    """Hann is the rounded square of a sine, and at least 1."""
    run.merge_agrees(by="coarse")


@clause("WINDOW-007", needs=NEEDS, draws=lines("gaussian"))
def test_gaussian(run: CaseRun) -> None:
    """A gaussian has a deviation of an eighth of the tile, and is at least 1."""
    run.merge_agrees(by="coarse")


LONG = {1: (16, 31, 64, 101, 200), 2: (16, 21), 3: ()}


def long_tiles(features: Features) -> SearchStrategy[Case]:
    """Draw two tiles so long that many weights must be rounded."""
    asked = PLAIN | {"rank": (1,) if "rank:1" in features else (2,)}
    drawn = cases(features, window=("hann", "gaussian"), **asked)

    def lengthened(case: Case) -> Case:
        sides = LONG[case.rank]
        tile = sides[case.seed % len(sides)]
        stride = tile // 3
        size, sizes, steps = ((n,) * case.rank for n in (tile, tile + stride, stride))
        return replace(case, tile=size, size=sizes, stride=steps)

    return drawn.map(lengthened)


@clause("WINDOW-008", needs=NEEDS, share=0.2, draws=long_tiles)
def test_rounded_exactly(run: CaseRun) -> None:
    """The weights of long profiles are rounded from the exact numbers."""
    run.merge_agrees(by="coarse")


@clause(
    "WINDOW-009",
    needs=("merge:mean",),
    rank=(1, 2),
    window=NAMED,
    scale=("scale",),
    **PLAIN,
)
def test_of_scaled_tiles(run: CaseRun) -> None:
    """Scaled tiles use the profile of their own length."""
    run.merge_agrees(by="coarse")


REFUSALS = (*CUSTOM, "refusals")


@clause("WINDOW-010", needs=REFUSALS, **PLAIN)
def test_one_number_for_each_pixel(run: CaseRun) -> None:
    """A custom window has a profile for each axis, as long as the tile."""
    case = run.case
    full = tuple((1.0,) * side for side in case.tile)
    longer = (*full[:-1], (*full[-1], 1.0))
    shorter = (*full[:-1], full[-1][1:])
    for window in (longer, shorter, (*full, full[0]), full[1:], ()):
        bad = replace(case, window=window)
        refuses_case(run, "untile", bad, f"{window} does not fit {case.tile}")


@clause("WINDOW-011", needs=REFUSALS, **PLAIN)
def test_not_too_far_apart(run: CaseRun) -> None:
    """Custom weights are finite, positive and at most 2**32 times the smallest."""
    case = run.case

    def window(first: float) -> Case:
        profiles = [(1.0,) * side for side in case.tile]
        profiles[-1] = (first, *profiles[-1][1:])
        return replace(case, window=tuple(profiles))

    for weight in (0.0, -1.0, nan, inf, 2.0**32 + 1, 2.0**-33):
        refuses_case(run, "untile", window(weight), f"a weight is {weight}")
    for weight in (2.0**32, 2.0**-32):  # these are allowed
        run.reopen(window(weight))


def far(case: Case) -> Case:
    """Give a case a lopsided profile of numbers of one size, which may be any."""
    size = (1.0, 3.0, 1e-300, 1e306)[case.seed % 4]
    profiles = (tuple(size * (1 + i * i) for i in range(side)) for side in case.tile)
    return replace(case, window=tuple(profiles))


def sizes(features: Features) -> SearchStrategy[Case]:
    """Draw cases with profiles that must be divided by their largest number."""
    asked = PLAIN | {"dtype": ("float64",)}
    return cases(features, window=("custom",), **asked).map(far)


@clause("WINDOW-012", needs=CUSTOM, draws=sizes)
def test_divided_by_the_largest(run: CaseRun) -> None:
    """A custom profile is divided by its largest number, and need not be symmetric."""
    exact_products(run)


@clause(
    "WINDOW-013",
    needs=REFUSALS,
    rank=(1, 2),
    scale=("scale",),
    **PLAIN,
)
def test_custom_is_not_scaled(run: CaseRun) -> None:
    """A custom window is refused for scaled tiles of another length."""
    case = run.case
    bad = replace(case, window=tuple((1.0,) * side for side in case.tile))
    why = f"tiles of {case.tile} have a window, these are others"
    refuses_case(run, "untile", bad, why)


@clause(
    "WINDOW-014",
    needs=("merge:mean", "exact"),
    window=NAMED,
    **PLAIN | {"dtype": ("float64",)},
)
def test_the_same_everywhere(run: CaseRun) -> None:
    """The weights are the same to the bit on every backend and device."""
    exact_products(run)
