"""The numba body of merging: every bit as the reference and the definition have it."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor
from torch.utils.data import DataLoader

import reftiler
from reftiler import TilingError, parallel
from reftiler.plan import plan_untile
from reftiler_conformance.compare import same_bits
from tests.backends import untile_agrees
from tests.cases import MergeCase
from tests.corners import EVERY_KIND, WRITTEN, fills, into_every_dtype
from tests.strategies import merges
from tests.tensors import array, by_kernel, merge_by, tensor

pytest.importorskip("numba", reason="needs numba")
kernel_cpu: Any = pytest.importorskip("reftiler.torch.kernel_cpu")

Array = np.ndarray[Any, Any]
# Each pair of dtypes is compiled by itself, which takes a second or two.
PAIRS = {
    **{same: (same,) * 4 for same in ("int8", "uint16", "int16", "int32", "uint32")},
    "bool": ("bool", "bool", "bool", "float32"),
    "uint8": ("uint8", "uint8", "uint8", "float32"),
    "int64": ("int64", "int64", "int64", "float32"),
    "uint64": ("uint64", "uint64", "uint64", "int8"),
    "float32": ("float32", "uint8", "float32", "float32"),
    "float64": ("float64", "float32", "float64", "float64"),
}


def values(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Array:
    """Return numbers of all sizes, the odd ones included, but no NaN."""
    rng, kind = np.random.default_rng(seed), np.dtype(dtype)
    if kind.kind == "b":
        return rng.random(shape) < 0.5
    if kind.kind == "f":
        most = float(np.finfo(kind).max)
        odd = [0.0, -0.0, 0.1, -1.5, 254.5, 1e19, -3e9, most, -most, np.inf, 1e-40]
        mixed: Array = np.where(
            rng.random(shape) < 0.3, rng.choice(odd, shape), rng.random(shape) * 300
        ).astype(kind)
        return mixed
    info = np.iinfo(kind)
    pool = [info.min, info.max, info.max - 1, 0, 1, 2, 3]
    if kind.itemsize == 8:
        pool += [2**53 + 1, 2**62 + 1]
    odd_ones: Array = rng.choice(np.array(pool, dtype=kind), shape)
    any_ones = rng.integers(info.min, info.max, shape, dtype=kind, endpoint=True)
    return np.where(rng.random(shape) < 0.5, odd_ones, any_ones)


merged = partial(merge_by, kernel_cpu)


def agrees(tiler: reftiler.Tiler, tiles: Array, shape: Any) -> None:
    got = merged(tiler, tensor(tiles), shape)
    same_bits(array(got), tiler.untile(tiles, shape), nan="any")


@given(merges(dtypes=("float32", "uint8", "int64"), convert=False))
def test_merges_are_the_definitions(merge: MergeCase) -> None:
    untile_agrees(by_kernel(kernel_cpu), merge)


def test_every_kind_of_merge() -> None:
    for merge in EVERY_KIND:
        untile_agrees(by_kernel(kernel_cpu), merge)


@pytest.mark.parametrize(("source", "targets"), PAIRS.items())
def test_every_pair_of_dtypes(source: str, targets: tuple[str, ...]) -> None:
    for merge in into_every_dtype(source, targets):
        untile_agrees(by_kernel(kernel_cpu), merge)


def test_numbers_that_are_odd() -> None:
    cases: list[MergeCase] = [*WRITTEN, *fills(halves=False)]
    for merge in cases:
        taken = merge.result in (None, "uint8", "int16", "int64", "uint64")
        if taken and merge.case.dtype != "float16":
            untile_agrees(by_kernel(kernel_cpu), merge)


CUSTOM = ((1.0, 2.5, 0.1, 3.0, 1e-3, 1.0), (0.3, 1.0, 7.0, 1.0))


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize(
    ("size", "tile", "stride", "settings"),
    [
        ([50], [7], [3], {"mode": "interpolation", "window": "triangle"}),
        ([9000], [64], [37], {"remove_border_count": 5}),
        ([9001], [64], [37], {"mode": "drop", "fill": 3}),
        ((19, 22), (6, 4), (4, 3), {"mode": "interpolation"}),
        ((19, 22), (6, 4), (4, 3), {"mode": "interpolation", "merge": "max"}),
        ((19, 22), (6, 4), (4, 3), {"mode": "clamp", "window": CUSTOM}),
        ((19, 22), (6, 4), (4, 3), {"mode": "interpolation", "window": CUSTOM}),
        ((19, 22), (6, 4), (4, 3), {"mode": "even", "remove_border_count": (1, 0)}),
        ((20, 23), (6, 4), (4, 3), {"mode": "drop", "fill": 7, "window": "gaussian"}),
        ((20, 23), (6, 4), (6, 4), {"mode": "drop", "fill": 7}),
        ((20, 23), (6, 4), (1, 1), {"pad_side": "both"}),
        ((40, 50), (20, 20), (1, 1), {}),  # more tiles in a pixel than bytes allow
        ((3, 70), (5, 9), (4, 9), {"pad_side": "both"}),
        ((9, 8, 11), (4, 3, 4), (2, 3, 3), {"window": "hann"}),
        ((9, 8, 11), (4, 3, 4), (2, 3, 3), {"mode": "even", "merge": "min"}),
        ((9, 8, 11), (4, 3, 4), (4, 1, 3), {"mode": "interpolation", "fill": 1}),
    ],
)
def test_every_geometry(
    size: Any, tile: Any, stride: Any, settings: dict[str, Any], dtype: str
) -> None:
    for last in (False, True):
        tiler = reftiler.Tiler(tile, stride, channels_last=last, **settings)
        count = len(tiler.grid(size))
        for batch, channels in ((None, None), (None, 3), (2, 1), (2, 3)):
            inner = (*tile, channels) if last else (channels, *tile)
            outer = (*size, channels) if last else (channels, *size)
            tiles = (count * (batch or 1), *(inner if channels else tile))
            ahead = () if batch is None else (batch,)
            shape = (*ahead, *(outer if channels else size))
            agrees(tiler, values(tiles, dtype), shape)


def test_nan_cannot_be_an_integer() -> None:
    tiler = reftiler.Tiler((4, 4), (2, 2))
    tiles = torch.zeros((9, 4, 4))
    tiles[4, 1, 1] = tiles[0, 0, 0] = torch.nan
    kinds: list[dict[str, Any]] = [{}, {"merge": "max"}, {"window": "hann"}]
    for settings in kinds:
        tiler = reftiler.Tiler((4, 4), (2, 2), **settings)
        with pytest.raises(TilingError, match="NaN, which uint8"):
            merged(tiler, tiles, (8, 8), dtype=torch.uint8)
        want = tiler.untile(tiles.numpy(), (8, 8))
        same_bits(array(merged(tiler, tiles, (8, 8))), want, nan="any")


def test_tensors_of_any_strides() -> None:
    tiler = reftiler.Tiler((6, 5), (4, 3))
    size = (21, 17)
    count = len(tiler.grid(size))
    tiles = torch.from_numpy(values((count, 3, 6, 5), "float32"))
    want = tiler.untile(tiles.numpy(), (3, *size))
    last = tiles.contiguous(memory_format=torch.channels_last)
    wide = torch.zeros((count, 3, 12, 10)).copy_(torch.nan * torch.zeros(()))
    wide[:, :, ::2, :5] = tiles
    sparse = torch.zeros((count, 3, 6, 10))
    sparse[..., ::2] = tiles
    given = [tiles, last, wide[:, :, ::2, :5], sparse[..., ::2], tiles.flip(0).flip(0)]
    targets = [
        torch.empty((3, *size)),
        torch.empty((*size, 3)).movedim(-1, 0),
        torch.empty((6, 30, 40))[::2, 4:25, 20:37],
        torch.empty((3, 21, 34))[..., ::2],
    ]
    for each in given:
        for out in targets:
            out.fill_(torch.nan)
            merged(tiler, each, (3, *size), out=out)
            same_bits(out.contiguous().numpy(), want, nan="any")
    alike = torch.ones((1, 1, 6, 5)).expand(count, 3, 6, 5)
    assert (merged(tiler, alike, (3, *size)) == 1).all()


def test_indices_beyond_32_bits(tmp_path: Path) -> None:
    """A sparse file: only the pages of two small planes are ever touched."""
    far = 2**32 + 64
    base = torch.from_numpy(
        np.memmap(tmp_path / "sparse", np.uint8, "w+", shape=(far + 64,))
    )
    out = base.as_strided((2, 8, 8), (far, 8, 1))
    tiler = reftiler.Tiler((4, 4), (2, 2))
    tiles = torch.from_numpy(values((9, 2, 4, 4), "uint8"))
    merged(tiler, tiles, (2, 8, 8), out=out)
    want = tiler.untile(tiles.numpy(), (2, 8, 8))
    assert (out.numpy() == want).all()
    again = torch.from_numpy(values((9, 1, 4, 4), "uint8"))
    base[:144], base[far - 80 : far + 64] = again.flatten(), again.flatten()
    split = base.as_strided((9, 2, 4, 4), (16, far - 80, 4, 1))
    got = merged(tiler, split, (2, 8, 8))
    want = tiler.untile(again.expand(9, 2, 4, 4).numpy(), (2, 8, 8))
    assert (got.numpy() == want).all()


def test_no_product_is_fused_with_a_sum() -> None:
    # MERGE-004: 0.1 * 10 is 1 + 2**-54 before it is rounded to 1.
    tiles = torch.from_numpy(values((9, 16, 16), "float64"))
    tiler = reftiler.Tiler((16, 16), (8, 8), window="hann")
    body = kernel_cpu.kernel_loops.merge_blocks
    fresh: Any = kernel_cpu._loops(body, cache=False)  # a cache has no text
    with patch.object(kernel_cpu, "_loops", lambda body, cache: fresh):
        merged(tiler, tiles, (32, 32))
    found = fresh.inspect_asm()
    texts = [text for text in found.values() if text]
    assert texts
    assert not any(re.search("fn?m(add|sub)|fml[as]", text) for text in texts)


class Merges:
    """A data set whose items are merged where they are asked for."""

    tiles = torch.from_numpy(values((225, 3, 64, 64), "float32"))

    def __len__(self) -> int:
        return 4

    def __getitem__(self, number: int) -> Tensor:
        return merged(reftiler.Tiler(64, 32), self.tiles + number, (3, 512, 512))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork, where it warns
def test_in_forked_workers() -> None:
    data = Merges()
    want = [data[number] for number in range(len(data))]
    context = "fork" if sys.platform == "linux" else None
    loader: Any = DataLoader(
        data,  # type: ignore[arg-type]
        batch_size=None,
        num_workers=2,
        multiprocessing_context=context,
    )
    for got, expected in zip(loader, want, strict=True):
        assert torch.equal(got.view(torch.int32), expected.view(torch.int32))


def test_from_several_threads_at_once() -> None:
    data = Merges()
    want = data[0]
    with ThreadPoolExecutor(6) as pool:
        for got in pool.map(data.__getitem__, [0] * 24):
            assert torch.equal(got.view(torch.int32), want.view(torch.int32))


def test_as_many_threads_as_torch_has(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int | None] = []
    real = parallel.parallel_for

    def noted(work: Any, items: Any, threads: int | None = None) -> None:
        asked.append(threads)
        real(work, items, threads)

    monkeypatch.setattr(kernel_cpu, "parallel_for", noted)
    before = torch.get_num_threads()
    try:
        for number in (1, 3):
            torch.set_num_threads(number)
            Merges()[0]
    finally:
        torch.set_num_threads(before)
    assert asked == [1, 3]


def test_what_it_does_not_take() -> None:
    one, deep = reftiler.Tiler([4]), reftiler.Tiler((2, 2, 2, 2))
    call = plan_untile(one, (2, 4), "float32", (8,), None, None, "float32")
    for dtype in (torch.float16, torch.bfloat16):
        assert not kernel_cpu.supports(call, dtype, dtype)
    assert kernel_cpu.supports(call, torch.float32, torch.float64)
    size = (2, 2, 2, 2)
    call = plan_untile(deep, (1, *size), "float32", size, None, None, "float32")
    assert not kernel_cpu.supports(call, torch.float32, torch.float32)


@pytest.fixture
def _afresh() -> Any:
    """As in a process that has not merged yet; and back."""
    kernel_cpu._loops.cache_clear()
    yield
    kernel_cpu._loops.cache_clear()


@pytest.mark.usefixtures("_afresh")
@pytest.mark.parametrize("fault", [RuntimeError("no locator"), OSError("disk full")])
def test_a_cache_that_cannot_be_written_is_no_error(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    real, asked = kernel_cpu.njit, []

    def njit(*, cache: bool = False, **options: Any) -> Any:
        asked.append(cache)
        if cache and isinstance(fault, RuntimeError):
            raise fault
        kernel = real(**options)

        def decorated(function: Any) -> Any:
            def fail(*_: Any) -> Any:
                raise fault

            return fail if cache else kernel(function)

        return decorated

    monkeypatch.setattr(kernel_cpu, "njit", njit)
    assert merged(reftiler.Tiler([4]), torch.ones((2, 4)), (8,)).tolist() == [1] * 8
    assert asked == [True, False]


def test_scores_of_classes_that_lie_class_by_class() -> None:
    """Tiles of one pixel fit any order of their axes; the image does not."""
    tiler = reftiler.Tiler(16, channels_last=True)
    scores = torch.from_numpy(values((8, 36), "float32")).T.reshape(36, 1, 1, 8)
    assert not scores.is_contiguous()
    got = merged(tiler, scores, (96, 96, 3))
    same_bits(got.numpy(), scores.reshape(6, 6, 8).contiguous().numpy())


def test_tiles_whose_values_are_negated_when_they_are_read() -> None:
    tiles = torch._neg_view(torch.from_numpy(values((9, 16, 16), "float32")))
    got = merged(reftiler.Tiler(16, 8), tiles, (32, 32))
    want = reftiler.Tiler(16, 8).untile(tiles.resolve_neg().numpy(), (32, 32))
    same_bits(got.numpy(), want)
