"""GRID: fitting an axis."""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from typing import Any

import numpy as np

from reftiler_conformance.api_checks import api_clause
from reftiler_conformance.protocol import Api
from reftiler_conformance.suite.refusals import refused

MODES = ("padding", "interpolation", "clamp", "even", "drop")


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
        words = refused(f"{name} of 13 in 17", call, (13,))
        for word in ("13", "17", "padding"):
            assert word in words, f"{word} is not in: {words}"


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
