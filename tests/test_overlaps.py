"""Hundreds of tiles over one pixel: counts and sums that narrow types would spoil."""

from __future__ import annotations

import numpy as np
import pytest

from reftiler import Tiler
from reftiler_conformance import oracle
from reftiler_conformance.compare import same_bits
from tests.strategies import WINDOWS


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32"])
def test_there_and_back_with_a_thousand_overlaps(window: str, dtype: str) -> None:
    rng = np.random.default_rng(3)
    if dtype.startswith("float"):
        image = rng.standard_normal((70, 66)).astype(dtype)
        image[40, 30:33] = [np.inf, -np.inf, -0.0]
    else:
        info = np.iinfo(dtype)
        image = rng.integers(info.min, info.max, (70, 66), dtype, endpoint=True)
    tiler = Tiler(32, 1, window=window)
    assert tiler.grid(image.shape).coverage().max() == 1024
    same_bits(tiler.untile(tiler.tile(image), image.shape), image)


@pytest.mark.parametrize("window", WINDOWS)
def test_a_thousand_tiles_that_do_not_agree(window: str) -> None:
    rng = np.random.default_rng(4)
    tiles = rng.standard_normal((1000, 1000)).astype(np.float32)
    tiler = Tiler([1000], 1, window=window)
    got = tiler.untile(tiles, (1999,))
    wide = tiler.untile(tiles, (1999,), dtype="float64")
    profile = oracle.profile(window, 1000)
    for p in (0, 1, 500, 998, 999, 1000, 1700, 1998):
        taking = [k for k in range(1000) if 0 <= p - k < 1000]
        values = [float(tiles[k, p - k]) for k in taking]
        weights = [float(profile[p - k]) for k in taking]
        mean = oracle.merge.mean(values, weights)
        if len(taking) == 1:
            mean = values[0]
        assert wide[p] == mean
        assert got[p] == np.float32(mean)


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int16"])
def test_counts_do_not_wrap(dtype: str) -> None:
    """Counting tiles in eight bits goes wrong at 256 overlaps."""
    ones = np.ones((300, 300), dtype)
    got = Tiler([300], 1).untile(ones, (599,))
    same_bits(got, np.ones(599, dtype))
    most = np.full((300, 300), 255, np.uint8)
    same_bits(Tiler([300], 1).untile(most, (599,)), np.full(599, 255, np.uint8))
