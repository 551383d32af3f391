"""Cutting: every pixel of every tile, moved as bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from reftiler_conformance.definition.grid import Plan, box
from reftiler_conformance.definition.layout import (
    Array,
    each,
    join,
    order_of,
    put_together,
    split,
    take_apart,
)
from reftiler_conformance.definition.line import source
from reftiler_conformance.definition.rounding import (
    UnfitError,
    is_negative_zero,
    kind_of,
)
from reftiler_conformance.definition.wish import Number


def constant(value: Number, dtype: np.dtype[Any]) -> bytes:
    """Return the bytes of a constant; types that are no numbers have only zero."""
    kind = kind_of(dtype)
    if kind is None:
        if value != 0 or is_negative_zero(value):
            raise UnfitError(f"{dtype} has no {value}")
        return bytes(dtype.itemsize)
    return kind.constant(value).to_bytes(kind.size, order_of(dtype))


def tile(plan: Plan, image: Array) -> Array:
    """Cut an image: (N*K, C, *T), image-major, then row-major over the grid."""
    wish = plan.wish
    layout = split(image.shape, wish.rank, wish.channels_last)
    given, cut = take_apart(image), {}
    for n in each(layout.batch):
        for k, place in enumerate(plan.places):
            lead = (n or 0) * len(plan.places) + k
            for offset in box(wish.tile):
                where = [
                    source(plan.lines[axis], place.start[axis] + x, wish.pad_mode)
                    if plan.lines
                    else place.start[axis] + x
                    for axis, x in enumerate(offset)
                ]
                seen = [i for i in where if i is not None]
                for c in each(layout.channels):
                    if len(seen) < wish.rank:
                        pixel = constant(wish.pad_value, image.dtype)
                    else:
                        pixel = given[join(n, c, seen, wish.channels_last)]
                    cut[join(lead, c, offset, wish.channels_last)] = pixel
    lead = (layout.batch or 1) * len(plan.places)
    shape = join(lead, layout.channels, wish.tile, wish.channels_last)
    return put_together(cut, shape, image.dtype)


def has_view(plan: Plan) -> bool:
    """Say whether the tiles can be seen in the image without a copy."""
    if not plan.lines or plan.frame != plan.size:
        return False
    for line in plan.lines:
        steps = {b - a for a, b in zip(line.starts, line.starts[1:], strict=False)}
        if len(steps) > 1:
            return False
    return True


def view(plan: Plan, image: Array) -> Array:
    """Return the windows, shaped (..., *grid, *T), or (..., *grid, *T, C)."""
    wish = plan.wish
    layout = split(image.shape, wish.rank, wish.channels_last)
    given, seen = take_apart(image), {}
    for n in each(layout.batch):
        for c in each(layout.channels):
            for index, place in zip(box(plan.shape), plan.places, strict=True):
                for offset in box(wish.tile):
                    where = [s + x for s, x in zip(place.start, offset, strict=True)]
                    there = join(n, c, (*index, *offset), wish.channels_last)
                    seen[there] = given[join(n, c, where, wish.channels_last)]
    space = (*plan.shape, *wish.tile)
    shape = join(layout.batch, layout.channels, space, wish.channels_last)
    return put_together(seen, shape, image.dtype)
