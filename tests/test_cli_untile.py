"""``reftiler untile``: what it puts together, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")


from reftiler import Tiler
from reftiler.atomic import FolderLock, temp_path
from reftiler.io import open_image, open_mask, read_image, write_image
from reftiler.io.metadata import Metadata
from reftiler.tilesets.manifest import NAME
from reftiler.tilesets.results import locked
from reftiler_conformance.compare import same_bits
from tests.command import done, files, refused, run

pytestmark = pytest.mark.usefixtures("part")
TILES, MAPS = Path("tiles"), Path("maps")
PART_TILES = "part_[0-9]*[0-9].*"
PLACED = Metadata(icc_profile=b"p" * 200, transform=(0.5, 0, 100, 0, -0.5, 900))


def change_manifest(change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((TILES / NAME).read_text())
    change(content)
    (TILES / NAME).write_text(json.dumps(content))


def write_maps(model: Callable[[Any], Any]) -> None:
    """Write what a model makes of each tile, as an array called as it is."""
    MAPS.mkdir()
    for path in TILES.glob(PART_TILES):
        np.save(MAPS / f"{path.stem}.npy", model(read_image(path)[None])[0])


def random_image(*shape: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.fixture
def two() -> None:
    """Cut a folder of two images into tiles."""
    Path("scans").mkdir()
    for name in "ab":
        write_image(f"scans/{name}.png", random_image(40, 40))
    done("tile scans tiles --tile 20")


# What is refused


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("tiles part.png", "exists: give another RESULT"),
        ("tiles tiles --overwrite", "among what is read"),
        ("tiles tiles/whole.png --overwrite", "among what is read"),
        ("tiles tiles/part_0000.png --overwrite", "among what is read"),
        *(
            (f"tiles whole.{suffix}", "without loss")
            for suffix in ("gif", "webp", "jp2", "jpg", "npz")
        ),
        ("none whole.png", "no folder"),
        ("tiles w --fill x", "--fill must"),
        ("tiles w --fill 256", "--fill 256 does not fit uint8"),
        ("tiles w --axes ZYX", "--axes must be one of"),
        ("tiles w --scale 0", "above 0"),
        ("tiles w --scale x", "--scale must be"),
        ("tiles w --format jpg", "--format must be one of"),
        ("tiles w --skip-missing", "give --maps too"),
        ("tiles w --maps nowhere", "there is no folder"),
        ("tiles w --size 9x9", "give --pattern too"),
        ("tiles w --masks --merge max", "labels"),
        ("tiles w --masks --maps .", "give it alone"),
        ("tiles w --maps . --pattern {x}_{y}", "without one"),
        ("tiles w --merge median", "merge"),
        ("tiles w --scale 1/2", "give --maps too"),
        ("tiles w --axes CYX", "give --maps too"),
        ("tiles w --masks --scale 1/2", "--scale has no effect on masks"),
        ("tiles w --masks --finish argmax", "--finish has no effect on masks"),
        ("tiles w --masks --axes CYX", "--axes has no effect on masks"),
        ("tiles w --masks --window hann", "--window has no effect on masks"),
        ("tiles w --masks --skip-missing", "give --maps too"),
        ("tiles w --masks --first 1", "give --pattern too"),
        ("tiles w --maps . --tile 9", "give --pattern too"),
        ("tiles w --pattern {x}_{y} --skip-missing", "give --maps too"),
        ("tiles w --pattern {y}_{x:03} --overlap 4", "say where tiles lie"),
        ("tiles w --pattern {x}_{y} --first 1", "say where tiles lie"),
        ("tiles w --pattern {row}_{col} --first 2 --overlap 4", "--first must be one"),
        ("tiles w --border 17", "--border 17 on axis 0"),
    ],
)
def test_bad_calls(line: str, message: str) -> None:
    done("tile part.png tiles --tile 50")
    before = files(".")
    assert message in refused(2, f"untile {line}")
    assert files(".") == before


@pytest.mark.parametrize(
    ("shape", "words", "said"),
    [
        ((16, 16), "--scale 1/4", "--scale 1/2"),
        ((16, 8), "", "give --scale if"),
        ((16, 16), "--border 3", "--border, 3"),
        ((1,), "", "save each as an array"),
    ],
)
def test_messages_name_options(shape: tuple[int, ...], words: str, said: str) -> None:
    done("tile part.png tiles --tile 32 --overlap 16")
    write_maps(lambda _: np.ones((1, *shape), np.float32))
    result = run(f"untile tiles w.npy --maps maps {words}")
    assert result.exit_code in (1, 2)
    assert said in result.stderr


def test_the_result_may_take_the_place_of_the_image() -> None:
    done("tile part.png tiles --tile 50")
    assert "is not a folder" in refused(1, "untile tiles part.png/whole.png")
    Path("part.png").write_bytes(b"")
    done("untile tiles part.png --overwrite")
    assert read_image("part.png").shape == (100, 120, 3)


def test_damaged_folders_are_refused() -> None:
    done("tile part.png tiles --tile 50")
    whole = (TILES / NAME).read_text()
    change_manifest(lambda c: c["images"][0]["tiles"][0].update(file="../part.png"))
    for call in (1, "untile tiles w.png"), (2, "tile part.png tiles -t 20 --overwrite"):
        assert "may lead out of the folder" in refused(*call)
    assert Path("part.png").exists()
    (TILES / NAME).write_text(whole)
    change_manifest(lambda c: c["images"][0]["grid"]["tiler"].update(tile_size=[0, 0]))
    for call in (1, "untile tiles w.png --overwrite"), (2, "tile part.png tiles -t 50"):
        message = refused(*call)
        assert "tile_size" in message
        assert "--tile must" not in message
    (TILES / NAME).write_text(whole)
    (TILES / "part_0003.png").unlink()
    assert "part_0003.png: No such file" in refused(1, "untile tiles w.png")
    assert not Path("w.png").exists()


def test_results_lie_in_their_folder_alone() -> None:
    done("tile part.png tiles --tile 50")
    out, outside = Path("out"), Path("outside")
    outside.mkdir()
    out.mkdir()
    (out / "sub").symlink_to(outside.absolute())
    (out / "link.png").symlink_to(outside.absolute() / "victim.png")
    text = (TILES / NAME).read_text()
    for name in ("sub/part", "link", "../part", "/part", "a/../../part", r"\ud800"):
        (TILES / NAME).write_text(text.replace('"id": "part"', f'"id": "{name}"'))
        result = run("untile tiles out --overwrite")
        assert result.exit_code in (1, 2)
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        assert files(outside) == []
    assert sorted(path.name for path in out.iterdir()) == ["link.png", "sub"]


def test_ids_that_some_disks_take_for_one(two: None) -> None:
    text = (TILES / NAME).read_text()
    for other in ("B", "b"):
        changed = text.replace('"id": "a"', f'"id": "{other}"')
        (TILES / NAME).write_text(changed)
        result = run("untile tiles out")
        assert result.exit_code in (1, 2)
        assert "Traceback" not in result.output
        assert not Path("out").exists()


@pytest.mark.parametrize("stride", [16, 1])
@pytest.mark.parametrize("size", [[10**9, 10**9], [10**9, 1], [1, 10**9]])
def test_manifests_of_huge_images_are_answered_at_once(
    size: list[int], stride: int
) -> None:
    write_image("a.png", np.zeros((40, 40), np.uint8))
    done("tile a.png tiles --tile 16")

    def enlarge(content: dict[str, Any]) -> None:
        (record,) = content["images"]
        record["shape"] = record["grid"]["image_size"] = size
        record["grid"]["tiler"]["stride"] = [stride, stride]
        record["tiles"] = record["tiles"][:1]

    change_manifest(enlarge)
    assert "lie in no tile" in refused(2, "untile tiles whole.npy")
    if min(size) > 1:
        message = refused(2, "untile tiles whole.png --fill 0")
        assert "piece by piece" in message


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
def test_pipes_are_refused_at_once() -> None:
    done("tile part.png tiles --tile 50 --format npy")
    MAPS.mkdir()
    for path in TILES.glob(PART_TILES):
        os.mkfifo(MAPS / path.name)
    placed = "--pattern {id}_{index} --overlap 0 --size 100x120"
    own = TILES / "part_0000.npy"
    own.unlink()
    os.mkfifo(own)
    for call in (
        (1, "untile tiles w.npy --maps maps"),
        (2, f"untile maps w.npy {placed}"),
        (1, "untile tiles w.npy"),
    ):
        assert "not a regular file" in refused(*call)


# Results of models


def half(tiles: Any) -> Any:
    """Return what a model makes of tiles: a score for each two by two pixels."""
    grey = tiles.mean(axis=-1, dtype=np.float32)
    return grey.reshape(len(grey), 16, 2, 16, 2).mean(axis=(2, 4))


def test_maps_of_half_the_size_come_back_as_apply_makes_them() -> None:
    pytest.importorskip("zarr")
    done("tile part.png tiles --tile 32 --overlap 8 --window hann")
    write_maps(half)
    image = read_image("part.png")
    whole = Tiler(32, 24, window="hann", channels_last=True).apply(half, image)
    for name in ("map.npy", "map.tif", "map.zarr", "map.ome.zarr"):
        done(f"untile tiles {name} --maps maps")
        same_bits(read_image(name), whole)
    done("untile tiles merged --maps maps --merge max")
    assert files("merged") == ["part.npy"]
    largest = Tiler(32, 24, merge="max", channels_last=True).apply(half, image)
    same_bits(read_image("merged/part.npy"), largest)
    for line in ("map.png --maps maps", "other --maps maps --format png"):
        assert "float32" in refused(2, f"untile tiles {line}")
    assert not Path("other").exists()
    message = refused(2, "untile tiles maps --maps maps --overwrite")
    assert "would lie among" in message
    assert len(files(MAPS)) == 20


def scores(tiles: Any) -> Any:
    return np.stack([half(tiles), 255 - half(tiles), 0 * half(tiles) + 120], -1)


def test_scores_become_classes_as_they_are_merged() -> None:
    pytest.importorskip("zarr")
    done("tile part.png tiles --tile 32 --overlap 8 --window hann")
    write_maps(scores)
    image = read_image("part.png")
    tiler = Tiler(32, 24, window="hann", channels_last=True)
    classes = tiler.apply(scores, image).argmax(-1).astype(np.uint8)
    line = "--maps maps --finish argmax"
    for name in ("map.png", "map.tif", "map.zarr", "map.ome.zarr"):
        done(f"untile tiles {name} {line}")
        same_bits(read_image(name), classes)
    assert "Put together" in done(f"untile tiles merged {line}")
    assert files("merged") == ["part.npy"]
    assert "Nothing to do" in done(f"untile tiles merged {line}")
    Path("last.py").write_text(
        "def apart(block):\n    return block[..., 1:] - block[..., :1]\n"
        "def leaves(block):\n    raise SystemExit(0)\n"
    )
    done("untile tiles apart.npy --maps maps --finish last.py:apart")
    whole = tiler.apply(scores, image)
    same_bits(read_image("apart.npy"), whole[..., 1:] - whole[..., :1])
    leaves = "untile tiles x.npy --maps maps --finish last.py:leaves"
    assert "last.py:leaves raised SystemExit" in refused(1, leaves)


def test_indices_of_a_palette_are_not_averaged() -> None:
    done("tile part.png tiles --tile 32 --overlap 8")
    MAPS.mkdir()
    colours = Metadata(palette=bytes([0, 0, 0, 250, 3, 4, 9, 8, 99]))

    def classes(batch: Any) -> Any:
        return (batch[..., 0] // 100).astype(np.uint8)

    for path in TILES.glob(PART_TILES):
        write_image(MAPS / path.name, classes(read_image(path)), colours)
    line = "untile tiles classes.png --maps maps"
    assert "--merge vote" in refused(1, line)
    assert "palette" in done(f"{line} --merge max")
    labels = open_mask("classes.png").labels
    same_bits(np.asarray(labels[...]), classes(read_image("part.png")))
    assert labels.info.metadata.palette == colours.palette


# Runs that were ended, and others at work


def test_a_finished_call_finds_itself_done(two: None) -> None:
    message = refused(2, "untile tiles whole.png")
    assert "2 images to put together and one file" in message
    assert "Put together 2 images" in done("untile tiles out")
    assert files("out") == ["a.png", "b.png"]
    first, second = Path("out/a.png"), Path("out/b.png")
    made = first.stat().st_mtime_ns
    assert "Nothing to do, 2 images" in done("untile tiles out")
    second.unlink()
    assert "1 image of these had been finished" in done("untile tiles out")
    assert first.stat().st_mtime_ns == made
    image = read_image(second)
    image[0, 0] ^= 1
    write_image(second, image)
    first.unlink()
    assert "b.png exists" in refused(2, "untile tiles out")
    assert files("out") == ["b.png"]
    done("untile tiles out --overwrite")
    assert "Nothing to do" in done("untile tiles out")


def test_finished_images_stay_when_another_is_damaged(two: None) -> None:
    damaged = TILES / "b_0001.png"
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-30])
    message = refused(1, "untile tiles out")
    assert damaged.name in message
    assert "1 of 2 images are finished and stay" in message
    assert files("out") == ["a.png"]
    damaged.write_bytes(content)
    done("untile tiles out")
    assert files("out") == ["a.png", "b.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise")
def test_what_a_killed_run_left_is_removed() -> None:
    out = Path("out")
    Path("scans").mkdir()
    for name in ("a.npy", "b.npy"):
        write_image(f"scans/{name}", np.ones((2000, 2000), np.uint8))
    done("tile scans tiles --tile 100 --format npy")
    script = [sys.executable, "-m", "reftiler.cli", "untile", "tiles", "out"]
    with subprocess.Popen(script) as process:
        end = time.monotonic() + 60
        while not list(out.glob(".*.tmp")) and time.monotonic() < end:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    temp_path(out / "b.npy").touch()
    assert list(out.glob(".*.tmp"))
    done("untile tiles out")
    assert sorted(path.name for path in out.iterdir()) == ["a.npy", "b.npy"]
    assert (read_image("out/b.npy") == 1).all()
    temp_path(out / "b.png").touch()
    done("untile tiles out --format png")
    assert not list(out.glob(".*"))


def test_what_another_run_writes_is_left_alone() -> None:
    done("tile part.png tiles --tile 50")
    for folder in ("tiles", "out"):
        with FolderLock(Path(folder)):
            assert "another run" in refused(2, "untile tiles out")
    whole = Path("out/whole.tif")
    with locked(whole):
        temporary = temp_path(whole)
        temporary.touch()
        for result in ("out/whole.tif", "out"):
            assert "another run" in refused(2, f"untile tiles {result}")
        assert temporary.exists()
        done("untile tiles out/other.tif")
    done("untile tiles out/whole.tif")
    done("untile tiles folder")
    assert files("out") == ["other.tif", "whole.tif"]
    assert files("folder") == ["part.png"]
    assert not list(TILES.glob(".*"))


# Tiles of other tools


def test_tiles_of_another_tool() -> None:
    image, crops = read_image("part.png"), Path("crops")
    crops.mkdir()
    for y in range(0, 100, 40):
        for x in range(0, 120, 40):
            write_image(crops / f"a_{x:03d}_{y}.png", image[y : y + 40, x : x + 40])
    line = "untile crops whole.png --pattern {id}_{x}_{y}.png"
    assert "note" not in done(f"{line} --size 100x120")
    same_bits(read_image("whole.png"), image)
    for x in range(0, 120, 40):
        (crops / f"a_{x:03d}_80.png").unlink()
    (crops / "readme.txt").touch()
    said = done(f"{line} --overwrite")
    assert "80x120" in said
    assert "1 file (readme.txt)" in said
    assert "lie in no tile" in refused(2, f"{line} --size 90x120 --overwrite")
    done(f"{line} --size 90x120 --overwrite --fill 9")
    assert (read_image("whole.png")[80:] == 9).all()


def test_tiles_of_another_tool_keep_what_their_files_say() -> None:
    image, crops = random_image(60, 60, 4), Path("crops")
    crops.mkdir()
    for y, x in ((0, 20), (20, 0), (40, 20), (40, 40), (20, 20), (20, 40), (0, 40)):
        tile = image[y : y + 20, x : x + 20]
        write_image(crops / f"{x}_{y}.tif", tile, PLACED.cropped(y, x), alpha=True)
    line = "untile crops w.tif --pattern {x}_{y} --size 60x60 --fill 0"
    assert "differ" not in done(line)
    info = open_image("w.tif").info
    assert info.metadata.transform == PLACED.transform
    assert info.metadata.icc_profile == PLACED.icc_profile
    assert info.alpha
    write_image(crops / "40_40.tif", image[40:, 40:], PLACED, alpha=True)
    assert "does not keep transform" in done(f"{line} --overwrite")
    assert open_image("w.tif").info.metadata.transform is None


# What is kept, and what is lost


def test_what_formats_lose_is_said() -> None:
    image = np.arange(64 * 48 * 3, dtype=np.uint8).reshape(64, 48, 3)
    write_image("a.tif", image, PLACED)
    done("tile a.tif tiles --tile 32 --format tiff")
    change_manifest(lambda c: c["images"][0].update(metadata=PLACED.to_dict()))
    assert "note" not in done("untile tiles b.tif")
    kept = open_image("b.tif").info.metadata
    assert (kept.icc_profile, kept.transform) == (PLACED.icc_profile, PLACED.transform)
    said = done("untile tiles b.npy")
    assert "the coordinates" in said
    assert "ICC" in said
    MAPS.mkdir()
    for path in TILES.glob("*.tif"):
        np.save(MAPS / f"{path.stem}.npy", np.zeros((8, 8), np.float32))
    done("untile tiles map.tif --maps maps")
    scaled = open_image("map.tif").info.metadata
    assert scaled.transform == (2.0, 0.0, 100.0, 0.0, -2.0, 900.0)
    assert scaled.icc_profile is None


def test_marks_of_tiles_that_were_left_out_are_not_forgotten() -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[:20, :20] = labels[40, 40] = 255
    write_image("a.png", np.ones((64, 64), np.uint8))
    write_image("a_mask.png", labels > 0)
    done("tile a.png fifty --tile 32 --skip-empty --min-marked 50")
    line = "untile fifty mask.png --masks"
    assert "fewer than 50 marked pixels were left out" in refused(2, line)
    assert not Path("mask.png").exists()
    done(f"{line} --fill 0")
    assert np.count_nonzero(open_mask("mask.png")[:, :]) == 400
    done("tile a.png all --tile 32 --skip-empty")
    done("untile all mask.png --masks --overwrite")
    assert np.array_equal(open_mask("mask.png")[:, :], labels > 0)
    done("tile a.png some --tile 32 --skip-empty --random 1")
    assert "no tile was cut there" in refused(2, "untile some some.png --masks")


def test_void_pixels_of_tiles_that_were_left_out_are_not_forgotten() -> None:
    image_module = pytest.importorskip("PIL.Image")
    labels = np.zeros((64, 64), np.uint8)
    labels[:20, :20], labels[40:50, 40:50] = 3, 255
    mask = image_module.fromarray(labels)
    mask.putpalette([n * 7 % 256 for n in range(768)])
    write_image("a.png", np.ones((64, 64), np.uint8))
    mask.save("a_mask.png")
    done("tile a.png tiles --tile 32 --skip-empty")
    assert "void pixels (255)" in refused(2, "untile tiles mask.png --masks")
    done("untile tiles mask.png --masks --fill 255")


def test_four_channels_are_alpha_where_the_image_said_so() -> None:
    image = random_image(40, 40, 4)
    write_image("a.png", image, alpha=True)
    np.save("b.npy", image)
    for name in "ab":
        source = "a.png" if name == "a" else "b.npy"
        done(f"tile {source} {name} --tile 32 --format npy")
    for name in ("a.tif", "c.png"):
        done(f"untile a {name}")
        assert open_image(name).info.alpha
        same_bits(read_image(name), image)
    MAPS.mkdir()
    for path in Path("b").glob("b_*.npy"):
        np.save(MAPS / path.name, np.load(path))
    for out, words in (("one", ""), ("two", "--maps maps")):
        assert "for alpha" in refused(2, f"untile b d.png {words}")
        assert "for alpha" in refused(2, f"untile b {out} --format png {words}")
        done(f"untile b {out} {words}")
        same_bits(read_image(f"{out}/b.npy"), image)
