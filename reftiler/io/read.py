"""Opening image files by their content, as pictures that are read by slices."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.io import codecs
from reftiler.io.info import DEFAULT_OPTIONS, ReadOptions
from reftiler.io.lazy import LazyImage, apply_orientation, os_error_reason
from reftiler.io.npy import open_npy
from reftiler.io.zarr_io import open_zarr
from reftiler.io.zarr_metadata import MARKS, is_zarr

WHOLE = 2**25
"""Bytes of pixels up to which NPY and TIFF files are read whole: that is as fast, and a
mapped file that somebody cuts short takes the program down with it."""

_START = 12  # bytes by which formats are told apart
_END = 2**16  # bytes at either end of a file of which a fingerprint is taken


def read_image(
    path: str | os.PathLike[str], options: ReadOptions = DEFAULT_OPTIONS
) -> NDArray[Any]:
    """
    Read an image file or a zarr folder.

    Parameters
    ----------
    path : str or path-like
        A PNG, JPEG, BMP, GIF, WebP, JPEG 2000, TIFF or NPY file, told apart by content,
        or a zarr folder. It must hold one picture, or ``options`` say which.
    options : ReadOptions
        How it is to be read.

    Returns
    -------
    ndarray
        Shape ``(H, W)`` or ``(H, W, C)`` in the dtype that the file stores, new and
        contiguous; 1-bit files give bool. Palettes are expanded to RGB or RGBA. What
        EXIF or TIFF give an orientation is turned upright.

    Raises
    ------
    ImportError
        A package that reads this format is not installed.
    TilingError
        The file is missing, unreadable, truncated, damaged, too large or of another
        kind.
    """
    pixels = open_image(path, options)[...]
    if pixels.flags.owndata and pixels.flags.writeable and pixels.flags.c_contiguous:
        return pixels
    return np.array(pixels, order="C")


def open_image(
    path: str | os.PathLike[str],
    options: ReadOptions = DEFAULT_OPTIONS,
    whole: int = WHOLE,
    *,
    indices: bool = False,
) -> LazyImage:
    """
    Open an image as a picture that is read by slices.

    Large NPY files and uncompressed TIFFs are memory-mapped. Of zarr arrays and large
    compressed TIFFs only the chunks that a slice meets are read. All other files are
    checked, and decoded whole when their first pixels are read.

    Parameters
    ----------
    path : str or path-like
        As for `read_image`.
    options : ReadOptions
        How it is to be read.
    whole : int
        Bytes of pixels up to which NPY and TIFF files are read whole.
    indices : bool
        Whether a palette's indices are kept, as masks need them, not its colours.

    Returns
    -------
    LazyImage
        Of the shape, dtype and pixels that `read_image` gives; ``info`` is what the
        file says of it.

    Raises
    ------
    ImportError, TilingError
        As for `read_image`; damaged pixels are an error when they are read.
    """
    path = Path(path)
    try:
        image = _opened(path, options, whole, indices)
        codecs.check_picture(image)
    except ImportError:
        raise
    except Exception as error:  # decoders raise anything when the data is damaged
        raise TilingError(f"cannot read {path}: {os_error_reason(error)}") from error
    return apply_orientation(image, options)


def fingerprint(path: Path) -> tuple[int | str, ...]:
    """Return what changes when a file does, or one of a folder's files.

    Of a file: size, times of change of content and of the entry in ns, inode, a hash of
    the first and last 64 KiB. Of a folder: the number of files, a hash of their names,
    sizes and times.
    """
    try:
        if path.is_dir():
            return _folder_fingerprint(path)
        _require_file(path)
        found, digest = path.stat(), hashlib.sha256()
        with path.open("rb") as file:
            digest.update(file.read(_END))
            file.seek(max(0, found.st_size - _END))
            digest.update(file.read(_END))
    except (OSError, ValueError) as error:
        raise TilingError(f"cannot read {path}: {os_error_reason(error)}") from error
    times = found.st_mtime_ns, found.st_ctime_ns
    return found.st_size, *times, found.st_ino, digest.hexdigest()


def _opened(path: Path, options: ReadOptions, whole: int, indices: bool) -> LazyImage:
    if is_zarr(path):
        return open_zarr(path, options)
    _require_file(path)
    with path.open("rb") as file:
        name = codecs.format_of(file.read(_START))
    if name == "NPY":
        return open_npy(path, options, whole)
    if name == "TIFF":
        image: LazyImage = codecs.opener(name)(path, options, whole, indices=indices)
        return image
    return codecs.open_decoded(path, name, options, indices=indices)


def _require_file(path: Path) -> None:
    """Refuse what cannot be read to its end, or never answers: pipes and devices."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise ValueError("Is a directory")
    if not stat.S_ISREG(mode):
        raise ValueError("not a regular file")


def _folder_fingerprint(folder: Path) -> tuple[int | str, ...]:
    digest, count = hashlib.sha256(), 0
    for path in sorted(folder.rglob("*")):
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            continue
        name = path.relative_to(folder).as_posix()
        line = f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n"
        digest.update(os.fsencode(line))
        if path.name in MARKS or path.name in (".zattrs", ".zmetadata"):
            digest.update(path.read_bytes())
        count += 1
    return count, digest.hexdigest()
