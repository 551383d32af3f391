"""The orientation that EXIF and TIFF give an image; turning it upright by slices."""

import struct
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.io.info import ReadOptions
from reftiler.io.lazy import LazyImage
from reftiler.io.metadata import COLUMNS_REVERSED, ROWS_REVERSED, TRANSPOSED

_TAG = 0x0112
_DAMAGED = ("its EXIF data are damaged: the orientation is not known",)


def apply_orientation(image: LazyImage, options: ReadOptions) -> LazyImage:
    """Turn an image upright, as ``info.orientation`` says, unless ``orient=False``."""
    number = image.info.orientation
    if number == 1 or not options.orient:
        return image
    height, width = image.shape[:2]
    size = (width, height) if number in TRANSPOSED else (height, width)

    def read(index: tuple[slice, ...]) -> NDArray[Any]:
        rows, columns = index[:2]
        if number in TRANSPOSED:
            rows, columns = columns, rows
        rows, row_step = _reversed(rows, height, number in ROWS_REVERSED)
        columns, column_step = _reversed(columns, width, number in COLUMNS_REVERSED)
        part = image[(rows, columns, *index[2:])][::row_step, ::column_step]
        return np.swapaxes(part, 0, 1) if number in TRANSPOSED else part

    metadata = image.info.metadata.oriented(number, image.shape)
    info = replace(image.info, oriented=True, metadata=metadata)
    return LazyImage(image.path, (*size, *image.shape[2:]), image.dtype, read, info)


def orientation_of(exif: bytes | None) -> tuple[int, tuple[str, ...]]:
    """Find the orientation in EXIF data, else 1, and a note where they are damaged."""
    if not exif:
        return 1, ()
    exif = exif.removeprefix(b"Exif\0\0")
    try:
        order = {b"II*\0": "<", b"MM\0*": ">"}[exif[:4]]
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(count):
            at = start + 2 + 12 * entry
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, at)
            if tag == _TAG:
                return (value, ()) if 1 <= value <= 8 else (1, _DAMAGED)
    except (KeyError, struct.error):
        return 1, _DAMAGED
    return 1, ()


def _reversed(part: slice, length: int, backwards: bool) -> tuple[slice, int]:
    """Return which slice to read, and the step that puts it in order."""
    if not backwards:
        return part, 1
    return slice(length - part.stop, length - part.start), -1
