"""The merged image and what is wrong with it, when a model has looked at the tiles.

The merge is reftiler's, asked for a band of rows at a time, so that no more tiles than
those of a band are in memory and the work can be cancelled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler import Axis, Grid, TilingError
from reftiler.geometry import TileGeometry
from reftiler.merge import merge as merge_tiles
from reftiler.plan import UntilePlan, plan_tile, plan_untile
from reftiler.streaming.reading import read_tiles
from reftiler_gui.model.mock_models import MODELS
from reftiler_gui.model.steps import Work

__all__ = ["LIMIT", "Merged", "merge"]

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float32]

LIMIT = 2**28
"""Numbers of an image up to which it is merged: the result is kept in memory."""

_BATCH = 2**24  # numbers of the tiles that are merged at a time, about
_MOST = 2**29  # the same, at the most


@dataclass(frozen=True, eq=False)
class Merged:
    """
    A merged image beside the original.

    Attributes
    ----------
    image : ndarray
        As the original is shaped; of its dtype without a model, else float32.
    difference : ndarray of float32, shape (H, W)
        Merged minus original, of the channel where it is largest; 0 where no tile is.
    worst : pair of int, or None
        The pixel where it is largest; None if there is no difference.
    uncovered : int
        Pixels in which no tile takes part; they are the tiler's fill, or 0.
    """

    image: Array
    difference: Floats
    worst: tuple[int, int] | None
    uncovered: int

    @property
    def largest(self) -> float:
        """The size of the largest difference."""
        return abs(float(self.difference[self.worst])) if self.worst else 0.0


def merge(
    image: Array, grid: Grid, model: str = "none", height: float = 0.0
) -> Work[Merged]:
    """
    Cut an image, let a model at its tiles, merge them and compare.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, C)
        Of real numbers, LIMIT of them at the most. Bools count as 0 and 255.
    grid : Grid
        The tiles.
    model : str
        One of `mock_models.MODELS`.
    height : float
        By how much the model errs, in the image's units.

    Raises
    ------
    TilingError
        If there are too many numbers, or reftiler refuses to merge them.
    """
    _check_size(image.size)
    image = np.asarray(image)
    if image.dtype == bool:
        image = image.view(np.uint8) * np.uint8(255)
    image = image.astype(image.dtype.newbyteorder("="), copy=False)
    tiler = replace(
        grid.tiler,
        channels_last=True,
        fill=0 if grid.tiler.fill is None else grid.tiler.fill,
    )
    grid, stand_in = replace(grid, tiler=tiler), MODELS[model]
    out = np.empty(image.shape, image.dtype if model == "none" else np.float32)
    difference, uncovered = np.zeros(image.shape[:2], np.float32), 0
    cut = plan_tile(tiler, image.shape, image.dtype.name, grid)
    call = plan_untile(
        tiler, cut.tiles.shape, out.dtype.name, image.shape, grid, None, out.dtype.name
    )
    for low, high in _bands(image, grid):
        numbers, part = _band(call, grid, low, high)
        tiles = np.empty((len(numbers), *cut.tiles.shape[1:]), out.dtype)
        for place, k in enumerate(numbers):
            tiles[place] = stand_in(read_tiles(image, cut, [k])[0], k, height)
            if place % 64 == 0:
                yield (low + (high - low) * place / len(numbers)) / len(image)
        merge_tiles(tiles, part, out[low:high])
        here, bare = slice(low, high), part.geometry.coverage(_whole(part)) == 0
        difference[here] = np.where(bare, 0, _difference(out[here], image[here]))
        uncovered += int(bare.sum())
        yield high / len(image)
    return Merged(out, difference, _worst(difference), uncovered)


def _bands(image: Array, grid: Grid) -> Iterator[tuple[int, int]]:
    """Yield bands of rows whose tiles are few enough to be in memory."""
    rows = len(image)
    tile = grid.tiler.tile_size[0]
    numbers = math.prod(grid.tiler.tile_size) * math.prod(image.shape[2:]) * len(grid)
    by_row = max(1, numbers // rows)
    if grid.tiler.mode == "interpolation" and not grid.is_irregular:
        step, needed = rows, numbers  # its axes cannot be cut into bands
    else:
        step = max(1, tile // 4, _BATCH // by_row - tile)
        needed = by_row * min(step + tile, rows)
    _check_size(needed, _MOST)
    for low in range(0, rows, step):
        yield low, min(low + step, rows)


def _check_size(numbers: int, most: int = LIMIT) -> None:
    if numbers > most:
        raise TilingError(
            f"merging would keep {numbers:,} numbers in memory: take a larger stride, "
            "or open a part of the image"
        )


def _band(
    call: UntilePlan, grid: Grid, low: int, high: int
) -> tuple[list[int], UntilePlan]:
    """Return the tiles that take part in some rows, and the call that merges them."""
    axis, other = call.geometry.axes
    hit = np.flatnonzero((axis.valid[:, 0] < high) & (axis.valid[:, 1] > low))
    if grid.is_irregular:
        numbers = hit.tolist()
        other = replace(other, starts=tuple(other.starts[k] for k in numbers))
    else:
        width = len(other)
        numbers = [
            k for row in hit.tolist() for k in range(row * width, row * width + width)
        ]
    if (low, high) != (0, axis.length):
        axis = _shortened(axis, hit.tolist(), low, high)
    placement = TileGeometry((axis, other), grid.is_irregular)
    count = placement.coverage(((0, high - low), (0, other.length)))
    return numbers, replace(
        call,
        geometry=placement,
        tiles=replace(call.tiles, batch=len(numbers)),
        result=replace(call.result, size=placement.size),
        num_uncovered=int((count == 0).sum()),
    )


def _shortened(axis: Axis, tiles: list[int], low: int, high: int) -> Axis:
    """Return an axis with some of its rows, in the same frame, and some tiles."""
    starts = tuple(axis.starts[k] for k in tiles)
    before = axis.pad_before + low
    return replace(axis, length=high - low, pad_before=before, starts=starts)


def _whole(call: UntilePlan) -> tuple[tuple[int, int], ...]:
    return tuple((0, side) for side in call.geometry.size)


def _difference(merged: Array, image: Array) -> Floats:
    """Subtract, and take the channel where the difference is largest."""
    with np.errstate(all="ignore"):
        left, right = merged.astype(np.float64), image.astype(np.float64)
        change = np.where(left == right, 0, left - right)
        change[np.isnan(left) & np.isnan(right)] = 0
        change[np.isnan(change)] = np.inf  # one of them is no number
        change = change.astype(np.float32)
    if change.ndim == 3:
        largest = np.abs(change).argmax(axis=2)[..., np.newaxis]
        change = np.take_along_axis(change, largest, axis=2)[..., 0]
    return change


def _worst(difference: Floats) -> tuple[int, int] | None:
    place = int(np.abs(difference).argmax())
    row, column = divmod(place, difference.shape[1])
    return (row, column) if difference[row, column] else None
