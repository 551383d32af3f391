"""GRID: fitting an axis."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from reftiler_conformance.probes import asks
from reftiler_conformance.probes.refusal import refused
from reftiler_conformance.protocol import Api

MODES = ("padding", "interpolation", "clamp", "even", "drop")


@asks("GRID-010")
def too_short(api: Api) -> None:
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


@asks("GRID-011")
def tells_of_padding(api: Api) -> None:
    """The refusal names both lengths and proposes padding."""
    for mode in MODES[2:]:
        words = refused(f"{mode} of 13 in 17", api.Tiler([17], mode=mode).grid, (13,))
        for word in ("13", "17", "padding"):
            assert word in words, f"{word} is not in: {words}"


@asks("GRID-012")
def holds_integers(api: Api) -> None:
    """A grid is of integers, and the same for every image."""
    for mode in MODES:
        tiler = api.Tiler((8, 6), (5, 3), mode=mode, remove_border_count=1)
        grid, twin = (tiler.grid((23, 17)) for _ in range(2))
        assert grid == twin, "the same size gave two grids"
        for name in ("starts", "boxes", "padding", "image_size"):
            for value in np.asarray(getattr(grid, name)).flat:
                assert _whole(value), f"{name} holds {value!r}, which is no int"
        assert _whole(grid.uncovered), "uncovered is no int"


def _whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
