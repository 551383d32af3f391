"""Devices without float64: refused, unless somebody said that float32 will do.

No such device is here. The CPU plays one for the numbers, "meta" for where they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from reftiler import TilingError
from reftiler.torch import Tiler, dtypes, float32_sums
from reftiler_conformance.compare import same_bits
from tests.cases import MergeCase
from tests.strategies import WINDOWS, cases, merges
from tests.tensors import BODIES, array, dtype_of, in_body, tensor, tilers

INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "uint64")


@contextmanager
def poor(*devices: str) -> Iterator[None]:
    """Let devices pass for ones without float64."""
    with patch.object(dtypes, "_NO_FLOAT64", devices):
        yield


def test_the_device_that_lacks_float64_is_known() -> None:
    assert dtypes.accumulator_dtype(torch.device("cpu")) == torch.float64
    assert dtypes.accumulator_dtype(torch.device("cuda")) == torch.float64
    with pytest.raises(TilingError, match="mps"):
        dtypes.accumulator_dtype(torch.device("mps"))


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("window", WINDOWS)
def test_means_are_refused_without_leave(body: str, window: str) -> None:
    tiler, tiles = Tiler(4, 2, window=window), torch.ones((9, 4, 4))
    with poor("cpu"):
        for dtype in (torch.float32, torch.uint8, torch.float16):
            with pytest.raises(TilingError, match=r"cpu has no float64.*float32_sums"):
                in_body(body, lambda: tiler.untile(tiles, (8, 8), dtype=dtype))  # noqa: B023
        with pytest.raises(TilingError, match="float32_sums"):
            tiler.apply(lambda t: t, torch.ones((8, 8)))


def test_leave_ends_with_its_context() -> None:
    tiler, tiles = Tiler(4, 2), torch.ones((9, 4, 4))
    with poor("cpu"):
        with float32_sums():
            with float32_sums():
                assert tiler.untile(tiles, (8, 8)).sum() == 64
            assert tiler.untile(tiles, (8, 8)).sum() == 64
        with pytest.raises(TilingError, match="float64"):
            tiler.untile(tiles, (8, 8))
        with pytest.raises(KeyError), float32_sums():
            raise KeyError
        with pytest.raises(TilingError, match="float64"):
            tiler.untile(tiles, (8, 8))


@given(cases())
def test_cutting_needs_no_sums(case: Any) -> None:
    reference, tiler = tilers(case)
    grid = case.grid(reference)
    want = reference.tile(case.image(), grid=grid)
    with poor("cpu"):
        for body in BODIES:
            got = in_body(body, lambda: tiler.tile(tensor(case.image()), grid=grid))
            same_bits(array(got), want)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("merge", ["max", "min"])
def test_extremes_need_no_sums(body: str, merge: str) -> None:
    tiler = Tiler(4, 2, merge=merge)
    tiles = torch.randn((9, 4, 4), generator=torch.Generator().manual_seed(1))
    want = tiler.untile(tiles, (8, 8))
    with poor("cpu"):
        same_bits(
            array(in_body(body, lambda: tiler.untile(tiles, (8, 8)))), array(want)
        )
        with pytest.raises(TilingError, match="float64"):
            in_body(body, lambda: tiler.untile(tiles, (8, 8), dtype=torch.float16))


@given(merges(convert=False))
def test_other_devices_are_not_affected(merge: MergeCase) -> None:
    case = merge.case
    reference, tiler = tilers(case)
    grid, settings = case.grid(reference), dict(merge.scale_argument())
    want = reference.untile(merge.tiles(), case.shape, grid, **settings)
    with poor("mps"), float32_sums():
        got = tiler.untile(tensor(merge.tiles()), case.shape, grid, **settings)
    same_bits(array(got), want, nan="any")


@given(merges(dtypes=("uint8", "int16", "float16", "float32"), convert=False))
def test_float32_means_are_near(merge: MergeCase) -> None:
    case = merge.case
    reference, tiler = tilers(case)
    grid, scale = case.grid(reference), dict(merge.scale_argument())
    with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
        tiles = merge.tiles().astype(np.float64)
    tiles = np.nan_to_num(tiles, posinf=9, neginf=-9)
    low = np.clip(tiles, -1e4, 1e4).astype(merge.tiles().dtype)
    want = reference.untile(low, case.shape, grid, **scale).astype(np.float64)
    with poor("cpu"), float32_sums():
        for body in BODIES:
            got = in_body(
                body, lambda: tiler.untile(tensor(low), case.shape, grid, **scale)
            )
            found = array(got).astype(np.float64)
            atol = 1.0 if low.dtype.kind in "iu" else 0.05
            np.testing.assert_allclose(found, want, rtol=2e-3, atol=atol)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("name", INTEGERS)
def test_integers_saturate_in_float32_too(body: str, name: str) -> None:
    dtype = dtype_of(name)
    limits = torch.iinfo(dtype)
    far = torch.full((9, 4, 4), 1e30)
    cases = [
        (torch.full_like(far, n, dtype=dtype), n) for n in (limits.min, limits.max)
    ]
    with poor("cpu"), float32_sums():
        for tiles, value in (*cases, (far, limits.max), (-far, limits.min)):
            untile = partial(Tiler(4, 2).untile, tiles, (8, 8), dtype=dtype)
            assert set(in_body(body, untile).flatten().tolist()) == {value}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", ["int32", "uint32", "int64", "float32"])
def test_lone_pixels_are_copied_all_the_same(body: str, window: str, name: str) -> None:
    values = torch.tensor([16777217, 33554433, 7, 2**31 - 1]).to(dtype_of(name))
    tiles = values.repeat(3, 1)
    with poor("cpu"), float32_sums():
        for stride, size, alone in ((None, 12, 12), (3, 10, 3)):
            tiler = Tiler([4], stride, window=window)
            got = in_body(body, partial(tiler.untile, tiles, [size]))
            assert torch.equal(got[:alone], values.repeat(3)[:alone])
            applied = tiler.apply(lambda t: t, got)
            assert torch.equal(applied[:alone], got[:alone])


class NoFloat64(TorchDispatchMode):
    """Fails as soon as a float64 tensor is made on a device that has none."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and leaf.is_meta:
                assert leaf.dtype != torch.float64
        return result


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("window", WINDOWS)
def test_no_float64_reaches_the_device(body: str, window: str) -> None:
    tiler = Tiler(4, 2, window=window, mode="drop", fill=0.5)
    grid = tiler.random((9, 9), 5, 1)
    image = torch.zeros((3, 9, 9), device="meta")
    with poor("meta"), float32_sums(), NoFloat64():
        for dtype in (torch.float32, torch.float16):
            for plan in (None, grid):
                tiles = in_body(body, lambda: tiler.tile(image, grid=plan))  # noqa: B023
                in_body(
                    body,
                    lambda: tiler.untile(tiles, image.shape, plan, dtype=dtype),  # noqa: B023
                )
                tiler.apply(lambda t: t, image, grid=plan, dtype=dtype)
    with poor("meta"), NoFloat64(), pytest.raises(AssertionError):
        torch.zeros(1, dtype=torch.float64, device="meta")
