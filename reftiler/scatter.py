"""Random tiles: the same starts for every backend, device, platform and version."""

from typing import Any

import numpy as np

from reftiler.checks import integer, integers
from reftiler.errors import TilingError
from reftiler.sizes import check_room

SEEDS = 2**128


def random_starts(
    image_size: tuple[int, ...],
    tile_size: tuple[int, ...],
    count: int,
    seed: int,
    align: Any = 1,
) -> tuple[tuple[int, ...], ...]:
    """Draw the starts of ``count`` tiles, each place on the raster equally likely.

    Raw 64-bit words of numpy's Philox with ``key=seed`` are taken tile by tile, axis
    by axis, and scaled to a range in exact integers: no float and no library's
    ``randint``, whose results change with versions.

    Parameters
    ----------
    image_size, tile_size : tuple of R ints
        Pixels per spatial axis; no tile side may exceed the image's.
    count : int
        How many tiles, at least 1.
    seed : int
        0 to 2**128 − 1.
    align : int or sequence of R ints
        Starts are multiples of this.

    Returns
    -------
    tuple of count tuples of R ints
    """
    rank = len(image_size)
    count = integer(count, "count", least=1)
    seed = integer(seed, "seed", least=0)
    if seed >= SEEDS:
        raise TilingError(f"seed must be below 2**128, got {seed}")
    aligns = integers(align, "align", rank=rank, least=1)
    check_room(image_size, tile_size, "random tiles")
    places = [
        (length - side) // step + 1
        for length, side, step in zip(image_size, tile_size, aligns, strict=True)
    ]
    words = np.random.Philox(key=seed).random_raw(count * rank).tolist()
    starts = [
        (word * places[k % rank] >> 64) * aligns[k % rank]
        for k, word in enumerate(words)
    ]
    return tuple(tuple(starts[k : k + rank]) for k in range(0, len(starts), rank))
