"""LazyImage pictures: read piece by piece, whatever the file calls its axes."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.io.info import ImageInfo
from reftiler.streaming import Source

__all__ = [
    "LazyImage",
    "MaskAsBytes",
    "Read",
    "marked_in",
    "marks",
    "os_error_reason",
    "size_of",
    "transpose_axes",
]

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
        ``(H, W)`` or ``(H, W, C)``, as stored.
    read : callable
        Returns the pixels of a slice of every axis.
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
        Return the pixels of some slices.

        Raises
        ------
        TilingError
            They are damaged.
        """
        slices = [part for part in np.index_exp[index] if part is not Ellipsis]
        rest = [slice(None)] * (len(self.shape) - len(slices))
        plain = [
            slice(*part.indices(length))
            for part, length in zip([*slices, *rest], self.shape, strict=True)
        ]
        try:
            return np.asarray(self._read(tuple(plain)))
        except TilingError:
            raise
        except Exception as error:  # decoders raise anything when data is damaged
            raise TilingError(
                f"cannot read {self.path}: {os_error_reason(error)}"
            ) from error


class MaskAsBytes:
    """
    A mask of bool whose store holds 0 and 255, as TIFF files do.

    Parameters
    ----------
    store : ndarray of uint8
        It may be memory-mapped.
    """

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


def transpose_axes(
    names: str, array_shape: Sequence[int], read: Read
) -> tuple[tuple[int, ...], Read]:
    """
    See an array with named axes as a picture.

    Parameters
    ----------
    names : str
        A letter for each axis, among them y, x and, if there are channels, c.
    array_shape : sequence of int
        The array's; axes of other names must have one element.
    read : callable
        Reads the array.

    Returns
    -------
    shape : tuple of int
        ``(H, W)``, or ``(H, W, C)`` if there is more than one channel.
    read : callable
        Reads the picture.

    Raises
    ------
    ValueError
        It is more than one picture.
    """
    sizes = dict(zip(names, array_shape, strict=True))
    many = [name for name, size in sizes.items() if name not in "yxc" and size > 1]
    if many or not {"y", "x"} <= sizes.keys():
        raise ValueError(
            f"not one picture: axes {names} of sizes {tuple(array_shape)}; save one "
            "picture with axes y and x"
        )
    kept = "yxc" if sizes.get("c", 1) > 1 else "yx"
    order = [names.index(name) for name in sorted(names, key="yxc".find)]

    def turn(index: tuple[slice, ...]) -> Array:
        given = dict(zip(kept, index, strict=True))
        box = tuple(given.get(name, slice(0, 1)) for name in names)
        pixels = np.asarray(read(box)).transpose(order)
        return pixels.reshape([part.stop - part.start for part in index])

    return tuple(sizes[name] for name in kept), turn


def marks(pixels: Array) -> NDArray[np.bool_]:
    """Return where a mask of any kind marks: colours that are not zero, but no alpha.

    Alpha is the last of two or four channels.
    """
    marked = np.asarray(pixels != 0)
    if marked.ndim == 2:
        return marked
    if marked.shape[-1] in (2, 4):
        marked = marked[..., :-1]
    return np.asarray(marked.any(axis=-1))


def marked_in(source: Source, path: Path) -> Source:
    """See an image as a mask, ``(H, W)`` of bool."""
    rest = tuple(slice(0, size) for size in source.shape[2:])

    def read(index: tuple[slice, ...]) -> NDArray[np.bool_]:
        return marks(np.asarray(source[(*index, *rest)]))

    return LazyImage(path, tuple(source.shape[:2]), np.dtype(bool), read)


def size_of(shape: Sequence[int], dtype: Any) -> int:
    """Return how many bytes a picture takes in memory."""
    return math.prod(shape) * int(np.dtype(dtype).itemsize)


def os_error_reason(error: Exception) -> str:
    """Return the bare reason: an OSError's text would name the file once more."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
