"""Where random tiles start: the same on every platform and in every version."""

import math
from fractions import Fraction
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.validation import (
    UNPADDED,
    as_int,
    as_ints,
    as_real,
    marked_pixels,
    shown,
    validate_image_fits,
)

__all__ = [
    "SEED_LIMIT",
    "as_share",
    "can_hold",
    "random_starts",
    "random_starts_inside",
]

Starts: TypeAlias = tuple[tuple[int, ...], ...]

SEED_LIMIT = 2**128
MAX_COUNT = 2**28
"""Random tiles at a time: their starts are a list, some 100 bytes each."""


def random_starts(
    image_size: tuple[int, ...],
    tile_size: tuple[int, ...],
    count: int,
    seed: int,
    align: Any = 1,
) -> Starts:
    """Draw the starts of ``count`` tiles, each place on the raster equally likely.

    Raw words of numpy's Philox, tile by tile, axis by axis, are scaled in integers: no
    float, and no library's ``randint``, whose results change with versions.
    """
    rank = len(image_size)
    count, seed, aligns = _checked(image_size, tile_size, count, seed, align)
    places = [
        (length - side) // step + 1
        for length, side, step in zip(image_size, tile_size, aligns, strict=True)
    ]
    # RANDOM-002, RANDOM-003, RANDOM-006
    words = np.random.Philox(key=seed).random_raw(count * rank).tolist()
    starts = [
        (word * places[k % rank] >> 64) * aligns[k % rank]
        for k, word in enumerate(words)
    ]
    return tuple(tuple(starts[k : k + rank]) for k in range(0, len(starts), rank))


def random_starts_inside(
    image_size: tuple[int, ...],
    tile_size: tuple[int, ...],
    count: int,
    seed: int,
    align: Any,
    inside: Any,
    share: Any,
) -> Starts:
    """Draw the starts of tiles of which a share hold a pixel that ``inside`` marks."""
    count, seed, aligns = _checked(image_size, tile_size, count, seed, align)
    sides = list(zip(image_size, tile_size, aligns, strict=True))
    rank, share = len(sides), as_share(share)
    held = np.flatnonzero(_held_pixels(inside, sides))
    if not held.size:  # RANDOM-010
        raise TilingError(
            f"no pixel is marked that a tile {tile_size} can hold, its starts being "
            f"multiples of {aligns}: leave out inside= where nothing is marked"
        )
    words = np.random.Philox(key=seed).random_raw(1 + count * (rank + 1)).tolist()
    first, stream = Fraction(words[0], 2**64), iter(words[1:])
    starts = []
    for k in range(count):
        choice, *places = islice(stream, rank + 1)
        # RANDOM-007, RANDOM-008
        if math.floor((k + 1) * share + first) > math.floor(k * share + first):
            number = int(held[choice * held.size >> 64])  # RANDOM-009
            pixel = map(int, np.unravel_index(number, image_size))
            ranges = [
                _starts_around(x, *side) for x, side in zip(pixel, sides, strict=True)
            ]
        else:
            ranges = [(0, (length - side) // step) for length, side, step in sides]
        starts.append(
            tuple(
                (low + (word * (high - low + 1) >> 64)) * step
                for word, (low, high), step in zip(places, ranges, aligns, strict=True)
            )
        )
    return tuple(starts)


def _checked(
    image_size: tuple[int, ...],
    tile_size: tuple[int, ...],
    count: Any,
    seed: Any,
    align: Any,
) -> tuple[int, int, tuple[int, ...]]:
    """Return count, seed and align as ints, or refuse them."""
    # RANDOM-001, RANDOM-005
    count = as_int(count, "count", minimum=1, maximum=MAX_COUNT)
    seed = as_int(seed, "seed", minimum=0)
    if seed >= SEED_LIMIT:  # RANDOM-004
        raise TilingError(f"seed must be below 2**128, got {shown(seed)}")
    aligns = as_ints(align, "align", rank=len(image_size), minimum=1)
    validate_image_fits(image_size, tile_size, "random tiles", UNPADDED)
    return count, seed, aligns


def as_share(value: Any) -> Fraction:
    """Return the share of the tiles that hold a marked pixel, exactly, or refuse it."""
    share = value if isinstance(value, Fraction) else as_real(value, "share")
    if not 0 <= share <= 1:  # NaN is not
        raise TilingError(f"share must be from 0 to 1, got {value}")
    return Fraction(share)


def can_hold(
    inside: NDArray[Any], tile_size: tuple[int, ...], align: tuple[int, ...]
) -> bool:
    """Tell whether a mask marks a pixel that a tile at multiples of align can hold."""
    sides = list(zip(inside.shape, tile_size, align, strict=True))
    return bool(_held_pixels(inside, sides).any())


def _held_pixels(inside: Any, sides: list[tuple[int, int, int]]) -> NDArray[np.bool_]:
    """Return the marked pixels that a tile can hold."""
    marked = marked_pixels(inside, tuple(length for length, _, _ in sides))
    for axis, (length, side, step) in enumerate(sides):
        low, high = _starts_around(np.arange(length), length, side, step)
        if (low > high).any():
            others = tuple(a for a in range(marked.ndim) if a != axis)
            marked = marked & np.expand_dims(low <= high, others)
    return marked


def _starts_around(x: Any, length: int, side: int, step: int) -> tuple[Any, Any]:
    """Return the first and last start that hold pixel x, in multiples of a step."""
    low = -((side - 1 - x) // step)
    high, last = x // step, (length - side) // step
    if isinstance(x, int):
        return max(0, low), min(high, last)
    return np.maximum(0, low), np.minimum(high, last)
