"""Zarr arrays and OME-Zarr groups that pictures are written to by slices."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.atomic import atomic_write
from reftiler.io.metadata import Metadata
from reftiler.io.ome_zarr import multiscales_attributes
from reftiler.io.zarr_io import (
    load_zarr,
    open_node,
    remove_partial_chunks,
)
from reftiler.io.zarr_metadata import read_node
from reftiler.json_io import pretty_json
from reftiler.streaming import Target

__all__ = ["create_zarr", "finish_zarr", "reopen_zarr"]

_CHUNK = 512  # pixels along each side of a chunk
_CHUNK_BYTES = 2**24  # beyond which channels get chunks of their own
_SMALLEST = 256  # pixels along the longer side of the last level of a pyramid


class ChannelsLast:
    """An array ``(C, H, W)``, read and written by slices, as ``(H, W, C)``."""

    def __init__(self, array: Any) -> None:
        self._array = array
        channels, *size = array.shape
        self.shape, self.dtype = (*size, channels), np.dtype(array.dtype)

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        """Return the pixels of some slices."""
        rows, columns, channels = _three(index)
        found = np.asarray(self._array[channels, rows, columns])
        return found.transpose(1, 2, 0)

    def __setitem__(self, index: Any, value: Any, /) -> None:
        """Write the pixels of some slices."""
        rows, columns, channels = _three(index)
        pixels = np.asarray(value)
        if pixels.ndim == 3:
            pixels = pixels.transpose(2, 0, 1)
        self._array[channels, rows, columns] = pixels


def create_zarr(
    path: Path, shape: tuple[int, ...], dtype: Any, *, ome: bool = False
) -> Target:
    """Make an array for a picture, in a group if `ome`; what was there is gone."""
    if not ome:
        names = ("y", "x", "c")[: len(shape)]
        target: Target = _create(path, shape, dtype, names)
        return target
    array = _create(path / "0", (*shape[2:], *shape[:2]), dtype, _ome_names(len(shape)))
    return ChannelsLast(array) if len(shape) == 3 else array


def reopen_zarr(path: Path, *, ome: bool = False) -> Target:
    """Open again what `create_zarr` made and nobody finished."""
    remove_partial_chunks(path)
    array = open_node(read_node(path / "0" if ome else path))
    return ChannelsLast(array) if ome and len(array.shape) == 3 else array


def finish_zarr(
    path: Path, metadata: Metadata, *, ome: bool = False, labels: bool = False
) -> None:
    """Add what an OME-Zarr group has beside the picture: smaller levels and metadata.

    Each level halves the one before, until neither side is longer than 256. A pixel is
    the mean of four; of bool masks it is marked where one of them is; of labels, and of
    integers of 64 bits, it is the first of them.
    """
    if not ome:
        return
    level, levels = open_node(read_node(path / "0"), read_only=True), 1
    rank = len(level.shape)
    while max(level.shape[-2:]) > _SMALLEST:
        size = tuple(-(-length // 2) for length in level.shape[-2:])
        shape = (*level.shape[:-2], *size)
        smaller = _create(path / str(levels), shape, level.dtype, _ome_names(rank))
        for block in _blocks(smaller):
            larger = tuple(slice(2 * part.start, 2 * part.stop) for part in block[-2:])
            pixels = np.asarray(level[(*block[:-2], *larger)])
            smaller[block] = _halve(pixels, labels=labels)
        level, levels = smaller, levels + 1
    group = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": multiscales_attributes(levels, rank, metadata),
    }
    atomic_write(path / "zarr.json", pretty_json(group).encode())


def _create(
    path: Path, shape: tuple[int, ...], dtype: Any, names: tuple[str, ...]
) -> Any:
    sides = [min(_CHUNK, length) for length in shape]
    if len(shape) == 3:  # all channels in a chunk, unless it gets too large
        axis = names.index("c")
        sides[axis] = shape[axis]
        plane = sides[names.index("y")] * sides[names.index("x")]
        fitting = _CHUNK_BYTES // (plane * np.dtype(dtype).itemsize)
        sides[axis] = max(1, min(shape[axis], fitting))
    return load_zarr().create_array(
        str(path),
        shape=shape,
        dtype=dtype,
        chunks=tuple(sides),
        fill_value=0,
        dimension_names=names,
        overwrite=True,
    )


def _ome_names(rank: int) -> tuple[str, ...]:
    return ("c", "y", "x")[-rank:]


def _blocks(array: Any) -> Iterator[tuple[slice, ...]]:
    """Yield the chunks of an array, one after the other."""
    starts = [
        range(0, length, chunk)
        for length, chunk in zip(array.shape, array.chunks, strict=True)
    ]
    for corner in product(*starts):
        yield tuple(
            slice(start, min(start + chunk, length))
            for start, chunk, length in zip(
                corner, array.chunks, array.shape, strict=True
            )
        )


def _halve(pixels: NDArray[Any], *, labels: bool) -> NDArray[Any]:
    """Halve the last two axes; a last line of an odd number stands for two."""
    dtype = pixels.dtype
    whole = dtype.kind in "iu"
    if labels or (whole and dtype.itemsize == 8):
        return pixels[..., ::2, ::2]
    odd = [(0, 0)] * (pixels.ndim - 2) + [(0, n % 2) for n in pixels.shape[-2:]]
    even = np.pad(pixels, odd, mode="edge")
    rows, columns = (length // 2 for length in even.shape[-2:])
    fours = even.reshape(*even.shape[:-2], rows, 2, columns, 2)
    if dtype.kind == "b":
        return np.asarray(fours.any(axis=(-3, -1)))
    mean = fours.mean(axis=(-3, -1), dtype=np.float64)
    return np.asarray((np.rint(mean) if whole else mean).astype(dtype))


def _three(index: Any) -> tuple[slice, slice, slice]:
    """Return slices of rows, columns and channels; what is not named is whole."""
    given = [part for part in np.index_exp[index] if part is not Ellipsis]
    slices = [*given, *[slice(None)] * (3 - len(given))]
    return slices[0], slices[1], slices[2]
