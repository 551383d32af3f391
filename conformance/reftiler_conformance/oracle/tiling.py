"""Cutting: every pixel of every tile, moved as bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from reftiler_conformance.oracle.axis import source
from reftiler_conformance.oracle.grid import Grid, box
from reftiler_conformance.oracle.layout import (
    Array,
    each,
    join,
    order_of,
    put_together,
    split,
    take_apart,
)
from reftiler_conformance.oracle.rounding import (
    UnfitError,
    dtype_info,
    is_negative_zero,
)
from reftiler_conformance.oracle.settings import Number


def constant(value: Number, dtype: np.dtype[Any]) -> bytes:
    """Return the bytes of a constant; types that are no numbers have only zero."""
    kind = dtype_info(dtype)
    if kind is None:
        if value != 0 or is_negative_zero(value):
            raise UnfitError(f"{dtype} has no {value}")
        return bytes(dtype.itemsize)
    return kind.constant(value).to_bytes(kind.size, order_of(dtype))


def tile(grid: Grid, image: Array) -> Array:
    """Cut an image: (N*K, C, *T), image-major, then row-major over the grid."""
    settings = grid.settings
    layout = split(image.shape, settings.rank, settings.channels_last)
    given, cut = take_apart(image), {}
    for n in each(layout.batch):
        for k, place in enumerate(grid.tile_specs):
            lead = (n or 0) * len(grid.tile_specs) + k
            for offset in box(settings.tile):
                where = [
                    source(grid.axes[axis], place.start[axis] + x, settings.pad_mode)
                    if grid.axes
                    else place.start[axis] + x
                    for axis, x in enumerate(offset)
                ]
                seen = [i for i in where if i is not None]
                for c in each(layout.channels):
                    if len(seen) < settings.rank:
                        pixel = constant(settings.pad_value, image.dtype)
                    else:
                        pixel = given[join(n, c, seen, settings.channels_last)]
                    cut[join(lead, c, offset, settings.channels_last)] = pixel
    lead = (layout.batch or 1) * len(grid.tile_specs)
    shape = join(lead, layout.channels, settings.tile, settings.channels_last)
    return put_together(cut, shape, image.dtype)


def has_view(grid: Grid) -> bool:
    """Say whether the tiles can be seen in the image without a copy."""
    if not grid.axes or grid.frame != grid.size:
        return False
    for line in grid.axes:
        steps = {b - a for a, b in zip(line.starts, line.starts[1:], strict=False)}
        if len(steps) > 1:
            return False
    return True


def view(grid: Grid, image: Array) -> Array:
    """Return the windows, shaped (..., *grid, *T), or (..., *grid, *T, C)."""
    settings = grid.settings
    layout = split(image.shape, settings.rank, settings.channels_last)
    given, seen = take_apart(image), {}
    for n in each(layout.batch):
        for c in each(layout.channels):
            for index, place in zip(box(grid.shape), grid.tile_specs, strict=True):
                for offset in box(settings.tile):
                    where = [s + x for s, x in zip(place.start, offset, strict=True)]
                    there = join(n, c, (*index, *offset), settings.channels_last)
                    seen[there] = given[join(n, c, where, settings.channels_last)]
    space = (*grid.shape, *settings.tile)
    shape = join(layout.batch, layout.channels, space, settings.channels_last)
    return put_together(seen, shape, image.dtype)
