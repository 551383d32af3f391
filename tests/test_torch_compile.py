"""torch.compile without a break, to the bits of eager mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reftiler import TilingError
from reftiler.torch import Tiler
from reftiler_conformance.compare import same_bits
from tests.strategies import MODES, PAD_MODES, WINDOWS
from tests.tensors import array

# torch's own use of what it deprecates
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit")


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Keep no graph from one test to the next."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def noise(*shape: int) -> Tensor:
    """Return numbers, a few of them odd."""
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)))
    numbers.flatten()[::37] = -0.0
    numbers.flatten()[5] = torch.nan
    numbers.flatten()[7] = torch.inf
    return numbers


def check(
    call: Callable[[Tensor], Any], given: Tensor, *, backend: str = "aot_eager"
) -> None:
    """Fail unless a call compiles as one graph and gives the bits of eager mode."""
    want = call(given)
    got = torch.compile(call, fullgraph=True, backend=backend)(given)
    if isinstance(want, Tensor):
        want, got = (want,), (got,)
    for one, other in zip(got, want, strict=True):
        same_bits(array(one), array(other), nan="any")


TILERS: list[dict[str, Any]] = [
    *({"mode": mode, "fill": 7} for mode in MODES),
    *({"pad_mode": pad, "pad_side": "both"} for pad in PAD_MODES),
    *({"window": window} for window in WINDOWS),
    {"window": ((1, 2, 3, 1, 1, 0.5), (5, 0.1, 1, 2, 2))},
    {"remove_border_count": 1, "window": "triangle"},
    {"channels_last": True, "pad_value": 0.1},
    {"merge": "max"},
    {"merge": "min", "mode": "clamp"},
]


@pytest.mark.long
@pytest.mark.parametrize("settings", TILERS, ids=str)
def test_there_and_back(settings: dict[str, Any]) -> None:
    tiler = Tiler((6, 5), (3, 2), **settings)
    shape = (2, 10, 11, 3) if tiler.channels_last else (2, 3, 10, 11)

    def call(image: Tensor) -> Tensor:
        return tiler.untile(tiler.tile(image) * 3 - 1, image.shape)

    check(call, noise(*shape))
    check(tiler.tile, noise(*shape))


@pytest.mark.long
@pytest.mark.parametrize("window", ["box", "hann"])
def test_scattered_grids(window: str) -> None:
    tiler = Tiler(4, window=window, fill=0.5)
    grid = tiler.random((10, 11), 6, 1)

    def call(image: Tensor) -> tuple[Tensor, Tensor]:
        tiles = tiler.tile(image, grid=grid)
        return tiles, tiler.untile(tiles + 1, image.shape, grid)

    check(call, noise(3, 10, 11))
    fitted = tiler.grid((10, 11))
    check(lambda image: tiler.tile(image, grid=fitted), noise(3, 10, 11))


@pytest.mark.long
@pytest.mark.parametrize(
    ("scale", "size"),
    [
        (None, (8, 8)),
        (2, (8, 8)),
        (0.5, (2, 2)),
        (Fraction(3, 2), (6, 6)),
        ((2, Fraction(1, 2)), (8, 2)),
        ([Fraction(1, 2), 1], (2, 4)),
    ],
)
def test_scales(scale: Any, size: tuple[int, int]) -> None:
    tiler = Tiler(4, 2, window="gaussian")
    tiles = noise(20, *size)
    check(lambda t: tiler.untile(t, (10, 11), scale=scale), tiles)


@pytest.mark.long
@pytest.mark.parametrize("goal", [torch.uint8, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("merge", ["mean", "max"])
def test_types(goal: torch.dtype, merge: str) -> None:
    tiler = Tiler(4, 3, merge=merge)
    numbers = (noise(12, 4, 4).nan_to_num(0, 9, -9) * 60).double()
    for source in (torch.float64, torch.float16, torch.int16):
        tiles = numbers.to(source)
        check(lambda t: tiler.untile(t, (9, 11), dtype=goal), tiles)


@pytest.mark.long
@pytest.mark.parametrize(
    "dtype", [torch.bool, torch.uint8, torch.uint16, torch.int64, torch.uint64]
)
def test_integers(dtype: torch.dtype) -> None:
    image = torch.arange(110, dtype=torch.int64).reshape(10, 11).to(dtype)
    tiler = Tiler(4, 3, pad_mode="edge")
    check(lambda x: tiler.untile(tiler.tile(x), x.shape), image)


def test_a_nan_in_a_graph_is_an_error() -> None:
    tiler = Tiler(4)
    call = torch.compile(
        lambda t: tiler.untile(t, (8, 8), dtype=torch.uint8),
        fullgraph=True,
        backend="aot_eager",
    )
    assert call(torch.full((4, 4, 4), 2.5)).tolist() == [[2] * 8] * 8
    with pytest.raises(TilingError, match="NaN, which uint8 cannot hold"):
        call(torch.full((4, 4, 4), torch.nan))


def test_out_is_refused_in_a_graph() -> None:
    tiler, out = Tiler(4), torch.zeros((4, 4, 4))
    call = torch.compile(lambda image: tiler.tile(image, out=out), backend="aot_eager")
    with pytest.raises(Exception, match="compiled graph"):
        call(torch.zeros((8, 8)))


@pytest.mark.long
def test_other_sizes_are_compiled_anew() -> None:
    tiler = Tiler((6, 5), (3, 2), window="hann", pad_mode="reflect")

    def call(image: Tensor) -> Tensor:
        return tiler.untile(tiler.tile(image) * 2, image.shape)

    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")
    for size in [(10, 11), (10, 13), (12, 12), (7, 30)]:
        image = noise(3, *size)
        same_bits(array(compiled(image)), array(call(image)), nan="any")


def test_gradients_of_a_graph() -> None:
    tiler = Tiler((6, 5), (3, 2), window="hann", pad_mode="reflect")

    def call(image: Tensor) -> Tensor:
        return tiler.untile(tiler.tile(image) ** 2, image.shape)

    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")
    image = torch.randn((3, 10, 11), generator=torch.Generator().manual_seed(1))
    grads = [
        torch.autograd.grad(body(leaf).square().sum(), leaf)[0]
        for body in (call, compiled)
        for leaf in [image.clone().requires_grad_()]
    ]
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-6, atol=1e-6)


class Net(nn.Module):
    """A model with its tiling inside."""

    def __init__(self) -> None:
        super().__init__()
        self.tiler = Tiler(8, 4, window="triangle", mode="even")
        self.conv = nn.Conv2d(3, 2, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Return maps of two channels."""
        maps: Tensor = self.conv(self.tiler.tile(image))
        return self.tiler.untile(maps, image.shape)


@pytest.mark.long
@pytest.mark.parametrize("merge", [None, "max"])
def test_derivatives_and_vmap_inside_a_graph(merge: str | None) -> None:
    tiler = Tiler((6, 5), (3, 2), pad_mode="reflect", merge=merge)
    image = torch.randn((3, 10, 11), generator=torch.Generator().manual_seed(2))
    image = image.double()

    def call(image: Tensor) -> Tensor:
        return tiler.untile(tiler.tile(image) ** 2, image.shape)

    def gradient(image: Tensor) -> Tensor:
        found: Tensor = torch.func.grad(lambda x: call(x).sin().sum())(image)
        return found

    def tangent(image: Tensor) -> Tensor:
        found: Tensor = torch.func.jvp(call, (image,), (image + 1,))[1]
        return found

    def mapped(image: Tensor) -> Tensor:
        found: Tensor = torch.func.vmap(call)(image)
        return found

    for body in (gradient, tangent, mapped):
        compiled = torch.compile(body, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled(image), body(image))


def test_a_module_that_tiles() -> None:
    net = Net().eval()
    with torch.no_grad():
        check(net, noise(2, 3, 18, 21))
