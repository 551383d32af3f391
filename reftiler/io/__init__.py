"""Image and mask files: read exactly as they are stored, written whole or not at all.

What does not fit into memory is opened and created as a store that is read and written
by slices: `open_image`, `open_mask`, `create_image`.

A picture is an array of shape ``(H, W)`` or ``(H, W, C)``. Nothing is scaled,
turned (EXIF orientation is ignored) or converted on the way in, and only lossless
formats are written.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from skimage import transform
except ImportError as error:
    raise ImportError(
        'images need scikit-image: pip install "reftiler[cli]"'
    ) from error

from reftiler.atomic import atomic_write
from reftiler.errors import TilingError
from reftiler.io import codecs
from reftiler.io.lazy import marks, os_error_reason
from reftiler.io.read import open_image, open_mask, read_image
from reftiler.io.write import create_image
from reftiler.io.zarr_io import SUFFIX as ZARR
from reftiler.validation import as_exact_ints

__all__ = [
    "IMAGE_SUFFIXES",
    "create_image",
    "open_image",
    "open_mask",
    "read_image",
    "read_mask",
    "resize",
    "write_image",
]

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".npy", ".png", ".tif", ".tiff", ZARR)
"""The suffixes, in lower case, by which folders are searched for images. What ends in
.zarr is a folder."""


def read_mask(path: str | os.PathLike[str]) -> NDArray[np.bool_]:
    """
    Read a mask: whatever is not zero in a colour channel is marked.

    So masks of 0 and 1, of 0 and 255, grey or in colour read alike. An alpha channel
    (the last of two or four) does not count. JPEG leaves traces around every edge,
    and they count: keep masks in a lossless format.

    Parameters
    ----------
    path : str or path-like
        Any file that `read_image` reads.

    Returns
    -------
    ndarray of bool
        Shape ``(H, W)``.
    """
    return marks(read_image(path))


def write_image(path: str | os.PathLike[str], image: NDArray[Any]) -> None:
    """
    Write a picture without loss as PNG, TIFF, NPY or zarr, by the suffix of `path`.

    The bytes go to a temporary temp_path which is then renamed: a reader sees the
    old file or the new one, and a full disk leaves nothing behind.

    Parameters
    ----------
    path : str or path-like
        Ends in .png (bool, uint8, uint16), .tif, .tiff, .npy or .zarr (any real
        dtype). The folder must exist.
    image : ndarray
        Shape ``(H, W)`` or ``(H, W, C)``. A bool mask is stored as 0 and 255, but as
        bool in NPY. PNG and TIFF store a single channel as ``(H, W)``.

    Raises
    ------
    TilingError
        The format cannot hold the picture without loss, or the disk refuses.
    """
    path = Path(path)
    if not isinstance(image, np.ndarray):
        raise TypeError(f"image must be a numpy array, got {type(image).__name__}")
    try:
        if path.suffix.lower() == ZARR:
            codecs.check_picture(image)
            with create_image(path, image.shape, image.dtype) as store:
                store[...] = image
            return
        data = codecs.encode(image, path.suffix.lower())
        atomic_write(path, data)
    except TilingError:
        raise
    except (OSError, ValueError) as error:
        raise TilingError(f"cannot write {path}: {os_error_reason(error)}") from error


def resize(image: NDArray[Any], size: Sequence[int]) -> NDArray[Any]:
    """
    Resize a picture to a model's input.

    Images are filtered against aliasing and interpolated linearly; integers are
    rounded to nearest. In a mask (bool) a pixel is marked when a marked pixel lies in
    the area it covers, be it in part: no defect vanishes.

    Parameters
    ----------
    image : ndarray
        Shape ``(H, W)`` or ``(H, W, C)``; bool, integers of up to 32 bits, floats.
    size : sequence of two ints
        Height and width of the result.

    Returns
    -------
    ndarray
        A new array of the same dtype and channels.
    """
    height, width = as_exact_ints(size, "size", rank=2, minimum=1)
    try:
        codecs.check_picture(image)
    except ValueError as error:
        raise TilingError(f"cannot resize: {error}") from error
    if image.dtype == bool:
        return _max_pool(_max_pool(image, 0, height), 1, width)
    if image.dtype.kind in "iu" and image.dtype.itemsize > 4:
        raise TilingError(
            f"cannot resize {image.dtype}: float64 does not hold it, convert it first"
        )
    floating = image.astype(np.float64)
    result = transform.resize(floating, (height, width), order=1, anti_aliasing=True)
    if image.dtype.kind in "iu":
        result = np.rint(result)
    return np.asarray(result.astype(image.dtype))


def _max_pool(mask: NDArray[np.bool_], axis: int, target: int) -> NDArray[np.bool_]:
    """Pool one axis: pixel i of n covers [i·L/n, (i+1)·L/n), widened to pixels."""
    length, index = mask.shape[axis], np.arange(target)
    first, stop = index * length // target, -(-(index + 1) * length // target)
    # reduceat wants its bounds to be indices: an unmarked line makes L one
    padded = np.concatenate([mask, np.zeros_like(mask.take([0], axis))], axis)
    bounds = np.stack([first, stop], axis=1).ravel()
    return np.asarray(
        np.logical_or.reduceat(padded, bounds, axis).take(index * 2, axis)
    )
