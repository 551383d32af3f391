"""Running a model over tiles a few at a time."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from reftiler.calls import TileCall
from reftiler.checks import integer
from reftiler.errors import TilingError
from reftiler.tiling import Array, cut, planes

Progress: TypeAlias = Callable[[Sequence[range]], Iterable[range]]


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
    step = integer(batch_size, "batch_size", least=1)
    count = call.tiles.images
    batches = [range(low, min(low + step, count)) for low in range(0, count, step)]
    gathered: Any = None
    for batch in batches if progress is None else progress(batches):
        results = model(cut_batch(image, call, batch))
        map_tree(lambda leaf: _check_leaf(leaf, len(batch)), results)  # noqa: B023
        if gathered is None:
            gathered = map_tree(lambda leaf: _room(leaf, count), results)
        map_tree(lambda room, leaf: _put(room, leaf, batch), gathered, results)  # noqa: B023
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


def map_tree(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Call ``function`` on the leaves of like trees of tuples, lists and dicts."""
    if isinstance(tree, dict):
        return {
            key: map_tree(function, tree[key], *(o[key] for o in others))
            for key in tree
        }
    if isinstance(tree, tuple | list):
        leaves = [
            map_tree(function, *branch) for branch in zip(tree, *others, strict=True)
        ]
        if isinstance(tree, list):
            return leaves
        return type(tree)(*leaves) if hasattr(tree, "_fields") else tuple(leaves)
    return function(tree, *others)


def _check_leaf(leaf: Any, count: int) -> None:
    if not isinstance(leaf, np.ndarray):
        raise TypeError(
            "the model must return numpy arrays, or a tuple, list or dict of them, got "
            f"{type(leaf).__name__}"
        )
    if leaf.ndim == 0 or len(leaf) != count:
        raise TilingError(
            f"the model was given {count} tiles and returned shape {leaf.shape}: its "
            "first axis must count the tiles"
        )


def _room(leaf: Array, count: int) -> Array:
    return np.empty((count, *leaf.shape[1:]), leaf.dtype)


def _put(room: Array, leaf: Array, batch: range) -> None:
    if leaf.dtype != room.dtype or leaf.shape[1:] != room.shape[1:]:
        raise TilingError(
            f"the model returned {leaf.dtype} {leaf.shape[1:]} for the tiles from "
            f"{batch.start} on, and {room.dtype} {room.shape[1:]} before: results must "
            "be alike for all batches"
        )
    room[batch.start : batch.stop] = leaf
