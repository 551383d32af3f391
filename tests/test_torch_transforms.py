"""torch.func: vmap, grad, jvp and their like."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, grad, jacrev, jvp, vmap

from reftiler import TilingError
from reftiler.torch import Tiler
from reftiler_conformance.compare import same_bits
from tests.strategies import MODES, PAD_MODES, WINDOWS
from tests.tensors import array, dtype_of, noise

# torch's own use of what it deprecates
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit")

TILERS: list[dict[str, Any]] = [
    *({"mode": mode, "window": "hann", "fill": 7} for mode in MODES),
    *({"pad_mode": pad, "pad_side": "both"} for pad in PAD_MODES),
    {"remove_border_count": 1, "window": "triangle"},
    {"channels_last": True, "pad_value": 0.1},
    {"merge": "max"},
    {"merge": "min", "mode": "clamp"},
]


@pytest.mark.parametrize("settings", TILERS, ids=str)
def test_vmap(settings: dict[str, Any]) -> None:
    tiler = Tiler((6, 5), (3, 2), **settings)
    images = noise(4, 10, 11, 2) if tiler.channels_last else noise(4, 2, 10, 11)
    tiles = vmap(tiler.tile)(images)
    want = torch.stack([tiler.tile(image) for image in images])
    same_bits(array(tiles), array(want))
    shape = images.shape[1:]
    merged = vmap(lambda t: tiler.untile(t, shape))(want)
    alone = torch.stack([tiler.untile(t, shape) for t in want])
    same_bits(array(merged), array(alone), nan="any")


def test_vmap_of_scattered_grids_and_scales() -> None:
    tiler = Tiler(4, window="gaussian", fill=1)
    grid = tiler.random((10, 11), 6, 1, align=2)
    images = noise(3, 10, 11)
    tiles = vmap(lambda image: tiler.tile(image, grid=grid))(images)
    same_bits(array(tiles[1]), array(tiler.tile(images[1], grid=grid)))
    maps, scale = noise(3, 6, 2, 8), (Fraction(1, 2), 2)

    def merge(t: Tensor) -> Tensor:
        return tiler.untile(t, (10, 11), grid, scale=scale, dtype=torch.float16)

    same_bits(array(vmap(merge)(maps)[2]), array(merge(maps[2])), nan="any")


def test_vmap_over_any_axis_and_twice() -> None:
    tiler = Tiler((6, 5), (3, 2), window="triangle")
    images = noise(2, 10, 3, 11)
    twice = vmap(vmap(tiler.tile, in_dims=1))(images)
    for i in range(2):
        for j in range(3):
            same_bits(array(twice[i, j]), array(tiler.tile(images[i, :, j])))


@pytest.mark.parametrize("name", ["bool", "uint8", "int64", "uint64", "float16"])
def test_vmap_of_types(name: str) -> None:
    numbers = (noise(3, 20, 4, 4).nan_to_num(0, 9, -9) * 90).long().to(dtype_of(name))
    for merge in ("max",) if name == "bool" else ("mean", "max"):
        tiler = Tiler(4, 2, merge=merge)
        got = vmap(lambda t: tiler.untile(t, (10, 11)))(numbers)  # noqa: B023
        want = torch.stack([tiler.untile(t, (10, 11)) for t in numbers])
        same_bits(array(got), array(want))


@pytest.mark.parametrize("window", WINDOWS)
def test_grad(window: str) -> None:
    tiler = Tiler((6, 5), (3, 2), window=window, pad_mode="reflect")

    def loss(image: Tensor) -> Tensor:
        return tiler.untile(tiler.tile(image) ** 2, image.shape).sum()

    image = noise(2, 10, 11).nan_to_num(0, 9, -9).double()
    same_bits(array(grad(loss)(image)), array(_backward(loss, image)))
    each = vmap(grad(loss))(image)  # of each channel alone
    alone = torch.stack([grad(loss)(one) for one in image])
    torch.testing.assert_close(each, alone)


def _backward(loss: Any, image: Tensor) -> Tensor:
    leaf = image.clone().requires_grad_()
    (found,) = torch.autograd.grad(loss(leaf), leaf)
    return found


def test_jvp_and_jacobian() -> None:
    """Both verbs are linear: their derivative is what they do."""
    tiler = Tiler((3, 2), (2, 1), window="hann", pad_mode="wrap")
    image, tangent = (
        noise(2, 4, 5).nan_to_num(0, 9, -9),
        noise(2, 4, 5).nan_to_num() + 1,
    )
    value, moved = jvp(tiler.tile, (image,), (tangent,))[:2]
    same_bits(array(value), array(tiler.tile(image)))
    same_bits(array(moved), array(tiler.tile(tangent)))
    tiles = tiler.tile(image).double()

    def merge(t: Tensor) -> Tensor:
        return tiler.untile(t, (2, 4, 5))

    moved = jvp(merge, (tiles,), (tiles + 1,))[1]
    torch.testing.assert_close(moved, merge(tiles + 1))
    matrix = jacrev(merge)(tiles)
    flat = torch.tensordot(matrix, tiles, dims=tiles.dim())
    torch.testing.assert_close(flat, merge(tiles))


def test_a_model_under_functional_call() -> None:
    tiler = Tiler(6, 3, window="hann")
    conv = torch.nn.Conv2d(2, 1, 3, padding=1)
    image = noise(2, 10, 11).nan_to_num(0, 9, -9)

    def loss(weights: dict[str, Tensor]) -> Tensor:
        maps = functional_call(conv, weights, (tiler.tile(image),))
        return tiler.untile(maps, image.shape).square().sum()

    weights: dict[str, Tensor] = dict(conv.named_parameters())
    found = grad(loss)(weights)
    want = torch.autograd.grad(loss(weights), list(weights.values()))
    for one, other in zip(found.values(), want, strict=True):
        torch.testing.assert_close(one, other)


def test_out_is_refused_under_vmap() -> None:
    tiler = Tiler(4)
    out = torch.zeros((4, 4, 4))
    with pytest.raises(TilingError, match="out"):
        vmap(lambda image: tiler.tile(image, out=out))(torch.zeros((2, 8, 8)))
