"""torch.jit.trace and both exporters to ONNX: graphs of fixed sizes."""

from __future__ import annotations

import io
import sys
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
from tests.tensors import array

# torch gives these no types
trace: Any = torch.jit.trace
load: Any = torch.jit.load

# Tracing tells that sizes become constants, and torch that others should follow.
pytestmark = pytest.mark.filterwarnings("ignore")

NETS: dict[str, dict[str, Any]] = {
    "hann": {"window": "hann"},
    "max": {"merge": "max"},
    "min": {"merge": "min", "mode": "even"},
    "interpolation": {"mode": "interpolation"},
    "reflect": {"pad_mode": "reflect"},
    "channels last": {"channels_last": True},
}


class Net(nn.Module):
    """There, three times less one, and back."""

    def __init__(self, tiler: Tiler, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        self.tiler, self.dtype = tiler, dtype

    def forward(self, image: Tensor) -> Tensor:
        """Return what is merged."""
        tiles = self.tiler.tile(image) * 3 - 1
        return self.tiler.untile(tiles, image.shape, dtype=self.dtype)


class Anomaly(nn.Module):
    """A model as anomalib's are, with the tiler in anomalib's place."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.tiler = anomalib.Tiler(16, 8, **settings)
        self.pool = nn.MaxPool2d(2)  # no rounding: runtimes add up in other orders

    def forward(self, image: Tensor) -> Tensor:
        """Return maps of half the resolution."""
        maps: Tensor = self.pool(self.tiler.tile(image))
        return self.tiler.untile(maps)


def images(channels_last: bool = False) -> tuple[Tensor, Tensor]:
    """Return two images alike in shape."""
    shape = (2, 41, 46, 3) if channels_last else (2, 3, 41, 46)
    one, other = torch.randn((2, *shape), generator=torch.Generator().manual_seed(5))
    return one, other


@pytest.mark.long
@pytest.mark.parametrize("name", NETS)
def test_traced(name: str) -> None:
    net = Net(Tiler(16, 8, **NETS[name]))
    one, other = images("last" in name)
    traced = trace(net, one)
    same_bits(array(traced(other)), array(net(other)))
    file = io.BytesIO()
    torch.jit.save(traced, file)
    file.seek(0)
    same_bits(array(load(file)(other)), array(net(other)))


def test_a_traced_graph_cannot_refuse_nan() -> None:
    """So floats become no integers there: torch drops assertions in silence."""
    one, _ = images()
    with pytest.raises(TilingError, match=r"torch\.export"):
        trace(Net(Tiler(16, 8), torch.uint8), one)
    whole = (one * 40).to(torch.int16)
    traced = trace(Net(Tiler(16, 8)), whole)
    same_bits(array(traced(whole + 1)), array(Net(Tiler(16, 8))(whole + 1)))


@pytest.mark.parametrize("mode", ["padding", "interpolation"])
def test_anomalibs_models_traced(mode: str) -> None:
    net = Anomaly(mode=mode)
    one, other = images()
    same_bits(array(trace(net, one)(other)), array(net(other)))


@pytest.mark.long
@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.parametrize(
    "net",
    [
        Net(Tiler(16, 8, window="hann")),
        Net(Tiler(16, 8, merge="max")),
        Anomaly(),
    ],
    ids=["mean", "max", "anomalib"],
)
def test_onnx(net: nn.Module, dynamo: bool, tmp_path: Path) -> None:
    """The model is valid; onnxruntime, where it is installed, gives the same bits."""
    if dynamo and sys.version_info >= (3, 14):
        pytest.skip("needs onnx: none for this Python")
    for name in ("onnx", *(["onnxscript"] if dynamo else [])):
        pytest.importorskip(name, reason=f"needs onnx: no module {name}")
    import onnx  # noqa: PLC0415 - optional

    one, other = images()
    file, version = tmp_path / "net.onnx", {True: 18, False: 17}[dynamo]
    torch.onnx.export(net, (one,), str(file), dynamo=dynamo, opset_version=version)
    onnx.checker.check_model(str(file), full_check=True)
    if find_spec("onnxruntime") is None:
        return
    onnxruntime = import_module("onnxruntime")
    session = onnxruntime.InferenceSession(str(file))
    (got,) = session.run(None, {session.get_inputs()[0].name: other.numpy()})
    same_bits(got, array(net(other)))
