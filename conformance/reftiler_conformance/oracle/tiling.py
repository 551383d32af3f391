"""Cutting: every pixel of every tile, moved as bytes."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np

from reftiler_conformance.oracle.axis import extend, source
from reftiler_conformance.oracle.grid import Grid, Pixel, box, moved
from reftiler_conformance.oracle.layout import (
    Array,
    Index,
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
    if kind is None:  # VALUE-004
        if value != 0 or is_negative_zero(value):
            raise UnfitError(f"{dtype} has no {value}")
        return bytes(dtype.itemsize)
    return kind.constant(value).to_bytes(kind.size, order_of(dtype))


def tile(grid: Grid, image: Array) -> Array:
    """Cut an image: (N*K, C, *T), image-major, then row-major over the grid."""
    settings, count = grid.settings, len(grid.tile_specs)
    last = settings.channels_last
    layout = split(image.shape, settings.rank, last)
    given, cut = take_apart(image), dict[Index, bytes]()
    for k, place in enumerate(grid.tile_specs):
        for offset in box(settings.cut_size):
            seen = shown(grid, cut_pixel(grid, place.start, offset))
            for n, c in product(each(layout.batch), each(layout.channels)):
                here = join((n or 0) * count + k, c, offset, last)  # LAYOUT-007
                if seen is None:  # PAD-004
                    cut[here] = constant(settings.pad_value, image.dtype)
                else:
                    cut[here] = given[join(n, c, seen, last)]
    lead = (layout.batch or 1) * count
    shape = join(lead, layout.channels, settings.cut_size, last)
    return put_together(cut, shape, image.dtype)


def cut_pixel(grid: Grid, start: Pixel, offset: Pixel) -> Pixel:
    """Return the frame pixel of a tile's, which has its context ahead: CONTEXT-001."""
    return moved(moved(offset, start), [-c for c in grid.settings.contexts])


def shown(grid: Grid, pixel: Pixel) -> Pixel | None:
    """Return the image pixel that a frame pixel shows; None is the pad value."""
    mode = grid.settings.pad_mode
    if grid.axes:
        sides = zip(grid.axes, pixel, strict=True)
        where = [source(line, j, mode) for line, j in sides]
    else:  # SCATTER-002
        where = [extend(j, n, mode) for j, n in zip(pixel, grid.size, strict=True)]
    seen = tuple(i for i in where if i is not None)
    return seen if len(seen) == len(where) else None


def has_view(grid: Grid) -> bool:
    """Say whether the tiles can be seen in the image without a copy: VIEW-006."""
    if any(grid.settings.contexts):
        return False
    if grid.selected or not grid.axes or grid.frame != grid.size:
        return False
    steps = ({b - a for a, b in pairwise(line.starts)} for line in grid.axes)
    return all(len(different) <= 1 for different in steps)


def view(grid: Grid, image: Array) -> Array:
    """Return the windows, shaped (..., *grid, *T), or (..., *grid, *T, C)."""
    settings = grid.settings
    last = settings.channels_last
    layout = split(image.shape, settings.rank, last)
    given, seen = take_apart(image), dict[Index, bytes]()
    for n, c in product(each(layout.batch), each(layout.channels)):
        for index, place in zip(box(grid.shape), grid.tile_specs, strict=True):
            for offset in box(settings.tile):
                there = join(n, c, (*index, *offset), last)
                seen[there] = given[join(n, c, moved(offset, place.start), last)]
    space = (*grid.shape, *settings.tile)
    shape = join(layout.batch, layout.channels, space, last)
    return put_together(seen, shape, image.dtype)
