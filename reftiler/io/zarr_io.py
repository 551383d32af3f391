"""Zarr arrays in folders, OME-Zarr among them, as pictures and as rows of tiles."""

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reftiler.io.lazy import LazyImage, Read, transpose_axes

__all__ = [
    "SUFFIX",
    "create_array",
    "is_zarr",
    "load_zarr",
    "open_array",
    "open_picture",
    "remove_partial_chunks",
    "wait_pending_writes",
]

SUFFIX = ".zarr"
_MARKS = ("zarr.json", ".zarray", ".zgroup")
_PATIENCE = 60  # seconds
_OME_AXES = "tczyx"  # what OME-Zarr's axes were before they were named


def is_zarr(path: Path) -> bool:
    """Tell whether a path is a folder with a zarr array or group in it, or says so."""
    if not path.is_dir():
        return False
    named = path.suffix.lower() == SUFFIX
    return named or any((path / name).is_file() for name in _MARKS)


def load_zarr() -> Any:
    """
    Return the package.

    Raises
    ------
    ImportError
        It is not installed.
    """
    try:
        import zarr  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImportError(
            f'zarr files need zarr: pip install "reftiler[zarr]" ({error})'
        ) from error
    return zarr


def open_picture(path: Path) -> LazyImage:
    """
    Open an array, or the first resolution level of an OME-Zarr group.

    Returns
    -------
    LazyImage
        Channels are last, whatever the order of OME-Zarr's axes.

    Raises
    ------
    ImportError
        zarr is not installed.
    Exception
        It is neither, or damaged: ValueError from here, anything from zarr.
    """
    if not any((path / name).is_file() for name in _MARKS):
        raise ValueError(f"there is no zarr array in it: {' or '.join(_MARKS[:2])}")
    found = load_zarr().open(str(path), mode="r")
    if isinstance(found, load_zarr().Group):
        level, names = _first_level(found)
    else:
        level, names = found, None
    shape: tuple[int, ...] = tuple(level.shape)
    read: Read = partial(_read, level)
    if names is not None:
        shape, read = transpose_axes(names, shape, read)
    return LazyImage(path, shape, np.dtype(level.dtype), read)


def open_array(path: Path) -> Any:
    """
    Open an array of any rank for reading and writing.

    Raises
    ------
    Exception
        There is none, or it is damaged.
    """
    return load_zarr().open_array(str(path), mode="r+")


def create_array(
    path: Path, shape: tuple[int, ...], dtype: Any, chunks: tuple[int, ...]
) -> Any:
    """
    Make an array of zeros; what was there is gone.

    Raises
    ------
    ImportError
        zarr is not installed.
    OSError
        The disk refuses.
    """
    return load_zarr().open_array(
        str(path), mode="w", shape=shape, dtype=dtype, chunks=chunks, fill_value=0
    )


def remove_partial_chunks(path: Path) -> None:
    """
    Remove the chunks that killed processes left half-written in an array.

    Raises
    ------
    OSError
        The disk refuses.
    """
    for chunk in path.rglob("*.partial"):  # as zarr calls them until they are whole
        chunk.unlink()


def wait_pending_writes() -> None:
    """Wait until the chunks that zarr wrote beside one that failed are done, too.

    Else they are written when nobody expects it, or end with noise.
    """

    async def others() -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*tasks, return_exceptions=True)

    with suppress(Exception):  # each release has its own ways; older ones need no wait
        from zarr.core.sync import _get_loop  # noqa: PLC0415 - an extra

        asyncio.run_coroutine_threadsafe(others(), _get_loop()).result(_PATIENCE)


def _read(array: Any, index: tuple[slice, ...]) -> Any:
    return array[index]


def _first_level(group: Any) -> tuple[Any, str]:
    """Return the array that OME-Zarr metadata name first, and its axes' letters."""
    attributes = dict(group.attrs)
    attributes = attributes.get("ome", attributes)
    if "multiscales" not in attributes:
        arrays = ", ".join(sorted(group.array_keys()))
        hint = f"give one of its arrays: {arrays}" if arrays else "it holds no array"
        raise ValueError(f"a zarr group without OME-Zarr metadata: {hint}")
    scales = attributes["multiscales"][0]
    level = group[scales["datasets"][0]["path"]]
    axes = scales.get("axes", _OME_AXES[-len(level.shape) :])
    names = [axis["name"] if isinstance(axis, dict) else axis for axis in axes]
    return level, "".join(name[:1] for name in names)
