"""The same bits on a GPU. Where there is none, nothing here is verified."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from reftiler import TilingError
from reftiler.torch import Tiler
from reftiler_conformance import oracle
from reftiler_conformance.compare import same_bits
from reftiler_conformance.oracle.tiling import has_view
from tests.backends import tile_agrees, untile_agrees
from tests.cases import Case, MergeCase
from tests.corners import EVERY_KIND, into_every_dtype, short_floats
from tests.stores import Store
from tests.strategies import NUMBERS, cases, merges
from tests.tensors import BACKENDS, array, cut_by, merge_by, on, tensor, tilers
from tests.test_torch_kernel_cuda import DTYPES, KERNELS, kernel_cuda, needs_triton

DEVICE = "cuda"
GPU = {body: on(backend, DEVICE) for body, backend in BACKENDS.items()}
BY_KERNEL = on(KERNELS, DEVICE)
BODIES = [*GPU, pytest.param("kernel", marks=needs_triton)]
GPU["kernel"] = BY_KERNEL

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(
        not torch.cuda.is_available(),
        reason="needs CUDA: these results are unverified here",
    ),
]


@pytest.mark.parametrize("body", BODIES)
@settings(max_examples=500)
@given(case=cases(dtypes=(*NUMBERS, "bfloat16")))
def test_tile(body: str, case: Case) -> None:
    tile_agrees(GPU[body], case)


@settings(max_examples=100)
@given(cases(dtypes=NUMBERS, scatter=False))
def test_view(case: Case) -> None:
    if has_view(case.oracle_grid):
        seen = case.tiler(Tiler).view(tensor(case.image()).to(DEVICE))
        assert seen.device.type == DEVICE
        want = oracle.view(case.oracle_grid, case.image())
        same_bits(array(seen).copy(), want)


@pytest.mark.parametrize("body", BODIES)
@settings(max_examples=200)  # each kind of merge is compiled once
@given(merge=merges(dtypes=(*NUMBERS, "bfloat16"), goals=(*NUMBERS, "bfloat16")))
def test_untile(body: str, merge: MergeCase) -> None:
    untile_agrees(GPU[body], merge)


@pytest.mark.parametrize("body", BODIES)
def test_one_rounding_to_a_half(body: str) -> None:
    for merge in short_floats():
        untile_agrees(GPU[body], merge)


@settings(max_examples=300)
@given(merges(scaled=False, convert=False))
def test_apply_with_everything_on_the_device(merge: MergeCase) -> None:
    case, (reference, tiler) = merge.case, tilers(merge.case)
    grid, image = case.grid(tiler), case.image()
    want = reference.untile(reference.tile(image, grid=grid), case.shape, grid)
    here = tensor(image).to(DEVICE)
    got = tiler.apply(lambda t: t, here, batch_size=3, grid=grid)
    assert got.device.type == DEVICE
    same_bits(array(got), want, nan="any")


class Half(nn.Module):
    """A module on the device; what it makes is exact."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(0.5))

    def forward(self, tiles: torch.Tensor) -> torch.Tensor:
        assert tiles.device.type == self.factor.device.type
        return tiles * self.factor


def test_apply_moves_batches_to_the_module_and_results_back() -> None:
    image = torch.randn((2, 3, 70, 61), generator=torch.Generator().manual_seed(1))
    tiler, model = Tiler(16, 8, window="hann"), Half().to(DEVICE)
    with torch.inference_mode():
        got = tiler.apply(model, image, batch_size=5)
    assert got.device.type == "cpu"
    same_bits(array(got), array(tiler.untile(tiler.tile(image) / 2, image.shape)))
    learned = tiler.apply(model, image)
    (found,) = torch.autograd.grad(learned.sum(), [model.factor])
    assert found.device.type == DEVICE
    torch.testing.assert_close(found.cpu(), image.sum(), rtol=1e-3, atol=1e-2)


def test_apply_on_the_device_holds_a_batch_and_a_row() -> None:
    tiler, conv = Tiler(256, 128), nn.Conv2d(3, 3, 3, padding=1).to(DEVICE)
    batch = torch.zeros((16, 3, 256, 256), device=DEVICE)

    def peak(call: Any) -> int:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        return torch.cuda.max_memory_allocated() - before

    with torch.inference_mode():
        conv(batch)  # cuDNN's workspace comes once
        one = batch.nbytes + peak(lambda: conv(batch))
        image = torch.zeros((1, 3, 4096, 4096), device=DEVICE)
        row = tiler.grid((4096, 4096)).shape[1] * batch[0].nbytes
        held = peak(lambda: tiler.apply(conv, image)) - image.nbytes
    assert held <= 1.5 * (one + row)


def test_devices_are_not_mixed() -> None:
    image, tiles = torch.zeros((8, 8), device=DEVICE), torch.zeros((4, 4, 4))
    with pytest.raises(TilingError, match=r"out is on cpu.*cuda"):
        Tiler(4).tile(image, out=tiles)
    with pytest.raises(TilingError, match=r"out is on cuda.*cpu"):
        Tiler(4).untile(tiles, (8, 8), out=image)


@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize("window", ["box", "hann"])
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compiled(window: str, backend: str) -> None:
    tiler = Tiler((6, 5), (3, 2), window=window, pad_mode="reflect")

    def call(image: torch.Tensor) -> torch.Tensor:
        return tiler.untile(tiler.tile(image), image.shape, dtype=torch.bfloat16)

    image = torch.randn((3, 40, 41), device=DEVICE)
    got = torch.compile(call, fullgraph=True, backend=backend)(image)
    want = call(image.cpu())
    if backend == "inductor" and window != "box":
        # Triton may make one operation of a product and its addition.
        torch.testing.assert_close(got.cpu(), want)
    else:
        same_bits(array(got), array(want))


def test_a_store_is_read_on_the_host_and_the_model_runs_on_the_gpu() -> None:
    tiler = Tiler(32, 20, window="hann")
    image = np.random.default_rng(0).random((3, 90, 70), dtype=np.float32)
    network = nn.Conv2d(3, 2, 3, padding=1).to(DEVICE)
    want = tiler.apply(network, torch.from_numpy(image).to(DEVICE), batch_size=5)
    got = tiler.apply(network, Store(image), batch_size=5)
    assert got.device.type == "cpu"
    same_bits(array(got), array(want.detach().cpu()))


# --- the Triton kernels, asked themselves ---------------------------------------------


@needs_triton
@pytest.mark.parametrize("number", range(len(EVERY_KIND)))
def test_every_kind_of_merge_by_the_kernel(number: int) -> None:
    untile_agrees(BY_KERNEL, EVERY_KIND[number])


@needs_triton
@pytest.mark.parametrize("source", DTYPES)
def test_pairs_of_dtypes_by_the_kernel(source: str) -> None:
    """All there are would take minutes to compile."""
    every = source in {"bool", "float32", "float64", "int64", "bfloat16"}
    for merge in into_every_dtype(source):
        if every or merge.result in {source, "float32", "float16"}:
            untile_agrees(BY_KERNEL, merge)


@needs_triton
@pytest.mark.parametrize("last", [False, True])
def test_the_kernels_on_more_than_2_to_31_elements(last: bool) -> None:
    """A round trip gives every pixel back, since all tiles agree on it."""
    if torch.cuda.mem_get_info()[0] < 14 * 2**30:
        pytest.skip("needs CUDA with 14 GiB of free memory")
    size = (26_800, 26_801)
    shape = (*size, 3) if last else (3, *size)
    image = torch.randint(0, 256, shape, dtype=torch.uint8, device=DEVICE)
    tiler = Tiler(512, 448, window="hann", channels_last=last)
    tiles = cut_by(kernel_cuda, tiler, image)
    assert tiles.numel() > image.numel() > 2**31
    assert torch.equal(merge_by(kernel_cuda, tiler, tiles, shape), image)
