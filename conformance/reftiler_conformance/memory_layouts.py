"""How an array lies in memory: contiguous, strided, backwards, repeated, unaligned."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
from numpy import array as copy_of
from numpy import broadcast_to, empty, memmap, ndarray, uint8

Array = npt.NDArray[Any]

LAYOUTS = (
    *("C", "F", "sliced", "negative", "broadcast", "unaligned"),
    *("read-only", "memmap", "subclass", "swapped"),
)
"""In C and in Fortran order; every second item of two axes; with negative strides; with
a stride of 0; at an odd address; not to be written; in a file (numpy.memmap); of a
subclass of numpy.ndarray; in the other byte order."""

_GUARD = 64  # bytes before and after an array, to see what is written beside it


@dataclass(frozen=True)
class OutBuffer:
    """An array to write into, which the subject's process makes."""

    shape: tuple[int, ...]
    dtype: Any
    memory: str = "C"
    value: float = 77

    def make(self) -> tuple[Array, Callable[[], bool]]:
        """Return the array, and what says if memory beside its items was written."""
        found, raw = _allocate(self.shape, self.dtype, self.memory)
        if found.dtype.kind in "biufc":
            found[...] = self.value
        elif found.dtype.kind in "SU":
            found[...] = chr(int(self.value)) * found.dtype.itemsize
        else:
            found[...] = ndarray(
                self.shape, self.dtype, bytes([int(self.value)]) * found.nbytes
            )
        found.flags.writeable = self.memory != "read-only"

        def spilled() -> bool:
            clean, around = _allocate(self.shape, self.dtype, self.memory)
            clean[...] = found
            return raw.tobytes() != around.tobytes()

        return found, spilled


def with_values_for(array: Array, memory: str) -> Array:
    """Return an array with the values and the dtype that it can have in a layout."""
    if memory not in LAYOUTS:
        raise ValueError(f"{memory!r} is no layout: give one of {', '.join(LAYOUTS)}")
    if memory == "broadcast":
        return copy_of(_repeated(array))
    if memory == "swapped" and array.dtype.names != ("bfloat16",):
        return array.astype(array.dtype.newbyteorder("S"))
    return array


def arranged(array: Array, memory: str) -> Array:
    """Return a copy of an array that lies in memory as a word says."""
    if memory == "broadcast":
        return _repeated(copy_of(array, order="C"))
    found: Array
    if memory == "memmap" and array.nbytes:
        with tempfile.TemporaryFile() as file:
            found = memmap(file, array.dtype, "w+", shape=array.shape)
    else:
        found, _ = _allocate(array.shape, array.dtype, memory)
    found[...] = array
    found.flags.writeable = memory != "read-only"
    return found.view(Subclass) if memory == "subclass" else found


class Subclass(ndarray[Any, Any]):
    """An array of a class of its own, as many libraries have one."""


def _repeated(array: Array) -> Array:
    axis = next((a for a, n in enumerate(array.shape) if n > 1), None)
    if axis is None:
        return array
    first = (slice(None),) * axis + (slice(0, 1),)
    return broadcast_to(array[first], array.shape)


def _allocate(shape: tuple[int, ...], dtype: Any, memory: str) -> tuple[Array, Array]:
    """Return an array of a layout, and the bytes around it."""
    most = math.prod(_doubled(shape)) if memory == "sliced" else math.prod(shape)
    raw = empty(2 * _GUARD + 1 + most * ndarray((), dtype).itemsize, uint8)
    raw[...] = 77
    if memory == "sliced" and shape:
        whole = ndarray(_doubled(shape), dtype, raw, _GUARD)
        return (whole[..., ::2, ::2] if len(shape) > 1 else whole[::2]), raw
    start = _GUARD + 1 if memory == "unaligned" else _GUARD
    plain = ndarray(shape, dtype, raw, start, order="F" if memory == "F" else "C")
    if memory == "negative" and shape:
        return plain[(slice(None, None, -1),) * len(shape)], raw
    return plain, raw


def _doubled(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:-2], *(2 * n for n in shape[-2:]))
