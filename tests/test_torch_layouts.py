"""Tensors whose memory lies oddly: the right result all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import jvp, vmap

from reftiler.torch import Tiler
from reftiler_conformance.compare import same_bits
from tests.cases import MergeCase
from tests.strategies import merges
from tests.tensors import BODIES, TORCH, array, dtype_of, in_body, tensor, tilers


@given(merges(scaled=False, convert=False), st.sampled_from(["reversed", "sparse"]))
def test_results_of_models_may_lie_anyhow(merge: MergeCase, how: str) -> None:
    case = merge.case
    reference, tiler = tilers(case)
    grid = case.grid(reference)
    want = reference.untile(reference.tile(case.image(), grid=grid), case.shape, grid)
    oddly = TORCH.layouts[how]
    image = oddly(tensor(case.image()))
    got = tiler.apply(oddly, image, batch_size=2, grid=grid)
    same_bits(array(got), want, nan="any")


@pytest.mark.parametrize("body", BODIES)
def test_expanded_tensors(body: str) -> None:
    """Pixels that share memory may be read."""
    row = torch.arange(9.0).expand(2, 3, 8, 9)
    tiler = Tiler((4, 3), 2, window="hann", pad_mode="reflect")
    want = tiler.tile(row.clone())
    same_bits(array(in_body(body, lambda: tiler.tile(row))), array(want))
    tiles = torch.arange(3.0).expand(len(want), 3, 4, 3)
    merged = in_body(body, lambda: tiler.untile(tiles, row.shape))
    same_bits(array(merged), array(tiler.untile(tiles.clone(), row.shape)))


@pytest.mark.parametrize("body", BODIES)
def test_lazily_conjugated_and_negated_tensors(body: str) -> None:
    image = torch.randn((8, 8), dtype=torch.complex64).conj()
    tiler = Tiler(4, 2)
    assert image.is_conj()
    tiles = in_body(body, lambda: tiler.tile(image))
    assert torch.equal(tiles, tiler.tile(image.resolve_conj()))
    negated = image.imag
    assert negated.is_neg()
    tiles = in_body(body, lambda: tiler.tile(negated))
    assert torch.equal(tiles, tiler.tile(negated.resolve_neg()))
    tiles = torch.randn((9, 4, 4), dtype=torch.complex64).conj().imag
    for merge in ("mean", "max"):
        other = Tiler(4, 2, merge=merge)
        for dtype in (torch.float16, torch.float32):
            got = in_body(body, lambda: other.untile(tiles, (8, 8), dtype=dtype))  # noqa: B023
            plain = tiles.resolve_neg()
            want = other.untile(plain, (8, 8), dtype=dtype)
            assert torch.equal(got, want)


def test_parameters_and_views_of_them() -> None:
    weights = nn.Parameter(torch.arange(64.0).reshape(8, 8))
    with torch.no_grad():
        tiles = Tiler(4).tile(weights)
        assert type(tiles) is Tensor
        assert torch.equal(Tiler(4).untile(tiles, (8, 8)), weights)
    assert Tiler(4).tile(weights[::1]).requires_grad


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "bool"])
def test_meta_tensors_give_shapes(body: str, dtype: str) -> None:
    """Without pixels, everything but pixels is right."""
    tiler = Tiler(4, 2, pad_mode="reflect")
    image = torch.zeros((2, 3, 9, 8), dtype=dtype_of(dtype), device="meta")
    tiles = in_body(body, lambda: tiler.tile(image))
    assert tiles.shape == (2 * 12, 3, 4, 4)
    whole = in_body(body, lambda: tiler.untile(tiles, image.shape))
    assert (whole.shape, whole.dtype, whole.device) == (
        image.shape,
        image.dtype,
        image.device,
    )
    if dtype == "float32":
        half = in_body(body, lambda: tiler.untile(tiles, image.shape, dtype=torch.int8))
        assert half.dtype == torch.int8
    out = torch.zeros(image.shape, dtype=image.dtype, device="meta")
    assert tiler.untile(tiles, image.shape, out=out) is out
    assert tiler.apply(lambda t: t, image).shape == image.shape


def test_subclasses_are_taken() -> None:
    class Photo(Tensor):
        """What torchvision's Image is."""

    image = torch.arange(64.0).reshape(8, 8).as_subclass(Photo)
    for body in BODIES:
        tiles = in_body(body, lambda: Tiler(4).tile(image))
        whole = in_body(body, lambda: Tiler(4).untile(tiles, (8, 8)))  # noqa: B023
        assert torch.equal(whole.as_subclass(Tensor), image.as_subclass(Tensor))


# --- a default device of the caller's is no device of ours ----------------------------

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
