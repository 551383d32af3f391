"""finish= of torch: numpy's bits in every body, with gradients, in torch.func."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import reftiler
from reftiler import TilingError
from reftiler import finish as module
from reftiler.torch import Tiler, dispatch

SETTINGS: list[dict[str, Any]] = [
    {"window": "hann"},
    {"mode": "interpolation", "merge": "max"},
    {"mode": "interpolation", "window": "triangle"},
    {"mode": "clamp", "merge": "center"},
    {"mode": "even", "merge": "last", "remove_border_count": 1},
    {"mode": "drop", "fill": 9, "nan": "omit"},
]


def scores(count: int, *sides: int) -> Tensor:
    found = np.random.default_rng(3).standard_normal((count, 5, *sides))
    return torch.from_numpy(found.astype(np.float32))


def largest(block: Tensor) -> Tensor:
    return block.argmax(0).to(torch.uint8)


@pytest.mark.parametrize("kernels", [False, True], ids=["plain", "kernels"])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("scattered", [False, True], ids=["grid", "scattered"])
def test_as_numpy(
    settings: dict[str, Any],
    scattered: bool,
    kernels: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BLOCK", 200)
    monkeypatch.setattr(dispatch, "MIN_VALUES", 0 if kernels else 2**60)
    if scattered:
        settings = {**settings, "fill": 1}
    tiler = Tiler((8, 6), (5, 4), **settings)
    grid = tiler.grid((23, 17))
    if scattered:
        grid = tiler.scatter((23, 17), [(3, 1), (0, 4), (9, 9), (3, 2)])
    shape = (2, 1, 23, 17)
    for scale in (1, 2):
        tiles = scores(2 * len(grid), 8 * scale, 6 * scale)
        want = tiler.untile(tiles, shape, grid).argmax(1)
        found = tiler.untile(tiles, shape, grid, finish=largest)
        assert found.dtype == torch.uint8
        assert torch.equal(found, want)
        numpy = reftiler.Tiler.from_other(tiler).untile(
            tiles.numpy(),
            shape,
            None if not scattered else reftiler.Grid.from_json(grid.to_json()),
            finish=lambda b: b.argmax(0).astype(np.uint8),
        )
        assert np.array_equal(found.numpy(), numpy)


def test_gradients_are_those_of_the_composition() -> None:
    tiler = Tiler(4, 3, window="hann")
    conv = nn.Conv2d(5, 2, 1)

    def finish(block: Tensor) -> Tensor:
        found: Tensor = conv(block[None])[0]
        return found

    found, want = scores(9, 4, 4).requires_grad_(), scores(9, 4, 4).requires_grad_()
    (tiler.untile(found, (10, 10), finish=finish) ** 2).sum().backward()
    (finish(tiler.untile(want, (10, 10))) ** 2).sum().backward()
    assert found.grad is not None
    assert want.grad is not None
    assert torch.equal(found.grad, want.grad)
    with pytest.raises(TilingError, match="out"):
        tiler.untile(found, (10, 10), finish=largest, out=torch.empty(10, 10))
    image = torch.rand(5, 10, 10, requires_grad=True)
    applied = tiler.apply(lambda tiles: tiles * 2, image, finish=finish)
    applied.sum().backward()
    assert image.grad is not None


def emptied(block: Tensor) -> Tensor:
    """Return the first channel of what was written to."""
    block *= 3
    block[1:] = 0
    return block[0]


@pytest.mark.parametrize("shape", [(10, 10), (2, 1, 10, 10)], ids=str)
@pytest.mark.parametrize("merge", ["mean", "max", "last"])
def test_a_block_may_be_written_to_where_gradients_are_recorded(
    merge: str, shape: tuple[int, ...]
) -> None:
    tiler, count = Tiler(4, 3, merge=merge), 9 * (1 if len(shape) == 2 else 2)
    tiles = scores(count, 4, 4).requires_grad_()
    found = tiler.untile(tiles, shape, finish=emptied)
    want = tiler.untile(tiles, shape).select(-3, 0) * 3
    assert torch.equal(found, want)
    ones = torch.ones_like(found)
    (got,), (wanted,) = (torch.autograd.grad(r, tiles, ones) for r in (found, want))
    assert torch.equal(got, wanted)


def test_a_block_may_lose_an_axis_in_place() -> None:
    tiler = Tiler(4, 3)
    tiles = scores(9, 4, 4)[:, :1]
    found = tiler.untile(tiles, (10, 10), finish=lambda b: b.squeeze_(0))
    assert torch.equal(found, tiler.untile(tiles, (10, 10))[0])


def test_results_of_no_plain_memory_are_refused() -> None:
    with pytest.raises(TilingError, match=r"finish\(block\) is sparse"):
        Tiler(4, 3).untile(scores(9, 4, 4), (10, 10), finish=Tensor.to_sparse)


def test_weights_of_the_function_get_gradients_or_an_error() -> None:
    tiler, conv = Tiler(4, 3), nn.Conv2d(5, 2, 1)
    tiles, image = scores(9, 4, 4), torch.rand(5, 10, 10)
    tiler.untile(tiles, (10, 10), finish=lambda b: conv(b[None])[0]).sum().backward()
    assert conv.weight.grad is not None
    with pytest.raises(TilingError, match="no_grad"):
        tiler.apply(lambda t: t, image, finish=lambda b: conv(b[None])[0])
    with torch.no_grad():
        found = tiler.apply(lambda t: t, image, finish=lambda b: conv(b[None])[0])
        want = conv(tiler.apply(lambda t: t, image)[None])[0]
    assert torch.allclose(found, want, atol=1e-6)


def test_torch_func_and_forward_mode() -> None:
    tiler, tiles = Tiler(4, 3), scores(9, 4, 4)

    def finished(values: Tensor) -> Tensor:
        return tiler.untile(values, (10, 10), finish=lambda b: b[0] * b[1])

    def plain(values: Tensor) -> Tensor:
        merged = tiler.untile(values, (10, 10))
        return merged[0] * merged[1]

    several = torch.stack([tiles, tiles.flip(0)])
    found = torch.func.vmap(finished)(several)
    assert torch.equal(found, torch.func.vmap(plain)(several))
    want = torch.func.jvp(plain, (tiles,), (tiles,))
    got = torch.func.jvp(finished, (tiles,), (tiles,))
    assert torch.equal(got[0], want[0])
    assert torch.equal(got[1], want[1])
    forward: Any = torch.autograd.forward_ad
    with forward.dual_level():
        dual = forward.make_dual(tiles, tiles)
        tangent = forward.unpack_dual(finished(dual)).tangent
    assert torch.equal(tangent, want[1])


def test_out_and_streams_are_tensors() -> None:
    tiler, image = Tiler(8, 6), torch.rand(5, 26, 26)
    out = torch.empty((26, 26), dtype=torch.uint8)
    assert tiler.untile(tiler.tile(image), image.shape, finish=largest, out=out) is out
    assert torch.equal(out, image.argmax(0))
    with torch.inference_mode():
        found = tiler.apply(lambda tiles: tiles, image, finish=largest)
    assert torch.equal(found, out)
    with pytest.raises(TypeError, match="library, got ndarray"):
        tiler.untile(tiler.tile(image), image.shape, finish=lambda b: b.numpy()[0])


def test_graphs_have_no_blocks() -> None:
    tiler, tiles = Tiler(4, 3), scores(9, 4, 4)

    def untile(values: Tensor) -> Tensor:
        return tiler.untile(values, (10, 10), finish=largest)

    with pytest.raises(TilingError, match="call it on what untile returns"):
        torch.jit.trace(untile, tiles)


def test_weights_count_before_the_function() -> None:
    both: list[dict[str, Any]] = [{"window": "hann"}, {"context": 1}]
    for settings in both:
        tiler = Tiler(4, 3, **settings)
        side = tiler.input_size[0]
        tiles, weights = scores(18, side, side), torch.rand(18, side, side) + 0.1
        shape = (2, 1, 10, 10)
        want = tiler.untile(tiles, shape, weights=weights).argmax(1)
        found = tiler.untile(tiles, shape, weights=weights, finish=largest)
        assert torch.equal(found, want)
        numpy = reftiler.Tiler.from_other(tiler).untile(
            tiles.numpy(), shape, weights=weights.numpy(), finish=lambda b: b.argmax(0)
        )
        assert np.array_equal(numpy, found)
        recorded = tiles.requires_grad_()
        given: dict[str, Any] = {"weights": weights, "finish": lambda b: b * 2}
        twice = tiler.untile(recorded, shape, **given)
        assert twice.requires_grad
        assert torch.equal(twice, tiler.untile(tiles, shape, weights=weights) * 2)
