"""Running a model over tiles a few at a time."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from reftiler.batches import Progress, check_alike, check_results, map_tree, split
from reftiler.calls import TileCall, resolve_tile
from reftiler.grid import Grid
from reftiler.tiling import Array, cut, planes


def apply(
    model: Callable[[Array], Any],
    image: Array,
    call: TileCall,
    batch_size: int,
    progress: Progress | None,
) -> Any:
    """Return the model's results for all tiles, in the structure it returns them.

    Only one batch of the image's tiles exists at a time; the results are gathered in
    arrays as large as all of them.
    """
    count = call.tiles.images
    batches = split(count, batch_size)
    gathered: Any = None
    for batch in batches if progress is None else progress(batches):
        results = model(cut_batch(image, call, batch))
        check_results(results, len(batch), np.ndarray)
        if gathered is None:
            gathered = map_tree(partial(_room, count=count), results)
        map_tree(partial(_put, batch=batch), gathered, results)
    return gathered


def cut_batch(image: Array, call: TileCall, batch: range) -> Array:
    """Cut the tiles whose numbers, image-major, are in ``batch``."""
    source = planes(image, call.image)
    tiles = np.empty((len(batch), *call.tiles.shape[1:]), image.dtype)
    target = planes(tiles, call.tiles)
    for place, number in enumerate(batch):
        n, k = divmod(number, len(call.grid))
        cut(source[n], call.grid, k, target[place])
    return tiles


def cut_tile(image: Array, grid: Grid, k: int) -> Array:
    """Return the tile of an image that ``tile`` with this grid has at ``k``."""
    call = resolve_tile(grid.tiler, image.shape, image.dtype.name, grid)
    tile: Array = cut_batch(image, call, range(k, k + 1))[0]
    return tile


def _room(leaf: Array, count: int) -> Array:
    return np.empty((count, *leaf.shape[1:]), leaf.dtype)


def _put(room: Array, leaf: Array, batch: range) -> None:
    check_alike(leaf, room)
    room[batch.start : batch.stop] = leaf
