"""Zarr arrays in folders, OME-Zarr among them, as pictures and as rows of tiles.

Whatever is opened, its metadata are read and checked by `reftiler.io.zarr_metadata`,
and zarr gets what was checked: it reads no metadata itself.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from reftiler.errors import TilingError, missing_extra
from reftiler.io.axes import count_planes, guess_note, picture_axes, resolve_axes
from reftiler.io.info import MAX_BYTES, ImageInfo, ReadOptions
from reftiler.io.lazy import LazyImage, os_error_reason
from reftiler.io.ome_zarr import find_image
from reftiler.io.zarr_metadata import (
    SUFFIX,
    ZarrNode,
    check_array,
    chunk_counts,
    chunk_separator,
    read_node,
)

__all__ = [
    "SUFFIX",
    "create_array",
    "load_zarr",
    "missing_chunks",
    "open_array",
    "open_node",
    "open_zarr",
    "remove_partial_chunks",
    "wait_pending_writes",
]

_TIMEOUT = 60  # seconds


def load_zarr() -> Any:
    """Return the package."""
    try:
        import zarr  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing_extra("zarr files need zarr", "zarr", error) from error
    return zarr


def open_zarr(path: Path, options: ReadOptions) -> LazyImage:
    """Open an array, or an image of an OME-Zarr group, as a picture."""
    try:
        return _open_picture(path, options)
    except ImportError:
        raise
    except Exception as error:  # zarr raises anything when metadata are damaged
        raise TilingError(f"cannot read {path}: {os_error_reason(error)}") from error


def open_array(path: Path) -> Any:
    """Open an array for writing, also chunks that hold nothing but zeros."""
    return open_node(read_node(path)).with_config({"write_empty_chunks": True})


def open_node(
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


def create_array(
    path: Path, shape: tuple[int, ...], dtype: Any, chunks: tuple[int, ...]
) -> Any:
    """Make an array of zeros for tiles; what was there is gone.

    Each chunk is a file in the array's folder, also where it holds nothing but zeros.
    """
    return load_zarr().create_array(
        str(path),
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        fill_value=0,
        chunk_key_encoding={"name": "default", "separator": "."},
        config={"write_empty_chunks": True},
        overwrite=True,
    )


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


def remove_partial_chunks(path: Path) -> None:
    """Remove the chunks that killed processes left half-written in an array."""
    for chunk in path.rglob("*.partial"):  # as zarr calls them until they are whole
        chunk.unlink()


def wait_pending_writes() -> None:
    """Wait until the chunks that zarr wrote beside one that failed are done, too.

    Else they are written when nobody expects it, or end with noise.
    """

    async def others() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*tasks, return_exceptions=True)

    with suppress(Exception):  # it is zarr's own, and may change
        from zarr.core.sync import _get_loop  # noqa: PLC0415 - an extra

        asyncio.run_coroutine_threadsafe(others(), _get_loop()).result(_TIMEOUT)


def _open_picture(path: Path, options: ReadOptions) -> LazyImage:
    load_zarr()
    found = find_image(path, options)
    array = open_node(found.node, read_only=True, max_bytes=options.max_bytes)
    dtype = np.dtype(array.dtype)
    if dtype.kind not in "biuf":
        raise ValueError(f"not a picture of real numbers: the dtype is {dtype}")
    names = resolve_axes(array.shape, options, found.axes)
    count = count_planes(names, array.shape)
    if found.is_one_of_several:  # its planes are not picked by a page as well
        options, count = replace(options, page=None, guess=False), 1
    shape, read = picture_axes(names, array.shape, options, partial(_read, array))
    kind = "zarr" if found.axes is None else "OME-Zarr"
    note = guess_note(names, array.shape, options) if found.axes is None else ""
    info = ImageInfo(
        kind,
        metadata=found.metadata,
        axes=names,
        pages=count,
        notes=(*found.notes, *([note] if note else [])),
    )
    return LazyImage(path, shape, dtype, read, info)


def _read(array: Any, index: tuple[slice, ...]) -> Any:
    return array[index]
