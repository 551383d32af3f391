"""A model with the tiler inside: as a module, and exported to ONNX."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import reftiler
from reftiler import TilingError
from reftiler.torch import TiledModel, Tiler, export_onnx
from reftiler_conformance.compare import same_bits
from tests.tensors import array

pytestmark = pytest.mark.filterwarnings("ignore")

TILERS = {
    "mean": Tiler(16, 8),
    "hann": Tiler(16, 10, window="hann"),
    "border": Tiler(16, 8, remove_border_count=4),
    "max, reflect": Tiler(16, 8, merge="max", pad_mode="reflect"),
}


class Half(nn.Module):
    """Maps of half the resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.AvgPool2d(2))

    def forward(self, tiles: Tensor) -> Tensor:
        found: Tensor = self.layers(tiles)
        return found


def images(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.randn((count, 3, 41, 46), generator=generator)


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return Half().eval()


@pytest.mark.parametrize("name", TILERS)
def test_a_module_tiles_and_merges(model: nn.Module, name: str) -> None:
    tiler, given = TILERS[name], images(2)
    with torch.no_grad():
        want = tiler.untile(model(tiler.tile(given)), given.shape)
        same_bits(array(TiledModel(model, tiler)(given)), array(want))


@pytest.mark.long
@pytest.mark.parametrize("name", TILERS)
def test_an_exported_program_takes_any_number_of_images(
    model: nn.Module, name: str
) -> None:
    tiled = TiledModel(model, TILERS[name])
    shapes = ({0: torch.export.Dim("batch", min=1)},)
    program: Any = torch.export.export(
        tiled, (images(2),), dynamic_shapes=shapes, strict=False
    )
    for count in (1, 2, 5):
        with torch.no_grad():
            want = tiled(images(count))
            same_bits(array(program.module()(images(count))), array(want))


def exported(path: Path, model: nn.Module, tiler: Tiler, **options: Any) -> int:
    for name in ("onnx", "onnxscript"):
        if sys.version_info >= (3, 14):
            pytest.skip("needs onnx: none for this Python")
        pytest.importorskip(name, reason=f"needs onnx: no module {name}")
    return export_onnx(model, tiler, (1, 3, 41, 46), path, **options)


def run(runtime: str, path: Path, given: Tensor) -> Any:
    module: Any = import_module(runtime)
    if runtime == "onnxruntime":
        return module.InferenceSession(str(path)).run(None, {"image": given.numpy()})[0]
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    return module.Core().compile_model(str(path), "CPU", exact)(given.numpy())[0]


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("name", ["hann", "max, reflect"])
def test_onnx_of_any_number_of_images(
    tmp_path: Path, model: nn.Module, runtime: str, name: str
) -> None:
    pytest.importorskip(runtime, reason=f"needs {runtime}: pip install {runtime}")
    tiler, path = TILERS[name], tmp_path / "tiled.onnx"
    model.train()
    exported(path, model, tiler)
    assert model.training
    assert model.layers[0].training  # type: ignore[index, union-attr]
    model.eval()
    for count in (1, 3):
        with torch.no_grad():
            want = array(TiledModel(model, tiler)(images(count)))
        assert run(runtime, path, images(count)) == pytest.approx(want, abs=1e-5)


def test_onnx_without_doubles(tmp_path: Path, model: nn.Module) -> None:
    path, tiler = tmp_path / "tiled.onnx", TILERS["hann"]
    exported(path, model, tiler, doubles=False)
    onnx: Any = import_module("onnx")
    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    kinds = {value.type.tensor_type.elem_type for value in graph.value_info}
    kinds |= {one.data_type for one in graph.initializer}
    assert onnx.TensorProto.FLOAT in kinds
    assert onnx.TensorProto.DOUBLE not in kinds
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    with torch.no_grad():
        want = array(TiledModel(model, tiler)(images(2)))
    assert run("onnxruntime", path, images(2)) == pytest.approx(want, abs=1e-5)


def test_the_number_of_nodes_is_that_of_no_size(
    tmp_path: Path, model: nn.Module
) -> None:
    """Where both are padded alike; tables are never as large as the image."""
    exported(tmp_path / "a.onnx", model, Tiler(16, 8))
    small = export_onnx(model, Tiler(16, 8), (1, 3, 200, 304), tmp_path / "b.onnx")
    large = export_onnx(model, Tiler(16, 8), (1, 3, 696, 904), tmp_path / "c.onnx")
    assert small == large < 100
    sizes = [(tmp_path / name).stat().st_size for name in ("b.onnx", "c.onnx")]
    assert sizes[1] < 4 * sizes[0]  # of ten times the pixels


def test_what_is_refused(tmp_path: Path, model: nn.Module) -> None:
    with pytest.raises(TilingError, match="without channels_last"):
        TiledModel(model, Tiler(16, channels_last=True))
    with pytest.raises(TypeError, match="from_other"):
        TiledModel(model, reftiler.Tiler(16))  # type: ignore[arg-type]
    for shape in ((3, 41, 46), (41, 46), (1, 1, 3, 41, 46)):
        with pytest.raises(TilingError, match="images \\(N, C"):
            TiledModel(model, Tiler(16))(torch.zeros(shape))
        with pytest.raises(TilingError, match="images \\(N, C"):
            export_onnx(model, Tiler(16), shape, tmp_path / "a.onnx")
    with pytest.raises(TilingError, match="at least 1"):
        export_onnx(model, Tiler(16), (0, 3, 41, 46), tmp_path / "a.onnx")
    with pytest.raises(TilingError, match="cannot export the model"):
        exported(tmp_path / "a.onnx", nn.Conv2d(4, 1, 3), Tiler(16))
    with pytest.raises(TilingError, match="cannot write"):
        exported(tmp_path / "no" / "a.onnx", model, Tiler(16))
    assert not list(tmp_path.iterdir())
