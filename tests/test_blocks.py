"""Large images, and small ones in small blocks: seams inside the work must not show.

The definition is too slow for large images. Here a third way judges: whole arrays,
added tile by tile in the frame, as one would write it without a thought for memory.
"""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reftiler import Tiler, merge
from reftiler_conformance import oracle
from reftiler_conformance.compare import same_bits
from tests.backends import NUMPY, untile_agrees
from tests.cases import MergeCase
from tests.strategies import merges

SIZE = (410, 530)


def added_up(grid: Any, tiles: Any, window: str, fill: float) -> Any:
    """Return the mean of tiles (K, C, h, w) as float64, cropped to the image."""
    lines = [oracle.profile(window, length) for length in tiles.shape[2:]]
    weight = np.multiply.outer(*(np.array(line, float) for line in lines))
    pads = grid.padding
    frame = [n + sum(pad) for n, pad in zip(grid.image_size, pads, strict=True)]
    above = np.full((tiles.shape[1], *frame), -0.0)
    alone, below, count = above.copy(), np.full(frame, -0.0), np.zeros(frame, int)
    for (y, x), cut in zip(grid.starts.tolist(), tiles, strict=True):
        here = slice(y, y + cut.shape[1]), slice(x, x + cut.shape[2])
        above[(slice(None), *here)] += weight * cut
        alone[(slice(None), *here)] = cut
        below[here] += weight
        count[here] += 1
    mean = np.divide(above, below, out=np.full_like(above, fill), where=count > 0)
    mean = np.where(count == 1, alone, mean)
    inside = [
        slice(before, before + n)
        for (before, _), n in zip(pads, grid.image_size, strict=True)
    ]
    return mean[(slice(None), *inside)].copy()


def contents(grid: Any, tile: tuple[int, int], channels: int) -> Any:
    return np.random.default_rng(5).normal(0, 300, (len(grid), channels, *tile))


@pytest.mark.parametrize("window", ["box", "hann"])
@pytest.mark.parametrize(
    ("mode", "side", "tile", "stride"),
    [
        ("padding", "both", (64, 48), (40, 48)),
        ("padding", "end", (300, 700), (17, 9)),
        ("clamp", "end", (64, 96), (32, 33)),
        ("even", "end", (50, 50), (50, 20)),
        ("drop", "end", (64, 64), (48, 64)),
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_large_images(
    window: str,
    mode: str,
    side: str,
    tile: tuple[int, int],
    stride: tuple[int, int],
    last: bool,
) -> None:
    settings: dict[str, Any] = {
        "mode": mode,
        "pad_side": side,
        "window": window,
        "fill": 7.0,
    }
    tiler = Tiler(tile, stride, channels_last=last, **settings)
    grid = tiler.grid(SIZE)
    tiles = contents(grid, tile, 2)
    want = added_up(grid, tiles, window, 7.0)
    if last:
        want, tiles = np.moveaxis(want, 0, -1).copy(), np.moveaxis(tiles, 1, -1)
    same_bits(tiler.untile(tiles, SIZE), want)
    with np.errstate(over="ignore"):
        single = want.astype(np.float32)
    same_bits(tiler.untile(tiles, SIZE, dtype="float32"), single)
    whole = np.clip(np.rint(want), 0, 255).astype(np.uint8)
    same_bits(tiler.untile(tiles, SIZE, dtype="uint8"), whole)


@pytest.mark.parametrize("window", ["triangle", "hann", "gaussian"])
@pytest.mark.parametrize(
    ("tile", "stride", "size"),
    [
        ((5, 4, 3, 4), (2, 2, 1, 3), (7, 6, 4, 5)),
        ((12, 13, 11), (3, 4, 2), (16, 17, 15)),
    ],
)
def test_weights_whose_sums_are_rounded(
    window: str, tile: tuple[int, ...], stride: tuple[int, ...], size: tuple[int, ...]
) -> None:
    """Beyond 2**53 the product of sums is no longer the sum of products."""
    tiler = Tiler(tile, stride, window=window, mode="clamp")
    settings = oracle.Settings(tile, stride, window=window, mode="clamp")
    plan = oracle.fitted(settings, size)
    tiles = np.random.default_rng(8).normal(0, 300, (len(plan.tile_specs), *tile))
    same_bits(tiler.untile(tiles, size), oracle.untile(plan, tiles, size))


@pytest.mark.parametrize("window", ["box", "gaussian"])
def test_large_images_of_random_tiles(window: str) -> None:
    tiler = Tiler((70, 130), window=window, fill=-1.0)
    grid = tiler.random(SIZE, 40, 9)
    assert 0 < grid.uncovered < SIZE[0] * SIZE[1]
    tiles = contents(grid, (70, 130), 3)
    same_bits(tiler.untile(tiles, SIZE, grid), added_up(grid, tiles, window, -1.0))
    count = np.zeros(SIZE, int)
    for k in range(len(grid)):
        count[grid.slices(k)] += 1
    assert grid.uncovered == int((count == 0).sum())
    assert (grid.coverage() == count).all()


@pytest.mark.parametrize("extremum", ["max", "min"])
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64"])
def test_large_extremes(extremum: str, dtype: str) -> None:
    tiler = Tiler((64, 96), (33, 40), mode="clamp", merge=extremum)
    grid = tiler.grid(SIZE)
    tiles = (contents(grid, (64, 96), 1)[:, 0] * 1000).astype(np.int64).astype(dtype)
    join = np.maximum if extremum == "max" else np.minimum
    want = np.zeros(SIZE, dtype)
    seen = np.zeros(SIZE, bool)
    for k, cut in enumerate(tiles):
        here = grid.slices(k)
        want[here] = np.where(seen[here], join(want[here], cut), cut)
        seen[here] = True
    assert seen.all()
    same_bits(tiler.untile(tiles, SIZE), want)


@pytest.mark.parametrize("mode", ["padding", "interpolation", "clamp", "even"])
@pytest.mark.parametrize("shape", [(3, *SIZE), (2, 1, 90, 2100), (2, 5, 2000, 33)])
def test_large_images_there_and_back(mode: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(6)
    image = rng.integers(0, 2**16, shape, np.uint16)
    for window, border in (("box", 0), ("hann", 3)):
        tiler = Tiler(
            (64, 32), 26, mode=mode, window=window, remove_border_count=border
        )
        same_bits(tiler.untile(tiler.tile(image), image.shape), image)


@given(merges(), st.sampled_from([1, 2, 7, 16, 50]))
def test_small_blocks_are_the_definition(case: MergeCase, block: int) -> None:
    with patch.object(merge, "BLOCK", block):
        untile_agrees(NUMPY, case)


def test_what_lies_in_memory_matters_to_nobody() -> None:
    """Where no tile takes part there may be anything, NaN too, until it is filled."""
    tiler = Tiler(4, fill=7)
    grid = tiler.scatter((20, 20), [(0, 0), (3, 2), (10, 10)])
    tiles = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)

    def spoilt(shape: Any, dtype: Any = float, **more: Any) -> Any:
        array = empty(shape, dtype, **more)
        array.fill(np.nan if array.dtype.kind == "f" else 77)
        return array

    empty = np.empty
    want = tiler.untile(tiles, (20, 20), grid).astype(np.int16)
    with patch.object(np, "empty", spoilt):
        got = tiler.untile(tiles, (20, 20), grid, dtype="int16")
    same_bits(got, want)
    assert (got == 7).sum() > 300
