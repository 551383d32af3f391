"""Zarr arrays in folders, OME-Zarr among them, as pictures and as rows of tiles.

Whatever is opened, its metadata are read and checked by `reftiler.io.zarr_metadata`,
and zarr gets what was checked: it reads no metadata itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reftiler.atomic import atomic_write
from reftiler.io import axes
from reftiler.io.codecs import load
from reftiler.io.info import MAX_BYTES, ImageInfo, ReadOptions
from reftiler.io.lazy import LazyImage
from reftiler.io.metadata import Metadata
from reftiler.io.ome_zarr import find_image, multiscales_attributes
from reftiler.io.zarr_metadata import (
    ZarrNode,
    check_array,
    chunk_counts,
    chunk_separator,
    read_node,
)
from reftiler.json_io import pretty_json

if TYPE_CHECKING:
    from reftiler.streaming import Target

_TIMEOUT = 60  # seconds
_CHUNK = 512  # pixels along each side of a chunk
_CHUNK_BYTES = 2**24  # beyond which channels get chunks of their own
_SMALLEST = 256  # pixels along the longer side of the last level of a pyramid


def load_zarr() -> Any:
    """Return the package."""
    return load("zarr", "zarr files need zarr", "zarr")


# Reading


def open_zarr(path: Path, options: ReadOptions) -> LazyImage:
    """Open an array, or an image of an OME-Zarr group, as a picture."""
    load_zarr()
    found = find_image(path, options)
    array = _open_node(found.node, read_only=True, max_bytes=options.max_bytes)
    named = found.axes
    if found.is_one_of_several:  # its planes are not picked by a page as well
        named = named or axes.resolve_axes(array.shape, options)
        options = replace(options, page=None, guess=False)
    kind = "zarr" if found.axes is None else "OME-Zarr"
    info = ImageInfo(kind, metadata=found.metadata, notes=found.notes)
    image = axes.open_array(path, array, options, info, named)
    if found.is_one_of_several:
        image.info = replace(image.info, pages=1)
    return image


def open_array(path: Path) -> Any:
    """Open an array for writing, also chunks that hold nothing but zeros."""
    return _open_node(read_node(path)).with_config({"write_empty_chunks": True})


def _open_node(
    node: ZarrNode, *, read_only: bool = False, max_bytes: int = MAX_BYTES
) -> Any:
    """Open an array whose metadata were read, once they are checked."""
    if node.array is None:
        raise ValueError("it is a zarr group, not an array")
    coding = check_array(node.array, max_bytes)
    zarr = load_zarr()
    from reftiler.io.zarr_store import FolderStore  # noqa: PLC0415 - needs zarr

    store = FolderStore(node.path, coding, read_only=read_only, max_bytes=max_bytes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some codecs are not in the standard yet
        return zarr.Array.from_dict(zarr.storage.StorePath(store), node.array)


def missing_chunks(path: Path, rows: Iterable[int]) -> list[int]:
    """Return in which rows of chunks of an array some were never written."""
    metadata = read_node(path).array
    if metadata is None:
        raise ValueError("it is a zarr group, not an array")
    check_array(metadata, MAX_BYTES)
    start, separator = chunk_separator(metadata)
    others = [range(count) for count in chunk_counts(metadata)[1:]]

    def is_there(*numbers: int) -> bool:
        return (path / (start + separator.join(map(str, numbers)))).is_file()

    return [
        row
        for row in rows
        if not all(is_there(row, *rest) for rest in product(*others))
    ]


# Writing


class ChannelsLast:
    """An array ``(C, H, W)``, read and written by slices, as ``(H, W, C)``."""

    def __init__(self, array: Any) -> None:
        self._array = array
        channels, *size = array.shape
        self.shape, self.dtype = (*size, channels), np.dtype(array.dtype)

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        return np.asarray(self._array[self._stored(index)]).transpose(1, 2, 0)

    def __setitem__(self, index: Any, value: Any, /) -> None:
        pixels = np.asarray(value)
        if pixels.ndim == 3:
            pixels = pixels.transpose(2, 0, 1)
        self._array[self._stored(index)] = pixels

    @staticmethod
    def _stored(index: Any) -> tuple[slice, ...]:
        """Return slices of the array's axes; what is not named is whole."""
        given = [part for part in np.index_exp[index] if part is not Ellipsis]
        slices = [*given, *[slice(None)] * (3 - len(given))]
        return slices[2], slices[0], slices[1]


def create_array(
    path: Path, shape: tuple[int, ...], dtype: Any, chunks: tuple[int, ...]
) -> Any:
    """Make an array of zeros for tiles; what was there is gone.

    Each chunk is a file in the array's folder, also where it holds nothing but zeros.
    """
    return _create(
        path,
        shape,
        dtype,
        chunks,
        chunk_key_encoding={"name": "default", "separator": "."},
        config={"write_empty_chunks": True},
    )


def create_zarr(
    path: Path, shape: tuple[int, ...], dtype: Any, *, ome: bool = False
) -> Target:
    """Make an array for a picture, in a group if `ome`; what was there is gone."""
    if not ome:
        target: Target = _create_picture(path, shape, dtype, "yxc"[: len(shape)])
        return target
    return _seen(_create_level(path / "0", (*shape[2:], *shape[:2]), dtype))


def reopen_zarr(path: Path, *, ome: bool = False) -> Target:
    """Open again what `create_zarr` made and nobody finished."""
    remove_partial_chunks(path)
    array = _open_node(read_node(path / "0" if ome else path))
    return _seen(array) if ome else array


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
    level, levels = _open_node(read_node(path / "0"), read_only=True), 1
    while max(level.shape[-2:]) > _SMALLEST:
        size = tuple(-(-length // 2) for length in level.shape[-2:])
        shape = (*level.shape[:-2], *size)
        smaller = _create_level(path / str(levels), shape, level.dtype)
        starts = [
            range(0, length, chunk)
            for length, chunk in zip(shape, smaller.chunks, strict=True)
        ]
        for corner in product(*starts):
            block = tuple(
                slice(start, min(start + chunk, length))
                for start, chunk, length in zip(
                    corner, smaller.chunks, shape, strict=True
                )
            )
            larger = (slice(2 * part.start, 2 * part.stop) for part in block[-2:])
            pixels = np.asarray(level[(*block[:-2], *larger)])
            smaller[block] = _halve(pixels, labels=labels)
        level, levels = smaller, levels + 1
    group = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": multiscales_attributes(levels, len(level.shape), metadata),
    }
    atomic_write(path / "zarr.json", pretty_json(group).encode())


def remove_partial_chunks(path: Path) -> None:
    """Remove the chunks that killed processes left half-written in an array."""
    for chunk in path.rglob("*.partial"):  # as zarr calls them until they are whole
        chunk.unlink()


def wait_pending_writes() -> None:
    """Wait until the chunks that zarr wrote beside one that failed are done, too.

    Else they are written when nobody expects it, or end with noise.
    """
    import asyncio  # noqa: PLC0415 - slow to import

    async def others() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*tasks, return_exceptions=True)

    with suppress(Exception):  # it is zarr's own, and may change
        from zarr.core.sync import _get_loop  # noqa: PLC0415 - an extra

        asyncio.run_coroutine_threadsafe(others(), _get_loop()).result(_TIMEOUT)


def _create(
    path: Path,
    shape: tuple[int, ...],
    dtype: Any,
    chunks: tuple[int, ...],
    **options: Any,
) -> Any:
    return load_zarr().create_array(
        str(path),
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        fill_value=0,
        overwrite=True,
        **options,
    )


def _create_level(path: Path, shape: tuple[int, ...], dtype: Any) -> Any:
    return _create_picture(path, shape, dtype, "cyx"[-len(shape) :])


def _create_picture(path: Path, shape: tuple[int, ...], dtype: Any, names: str) -> Any:
    chunks = [min(_CHUNK, length) for length in shape]
    if len(shape) == 3:  # all channels in a chunk, unless it gets too large
        axis = names.index("c")
        plane = chunks[names.index("y")] * chunks[names.index("x")]
        fitting = _CHUNK_BYTES // (plane * np.dtype(dtype).itemsize)
        chunks[axis] = max(1, min(shape[axis], fitting))
    return _create(path, shape, dtype, tuple(chunks), dimension_names=tuple(names))


def _seen(array: Any) -> Target:
    """Return an array of OME-Zarr as the picture that it holds."""
    return ChannelsLast(array) if len(array.shape) == 3 else array


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
