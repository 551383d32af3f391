"""torch.export: a graph of fixed sizes, to the bits of eager mode."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reftiler import TilingError
from reftiler.grid import Grid
from reftiler.torch import Tiler
from reftiler_conformance.compare import same_bits
from tests.strategies import MODES, WINDOWS
from tests.tensors import array

# torch's own use of what it deprecates
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit"),
    # torch 2.4 tells what it does with an operator that newer versions keep in silence
    pytest.mark.filterwarnings("ignore:.*CompositeImplicitAutograd"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node"),
    pytest.mark.filterwarnings("ignore:You are using `torch.load`"),
]


class There(nn.Module):
    """A module that cuts and merges, with a plain layer in between."""

    def __init__(self, tiler: Tiler, grid: Grid | None = None) -> None:
        super().__init__()
        self.tiler, self.grid = tiler, grid

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the tiles, and what they are merged to."""
        tiles = self.tiler.tile(image, grid=self.grid)
        return tiles, self.tiler.untile(tiles * 3 - 1, image.shape, self.grid)


class Back(nn.Module):
    """A module that merges."""

    def __init__(self, tiler: Tiler, shape: tuple[int, ...], **settings: Any) -> None:
        super().__init__()
        self.tiler, self.shape, self.settings = tiler, shape, settings

    def forward(self, tiles: Tensor) -> tuple[Tensor]:
        """Return the merged image."""
        return (self.tiler.untile(tiles, self.shape, **self.settings),)


def check(module: nn.Module, given: Tensor, *, strict: bool) -> None:
    """Fail unless a module gives the same bits when it is exported."""
    program = torch.export.export(module, (given,), strict=strict)
    same(program.module()(given), module(given))


def same(got: tuple[Tensor, ...], want: tuple[Tensor, ...]) -> None:
    """Fail unless results have the same bits."""
    for one, other in zip(got, want, strict=True):
        same_bits(array(one), array(other), nan="any")


def noise(*shape: int) -> Tensor:
    """Return numbers, a few of them odd."""
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(9))
    numbers.flatten()[::37] = -0.0
    numbers.flatten()[5] = torch.nan
    return numbers


STRICT = [True, False]


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
def test_every_mode(mode: str) -> None:
    tiler = Tiler((6, 5), (3, 2), mode=mode, window="hann", pad_mode="wrap", fill=7)
    check(There(tiler), noise(2, 3, 10, 11), strict=mode == "padding")


def test_saved_and_loaded() -> None:
    module, image = There(Tiler((6, 5), (3, 2))), noise(2, 3, 10, 11)
    file = io.BytesIO()
    torch.export.save(torch.export.export(module, (image,)), file)
    file.seek(0)
    same(torch.export.load(file).module()(image), module(image))


@pytest.mark.long
@pytest.mark.parametrize("strict", STRICT)
def test_scattered_grids(strict: bool) -> None:
    tiler = Tiler(4, window="triangle", fill=0.5)
    grid = tiler.random((10, 11), 6, 1)
    check(There(tiler, grid), noise(3, 10, 11), strict=strict)


@pytest.mark.long
@pytest.mark.parametrize("window", WINDOWS)
def test_scales_and_types(window: str) -> None:
    tiler, strict = Tiler(4, 2, window=window), window == "box"
    scale, dtype = (2, Fraction(1, 2)), torch.bfloat16
    check(
        Back(tiler, (10, 11), scale=scale, dtype=dtype), noise(20, 8, 2), strict=strict
    )


@pytest.mark.long
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_extremes_and_integers(dtype: torch.dtype) -> None:
    tiles = (torch.arange(20 * 16).reshape(20, 4, 4) % 251).to(dtype)
    tiler = Tiler(4, 2, merge="max")
    check(Back(tiler, (10, 11)), tiles, strict=dtype == torch.bool)
    if dtype == torch.uint8:
        check(Back(Tiler(4, 2), (10, 11)), tiles, strict=True)


@pytest.mark.long
@pytest.mark.parametrize("strict", STRICT)
def test_a_nan_in_an_exported_graph_is_an_error(strict: bool) -> None:
    module = Back(Tiler(4), (8, 8), dtype=torch.uint8)
    tiles = torch.full((4, 4, 4), 2.5)
    program = torch.export.export(module, (tiles,), strict=strict).module()
    assert program(tiles)[0].tolist() == [[2] * 8] * 8
    # A strict graph holds the operator, which raises what eager mode does.
    with pytest.raises(TilingError if strict else RuntimeError, match="NaN"):
        program(torch.full((4, 4, 4), torch.nan))


def test_the_graph_holds_no_settings_of_the_host() -> None:
    """Only operators of torch's own set: any runtime can run them."""
    program = torch.export.export(
        There(Tiler((6, 5), (3, 2), window="hann")), (noise(3, 10, 11),), strict=False
    )
    calls = [n.target for n in program.graph.nodes if n.op == "call_function"]
    assert calls
    assert all(str(target).startswith("aten.") for target in calls)
