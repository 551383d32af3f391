"""What workers do: a group of tiles through the model, and a chunk of the result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reftiler.axis import IntArray
from reftiler.batches import check_later, check_results, leaves, named
from reftiler.cut import Array, as_nchw
from reftiler.geometry import Box
from reftiler.layout import ArrayLayout
from reftiler.merge import merge_region
from reftiler.plan import TilePlan, UntilePlan
from reftiler.streaming.reading import read_tiles
from reftiler.streaming.stores import place

__all__ = ["Chunk", "Group", "Pieces", "Plan", "merge_chunk", "run_group"]


@dataclass(frozen=True)
class Plan:
    """What all groups have in common: the grid, and what the model is due to return."""

    call: TilePlan
    like: Any
    batch_size: int


@dataclass(frozen=True)
class Group:
    """Which tiles of which image a task has, and where the chunks lie it is given."""

    image: int
    tiles: IntArray
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Chunk:
    """Which part of a result a task makes, and which tiles it is given."""

    box: Box
    tiles: tuple[IntArray, ...]


class Pieces:
    """
    An image of which some boxes are here, as a store.

    Parameters
    ----------
    layout : Layout
        That of a batch's one image.
    boxes : sequence of Box
        Where the chunks lie.
    chunks : sequence of ndarray
        Of the layout's axes.
    """

    def __init__(
        self, layout: ArrayLayout, boxes: Sequence[Box], chunks: Sequence[Array]
    ) -> None:
        self.shape, self.dtype = layout.shape, chunks[0].dtype
        self._layout = layout
        leading = layout.channels is not None and not layout.channels_last
        self._first = (layout.batch is not None) + leading
        self._known = [
            (box, as_nchw(chunk, layout)[0])
            for box, chunk in zip(boxes, chunks, strict=True)
        ]

    def __getitem__(self, index: tuple[slice, ...]) -> Array:
        space = index[self._first : self._first + len(self._layout.size)]
        sizes = tuple(s.stop - s.start for s in space)
        own = replace(self._layout, size=sizes)
        found = np.empty(own.shape, self.dtype)
        target = as_nchw(found, own)[0]
        for box, chunk in self._known:
            ends = [
                (max(low, s.start), min(high, s.stop))
                for (low, high), s in zip(box, space, strict=True)
            ]
            if all(low < high for low, high in ends):
                here = _within(ends, [s.start for s in space])
                target[here] = chunk[_within(ends, [low for low, _ in box])]
        return found


def _within(
    ends: Sequence[tuple[int, int]], corner: Sequence[int]
) -> tuple[slice, ...]:
    """Return the index of a box in what begins at a corner, channels first."""
    pairs = zip(ends, corner, strict=True)
    return (slice(None), *(slice(lo - first, hi - first) for (lo, hi), first in pairs))


def run_group(
    model: Callable[[Array], Any],
    plan: Plan,
    group: Group,
    *chunks: Array,
) -> list[Array]:
    """Cut a group's tiles and return the leaves of what the model makes of them."""
    call, tiles = plan.call, group.tiles
    source = Pieces(call.image, group.boxes, chunks)
    # A model may use its memory again: what it returns is copied at once.
    gathered = [
        np.empty((len(tiles), *leaf.shape[1:]), leaf.dtype)
        for leaf in leaves(plan.like)
    ]
    for first in range(0, len(tiles), plan.batch_size):
        some = slice(first, first + plan.batch_size)
        numbers = tiles[some].tolist()
        with named(numbers, call):
            results = model(read_tiles(source, call, numbers))
        check_results(results, len(numbers), np.ndarray)
        check_later(results, plan.like)
        for room, leaf in zip(gathered, leaves(results, plan.like), strict=True):
            room[some] = leaf
    return gathered


def merge_chunk(
    call: UntilePlan,
    kinds: tuple[np.dtype[Any], np.dtype[Any]],
    leaf: int,
    chunk: Chunk,
    *groups: list[Array],
) -> Array:
    """Merge one chunk of a result from the groups whose tiles take part in it."""
    source, dtype = kinds
    tiles = {
        int(number): tile
        for numbers, group in zip(chunk.tiles, groups, strict=True)
        for number, tile in zip(numbers, as_nchw(group[leaf], call.tiles), strict=True)
    }
    layout = call.result
    space = tuple(slice(low, high) for low, high in chunk.box)
    shape = [s.stop - s.start for s in place(layout, 0, space)]
    result = np.empty(shape, dtype)
    merge_region(tiles, call, chunk.box, as_nchw(result, layout)[0])
    return result
