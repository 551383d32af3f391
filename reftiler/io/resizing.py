"""Resizing pictures to a model's input, so that no defect vanishes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.io.codecs import check_picture, load
from reftiler.validation import as_exact_ints


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

    Raises
    ------
    ImportError
        scikit-image is not installed, which images need and masks do not.
    TilingError
        The image is no picture, or its integers are too large for float64.
    """
    height, width = as_exact_ints(size, "size", rank=2, minimum=1)
    try:
        check_picture(image)
    except ValueError as error:
        raise TilingError(f"cannot resize: {error}") from error
    if image.dtype == bool:
        return _max_pool(_max_pool(image, 0, height), 1, width)
    if image.dtype.kind in "iu" and image.dtype.itemsize > 4:
        raise TilingError(
            f"cannot resize {image.dtype}: float64 does not hold it, convert it first"
        )
    floating = image.astype(np.float64)
    transform = load("skimage.transform", "resizing needs scikit-image")
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
