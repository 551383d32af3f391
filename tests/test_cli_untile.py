"""``reftiler untile``: what it puts together, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
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
from reftiler.samples import write_dataset
from reftiler.tilesets.manifest import NAME
from reftiler.tilesets.results import locked
from reftiler_conformance.compare import same_bits
from tests.command import done, files, refused, run
from tests.folders import write_part


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample") / "brick"
    write_dataset(root, max_good=2)
    return root


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return write_part(tmp_path)


def test_untile_refuses_what_is_in_the_way(tmp_path: Path, part: Path) -> None:
    tiles = tmp_path / "tiles"
    done("tile", part, tiles, "--tile", 50)
    assert "exists: give another RESULT" in refused(2, "untile", tiles, part)
    for name in (tiles, tiles / "whole.png", tiles / "part_0000.png"):
        assert "among what is read" in refused(2, "untile", tiles, name, "--overwrite")
    message = refused(2, "untile", tiles, tmp_path / "whole.jpg")
    assert "without loss" in message
    message = refused(1, "untile", tiles, part / "whole.png")
    assert "is not a folder" in message
    assert "--fill must" in refused(2, "untile", tiles, tmp_path / "w", "--fill", "x")
    message = refused(2, "untile", tiles, tmp_path / "w", "--fill", 256)
    assert "--fill 256 does not fit uint8" in message
    part.write_bytes(b"")
    done("untile", tiles, part, "--overwrite")
    assert read_image(part).shape == (100, 120, 3)


def test_several_images_need_a_folder(tmp_path: Path, dataset: Path) -> None:
    done("tile", dataset / "test" / "spot", tmp_path / "tiles", "--tile", 512)
    message = refused(2, "untile", tmp_path / "tiles", tmp_path / "whole.png")
    assert "2 images to put together and one file" in message
    done("untile", tmp_path / "tiles", tmp_path / "back")
    assert files(tmp_path / "back") == ["test/spot/000.png", "test/spot/001.png"]


def test_untile_refuses_damaged_folders(tmp_path: Path, part: Path) -> None:
    tiles = tmp_path / "tiles"
    done("tile", part, tiles, "--tile", 50)
    content = json.loads((tiles / NAME).read_text())
    content["images"][0]["tiles"][0]["file"] = "../part.png"
    (tiles / NAME).write_text(json.dumps(content))
    message = refused(1, "untile", tiles, tmp_path / "whole.png")
    assert "may lead out of the folder" in message
    message = refused(2, "tile", part, tiles, "--tile", 20, "--overwrite")
    assert "may lead out of the folder" in message
    assert part.exists()
    content["images"][0]["tiles"][0]["file"] = "part_0000.png"
    (tiles / NAME).write_text(json.dumps(content))
    (tiles / "part_0003.png").unlink()
    message = refused(1, "untile", tiles, tmp_path / "whole.png")
    assert "part_0003.png: No such file" in message
    assert not (tmp_path / "whole.png").exists()


def half(tiles: Any) -> Any:
    """Return what a model makes of tiles: a score for each two by two pixels."""
    grey = tiles.mean(axis=-1, dtype=np.float32)
    return grey.reshape(len(grey), 16, 2, 16, 2).mean(axis=(2, 4))


def write_maps(tiles: Path, maps: Path) -> None:
    maps.mkdir()
    for path in tiles.glob("part_[0-9]*.png"):
        if not path.stem.endswith("mask"):
            np.save(maps / f"{path.stem}.npy", half(read_image(path)[None])[0])


def test_maps_of_half_the_size_come_back_as_apply_makes_them(
    tmp_path: Path, part: Path
) -> None:
    tiles, maps = tmp_path / "tiles", tmp_path / "maps"
    done("tile", part, tiles, "--tile", 32, "--overlap", 8, "--window", "hann")
    write_maps(tiles, maps)
    whole = Tiler(32, 24, window="hann", channels_last=True).apply(
        half, read_image(part)
    )
    for name in ("map.npy", "map.tif", "map.zarr", "map.ome.zarr"):
        if name.endswith("zarr"):
            pytest.importorskip("zarr")
        done("untile", tiles, tmp_path / name, "--maps", maps)
        same_bits(read_image(tmp_path / name), whole)
    said = done("untile", tiles, tmp_path / "merged", "--maps", maps, "--merge", "max")
    assert "Put together 1 image" in said
    assert files(tmp_path / "merged") == ["part.npy"]
    largest = Tiler(32, 24, merge="max", channels_last=True)
    same_bits(
        read_image(tmp_path / "merged" / "part.npy"),
        largest.apply(half, read_image(part)),
    )
    message = refused(2, "untile", tiles, tmp_path / "map.png", "--maps", maps)
    assert "float32" in message
    assert "--format" in message
    words = ("untile", tiles, tmp_path / "other", "--maps", maps, "--format", "png")
    assert "float32" in refused(2, *words)
    assert not (tmp_path / "other").exists()
    message = refused(2, "untile", tiles, maps, "--maps", maps, "--overwrite")
    assert "would lie among" in message
    assert len(files(maps)) == 20


def test_indices_of_a_palette_are_not_averaged(tmp_path: Path, part: Path) -> None:
    tiles, maps = tmp_path / "tiles", tmp_path / "maps"
    done("tile", part, tiles, "--tile", 32, "--overlap", 8)
    maps.mkdir()
    colours = Metadata(palette=bytes([0, 0, 0, 250, 3, 4, 9, 8, 99]))

    def classes(batch: Any) -> Any:
        return (batch[..., 0] // 100).astype(np.uint8)

    for path in tiles.glob("part_[0-9]*[0-9].png"):
        write_image(maps / path.name, classes(read_image(path)), colours)
    words = ("untile", tiles, tmp_path / "classes.png", "--maps", maps)
    assert "--merge vote" in refused(1, *words)
    assert "palette" in done(*words, "--merge", "max")
    labels = open_mask(tmp_path / "classes.png").labels
    same_bits(np.asarray(labels[...]), classes(read_image(part)))
    assert labels.info.metadata.palette == colours.palette


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--axes ZYX", "--axes must be one of"),
        ("--scale 0", "above 0"),
        ("--scale x", "--scale must be"),
        ("--format jpg", "--format must be one of"),
        ("--skip-missing", "give --maps too"),
        ("--maps nowhere", "there is no folder"),
        ("--size 9x9", "give --pattern too"),
        ("--masks --merge max", "labels"),
        ("--masks --maps .", "give it alone"),
        ("--maps . --pattern {x}_{y}", "without one"),
        ("--merge median", "merge"),
        ("--scale 1/2", "give --maps too"),
        ("--axes CYX", "give --maps too"),
        ("--masks --scale 1/2", "--scale has no effect on masks"),
        ("--masks --axes CYX", "--axes has no effect on masks"),
        ("--masks --window hann", "--window has no effect on masks"),
        ("--masks --skip-missing", "give --maps too"),
        ("--masks --first 1", "give --pattern too"),
        ("--maps . --tile 9", "give --pattern too"),
        ("--pattern {x}_{y} --skip-missing", "give --maps too"),
        ("--pattern {y}_{x:03} --overlap 4", "say where tiles lie"),
        ("--pattern {x}_{y} --first 1", "say where tiles lie"),
        ("--pattern {row}_{col} --first 2 --overlap 4", "--first must be one of"),
        ("--border 17", "--border 17 on axis 0"),
    ],
)
def test_bad_calls(
    tmp_path: Path,
    part: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done("tile", part, "tiles", "--tile", 50)
    assert message in refused(2, "untile", "tiles", "whole.png", *words.split())
    assert not (tmp_path / "whole.png").exists()


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".jp2", ".jpg", ".npz"])
def test_no_folder_is_called_as_a_picture(
    tmp_path: Path, part: Path, suffix: str
) -> None:
    done("tile", part, tmp_path / "tiles", "--tile", 50)
    result = tmp_path / f"whole{suffix}"
    assert "without loss" in refused(2, "untile", tmp_path / "tiles", result)
    assert not result.exists()


def test_a_finished_call_finds_itself_done(tmp_path: Path, dataset: Path) -> None:
    tiles, out = tmp_path / "tiles", tmp_path / "out"
    done("tile", dataset / "test" / "spot", tiles, "--tile", 512)
    assert "Put together 2 images" in done("untile", tiles, out)
    made = {name: (out / name).stat().st_mtime_ns for name in files(out)}
    assert "Nothing to do, 2 images" in done("untile", tiles, out)
    (out / "test" / "spot" / "001.png").unlink()
    assert "1 image of these had been finished" in done("untile", tiles, out)
    first = out / "test" / "spot" / "000.png"
    assert first.stat().st_mtime_ns == made[first.relative_to(out).as_posix()]
    image = read_image(out / "test" / "spot" / "001.png")
    image[0, 0] ^= 1
    write_image(out / "test" / "spot" / "001.png", image)
    (out / "test" / "spot" / "000.png").unlink()
    message = refused(2, "untile", tiles, out)
    assert "001.png exists" in message
    assert files(out) == ["test/spot/001.png"]
    done("untile", tiles, out, "--overwrite")
    assert "Nothing to do" in done("untile", tiles, out)


def test_finished_images_stay_when_another_is_damaged(
    tmp_path: Path, dataset: Path
) -> None:
    tiles, out = tmp_path / "tiles", tmp_path / "out"
    done("tile", dataset / "test" / "spot", tiles, "--tile", 512)
    damaged = next(path for path in tiles.rglob("001_*.png") if "mask" not in path.name)
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-30])
    message = refused(1, "untile", tiles, out)
    assert damaged.name in message
    assert "1 of 2 images are finished and stay" in message
    assert files(out) == ["test/spot/000.png"]
    damaged.write_bytes(content)
    done("untile", tiles, out)
    assert files(out) == ["test/spot/000.png", "test/spot/001.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise")
def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    for name in ("a.npy", "b.npy"):
        write_image(tmp_path / "scans" / name, np.ones((2000, 2000), np.uint8))
    tiles, out = tmp_path / "tiles", tmp_path / "out"
    done("tile", tmp_path / "scans", tiles, "--tile", 100, "--format", "npy")
    script = [sys.executable, "-m", "reftiler.cli", "untile", str(tiles), str(out)]
    with subprocess.Popen(script) as process:
        end = time.monotonic() + 60
        while not list(out.glob(".*.tmp")) and time.monotonic() < end:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    temp_path(out / "b.npy").touch()
    assert list(out.glob(".*.tmp"))
    done("untile", tiles, out)
    assert sorted(path.name for path in out.iterdir()) == ["a.npy", "b.npy"]
    assert (read_image(out / "b.npy") == 1).all()
    temp_path(out / "b.png").touch()
    done("untile", tiles, out, "--format", "png")
    assert not list(out.glob(".*"))


def test_results_lie_in_their_folder_alone(tmp_path: Path, part: Path) -> None:
    tiles, out, outside = tmp_path / "tiles", tmp_path / "out", tmp_path / "outside"
    done("tile", part, tiles, "--tile", 50)
    outside.mkdir()
    out.mkdir()
    (out / "sub").symlink_to(outside)
    (out / "link.png").symlink_to(outside / "victim.png")
    text = (tiles / NAME).read_text()
    for name in ("sub/part", "link", "../part", "/part", "a/../../part", r"\ud800"):
        (tiles / NAME).write_text(text.replace('"id": "part"', f'"id": "{name}"'))
        result = run("untile", tiles, out, "--overwrite")
        assert result.exit_code in (1, 2)
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        assert files(outside) == []
    assert sorted(path.name for path in out.iterdir()) == ["link.png", "sub"]


def test_ids_that_some_disks_take_for_one(tmp_path: Path, dataset: Path) -> None:
    tiles = tmp_path / "tiles"
    done("tile", dataset / "test" / "spot", tiles, "--tile", 512)
    text = (tiles / NAME).read_text()
    for other in ("TEST/Spot/000", "test/spot/000"):
        changed = text.replace('"id": "test/spot/001"', f'"id": "{other}"')
        (tiles / NAME).write_text(changed)
        result = run("untile", tiles, tmp_path / "out")
        assert result.exit_code in (1, 2)
        assert "Traceback" not in result.output
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stride", [16, 1])
@pytest.mark.parametrize("size", [(10**9, 10**9), (10**9, 1), (1, 10**9)])
def test_manifests_of_huge_images_are_answered_at_once(
    tmp_path: Path, size: tuple[int, int], stride: int
) -> None:
    write_image(tmp_path / "a.png", np.zeros((40, 40), np.uint8))
    tiles = tmp_path / "tiles"
    done("tile", tmp_path / "a.png", tiles, "--tile", 16)
    content = json.loads((tiles / NAME).read_text())
    (record,) = content["images"]
    record["shape"] = record["grid"]["image_size"] = list(size)
    record["grid"]["tiler"]["stride"] = [stride, stride]
    record["tiles"] = record["tiles"][:1]
    (tiles / NAME).write_text(json.dumps(content))
    message = refused(2, "untile", tiles, tmp_path / "whole.npy")
    assert "lie in no tile" in message
    if min(size) > 1:
        message = refused(2, "untile", tiles, tmp_path / "whole.png", "--fill", 0)
        assert "piece by piece" in message


def test_tiles_that_lost_a_chunk_are_no_zeros(tmp_path: Path, part: Path) -> None:
    pytest.importorskip("zarr")
    tiles = tmp_path / "tiles"
    done("tile", part, tiles, "--tile", 50, "--format", "zarr")
    array = tiles / "part.zarr"
    chunks = [p for p in array.rglob("*") if p.is_file() and p.suffix != ".json"]
    assert len(chunks) == 6
    sorted(chunks)[4].unlink()
    message = refused(1, "untile", tiles, tmp_path / "whole.npy")
    assert "lacks the chunks of 1 of its 6 tiles (4)" in message
    assert not (tmp_path / "whole.npy").exists()


def test_a_folder_that_another_run_writes_is_left_alone(
    tmp_path: Path, part: Path
) -> None:
    tiles, out = tmp_path / "tiles", tmp_path / "out"
    done("tile", part, tiles, "--tile", 50)
    for folder in (tiles, out):
        with FolderLock(folder):
            assert "another run" in refused(2, "untile", tiles, out)
    done("untile", tiles, out)
    assert files(out) == ["part.png"]
    assert not list(tiles.glob(".*"))


def test_tiles_of_another_tool(tmp_path: Path, part: Path) -> None:
    image, crops = read_image(part), tmp_path / "crops"
    crops.mkdir()
    for y in range(0, 100, 40):
        for x in range(0, 120, 40):
            write_image(crops / f"a_{x:03d}_{y}.png", image[y : y + 40, x : x + 40])
    words = ("untile", crops, tmp_path / "whole.png", "--pattern", "{id}_{x}_{y}.png")
    said = done(*words, "--size", "100x120")
    assert "note" not in said
    same_bits(read_image(tmp_path / "whole.png"), image)
    for x in range(0, 120, 40):
        (crops / f"a_{x:03d}_80.png").unlink()
    (crops / "readme.txt").touch()
    said = done(*words, "--overwrite")
    assert "80x120" in said
    assert "1 file (readme.txt)" in said
    assert "lie in no tile" in refused(2, *words, "--size", "90x120", "--overwrite")
    done(*words, "--size", "90x120", "--overwrite", "--fill", 9)
    assert (read_image(tmp_path / "whole.png")[80:] == 9).all()
    assert "no folder" in refused(2, "untile", tmp_path / "none", tmp_path / "x.png")


def test_what_formats_lose_is_said(tmp_path: Path) -> None:
    known = Metadata(icc_profile=b"p" * 200, transform=(0.5, 0, 100, 0, -0.5, 900))
    image = np.arange(64 * 48 * 3, dtype=np.uint8).reshape(64, 48, 3)
    write_image(tmp_path / "a.tif", image, known)
    tiles = tmp_path / "tiles"
    done("tile", tmp_path / "a.tif", tiles, "--tile", 32, "--format", "tiff")
    content = json.loads((tiles / NAME).read_text())
    content["images"][0]["metadata"] = known.to_dict()
    (tiles / NAME).write_text(json.dumps(content))
    assert "note" not in done("untile", tiles, tmp_path / "b.tif")
    kept = open_image(tmp_path / "b.tif").info.metadata
    assert (kept.icc_profile, kept.transform) == (known.icc_profile, known.transform)
    said = done("untile", tiles, tmp_path / "b.npy")
    assert "the coordinates" in said
    assert "ICC" in said
    maps = tmp_path / "maps"
    maps.mkdir()
    for path in tiles.glob("*.tif"):
        np.save(maps / f"{path.stem}.npy", np.zeros((8, 8), np.float32))
    done("untile", tiles, tmp_path / "map.tif", "--maps", maps)
    scaled = open_image(tmp_path / "map.tif").info.metadata
    assert scaled.transform == (2.0, 0.0, 100.0, 0.0, -2.0, 900.0)
    assert scaled.icc_profile is None


def test_marks_of_tiles_that_were_left_out_are_not_forgotten(tmp_path: Path) -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[:20, :20] = labels[40, 40] = 255
    image = tmp_path / "a.png"
    write_image(image, np.ones((64, 64), np.uint8))
    write_image(tmp_path / "a_mask.png", labels > 0)
    cutting = ("tile", image, "--tile", 32, "--skip-empty")
    done(*cutting[:2], tmp_path / "fifty", *cutting[2:], "--min-marked", 50)
    back = tmp_path / "mask.png"
    words = ("untile", tmp_path / "fifty", back, "--masks")
    assert "fewer than 50 marked pixels were left out" in refused(2, *words)
    assert not back.exists()
    done(*words, "--fill", 0)
    assert np.count_nonzero(open_mask(back)[:, :]) == 400
    done(*cutting[:2], tmp_path / "all", *cutting[2:])
    done("untile", tmp_path / "all", back, "--masks", "--overwrite")
    assert np.array_equal(open_mask(back)[:, :], labels > 0)
    done(*cutting[:2], tmp_path / "some", *cutting[2:], "--random", 1)
    words = ("untile", tmp_path / "some", tmp_path / "some.png", "--masks")
    assert "no tile was cut there" in refused(2, *words)


def test_void_pixels_of_tiles_that_were_left_out_are_not_forgotten(
    tmp_path: Path,
) -> None:
    image_module = pytest.importorskip("PIL.Image")
    labels = np.zeros((64, 64), np.uint8)
    labels[:20, :20], labels[40:50, 40:50] = 3, 255
    mask = image_module.fromarray(labels)
    mask.putpalette([n * 7 % 256 for n in range(768)])
    write_image(tmp_path / "a.png", np.ones((64, 64), np.uint8))
    mask.save(tmp_path / "a_mask.png")
    tiles = tmp_path / "tiles"
    done("tile", tmp_path / "a.png", tiles, "--tile", 32, "--skip-empty")
    words = ("untile", tiles, tmp_path / "mask.png", "--masks")
    assert "void pixels (255)" in refused(2, *words)
    done(*words, "--fill", 255)


def test_alpha_is_kept_by_tiles_of_arrays(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 4), np.uint8)
    write_image(tmp_path / "a.png", image, alpha=True)
    tiles = tmp_path / "tiles"
    done("tile", tmp_path / "a.png", tiles, "--tile", 32, "--format", "npy")
    for name in ("b.tif", "b.png"):
        done("untile", tiles, tmp_path / name)
        assert open_image(tmp_path / name).info.alpha
        same_bits(read_image(tmp_path / name), image)


def test_four_channels_are_no_alpha(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 4), np.uint8)
    np.save(tmp_path / "a.npy", image)
    tiles, maps = tmp_path / "tiles", tmp_path / "maps"
    done("tile", tmp_path / "a.npy", tiles, "--tile", 32, "--format", "npy")
    maps.mkdir()
    for path in tiles.glob("a_*.npy"):
        np.save(maps / path.name, np.load(path))
    for words in ((), ("--maps", maps)):
        message = refused(2, "untile", tiles, tmp_path / "b.png", *words)
        assert "for alpha" in message
        out = tmp_path / f"out{len(words)}"
        assert "for alpha" in refused(
            2, "untile", tiles, out, "--format", "png", *words
        )
        done("untile", tiles, out, *words)
        same_bits(read_image(out / "a.npy"), image)


def test_a_file_that_another_run_writes_is_left_alone(
    tmp_path: Path, part: Path
) -> None:
    tiles, whole = tmp_path / "tiles", tmp_path / "out" / "whole.tif"
    done("tile", part, tiles, "--tile", 50)
    with locked(whole):
        temporary = temp_path(whole)
        temporary.touch()
        assert "another run" in refused(2, "untile", tiles, whole)
        assert "another run" in refused(2, "untile", tiles, whole.parent)
        assert temporary.exists()
        done("untile", tiles, whole.with_name("other.tif"))
    done("untile", tiles, whole)
    assert sorted(path.name for path in whole.parent.iterdir()) == [
        "other.tif",
        "whole.tif",
    ]


@pytest.mark.parametrize(
    ("shape", "words", "said", "unsaid"),
    [
        ((16, 16), "--scale 1/4", "--scale 1/2", "Fraction"),
        ((16, 8), "", "give --scale if", "scale="),
        ((16, 16), "--border 3", "--border, 3", "remove_border"),
        ((1,), "", "save each as an array", "broadcast_to"),
    ],
)
def test_messages_name_options(
    tmp_path: Path,
    part: Path,
    shape: tuple[int, ...],
    words: str,
    said: str,
    unsaid: str,
) -> None:
    tiles, maps = tmp_path / "tiles", tmp_path / "maps"
    done("tile", part, tiles, "--tile", 32, "--overlap", 16)
    maps.mkdir()
    for path in tiles.glob("part_[0-9]*[0-9].png"):
        np.save(maps / f"{path.stem}.npy", np.ones(shape, np.float32))
    result = run("untile", tiles, tmp_path / "w.npy", "--maps", maps, *words.split())
    assert result.exit_code in (1, 2)
    assert said in result.stderr
    assert unsaid not in result.stderr


def test_a_damaged_manifest_has_its_own_words(tmp_path: Path, part: Path) -> None:
    tiles = tmp_path / "tiles"
    done("tile", part, tiles, "--tile", 50)
    content = json.loads((tiles / NAME).read_text())
    content["images"][0]["grid"]["tiler"]["tile_size"] = [0, 0]
    (tiles / NAME).write_text(json.dumps(content))
    calls: list[tuple[int, str, Path, Path, str]] = [
        (1, "untile", tiles, tmp_path / "w.png", "--overwrite"),
        (2, "tile", part, tiles, "--tile=50"),
    ]
    for call in calls:
        message = refused(*call)
        assert "tile_size" in message
        assert "--tile must" not in message


def test_tiles_of_another_tool_keep_what_their_files_say(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 60, 4), np.uint8)
    whole = Metadata(icc_profile=b"p" * 200, transform=(0.5, 0, 100, 0, -0.5, 900))
    crops = tmp_path / "crops"
    crops.mkdir()
    for y, x in ((0, 20), (20, 0), (40, 20), (40, 40), (20, 20), (20, 40), (0, 40)):
        tile = image[y : y + 20, x : x + 20]
        name = crops / f"{x}_{y}.tif"
        write_image(name, tile, whole.cropped(y, x), alpha=True)
    result = tmp_path / "w.tif"
    words = ("untile", crops, result, "--pattern", "{x}_{y}", "--size", "60x60")
    assert "differ" not in done(*words, "--fill", 0)
    info = open_image(result).info
    assert info.metadata.transform == whole.transform
    assert info.metadata.icc_profile == whole.icc_profile
    assert info.alpha
    write_image(crops / "40_40.tif", image[40:, 40:], whole, alpha=True)
    assert "does not keep transform" in done(*words, "--fill", 0, "--overwrite")
    assert open_image(result).info.metadata.transform is None


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
def test_pipes_are_refused_at_once(tmp_path: Path, part: Path) -> None:
    tiles, maps = tmp_path / "tiles", tmp_path / "maps"
    done("tile", part, tiles, "--tile", 50, "--format", "npy")
    maps.mkdir()
    for path in tiles.glob("part_[0-9]*[0-9].npy"):
        os.mkfifo(maps / path.name)
    placed = ("--overlap", "0", "--size", "100x120")
    calls: list[tuple[str | Path, ...]] = [
        ("untile", tiles, tmp_path / "w.npy", "--maps", maps),
        ("untile", maps, tmp_path / "w.npy", "--pattern", "{id}_{index}", *placed),
    ]
    for call in calls:
        assert "not a regular file" in refused(2 if call[1] is maps else 1, *call)
    own = tiles / "part_0000.npy"
    own.unlink()
    os.mkfifo(own)
    assert "not a regular file" in refused(1, "untile", tiles, tmp_path / "w.npy")
