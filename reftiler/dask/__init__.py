"""Tiles of dask arrays: a lazy image in, a lazy image out, on any number of machines.

Each tile is computed once, whatever the chunks, the scheduler and the number of
workers; the bits are those of `reftiler.Tiler.apply`.
"""

import math
from collections.abc import Callable
from dataclasses import replace
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

from reftiler.batching import validate_results
from reftiler.cut import Array, source_index
from reftiler.dask.blocks import Chunks, TileBlocks, chunk_boxes, chunks_meeting
from reftiler.dask.tasks import (
    ChunkTask,
    TaskPlan,
    TileTask,
    merge_chunk,
    run_tiles,
)
from reftiler.grid import Grid
from reftiler.layout import ArrayLayout
from reftiler.plan import plan_tile, plan_untile
from reftiler.pytree import tree_leaves, tree_map
from reftiler.settings import TilerSettings
from reftiler.streaming.reading import union_of_sources
from reftiler.streaming.stores import arrange_axes
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
    plan = TaskPlan(call, None, batch_size, as_bool(indices, "indices"))
    if like is None:
        zeros = np.zeros((1, *call.tiles.shape[1:]), image.dtype)
        like = model(zeros, *plan.positions(0, np.zeros(1, np.int64)))
    validate_results(like, 1, np.ndarray)
    plan = replace(plan, like=tree_map(lambda leaf: leaf[:0].copy(), like))
    tiles = _ModelResults(model, image, plan, TileBlocks(call.grid, size))
    number = iter(range(len(tree_leaves(like))))

    def merged(leaf: Array) -> Any:
        return tiles.merged(leaf, next(number), scale, dtype)

    return tree_map(merged, like)


class _ModelResults:
    """The layer of the graph that runs the model on all blocks of tiles."""

    def __init__(
        self,
        model: Callable[..., Any],
        image: Any,
        plan: TaskPlan,
        blocks: TileBlocks,
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
        for index, box in chunk_boxes(space):
            needed = [part.tile for part in plan.geometry.overlaps(box)]
            some = np.unique(block_of[needed]).tolist()
            task = ChunkTask(box, tuple(self.members[block] for block in some))
            for image in range(plan.result.batch_size):
                layer[(name, *_index(plan.result, image, index))] = (
                    merge_chunk,
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

    def _layer(self, model: Any, plan: TaskPlan) -> dict[Any, Any]:
        call = replace(self.call, image=_single(self.call.image))
        layer: dict[Any, Any] = {
            (self.name, "model"): model,
            (self.name, "plan"): replace(plan, call=call),
        }
        space = self.blocks.image_chunks()
        where = dict(chunk_boxes(space))
        for block, members in enumerate(self.members):
            seen = [source_index(call.grid, int(k)) for k in members]
            chunks = chunks_meeting(space, union_of_sources(seen))
            for image in range(self.call.image.batch_size):
                task = TileTask(image, members, tuple(where[i] for i in chunks))
                layer[(self.name, image, block)] = (
                    run_tiles,
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
