"""``reftiler apply``: the maps it makes, how it goes on, and what it refuses."""

from __future__ import annotations

import json
from functools import partial
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


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "my_model.py"
    path.write_text(MODEL)
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name, shape in (("a", (40, 70)), ("b", (64, 48, 3))):
        write_image(folder / f"{name}.png", pixels(*shape))
    return folder


def pixels(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(len(shape)).integers(0, 256, shape, np.uint8)


TILING = ("--tile", 16, "--overlap", 4, "--window", "hann")
TILER = Tiler(16, 12, window="hann", channels_last=True)


@pytest.mark.parametrize("file_format", ["tiff", "npy"])
@pytest.mark.parametrize("name", ["grey", "coarse", "classes", "network"])
def test_maps_are_what_apply_makes(
    tmp_path: Path, model: Path, images: Path, name: str, file_format: str
) -> None:
    out, call = tmp_path / "maps", f"{model}:{name}"
    words = done("apply", call, images, out, *TILING, "--format", file_format)
    assert "Wrote 2 maps" in words
    assert ("took ['anomaly_map']" in words) == (name == "coarse")
    suffix = {"tiff": ".tif", "npy": ".npy"}[file_format]
    assert files(out) == [f"a{suffix}", f"b{suffix}", NAME]
    function: Any = load_model(call)
    for image in ("a", "b"):
        given = read_image(images / f"{image}.png")
        want = TILER.apply(partial(chosen, function), given)
        want = want[..., 0] if name == "network" else want
        same_bits(read_image(out / f"{image}{suffix}"), want)


def chosen(function: Any, tiles: NDArray[Any]) -> Any:
    results = function(tiles)
    return results["anomaly_map"] if isinstance(results, dict) else results


@pytest.mark.parametrize(
    ("name", "tiling", "said"),
    [
        ("labels", ("--overlap", 4), True),
        ("labels", ("--border", 2, "--overlap", 4), False),
        ("labels", ("--overlap", 4, "--merge", "mean"), False),
        ("labels", ("--overlap", 4, "--merge", "vote"), False),
        ("grey", ("--overlap", 4), False),
    ],
)
def test_a_mean_of_whole_numbers_is_said(
    tmp_path: Path, model: Path, images: Path, name: str, tiling: Any, said: bool
) -> None:
    words = ("apply", f"{model}:{name}", images, tmp_path / "maps", "--tile", 16)
    assert ("--merge vote" in done(*words, *tiling)) == said


def test_settings_are_recorded(tmp_path: Path, model: Path, images: Path) -> None:
    out = tmp_path / "maps"
    done("apply", f"{model}:grey", images / "a.png", out, *TILING)
    noted = json.loads((out / NAME).read_text())
    assert noted["finished"]
    assert noted["maps"] == ["a.tif"]
    assert Tiler.from_dict(noted["call"]["tiler"]) == TILER
    assert noted["call"]["model"] == f"{model}:grey"
    assert noted["call"]["source"] == str(images / "a.png")


def write_onnx(path: Path, shape: list[Any]) -> None:
    onnx = pytest.importorskip("onnx", reason="needs onnx: pip install onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    given = helper.make_tensor_value_info("tiles", kind, shape)
    made = helper.make_tensor_value_info("map", kind, shape)
    node = helper.make_node("Neg", ["tiles"], ["map"])
    graph = helper.make_graph([node], "negative", [given], [made])
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)


def test_onnx(tmp_path: Path, images: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    network, out = tmp_path / "net.onnx", tmp_path / "maps"
    write_onnx(network, ["batch", 1, 16, 16])
    words = done("apply", network, images / "a.png", out, *TILING)
    assert "divided by their largest value" in words
    given = read_image(images / "a.png")
    want = TILER.apply(
        lambda tiles: -(tiles.astype(np.float32) / np.float32(255)), given
    )
    same_bits(read_image(out / "a.tif"), want)
    message = refused(1, "apply", network, images, tmp_path / "other", *TILING)
    assert "b.png" in message
    assert "takes 1 channels of 16x16" in message
    assert files(tmp_path / "other")[0] == "a.tif"
    write_onnx(network, ["batch", 16, 16])
    message = refused(1, "apply", network, images, tmp_path / "third", *TILING)
    assert "takes an input of 3 axes" in message
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize("ending", ["fail", "stop"])
def test_a_run_that_was_ended_goes_on_in_the_image(
    tmp_path: Path, model: Path, images: Path, ending: str
) -> None:
    out, call = tmp_path / "maps", f"{model}:odd"
    words = ("apply", call, images / "a.png", out, *TILING, "--batch-size", 4)
    (tmp_path / ending).touch()
    if ending == "fail":
        message = refused(1, *words)
        assert "my_model.py:odd raised ValueError: no such surface" in message
        assert "a.png" in message
        assert "in tiles 12 to 15" in message
    else:
        result = run(*words)
        assert result.exit_code == 130
        assert "run it again to go on" in result.stderr
    assert files(out)[-1] == NAME
    assert not json.loads((out / NAME).read_text())["finished"]
    assert not (out / "a.tif").exists()
    (tmp_path / ending).unlink()
    before = len((tmp_path / "calls").read_text().split())
    assert "Wrote 1 map" in done(*words)
    again = len((tmp_path / "calls").read_text().split()) - before
    tiles = len(TILER.grid((40, 70)))
    assert again < -(-tiles // 4)
    assert files(out) == ["a.tif", NAME]
    function: Any = load_model(call)
    same_bits(read_image(out / "a.tif"), TILER.apply(function, pixels(40, 70)))
    assert "Nothing to do" in done(*words)


def test_finished_maps_stay(tmp_path: Path, model: Path, images: Path) -> None:
    out, call = tmp_path / "maps", f"{model}:grey"
    done("apply", call, images, out, *TILING)
    (out / "b.tif").unlink()
    before = (out / "a.tif").stat().st_mtime_ns
    words = done("apply", call, images, out, *TILING)
    assert "1 map had been finished before" in words
    assert (out / "a.tif").stat().st_mtime_ns == before
    write_image(images / "c.png", pixels(20, 20))
    assert "2 maps had been finished" in done("apply", call, images, out, *TILING)
    assert json.loads((out / NAME).read_text())["maps"] == ["a.tif", "b.tif", "c.tif"]


def test_maps_of_images_that_changed_are_made_anew(
    tmp_path: Path, model: Path, images: Path
) -> None:
    out = tmp_path / "maps"
    words = ("apply", f"{model}:grey", images, out, *TILING)
    done(*words)
    before = read_image(out / "a.tif")
    write_image(images / "b.png", pixels(50, 50))
    said = done(*words)
    assert "Wrote 1 map" in said
    assert "b.png" in said
    assert read_image(out / "b.tif").shape == (50, 50)
    same_bits(read_image(out / "a.tif"), before)
    assert "Nothing to do" in done(*words)


def test_no_run_goes_on_in_an_image_that_changed(
    tmp_path: Path, model: Path, images: Path
) -> None:
    out, call = tmp_path / "maps", f"{model}:odd"
    words = ("apply", call, images, out, *TILING, "--batch-size", 4)
    (tmp_path / "fail").touch()
    assert "a.png" in refused(1, *words)
    (tmp_path / "fail").unlink()
    write_image(images / "a.png", 255 - pixels(40, 70))
    done(*words)
    function: Any = load_model(call)
    same_bits(read_image(out / "a.tif"), TILER.apply(function, 255 - pixels(40, 70)))


def test_a_mended_model_runs_where_nothing_was_made(
    tmp_path: Path, model: Path, images: Path
) -> None:
    out, good = tmp_path / "maps", model.read_text()
    model.write_text(good + "\ndef broken(tiles):\n    raise ValueError\n")
    refused(1, "apply", f"{model}:broken", images, out, *TILING)
    assert files(out) == [NAME]
    model.write_text(good + "\ndef broken(tiles):\n    return grey(tiles)\n")
    words = ("apply", f"{model}:broken", images, out, *TILING, "--format", "npy")
    assert "Wrote 2 maps" in done(*words)
    assert files(out) == ["a.npy", "b.npy", NAME]


def test_another_call_is_refused(tmp_path: Path, model: Path, images: Path) -> None:
    out, call = tmp_path / "maps", f"{model}:grey"
    done("apply", call, images, out, *TILING)
    message = refused(2, "apply", call, images, out, "--tile", 20)
    assert "maps of another tiler" in message
    message = refused(2, "apply", f"{model}:network", images, out, *TILING)
    assert "maps of another model" in message
    model.write_text(MODEL.replace("1 - grey", "2 - grey"))
    message = refused(2, "apply", call, images, out, *TILING)
    assert "another model_digest" in message
    words = ("apply", call, images, out, "--tile", 20, "--format", "npy", "--overwrite")
    assert "Wrote 2 maps" in done(*words)
    assert files(out) == ["a.npy", "b.npy", NAME]


def test_nothing_of_others_is_touched(
    tmp_path: Path, model: Path, images: Path
) -> None:
    out, call = tmp_path / "maps", f"{model}:grey"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    for options in ((), ("--overwrite",)):
        message = refused(2, "apply", call, images, out, *TILING, *options)
        assert "is not empty" in message
    assert files(out) == ["mine.txt"]
    assert "is a file" in refused(2, "apply", call, images, out / "mine.txt", *TILING)
    message = refused(2, "apply", call, images, images / "maps", *TILING)
    assert "would be taken for images" in message
    (out / "mine.txt").unlink()
    done("apply", call, images, out, *TILING)
    content = json.loads((out / NAME).read_text())
    content["maps"] = ["../images/a.png"]
    (out / NAME).write_text(json.dumps(content))
    message = refused(1, "apply", call, images, out, *TILING, "--overwrite")
    assert "is damaged" in message
    assert (images / "a.png").exists()


def test_what_cannot_be_merged_is_refused(
    tmp_path: Path, model: Path, images: Path
) -> None:
    out = tmp_path / "maps"
    message = refused(1, "apply", f"{model}:scores", images / "a.png", out, *TILING)
    assert "a.png" in message
    assert "needs a batch, a height and a width" in message
    call = f"{model}:channels_first"
    message = refused(1, "apply", call, images / "a.png", tmp_path / "cf", *TILING)
    assert "return them last" in message
    (images / "c.png").write_bytes(b"no image")
    other = tmp_path / "other"
    message = refused(1, "apply", f"{model}:grey", images, other, *TILING)
    assert "c.png" in message
    assert not files(other)  # all images are looked at before the first map


def test_calls_that_are_wrong(tmp_path: Path, model: Path, images: Path) -> None:
    call, out = f"{model}:grey", tmp_path / "maps"
    for words, options in (
        ("--batch-size must", ("--batch-size", 0)),
        ("format must be one of", ("--format", "png")),
        ("leave gaps", ("--random", 4)),
        ("no splits", ("--split", "test")),
    ):
        assert words in refused(2, "apply", call, images, out, *TILING, *options)
    assert "how large is a tile" in refused(2, "apply", call, images, out)
    assert "there is no" in refused(2, "apply", call, tmp_path / "no", out, *TILING)
    assert "has no gray" in refused(1, "apply", f"{model}:gray", images, out, *TILING)
    assert not out.exists()


def test_maps_are_evaluated(tmp_path: Path, model: Path) -> None:
    image = np.zeros((32, 32), np.uint8)
    image[8:12, 8:12] = 200
    for name, label in (("a", "good"), ("b", "hole")):
        path = tmp_path / "part/test" / label / f"{name}.png"
        path.parent.mkdir(parents=True)
        write_image(path, image if label == "hole" else image * 0)
    truth = tmp_path / "part/ground_truth/hole/b_mask.png"
    truth.parent.mkdir(parents=True)
    write_image(truth, image > 0)
    out = tmp_path / "maps"
    done(
        "apply",
        f"{model}:grey",
        tmp_path / "part",
        out,
        "--tile",
        16,
        "--split",
        "test",
    )
    assert "pixel AUROC,1.0" in done("evaluate", out, tmp_path / "part", "--csv")
