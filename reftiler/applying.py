"""Running a model over tiles a few at a time, and merging its results as they come."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import combinations
from typing import Any

import numpy as np

from reftiler.batches import (
    Progress,
    check_later,
    check_results,
    check_same_tree,
    leaves,
    map_tree,
    named,
    names,
)
from reftiler.cut import Array
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.plan import plan_tile
from reftiler.streaming.merger import Merger
from reftiler.streaming.reading import Batches, read_tiles
from reftiler.streaming.stores import check_writable, share

Start = Callable[[Array, Any, int, str], Merger]
"""Makes a merger of a leaf of the first results, its out, its number and its name."""


def apply(
    model: Callable[[Array], Any],
    batches: Batches,
    out: Any,
    progress: Progress | None,
    start: Start,
) -> Any:
    """Return the merged results in the structure in which the model returns them.

    Only one batch of tiles exists at a time, and of the results those tiles that wait
    for others. What a merger has from an earlier process is not computed again.

    Parameters
    ----------
    model : callable
        Takes tiles, returns an array for them, or a tree of arrays.
    batches : Batches
        The tiles.
    out : tree of Out, or None
        Where each result goes; None makes new arrays.
    progress : callable or None
        Wraps the numbers of the batches.
    start : Start
        What merges a leaf.
    """
    for store in leaves(out):
        if store is not None and not callable(store):  # else it is yet to be made
            _check_other(check_writable(store), batches.image)
    every = batches.numbers
    mergers: list[Merger] = []
    first: Any = None
    with ExitStack() as stack:
        for numbers in every if progress is None else progress(every):
            due = _due(numbers, mergers)
            if not due:
                continue
            with named(due, batches.call):
                tiles = read_tiles(batches.image, batches.call, due)
                results = model(tiles)
            check_results(results, len(due), np.ndarray)
            if not mergers:
                mergers = _started(results, out, start, stack)
                _check_apart(batches.image, mergers)
                first = map_tree(lambda leaf: leaf[:0].copy(), results)
            check_later(results, first)
            for merger, leaf in zip(mergers, leaves(results, first), strict=True):
                _give(merger, due, leaf)
        for merger in mergers:  # all of them, before any forgets how far it was
            merger.complete()
        merged = iter([merger.finish() for merger in mergers])
        return map_tree(lambda _: next(merged), first)


def cut_tile(image: Array, grid: Grid, k: int) -> Array:
    """Return the tile of an image that ``tile`` with this grid has at ``k``."""
    call = plan_tile(grid.tiler, image.shape, image.dtype.name, grid)
    tile: Array = read_tiles(image, call, [k])[0]
    return tile


def _due(numbers: range, mergers: Sequence[Merger]) -> Sequence[int]:
    """Return the tiles of a batch that some merger does not have yet."""
    if not mergers:
        return numbers
    missing = ~np.all([merger.given(numbers) for merger in mergers], axis=0)
    if missing.all():
        return numbers
    return [n for n, wanted in zip(numbers, missing.tolist(), strict=True) if wanted]


def _started(results: Any, out: Any, start: Start, stack: ExitStack) -> list[Merger]:
    """Make a merger for each leaf; an error stops them all."""
    if out is None:
        out = map_tree(lambda _: np.empty, results)
    check_same_tree(results, out, "the model's result", "out")
    mergers: list[Merger] = []
    parts = zip(leaves(results), leaves(out, results), names(results), strict=True)
    for number, (leaf, where, name) in enumerate(parts):
        merger = start(leaf, where, number, name)
        stack.push(lambda kind, *_, one=merger: one.stop() if kind else None)
        mergers.append(merger)
    return mergers


def _check_other(out: Any, image: Any) -> None:
    """Refuse to write over what is still to be read."""
    if share(out, image):
        raise TilingError("out shares memory with the image: give a buffer of its own")


def _check_apart(image: Any, mergers: Sequence[Merger]) -> None:
    """Refuse to write results over the image, or over each other."""
    for merger in mergers:
        _check_other(merger.out, image)
    for one, other in combinations(mergers, 2):
        if share(one.out, other.out):
            raise TilingError("two parts of out share memory: give each its own")


def _give(merger: Merger, numbers: Sequence[int], tiles: Array) -> None:
    """Give a merger those tiles that it lacks."""
    fresh = ~merger.given(numbers)
    if fresh.all():
        merger.add(numbers, tiles)
    elif fresh.any():
        merger.add(np.array(numbers)[fresh], tiles[fresh])
