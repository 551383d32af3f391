"""GRID, COORD and RANDOM: positions as numbers, of images too large to be made.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

from reftiler_conformance import oracle
from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.oracle.settings import Settings
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused

SIDES = ("end", "both")
MODES = ("padding", "interpolation", "clamp", "even", "drop")

# Lengths, tiles and strides whose products no float64 and no int64 holds, and where a
# float32 or an int32 of a length itself is another.
HUGE = (
    (2**24 + 1, 2**19 + 1, 2**18 - 1),
    (2**31 + 11, 2**27 + 3, 2**26 + 1),
    (2**53 + 1, 2**49 + 7, 2**48 + 5),
    (2**61 + 3, 2**55 + 1, 2**55 - 3),
)


POSITIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "GRID-002": ("starts", ("padding",)),
    "GRID-003": ("starts", ("interpolation",)),
    "GRID-004": ("starts", ("clamp",)),
    "GRID-005": ("starts", ("even",)),
    "GRID-006": ("starts", ("drop",)),
    "COORD-002": ("boxes", ("padding", "clamp", "even", "drop")),
    "COORD-003": ("boxes", ("interpolation",)),
    "COORD-010": ("padding", MODES),
}
"""What a grid tells, and in which modes, by the clause that says it."""


def right(name: str, grid: oracle.Grid) -> list[Any]:
    """Return what a grid should tell, by the oracle."""
    if name == "padding":
        return [[axis.before, axis.after] for axis in grid.axes]
    if name == "starts":
        return [list(start) for start in grid.starts]
    return [[list(side) for side in box] for box in oracle.boxes(grid)]


def positions_of(clause: str) -> Callable[[Api], None]:
    """Return the check of a clause of `POSITIONS`."""
    name, modes = POSITIONS[clause]

    def test_of_huge_images(api: Api) -> None:
        for mode, side, huge, rank in product(modes, SIDES, HUGE, (1, 2)):
            length, tile, stride = huge
            tiles, strides = (tile, 2)[:rank], (stride, 1)[:rank]
            size = (length, 5)[:rank]
            grid = api.Tiler(tiles, strides, mode=mode, pad_side=side).grid(size)
            settings = Settings(tiles, strides, mode, pad_side=side)
            want = right(name, oracle.fitted(settings, size))
            got = np.asarray(getattr(grid, name)).tolist()
            what = f"{name} of {length} in {tile} by {stride}, {mode}"
            assert got == want, f"{what}: {_difference(got, want)}"

    return test_of_huge_images


for _clause in POSITIONS:
    api_clause(_clause)(positions_of(_clause))


def _difference(got: list[Any], want: list[Any]) -> str:
    if len(got) != len(want):
        return f"there are {len(got)}, should be {len(want)}"
    k = next(
        k
        for k, pair in enumerate(zip(got, want, strict=True))
        if len({*map(str, pair)}) > 1
    )
    return f"number {k} is {got[k]}, should be {want[k]}"


@api_clause("RANDOM-003")
def test_random_starts_in_huge_images(api: Api) -> None:
    """The product of a word and the number of starts is exact."""
    for length, tile, _ in HUGE:
        for align in ((1, 1), (2**13 + 1, 3)):
            size, tiles = (length, 50, 9), (tile, 7, 9)
            steps = (*align, 1)
            got = api.Tiler(tiles).random(size, 30, 2**70 + 5, align=steps).starts
            want = oracle.random_starts(
                Settings(tiles, tiles), size, 30, 2**70 + 5, steps
            )
            told = np.asarray(got).tolist()
            right = [list(start) for start in want]
            assert told == right, f"in {size} by {steps}: {_difference(told, right)}"


@api_clause("GRID-010")
def test_too_short(api: Api) -> None:
    """Grids whose frame is the image refuse what is shorter than the tile."""
    for mode in MODES:
        tiler = api.Tiler((8, 6), mode=mode)
        for size in ((7, 6), (8, 5), (1, 1)):
            if mode in ("padding", "interpolation"):
                assert len(tiler.grid(size)) == 1, f"{mode} of {size} is no one tile"
            else:
                refused(f"{mode} of {size} in (8, 6)", tiler.grid, size)
            refused(f"starts in {size}", tiler.scatter, size, [[0, 0]])
            refused(f"random starts in {size}", tiler.random, size, 1, 0)


@api_clause("GRID-011")
def test_tells_of_padding(api: Api) -> None:
    """The refusal names both lengths and proposes padding."""
    tiler = api.Tiler([17])
    calls = {mode: api.Tiler([17], mode=mode).grid for mode in MODES[2:]} | {
        "starts": lambda size: tiler.scatter(size, [[0]]),
        "random starts": lambda size: tiler.random(size, 1, 0),
    }
    for name, call in calls.items():
        message = refused(f"{name} of 13 in 17", call, (13,))
        for word in ("13", "17", "padding"):
            assert word in message, f"{word} is not in: {message}"


@api_clause("GRID-012")
def test_holds_integers(api: Api) -> None:
    """A grid is of integers, and the same every time."""
    for mode in MODES:
        tiler = api.Tiler((8, 6), (5, 3), mode=mode, remove_border_count=1)
        for grid, twin in zip(_grids(tiler), _grids(tiler), strict=True):
            assert grid == twin, "the same size gave two grids"
            for name, values in _numbers(grid).items():
                for value in values.flat:
                    assert _whole(value), f"{name} holds {value!r}, which is no int"
                same = np.array_equal(values, _numbers(twin)[name])
                assert same, f"the same size gave other {name}"


def _grids(tiler: Any) -> Iterator[Any]:
    """Return a fitted grid and scattered ones."""
    yield tiler.grid((23, 17))
    yield tiler.scatter((23, 17), [[15, 0], [0, 11]])
    yield tiler.random((23, 17), 3, 7)


def _numbers(grid: Any) -> dict[str, Any]:
    names = ("starts", "boxes", "padding", "image_size", "uncovered")
    found = {name: np.asarray(getattr(grid, name)) for name in names}
    sides = [[(s.start, s.stop) for s in grid.slices(k)] for k in range(len(grid))]
    return found | {"coverage": grid.coverage(), "slices": np.asarray(sides)}


def _whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
