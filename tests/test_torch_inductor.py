"""torch.compile with inductor: C++ of its own making, to the bits of eager mode."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from reftiler.torch import Tiler
from tests.corners import HALVES, beside_ties
from tests.tensors import dtype_of, some
from tests.test_torch_compile import check, noise

# torch's own use of what it deprecates
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore:.*torch.jit")]


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Keep no graph from one test to the next."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def need_a_compiler() -> None:
    """Skip where inductor could not even begin."""
    if not any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
        pytest.skip("needs a C++ compiler: apt-get install g++")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("needs Python.h: apt-get install python3-dev")


FLOATS = (torch.bfloat16, torch.float64, torch.float32, torch.float16)


@pytest.mark.parametrize("window", some(("hann", "box", "triangle", "gaussian"), 1))
def test_inductor_in_every_float(window: str) -> None:
    need_a_compiler()
    tiler = Tiler((6, 5), (3, 2), window=window)

    def call(tiles: Tensor) -> tuple[Tensor, ...]:
        merged = [tiler.untile(tiles.to(d), (14, 13)) for d in some(FLOATS, 2)]
        return tiler.tile(tiles[0]), *merged

    check(call, noise(20, 2, 6, 5).double(), backend="inductor")


@pytest.mark.parametrize(
    "name", some(("uint64", "uint8", "uint16", "uint32", "int64"), 1)
)
def test_inductor_in_integers(name: str) -> None:
    need_a_compiler()
    dtype, scattered = dtype_of(name), Tiler(4, fill=1)
    grid = scattered.random((10, 11), 6, 3)
    tiler, most = Tiler((6, 5), (3, 2)), Tiler((6, 5), (3, 2), merge="max")
    gaps = Tiler((6, 5), mode="drop", fill=7, window="hann")

    def call(tiles: Tensor) -> tuple[Tensor, ...]:
        return (
            tiler.tile(tiles[0, :, :4]),
            scattered.untile(tiles[:6, 0, 1:5, :4], (10, 11), grid),
            tiler.untile(tiles, (14, 13)),
            most.untile(tiles, (14, 13)),
            gaps.untile(tiles[:4], (14, 13)),
            tiler.untile(tiles.double() * 1e16, (14, 13), dtype=dtype),
        )

    numbers = noise(20, 2, 6, 5).nan_to_num(0, 9, -9) * 1e6
    check(call, numbers.long().to(dtype), backend="inductor")


@pytest.mark.parametrize("name", some(HALVES[::-1], 1))
def test_inductor_rounds_to_a_half_once(name: str) -> None:
    need_a_compiler()
    values = torch.tensor(beside_ties(name), dtype=torch.float64)
    alone, both = Tiler([1]), Tiler([2], 1)
    count, dtype = len(values), dtype_of(name)

    def call(values: Tensor) -> tuple[Tensor, Tensor]:
        pairs = values[:, None].expand(-1, 2)
        return (
            alone.untile(values[:, None], [count], dtype=dtype),
            both.untile(pairs, [count + 1], dtype=dtype),
        )

    check(call, values, backend="inductor")


@pytest.mark.parametrize("merge", some(("max", "min"), 1))
def test_inductor_in_extremes(merge: str) -> None:
    need_a_compiler()
    tiler = Tiler((6, 5), (3, 2), merge=merge)
    tiles = noise(20, 2, 6, 5)
    tiles.flatten()[::5] = 0.0

    def call(tiles: Tensor) -> tuple[Tensor, ...]:
        types = some((torch.bool, *FLOATS), 2)
        return tuple(tiler.untile(tiles.to(dtype), (14, 13)) for dtype in types)

    check(call, tiles, backend="inductor")
