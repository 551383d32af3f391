"""A grid as index tables: which tiles meet in a pixel, which pixels make a tile."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reftiler.axis import Axis, Index
from reftiler.geometry import Box, TileGeometry
from reftiler.padding import source_indices

Table = NDArray[Any]


class Layer(NamedTuple):
    """The d-th of the tiles that take part in each pixel of a box.

    All tables broadcast to the box. The 0-th layer is valid wherever any tile is.
    """

    tile: Table
    """The tile's index in the grid."""
    pixel: tuple[Table, ...]
    """Which of its pixels is meant, one table an axis."""
    valid: Table
    """Whether there is a d-th tile."""


def layers(placement: TileGeometry, box: Box) -> Iterator[Layer]:
    """Yield for each pixel of ``box`` its tiles in ascending order, layer by layer."""
    if placement.is_irregular:
        yield from _scattered_layers(placement, box)
        return
    rank, shape = len(box), placement.shape
    covers = [
        _cover(axis, *ends) for axis, ends in zip(placement.axes, box, strict=True)
    ]
    for rows in product(*(range(len(cover.valid)) for cover in covers)):
        tile: Any = 0
        valid: Any = True
        for a, (cover, row) in enumerate(zip(covers, rows, strict=True)):
            tile = tile * shape[a] + along(cover.number[row], (a,), rank)
            valid = valid & along(cover.valid[row], (a,), rank)
        pixel = tuple(
            along(cover.pixel[row], (a,), rank)
            for a, (cover, row) in enumerate(zip(covers, rows, strict=True))
        )
        yield Layer(tile, pixel, valid)


class _Cover(NamedTuple):
    """What layers are on one axis of a fitted grid; tables (most, length)."""

    number: Table
    pixel: Table
    valid: Table


def _cover(axis: Axis, low: int, high: int) -> _Cover:
    pixels = np.arange(low, high, dtype=np.int64)
    # Tiles begin and end in the same order, so those in a pixel are neighbours.
    first = np.searchsorted(axis.valid[:, 1], pixels, side="right")
    last = np.searchsorted(axis.valid[:, 0], pixels, side="right")
    rows = np.arange(max(1, int((last - first).max())))[:, np.newaxis]
    valid = first + rows < last
    number = np.where(valid, first + rows, 0)
    frame = axis.pad_before + pixels
    if axis.resampled:
        frame = -(-pixels * axis.padded_length // axis.length)
    pixel = np.where(valid, frame - np.array(axis.starts)[number], 0)
    return _Cover(number, pixel, valid)


def _scattered_layers(placement: TileGeometry, box: Box) -> Iterator[Layer]:
    most = max(1, int(placement.coverage(box).max()))
    size = [high - low for low, high in box]
    number = np.full((most, *size), -1, dtype=np.int64)
    found = np.zeros(size, dtype=np.int64)
    for part in placement.overlaps(box):
        place = np.indices([s.stop - s.start for s in part.in_block])
        corner = np.array([s.start for s in part.in_block]).reshape(-1, *[1] * len(box))
        number[(found[part.in_block], *(place + corner))] = part.tile
        found[part.in_block] += 1
    for tiles in number:
        valid = tiles >= 0
        tile = np.where(valid, tiles, 0)
        pixel = tuple(
            np.where(
                valid,
                along(np.arange(*ends), (a,), len(box)) - np.array(axis.starts)[tile],
                0,
            )
            for a, (axis, ends) in enumerate(zip(placement.axes, box, strict=True))
        )
        yield Layer(tile, pixel, valid)


def sources(axis: Axis, pad_mode: str) -> tuple[Table, Table]:
    """Return the image pixel that each tile pixel shows, and whether it shows one.

    Both have the shape (n, tile).
    """
    rows = []
    for start in axis.starts:
        pixels = source_indices(axis, start, pad_mode)
        if isinstance(pixels, slice):
            pixels = np.arange(pixels.start, pixels.stop, dtype=np.int64)
        rows.append(pixels)
    index = np.stack(rows)
    inside = (index >= 0) & (index < axis.length)
    return np.where(inside, index, 0), inside


def along(table: Table, dims: Sequence[int], rank: int) -> Table:
    """Place the axes of ``table`` at ``dims`` of an index of ``rank`` dimensions."""
    shape = [1] * rank
    for size, dim in zip(table.shape, dims, strict=True):
        shape[dim] = size
    return table.reshape(shape)


def mesh(index: Sequence[Index], device: torch.device) -> list[Any]:
    """Return an index of a box of pixels: slices, or tensors that broadcast to it."""
    if all(isinstance(pixels, slice) for pixels in index):
        return list(index)
    tables = [np.arange(i.start, i.stop) if isinstance(i, slice) else i for i in index]
    rank = len(tables)
    return on(device, *(along(t, (a,), rank) for a, t in enumerate(tables)))


def on(
    device: torch.device, *tables: Table, dtype: torch.dtype | None = None
) -> list[Tensor]:
    """Copy tables to a device, converted on the way if it lacks their dtype."""
    return [torch.tensor(table, dtype=dtype, device=device) for table in tables]
