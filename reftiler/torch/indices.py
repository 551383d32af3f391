"""A grid as index tables: the tiles of every pixel, the image pixel of every tile's."""

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


class DepthSlice(NamedTuple):
    """The d-th of the tiles that contribute to each pixel of an image.

    All tables broadcast to the image. The 0-th is valid wherever any tile is.
    """

    tile: Sequence[Table]
    """The tile's number on each axis of a regular grid; its index in an irregular."""
    pixel: Sequence[Table]
    """Which of its pixels is meant, one table an axis."""
    valid: Sequence[Table]
    """There is a d-th tile where all of these hold."""


def iter_depth(geometry: TileGeometry) -> Iterator[DepthSlice]:
    """Yield for each pixel of the image its tiles in ascending order."""
    if geometry.is_irregular:
        yield from _irregular_depth(geometry)
        return
    rank = len(geometry.size)
    tables = [
        [tuple(along(t, (a,), rank) for t in row) for row in _axis_depth(axis)]
        for a, axis in enumerate(geometry.axes)
    ]
    for rows in product(*tables):
        yield DepthSlice(*zip(*rows, strict=True))


def _axis_depth(axis: Axis) -> Iterator[tuple[Table, Table, Table]]:
    """Yield for each depth the tiles' numbers, their pixels, and which are valid."""
    pixels = np.arange(axis.length, dtype=np.int64)
    # Tiles begin and end in the same order, so those in a pixel are neighbours.
    first = np.searchsorted(axis.valid[:, 1], pixels, side="right")
    last = np.searchsorted(axis.valid[:, 0], pixels, side="right")
    rows = np.arange(max(1, int((last - first).max())))[:, np.newaxis]
    valid = first + rows < last
    number = np.where(valid, first + rows, 0)
    # INTERP-002, INTERP-003
    pixel = np.where(valid, axis.merge_source - axis.start_array[number], 0)
    yield from zip(number, pixel, valid, strict=True)


def _irregular_depth(geometry: TileGeometry) -> Iterator[DepthSlice]:
    whole: Box = tuple((0, length) for length in geometry.size)
    rank = len(whole)
    most = max(1, int(geometry.coverage(whole).max()))
    number = np.full((most, *geometry.size), -1, dtype=np.int64)
    found = np.zeros(geometry.size, dtype=np.int64)
    for part in geometry.overlaps(whole):
        place = np.indices([s.stop - s.start for s in part.in_block])
        corner = np.array([s.start for s in part.in_block]).reshape(-1, *[1] * rank)
        number[(found[part.in_block], *(place + corner))] = part.tile
        found[part.in_block] += 1
    for tiles in number:
        valid = tiles >= 0
        tile = np.where(valid, tiles, 0)
        pixel = tuple(
            np.where(
                valid,
                along(axis.merge_source, (a,), rank) - axis.start_array[tile],
                0,
            )
            for a, axis in enumerate(geometry.axes)
        )
        yield DepthSlice((tile,), pixel, (valid,))


def source_table(axis: Axis, pad_mode: str) -> tuple[Table, Table]:
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


def open_mesh(index: Sequence[Index], device: torch.device) -> list[Any]:
    """Return an index of a box of pixels: slices, or tensors that broadcast to it."""
    if all(isinstance(pixels, slice) for pixels in index):
        return list(index)
    tables = [np.arange(i.start, i.stop) if isinstance(i, slice) else i for i in index]
    rank = len(tables)
    return on_device(device, *(along(t, (a,), rank) for a, t in enumerate(tables)))


def on_device(
    device: torch.device, *tables: Table, dtype: torch.dtype | None = None
) -> list[Tensor]:
    """Copy tables to a device, converted on the way if it lacks their dtype."""
    return [torch.tensor(table, dtype=dtype, device=device) for table in tables]
