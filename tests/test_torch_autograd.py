"""Gradients: those of finite differences, through both verbs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from reftiler import TilingError
from reftiler.torch import Tiler
from tests.cases import Case, MergeCase
from tests.strategies import MODES, PAD_MODES, WINDOWS, cases, merges

# torch's own use of what it deprecates
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit")


def numbers(*shape: int) -> Tensor:
    """Return float64 numbers that differ by 0.1 at least, in no order."""
    count = math.prod(shape)
    order = np.random.default_rng(count).permutation(count)
    return torch.from_numpy(order / 10 - 1.0).reshape(shape).requires_grad_()


def gradient(result: Tensor, source: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(result, source)
    return found


def check(call: Callable[[Tensor], Tensor], given_tensor: Tensor) -> None:
    assert call(given_tensor).requires_grad
    assert gradcheck(call, (given_tensor,))


TILERS = [
    *({"mode": mode} for mode in MODES),
    *({"pad_mode": pad, "pad_side": "both"} for pad in PAD_MODES),
    {"channels_last": True},
]


@pytest.mark.long
@pytest.mark.parametrize("settings", TILERS, ids=str)
def test_tile(settings: dict[str, Any]) -> None:
    tiler = Tiler((3, 2), (2, 1), **settings)
    shape = (2, 4, 5, 2) if tiler.channels_last else (2, 2, 4, 5)
    check(tiler.tile, numbers(*shape))
    grid = tiler.random((4, 5), 3, 1)
    check(lambda image: tiler.tile(image, grid=grid), numbers(*shape))


MERGES: list[dict[str, Any]] = [
    *({"window": window} for window in WINDOWS),
    *({"mode": mode, "window": "triangle", "fill": 2} for mode in MODES),
    {"window": ((1, 2, 3, 1), (5, 0.1, 1))},
    {"remove_border_count": (1, 0)},
    {"remove_border_count": (1, 0), "window": "hann"},
    {"channels_last": True, "window": "triangle"},
    {"merge": "max"},
    {"merge": "min", "mode": "clamp"},
    {"merge": "first", "mode": "interpolation"},
    {"nan": "omit", "window": "hann"},
    {"merge": "last", "channels_last": True},
    {"merge": "center", "remove_border_count": (1, 0)},
]


@pytest.mark.long
@pytest.mark.parametrize("settings", MERGES, ids=str)
def test_untile(settings: dict[str, Any]) -> None:
    tiler = Tiler((4, 3), 2, **settings)
    count = len(tiler.grid((5, 4)))
    shape = (4, 3, 2) if tiler.channels_last else (2, 4, 3)
    check(lambda tiles: tiler.untile(tiles, (5, 4)), numbers(count, *shape))
    grid = Tiler((4, 3), 2, **{**settings, "fill": 1}).random((5, 4), 3, 4)
    scattered = Tiler.from_json(grid.tiler.to_json())
    check(lambda tiles: scattered.untile(tiles, (5, 4), grid), numbers(3, *shape))


@pytest.mark.long
@pytest.mark.parametrize("mode", ["padding", "interpolation", "clamp"])
@pytest.mark.parametrize("scale", [(2, 2), (Fraction(1, 2), 1), (Fraction(3, 2), 2)])
def test_scaled_untile(mode: str, scale: Any) -> None:
    tiler = Tiler(4, 2, mode=mode, window="hann")
    height, width = (int(4 * s) for s in scale)
    tiles = numbers(4, height, width)
    check(lambda t: tiler.untile(t, (6, 5 + (mode == "clamp")), scale=scale), tiles)


@pytest.mark.parametrize("window", ["box", "hann"])
def test_no_gradient_goes_to_what_is_nan(window: str) -> None:
    tiler = Tiler((4, 3), 2, window=window, nan="omit")
    numbers_of = torch.rand(4, 4, 3, generator=torch.Generator().manual_seed(0)) > 0.3

    def call(tiles: Tensor) -> Tensor:
        nan = torch.full_like(tiles, float("nan"))
        return tiler.untile(torch.where(numbers_of, tiles, nan), (6, 5)).nan_to_num(0)

    tiles = numbers(4, 4, 3)
    assert gradcheck(call, (tiles,), check_forward_ad=True)
    assert gradgradcheck(lambda tiles: call(tiles**2), (tiles,))


@pytest.mark.parametrize("merge", [None, "max"])
def test_both_orders_and_modes(merge: str | None) -> None:
    window = "box" if merge else "hann"
    tiler = Tiler((3, 2), (2, 1), pad_mode="reflect", merge=merge, window=window)

    def call(image: Tensor) -> Tensor:
        return tiler.untile(tiler.tile(image) ** 3, image.shape)

    assert gradcheck(call, (numbers(3, 3),), check_forward_ad=True)
    assert gradgradcheck(call, (numbers(4, 3),))
    assert gradgradcheck(lambda t: tiler.tile(t) ** 2, (numbers(4, 3),))


def test_reflected_pixels_add_their_gradients_up() -> None:
    tiler = Tiler([4], pad_mode="reflect")
    image = torch.arange(5.0, requires_grad=True)
    # the frame is 0 1 2 3 4 3 2 1
    assert gradient(tiler.tile(image).sum(), image).tolist() == [1, 2, 2, 2, 1]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_short_floats(dtype: torch.dtype) -> None:
    """The rounding passes gradients on as if it were none."""
    tiler = Tiler([4], 2)
    tiles = torch.randn((2, 4), generator=torch.Generator().manual_seed(1)).to(dtype)
    tiles.requires_grad_()
    found = gradient(tiler.untile(tiles, [6]).sum(), tiles)
    assert found.dtype == dtype
    assert found.tolist() == [[1, 1, 0.5, 0.5], [0.5, 0.5, 1, 1]]


def test_gradients_of_a_conversion() -> None:
    tiles = torch.ones((2, 4), dtype=torch.float64, requires_grad=True)
    half = Tiler([4], 2).untile(tiles, [6], dtype=torch.bfloat16)
    found = gradient(half.sum(), tiles)
    assert found.tolist() == [[1, 1, 0.5, 0.5], [0.5, 0.5, 1, 1]]
    for merge in ("mean", "max"):
        untile = partial(Tiler([4], 2, merge=merge).untile, shape=[6])
        whole = untile(tiles, dtype=torch.uint8)
        assert not whole.requires_grad  # integers have no gradients
        assert whole.tolist() == [1] * 6
        with pytest.raises(TilingError, match="NaN"):
            untile(tiles * torch.nan, dtype=torch.uint8)


def test_second_derivatives_of_extremes() -> None:
    tiler = Tiler((3, 2), (2, 1), merge="max", fill=3, mode="drop")
    found = torch.func.hessian(lambda t: (tiler.untile(t, (4, 4)) ** 2).sum())
    tiles = numbers(3, 3, 2).detach()
    chosen = gradient(
        tiler.untile(leaf := tiles.clone().requires_grad_(), (4, 4)).sum(), leaf
    )
    matrix = found(tiles).reshape(tiles.numel(), -1)
    assert torch.equal(matrix, 2 * torch.diag(chosen.flatten()))


TIES = [
    ("max", (1.0, 1.0, 0.0), [1, 0, 0]),
    ("max", (-1.0, -1.0, -2.0), [0, 1, 0]),
    ("max", (0.0, -0.0, -0.0), [1, 0, 0]),
    ("max", (-0.0, 0.0, -0.0), [0, 1, 0]),
    ("min", (1.0, 1.0, 2.0), [0, 1, 0]),
    ("min", (-1.0, -1.0, 0.0), [1, 0, 0]),
    ("max", (1.0, torch.nan, torch.nan), [0, 1, 0]),
    ("max", (-torch.inf, -torch.inf, -torch.inf), [0, 0, 1]),
]


@pytest.mark.parametrize(("merge", "values", "want"), TIES)
def test_one_of_equal_tiles_gets_the_gradient(
    merge: str, values: tuple[float, ...], want: list[float]
) -> None:
    """As `reftiler.torch.dtypes.supersedes` says."""
    tiler = Tiler([1], merge=merge)
    grid = tiler.scatter([1], [[0]] * 3)
    tiles = torch.tensor(values)[:, None].requires_grad_()
    found = gradient(tiler.untile(tiles, [1], grid).sum(), tiles)
    assert found.flatten().tolist() == want


def adjoint(linear: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> None:
    """Fail unless <A x, y> is <x, grad>, where grad is that of <A x, y>."""
    x = torch.arange(1.0, 1 + math.prod(shape), dtype=torch.float64).reshape(shape)
    x.requires_grad_()
    result = linear(x)
    y = torch.arange(1.0, 1 + result.numel(), dtype=torch.float64)
    product = (result * y.reshape(result.shape)).sum()
    assert (x * gradient(product, x)).sum().item() == pytest.approx(product.item())


@given(cases(dtypes=("float64",)))
def test_tile_and_its_gradient_are_adjoint(case: Case) -> None:
    case = replace(case, settings=replace(case.settings, pad_value=0))
    tiler = case.tiler(Tiler)
    grid = case.grid(tiler)
    adjoint(lambda image: tiler.tile(image, grid=grid), case.shape)


@given(merges(dtypes=("float64",), convert=False))
def test_untile_and_its_gradient_are_adjoint(merge: MergeCase) -> None:
    settings = replace(merge.case.settings, merge="mean", fill=0)
    case = replace(merge.case, settings=settings)
    tiler = case.tiler(Tiler)
    grid, scale = case.grid(tiler), merge.scale_argument()
    adjoint(
        lambda tiles: tiler.untile(tiles, case.shape, grid, **scale),
        merge.tiles().shape,
    )


def test_out_does_not_go_with_gradients() -> None:
    image = torch.zeros((4, 4), requires_grad=True)
    out = torch.zeros((4, 2, 2))
    with pytest.raises(TilingError, match=r"out.*gradients.*no_grad"):
        Tiler(2).tile(image, out=out)
    tiles = torch.zeros((4, 2, 2), requires_grad=True)
    with pytest.raises(TilingError, match=r"out.*gradients.*no_grad"):
        Tiler(2).untile(tiles, (4, 4), out=torch.zeros((4, 4)))
    with torch.no_grad():
        assert Tiler(2).tile(image, out=out) is out
        merged = torch.ones((4, 4))
        assert Tiler(2).untile(tiles, (4, 4), out=merged) is merged


def test_inference_tensors() -> None:
    with torch.inference_mode():
        image = torch.arange(25.0).reshape(5, 5)
        tiler = Tiler(3, 1, window="hann")
        assert torch.equal(tiler.untile(tiler.tile(image), (5, 5)), image)
    assert torch.equal(tiler.untile(tiler.tile(image), (5, 5)), image)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64])
@pytest.mark.parametrize("scattered", [False, True])
def test_gradients_of_tile_count_the_tiles(dtype: torch.dtype, scattered: bool) -> None:
    """By the kernels too, which small calls do not reach."""
    tiler = Tiler(32, 16, remove_border_count=4)
    grid = tiler.grid((128, 128))
    if scattered:
        grid = tiler.random((128, 128), count=100, seed=1)
    image = torch.rand((3, 128, 128), dtype=dtype, requires_grad=True)
    tiler.tile(image, grid=grid).real.sum().backward()
    count = Tiler(32, 16).scatter((128, 128), grid.starts.tolist()).coverage()
    assert image.grad is not None
    assert (image.grad.real.numpy() == count).all()
