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

try:
    import dask.array as da
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph
except ImportError as error:
    raise ImportError(
        'tiling dask arrays needs dask: pip install "reftiler[dask]"'
    ) from error

from reftiler.batches import check_results, leaves, map_tree
from reftiler.cut import Array, source_index
from reftiler.dask.groups import Chunks, Groups, boxes, meeting
from reftiler.dask.tasks import Chunk, Group, Plan, merge_chunk, run_group
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.layout import ArrayLayout
from reftiler.plan import plan_tile, plan_untile
from reftiler.settings import TilerSettings
from reftiler.streaming.pieces import shown_by
from reftiler.validation import as_int

__all__ = ["map_tiles"]

TILES = 16
"""Tiles of a task, by default: enough to drown what a task costs."""


def map_tiles(  # noqa: PLR0913 - all but three are optional
    model: Callable[[Array], Any],
    image: Any,
    tiler: TilerSettings,
    *,
    grid: Grid | None = None,
    scale: Any = None,
    dtype: DTypeLike | None = None,
    tiles_per_task: int = TILES,
    batch_size: int = 16,
    like: Any = None,
) -> Any:
    """
    Run a model over the tiles of a dask array, lazily, and merge its results.

    Parameters
    ----------
    model : callable
        Takes up to ``batch_size`` tiles as a numpy array, returns as many results: an
        array, or a tuple, list or dict of arrays. It goes to each worker once; for a
        module of torch give ``reftiler.torch.streaming.Hosted(module)``.
    image : dask array
        Of the shapes that `reftiler.Tiler.tile` takes, in any chunks; it is rechunked
        to the grid.
    tiler : BaseTiler
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

    Returns
    -------
    dask array, or tuple, list or dict of them
        What `untile` makes of the results, in chunks aligned to the grid. Those of one
        call share their tiles: compute them together.

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
    if like is None:
        like = model(np.zeros((1, *call.tiles.shape[1:]), image.dtype))
    check_results(like, 1, np.ndarray)
    plan = Plan(call, map_tree(lambda leaf: leaf[:0].copy(), like), batch_size)
    tiles = _Tiles(model, image, plan, Groups(call.grid, size))
    number = iter(range(len(leaves(like))))

    def merged(leaf: Array) -> Any:
        return tiles.merged(leaf, next(number), scale, dtype)

    return map_tree(merged, like)


class _Tiles:
    """The layer of the graph that has the results for all groups of tiles."""

    def __init__(
        self,
        model: Callable[[Array], Any],
        image: Any,
        plan: Plan,
        groups: Groups,
    ) -> None:
        self.call, self.groups = plan.call, groups
        self.members = groups.tiles()
        # Not peer to peer, which would wait for the whole image.
        chunks = _chunks(plan.call.image, groups.image_chunks())
        self.image = image.rechunk(chunks, method="tasks")
        grid = plan.call.grid.to_json()
        self.name = "tiles-" + tokenize(
            model, self.image.name, grid, groups.size, plan.batch_size, plan.like
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
        space = self.groups.result_chunks(plan.geometry)
        name = "untile-" + tokenize(self.name, number, space, source, target, scale)
        one = replace(plan, result=_single(plan.result))
        layer: dict[Any, Any] = {(name, "plan"): one}
        group_of = np.empty(len(self.call.grid), dtype=np.int64)
        for group, members in enumerate(self.members):
            group_of[members] = group
        for index, box in boxes(space):
            needed = [part.tile for part in plan.geometry.overlaps(box)]
            some = np.unique(group_of[needed]).tolist()
            chunk = Chunk(box, tuple(self.members[group] for group in some))
            for image in range(plan.result.batch_size):
                layer[(name, *_index(plan.result, image, index))] = (
                    merge_chunk,
                    (name, "plan"),
                    (source, target),
                    number,
                    chunk,
                    *((self.name, image, group) for group in some),
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

    def _layer(self, model: Any, plan: Plan) -> dict[Any, Any]:
        call = replace(self.call, image=_single(self.call.image))
        layer: dict[Any, Any] = {
            (self.name, "model"): model,
            (self.name, "plan"): replace(plan, call=call),
        }
        space = self.groups.image_chunks()
        where = dict(boxes(space))
        for group, members in enumerate(self.members):
            seen = [source_index(call.grid, int(k)) for k in members]
            chunks = meeting(space, shown_by(seen))
            for image in range(self.call.image.batch_size):
                place = Group(image, members, tuple(where[i] for i in chunks))
                layer[(self.name, image, group)] = (
                    run_group,
                    (self.name, "model"),
                    (self.name, "plan"),
                    place,
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
    batch = () if layout.batch is None else (image,)
    channels = () if layout.channels is None else (0,)
    if layout.channels_last:
        return (*batch, *space, *channels)
    return (*batch, *channels, *space)


def _chunks(layout: ArrayLayout, space: Chunks) -> Chunks:
    """Return the chunks of an array of a layout: every image by itself."""
    batch = () if layout.batch is None else ((1,) * layout.batch,)
    channels = () if layout.channels is None else ((layout.channels,),)
    if layout.channels_last:
        return (*batch, *space, *channels)
    return (*batch, *channels, *space)
