"""Merging with numpy where the same pattern of tiles repeats: all of it at once.

In a regular grid tiles meet as their neighbours do. A cell is where the same tiles take
part in every pixel; a view of the image shows all cells of a kind, and slices of the
tiles are what each of those that meet gives to them.
"""

import math
from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from reftiler.cut import Array, fill_scalar
from reftiler.geometry import Overlap, TileGeometry
from reftiler.parallel import parallel_for
from reftiler.plan import UntilePlan
from reftiler.rules import Block, channels_at_once, room, rule_of
from reftiler.runs import Cell, find_runs, pieces

WORTH = 1.0
"""Patterns are merged if they are fewer than so many times the tiles."""

DENSE = 3
"""Where more tiles meet along a row each is read in many short stretches: too slow."""


def find(placement: TileGeometry) -> list[Cell]:
    """Return the kinds of cells that the image is made of; none if little repeats.

    Where no tile takes part there is no cell.
    """
    resampled = any(axis.resampled and not axis.is_unpadded for axis in placement.axes)
    if placement.is_irregular or resampled or placement.axes[-1].coverage.max() > DENSE:
        return []
    runs = [find_runs(axis) for axis in placement.axes]
    few = math.prod(map(len, runs)) < WORTH * len(placement)
    return list(product(*runs)) if few else []


class _Piece(NamedTuple):
    """A piece of a cell, of some channels of an image."""

    tiles: Array
    image: Array
    cell: Cell


def merge(tiles: Array, call: UntilePlan, out: Array, cells: Sequence[Cell]) -> None:
    """Merge tiles (N, K, C, *T) into images (N, C, *S), cell by cell."""
    if call.num_uncovered:
        np.copyto(out, fill_scalar(call.fill, out.dtype))
    few = channels_at_once(out)
    todo = [
        _Piece(some.reshape(*call.geometry.shape, *some.shape[1:]), image, piece)
        for n, first in product(range(len(out)), range(0, out.shape[1], few))
        for some in [tiles[n, :, first : first + few]]
        for image in [out[n, first : first + few]]
        for cell in cells
        for piece in pieces(cell, room(call, tiles.dtype) // few)
    ]
    parallel_for(partial(_merge_some, call), todo, out.nbytes)


def _merge_some(call: UntilePlan, some: Sequence[_Piece]) -> None:
    rule = rule_of(call, some[0].tiles.dtype, some[0].image.dtype)
    with np.errstate(all="ignore"):  # overflow and NaN are results, not mistakes
        for tiles, image, cell in some:
            values = partial(_given, tiles, cell, call.geometry)
            rule.merge(values, _repeats(image, cell), _block(call, cell))


def _block(call: UntilePlan, cell: Cell) -> Block:
    """Return what is the same in all repeats of a cell."""
    parts = []
    for meeting in product(*(enumerate(run.pixels, run.tile) for run in cell)):
        tile = np.ravel_multi_index([n for n, _ in meeting], call.geometry.shape)
        ends = zip(meeting, cell, strict=True)
        there = tuple(slice(pixel, pixel + run.width) for (_, pixel), run in ends)
        parts.append(Overlap(int(tile), (), there))
    count = np.array(len(parts))
    if call.weights is None:
        return Block(parts, count, count)
    divisor = np.full([run.width for run in cell], -0.0)
    for part in parts:
        divisor += call.weights.of(part)
    return Block(parts, count, divisor)


def _given(tiles: Array, cell: Cell, placement: TileGeometry, part: Overlap) -> Array:
    """Return what tiles (*grid, C, *T) give to a cell: all that are as one of them is.

    The shape is (*repeats, C, *widths).
    """
    first = zip(placement.unravel(part.tile), cell, strict=True)
    alike = (slice(number, number + run.repeats) for number, run in first)
    values: Array = tiles[(*alike, slice(None), *part.in_tile)]
    return values


def _repeats(image: Array, cell: Cell) -> Array:
    """View an image (C, *S) as all repeats of a cell, (*repeats, C, *widths)."""
    plane, *steps = image.strides
    across = [run.period * step for run, step in zip(cell, steps, strict=True)]
    view: Array = as_strided(
        image[(slice(None), *(slice(run.low, None) for run in cell))],
        [*(run.repeats for run in cell), len(image), *(run.width for run in cell)],
        [*across, plane, *steps],
    )
    return view
