"""Tasks of workers: tiles through the model, and a chunk of the result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reftiler.axis import IntArray
from reftiler.batching import annotate_errors, validate_later, validate_results
from reftiler.cut import Array, as_nchw
from reftiler.geometry import Box
from reftiler.layout import ArrayLayout
from reftiler.merge import merge_block
from reftiler.plan import TilePlan, UntilePlan
from reftiler.pytree import tree_leaves
from reftiler.streaming.reading import read_tiles
from reftiler.streaming.stores import array_index

__all__ = [
    "ChunkTask",
    "SparseImage",
    "TaskPlan",
    "TileTask",
    "merge_chunk",
    "run_tiles",
]


@dataclass(frozen=True)
class TaskPlan:
    """What all tasks have in common: the grid, and what the model must return."""

    call: TilePlan
    like: Any
    batch_size: int
    indices: bool = False

    def positions(self, image: int, tiles: IntArray) -> list[IntArray]:
        """Return the indices and boxes of tiles, where the model takes them."""
        if not self.indices:
            return []
        grid = self.call.grid
        return [image * len(grid) + tiles, grid.boxes[tiles]]  # APPLY-004


@dataclass(frozen=True)
class TileTask:
    """The tiles of an image that go through the model, and where its chunks lie."""

    image: int
    tiles: IntArray
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class ChunkTask:
    """The box of a result that is merged, and the tiles of each block that is given."""

    box: Box
    tiles: tuple[IntArray, ...]


class SparseImage:
    """
    An image of which some boxes are here, to be read by slices.

    Parameters
    ----------
    layout : ArrayLayout
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


def run_tiles(
    model: Callable[..., Any],
    plan: TaskPlan,
    task: TileTask,
    *chunks: Array,
) -> list[Array]:
    """Read tiles and return the leaves of what the model makes of them."""
    call, tiles = plan.call, task.tiles
    source = SparseImage(call.image, task.boxes, chunks)
    # A model may use its memory again: what it returns is copied at once.
    gathered = [
        np.empty((len(tiles), *leaf.shape[1:]), leaf.dtype)
        for leaf in tree_leaves(plan.like)
    ]
    for first in range(0, len(tiles), plan.batch_size):
        some = slice(first, first + plan.batch_size)
        indices = tiles[some].tolist()
        with annotate_errors(indices, call):
            positions = plan.positions(task.image, tiles[some])
            results = model(read_tiles(source, call, indices), *positions)
        validate_results(results, len(indices), np.ndarray)
        validate_later(results, plan.like)
        for room, leaf in zip(gathered, tree_leaves(results, plan.like), strict=True):
            room[some] = leaf
    return gathered


def merge_chunk(
    call: UntilePlan,
    dtype: np.dtype[Any],
    leaf: int,
    task: ChunkTask,
    *results: list[Array],
) -> Array:
    """Merge one chunk of a result from the blocks whose tiles contribute to it."""
    tiles = {
        int(k): tile
        for block, found in zip(task.tiles, results, strict=True)
        for k, tile in zip(
            block, as_nchw(call.without_context(found[leaf]), call.tiles), strict=True
        )
    }
    layout = call.result
    space = tuple(slice(*ends) for ends in task.box)
    shape = [s.stop - s.start for s in array_index(layout, 0, space)]
    result = np.empty(shape, dtype)
    merge_block(tiles, call, task.box, as_nchw(result, layout)[0])
    return result
