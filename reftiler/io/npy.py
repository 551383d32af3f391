"""NPY files as pictures: the header is checked before anything is allocated."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from reftiler.io.axes import open_array
from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.lazy import LazyImage

Array = NDArray[Any]

_READ_HEADER = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}
_MAGIC = b"\x93NUMPY"


@dataclass(frozen=True)
class NpyHeader:
    """What a NPY file says of its array, which never is of objects."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(file: IO[bytes]) -> NpyHeader:
    """Read the header of a NPY file, and leave the file at the array behind it."""
    version = npy_format.read_magic(file)
    if version not in _READ_HEADER:  # 3.0 is for the names of a structure's fields
        raise ValueError(f"the NPY header is of version {version}: save a plain array")
    try:
        shape, fortran, dtype = _READ_HEADER[version](file)
    except (RecursionError, MemoryError) as error:
        raise ValueError("the NPY header is nested too deeply") from error
    if dtype.hasobject:  # they are pickled, and pickles run code
        raise ValueError(f"not an array of plain values: the dtype is {dtype}")
    if any(length < 0 for length in shape):
        raise ValueError(f"the NPY header says the shape is {shape}: it is damaged")
    return NpyHeader(tuple(map(int, shape)), bool(fortran), dtype)


def open_npy(path: Path, options: ReadOptions, whole: int) -> LazyImage:
    """Open a NPY file as a picture; beyond `whole` bytes it is mapped, not read."""
    if options.level:
        raise ValueError("a NPY file has one resolution: --level is 0")
    with path.open("rb") as file:
        header = read_header(file)
        info = ImageInfo("NPY", notes=_check_length(file, header))
        order: Literal["C", "F"] = "F" if header.fortran else "C"
        shape, dtype, start = header.shape, header.dtype, file.tell()
        if header.size > whole:
            pixels: Array = np.memmap(path, dtype, "r", start, shape, order)
        else:
            pixels = np.fromfile(file, dtype, math.prod(shape))
            pixels = pixels.reshape(shape, order=order)
    return open_array(path, pixels, options, info, None)


def _check_length(file: IO[bytes], header: NpyHeader) -> tuple[str, ...]:
    """Refuse a file that is cut short or holds more arrays; note what else follows."""
    start = file.tell()
    held = os.fstat(file.fileno()).st_size - start
    if held < header.size:
        raise ValueError(
            f"the NPY file is truncated: it holds {held:,} bytes, not the "
            f"{header.size:,} of its {header.dtype} array {header.shape}"
        )
    if held == header.size:
        return ()
    file.seek(start + header.size)
    following = file.read(len(_MAGIC))
    file.seek(start)
    if following == _MAGIC:
        raise ValueError("the NPY file holds several arrays: save one in each file")
    return (f"{held - header.size:,} bytes after the array are passed over",)
