"""The Triton kernels without a GPU: in Triton's interpreter, and what PTX they become.

The interpreter must be chosen before Triton is imported, so that this module runs
itself once more in a process of its own.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

import reftiler
from reftiler.plan import plan_tile, plan_untile
from reftiler.torch import Tiler
from reftiler_conformance.compare import same_bits
from reftiler_conformance.oracle import Settings
from tests.backends import tile_agrees, untile_agrees
from tests.cases import Case, MergeCase
from tests.corners import EVERY_KIND, WEIGHTS, into_every_dtype, short_floats
from tests.strategies import NUMBERS, PAD_MODES, cases, merges
from tests.tensors import array, by_kernel, cut_by, dtype_of, merge_by, tensor

kernel_cuda: Any = None
if importlib.util.find_spec("triton") is not None:
    kernel_cuda = importlib.import_module("reftiler.torch.kernel_cuda")
needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="needs triton"
)

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
ROOT = Path(__file__).resolve().parents[1]
DTYPES = (*NUMBERS, "bfloat16")

KERNELS = by_kernel(kernel_cuda)
kernel_merge = partial(merge_by, kernel_cuda)
kernel_cut = partial(cut_by, kernel_cuda)


# --- in the interpreter --------------------------------------------------------------


@pytest.mark.long
@needs_triton
def test_the_kernels_in_the_interpreter() -> None:
    if INTERPRETED:
        return
    command = [sys.executable, "-m", "pytest", "-q", "-x"]
    command += [f"{__file__}::TestInterpreted"]
    command += ["-p", "no:cacheprovider", "--durations=5"]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-3000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > len(EVERY_KIND)


class TestInterpreted:
    __test__ = INTERPRETED

    @pytest.mark.parametrize("number", range(len(EVERY_KIND)))
    def test_every_kind_of_merge_is_the_definitions(self, number: int) -> None:
        untile_agrees(KERNELS, EVERY_KIND[number])

    @pytest.mark.parametrize("source", DTYPES)
    def test_every_pair_of_dtypes_is_the_definitions(self, source: str) -> None:
        for merge in into_every_dtype(source):
            untile_agrees(KERNELS, merge)

    @settings(max_examples=60)
    @given(merges())
    def test_merge_is_the_definitions(self, merge: MergeCase) -> None:
        untile_agrees(KERNELS, merge)

    @settings(max_examples=30)
    @given(cases(dtypes=(*NUMBERS, "complex64")))
    def test_cut_is_the_definitions(self, case: Case) -> None:
        tile_agrees(KERNELS, case)

    @pytest.mark.parametrize("scattered", [False, True])
    @pytest.mark.parametrize(
        ("size", "tile"),
        [((17, 260), (9, 96)), ((70, 7), (16, 5)), ((17, 2, 258), (9, 2, 64))],
    )
    def test_more_than_a_block(
        self, size: tuple[int, ...], tile: tuple[int, ...], scattered: bool
    ) -> None:
        """Rows longer than a block, more rows than a cell, a plane of its own."""
        starts = None
        if scattered:
            room = np.subtract(size, tile) + 1
            drawn = np.random.default_rng(0).integers(0, room, (9, len(size)))
            starts = tuple(map(tuple, drawn.tolist()))
        flat = len(size) == 2
        layouts = [size[-1] > 256] if scattered else [False, True]
        for last in layouts if flat else [False]:
            stride = tuple(-(-side * 2 // 3) for side in tile)
            settings = Settings(
                tile, stride, window="hann", fill=-1, channels_last=last
            )
            channels = 2 if flat else None
            case = Case(
                settings, size, None, channels, "float32", "random", starts=starts
            )
            tile_agrees(KERNELS, case)
            untile_agrees(KERNELS, MergeCase(case, channels))

    def test_any_strides(self) -> None:
        tiler, shape = Tiler((4, 5), (3, 2), window="triangle"), (2, 3, 9, 12)
        tiles = torch.rand((2 * len(tiler.grid((9, 12))), 3, 4, 5))
        want = reftiler.Tiler.from_other(tiler).untile(tiles.numpy(), shape)
        wide = tiles.movedim(1, -1).repeat_interleave(2, 0).contiguous()
        out = torch.zeros((2, 9, 24, 3)).movedim(-1, 1)[..., ::2]
        assert kernel_merge(tiler, wide[::2].movedim(-1, 1), shape, out=out) is out
        same_bits(array(out.contiguous()), want)
        same_bits(array(kernel_cut(tiler, out)), array(tiler.tile(out)))
        one = tiles[:1, :1, :1, :1].expand(tiles.shape)
        flat = kernel_merge(tiler, one, shape)
        assert (flat == one[0, 0, 0, 0]).all()

    @pytest.mark.parametrize("mode", PAD_MODES)
    def test_padding(self, mode: str) -> None:
        settings = Settings((4, 5), (3, 3), pad_mode=mode, pad_value=7, pad_side="both")
        tile_agrees(KERNELS, Case(settings, (9, 12), None, 2, "float16", "bits"))

    def test_a_pad_value_that_is_not_used_need_not_fit(self) -> None:
        tiler, image = Tiler([4], 2, mode="clamp", pad_value=300), torch.arange(8)
        got = kernel_cut(tiler, image.to(torch.uint8))
        assert got.tolist() == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]

    def test_a_negated_view_is_read_as_its_values(self) -> None:
        """What torch negates when it reads must not be read as it lies in memory."""
        tiles = torch.complex(torch.zeros(4, 4), torch.ones(4, 4)).conj().imag
        assert tiles.is_neg()
        assert kernel_merge(Tiler([4], 2), tiles, (10,)).tolist() == [-1.0] * 10

    def test_a_pixel_of_one_tile_is_rounded_as_it_is(self) -> None:
        """Times its weight and divided by it, a tie might be none any more."""
        tiler = Tiler((6, 6), window=WEIGHTS)
        steps = np.random.default_rng(1).integers(0, 2**23, (4, 6, 6))
        tiles = torch.from_numpy(1 + (2 * steps + 1) * 2.0**-24)
        got = kernel_merge(tiler, tiles, (12, 12), dtype=torch.float32)
        want = reftiler.Tiler.from_other(tiler).untile(tiles.numpy(), (12, 12))
        same_bits(array(got), want.astype(np.float32))

    @pytest.mark.parametrize("number", range(4))
    def test_values_beside_the_ties_of_halves_are_rounded_once(
        self, number: int
    ) -> None:
        untile_agrees(KERNELS, list(short_floats())[number])

    @pytest.mark.parametrize("axis", range(5))
    def test_2_to_31_elements(self, axis: int) -> None:
        """The last pixel lies beyond 32 bits, in memory of which little is touched."""
        step, shape = 2**30 + 5, [1] * 5
        shape[axis] = 3
        memory = torch.empty(2 * step + 2, dtype=torch.uint8)

        def far(shape: list[int], axis: int, offset: int) -> Tensor:
            strides = [step if number == axis else 1 for number in range(5)]
            return memory.as_strided(shape, strides, offset)

        out = far(shape, axis, 0)
        tiles = far([1 if axis == 1 else 3, shape[1], 1, 1, 1], int(axis == 1), 1)
        tiles.copy_(torch.tensor([5, 7, 9]).reshape(tiles.shape))
        tiler = Tiler((1, 1, 1))
        with patch("torch.UntypedStorage.copy_", lambda *_: None):  # onto itself
            kernel_merge(tiler, tiles, shape, out=out)
            assert out.flatten().tolist() == [5, 7, 9]
            assert kernel_cut(tiler, out).flatten().tolist() == [5, 7, 9]


# --- as PTX --------------------------------------------------------------------------


@dataclass
class Recorder:
    """Stands for the kernels, and keeps what they are launched with."""

    seen: list[tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return self

    def __getitem__(self, grid: Any) -> Any:
        return lambda *arguments, **options: self.seen.append((arguments, options))


TYPES = {
    torch.uint8: "*u8",
    torch.int8: "*i8",
    torch.uint16: "*u16",
    torch.int16: "*i16",
    torch.uint32: "*u32",
    torch.int32: "*i32",
    torch.uint64: "*u64",
    torch.int64: "*i64",
    torch.float16: "*fp16",
    torch.float32: "*fp32",
    torch.float64: "*fp64",
}


def ptx_of(kernel: str, launch: tuple[Any, Any], arch: int, wide: bool = False) -> str:
    """Compile a kernel for a GPU as it would be for a launch."""
    compiler: Any = import_module("triton.compiler")
    target = import_module("triton.backends.compiler").GPUTarget("cuda", arch, 32)
    arguments, options = launch
    function = getattr(kernel_cuda.triton_kernels, kernel)
    names = list(inspect.signature(function.fn).parameters)
    options = dict(options)
    fusion = {"enable_fp_fusion": options.pop("enable_fp_fusion", True)}
    kinds = [
        TYPES[item.dtype] if isinstance(item, Tensor) else "i64" if wide else "i32"
        for item in arguments
    ]
    signature = dict(zip(names, kinds, strict=False))
    assert [*signature, *options] == names
    signature |= dict.fromkeys(options, "constexpr")
    source = compiler.ASTSource(function, signature, options)
    text: str = compiler.compile(source, target=target, options=fusion).asm["ptx"]
    return text


def launch_of(merge: MergeCase) -> tuple[Any, Any]:
    recorder, case = Recorder(), merge.case
    tiler, tiles = case.tiler(Tiler), tensor(merge.tiles())
    target = dtype_of(merge.result) if merge.result else None
    with patch.object(kernel_cuda, "triton_kernels", recorder):
        kernel_merge(tiler, tiles, case.shape, case.grid(tiler), target)
    (launch,) = recorder.seen
    return launch


def operations(ptx: str) -> set[str]:
    return set(re.findall(r"^\s*(?:@!?%p\d+\s+)?([a-z][\w.]*)\s", ptx, re.MULTILINE))


def inexact(ptx: str) -> set[str]:
    """Return instructions that round twice, not to nearest, or lose small numbers."""
    # Without .rn a product and a sum may still be fused when PTX is compiled further.
    bad = r"fma|mad\..*f\d|(mul|add|sub)\.f\d|div\.(approx|full)|rcp|\.ftz|\.approx"
    return {word for word in operations(ptx) if re.match(rf".*({bad})", word)}


def variants() -> Iterator[tuple[str, MergeCase]]:
    """Yield merges that make every variant of the kernel's code."""
    fitted = Case(Settings((5,), (3,), fill=1), (40,), 1, 3, "float32", "index")

    def of(case: Case, dtype: str = "float32", **settings: Any) -> Case:
        return replace(case, dtype=dtype, settings=replace(case.settings, **settings))

    scattered = replace(fitted, starts=((0,), (7,)))
    for label, one in (("fitted", fitted), ("scattered", scattered)):
        for merge in ("mean", "max", "min", "first", "last", "center", "vote"):
            dtype = "uint8" if merge == "vote" else "float32"
            for window in ("box", "hann") if merge in ("mean", "vote") else ("box",):
                made = of(one, dtype, merge=merge, window=window)
                yield f"{label} {merge} {window}", MergeCase(made, 3)
    for dtype in ("bool", "int16", "uint64", "float16", "bfloat16", "float64"):
        yield f"max of {dtype}", MergeCase(of(fitted, dtype, merge="max"), 3)
    for dtype in DTYPES[1:]:
        yield f"mean of {dtype}", MergeCase(of(fitted, dtype, window="hann"), 3)
        if dtype != "float32":
            weighted = of(fitted, window="hann")
            yield f"float32 to {dtype}", MergeCase(weighted, 3, (), dtype)


VARIANTS = dict(variants())


@pytest.mark.long
@needs_triton
class TestPtx:
    __test__ = not INTERPRETED

    @pytest.fixture(autouse=True)
    def _fresh_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))

    @pytest.mark.parametrize("arch", [80, 90])
    @pytest.mark.parametrize("label", VARIANTS)
    def test_arithmetic_is_that_of_the_specification(
        self, label: str, arch: int
    ) -> None:
        merge = VARIANTS[label]
        ptx = ptx_of("merge_block", launch_of(merge), arch, wide=arch == 90)
        found = operations(ptx)
        assert not inexact(ptx)
        mean = (
            merge.case.settings.merge in (None, "mean") and merge.case.dtype != "bool"
        )
        assert ("div.rn.f64" in found) == mean
        assert ("add.rn.f64" in found) == (mean or merge.case.settings.merge == "vote")
        assert ("mul.rn.f64" in found) == (merge.case.settings.window != "box")

    def test_a_fused_operation_would_be_seen(self) -> None:
        arguments, options = launch_of(VARIANTS["fitted mean hann"])
        assert options.pop("enable_fp_fusion") is False
        assert "fma.rn.f64" in inexact(ptx_of("merge_block", (arguments, options), 80))

    def test_a_kernel_is_compiled_once_for_all_sizes(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A driver that only says which GPU it has is enough to compile for it."""
        target = import_module("triton.backends.compiler").GPUTarget("cuda", 80, 32)
        device = "a device of this test's own"
        known = Mock()
        known.get_current_target.return_value = target
        known.get_current_device.return_value = device
        monkeypatch.setattr(import_module("triton.runtime").driver, "_active", known)
        arguments, options = launch_of(VARIANTS["scattered mean hann"])
        kernel = kernel_cuda.triton_kernels.merge_block
        assert options["enable_fp_fusion"] is False
        for number in (1, 16, 17, 2**30):
            given = [number if isinstance(item, int) else item for item in arguments]
            kernel.warmup(*given, grid=(1,), **options)
        assert len(kernel.device_caches[device][0]) == 1

    @pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "complex64"])
    def test_cutting_only_moves(self, dtype: str) -> None:
        recorder = Recorder()
        with patch.object(kernel_cuda, "triton_kernels", recorder):
            kernel_cut(Tiler([5], 3), torch.zeros((1, 3, 40), dtype=dtype_of(dtype)))
        found = operations(ptx_of("cut_block", recorder.seen[0], 80))
        assert not {word for word in found if re.search(r"f(16|32|64)", word)}


# --- what is left to the plain body ------------------------------------------------


@needs_triton
@pytest.mark.parametrize(("rank", "taken"), [(1, True), (4, False)])
def test_what_is_left_to_the_plain_body(rank: int, taken: bool) -> None:
    size, float32 = (2,) * rank, torch.float32
    shapes: Any = ((1, *size), "float32", size, None, None, "float32")
    call = plan_untile(Tiler(size), *shapes)
    assert kernel_cuda.supports(call, float32, float32) == taken
    image = plan_tile(Tiler([4]), (8,), "complex128", None)
    assert not kernel_cuda.supports_cut(image, torch.complex128)
    assert kernel_cuda.supports_cut(image, torch.complex64)


@pytest.mark.long
def test_the_gpu_script_says_that_there_is_no_device(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("needs a machine without CUDA: the script would run for minutes")
    if sys.platform == "win32":
        pytest.skip("needs a shell")
    report = tmp_path / "report.md"
    command = [str(ROOT / "tests" / "gpu.sh"), str(report)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "no CUDA device" in done.stderr
    assert not report.exists()
