"""``reftiler apply --where``: only tiles that hold a marked pixel are computed."""

from __future__ import annotations

import json
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
from reftiler_conformance.compare import same_bits
from tests.command import done, files, refused

MODEL = """
from pathlib import Path

import numpy as np

here = Path(__file__).parent


def count(tiles):
    with (here / "calls").open("a") as file:
        file.write("tile\\n" * len(tiles))
    if (here / "stop").exists() and tiles_so_far() > 5:
        raise ValueError("no such surface")
    return tiles.astype(np.float32) + 1


def tiles_so_far():
    return len((here / "calls").read_text().split())
"""
SIZE = (40, 70)
TILING = ("--tile", 16, "--overlap", 4)
TILER = Tiler(16, 12, channels_last=True, fill=0)


@pytest.fixture
def call(tmp_path: Path) -> str:
    path = tmp_path / "counting_model.py"
    path.write_text(MODEL)
    return f"{path}:count"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        write_file(tmp_path / f"images/{name}.png", picture(name))
    return tmp_path / "images"


def picture(name: str) -> NDArray[np.uint8]:
    return np.random.default_rng(ord(name)).integers(0, 256, SIZE, np.uint8)


def mask_of(*boxes: tuple[slice, slice]) -> NDArray[np.bool_]:
    mask = np.zeros(SIZE, bool)
    for box in boxes:
        mask[box] = True
    return mask


MASKS = {
    "a": mask_of((slice(13, 15), slice(0, 3)), (slice(39, 40), slice(69, 70))),
    "b": mask_of((slice(20, 30), slice(30, 50))),
}


def write_file(path: Path, array: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, array)


def computed(tmp_path: Path) -> int:
    return len((tmp_path / "calls").read_text().split())


def want(name: str, tiler: Tiler = TILER) -> NDArray[Any]:
    def model(tiles: NDArray[Any]) -> NDArray[Any]:
        return tiles.astype(np.float32) + 1

    found: NDArray[Any] = tiler.apply(model, picture(name), where=MASKS[name])
    return found


@pytest.mark.parametrize(
    ("names", "where"),
    [
        ("regions/{}.png", "regions"),
        ("regions/deep/er/{}_mask.tif", "regions"),
        ("regions/{}_roi.png", "../regions/{stem}_roi.png"),
        ("images/{}_roi.png", "{stem}_roi"),
    ],
)
def test_masks_of_a_folder_or_a_pattern(
    tmp_path: Path, call: str, images: Path, names: str, where: str
) -> None:
    for name, mask in MASKS.items():
        write_file(tmp_path / names.format(name), mask)
    given = where if "{" in where else tmp_path / where
    words = ("apply", call, images, tmp_path / "maps", *TILING, "--where", given)
    assert "are 0: --fill" in done(*words)
    assert files(tmp_path / "maps") == ["a.tif", "b.tif", NAME]
    grid = TILER.grid(SIZE)
    marked = sum(len(grid.touching(mask)) for mask in MASKS.values())
    assert computed(tmp_path) == marked < 2 * len(grid)
    for name in MASKS:
        same_bits(read_image(tmp_path / f"maps/{name}.tif"), want(name))
    assert "Nothing to do" in done(*words)


@pytest.mark.parametrize(
    "settings",
    [
        {"mode": "clamp", "merge": "max"},
        {"mode": "interpolation"},
        {"context": 3, "pad_side": "both", "window": "hann"},
    ],
)
def test_settings(
    tmp_path: Path, call: str, images: Path, settings: dict[str, Any]
) -> None:
    for name, mask in MASKS.items():
        write_file(tmp_path / f"regions/{name}.png", mask)
    options = [f"--{key.replace('_', '-')}={value}" for key, value in settings.items()]
    words = ("--where", tmp_path / "regions", "--fill", "nan")
    said = done("apply", call, images, tmp_path / "maps", *TILING, *options, *words)
    assert "--fill says otherwise" not in said
    tiler = Tiler(16, 12, channels_last=True, fill=np.nan, **settings)
    for name in MASKS:
        found = read_image(tmp_path / f"maps/{name}.tif")
        assert np.isnan(found).any()
        same_bits(found, want(name, tiler), nan="any")


def test_masks_of_a_data_set(tmp_path: Path, call: str) -> None:
    for label in ("good", "hole"):
        write_file(tmp_path / f"set/test/{label}/000.png", picture("a"))
        write_file(tmp_path / f"regions/{label}/000.png", MASKS["a"])
    write_file(tmp_path / "set/train/good/000.png", picture("b"))
    write_file(tmp_path / "set/ground_truth/hole/000_mask.png", MASKS["b"])
    for where in (tmp_path / "regions", "../regions/{label}/{stem}.png"):
        out = tmp_path / f"maps{len(str(where))}"
        words = ("--split", "test", "--where", where)
        done("apply", call, tmp_path / "set", out, *TILING, *words)
        assert files(out) == [NAME, "test/good/000.tif", "test/hole/000.tif"]
        same_bits(read_image(out / "test/hole/000.tif"), want("a"))


def test_masks_among_the_images(tmp_path: Path, call: str, images: Path) -> None:
    for name, mask in MASKS.items():
        write_file(images / f"regions/{name}_gt.png", mask)
    words = ("--recursive", "--mask-pattern", "none", "--where", images / "regions")
    done("apply", call, images, tmp_path / "maps", *TILING, *words)
    assert files(tmp_path / "maps") == ["a.tif", "b.tif", NAME]


def test_images_on_which_nothing_is_marked_get_no_map(
    tmp_path: Path, call: str, images: Path
) -> None:
    masks, out = tmp_path / "regions", tmp_path / "maps"
    write_file(masks / "a.png", MASKS["a"])
    write_file(masks / "b.png", mask_of())
    words = ("apply", call, images, out, *TILING, "--where", masks)
    said = done(*words)
    assert "Wrote 1 map" in said
    assert "no map of 1 image" in said
    assert "b.png" in said
    assert json.loads((out / NAME).read_text())["maps"] == ["a.tif"]
    write_file(masks / "b.png", MASKS["b"])
    assert "1 map had been finished" in done(*words)
    same_bits(read_image(out / "b.tif"), want("b"))
    write_file(masks / "a.png", mask_of())
    done(*words)
    assert files(out) == ["b.tif", NAME]


def test_maps_of_masks_that_changed_are_made_anew(
    tmp_path: Path, call: str, images: Path
) -> None:
    masks, out = tmp_path / "regions", tmp_path / "maps"
    words = ("apply", call, images / "b.png", out, *TILING, "--where", masks)
    write_file(masks / "b.png", MASKS["a"])
    done(*words)
    write_file(masks / "b.png", MASKS["b"])
    assert "Wrote 1 map" in done(*words)
    same_bits(read_image(out / "b.tif"), want("b"))


def test_a_run_that_was_ended_goes_on(tmp_path: Path, call: str, images: Path) -> None:
    write_file(tmp_path / "regions/b.png", MASKS["b"])
    where = ("--where", tmp_path / "regions", "--batch-size", 2)
    words = ("apply", call, images / "b.png", tmp_path / "maps", *TILING, *where)
    (tmp_path / "stop").touch()
    assert "no such surface" in refused(1, *words)
    (tmp_path / "stop").unlink()
    before = computed(tmp_path)
    done(*words)
    marked = len(TILER.grid(SIZE).touching(MASKS["b"]))
    assert computed(tmp_path) - before == marked - 2  # the first batch tells the form
    same_bits(read_image(tmp_path / "maps/b.tif"), want("b"))


def test_another_where_is_another_call(tmp_path: Path, call: str, images: Path) -> None:
    for name, mask in MASKS.items():
        write_file(tmp_path / f"one/{name}.png", mask.astype(np.uint8) * 9)
        write_file(tmp_path / f"two/{name}.png", ~mask)
    words = ("apply", call, images, tmp_path / "maps", *TILING, "--fill", 0)
    done(*words, "--where", tmp_path / "one")
    assert "another where" in refused(2, *words, "--where", tmp_path / "two")
    assert "another where" in refused(2, *words)
    again = (*words, "--where", tmp_path / "one", "--mask-threshold", 10)
    assert "another mask_threshold" in refused(2, *again)
    assert "Wrote 2 maps" in done(*words, "--where", tmp_path / "two", "--overwrite")


def test_masks_that_do_not_fit_are_refused(
    tmp_path: Path, call: str, images: Path
) -> None:
    masks, out = tmp_path / "regions", tmp_path / "maps"
    words = ("apply", call, images, out, *TILING, "--where")
    assert "there are no masks" in refused(2, *words, masks)
    both = ("{stem}_roi", "--mask-pattern", "{stem}_mask")
    assert "leave out --mask-pattern" in refused(2, *words, *both)
    write_file(masks / "a.png", MASKS["a"])
    message = refused(1, *words, masks)
    assert "no mask for 1 of 2 images" in message
    assert "b.png" in message
    write_file(masks / "b.png", MASKS["b"][1:])
    message = refused(1, *words, masks)
    assert "size" in message
    assert "b.png" in message
    write_file(masks / "b.png", mask_of())
    write_file(masks / "a.png", mask_of())
    assert "marks no pixel" in refused(1, *words, masks)
    write_file(masks / "a_mask.png", MASKS["a"])
    assert "2 masks" in refused(1, *words, masks)
    assert "no mask for 2 of 2" in refused(1, *words, images)  # not of themselves
    assert not files(out)


def test_earlier_maps_stay_where_no_new_ones_can_be_made(
    tmp_path: Path, call: str, images: Path
) -> None:
    out = tmp_path / "maps"
    done("apply", call, images, out, *TILING)
    (images / "c.png").write_bytes(b"no image")
    refused(1, "apply", call, images, out, *TILING, "--overwrite")
    assert files(out) == ["a.tif", "b.tif", NAME]
