"""Arrays that are read or written by slices: numpy's, memory maps, zarr's and h5py's.

They are asked for the least that all of them support: a shape, a dtype, and one slice
without a step for every axis.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from reftiler.atomic import preallocate
from reftiler.cut import shares_memory
from reftiler.errors import TilingError
from reftiler.layout import ArrayLayout
from reftiler.validation import refuse_masked

KINDS = "as arrays, memory maps and zarr's and h5py's arrays do"


@runtime_checkable
class ReadableArray(Protocol):
    """An array that is read by slices."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis."""
        ...

    @property
    def dtype(self) -> Any:
        """The numpy dtype."""
        ...

    def __getitem__(self, index: Any, /) -> Any:
        """Return the elements of some slices, as what numpy makes an array of."""
        ...


@runtime_checkable
class WritableArray(ReadableArray, Protocol):
    """An array that is written by slices."""

    def __setitem__(self, index: Any, value: Any, /) -> None:
        """Write the elements of some slices."""
        ...


def check_readable(value: Any, name: str) -> ReadableArray:
    """Return ``value`` if it has a shape, a numpy dtype and slices, or refuse it."""
    if not isinstance(value, ReadableArray):
        raise TypeError(
            f"{name} must have a shape, a dtype and slices, {KINDS}, got "
            f"{type(value).__name__}"
        )
    refuse_masked(value, name)
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


def check_writable(value: Any) -> WritableArray:
    """Return ``value`` if it can be written by slices, or refuse it before any work."""
    if not isinstance(value, WritableArray):
        raise TypeError(
            f"out must have a shape and a dtype and take slices, {KINDS}, got "
            f"{type(value).__name__}"
        )
    if hasattr(value, "__dask_graph__"):
        raise TypeError("out is lazy: give a store, or use reftiler.dask.map_tiles")
    if getattr(value, "mode", "") == "c":
        raise TilingError("out is a copy-on-write map, whose file never changes")
    # Only to write back an element tells of every kind of array whether it can be.
    first = (slice(0, 1),) * len(value.shape)
    try:
        value[first] = np.asarray(value[first])
    except Exception as error:  # each kind of store has its own
        raise TilingError(
            f"out cannot be written: {error}; open it for writing"
        ) from error
    return value


def check_target(value: Any, shape: tuple[int, ...], dtype: Any) -> WritableArray:
    """Return ``value`` if a result can be written to it, or refuse it."""
    if isinstance(value, WritableArray) and (
        tuple(value.shape) != shape or np.dtype(value.dtype) != dtype
    ):
        raise TilingError(
            f"out is {value.dtype} {tuple(value.shape)}, the result {dtype} {shape}: "
            "make a store of this shape and dtype"
        )
    target = check_writable(value)
    if isinstance(target, np.memmap) and target.filename is not None:
        # To find no room later would be a crash.
        with reraise(f"out has no room on its disk, {target.filename}", "make some"):
            preallocate(Path(target.filename))
    return target


def may_alias(one: Any, other: Any) -> bool:
    """Tell whether two arrays share memory, map one file or are the same in a store."""
    if not isinstance(one, np.ndarray) or not isinstance(other, np.ndarray):
        # By what zarr or h5py know where an array lies.
        places = [
            getattr(each, "store_path", getattr(each, "id", None))
            for each in (one, other)
        ]
        known = type(one) is type(other) and places[0] is not None
        return one is other or (known and bool(places[0] == places[1]))
    maps = [getattr(each, "_mmap", None) for each in (one, other)]
    files = [getattr(each, "filename", None) for each in (one, other)]
    paths = [None if file is None else os.path.realpath(file) for file in files]
    same_file = paths[0] is not None and paths[0] == paths[1]
    return (same_file and maps[0] is not maps[1]) or shares_memory(one, other)


def arrange_axes(
    layout: ArrayLayout, batch: Any, channels: Any, space: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Return one thing for each axis of an array of a layout, in their order."""
    first = () if layout.batch is None else (batch,)
    channel = () if layout.channels is None else (channels,)
    if layout.channels_last:
        return (*first, *space, *channel)
    return (*first, *channel, *space)


def array_index(
    layout: ArrayLayout, image: int, space: tuple[slice, ...]
) -> tuple[slice, ...]:
    """Return the index of a box of an image in an array of a layout."""
    channels = slice(0, layout.channels)
    return arrange_axes(layout, slice(image, image + 1), channels, space)


@contextmanager
def reraise(what: str, remedy: str, kind: type[Exception] = OSError) -> Iterator[None]:
    """Raise an error as a TilingError that says what failed and what to do."""
    try:
        yield
    except kind as error:
        cause = getattr(error, "strerror", None) if kind is OSError else error
        raise TilingError(f"{what}: {cause}; {remedy}") from error
