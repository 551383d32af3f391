"""Merging needs a few MiB beyond its input and output, whatever their size.

Each thread needs as much; here there are two at most.
"""

import tracemalloc
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from reftiler import Grid, Tiler, parallel

MIB = 2**20
LIMIT = 8 * MIB


def peak(work: Callable[[], Any]) -> int:
    """Return the most memory that ``work`` holds at a time, in bytes."""
    tracemalloc.start()
    try:
        with patch.object(parallel, "_asked", 2):
            work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


CASES = {
    "box": Tiler(256, 128),
    "hann": Tiler(256, 128, window="hann"),
    "custom": Tiler(64, 32, window=[range(1, 65)] * 2),
    "small tiles": Tiler(64, 32),
    "hardly overlapping": Tiler(512, 511),
    "many overlaps": Tiler(256, 40),
    "one tile": Tiler(2048, mode="clamp"),
    "interpolation": Tiler(500, 300, mode="interpolation"),
    "max": Tiler(256, 128, merge="max"),
    "drop": Tiler(500, 250, mode="drop", fill=0),
    "channels last": Tiler(256, 128, channels_last=True),
}


@pytest.mark.long
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int16"])
@pytest.mark.parametrize("tiler", CASES.values(), ids=CASES.keys())
def test_untile_needs_little_memory(tiler: Tiler, dtype: str) -> None:
    shape = (2048, 2048, 3) if tiler.channels_last else (3, 2048, 2048)
    image = np.zeros(shape, dtype)
    tiles = tiler.tile(image)
    out = np.empty_like(image)
    assert peak(lambda: tiler.untile(tiles, shape, out=out)) < LIMIT


def test_scattered_grids_need_little_memory() -> None:
    tiler = Tiler(256, 128, fill=0)
    grid = tiler.random((2048, 2048), count=50, seed=1)
    image = np.zeros((2048, 2048), dtype=np.float32)
    tiles, out = tiler.tile(image, grid=grid), np.empty_like(image)
    assert peak(lambda: tiler.untile(tiles, image.shape, grid, out=out)) < LIMIT


def test_tile_makes_no_padded_image() -> None:
    tiler = Tiler(256, 200, pad_mode="reflect")
    image = np.zeros((3, 2048, 2048), dtype=np.float32)
    out = tiler.tile(image)
    assert peak(lambda: tiler.tile(image, out=out)) < LIMIT


def test_a_grid_of_a_huge_image_is_small() -> None:
    grid: list[Grid] = []
    assert peak(lambda: grid.append(Tiler(512, 256).grid((100_000, 100_000)))) < MIB
    assert len(grid[0]) == 390 * 390
