"""What a function makes of a merged result: pixel by pixel, image by image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

from reftiler_conformance.oracle.grid import box
from reftiler_conformance.oracle.layout import (
    Array,
    Index,
    Layout,
    each,
    join,
    put_together,
    take_apart,
)

Function = Callable[[Array], Array]
Pixel = Mapping[int | None, bytes]
"""The bytes of each channel."""


def finished(merged: Array, layout: Layout, last: bool, function: Function) -> Array:
    """Return what a function makes of each pixel: FINISH-001, FINISH-003."""
    given, rank = take_apart(merged), len(layout.space)
    result, channels, dtype = dict[Index, bytes](), layout.channels, merged.dtype
    for n, place in product(each(layout.batch), box(layout.space)):
        pixel = {c: given[join(n, c, place, last)] for c in each(layout.channels)}
        found = made_of(block_of(pixel, rank, last, merged), function)
        dtype, there = found.dtype, take_apart(found)
        channels = found.shape[-1 if last else 0] if found.ndim > rank else None
        for c in each(channels):
            result[join(n, c, place, last)] = there[join(None, c, (0,) * rank, last)]
    return put_together(result, join(layout.batch, channels, layout.space, last), dtype)


def block_of(pixel: Pixel, rank: int, last: bool, merged: Array) -> Array:
    """Return a block of one pixel, in memory of its own: FINISH-002."""
    channels = None if None in pixel else len(pixel)
    raw = {join(None, c, (0,) * rank, last): found for c, found in pixel.items()}
    shape = join(None, channels, (1,) * rank, last)
    return put_together(raw, shape, merged.dtype).copy()


def made_of(block: Array, function: Function) -> Array:
    """Return what the function makes of a block; what it writes is lost: FINISH-005."""
    return function(block)
