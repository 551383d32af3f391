"""The numba body of merging: every bit as the reference and the definition have it."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
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
from reftiler.plan import UntilePlan, plan_untile
from reftiler.torch.dtypes import KNOWN, dtype_name
from reftiler_conformance import oracle
from reftiler_conformance.compare import same_bits
from reftiler_conformance.oracle import NanError
from tests.cases import MergeCase
from tests.strategies import merges
from tests.tensors import array, dtype_of, tensor

pytest.importorskip("numba", reason="needs numba")
kernel_cpu: Any = pytest.importorskip("reftiler.torch.kernel_cpu")

Array = np.ndarray[Any, Any]
INTEGERS = ("uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "uint64")
# Each pair of dtypes is compiled by itself, which takes a second or two.
PAIRS = (
    *((same, same) for same in ("bool", *INTEGERS, "float32", "float64")),
    ("uint8", "float32"),
    ("float32", "uint8"),
    ("float64", "float32"),
    ("float64", "int64"),
    ("float64", "uint64"),
    ("int64", "float32"),
    ("uint64", "int8"),
    ("bool", "float32"),
)


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


def call_of(
    tiler: reftiler.Tiler, tiles: Tensor, shape: Any, target: torch.dtype, **more: Any
) -> UntilePlan:
    return plan_untile(
        tiler,
        tiles.shape,
        dtype_name(tiles.dtype),
        shape,
        more.get("grid"),
        more.get("scale"),
        dtype_name(target),
        KNOWN,
    )


def merged(
    tiler: reftiler.Tiler,
    tiles: Tensor,
    shape: Any,
    target: torch.dtype | None = None,
    out: Tensor | None = None,
    **more: Any,
) -> Tensor:
    """Merge with the kernel, and no other body."""
    target = target or tiles.dtype
    call = call_of(tiler, tiles, shape, target, **more)
    if out is None:
        out = torch.empty(call.result.shape, dtype=target)
    kernel_cpu.merge(tiles, call, out)
    return out


def agrees(
    tiler: reftiler.Tiler, tiles: Array, shape: Any, target: str = "", **more: Any
) -> None:
    """Fail unless the kernel makes what the reference makes, or refuses as it does."""
    goal = np.dtype(target or tiles.dtype)
    try:
        want = tiler.untile(tiles, shape, dtype=goal, **more)
    except TilingError:
        with pytest.raises(TilingError, match="NaN"):
            merged(tiler, tensor(tiles), shape, dtype_of(goal.name), **more)
        return
    got = merged(tiler, tensor(tiles), shape, dtype_of(goal.name), **more)
    same_bits(array(got), want, nan="any")


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_kind_of_merge_of_a_dtype(source: str, target: str) -> None:
    size = (23, 31)
    others = ("max", "min", "first", "last", "center")
    kinds: list[dict[str, Any]] = [{"merge": merge} for merge in others]
    if source != "bool":
        kinds += [{}, {"window": "hann"}]
    for settings in kinds:
        for stride in ((8, 8), (4, 4), (3, 5)):
            tiler = reftiler.Tiler((8, 8), stride, **settings)
            shape = (len(tiler.grid(size)), 2, 8, 8)
            agrees(tiler, values(shape, source), (2, *size), target)


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


LABELS = ("bool", "uint8", "int16", "uint32", "int64", "uint64")


@pytest.mark.parametrize("dtype", LABELS)
@pytest.mark.parametrize("window", ["box", "hann", CUSTOM])
def test_votes(window: Any, dtype: str) -> None:
    rng = np.random.default_rng(0)
    for mode in ("padding", "interpolation", "drop"):
        tiler = reftiler.Tiler(
            (6, 4), (3, 2), mode=mode, window=window, merge="vote", fill=1
        )
        shape = (len(tiler.grid((19, 23))), 2, 6, 4)
        tiles = rng.integers(0, 3, shape).astype(dtype)
        agrees(tiler, tiles, (2, 19, 23))
        if dtype in ("uint8", "int16"):
            agrees(tiler, tiles, (2, 19, 23), "int32")
            agrees(tiler, tiles, (2, 19, 23), "float32")
    tiler = reftiler.Tiler((6, 4), merge="vote", window=window, fill=1)
    grid = tiler.random((15, 17), 40, 1)
    agrees(tiler, rng.integers(0, 3, (40, 6, 4)).astype(dtype), (15, 17), grid=grid)


@pytest.mark.parametrize("window", ["box", "hann"])
def test_means_without_nan(window: str) -> None:
    for mode in ("padding", "interpolation", "drop"):
        tiler = reftiler.Tiler(
            (6, 4), (3, 2), mode=mode, window=window, nan="omit", fill=1
        )
        for grid in (tiler.grid((19, 23)), tiler.random((19, 23), 30, 1)):
            tiles = values((len(grid), 2, 6, 4), "float32").copy()
            tiles[np.random.default_rng(0).random(tiles.shape) < 0.5] = np.nan
            agrees(tiler, tiles, (2, 19, 23), grid=grid)
            agrees(tiler, tiles, (2, 19, 23), "int16", grid=grid)


def test_votes_of_more_tiles_than_a_byte_counts() -> None:
    tiler = reftiler.Tiler((20, 20), (1, 1), merge="vote")
    shape = (len(tiler.grid((40, 44))), 20, 20)
    tiles = np.random.default_rng(0).integers(0, 2, shape, np.uint8)
    agrees(tiler, tiles, (40, 44))


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"window": "hann"},
        {"merge": "max"},
        {"merge": "first"},
        {"merge": "last"},
        {"merge": "center"},
        {"remove_border_count": 1},
    ],
)
def test_scattered_tiles(settings: dict[str, Any], dtype: str) -> None:
    tiler = reftiler.Tiler((6, 5), (3, 3), fill=9, **settings)
    starts = [(0, 0), (14, 12), (3, 4), (3, 4), (2, 5), (14, 0), (9, 9)]
    grid = tiler.scatter((20, 17), starts)
    agrees(tiler, values((14, 3, 6, 5), dtype), (2, 3, 20, 17), grid=grid)
    scaled = values((7, 12, 10), dtype)
    agrees(tiler, scaled, (20, 17), grid=grid, scale=Fraction(2))


@pytest.mark.parametrize("scale", [(1, 2), (2, 2), (Fraction(1, 2), 1)])
def test_scales(scale: tuple[Any, ...]) -> None:
    tiler = reftiler.Tiler((8, 6), (4, 2), remove_border_count=(2, 2), fill=0)
    side = [int(t * s) for t, s in zip((8, 6), scale, strict=True)]
    tiles = values((len(tiler.grid((21, 13))), *side), "float32")
    agrees(tiler, tiles, (21, 13), scale=scale)


@given(merges(dtypes=("float32",), convert=False))
def test_floats_are_the_definitions(merge: MergeCase) -> None:
    is_the_definitions(merge)


@given(merges(dtypes=("uint8", "int64"), convert=False))
def test_integers_are_the_definitions(merge: MergeCase) -> None:
    is_the_definitions(merge)


def is_the_definitions(merge: MergeCase) -> None:
    case = merge.case
    tiler = case.tiler(reftiler.Tiler)
    try:
        want = oracle.untile(case.oracle_grid, merge.tiles(), case.shape, merge.scales)
    except NanError:
        pytest.fail("tiles and result have one dtype")
    more = {"grid": case.grid(tiler), **merge.scale_argument()}
    got = merged(tiler, tensor(merge.tiles()), case.shape, **more)
    same_bits(array(got), want, nan="any")


def test_what_saturates_and_what_is_copied() -> None:
    twice = reftiler.Tiler([1])
    grid = twice.scatter([1], [[0], [0]])
    for dtype in (np.int64, np.uint64):
        most, least = np.iinfo(dtype).max, np.iinfo(dtype).min
        for value in (most, least, 2**53 + 1):
            tiles = np.array([[value], [value]], dtype)
            agrees(twice, tiles, (1,), grid=grid)
            got = merged(twice, tensor(tiles[:1]), (1,))
            assert array(got).tolist() == [value]
    zeros = np.array([[-0.0], [-0.0]], np.float32)
    assert np.signbit(array(merged(twice, tensor(zeros), (1,), grid=grid))).all()


def test_nan_cannot_be_an_integer() -> None:
    tiler = reftiler.Tiler((4, 4), (2, 2))
    tiles = torch.zeros((9, 4, 4))
    tiles[4, 1, 1] = tiles[0, 0, 0] = torch.nan
    kinds: list[dict[str, Any]] = [{}, {"merge": "max"}, {"window": "hann"}]
    for settings in kinds:
        tiler = reftiler.Tiler((4, 4), (2, 2), **settings)
        with pytest.raises(TilingError, match="NaN, which uint8"):
            merged(tiler, tiles, (8, 8), torch.uint8)
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

    def __init__(self, tiler: reftiler.Tiler, tiles: Tensor) -> None:
        self.tiler, self.tiles = tiler, tiles

    def __len__(self) -> int:
        return 4

    def __getitem__(self, number: int) -> Tensor:
        return merged(self.tiler, self.tiles + number, (3, 512, 512))


def some_merges() -> Merges:
    tiler = reftiler.Tiler((64, 64), (32, 32))
    return Merges(tiler, torch.from_numpy(values((225, 3, 64, 64), "float32")))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork, where it warns
def test_in_forked_workers() -> None:
    data = some_merges()
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
    data = some_merges()
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
            some_merges()[0]
    finally:
        torch.set_num_threads(before)
    assert asked == [1, 3]


def test_what_it_does_not_take() -> None:
    for dtype in (torch.float16, torch.bfloat16):
        call = call_of(
            reftiler.Tiler([4]), torch.zeros((2, 4), dtype=dtype), (8,), dtype
        )
        assert not kernel_cpu.supports(call, dtype, dtype)
        assert kernel_cpu.supports(call, torch.float32, torch.float64)
    deep, tiles = reftiler.Tiler((2, 2, 2, 2)), torch.zeros((1, 2, 2, 2, 2))
    call = call_of(deep, tiles, (2, 2, 2, 2), tiles.dtype)
    assert not kernel_cpu.supports(call, tiles.dtype, tiles.dtype)


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
