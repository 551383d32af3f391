"""Weights of pixels: what reftiler's own arrays and errors do with them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from reftiler import Tiler, TilingError
from reftiler_conformance.compare import same_bits

ZEROS = np.zeros((4, 4, 4))


def test_pixels_without_a_weight_are_counted_in_all_images() -> None:
    tiler = Tiler(4)
    weights = np.ones((8, 4, 4))
    weights[0, :2, 1] = weights[5, 3, :3] = 0
    tiles = np.zeros((8, 3, 4, 4))
    with pytest.raises(TilingError, match=" 5 pixels"):
        tiler.untile(tiles, (2, 3, 8, 8), weights=weights)


def test_an_error_names_the_first_bad_weight() -> None:
    weights = np.ones((4, 4, 4), np.float32)
    weights[2, 1, 3] = np.inf
    wanted = re.escape("pixel (1, 3) of tile 2 is inf")
    with pytest.raises(TilingError, match=wanted):
        Tiler(4).untile(ZEROS, (8, 8), weights=weights)


def test_what_the_context_weighs_is_not_looked_at() -> None:
    tiler = Tiler(4, context=1)
    tiles, weights = np.zeros((4, 6, 6)), np.full((4, 6, 6), np.nan)
    weights[:, 1:5, 1:5] = 1
    assert not tiler.untile(tiles, (8, 8), weights=weights).any()
    weights[3, 1, 4] = -1
    with pytest.raises(TilingError, match=re.escape("pixel (0, 3) of tile 3")):
        tiler.untile(tiles, (8, 8), weights=weights)


def test_out_is_no_memory_of_the_weights() -> None:
    weights = np.ones((4, 4, 4))
    with pytest.raises(TilingError, match="shares memory"):
        Tiler(4).untile(ZEROS, (8, 8), weights=weights, out=weights.reshape(8, 8))


@pytest.mark.parametrize("window", ["box", "hann"])
def test_equal_weights_change_nothing_but_roundings(window: str) -> None:
    tiler, rng = Tiler((6, 5), 2, window=window), np.random.default_rng(0)
    tiles = rng.integers(0, 99, (len(tiler.grid((15, 17))), 2, 6, 5)).astype(float)
    want = tiler.untile(tiles, (15, 17))
    weights: Any
    for weights in (np.ones(1, bool), np.full(1, 4.0), np.full(1, 2.0**-512)):
        given = np.broadcast_to(weights[:, None, None], (len(tiles), 6, 5))
        same_bits(tiler.untile(tiles, (15, 17), weights=given), want)


def test_weights_that_are_all_of_one_tile_are_that_tile() -> None:
    """Large weights beside small ones: nothing is lost that shows."""
    tiler, rng = Tiler(8, 4), np.random.default_rng(1)
    tiles = rng.standard_normal((9, 8, 8))
    weights = np.full((9, 8, 8), 2.0**-512)
    weights[4] = 2.0**512
    got = tiler.untile(tiles, (16, 16), weights=weights)
    same_bits(np.ascontiguousarray(got[4:12, 4:12]), tiles[4])


@pytest.mark.parametrize("window", ["box", "hann"])
@pytest.mark.parametrize("nan", ["propagate", "omit"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_has_no_weight_changes_nothing(
    value: float, nan: str, window: str
) -> None:
    """MERGE-037, where more than one other tile takes part."""
    tiler = Tiler([3], window=window, nan=nan)
    tiles = np.array([[1.0] * 3, [value] * 3, [3.0] * 3])
    weights = np.array([[1] * 3, [0] * 3, [1] * 3])
    grid = tiler.scatter([3], [[0]] * 3)
    got = tiler.untile(tiles, (3,), grid, weights=weights)
    assert got.tolist() == [2.0, 2.0, 2.0]
