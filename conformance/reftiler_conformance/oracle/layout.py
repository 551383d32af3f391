"""The order of axes in images and tiles, and arrays as lists of single pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from reftiler_conformance.oracle.grid import box

Array = npt.NDArray[Any]
Index = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """A shape taken apart; None where there is no such axis."""

    batch: int | None
    channels: int | None
    space: tuple[int, ...]


def split(shape: Sequence[int], rank: int, channels_last: bool) -> Layout:
    """Take the shape of an image apart: (*S), (C, *S) or (N, C, *S)."""
    shape = tuple(shape)
    if len(shape) == rank:
        return Layout(None, None, shape)
    batch = shape[0] if len(shape) == rank + 2 else None
    inner = shape[1:] if len(shape) == rank + 2 else shape
    if channels_last:
        return Layout(batch, inner[-1], inner[:-1])
    return Layout(batch, inner[0], inner[1:])


def join(
    lead: int | None, channel: int | None, space: Sequence[int], channels_last: bool
) -> Index:
    """Put a shape, or the index of a pixel, together again."""
    first = () if lead is None else (lead,)
    colour = () if channel is None else (channel,)
    if channels_last:
        return (*first, *space, *colour)
    return (*first, *colour, *space)


def each(count: int | None) -> Sequence[int | None]:
    """Return the indices along an axis that may be missing."""
    return [None] if count is None else range(count)


def take_apart(array: Array) -> dict[Index, bytes]:
    """Return the bytes of every pixel of an array."""
    raw, size = array.tobytes(), array.dtype.itemsize
    return {
        index: raw[i * size : (i + 1) * size]
        for i, index in enumerate(box(array.shape))
    }


def put_together(
    pixels: Mapping[Index, bytes], shape: Sequence[int], dtype: np.dtype[Any]
) -> Array:
    """Return the array that has these pixels; every one must be there."""
    raw = b"".join(pixels[index] for index in box(shape))
    return np.frombuffer(raw, dtype).reshape(tuple(shape))


def order_of(dtype: np.dtype[Any]) -> Literal["big", "little"]:
    """Return a dtype's byte order as int.from_bytes names it."""
    return "big" if dtype.str[0] == ">" else "little"
