"""Opening image files as stores that are read by slices, however large they are."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.io import codecs
from reftiler.io.lazy import (
    LazyImage,
    Read,
    marked_in,
    os_error_reason,
    size_of,
    transpose_axes,
)
from reftiler.io.zarr_io import is_zarr, load_zarr, open_picture
from reftiler.streaming import Source

__all__ = ["WHOLE", "fingerprint", "open_image", "open_mask", "read_image"]

WHOLE = 2**25
"""Bytes of pixels up to which NPY and TIFF files are read whole: that is as fast, and a
mapped file that somebody cuts short takes the program down with it."""

_FEW = 4  # pieces of which a compressed TIFF must have more, or slices save nothing


def read_image(path: str | os.PathLike[str]) -> NDArray[Any]:
    """
    Read a PNG, TIFF, JPEG, BMP or NPY file, told apart by content, or a zarr folder.

    Parameters
    ----------
    path : str or path-like
        The file. A TIFF must hold one image, a NPY file one array of real numbers, a
        zarr folder an array or what OME-Zarr metadata name.

    Returns
    -------
    ndarray
        Shape ``(H, W)`` or ``(H, W, C)`` in the dtype that the file stores; 1-bit
        files give bool. Palettes are expanded to RGB or RGBA.

    Raises
    ------
    ImportError
        It is a zarr folder and zarr is not installed.
    TilingError
        The file is missing, unreadable, truncated, damaged or of another kind.
    """
    path = Path(path)
    if is_zarr(path):
        return np.ascontiguousarray(open_image(path)[...])
    try:
        image = codecs.decode(path.read_bytes())
    except Exception as error:  # decoders raise anything when the data is damaged
        raise TilingError(f"cannot read {path}: {os_error_reason(error)}") from error
    return np.ascontiguousarray(image)


def open_image(path: str | os.PathLike[str], whole: int = WHOLE) -> Source:
    """
    Open a picture as a store that is read by slices.

    Large NPY files and uncompressed TIFFs are memory-mapped. Of zarr arrays and, where
    zarr is installed, large compressed TIFFs only the chunks that a slice meets are
    read. All other files are read whole.

    Parameters
    ----------
    path : str or path-like
        Any file that `read_image` reads.
    whole : int
        Bytes of pixels up to which NPY and TIFF files are read whole.

    Returns
    -------
    Source
        Of the shape, dtype and pixels that `read_image` gives.

    Raises
    ------
    ImportError, TilingError
        As for `read_image`; of what is not read whole, damaged pixels are an error
        when they are read.
    """
    path = Path(path)
    try:
        found = open_picture(path) if is_zarr(path) else _opened(path, whole)
        if found is not None:
            return codecs.check_picture(found)
    except ImportError:
        raise
    except Exception as error:  # decoders raise anything when the data is damaged
        raise TilingError(f"cannot read {path}: {os_error_reason(error)}") from error
    return read_image(path)


def open_mask(path: str | os.PathLike[str], whole: int = WHOLE) -> Source:
    """
    Open a mask as a store of bool ``(H, W)``, as `read_mask` would read it.

    Raises
    ------
    ImportError, TilingError
        As for `open_image`.
    """
    return marked_in(open_image(path, whole), Path(path))


def fingerprint(path: Path) -> tuple[int, int]:
    """
    Return a file's size in bytes and when it was last changed, in ns.

    Those of a folder are the sum and the latest of its files.

    Raises
    ------
    TilingError
        It cannot be found.
    """
    try:
        if not path.is_dir():
            found = path.stat()
            return found.st_size, found.st_mtime_ns
        every = [inner.stat() for inner in (path, *path.rglob("*"))]
    except OSError as error:
        raise TilingError(f"cannot read {path}: {os_error_reason(error)}") from error
    sizes = sum(one.st_size for one in every)
    return sizes, max(one.st_mtime_ns for one in every)


def _opened(path: Path, whole: int) -> Source | None:
    """Open a file; None where it is to be read whole."""
    with path.open("rb") as file:
        start = file.read(6)
    if codecs.is_npy(start) and path.stat().st_size > whole:
        mapped: Source = np.load(path, mmap_mode="r", allow_pickle=False)
        return mapped
    return _opened_tiff(path, whole) if codecs.is_tiff(start) else None


def _opened_tiff(path: Path, whole: int) -> Source | None:
    with tifffile.TiffFile(path) as file:
        page = codecs.only_page(file)
        if page.dtype is None or not codecs.is_plain(page):
            return None
        if size_of(page.shape, page.dtype) <= whole:
            return None
        names = page.axes.replace("S", "C").lower()
        shape, dtype, mapped = page.shape, page.dtype, page.is_memmappable
        if not mapped and not _in_pieces(page):
            return None
    if mapped:
        image: NDArray[Any] = tifffile.memmap(path, page=0, mode="r")
        image = np.moveaxis(image, 0, -1) if names == "cyx" else image
        if image.dtype.isnative:
            return image
        dtype = image.dtype.newbyteorder("=")  # as tifffile reads it
        return LazyImage(path, image.shape, dtype, lambda i: image[i].astype(dtype))
    read: Read = partial(_tiff_region, path)
    if names == "cyx":
        shape, read = transpose_axes(names, shape, read)
    return LazyImage(path, shape, dtype, read)


def _in_pieces(page: tifffile.TiffPage) -> bool:
    """Tell whether a TIFF's chunks can be read one by one, and it is worth while."""
    try:
        load_zarr()
        page.aszarr().close()  # of some releases it needs another zarr
        callable(page.decode)  # of some compressions it needs what is not there
    except (ImportError, ValueError):
        return False
    return size_of(page.chunks, "u1") * _FEW <= size_of(page.shape, "u1")


def _tiff_region(path: Path, index: tuple[slice, ...]) -> Any:
    """Read a part of a TIFF, which is opened anew: so nobody need close it."""
    with tifffile.TiffFile(path) as file, file.pages.first.aszarr() as store:
        return load_zarr().open(store, mode="r")[index]
