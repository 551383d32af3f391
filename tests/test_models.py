"""Loading a model: Python functions, ONNX files, exported programs of torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reftiler import Tiler, TilingError
from reftiler.models import load_model, select_map

IMAGE = np.random.default_rng(0).integers(0, 256, (48, 40, 3), np.uint8)
TILER = Tiler(16, channels_last=True)
WANT = IMAGE.astype(np.float32).max(axis=-1, keepdims=True) / np.float32(255)


def test_a_function_of_a_module_in_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_model_a.py").write_text("def half(tiles):\n    return tiles // 2\n")
    monkeypatch.chdir(tmp_path)
    for name in ("my_model_a:half", "my_model_a.py:half"):
        assert np.array_equal(TILER.apply(load_model(name), IMAGE), IMAGE // 2)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("odd", "module:function, file.py:function"),
        ("numpy:negatife", "did you mean 'negative'"),
        ("numpy:ndarray", "numpy:ndarray is a type"),
        ("numpy:pi", "numpy:pi is a float"),
        ("no_such_module:f", "cannot import no_such_module: ModuleNotFoundError"),
        ("absent.onnx", "there is no file absent.onnx"),
        ("absent.py:f", "there is no file absent.py"),
    ],
)
def test_what_is_no_model_is_refused(name: str, words: str) -> None:
    with pytest.raises(TilingError, match=words):
        load_model(name)


@pytest.mark.skipif(sys.platform == "win32", reason="folders in use stay")
def test_a_current_directory_that_is_gone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(TilingError, match="cannot import my_model_b: FileNotFound"):
        load_model("my_model_b:f")


def test_a_module_that_raises_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("1 / 0")
    with pytest.raises(TilingError, match="ZeroDivisionError: division by zero"):
        load_model(f"{path}:f")


def test_the_map_among_the_results_is_taken() -> None:
    score, one, two = np.zeros(4), np.zeros((4, 8, 8)), np.ones((4, 8, 8))
    assert select_map(one) == (one, "")
    found, note = select_map({"pred": one, "anomaly_map": two, "score": score})
    assert found is two
    assert "3 arrays" in note
    assert select_map((score, one, two))[0] is one
    with pytest.raises(TilingError, match=r"returned \(4,\)"):
        select_map(score)
    with pytest.raises(TypeError, match="got NoneType"):
        select_map(None)


def network(torch: Any) -> Any:
    class Brightest(torch.nn.Module):  # type: ignore[misc]
        def forward(self, tiles: Any) -> Any:
            return tiles.amax(dim=1, keepdim=True)

    return Brightest()


@pytest.mark.long
@pytest.mark.parametrize("batch", [None, 2])
def test_an_exported_program(tmp_path: Path, batch: int | None) -> None:
    torch = pytest.importorskip("torch")
    shapes = None if batch else ({0: torch.export.Dim("batch", max=64)},)
    example = (torch.zeros(batch or 3, 3, 16, 16),)
    program = torch.export.export(network(torch), example, dynamic_shapes=shapes)
    torch.export.save(program, tmp_path / "max.pt2")
    model = load_model(tmp_path / "max.pt2")
    # 9 tiles in batches of 4: the last batch of 2 has to be filled up.
    assert np.array_equal(TILER.apply(model, IMAGE, batch_size=4), WANT)
    with pytest.raises(TilingError, match=r"3 channels of 16x16.*have 3 of 8x8"):
        Tiler(8, channels_last=True).apply(model, IMAGE)
    (tmp_path / "max.pt2").write_bytes(b"nonsense")
    with pytest.raises(TilingError, match=r"cannot load .*max\.pt2"):
        load_model(tmp_path / "max.pt2")


def test_a_module_of_torch_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    (tmp_path / "my_model_b.py").write_text(
        "import torch\nmodel = torch.nn.Sequential(torch.nn.Identity())\n"
    )
    monkeypatch.chdir(tmp_path)
    model = load_model("my_model_b:model", channels_last=False)
    image = np.moveaxis(IMAGE, -1, 0)
    want = image.astype(np.float32) / np.float32(255)
    assert np.array_equal(Tiler(16).apply(model, image), want)


def write_onnx(path: Path, batch: int | None) -> None:
    onnx = pytest.importorskip("onnx", reason="needs onnx: pip install onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    given = helper.make_tensor_value_info("tiles", kind, [batch, 3, 16, 16])
    made = helper.make_tensor_value_info("map", kind, [batch, 1, 16, 16])
    node = helper.make_node("ReduceMax", ["tiles"], ["map"], axes=[1], keepdims=1)
    graph = helper.make_graph([node], "max", [given], [made])
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("batch", [None, 2])
def test_an_onnx_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str, batch: int | None
) -> None:
    pytest.importorskip(runtime, reason=f"needs {runtime}: pip install {runtime}")
    if runtime == "openvino":
        monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    write_onnx(tmp_path / "max.onnx", batch)
    model = load_model(tmp_path / "max.onnx")
    assert np.array_equal(TILER.apply(model, IMAGE, batch_size=4), WANT)
    with pytest.raises(TilingError, match="takes 3 channels"):
        TILER.apply(model, IMAGE[..., 0])


def test_a_missing_runtime_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("onnxruntime", "openvino", "torch"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    for name, words in (("a.onnx", "pip install onnxruntime"), ("a.pt2", "torch")):
        (tmp_path / name).touch()
        with pytest.raises(ImportError, match=words):
            load_model(tmp_path / name)
