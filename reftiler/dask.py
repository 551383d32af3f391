"""Tiles of dask arrays: a lazy image in, a lazy image out, on any number of machines.

Each tile is computed once, whatever the chunks, the scheduler and the number of
workers; the bits are those of `reftiler.Tiler.apply`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from reftiler.errors import TilingError, missing_extra

try:
    import dask.array as da
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph
except ImportError as error:
    raise missing_extra("tiling dask arrays needs dask", "dask", error) from error

from reftiler.axis import Axis, IntArray
from reftiler.batching import annotate_errors, validate_later, validate_results
from reftiler.cut import Array, as_nchw, source_index
from reftiler.geometry import Box, TileGeometry
from reftiler.grid import Grid
from reftiler.layout import ArrayLayout
from reftiler.merge import merge_block
from reftiler.plan import TilePlan, UntilePlan, plan_tile, plan_untile
from reftiler.pytree import tree_leaves, tree_map
from reftiler.settings import TilerSettings
from reftiler.streaming.reading import read_tiles, union_of_sources
from reftiler.streaming.stores import arrange_axes, array_index
from reftiler.validation import as_bool, as_int

__all__ = ["map_tiles"]

TILES = 16
"""Tiles of a task, by default: enough to drown what a task costs."""


def map_tiles(  # noqa: PLR0913 - all but three are optional
    model: Callable[..., Any],
    image: Any,
    tiler: TilerSettings,
    *,
    grid: Grid | None = None,
    scale: Any = None,
    dtype: DTypeLike | None = None,
    tiles_per_task: int = TILES,
    batch_size: int = 16,
    like: Any = None,
    indices: bool = False,
) -> Any:
    """
    Run a model over the tiles of a dask array, lazily, and merge its results.

    Parameters
    ----------
    model : callable
        Takes up to ``batch_size`` tiles as a numpy array, returns as many results: an
        array, or a tuple, list or dict of arrays. It goes to each worker once; for a
        module of torch give ``reftiler.torch.numpy_bridge.NumpyModel(module)``.
    image : dask array
        Of the shapes that `reftiler.Tiler.tile` takes, in any chunks; it is rechunked
        to the grid.
    tiler : TilerSettings
        How to cut and merge.
    grid, scale, dtype
        As for `reftiler.Tiler.untile`.
    tiles_per_task : int
        About how many tiles a task has: fewer balance better between workers, more
        cost the scheduler less.
    batch_size : int
        How many tiles the model is given at a time.
    like : array, or tuple, list or dict of arrays, optional
        What the model returns for one tile, of which shapes and dtypes count; by
        default it is asked, with a tile of zeros.
    indices : bool
        Whether the model is called as ``model(tiles, indices, boxes)``, as by
        `reftiler.Tiler.apply`.

    Returns
    -------
    dask array, or tuple, list or dict of them
        What `untile` makes of the results, in chunks aligned to the grid; it takes no
        weights of pixels. Those of one call share their tiles: compute them together.

    Raises
    ------
    TypeError
        If the image is no dask array.
    TilingError
        As `tile` and `untile` do, before anything is computed.
    """
    if not isinstance(image, da.Array):
        raise TypeError(
            f"image must be a dask array, got {type(image).__name__}: make one with "
            "dask.array.from_array, or use Tiler.apply"
        )
    as_int(batch_size, "batch_size", minimum=1)
    if any(map(math.isnan, image.shape)):
        raise TilingError(
            f"the image's shape is {image.shape}: call image.compute_chunk_sizes() "
            "before"
        )
    call = plan_tile(tiler, image.shape, image.dtype.name, grid)
    size = as_int(tiles_per_task, "tiles_per_task", minimum=1)
    plan = _TaskPlan(call, None, batch_size, as_bool(indices, "indices"))
    if like is None:
        zeros = np.zeros((1, *call.tiles.shape[1:]), image.dtype)
        like = model(zeros, *plan.positions(0, np.zeros(1, np.int64)))
    validate_results(like, 1, np.ndarray)
    plan = replace(plan, like=tree_map(lambda leaf: leaf[:0].copy(), like))
    tiles = _ModelResults(model, image, plan, _TileBlocks(call.grid, size))
    number = iter(range(len(tree_leaves(like))))

    def merged(leaf: Array) -> Any:
        return tiles.merged(leaf, next(number), scale, dtype)

    return tree_map(merged, like)


@dataclass(frozen=True)
class _TaskPlan:
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
class _TileTask:
    """The tiles of an image that go through the model, and where its chunks lie."""

    image: int
    tiles: IntArray
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class _ChunkTask:
    """The box of a result that is merged, and the tiles of each block that is given."""

    box: Box
    tiles: tuple[IntArray, ...]


class _SparseImage:
    """An image of which some boxes are here, to be read by slices."""

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


def _run_tiles(
    model: Callable[..., Any],
    plan: _TaskPlan,
    task: _TileTask,
    *chunks: Array,
) -> list[Array]:
    """Read tiles and return the leaves of what the model makes of them."""
    call, tiles = plan.call, task.tiles
    source = _SparseImage(call.image, task.boxes, chunks)
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


def _merge_chunk(
    call: UntilePlan,
    dtype: np.dtype[Any],
    leaf: int,
    task: _ChunkTask,
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


Chunks = tuple[tuple[int, ...], ...]
"""For each axis the lengths of the chunks, as dask counts them."""


@dataclass(frozen=True)
class _TileBlocks:
    """Blocks of about ``size`` tiles of one image, each of which makes a task.

    Those of a regular grid are as square as may be, so that few neighbours share pixels
    with them; those of an irregular one are tiles that follow each other.
    """

    grid: Grid
    size: int

    @property
    def steps(self) -> tuple[int, ...]:
        """Tiles of a block along each axis of the grid."""
        shape, left = self.grid.shape, self.size
        steps = []
        # Short axes first: what they do not use, the others may.
        for rank, axis in enumerate(sorted(range(len(shape)), key=shape.__getitem__)):
            side = max(1, round(left ** (1 / (len(shape) - rank))))
            steps.append((axis, min(side, shape[axis])))
            left = max(1, left // steps[-1][1])
        return tuple(step for _, step in sorted(steps))

    def tiles(self) -> list[IntArray]:
        """Return the indices of each block's tiles, ascending."""
        indices = np.arange(len(self.grid)).reshape(self.grid.shape)
        blocks = [
            [slice(low, low + step) for low in range(0, count, step)]
            for count, step in zip(self.grid.shape, self.steps, strict=True)
        ]
        return [indices[block].ravel() for block in product(*blocks)]

    def image_chunks(self) -> Chunks:
        """Return chunks of the image that begin where blocks do."""
        axes = self.grid.input_geometry.axes
        starts = [axis.boxes[:, 0] for axis in axes]
        return self._chunks(axes, starts)

    def result_chunks(self, geometry: TileGeometry) -> Chunks:
        """Return chunks of the result that begin where blocks begin to contribute."""
        return self._chunks(geometry.axes, [a.valid[:, 0] for a in geometry.axes])

    def _chunks(self, axes: tuple[Axis, ...], starts: list[IntArray]) -> Chunks:
        found = []
        for number, (axis, first) in enumerate(zip(axes, starts, strict=True)):
            if self.grid.is_irregular:
                step = axis.tile * max(1, round(self.size ** (1 / len(axes))))
                edges = set(range(0, axis.length, step))
            else:
                edges = set(first[:: self.steps[number]].clip(0).tolist())
            edges = {edge for edge in edges if edge < axis.length} | {0}
            ends = pairwise([*sorted(edges), axis.length])
            found.append(tuple(high - low for low, high in ends))
        return tuple(found)


def _chunk_boxes(chunks: Chunks) -> Iterator[tuple[tuple[int, ...], Box]]:
    """Go over the chunks: their index and the pixels that they have."""
    axes = []
    for lengths in chunks:
        edges = [0, *np.cumsum(lengths).tolist()]
        axes.append(list(enumerate(pairwise(edges))))
    for combined in product(*axes):
        yield tuple(i for i, _ in combined), tuple(ends for _, ends in combined)


def _chunks_meeting(chunks: Chunks, pixels: list[IntArray]) -> list[tuple[int, ...]]:
    """Return the indices of the chunks in which some pixels lie."""
    found = []
    for lengths, wanted in zip(chunks, pixels, strict=True):
        edges = np.cumsum(lengths)
        found.append(np.unique(np.searchsorted(edges, wanted, "right")).tolist())
    return list(product(*found))


class _ModelResults:
    """The layer of the graph that runs the model on all blocks of tiles."""

    def __init__(
        self,
        model: Callable[..., Any],
        image: Any,
        plan: _TaskPlan,
        blocks: _TileBlocks,
    ) -> None:
        self.call, self.blocks = plan.call, blocks
        self.members = blocks.tiles()
        # Not peer to peer, which would wait for the whole image.
        chunks = _chunks(plan.call.image, blocks.image_chunks())
        self.image = image.rechunk(chunks, method="tasks")
        grid = plan.call.grid.to_json()
        self.name = "tiles-" + tokenize(
            model,
            self.image.name,
            grid,
            blocks.size,
            plan.batch_size,
            plan.like,
            plan.indices,
        )
        self.layer = self._layer(model, plan)

    def merged(self, leaf: Array, number: int, scale: Any, dtype: Any) -> Any:
        """Return the merge of one leaf of the results."""
        source = leaf.dtype
        target = source if dtype is None else np.dtype(dtype)
        plan = plan_untile(
            self.call.grid.tiler,
            (self.call.tiles.batch_size, *leaf.shape[1:]),
            source.name,
            self.image.shape,
            self.call.grid,
            scale,
            target.name,
        )
        space = self.blocks.result_chunks(plan.geometry)
        name = "untile-" + tokenize(self.name, number, space, source, target, scale)
        one = replace(plan, result=_single(plan.result))
        layer: dict[Any, Any] = {(name, "plan"): one}
        block_of = np.empty(len(self.call.grid), dtype=np.int64)
        for block, members in enumerate(self.members):
            block_of[members] = block
        for index, box in _chunk_boxes(space):
            needed = [part.tile for part in plan.geometry.overlaps(box)]
            some = np.unique(block_of[needed]).tolist()
            task = _ChunkTask(box, tuple(self.members[block] for block in some))
            for image in range(plan.result.batch_size):
                layer[(name, *_index(plan.result, image, index))] = (
                    _merge_chunk,
                    (name, "plan"),
                    target,
                    number,
                    task,
                    *((self.name, image, block) for block in some),
                )
        dependencies = [self.image]
        graph = HighLevelGraph.from_collections(self.name, self.layer, dependencies)
        layers = dict(graph.layers) | {name: layer}
        depends = dict(graph.dependencies) | {name: {self.name}}
        return da.Array(
            HighLevelGraph(layers, depends),
            name,
            _chunks(plan.result, space),
            dtype=target,
        )

    def _layer(self, model: Any, plan: _TaskPlan) -> dict[Any, Any]:
        call = replace(self.call, image=_single(self.call.image))
        layer: dict[Any, Any] = {
            (self.name, "model"): model,
            (self.name, "plan"): replace(plan, call=call),
        }
        space = self.blocks.image_chunks()
        where = dict(_chunk_boxes(space))
        for block, members in enumerate(self.members):
            seen = [source_index(call.grid, int(k)) for k in members]
            chunks = _chunks_meeting(space, union_of_sources(seen))
            for image in range(self.call.image.batch_size):
                task = _TileTask(image, members, tuple(where[i] for i in chunks))
                layer[(self.name, image, block)] = (
                    _run_tiles,
                    (self.name, "model"),
                    (self.name, "plan"),
                    task,
                    *(
                        (self.image.name, *_index(self.call.image, image, i))
                        for i in chunks
                    ),
                )
        return layer


def _single(layout: ArrayLayout) -> ArrayLayout:
    """Return the layout of one image of a batch."""
    return layout if layout.batch is None else replace(layout, batch=1)


def _index(layout: ArrayLayout, image: int, space: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of a chunk in an array of a layout."""
    return arrange_axes(layout, image, 0, space)


def _chunks(layout: ArrayLayout, space: Chunks) -> Chunks:
    """Return the chunks of an array of a layout: every image by itself."""
    return arrange_axes(layout, (1,) * layout.batch_size, (layout.channels,), space)
