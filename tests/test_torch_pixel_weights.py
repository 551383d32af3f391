"""Weights of pixels in torch: derivatives, transformations, graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, jvp, vmap

from reftiler import TilingError
from reftiler.streaming import Merger
from reftiler.torch import Tiler, float32_sums
from reftiler.torch.streaming import TensorArrays
from reftiler_conformance.compare import same_bits
from tests.tensors import array

SIZE = (2, 5, 6)


def some(tiler: Tiler, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Return tiles and their weights, of which many are 0."""
    generator = torch.Generator().manual_seed(0)
    count = len(tiler.grid(SIZE[1:]))
    tiles = torch.randn((count, 2, *tiler.tile_size), generator=generator, dtype=dtype)
    choices = torch.tensor([0, 1, 2.5], dtype=torch.float64)
    places = torch.randint(3, (count, *tiler.tile_size), generator=generator)
    return tiles, choices[places]


def plain() -> tuple[Tiler, Tensor, Tensor]:
    tiler = Tiler((4, 3), 2, fill=1)
    return tiler, *some(tiler)


@pytest.mark.long
@pytest.mark.parametrize("window", ["box", "hann"])
@pytest.mark.parametrize("nan", ["propagate", "omit"])
def test_derivatives_of_the_tiles(window: str, nan: str) -> None:
    tiler = Tiler((4, 3), 2, window=window, nan=nan, fill=1)
    tiles, weights = some(tiler)
    lost = (tiles > 1) & (nan == "omit")

    def call(tiles: Tensor) -> Tensor:
        given = torch.where(lost, torch.full_like(tiles, torch.nan), tiles)
        return tiler.untile(given, SIZE, weights=weights).nan_to_num(0)

    tiles.requires_grad_()
    assert gradcheck(call, (tiles,), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(lambda t: call(t**2), (tiles,))


def test_weights_have_no_derivatives() -> None:
    tiler, tiles, weights = plain()

    def call(weights: Tensor) -> Tensor:
        return tiler.untile(tiles, SIZE, weights=weights)

    ways: list[Callable[[], Any]] = [
        lambda: call(weights.clone().requires_grad_()),
        lambda: grad(lambda w: call(w).sum())(weights),
        lambda: jvp(call, (weights,), (weights,)),
    ]
    for way in ways:
        with pytest.raises(TilingError, match=r"detach\(\)"):
            way()
    with torch.no_grad():
        same_bits(array(call(weights.clone().requires_grad_())), array(call(weights)))


def test_vmap() -> None:
    tiler = Tiler((4, 3), 2, window="hann", fill=1)
    tiles, weights = some(tiler)
    many, others = torch.stack([tiles, -tiles]), torch.stack([weights, weights.flip(0)])

    def call(tiles: Tensor, weights: Tensor) -> Tensor:
        return tiler.untile(tiles, SIZE, weights=weights)

    both = vmap(call)(many, others)
    one = vmap(call, (0, None))(many, weights)
    other = vmap(call, (None, 0))(tiles, others)
    for k in range(2):
        for got, t, w in (
            (both, many[k], others[k]),
            (one, many[k], weights),
            (other, tiles, others[k]),
        ):
            same_bits(array(got[k].contiguous()), array(call(t, w)))


def test_weights_of_a_merger_have_no_gradient_either() -> None:
    tiler, tiles, weights = plain()
    own = Merger(
        tiler,
        SIZE,
        None,
        tile_shape=tuple(tiles.shape[1:]),
        tile_dtype=tiles.dtype,
        weights_dtype=weights.dtype,
        arrays=TensorArrays(),
    )
    own.add([], tiles[:0], weights[:0])
    count, recorded = len(tiles), weights.clone().requires_grad_()
    with pytest.raises(TilingError, match="no gradient"):
        own.add(range(count), tiles, recorded)
    assert len(own.missing()) == count
    with torch.no_grad():
        own.add(range(count), tiles, recorded)
    want = tiler.untile(tiles, SIZE, weights=weights)
    same_bits(array(own.finish()), array(want))


def test_tangents_of_weights_are_refused_with_out_too() -> None:
    tiler, tiles, weights = plain()
    forward: Any = torch.autograd.forward_ad
    with forward.dual_level():
        dual = forward.make_dual(weights, weights)
        for out in (None, torch.empty(SIZE, dtype=tiles.dtype)):
            with pytest.raises(TilingError, match="no gradient"):
                tiler.untile(tiles, SIZE, weights=dual, out=out)


@pytest.mark.parametrize("least", [0, 2**60], ids=["kernels", "plain"])
def test_tangents_of_tiles_do_not_go_with_out(
    least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reftiler.torch.dispatch.MIN_VALUES", least)
    tiler, tiles, weights = plain()
    image = torch.ones(SIZE, dtype=tiles.dtype)
    forward: Any = torch.autograd.forward_ad
    with forward.dual_level():
        dual = forward.make_dual(tiles, tiles)
        for given in (None, weights):
            with pytest.raises(TilingError, match="out does not go with gradients"):
                tiler.untile(dual, SIZE, weights=given, out=torch.empty_like(image))
        with pytest.raises(TilingError, match="out does not go with gradients"):
            tiler.tile(forward.make_dual(image, image), out=torch.empty_like(tiles))


def test_vmap_of_weights_with_a_function_of_the_result() -> None:
    tiler, tiles, weights = plain()
    both = torch.stack([weights, weights.flip(0)])

    def call(weights: Tensor) -> Tensor:
        return tiler.untile(tiles, SIZE, weights=weights, finish=lambda b: b * 2)

    found = vmap(call)(both)
    assert torch.equal(found, torch.stack([call(one) for one in both]))


def test_compiled_and_exported_graphs() -> None:
    tiler = Tiler((4, 3), 2, window="hann", fill=1)
    tiles, weights = some(tiler)

    def call(tiles: Tensor, weights: Tensor) -> Tensor:
        return tiler.untile(tiles, SIZE, weights=weights)

    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")
    same_bits(array(compiled(tiles, weights)), array(call(tiles, weights)))
    with pytest.raises(TilingError, match="weights must be 0"):
        compiled(tiles, -weights)
    own, other = tiles.clone().requires_grad_(), tiles.clone().requires_grad_()
    compiled(own, weights).pow(2).sum().backward()
    call(other, weights).pow(2).sum().backward()
    assert own.grad is not None
    assert other.grad is not None
    assert torch.equal(own.grad, other.grad)

    class Module(torch.nn.Module):
        def forward(self, tiles: Tensor, weights: Tensor) -> Tensor:
            return call(tiles, weights)

    with pytest.raises(TilingError, match="strict=True"):
        torch.export.export(Module(), (tiles, weights), strict=False)
    with pytest.raises(TilingError, match="strict=True"):
        torch.jit.trace(call, (tiles, weights))
    graph = torch.export.export(Module(), (tiles, weights), strict=True).module()
    same_bits(array(graph(tiles, weights)), array(call(tiles, weights)))


def test_fake_tensors_tell_the_shape() -> None:
    tiler = Tiler((4, 3), 2, fill=1)
    tiles, weights = some(tiler, torch.float32)
    got = tiler.untile(tiles.to("meta"), SIZE, weights=weights.to("meta"))
    assert (got.shape, got.dtype, got.is_meta) == (SIZE, torch.float32, True)


def test_weights_are_where_the_tiles_are() -> None:
    tiler, tiles, weights = plain()
    with pytest.raises(TilingError, match="move them"):
        tiler.untile(tiles, SIZE, weights=weights.to("meta"))
    with pytest.raises(TypeError, match="weights must be a torch tensor"):
        tiler.untile(tiles, SIZE, weights=np.ones(3))  # type: ignore[arg-type]


def test_large_weights_are_checked_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reftiler.torch.pixel_weights.CHUNK", 30)
    tiler, tiles, weights = plain()
    weights[4, 3, 2] = torch.inf
    with float32_sums(), pytest.raises(TilingError, match=r"\(3, 2\) of tile 4 is inf"):
        tiler.untile(tiles, SIZE, weights=weights)
