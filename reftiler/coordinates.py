"""Points and boxes of a tile and of its image.

Coordinates are of the edges of pixels: pixel i reaches from i to i + 1, and its centre
is i + ½ (COORD-011).
"""

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reftiler.axis import Axis, IntArray
from reftiler.errors import TilingError
from reftiler.geometry import TileGeometry
from reftiler.validation import refuse_masked, shorten

__all__ = ["clip_boxes", "to_image", "to_tile"]

Floats = NDArray[np.float64]


def to_image(geometry: TileGeometry, k: Any, points: ArrayLike) -> Floats:
    """Return where points (…, R) of tile ``k`` lie in the image."""

    def place(axis: Axis, start: IntArray, x: Floats) -> Floats:
        if axis.resampled:  # COORD-012: each operation rounds once, in this order
            return (x + start) * axis.length / axis.padded_length
        return x + (start - axis.pad_before)

    return _moved(geometry, k, points, place)


def to_tile(geometry: TileGeometry, k: Any, points: ArrayLike) -> Floats:
    """Return where points (…, R) of the image lie in tile ``k``."""

    def place(axis: Axis, start: IntArray, x: Floats) -> Floats:
        if axis.resampled:  # COORD-013
            return x * axis.padded_length / axis.length - start
        return x - (start - axis.pad_before)

    return _moved(geometry, k, points, place)


def _moved(
    geometry: TileGeometry,
    k: Any,
    points: ArrayLike,
    place: Callable[[Axis, IntArray, Floats], Floats],
) -> Floats:
    axes = geometry.axes
    found = _as_reals(points, "points", (len(axes),))
    index = _check_tiles(geometry, k, found.shape[:-1])
    numbers = np.unravel_index(index, geometry.shape)
    columns = [
        place(axis, axis.start_array[number], found[..., a])
        for a, (axis, number) in enumerate(zip(axes, cycle(numbers), strict=False))
    ]
    return np.stack(columns, axis=-1)


def clip_boxes(geometry: TileGeometry, boxes: ArrayLike, k: Any = None) -> Floats:
    """Clip boxes (…, R, 2) of the image to it, or to what tile ``k`` shows of it."""
    rank = len(geometry.axes)
    found = _as_reals(boxes, "boxes", (rank, 2))
    ordered = found[..., 0] <= found[..., 1]
    if not ordered.all():  # NaN too
        bad = found[np.argwhere(~ordered)[0][0]] if found.ndim > 2 else found
        raise TilingError(
            f"boxes must have start <= stop on each axis, got {shorten(bad.tolist())}: "
            "give (start, stop) for each axis, in the order of the axes"
        )
    low, high = np.zeros(rank), np.array(geometry.size, np.float64)
    if k is not None:  # COORD-015: what the tile shows, as far as it is the image
        index = _check_tiles(geometry, k, found.shape[:-2])
        tile = [axis.tile for axis in geometry.axes]
        ends = (np.zeros(rank), np.array(tile, np.float64))
        shown = [
            to_image(geometry, index, np.broadcast_to(end, (*index.shape, rank)))
            for end in ends
        ]
        low, high = (np.clip(end, low, high) for end in shown)
    return np.clip(found, low[..., np.newaxis], high[..., np.newaxis])


def _as_reals(values: ArrayLike, name: str, last: tuple[int, ...]) -> Floats:
    """Return real numbers as float64; their last axes must have these lengths."""
    refuse_masked(values, name)
    found = np.asarray(values)
    if found.dtype.kind not in "iuf":  # COORD-014
        raise TypeError(
            f"{name} must be real numbers, got {found.dtype}: give an array or lists "
            "of ints or floats"
        )
    if found.shape[-len(last) :] != last:
        wanted = ", ".join(map(str, ("…", *last)))
        raise TilingError(
            f"{name} must have the shape ({wanted}), got {found.shape}: give "
            f"{last[0]} coordinates each, in the order of the axes (y before x)"
        )
    return found.astype(np.float64)


def _check_tiles(geometry: TileGeometry, k: Any, shape: tuple[int, ...]) -> IntArray:
    """Return the index of a tile, or an array that broadcasts to ``shape``."""
    index = np.asarray(k)
    if index.dtype.kind not in "iu":  # COORD-014
        raise TypeError(f"k must be the index of a tile or several, got {shorten(k)}")
    beyond = (index < 0) | (index >= len(geometry))
    if beyond.any():
        raise TilingError(
            f"there is no tile {index[beyond].flat[0]}: the tiles are 0 to "
            f"{len(geometry) - 1}"
        )
    try:
        fits = np.broadcast_shapes(index.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise TilingError(
            f"k of the shape {index.shape} does not go with {shape} points or boxes: "
            "give one index, or one for each"
        )
    return index.astype(np.int64)
