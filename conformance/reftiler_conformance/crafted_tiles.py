"""Tiles made for a purpose, where no word for contents says it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reftiler_conformance.cases import Array, Case, Sizes
from reftiler_conformance.oracle import BFLOAT16, ScaledGrid


def chosen(case: Case, numbers: Sequence[float], shape: Sizes | None = None) -> Array:
    """
    Return the tiles of a case, each pixel one of the numbers, as the case's seed says.

    Parameters
    ----------
    case
        Of which the tiles are to be merged.
    numbers
        What the case's dtype can hold.
    shape
        The tiles', or what can be broadcast to it: few axes make whole tiles alike.
    """
    generator = np.random.Generator(np.random.PCG64(case.seed))
    some = case.tiles_shape if shape is None else shape
    found = held(numbers, case.dtype)[generator.integers(0, len(numbers), some)]
    return np.ascontiguousarray(np.broadcast_to(found, case.tiles_shape))


def whole_tiles(case: Case, numbers: Sequence[float]) -> Array:
    """Return tiles that hold one number each, as the case's seed says."""
    return chosen(case, numbers, (case.count, *(1,) * (len(case.tiles_shape) - 1)))


def spoilt(case: Case, tiles: Array, poison: float) -> Array:
    """Return tiles that hold something else wherever the image has nothing of them."""
    merging = ScaledGrid(case.grid, case.scales)
    taken, parts = np.zeros((case.count, *merging.tile), bool), merging.parts()
    for there in merging.sources():
        for k, offset, _ in parts.get(there, ()):
            taken[(k, *offset)] = True
    found = tiles.copy()
    found[~taken.reshape(tiles.shape)] = held([poison], case.dtype)[0]
    return found


def held(numbers: Sequence[float], dtype: str) -> Array:
    """Return numbers as an array of a dtype that can hold them."""
    if dtype != "bfloat16":
        return np.array(numbers, dtype)
    wide = np.array(numbers, np.float32)
    halves: Array = (wide.view(np.uint32) >> 16).astype("<u2").view(BFLOAT16)
    return halves
