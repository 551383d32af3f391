"""``reftiler apply``: the maps it makes, how it goes on, and what it refuses."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("typer")
pytest.importorskip("skimage")

from reftiler import Tiler
from reftiler.inference import NAME
from reftiler.io import read_image, write_image
from reftiler.models import load_model
from reftiler_conformance.compare import same_bits
from tests.command import done, files, refused, run
from tests.folders import write

MODEL = """
from pathlib import Path

import numpy as np

here = Path(__file__).parent


def grey(tiles):
    return tiles.mean(axis=-1, dtype=np.float32) if tiles.ndim == 4 else tiles / 255


def coarse(tiles):
    return {"score": tiles.max(axis=(1, 2)), "anomaly_map": grey(tiles)[:, ::2, ::2]}


def classes(tiles):
    return np.stack([grey(tiles), 1 - grey(tiles)], axis=-1)


def network(tiles):
    return grey(tiles)[..., np.newaxis]


def channels_first(tiles):
    return np.moveaxis(classes(tiles), -1, 1)


def labels(tiles):
    return (grey(tiles) > 0.5).astype(np.uint8)


def scores(tiles):
    return tiles.mean(axis=(1, 2))


def halves(tiles):
    return classes(tiles)[:, ::2, ::2]


def leaves(tiles):
    raise SystemExit(0)


def doubled(block):
    assert block.ndim == 3
    return (block[..., 0] * 2).astype(np.float64)


def fails(block):
    raise KeyError("no such class")


def odd(tiles):
    with (here / "calls").open("a") as file:
        file.write(f"{len(tiles)}\\n")
    calls = len((here / "calls").read_text().split())
    if (here / "fail").exists() and calls == 4:
        raise ValueError("no such surface")
    if (here / "stop").exists() and calls == 4:
        raise KeyboardInterrupt
    return grey(tiles)
"""
TILING = "--tile 16 --overlap 4 --window hann"
TILER = Tiler(16, 12, window="hann", channels_last=True)
GREY = f"apply model.py:grey images maps {TILING}"
MAPS = Path("maps")


def pixels(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(len(shape)).integers(0, 256, shape, np.uint8)


@pytest.fixture(autouse=True)
def inputs(work: Path) -> None:
    Path("model.py").write_text(MODEL)
    write("images/a.png", pixels(40, 70))
    write("images/b.png", pixels(64, 48, 3))


def noted() -> Any:
    return json.loads((MAPS / NAME).read_text())


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
@pytest.mark.parametrize("name", ["grey", "coarse", "classes", "network"])
def test_maps_are_what_apply_makes(name: str, suffix: str) -> None:
    kind = {".tif": "tiff", ".npy": "npy"}[suffix]
    said = done(f"apply model.py:{name} images maps {TILING} --format {kind}")
    assert "Wrote 2 maps" in said
    assert ("took ['anomaly_map']" in said) == (name == "coarse")
    assert files(MAPS) == [f"a{suffix}", f"b{suffix}", NAME]
    function: Any = load_model(f"model.py:{name}")

    def chosen(tiles: NDArray[Any]) -> Any:
        results = function(tiles)
        return results["anomaly_map"] if isinstance(results, dict) else results

    for image in "ab":
        want = TILER.apply(chosen, read_image(f"images/{image}.png"))
        want = want[..., 0] if name == "network" else want
        same_bits(read_image(MAPS / f"{image}{suffix}"), want)
    assert noted()["finished"]
    assert Tiler.from_dict(noted()["call"]["tiler"]) == TILER
    assert noted()["call"]["model"].endswith(f"model.py:{name}")
    assert noted()["call"]["source"] == str(Path("images").absolute())


@pytest.mark.parametrize("name", ["argmax", "model.py:doubled"])
def test_maps_become_what_finish_makes(name: str) -> None:
    finish = np.argmax if name == "argmax" else None
    line = f"apply model.py:classes images maps {TILING} --finish {name}"
    assert "averaged" not in done(line)
    classes: Any = load_model("model.py:classes")
    for image in "ab":
        whole = TILER.apply(classes, read_image(f"images/{image}.png"))
        found = read_image(MAPS / f"{image}.tif")
        if finish is None:
            same_bits(found, (whole[..., 0] * 2).astype(np.float64))
        else:
            same_bits(found, whole.argmax(-1).astype(np.uint8))
    assert noted()["call"]["finish"] == name
    assert "Nothing to do" in done(line)
    assert "finish" in refused(2, line.partition(" --finish")[0])
    if finish is None:
        Path("model.py").write_text(MODEL + "\n")
        assert "finish_digest" in refused(2, line)


def test_finish_is_refused_with_its_name() -> None:
    line = f"apply model.py:classes images maps {TILING} --finish"
    message = refused(1, f"{line} model.py:fails")
    assert "model.py:fails raised KeyError" in message
    assert "no such class" in message
    assert "got 'argmin'; did you mean 'argmax'" in refused(2, f"{line} argmin")
    assert "has no nothing" in refused(2, f"{line} model.py:nothing")
    grey = line.replace("classes", "grey")
    assert "needs channels" in refused(1, f"{grey} argmax")


@pytest.mark.parametrize(
    "model",
    [
        *("model.py:nothing", "nomodule:f", "no.py:f", "no.onnx", "no.pt2", "model"),
        *("numpy.nothing:f", "numpy:float32", "model.py:np.nothing"),
    ],
)
def test_a_model_that_is_not_there_is_a_bad_call(model: str) -> None:
    words = model.partition(":")[0]
    assert words in refused(2, f"apply {model} images maps {TILING}")
    assert not MAPS.exists()


@pytest.mark.parametrize("needed", ["nomodule", "numpy.nothing"])
def test_a_model_whose_own_imports_fail_is_there(needed: str) -> None:
    Path("needs_more.py").write_text(f"import {needed}\n")
    for name in ("needs_more", "needs_more.py"):
        assert needed in refused(1, f"apply {name}:f images maps {TILING}")


def test_a_model_that_exits_is_named() -> None:
    message = refused(1, f"apply model.py:leaves images maps {TILING}")
    assert "model.py:leaves raised SystemExit" in message
    assert "a.png" in message
    Path("exits.py").write_text("raise SystemExit(0)\n")
    message = refused(1, f"apply exits.py:leaves images maps {TILING}")
    assert "cannot import exits.py: SystemExit" in message


def test_the_scale_of_results_of_tiles_with_a_context() -> None:
    line = "apply model.py:halves images maps --tile 16 --context 8"
    assert "--scale" in refused(1, line)
    done(f"{line} --scale 1/2 --finish argmax")
    assert read_image(MAPS / "a.tif").shape == (20, 35)
    assert "another scale" in refused(2, f"{line} --scale 1 --finish argmax")


@pytest.mark.parametrize(
    ("name", "tiling", "said"),
    [
        ("labels", "--overlap 4", True),
        ("labels", "--border 2 --overlap 4", False),
        ("labels", "--overlap 4 --merge mean", False),
        ("labels", "--overlap 4 --merge vote", False),
        ("grey", "--overlap 4", False),
    ],
)
def test_a_mean_of_whole_numbers_is_said(name: str, tiling: str, said: bool) -> None:
    words = done(f"apply model.py:{name} images maps --tile 16 {tiling}")
    assert ("--merge vote" in words) == said


def test_what_reading_an_image_leaves_out_is_said() -> None:
    path, exif = Path("images/a.png"), b"eXIf" + b"II"
    data = path.read_bytes()
    chunk = struct.pack(">I", 2) + exif + struct.pack(">I", zlib.crc32(exif))
    path.write_bytes(data[:33] + chunk + data[33:])
    assert "EXIF" in done(GREY)


def write_onnx(shape: list[Any]) -> None:
    onnx = pytest.importorskip("onnx", reason="needs onnx: pip install onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    given = helper.make_tensor_value_info("tiles", kind, shape)
    made = helper.make_tensor_value_info("map", kind, shape)
    node = helper.make_node("Neg", ["tiles"], ["map"])
    graph = helper.make_graph([node], "negative", [given], [made])
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), "net.onnx")


def test_onnx() -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    write_onnx(["batch", 1, 16, 16])
    said = done(f"apply net.onnx images/a.png maps {TILING}")
    assert "divided by their largest value" in said
    given = read_image("images/a.png").astype(np.float32) / np.float32(255)
    same_bits(read_image("maps/a.tif"), TILER.apply(np.negative, given))
    message = refused(1, f"apply net.onnx images other {TILING}")
    assert "b.png" in message
    assert "takes 1 channels of 16x16" in message
    assert files("other")[0] == "a.tif"
    write_onnx(["batch", 16, 16])
    message = refused(1, f"apply net.onnx images third {TILING}")
    assert "takes an input of 3 axes" in message
    assert not Path("third").exists()


# Runs that go on


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("ending", ["fail", "stop"])
def test_a_run_that_was_ended_goes_on_in_the_image(ending: str, changed: bool) -> None:
    line = f"apply model.py:odd images/a.png maps {TILING} --batch-size 4"
    Path(ending).touch()
    if ending == "fail":
        message = refused(1, line)
        assert "model.py:odd raised ValueError: no such surface" in message
        assert "a.png" in message
        assert "in tiles 12 to 15" in message
    else:
        result = run(line)
        assert result.exit_code == 130
        assert "run it again to go on" in result.stderr
    assert files(MAPS)[-1] == NAME
    assert not noted()["finished"]
    assert not (MAPS / "a.tif").exists()
    Path(ending).unlink()
    image = 255 - pixels(40, 70) if changed else pixels(40, 70)
    if changed:
        write_image("images/a.png", image)
    before = len(Path("calls").read_text().split())
    assert "Wrote 1 map" in done(line)
    again = len(Path("calls").read_text().split()) - before
    batches = -(-len(TILER.grid((40, 70))) // 4)
    assert changed or again < batches
    assert files(MAPS) == ["a.tif", NAME]
    function: Any = load_model("model.py:odd")
    same_bits(read_image("maps/a.tif"), TILER.apply(function, image))
    assert "Nothing to do" in done(line)


def test_finished_maps_stay_unless_their_images_changed() -> None:
    done(GREY)
    (MAPS / "b.tif").unlink()
    before = (MAPS / "a.tif").stat().st_mtime_ns
    assert "1 map had been finished before" in done(GREY)
    assert (MAPS / "a.tif").stat().st_mtime_ns == before
    write_image("images/c.png", pixels(20, 20))
    assert "2 maps had been finished" in done(GREY)
    assert noted()["maps"] == ["a.tif", "b.tif", "c.tif"]
    write_image("images/b.png", pixels(50, 50))
    said = done(GREY)
    assert "Wrote 1 map" in said
    assert "b.png" in said
    assert read_image("maps/b.tif").shape == (50, 50)
    assert (MAPS / "a.tif").stat().st_mtime_ns == before
    assert "Nothing to do" in done(GREY)


def test_a_mended_model_runs_where_nothing_was_made() -> None:
    model = Path("model.py")
    line = f"apply model.py:broken images maps {TILING}"
    model.write_text(MODEL + "\ndef broken(tiles):\n    raise ValueError\n")
    refused(1, line)
    assert files(MAPS) == [NAME]
    model.write_text(MODEL + "\ndef broken(tiles):\n    return grey(tiles)\n")
    assert "Wrote 2 maps" in done(f"{line} --format npy")
    assert files(MAPS) == ["a.npy", "b.npy", NAME]


# What is refused


def test_another_call_is_refused() -> None:
    done(GREY)
    for line, named in (
        ("apply model.py:grey images maps --tile 20", "maps of another tiler"),
        (GREY.replace("grey", "network"), "maps of another model"),
    ):
        assert named in refused(2, line)
    Path("model.py").write_text(MODEL.replace("1 - grey", "2 - grey"))
    assert "another model_digest" in refused(2, GREY)
    line = "apply model.py:grey images maps --tile 20 --format npy --overwrite"
    assert "Wrote 2 maps" in done(line)
    assert files(MAPS) == ["a.npy", "b.npy", NAME]


def test_nothing_of_others_is_touched() -> None:
    MAPS.mkdir()
    (MAPS / "mine.txt").write_text("mine")
    for options in ("", "--overwrite"):
        assert "is not empty" in refused(2, f"{GREY} {options}")
    assert files(MAPS) == ["mine.txt"]
    (MAPS / "mine.txt").unlink()
    done(GREY)
    content = noted()
    content["maps"] = ["../images/a.png"]
    (MAPS / NAME).write_text(json.dumps(content))
    assert "is damaged" in refused(1, f"{GREY} --overwrite")
    assert Path("images/a.png").exists()


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        (1, "scores images/a.png maps", "needs a batch, a height and a width"),
        (1, "channels_first images/a.png maps", "return them last"),
        (2, "gray images maps", "has no gray"),
        (2, "grey no maps", "there is no"),
        (2, "grey images model.py", "is a file"),
        (2, "grey images images/maps", "would be taken for images"),
        (2, "grey images maps --batch-size 0", "--batch-size must"),
        (2, "grey images maps --format png", "format must be one of"),
        (2, "grey images maps --random 4", "leave gaps"),
        (2, "grey images maps --split test", "no splits"),
    ],
)
def test_calls_that_are_wrong(code: int, line: str, message: str) -> None:
    assert message in refused(code, f"apply model.py:{line} {TILING}")
    assert not MAPS.exists() or not list(MAPS.glob("*.tif"))
    assert "how large is a tile" in refused(2, "apply model.py:grey images maps")


def test_all_images_are_looked_at_before_the_first_map() -> None:
    Path("images/c.png").write_bytes(b"no image")
    assert "c.png" in refused(1, GREY)
    assert not files(MAPS)
    Path("images/c.png").unlink()
    done(GREY)
    Path("images/c.png").write_bytes(b"no image")
    refused(1, f"{GREY} --overwrite")
    assert files(MAPS) == ["a.tif", "b.tif", NAME]  # the earlier maps stay


def test_maps_are_evaluated() -> None:
    image = np.zeros((32, 32), np.uint8)
    image[8:12, 8:12] = 200
    for name, written in (
        ("test/good/a", image * 0),
        ("test/hole/b", image),
        ("ground_truth/hole/b_mask", image > 0),
    ):
        write(f"part/{name}.png", written)
    done("apply model.py:grey part maps --tile 16 --split test")
    assert "pixel AUROC,1.0" in done("evaluate maps part --csv")
