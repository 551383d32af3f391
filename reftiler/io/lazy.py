"""Pictures that are read by slices, whatever their file is like."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.io.info import ImageInfo, ReadOptions
from reftiler.io.metadata import COLUMNS_REVERSED, ROWS_REVERSED, TRANSPOSED

_MAX_REASON = 300  # characters: libraries quote whole headers

Array = NDArray[Any]
Read: TypeAlias = Callable[[tuple[slice, ...]], Any]


class LazyImage:
    """
    A picture that is read by slices; errors name its file.

    Parameters
    ----------
    path : Path
        Where it lies.
    shape, dtype
        ``(H, W)`` or ``(H, W, C)``.
    read : callable
        Returns the pixels of a slice of every axis, which have no steps.
    info : ImageInfo
        What the file says of them.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        read: Read,
        info: ImageInfo = ImageInfo(),  # noqa: B008 - it is immutable
    ) -> None:
        self.path, self.shape, self.dtype, self.info = path, shape, dtype, info
        self._read = read

    def __getitem__(self, index: Any, /) -> Array:
        """
        Return the pixels of some slices, whose steps must be positive.

        Raises
        ------
        TypeError, IndexError
            They are no such slices, or too many.
        TilingError
            They are damaged.
        """
        parts = [
            part.indices(length)
            for part, length in zip(
                full_slices(index, len(self.shape)), self.shape, strict=True
            )
        ]
        plain = tuple(slice(start, max(start, stop)) for start, stop, _ in parts)
        steps = tuple(slice(None, None, step) for _, _, step in parts)
        try:
            return np.asarray(self._read(plain))[steps]
        except (ImportError, TilingError):
            raise
        except Exception as error:  # decoders raise anything when data is damaged
            raise TilingError(
                f"cannot read {self.path}: {os_error_reason(error)}"
            ) from error


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


def _reversed(part: slice, length: int, backwards: bool) -> tuple[slice, int]:
    """Return which slice to read, and the step that puts it in order."""
    if not backwards:
        return part, 1
    return slice(length - part.stop, length - part.start), -1


def full_slices(index: Any, rank: int) -> tuple[slice, ...]:
    """Return a slice for each axis; refuse what is none, or goes backwards."""
    given = list(np.index_exp[index])
    at = given.index(Ellipsis) if Ellipsis in given else len(given)
    missing = rank - len(given) + (at < len(given))
    given[at : at + 1] = [slice(None)] * missing
    if len(given) != rank:
        raise IndexError(f"an image of {rank} axes cannot be read by {index}")
    for part in given:
        if not isinstance(part, slice) or (part.step or 1) < 1:
            raise TypeError(
                f"an image is read by slices that go forwards, got {part}: read such "
                "a slice, and take of the array what you need"
            )
    return tuple(given)


def mask_as_bytes(image: Array) -> Array:
    """Return a bool mask as 0 and 255, other pictures as they are."""
    return image * np.uint8(255) if image.dtype == bool else image


class MaskAsBytes:
    """A mask of bool whose store holds 0 and 255, as TIFF files do."""

    def __init__(self, store: NDArray[np.uint8]) -> None:
        self._store = store
        self.shape, self.dtype = store.shape, np.dtype(bool)

    def __getitem__(self, index: Any, /) -> NDArray[np.bool_]:
        """Return what is marked in some slices."""
        return np.asarray(self._store[index] != 0)

    def __setitem__(self, index: Any, value: Any, /) -> None:
        """Mark pixels in some slices."""
        self._store[index] = np.asarray(value) * np.uint8(255)

    def flush(self) -> None:
        """Hand everything to the disk."""
        if isinstance(self._store, np.memmap):
            self._store.flush()


def size_of(shape: Sequence[int], dtype: Any) -> int:
    """Return how many bytes a picture takes in memory."""
    return math.prod(shape) * int(np.dtype(dtype).itemsize)


def os_error_reason(error: Exception) -> str:
    """Return the bare reason, in a line: an OSError's text names the file once more."""
    while isinstance(error, ExceptionGroup):  # zarr reads several chunks at once
        error = error.exceptions[0]
    if isinstance(error, MemoryError):
        return "there is not enough memory for its pixels"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    line = " ".join(str(text).split())
    return line if len(line) <= _MAX_REASON else f"{line[: _MAX_REASON - 1]}…"
