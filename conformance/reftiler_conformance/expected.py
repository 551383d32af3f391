"""What is right for a case, by the oracle; remembered, for a case comes often.

It is remembered by the recipe's text: cases that are equal to Python need not mean the
same, since 0 equals -0.0 and True equals 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from reftiler_conformance import oracle
from reftiler_conformance.cases import Array, Case, as_dtype, parse
from reftiler_conformance.finishes import finish_of
from reftiler_conformance.slices import merge_by_slices, pieces_of

LARGE = 300
"""The pixels of tiles beyond which slices of numpy merge, which the oracle equals."""


def expected_tiles(case: Case) -> Array:
    """Return the tiles of a case's image."""
    if math.prod(case.cut_shape) > LARGE:  # not remembered
        return tiles_of(case, case.image())
    return _remembered(tiles_of, Case.image, repr(case))


def expected_merge(case: Case) -> Array:
    """Return the merge of a case's tiles."""
    if math.prod(case.tiles_shape) > LARGE:  # not remembered
        return merge_of(case, case.tiles())
    return _remembered(merge_of, Case.tiles, repr(case))


def tiles_of(case: Case, image: Array) -> Array:
    """Return the tiles of any image of a case."""
    if math.prod(case.cut_shape) > LARGE:
        return pieces_of(case, image)
    return oracle.tile(case.grid, image)


def merge_of(case: Case, tiles: Array) -> Array:
    """Return the merge of any tiles of a case."""
    if tiles.size > LARGE and case.weights is None:
        merged = merge_by_slices(case, tiles)
    else:
        dtype = as_dtype(case.result) if case.result else tiles.dtype
        more = dtype, case.pixel_weights()
        merged = oracle.untile(case.grid, tiles, case.shape, case.scales, *more)
    return finished_of(case, merged)


def finished_of(case: Case, merged: Array) -> Array:
    """Return what a case makes of its merged pixels."""
    if not case.finish:
        return merged
    size = oracle.ScaledGrid(case.grid, case.scales).size
    layout = oracle.Layout(case.batch, case.depth, size)
    return oracle.finished(merged, layout, case.channels_last, finish_of(case))


@lru_cache(maxsize=64)
def _remembered(
    expected: Callable[[Case, Array], Array], given: Callable[[Case], Array], text: str
) -> Array:
    case = parse(text)
    array = expected(case, given(case))
    array.flags.writeable = False
    return array
