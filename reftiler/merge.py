"""Merging with numpy: block by block, of which threads have some each.

Where the same pattern of tiles repeats all of it is merged at once, as a few views;
elsewhere the image is cut into boxes, and every tile's part of them is added.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from reftiler import patterns
from reftiler.cut import Array, as_nchw, by_image, fill_scalar, index_spatial, open_mesh
from reftiler.geometry import Box, Overlap
from reftiler.parallel import parallel_for
from reftiler.plan import UntilePlan
from reftiler.rules import Block, channels_at_once, room, rule_of

__all__ = ["TileLookup", "merge", "merge_box"]


class TileLookup(Protocol):
    """The tiles of an image by their number, wherever they are kept."""

    def __getitem__(self, number: int, /) -> Array:
        """Return a tile, (C, *T)."""
        ...


def merge(tiles: Array, call: UntilePlan, out: Array) -> None:
    """Merge ``tiles`` into ``out`` as ``call`` plans.

    Parameters
    ----------
    tiles, out : ndarray
        Of the layouts ``call.tiles`` and ``call.result``.
    call : UntileCall
        The checked call.
    """
    images = by_image(tiles, call.tiles, call.result.batch_size)
    result = as_nchw(out, call.result)
    found = patterns.find(call.geometry)
    if found:
        patterns.merge(images, call, result, found)
        return
    corner = (0,) * len(call.geometry.size)
    few, most = channels_at_once(result), room(call, tiles.dtype)
    boxes = list(call.geometry.blocks(few, most))
    merge_some = partial(_merge_boxes, images, tiles.dtype, call, result, corner)
    parallel_for(merge_some, boxes, out.nbytes)


def merge_box(
    images: Iterable[TileLookup],
    dtype: np.dtype[Any],
    call: UntilePlan,
    out: Array,
    whole: Box,
) -> None:
    """Merge a part of every image.

    Parameters
    ----------
    images : iterable of N Tiles
        Those tiles that take part there are enough.
    dtype : dtype
        The tiles'.
    call : UntileCall
        The checked call.
    out : ndarray, shape (N, C, *sizes of the box)
        What becomes of the box.
    whole : Box
        The part of the image.
    """
    boxes = list(call.geometry.blocks(channels_at_once(out), room(call, dtype), whole))
    _merge_boxes(images, dtype, call, out, [low for low, _ in whole], boxes)


def _merge_boxes(
    images: Iterable[TileLookup],
    dtype: np.dtype[Any],
    call: UntilePlan,
    out: Array,
    corner: Sequence[int],
    boxes: Sequence[Box],
) -> None:
    """Merge some boxes of every image; ``out`` begins at the pixel ``corner``."""
    rule = rule_of(call, dtype, out.dtype)
    channels, few = out.shape[1], channels_at_once(out)
    fill = fill_scalar(call.fill, out.dtype)
    with np.errstate(all="ignore"):  # overflow and NaN are results, not mistakes
        for box in boxes:
            block = _block(call, box)
            here = [
                slice(low - first, high - first)
                for (low, high), first in zip(box, corner, strict=True)
            ]
            for tiles, result in zip(images, out, strict=True):
                for first in range(0, channels, few):
                    some = slice(first, first + few)
                    piece = index_spatial(result[some], here)
                    rule.merge(partial(values_of, tiles, some), piece, block)
                    if call.num_uncovered:
                        np.copyto(piece, fill, where=block.count == 0)


def _block(call: UntilePlan, box: Box) -> Block:
    count, weights = call.geometry.coverage(box), call.weights
    divisor = count if weights is None else weights.total(box)
    return Block(list(call.geometry.overlaps(box)), count, divisor)


def values_of(tiles: TileLookup, channels: slice, part: Overlap) -> Array:
    """Return the values (C, *region) that a part gives to its box."""
    return index_spatial(tiles[part.tile][channels], open_mesh(part.in_tile))
