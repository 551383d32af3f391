"""torch.compile, export and jit.trace: graphs with the bits of eager mode."""

from __future__ import annotations

import io
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reftiler import TilingError, anomalib
from reftiler.torch import Tiler
from reftiler_conformance.compare import same_bits
from tests.corners import HALVES, beside_ties
from tests.strategies import MODES, PAD_MODES, WINDOWS
from tests.tensors import array, dtype_of, noise, some

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{words}")
    for words in (
        ".*torch.jit",  # torch deprecates what it uses itself
        # torch 2.4 tells what it does with an operator that newer versions keep
        ".*CompositeImplicitAutograd",
        "Attempted to insert a get_attr Node",
        "You are using `torch.load`",
    )
]
# Tracing tells that sizes become constants, and torch that others should follow.
tells = pytest.mark.filterwarnings("ignore")

# torch gives these no types
trace: Any = torch.jit.trace
load: Any = torch.jit.load


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    torch.compiler.reset()
    yield
    torch.compiler.reset()


class Module(nn.Module):
    """A function as a module, which alone can be exported."""

    def __init__(self, call: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.call = call

    def forward(self, given: Tensor) -> Any:
        return self.call(given)


def compiled(call: Any, _: Tensor, backend: str = "aot_eager") -> Any:
    return torch.compile(call, fullgraph=True, backend=backend)


def exported(call: Any, given: Tensor, strict: bool = True) -> Any:
    program = torch.export.export(Module(call), (given,), strict=strict)
    return program.module()


def traced(call: Any, given: Tensor) -> Any:
    return trace(Module(call), given)


plainly_exported = partial(exported, strict=False)
by_inductor = partial(compiled, backend="inductor")


def check(record: Any, call: Any, given: Tensor, other: Tensor | None = None) -> Any:
    """Fail unless a graph gives the bits of eager mode; return the graph."""
    graph = record(call, given)
    for each in (given,) if other is None else (given, other):
        want, got = call(each), graph(each)
        if isinstance(want, Tensor):
            want, got = (want,), (got,)
        for one, another in zip(got, want, strict=True):
            same_bits(array(one), array(another), nan="any")
    return graph


def there_and_back(tiler: Tiler, image: Tensor, grid: Any = None) -> Any:
    tiles = tiler.tile(image, grid=grid)
    return tiles, tiler.untile(tiles * 3 - 1, image.shape, grid)


BY_MODE: list[dict[str, Any]] = [{"mode": mode, "fill": 7} for mode in MODES]
TILERS: list[dict[str, Any]] = [
    *BY_MODE,
    *({"pad_mode": pad, "pad_side": "both"} for pad in PAD_MODES),
    *({"window": window} for window in WINDOWS),
    {"window": ((1, 2, 3, 1, 1, 0.5), (5, 0.1, 1, 2, 2))},
    {"remove_border_count": 1, "window": "triangle"},
    {"channels_last": True, "pad_value": 0.1},
    {"merge": "max"},
    {"merge": "min", "mode": "clamp"},
]
CASES = [
    *((compiled, settings) for settings in TILERS),
    *((plainly_exported, {**one, "pad_mode": "wrap"}) for one in BY_MODE[1:]),
    (exported, {"window": "hann", "pad_mode": "wrap"}),
    *(
        pytest.param(traced, settings, marks=tells)
        for settings in (*BY_MODE, *TILERS[-3:])
    ),
]


def name_of(value: Any) -> str | None:
    return str(value) if isinstance(value, dict) else None


@pytest.mark.long
@pytest.mark.parametrize(("record", "settings"), CASES, ids=name_of)
def test_there_and_back(record: Any, settings: dict[str, Any]) -> None:
    tiler = Tiler((6, 5), (3, 2), **settings)
    shape = (2, 10, 11, 3) if tiler.channels_last else (2, 3, 10, 11)
    image = noise(*shape)
    check(record, partial(there_and_back, tiler), image, image * 2 + 1)


@pytest.mark.long
@pytest.mark.parametrize("record", [compiled, exported, plainly_exported])
def test_scattered_grids(record: Any) -> None:
    for window in ("box", "hann"):
        tiler = Tiler(4, window=window, fill=0.5)
        for grid in (tiler.random((10, 11), 6, 1), tiler.grid((10, 11))):
            check(record, partial(there_and_back, tiler, grid=grid), noise(3, 10, 11))


SCALES = [
    (None, (8, 8)),
    (2, (8, 8)),
    (0.5, (2, 2)),
    (Fraction(3, 2), (6, 6)),
    ((2, Fraction(1, 2)), (8, 2)),
    ([Fraction(1, 2), 1], (2, 4)),
]


@pytest.mark.long
@pytest.mark.parametrize(("scale", "size"), SCALES)
def test_scales(scale: Any, size: tuple[int, int]) -> None:
    for window, record in (("gaussian", compiled), ("hann", plainly_exported)):
        untile = Tiler(4, 2, window=window).untile
        call = partial(untile, shape=(10, 11), scale=scale, dtype=torch.bfloat16)
        check(record, call, noise(20, *size))


@pytest.mark.long
@pytest.mark.parametrize("goal", [torch.uint8, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("merge", ["mean", "max"])
def test_types(goal: torch.dtype, merge: str) -> None:
    untile = Tiler(4, 3, merge=merge).untile
    numbers = (noise(12, 4, 4).nan_to_num(0, 9, -9) * 60).double()
    for source in (torch.float64, torch.float16, torch.int16):
        call = partial(untile, shape=(9, 11), dtype=goal)
        check(compiled, call, numbers.to(source))


@pytest.mark.long
@pytest.mark.parametrize("name", ["bool", "uint8", "uint16", "int64", "uint64"])
def test_integers(name: str) -> None:
    image = torch.arange(110, dtype=torch.int64).reshape(10, 11).to(dtype_of(name))
    tiler = Tiler(4, 3, pad_mode="edge")
    check(compiled, lambda x: tiler.untile(tiler.tile(x), x.shape), image)
    tiles = Tiler(4, 2).tile(image)
    largest = partial(Tiler(4, 2, merge="max").untile, shape=(10, 11))
    check(exported if name == "bool" else plainly_exported, largest, tiles)


@pytest.mark.parametrize("record", [compiled, exported, plainly_exported])
def test_a_nan_in_a_graph_is_an_error(record: Any) -> None:
    call = partial(Tiler(4).untile, shape=(8, 8), dtype=torch.uint8)
    graph = record(call, torch.full((4, 4, 4), 2.5))
    assert graph(torch.full((4, 4, 4), 2.5)).tolist() == [[2] * 8] * 8
    # A strict graph holds the operator, which raises what eager mode does.
    plain = record is plainly_exported
    with pytest.raises(RuntimeError if plain else TilingError, match="NaN"):
        graph(torch.full((4, 4, 4), torch.nan))


@tells
def test_a_traced_graph_cannot_refuse_nan() -> None:
    """So floats become no integers there: torch drops assertions in silence."""
    tiles, untile = noise(4, 4, 4), partial(Tiler(4).untile, shape=(8, 8))
    with pytest.raises(TilingError, match=r"torch\.export"):
        traced(partial(untile, dtype=torch.uint8), tiles)
    whole = (tiles.nan_to_num() * 40).to(torch.int16)
    check(traced, untile, whole, whole + 1)


def test_out_is_refused_in_a_graph() -> None:
    tiler, out = Tiler(4), torch.zeros((4, 4, 4))
    call = torch.compile(lambda image: tiler.tile(image, out=out), backend="aot_eager")
    with pytest.raises(Exception, match="compiled graph"):
        call(torch.zeros((8, 8)))


@pytest.mark.parametrize("how", ["export", pytest.param("trace", marks=tells)])
def test_saved_and_loaded(how: str) -> None:
    call, image = partial(there_and_back, Tiler((6, 5), (3, 2))), noise(2, 3, 10, 11)
    file = io.BytesIO()
    if how == "export":
        torch.export.save(torch.export.export(Module(call), (image,)), file)
    else:
        torch.jit.save(traced(call, image), file)
    file.seek(0)
    loaded: Any = torch.export.load(file).module() if how == "export" else load(file)
    check(lambda *_: loaded, call, image)


def test_the_graph_holds_no_settings_of_the_host() -> None:
    """Only operators of torch's own set: any runtime can run them."""
    call = Module(partial(there_and_back, Tiler((6, 5), (3, 2), window="hann")))
    program = torch.export.export(call, (noise(3, 10, 11),), strict=False)
    calls = [n.target for n in program.graph.nodes if n.op == "call_function"]
    assert calls
    assert all(str(target).startswith("aten.") for target in calls)


def squared(tiler: Tiler, image: Tensor) -> Tensor:
    return tiler.untile(tiler.tile(image) ** 2, image.shape)


@pytest.mark.long
def test_other_sizes_are_compiled_anew() -> None:
    call = partial(squared, Tiler((6, 5), (3, 2), window="hann", pad_mode="reflect"))
    graph = compiled(call, noise(1))
    for size in [(10, 11), (10, 13), (12, 12), (7, 30)]:
        check(lambda *_: graph, call, noise(3, *size))


def test_gradients_of_a_graph() -> None:
    call = partial(squared, Tiler((6, 5), (3, 2), window="hann", pad_mode="reflect"))
    image = noise(3, 10, 11).nan_to_num(0, 9, -9)
    grads = [
        torch.autograd.grad(body(leaf).square().sum(), leaf)[0]
        for body in (call, compiled(call, image))
        for leaf in [image.clone().requires_grad_()]
    ]
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-6, atol=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("merge", [None, "max"])
def test_derivatives_and_vmap_inside_a_graph(merge: str | None) -> None:
    call = partial(squared, Tiler((6, 5), (3, 2), pad_mode="reflect", merge=merge))
    image = noise(3, 10, 11).nan_to_num(0, 9, -9).double()

    def gradient(image: Tensor) -> Any:
        return torch.func.grad(lambda x: call(x).sin().sum())(image)

    def tangent(image: Tensor) -> Any:
        return torch.func.jvp(call, (image,), (image + 1,))[1]

    def mapped(image: Tensor) -> Any:
        return torch.func.vmap(call)(image)

    for body in (gradient, tangent, mapped):
        torch.testing.assert_close(compiled(body, image)(image), body(image))


class Net(nn.Module):
    """A model with its tiling inside."""

    def __init__(self) -> None:
        super().__init__()
        self.tiler = Tiler(8, 4, window="triangle", mode="even")
        self.conv = nn.Conv2d(3, 2, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        return self.tiler.untile(self.conv(self.tiler.tile(image)), image.shape)


def test_a_module_that_tiles() -> None:
    with torch.no_grad():
        check(compiled, Net(), noise(2, 3, 18, 21))


class Anomaly(nn.Module):
    """A model as anomalib's are, with the tiler in anomalib's place."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.tiler = anomalib.Tiler(16, 8, **settings)
        self.pool = nn.MaxPool2d(2)  # no rounding: runtimes add up in other orders

    def forward(self, image: Tensor) -> Tensor:
        maps: Tensor = self.pool(self.tiler.tile(image))
        return self.tiler.untile(maps)


@tells
@pytest.mark.parametrize("mode", ["padding", "interpolation"])
def test_anomalibs_models_traced(mode: str) -> None:
    image = noise(2, 3, 41, 46)
    check(traced, Anomaly(mode=mode), image, image + 1)


@tells
@pytest.mark.long
@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.parametrize("kind", ["hann", "max", "anomalib"])
def test_onnx(kind: str, dynamo: bool, tmp_path: Path) -> None:
    """The model is valid; onnxruntime, where it is installed, gives the same bits."""
    if dynamo and sys.version_info >= (3, 14):
        pytest.skip("needs onnx: none for this Python")
    for name in ("onnx", *(["onnxscript"] if dynamo else [])):
        pytest.importorskip(name, reason=f"needs onnx: no module {name}")
    import onnx  # noqa: PLC0415 - optional

    tiler = Tiler(16, 8, merge="max") if kind == "max" else Tiler(16, 8, window="hann")
    call = partial(there_and_back, tiler)
    net = Anomaly() if kind == "anomalib" else Module(lambda image: call(image)[1])
    one = torch.randn((2, 3, 41, 46), generator=torch.Generator().manual_seed(5))
    file, version = tmp_path / "net.onnx", {True: 18, False: 17}[dynamo]
    torch.onnx.export(net, (one,), str(file), dynamo=dynamo, opset_version=version)
    onnx.checker.check_model(str(file), full_check=True)
    if find_spec("onnxruntime") is None:
        return
    session = import_module("onnxruntime").InferenceSession(str(file))
    (got,) = session.run(None, {session.get_inputs()[0].name: (one + 1).numpy()})
    same_bits(got, array(net(one + 1)))


# --- inductor, which makes C++ of its own ---------------------------------------------


INTEGERS = ("uint8", "uint16", "uint32", "int64")
FLOATS = (torch.bfloat16, torch.float64, torch.float32, torch.float16)


def in_every_float(window: str) -> tuple[Any, Tensor]:
    tiler = Tiler((6, 5), (3, 2), window=window)

    def call(tiles: Tensor) -> tuple[Tensor, ...]:
        merged = [tiler.untile(tiles.to(d), (14, 13)) for d in some(FLOATS, 2)]
        return tiler.tile(tiles[0]), *merged

    return call, noise(20, 2, 6, 5).double()


def in_integers(name: str) -> tuple[Any, Tensor]:
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
    return call, numbers.long().to(dtype)


def rounded_to_a_half_once(name: str) -> tuple[Any, Tensor]:
    values = torch.tensor(beside_ties(name), dtype=torch.float64)
    alone, both = Tiler([1]), Tiler([2], 1)
    count, dtype = len(values), dtype_of(name)

    def call(values: Tensor) -> tuple[Tensor, Tensor]:
        pairs = values[:, None].expand(-1, 2)
        return (
            alone.untile(values[:, None], [count], dtype=dtype),
            both.untile(pairs, [count + 1], dtype=dtype),
        )

    return call, values


def in_extremes(merge: str) -> tuple[Any, Tensor]:
    tiler, types = Tiler((6, 5), (3, 2), merge=merge), some((torch.bool, *FLOATS), 2)
    tiles = noise(20, 2, 6, 5)
    tiles.flatten()[::5] = 0.0
    return lambda t: tuple(tiler.untile(t.to(d), (14, 13)) for d in types), tiles


@pytest.mark.long
@pytest.mark.parametrize(
    ("made", "kind"),
    [
        *(
            (in_every_float, w)
            for w in some(("hann", "box", "triangle", "gaussian"), 1)
        ),
        *((in_integers, n) for n in some(("uint64", *INTEGERS), 1)),
        *((rounded_to_a_half_once, name) for name in some(HALVES[::-1], 1)),
        *((in_extremes, merge) for merge in some(("max", "min"), 1)),
    ],
)
def test_inductor(made: Any, kind: str) -> None:
    if not any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
        pytest.skip("needs a C++ compiler: apt-get install g++")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("needs Python.h: apt-get install python3-dev")
    check(by_inductor, *made(kind))
