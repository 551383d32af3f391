"""Writing image files, at once or by slices: complete or not at all."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from reftiler.atomic import (
    atomic_write,
    preallocate,
    remove,
    replace_path,
    stale_temp_files,
    temp_path,
)
from reftiler.errors import TilingError
from reftiler.io import zarr_io
from reftiler.io.codecs import check_picture, load
from reftiler.io.lazy import MaskAsBytes, mask_as_bytes, os_error_reason, size_of
from reftiler.io.metadata import Metadata
from reftiler.io.tiff_tags import write_tags
from reftiler.streaming import Target

STREAMED = (".npy", ".tif", ".tiff", ".zarr", ".ome.zarr")
"""The suffixes of the formats that are written piece by piece."""
WRITTEN = (".png", *STREAMED)
"""The suffixes of the formats that are written, in lower case."""

_PLAIN = Metadata()
_TIFF = "TIFF files need tifffile"
_ZARR, _OME_ZARR = ".zarr", ".ome.zarr"
_CLASSIC = 2**32 - 2**25
"""Bytes of pixels that a TIFF holds whose offsets have 32 bits; tags come on top."""


def write_image(
    path: str | os.PathLike[str],
    image: NDArray[Any],
    metadata: Metadata = _PLAIN,
    *,
    alpha: bool | None = None,
) -> None:
    """
    Write a picture without loss as PNG, TIFF, NPY or zarr, by the suffix of ``path``.

    The bytes go to a temporary file which is then renamed: a reader sees the old file
    or the new one, and a full disk leaves nothing behind.

    Parameters
    ----------
    path : str or path-like
        Ends in .png (bool, uint8, uint16), .tif, .tiff, .npy, .zarr or .ome.zarr (any
        real dtype). The folder must exist.
    image : ndarray
        Shape ``(H, W)`` or ``(H, W, C)``. A bool mask is stored as 0 and 255, but as
        bool in NPY and zarr. PNG and TIFF store a single channel as ``(H, W)``.
    metadata : Metadata
        Is written where the format holds it; see `Metadata.lost`.
    alpha : bool, optional
        Whether the last channel is alpha. In PNG that of two or four always is, so
        False is refused for them; TIFF says that it is none, unless this is True.

    Raises
    ------
    TilingError
        The format cannot hold the picture without loss, or the disk refuses.
    """
    path = Path(path)
    if not isinstance(image, np.ndarray):
        raise TypeError(f"image must be a numpy array, got {type(image).__name__}")
    try:
        suffix = suffix_of(path)
        if suffix in (_ZARR, _OME_ZARR):
            check_picture(image)
            with create_image(
                path, image.shape, image.dtype, metadata=metadata
            ) as store:
                store[...] = image
            return
        atomic_write(path, encode(image, suffix, metadata, alpha=alpha))
    except TilingError:
        raise
    except (OSError, ValueError) as error:
        raise TilingError(f"cannot write {path}: {os_error_reason(error)}") from error


def encode(
    image: NDArray[Any],
    suffix: str,
    metadata: Metadata = _PLAIN,
    *,
    alpha: bool | None = None,
) -> bytes:
    """Return the file that `write_image` writes."""
    check_picture(image)
    if suffix == ".png":
        if alpha is False and image.shape[2:] in ((2,), (4,)):
            raise ValueError(
                f"PNG takes the last of {image.shape[2]} channels for alpha, which it "
                "is not: use .tif or .npy"
            )
        png = load("reftiler.io.png", "PNG files need Pillow")
        return cast(bytes, png.encode_png(image, metadata))
    buffer = io.BytesIO()
    if suffix in (".tif", ".tiff"):
        plain = image[..., 0] if image.shape[2:] == (1,) else image
        tags = write_tags(plain.shape, metadata, alpha=bool(alpha))
        load("tifffile", _TIFF).imwrite(
            buffer, mask_as_bytes(plain), compression="zlib", **tags
        )
        return buffer.getvalue()
    if suffix == ".npy":
        np.save(buffer, image, allow_pickle=False)
        return buffer.getvalue()
    *most, last = WRITTEN
    got = repr(suffix) if suffix else "no suffix"
    raise ValueError(f"images are written as {', '.join(most)} or {last}, got {got}")


def suffix_of(path: Path) -> str:
    """Return the end of a name that says the format, in lower case."""
    is_ome = path.name.lower().endswith(_OME_ZARR)
    return _OME_ZARR if is_ome else path.suffix.lower()


@contextmanager
def create_image(
    path: str | os.PathLike[str],
    shape: tuple[int, ...],
    dtype: Any,
    *,
    resume: bool = False,
    metadata: Metadata = _PLAIN,
    alpha: bool = False,
    labels: bool = False,
) -> Iterator[Target]:
    """
    Create a picture that is written by slices, in a ``with`` statement.

    It lies under a temporary name and gets its own at the end of the block, once it is
    on the disk; after an error nothing is left, unless it is to be resumed, and what a
    killed process left of it is removed at the next call. NPY and TIFF files are
    memory-mapped, uncompressed, and have their room on the disk from the start.

    Parameters
    ----------
    path : str or path-like
        Ends in .npy, .tif, .tiff or .zarr. Its folder must exist. No two processes may
        create the same.
    shape : tuple of int
        ``(H, W)`` or ``(H, W, C)``. TIFF stores a single channel as ``(H, W)``.
    dtype : dtype
        Of real numbers. A bool mask is stored as 0 and 255 in TIFF.
    metadata : Metadata
        Is written where the format holds it; see `Metadata.lost`.
    resume : bool
        Whether after an error, or with the end of the process, what was written stays
        as ``.NAME.unfinished``, and the next call for this shape and dtype goes on with
        it. Which pixels were written is for others to know: `reftiler.Tiler.apply`
        does, with its ``checkpoint``.
    alpha : bool
        Whether the last channel is alpha; only TIFF says so.
    labels : bool
        Whether the values are classes, of which OME-Zarr's smaller levels hold no
        means.

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
    path, suffix = Path(path), suffix_of(Path(path))
    if suffix not in STREAMED:
        raise TilingError(
            f"{path} cannot be written piece by piece: use {', '.join(STREAMED)}"
        )
    output = _Output(
        path, suffix, tuple(shape), np.dtype(dtype), metadata, alpha, labels
    )
    temporary, keep = temp_path(path), False
    if resume:
        temporary = path.with_name(f".{path.name}.unfinished")
    try:
        store = output.found(temporary) if resume else None
        if store is None:
            store = output.made(temporary)
        keep = resume
        yield store
        output.finish(temporary, store)
    finally:
        if not keep:
            output.discard(temporary)


@dataclass(frozen=True)
class _Output:
    """A picture that is written by slices under a temporary name."""

    path: Path
    suffix: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    metadata: Metadata
    alpha: bool
    labels: bool

    def made(self, temporary: Path) -> Target:
        """Make the store; what killed processes left of others goes first."""
        name = re.escape(self.path.name)
        own = re.compile(rf"\.{name}\.[0-9a-f]{{32}}\.tmp")
        try:
            for stale in (*stale_temp_files(self.path.parent), temporary):
                if stale == temporary or own.fullmatch(stale.name):
                    remove(stale)
            return self._make(temporary)
        except (OSError, ValueError) as error:
            room = f"{size_of(self.shape, self.dtype):,} bytes"
            raise TilingError(
                f"cannot write {self.path}: {os_error_reason(error)}; it takes {room}"
            ) from error

    def found(self, temporary: Path) -> Target | None:
        """Open what an earlier process left unfinished, if it is such a picture."""
        try:
            store = self._open(temporary)
        except ImportError:
            raise
        except Exception:  # noqa: BLE001 - there is none, or it was never whole
            return None
        kinds = [np.dtype(one).newbyteorder("=") for one in (store.dtype, self.dtype)]
        same = tuple(store.shape) == self.shape and kinds[0] == kinds[1]
        return store if same else None

    def finish(self, temporary: Path, store: Target) -> None:
        """Put the picture on the disk, then give it its name."""
        try:
            if isinstance(store, np.memmap | MaskAsBytes):
                store.flush()
            elif self._is_zarr:
                zarr_io.finish_zarr(
                    temporary, self.metadata, ome=self._is_ome, labels=self.labels
                )
            if temporary.is_dir() and hasattr(os, "sync"):
                os.sync()  # one call for all chunks: one each takes milliseconds
            else:
                _sync(temporary)
            replace_path(temporary, self.path)
            _sync(self.path.parent)
        except OSError as error:
            raise TilingError(
                f"cannot write {self.path}: {os_error_reason(error)}"
            ) from error

    def discard(self, temporary: Path) -> None:
        """Remove what is left after an error."""
        if self._is_zarr and temporary.exists():
            zarr_io.wait_pending_writes()
        with suppress(OSError):  # the folder is the trouble, and that is being told
            remove(temporary)

    @property
    def _is_ome(self) -> bool:
        return self.suffix == _OME_ZARR

    @property
    def _is_zarr(self) -> bool:
        return self.suffix in (_ZARR, _OME_ZARR)

    def _make(self, temporary: Path) -> Target:
        if self._is_zarr:
            return zarr_io.create_zarr(
                temporary, self.shape, self.dtype, ome=self._is_ome
            )
        if self.suffix == ".npy":
            mapped = np.lib.format.open_memmap(temporary, "w+", self.dtype, self.shape)
            preallocate(temporary)
            return mapped
        plain = self.shape[:2] if self.shape[2:] == (1,) else self.shape
        is_mask = self.dtype.kind == "b"
        dtype = np.dtype(np.uint8) if is_mask else self.dtype.newbyteorder("=")
        tags = write_tags(plain, self.metadata, alpha=self.alpha)
        tags["bigtiff"] = size_of(plain, dtype) > _CLASSIC
        # Strips one after the other: such a file can be mapped, by readers too.
        mapped = load("tifffile", _TIFF).memmap(
            temporary, shape=plain, dtype=dtype, **tags
        )
        preallocate(temporary)
        return self._seen(mapped)

    def _open(self, temporary: Path) -> Target:
        if self._is_zarr:
            return zarr_io.reopen_zarr(temporary, ome=self._is_ome)
        if self.suffix == ".npy":
            store: Target = np.load(temporary, mmap_mode="r+", allow_pickle=False)
            return store
        return self._seen(load("tifffile", _TIFF).memmap(temporary, mode="r+"))

    def _seen(self, mapped: NDArray[Any]) -> Target:
        """Return the pixels of a TIFF as the picture that is written."""
        store = mapped.reshape(self.shape)
        return MaskAsBytes(store) if self.dtype.kind == "b" else store


def _sync(path: Path) -> None:
    """Wait until a file is on the disk, or the names in a folder."""
    if path.is_dir() and os.name == "nt":
        return  # there folders cannot be opened
    number = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)
