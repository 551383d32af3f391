"""Running a model over tiles a few at a time, and merging its results as they come."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from reftiler.batches import (
    Progress,
    check_alike,
    check_results,
    check_same_tree,
    leaves,
    map_tree,
)
from reftiler.calls import TileCall, resolve_tile
from reftiler.grid import Grid
from reftiler.streaming.merger import Merger
from reftiler.streaming.reading import Batches, read_tiles
from reftiler.tiling import Array

Start = Callable[[Array, Any, int], Merger]
"""Makes a merger of a leaf of the first results, of its out, and of its number."""


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
    mergers: Any = None
    before: Any = None
    with ExitStack() as stack:
        for numbers in (
            batches.numbers if progress is None else progress(batches.numbers)
        ):
            due = _due(numbers, mergers)
            if not due:
                continue
            tiles = read_tiles(batches.image, batches.call, due)
            with _named(due, batches.call):
                results = model(tiles)
            check_results(results, len(due), np.ndarray)
            if mergers is None:
                mergers = _started(results, out, start, stack)
                before = map_tree(lambda leaf: leaf[:0].copy(), results)
            map_tree(check_alike, results, before)
            for merger, leaf in zip(leaves(mergers), leaves(results), strict=True):
                _give(merger, due, leaf)
        return map_tree(lambda merger: merger.finish(), mergers)


def cut_tile(image: Array, grid: Grid, k: int) -> Array:
    """Return the tile of an image that ``tile`` with this grid has at ``k``."""
    call = resolve_tile(grid.tiler, image.shape, image.dtype.name, grid)
    tile: Array = read_tiles(image, call, [k])[0]
    return tile


def _due(numbers: range, mergers: Any) -> Sequence[int]:
    """Return the tiles of a batch that some merger does not have yet."""
    if mergers is None:
        return numbers
    missing = np.zeros(len(numbers), dtype=bool)
    for merger in leaves(mergers):
        missing |= ~merger.given(numbers)
    if missing.all():
        return numbers
    return [n for n, wanted in zip(numbers, missing.tolist(), strict=True) if wanted]


def _started(results: Any, out: Any, start: Start, stack: ExitStack) -> Any:
    """Make a merger for each leaf; an error stops them all."""
    if out is None:
        out = map_tree(lambda _: np.empty, results)
    check_same_tree(results, out, "out")
    number = iter(range(len(leaves(results))))

    def one(leaf: Array, where: Any) -> Merger:
        merger = start(leaf, where, next(number))
        stack.push(lambda kind, *_: merger.stop() if kind else None)
        return merger

    return map_tree(one, results, out)


def _give(merger: Merger, numbers: Sequence[int], tiles: Array) -> None:
    """Give a merger those tiles that it lacks."""
    fresh = ~merger.given(numbers)
    if fresh.all():
        merger.add(numbers, tiles)
    elif fresh.any():
        merger.add(np.array(numbers)[fresh].tolist(), tiles[fresh])


@contextmanager
def _named(numbers: Sequence[int], call: TileCall) -> Iterator[None]:
    """Let an error of the model say in which tiles it came up, and where they lie."""
    try:
        yield
    except Exception as error:
        image, k = divmod(numbers[0], len(call.grid))
        box = ", ".join(f"{s.start}:{s.stop}" for s in call.grid.slices(k))
        of = f" of image {image}" if call.image.images > 1 else ""
        note = f"in tile {numbers[0]}, at [{box}]{of}"
        if len(numbers) > 1:
            note = f"in tiles {numbers[0]} to {numbers[-1]}, the first at [{box}]{of}"
        if hasattr(error, "add_note"):
            error.add_note(note)
        else:  # Python 3.10
            error.__notes__ = [note]
        raise
