"""Large tensors, and small ones in small blocks: no seam of the work may show."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import reftiler
from reftiler.torch import Tiler, layout, merge
from reftiler.torch.plans import new_untile_plan
from reftiler_conformance.compare import same_bits
from tests.backends import untile_agrees
from tests.cases import MergeCase
from tests.strategies import merges
from tests.tensors import BODIES, TORCH, array, in_body, tensor

SIZE = (410, 530)


def contents(count: int, shape: tuple[int, ...], dtype: str = "float32") -> Any:
    rng = np.random.default_rng(7)
    tiles = rng.normal(60, 90, (count, *shape))
    if dtype[0] == "f":
        odd = [np.nan, np.inf, -np.inf, -0.0, 1e-44, 6e4]
        where = rng.integers(0, tiles.size, 40)
        tiles.flat[where] = rng.choice(odd, 40)
        return tiles.astype(dtype)
    return tiles.clip(0, 250).astype(dtype)


def both(settings: dict[str, Any], tile: Any, stride: Any, source: str) -> None:
    """Fail unless both bodies merge a large image as the reference does."""
    reference = reftiler.Tiler(tile, stride, **settings)
    tiler = Tiler(tile, stride, **settings)
    shape = (*tile, 2) if settings.get("channels_last") else (2, *tile)
    tiles = contents(len(reference.grid(SIZE)), shape, source)
    want = reference.untile(tiles, SIZE)
    for body in BODIES:
        got = in_body(body, lambda: tiler.untile(tensor(tiles), SIZE))
        same_bits(array(got), want, nan="any")


@pytest.mark.parametrize("mode", ["padding", "interpolation", "clamp", "even", "drop"])
@pytest.mark.parametrize(
    ("tile", "stride"), [((64, 48), (40, 48)), ((50, 50), (50, 20))]
)
def test_large_images(mode: str, tile: Any, stride: Any) -> None:
    window = "box" if stride == (40, 48) else "hann"
    settings: dict[str, Any] = {"mode": mode, "window": window, "fill": 7.0}
    if mode == "padding":
        settings["pad_side"] = "both"
    both(settings, tile, stride, "float32")


@pytest.mark.parametrize("dtype", ["uint8", "float16", "int64", "float64"])
@pytest.mark.parametrize("last", [False, True])
def test_large_images_of_other_types(dtype: str, last: bool) -> None:
    settings: dict[str, Any] = {"channels_last": last, "remove_border_count": (3, 1)}
    both({**settings, "window": "triangle"}, (64, 48), (30, 41), dtype)
    both({**settings, "merge": "min"}, (64, 48), (30, 41), dtype)


@pytest.mark.parametrize("last", [False, True])
def test_more_channels_than_are_merged_at_a_time(last: bool) -> None:
    channels = 2 * merge.CHANNELS + 3
    reference = reftiler.Tiler((4, 10), (2, 5), channels_last=last)
    shape = (9, 30, channels) if last else (channels, 9, 30)
    one = (4, 10, channels) if last else (channels, 4, 10)
    tiles = contents(len(reference.grid((9, 30))), one)
    got = Tiler.from_other(reference).untile(tensor(tiles), shape)
    same_bits(array(got), reference.untile(tiles, shape), nan="any")


@given(merges(), st.sampled_from([1, 2, 7, 16, 50]), st.sampled_from([1, 2, 64]))
def test_small_blocks(merged: MergeCase, block: int, channels: int) -> None:
    with (
        patch.object(merge, "BLOCK", block),
        patch.object(merge, "CHANNELS", channels),
    ):
        untile_agrees(TORCH, merged)


@given(merges(convert=False), st.data())
def test_a_box_of_an_image(merged: MergeCase, data: st.DataObject) -> None:
    """`merge_block` asks for the tiles of its box only, and merges nothing else."""
    case, tiler = merged.case, merged.case.tiler(Tiler)
    grid, tiles = case.grid(tiler), tensor(merged.tiles())
    whole = tiler.untile(tiles, case.shape, grid, **merged.scale_argument())
    scale = merged.scale_argument().get("scale")
    asked = (case.shape, tiler, grid, scale, tiles.dtype)
    call = new_untile_plan(tiles.shape, tiles.dtype, *asked)
    box = []
    for length in call.geometry.size:
        low = data.draw(st.integers(0, length - 1))
        box.append((low, data.draw(st.integers(low + 1, length))))
    needed = {part.tile for part in call.geometry.overlaps(tuple(box))}
    image = layout.as_nchw(whole, call.result)[-1]
    group = layout.by_image(tiles, call.tiles, call.result.batch_size)[-1]
    want = image[(slice(None), *(slice(*ends) for ends in box))]
    out = torch.full(want.shape, 1).to(want.dtype)
    merge.merge_block({k: group[k] for k in needed}, call, tuple(box), out)
    same_bits(array(out.contiguous()), array(want.contiguous()), nan="any")


@pytest.mark.parametrize("order", [(0, 2, 1), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_buffers_in_any_order(order: tuple[int, ...]) -> None:
    tiler, shape = Tiler(64, 48, window="hann"), (3, 300, 350)
    tiles = tensor(contents(len(tiler.grid(shape[1:])), (3, 64, 64)))
    want = tiler.untile(tiles, shape)
    turned = torch.empty([shape[axis] for axis in order])
    out = turned.permute([order.index(axis) for axis in range(3)])
    tiler.untile(tiles, shape, out=out)
    same_bits(array(out.contiguous()), array(want), nan="any")


@pytest.mark.parametrize("mode", ["mean", "max"])
def test_nan_beyond_the_image_harms_nothing(mode: Any) -> None:
    tiler = Tiler(8, 5, merge=mode)
    tiles = tiler.tile(torch.rand(2, 20, 20) * 255)
    tiles[3::4, :, :, 5:] = tiles[12:, :, 5:] = torch.nan
    reference = reftiler.Tiler(8, 5, merge=mode)
    want = reference.untile(array(tiles), (20, 20), dtype="uint8")
    same_bits(array(tiler.untile(tiles, (20, 20), dtype=torch.uint8)), want)
