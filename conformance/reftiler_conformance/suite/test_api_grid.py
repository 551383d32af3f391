"""GRID, COORD and RANDOM: positions as numbers, of images too large to be made.

PYTEST_DONT_REWRITE: these asserts are the subject's process's, in plain Python.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from reftiler_conformance import oracle
from reftiler_conformance.api_checks import api_clause, api_clauses
from reftiler_conformance.oracle.settings import Settings
from reftiler_conformance.protocol import Api

MODES = ("padding", "interpolation", "clamp", "even", "drop")

# Lengths, tiles and strides whose products no float64 and no int64 holds, and where a
# float32 or an int32 of a length itself is another.
HUGE = (
    (2**24 + 1, 2**19 + 1, 2**18 - 1),
    (2**31 + 11, 2**27 + 3, 2**26 + 1),
    (2**53 + 1, 2**49 + 7, 2**48 + 5),
    (2**61 + 3, 2**55 + 1, 2**55 - 3),
)


def right(name: str, grid: oracle.Grid) -> list[Any]:
    """Return what a grid should tell, by the oracle."""
    if name == "padding":
        return [[axis.before, axis.after] for axis in grid.axes]
    if name == "starts":
        return [list(start) for start in grid.starts]
    return [[list(side) for side in box] for box in oracle.boxes(grid)]


@api_clauses(
    {
        "GRID-002": ("starts", ("padding",)),
        "GRID-003": ("starts", ("interpolation",)),
        "GRID-004": ("starts", ("clamp",)),
        "GRID-005": ("starts", ("even",)),
        "GRID-006": ("starts", ("drop",)),
        "COORD-002": ("boxes", ("padding", "clamp", "even", "drop")),
        "COORD-003": ("boxes", ("interpolation",)),
        "COORD-010": ("padding", MODES),
    }
)
def test_of_huge_images(api: Api, asked: tuple[str, tuple[str, ...]]) -> None:
    """What a grid tells of huge images is exact, in the modes that a clause says."""
    name, modes = asked
    for mode, side, huge, rank in product(modes, ("end", "both"), HUGE, (1, 2)):
        length, tile, stride = huge
        size, tiles, strides = (length, 5)[:rank], (tile, 2)[:rank], (stride, 1)[:rank]
        grid = api.Tiler(tiles, strides, mode=mode, pad_side=side).grid(size)
        settings = Settings(tiles, strides, mode, pad_side=side)
        want = right(name, oracle.fitted(settings, size))
        what = f"{name} of {length} in {tile} by {stride}, {mode}"
        is_same(np.asarray(getattr(grid, name)).tolist(), want, what)


def is_same(got: list[Any], want: list[Any], what: str) -> None:
    """Fail, and tell of the first difference, unless lists are equal."""
    assert len(got) == len(want), f"{what}: {len(got)}, should be {len(want)}"
    for k, (one, other) in enumerate(zip(got, want, strict=True)):
        assert one == other, f"{what}: number {k} is {one}, should be {other}"


@api_clause("RANDOM-003")
def test_random_starts_in_huge_images(api: Api) -> None:
    """The product of a word and the number of starts is exact."""
    for (length, tile, _), align in product(HUGE, ((1, 1), (2**13 + 1, 3))):
        size, tiles, steps = (length, 50, 9), (tile, 7, 9), (*align, 1)
        got = api.Tiler(tiles).random(size, 30, 2**70 + 5, align=steps).starts
        asked = Settings(tiles, tiles), size, 30, 2**70 + 5, steps
        want = [list(start) for start in oracle.random_starts(*asked)]
        is_same(np.asarray(got).tolist(), want, f"starts in {size} by {steps}")
