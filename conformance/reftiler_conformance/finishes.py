"""Functions of merged pixels, by the names that cases have for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reftiler_conformance.cases import Array, Case
from reftiler_conformance.slices import values


def argmax(block: Array, axis: int | None) -> Array:
    """Return the first channel of the largest value; without channels `positive`."""
    if axis is None:
        return positive(block, axis)
    return np.asarray(_numbers(block).argmax(axis).astype(np.uint8))


def positive(block: Array, axis: int | None) -> Array:
    """Return where values are positive, as bool."""
    return np.asarray(_numbers(block) > 0)


def twice(block: Array, axis: int | None) -> Array:
    """Return all channels twice; without channels two of them."""
    if axis is None:
        return np.stack([block, block])
    return np.concatenate([block, block], axis)


def emptied(block: Array, axis: int | None) -> Array:
    """Return a copy, and leave zeros in the block."""
    found = block.copy()
    block[...] = 0
    return found


def told(block: Array, axis: int | None) -> Array:
    """Return what is known of the block itself, in each of its pixels."""
    space = block.shape if axis is None else np.take(block, 0, axis).shape
    kind = "biufV".index(block.dtype.kind)
    return np.full(space, 100 * kind + 10 * block.itemsize + block.ndim, np.int16)


def _numbers(block: Array) -> Array:
    """Return values that numpy compares, bfloat16 too."""
    return values(block) if block.dtype.kind == "V" else block


FINISHES: dict[str, Callable[[Array, int | None], Array]] = {
    function.__name__: function for function in (argmax, positive, twice, emptied, told)
}
"""Each treats a pixel by itself; the axis is that of the channels, if there are any."""


def finish_of(case: Case) -> Callable[[Array], Array]:
    """Return the function of a case, for blocks of its merged pixels."""
    axis = None if case.depth is None else -1 if case.channels_last else 0
    if case.finish == "twice" and axis is None and case.channels_last:
        return lambda block: np.stack([block, block], -1)
    function = FINISHES[case.finish]
    return lambda block: function(block, axis)
