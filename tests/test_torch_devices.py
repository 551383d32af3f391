"""A default device of the caller's is no device of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import jvp, vmap

from reftiler.torch import Tiler

SETTINGS: list[dict[str, Any]] = [
    {"window": "hann"},
    {"merge": "max"},
    {"mode": "drop"},
    {"mode": "interpolation"},
    {"pad_mode": "reflect", "pad_side": "both"},
    {"pad_value": 3, "remove_border_count": 1},
]


def doors(image: Tensor, settings: dict[str, Any]) -> Iterator[Tensor]:
    tiler = Tiler(6, 3, fill=7, **settings)
    grid = tiler.random((20, 22), 5, 1)
    tiles, shape, dtype = tiler.tile(image), image.shape, image.dtype
    yield tiles
    yield tiler.tile(image, grid=grid)
    yield tiler.tile(image, out=torch.empty_like(tiles))
    yield tiler.untile(tiles, shape)
    yield tiler.untile(tiles, shape, out=torch.empty_like(image))
    yield tiler.untile(tiles.float(), shape, dtype=torch.float16)
    yield tiler.untile(tiles, shape, dtype=torch.int64)
    yield tiler.untile(tiler.tile(image, grid=grid), shape, grid)
    yield tiler.untile(tiles.repeat_interleave(2, 2), shape, scale=(2, 1))
    yield tiler.apply(lambda t: t, image)
    yield tiler.apply(lambda t: t, image, out=torch.empty_like(image))
    yield vmap(tiler.tile)(image)
    if dtype.is_floating_point:
        leaf = image.clone().requires_grad_()
        merged = tiler.untile(tiler.tile(leaf), shape)
        yield merged.detach()
        yield torch.autograd.grad(merged.sum(), leaf)[0]
        yield jvp(lambda x: tiler.untile(tiler.tile(x), shape), (image,), (image,))[1]


@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.uint8])
def test_every_door_under_a_default_device(
    dtype: torch.dtype, settings: dict[str, Any]
) -> None:
    image = (torch.arange(2 * 3 * 20 * 22) % 251).reshape(2, 3, 20, 22).to(dtype)
    want = list(doors(image, settings))
    with torch.device("meta"):
        got = list(doors(image, settings))
    for one, other in zip(got, want, strict=True):
        assert one.device.type == "cpu"
        assert torch.equal(one, other)
