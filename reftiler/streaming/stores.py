"""Stores: anything with a shape and a dtype that is read, or written, by slices.

`numpy.memmap`, zarr, h5py, tifffile's stores and dask arrays are such things. What is
asked of them is the least that all of them know: slices without a step, of every axis.
"""

import os
from typing import Any, Protocol, runtime_checkable

import numpy as np

from reftiler.cut import shares_memory
from reftiler.errors import TilingError
from reftiler.layout import ArrayLayout

__all__ = [
    "Slices",
    "Source",
    "Target",
    "check_source",
    "check_target",
    "check_writable",
    "place",
    "share",
]

Slices = tuple[slice, ...]


@runtime_checkable
class Source(Protocol):
    """An image that is read piece by piece."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        ...

    @property
    def dtype(self) -> Any:
        """Its numpy dtype."""
        ...

    def __getitem__(self, index: Any, /) -> Any:
        """Return the pixels of some slices, as what numpy makes an array of."""
        ...


@runtime_checkable
class Target(Source, Protocol):
    """An image that is written piece by piece."""

    def __setitem__(self, index: Any, value: Any, /) -> None:
        """Write the pixels of some slices."""
        ...


def check_source(value: Any, name: str) -> Source:
    """
    Return what can be read by slices.

    Raises
    ------
    TypeError
        If it has no shape, dtype or slices.
    TilingError
        If it holds Python objects.
    """
    if not isinstance(value, Source):
        raise TypeError(
            f"{name} must have a shape, a dtype and slices, as arrays, memory maps and "
            f"zarr's and h5py's arrays do, got {type(value).__name__}"
        )
    try:
        dtype = np.dtype(value.dtype)
    except TypeError:
        raise TypeError(
            f"{name} has the dtype {value.dtype}, which is none of numpy's: for "
            "tensors there is reftiler.torch"
        ) from None
    if dtype.hasobject:
        raise TilingError(f"{name} cannot be {value.dtype}: give a fixed-size dtype")
    return value


def check_writable(value: Any) -> Target:
    """
    Return what can be written by slices, before any work is done.

    Its first pixel is read and written back, as the only way to learn of every kind of
    store whether it can be written.

    Raises
    ------
    TypeError
        If it takes no slices.
    TilingError
        If it is read-only.
    """
    if not isinstance(value, Target):
        raise TypeError(
            f"out must have a shape and a dtype and take slices, as arrays, memory "
            f"maps and zarr's and h5py's arrays do, got {type(value).__name__}"
        )
    if hasattr(value, "__dask_graph__"):
        raise TypeError("out is lazy: give a store, or use reftiler.dask.map_tiles")
    if getattr(value, "mode", "") == "c":
        raise TilingError("out is a copy-on-write map, whose file never changes")
    first = (slice(0, 1),) * len(value.shape)
    try:
        value[first] = np.asarray(value[first])
    except Exception as error:  # each kind of store has its own
        raise TilingError(
            f"out cannot be written: {error}; open it for writing"
        ) from error
    return value


def check_target(value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Target:
    """
    Return what a result of a shape and a dtype can be written to.

    Raises
    ------
    TypeError, TilingError
        If its shape or dtype is not the result's; or as `check_writable` does.
    """
    if isinstance(value, Target) and (
        tuple(value.shape) != shape or np.dtype(value.dtype) != dtype
    ):
        raise TilingError(
            f"out is {value.dtype} {tuple(value.shape)}, the result {dtype} {shape}: "
            "make a store of this shape and dtype"
        )
    return check_writable(value)


def share(one: Any, other: Any) -> bool:
    """Tell whether two stores are arrays of the same memory, or maps of one file.

    Of stores that are no arrays, whether they are the same, be it opened twice.
    """
    if not isinstance(one, np.ndarray) or not isinstance(other, np.ndarray):
        places = [_place_of(each) for each in (one, other)]
        known = type(one) is type(other) and places[0] is not None
        return one is other or (known and bool(places[0] == places[1]))
    maps = [getattr(each, "_mmap", None) for each in (one, other)]
    files = [_file(each) for each in (one, other)]
    apart = maps[0] is maps[1] or files[0] is None or files[0] != files[1]
    return shares_memory(one, other) or not apart


def _place_of(store: Any) -> Any:
    """Return by what zarr or h5py know where an array lies."""
    if hasattr(store, "store") and not hasattr(store, "store_path"):  # zarr 2
        return store.store, store.path
    return getattr(store, "store_path", getattr(store, "id", None))


def _file(array: Any) -> str | None:
    """Return the file that an array is a map of, whatever it was called then."""
    name = getattr(array, "filename", None)
    return None if name is None else os.path.realpath(name)


def place(layout: ArrayLayout, image: int, space: Slices) -> Slices:
    """Return the index of a box of an image in an array of a layout."""
    batch = () if layout.batch is None else (slice(image, image + 1),)
    channels = () if layout.channels is None else (slice(0, layout.channels),)
    if layout.channels_last:
        return (*batch, *space, *channels)
    return (*batch, *channels, *space)
