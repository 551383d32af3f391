"""Creating image files as stores that are written by slices, complete or not at all."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tifffile

from reftiler.atomic import preallocate, remove, replace_path, temp_path
from reftiler.errors import TilingError
from reftiler.io import codecs, zarr_io
from reftiler.io.lazy import MaskAsBytes, os_error_reason, size_of
from reftiler.streaming import Target

__all__ = ["STREAMED", "create_image"]

_CHUNK = 512  # pixels along each side of a zarr array's chunks


@contextmanager
def create_image(
    path: str | os.PathLike[str],
    shape: tuple[int, ...],
    dtype: Any,
    *,
    resume: bool = False,
) -> Iterator[Target]:
    """
    Create a picture that is written by slices, in a ``with`` statement.

    It lies under a temporary name and gets its own at the end of the block; after an
    error nothing is left, unless it is to be resumed. NPY and TIFF files are
    memory-mapped, uncompressed, and have their room on the disk from the start.

    Parameters
    ----------
    path : str or path-like
        Ends in one of `STREAMED`. Its folder must exist.
    shape : tuple of int
        ``(H, W)`` or ``(H, W, C)``. TIFF stores a single channel as ``(H, W)``.
    dtype : dtype
        Of real numbers. A bool mask is stored as 0 and 255 in TIFF.
    resume : bool
        Whether after an error, or with the end of the process, what was written stays
        as ``.NAME.unfinished``, and the next call for this shape and dtype goes on with
        it. Which pixels were written is for others to know: `reftiler.Tiler.apply`
        does, with its ``work``.

    Yields
    ------
    Target
        The store, of this shape and dtype.

    Raises
    ------
    ImportError
        It is to be zarr, which is not installed.
    TilingError
        The format is not streamed, or the disk refuses or has no room.
    """
    path, dtype = Path(path), np.dtype(dtype)
    if path.suffix.lower() not in STREAMED:
        raise TilingError(
            f"{path} cannot be written piece by piece: use {', '.join(STREAMED)}"
        )
    temporary, keep = temp_path(path), False
    if resume:
        temporary = path.with_name(f".{path.name}.unfinished")
    try:
        store = _found(temporary, path, shape, dtype) if resume else None
        if store is None:
            store = _made(temporary, path, shape, dtype)
        keep = resume
        yield store
        try:
            replace_path(temporary, path)
        except OSError as error:
            raise TilingError(
                f"cannot write {path}: {os_error_reason(error)}"
            ) from error
    finally:
        if not keep:
            if path.suffix.lower() == zarr_io.SUFFIX and temporary.exists():
                zarr_io.wait_pending_writes()
            with suppress(OSError):  # the folder is the trouble, and that is being told
                remove(temporary)


def _made(
    temporary: Path, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Target:
    """Make a store for what will be called ``path``."""
    try:
        remove(temporary)
        return _MAKERS[path.suffix.lower()](temporary, shape, dtype)
    except (OSError, ValueError) as error:
        room = f"{size_of(shape, dtype):,} bytes"
        raise TilingError(
            f"cannot write {path}: {os_error_reason(error)}; it takes {room}"
        ) from error


def _found(
    temporary: Path, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Target | None:
    """Open what an earlier process left unfinished, if it is such a picture."""
    try:
        store = _OPENERS[path.suffix.lower()](temporary, shape, dtype)
    except ImportError:
        raise
    except Exception:  # noqa: BLE001 - there is none, or it was never whole
        return None
    kinds = [np.dtype(kind).newbyteorder("=") for kind in (store.dtype, dtype)]
    return store if tuple(store.shape) == shape and kinds[0] == kinds[1] else None


def _create_npy(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Target:
    store = np.lib.format.open_memmap(path, "w+", dtype, shape)
    preallocate(path)
    return store


def _create_tiff(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Target:
    plain = shape[:2] if shape[2:] == (1,) else shape
    mask = dtype.kind == "b"
    kind = np.dtype(np.uint8) if mask else dtype.newbyteorder("=")
    tags = codecs.tiff_tags(plain)
    # Strips one after the other: such a file can be mapped, by whoever reads it too.
    store = tifffile.memmap(path, shape=plain, dtype=kind, **tags).reshape(shape)
    preallocate(path)
    return MaskAsBytes(store) if mask else store


def _create_zarr(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Target:
    chunks = (*(min(_CHUNK, size) for size in shape[:2]), *shape[2:])
    store: Target = zarr_io.create_array(path, shape, dtype, chunks)
    return store


def _open_npy(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Target:
    del shape, dtype  # it says so itself
    store: Target = np.load(path, mmap_mode="r+", allow_pickle=False)
    return store


def _open_tiff(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Target:
    store = tifffile.memmap(path, mode="r+").reshape(shape)
    return MaskAsBytes(store) if dtype.kind == "b" else store


def _open_zarr(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Target:
    del shape, dtype  # it says so itself
    zarr_io.remove_partial_chunks(path)
    store: Target = zarr_io.open_array(path)
    return store


_Get: TypeAlias = Callable[[Path, tuple[int, ...], np.dtype[Any]], Target]
_OPENERS: dict[str, _Get] = {
    ".npy": _open_npy,
    ".tif": _open_tiff,
    ".tiff": _open_tiff,
    zarr_io.SUFFIX: _open_zarr,
}
_MAKERS: dict[str, _Get] = {
    ".npy": _create_npy,
    ".tif": _create_tiff,
    ".tiff": _create_tiff,
    zarr_io.SUFFIX: _create_zarr,
}
STREAMED = tuple(_MAKERS)
"""The suffixes of the formats that are written piece by piece."""
