"""Run a model over tiles a batch at a time, and merge its results as they come."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from reftiler.axis import IntArray
from reftiler.batching import (
    Progress,
    annotate_errors,
    validate_later,
    validate_results,
    validate_same_tree,
)
from reftiler.cut import Array
from reftiler.errors import TilingError
from reftiler.finish import check_finish
from reftiler.grid import Grid
from reftiler.plan import TilePlan, plan_tile
from reftiler.pytree import tree_leaves, tree_map, tree_paths
from reftiler.streaming.arrays import ArrayLibrary
from reftiler.streaming.reading import read_tiles

__all__ = ["TileSource", "apply", "choose_tiles", "extract_tile", "part_of"]

MergerFactory: TypeAlias = Callable[[Any, Any, int, str, Any], Any]
"""Makes a merger of a leaf of the first results, its out, number, path and finish: with
`out`, `arrived`, `add`, `complete`, `finish` and `stop` of `reftiler.streaming.Merger`.
"""

Chosen: TypeAlias = tuple[IntArray, int] | None
"""Which tiles of a grid are computed, and how many it has; None means all."""


@dataclass(frozen=True)
class TileSource:
    """The tiles of an image: how many, in which batches, and how to get some."""

    image: Any
    call: TilePlan
    batches: list[range]
    read: Callable[[Sequence[int]], Any]  # may be called in a thread
    arrays: ArrayLibrary
    to_model: Callable[[Any], Any] = lambda tiles: tiles  # to where it takes them
    read_ahead: bool = True
    indices: bool = False  # whether the model is given indices and boxes, too
    chosen: Chosen = None


def apply(
    model: Callable[[Any], Any],
    source: TileSource,
    out: Any,
    progress: Progress | None,
    start: MergerFactory,
    finish: Any = None,
) -> Any:
    """Return the merged results in the structure in which the model returns them.

    Of the tiles, the batch that the model has and the one that is read ahead exist at
    a time; what a merger has from an earlier process is not computed again.
    """
    for function in tree_leaves(finish):  # FINISH-008: as by untile
        if function is not None:
            check_finish(function)
    for target in tree_leaves(out):
        if target is not None and not callable(target):  # else it is yet to be made
            _check_apart(source, source.arrays.check_writable(target))
    # APPLY-001, APPLY-002: each batch once; APPLY-003: the merger keeps the order
    batches = source.batches if progress is None else progress(source.batches)
    pairs = pairwise(source.batches) if source.read_ahead else ()
    following: dict[int, Sequence[int]] = {one.start: after for one, after in pairs}
    with ExitStack() as stack:
        results = _Results(source, (out, finish), start, stack)
        reader = _Reader(source.read)
        stack.callback(reader.close)
        for batch in batches:
            pending = results.pending(batch)
            if pending:
                expected = results.pending(following.get(batch[0], ()))
                computed = _run(model, source, reader, pending, expected)
                results.add(pending, computed)
        return results.finish()


def choose_tiles(call: TilePlan, where: Any) -> tuple[TilePlan, Chosen]:
    """Return a call of the tiles alone that hold a pixel that ``where`` marks."""
    if where is None:
        return call, None
    grid = call.grid
    marked = grid.touching(where)  # APPLY-005
    if not len(marked):
        raise TilingError(
            "where= marks no pixel, so that there is no tile to compute, and nothing "
            "tells what results are like: leave the call out where mask.any() is false"
        )
    some = grid if len(marked) == len(grid) else grid.select(marked)
    if some.tiler.fill is None and some.uncovered:
        raise TilingError(
            f"{some.uncovered} of the pixels of {some.image_size} lie in none of the "
            f"{len(marked):,} tiles that where= marks: give the Tiler a fill for them"
        )
    count = call.image.batch_size * len(some)
    tiles = replace(call.tiles, batch=count)
    return TilePlan(call.image, some, tiles), (marked, len(grid))


def extract_tile(image: Array, grid: Grid, k: int) -> Array:
    """Return the tile of an image that ``tile`` with this grid has at ``k``."""
    call = plan_tile(grid.tiler, image.shape, image.dtype.name, grid)
    tile: Array = read_tiles(image, call, [k])[0]
    return tile


def part_of(checkpoint: Any, number: int) -> Path | None:
    """Return the folder of one leaf in that of a checkpoint, if there is one."""
    return None if checkpoint is None else Path(checkpoint) / str(number)


def _run(
    model: Callable[..., Any],
    source: TileSource,
    reader: "_Reader",
    indices: Sequence[int],
    expected: Sequence[int],
) -> Any:
    """Return the model's results for some tiles, while the next ones are read."""
    with annotate_errors(indices, source.call):
        tiles = source.to_model(reader.take(indices))
        if expected:
            reader.expect(expected)
        positions = _positions(source, indices, tiles) if source.indices else []
        results = model(tiles, *positions)
    validate_results(results, len(indices), source.arrays.array_type)
    return results


def _positions(source: TileSource, indices: Sequence[int], tiles: Any) -> list[Any]:
    """Return the indices and boxes of tiles."""
    grid = source.call.grid
    image, k = np.divmod(np.array(indices, dtype=np.int64), len(grid))
    boxes, count = grid.boxes[k], len(grid)
    if source.chosen is not None:  # APPLY-005
        which, count = source.chosen
        k = which[k]
    numbers = image * count + k  # APPLY-004
    return [source.arrays.to_tiles(array, tiles) for array in (numbers, boxes)]


class _Reader:
    """Reads a batch that is expected next in a thread.

    No two reads run at the same time, so that what is read need not bear it.
    """

    def __init__(self, read: Callable[[Sequence[int]], Any]) -> None:
        self._read = read
        self._thread = ThreadPoolExecutor(1, "reftiler-read")  # which begins when used
        self._expected: tuple[Sequence[int], Future[Any]] | None = None

    def expect(self, indices: Sequence[int]) -> None:
        """Begin to read the tiles of some indices."""
        self._expected = indices, self._thread.submit(self._read, indices)

    def take(self, indices: Sequence[int]) -> Any:
        """Return the tiles of some indices; the reader's errors are raised here."""
        if self._expected is None:
            return self._read(indices)
        (expected, future), self._expected = self._expected, None
        if expected == indices:
            return future.result()
        wait([future])
        return self._read(indices)

    def close(self) -> None:
        """Wait until the thread has ended; an error of what nobody takes is lost."""
        self._thread.shutdown(cancel_futures=True)


class _Results:
    """The mergers of all leaves of the results, made when the first ones come."""

    def __init__(
        self,
        source: TileSource,
        wanted: tuple[Any, Any],
        start: MergerFactory,
        stack: ExitStack,
    ) -> None:
        self._source, (self._out, self._finish) = source, wanted
        self._start, self._stack = start, stack
        self._mergers: list[Any] = []
        self._first: Any = None

    def pending(self, batch: Sequence[int]) -> Sequence[int]:
        """Return the tiles of a batch that some merger does not have yet."""
        if not self._mergers:
            return batch
        missing = ~np.all([merger.arrived(batch) for merger in self._mergers], axis=0)
        if missing.all():
            return batch
        return [n for n, due in zip(batch, missing.tolist(), strict=True) if due]

    def add(self, indices: Sequence[int], results: Any) -> None:
        """Give each merger those tiles that it lacks."""
        if not self._mergers:
            self._open(results)
        validate_later(results, self._first)
        leaves = tree_leaves(results, self._first)
        for merger, leaf in zip(self._mergers, leaves, strict=True):
            missing = ~merger.arrived(indices)
            if missing.all():
                merger.add(indices, leaf)
            elif missing.any():
                merger.add(np.array(indices)[missing], leaf[missing])

    def _open(self, results: Any) -> None:
        """Make a merger for each leaf; an error stops them all."""
        leaves, paths = tree_leaves(results), tree_paths(results)
        targets = _leaves_like(results, self._out, "out")
        functions = _leaves_like(results, self._finish, "finish")
        parts = zip(leaves, targets, paths, functions, strict=True)
        for number, (leaf, target, path, function) in enumerate(parts):
            merger = self._start(leaf, target, number, path, function)
            self._stack.push(lambda kind, *_, one=merger: one.stop() if kind else None)
            self._mergers.append(merger)
        made = [merger.out for merger in self._mergers if merger.out is not None]
        for target in made:
            _check_apart(self._source, target)
        for one, other in combinations(made, 2):
            if self._source.arrays.may_alias(one, other):
                raise TilingError("two parts of out share memory: give each its own")
        # An empty array of its own, not a view that would keep the whole batch.
        new = self._source.arrays.new
        self._first = tree_map(
            lambda leaf: new((0, *leaf.shape[1:]), leaf.dtype), results
        )

    def finish(self) -> Any:
        """Return the merged results."""
        if not self._mergers:
            raise TilingError(
                "no batch was computed: progress must yield the batches it is given"
            )
        for merger in self._mergers:  # all of them, before any deletes its checkpoint
            merger.complete()
        merged = iter([merger.finish() for merger in self._mergers])
        return tree_map(lambda _: next(merged), self._first)


def _leaves_like(results: Any, wanted: Any, name: str) -> list[Any]:
    """Return what is wanted of each leaf of the results; None of all if it is None."""
    if wanted is None:
        return [None for _ in tree_leaves(results)]
    validate_same_tree(results, wanted, "the model's result", name)
    return tree_leaves(wanted, results)


def _check_apart(source: TileSource, out: Any) -> None:
    """Refuse to write over what is still to be read."""
    if source.arrays.may_alias(out, source.image):
        raise TilingError("out shares memory with the image: give a buffer of its own")
