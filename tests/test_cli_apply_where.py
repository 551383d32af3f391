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
from reftiler.io import read_image
from reftiler_conformance.compare import same_bits
from tests.command import done, files, refused
from tests.folders import write

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
LINE = "apply model.py:count images maps --tile 16 --overlap 4"
TILER = Tiler(16, 12, channels_last=True, fill=0)
MAPS = Path("maps")


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


@pytest.fixture(autouse=True)
def inputs(work: Path) -> None:
    Path("model.py").write_text(MODEL)
    for name in "ab":
        write(f"images/{name}.png", picture(name))


def write_masks(form: str = "regions/{}.png") -> None:
    for name, mask in MASKS.items():
        write(form.format(name), mask)


def computed() -> int:
    return len(Path("calls").read_text().split())


def want(name: str, tiler: Tiler = TILER) -> NDArray[Any]:
    def model(tiles: NDArray[Any]) -> NDArray[Any]:
        return tiles.astype(np.float32) + 1

    found: NDArray[Any] = tiler.apply(model, picture(name), where=MASKS[name])
    return found


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("regions/{}.png", "--where regions"),
        ("regions/deep/er/{}_mask.tif", "--where regions"),
        ("regions/{}_roi.png", "--where ../regions/{stem}_roi.png"),
        ("images/{}_roi.png", "--where {stem}_roi"),
        (
            "images/regions/{}_gt.png",
            "--where images/regions --recursive --mask-pattern none",
        ),
    ],
)
def test_masks_of_a_folder_or_a_pattern(names: str, words: str) -> None:
    write_masks(names)
    assert "are 0: --fill" in done(f"{LINE} {words}")
    assert files(MAPS) == ["a.tif", "b.tif", NAME]
    grid = TILER.grid(SIZE)
    marked = sum(len(grid.touching(mask)) for mask in MASKS.values())
    assert computed() == marked < 2 * len(grid)
    for name in MASKS:
        same_bits(read_image(f"maps/{name}.tif"), want(name))
    assert "Nothing to do" in done(f"{LINE} {words}")


@pytest.mark.parametrize(
    "settings",
    [
        {"mode": "clamp", "merge": "max"},
        {"mode": "interpolation"},
        {"context": 3, "pad_side": "both", "window": "hann"},
    ],
)
def test_settings(settings: dict[str, Any]) -> None:
    write_masks()
    options = [f"--{key.replace('_', '-')}={value}" for key, value in settings.items()]
    said = done(f"{LINE} --where regions --fill nan", *options)
    assert "--fill says otherwise" not in said
    tiler = Tiler(16, 12, channels_last=True, fill=np.nan, **settings)
    for name in MASKS:
        found = read_image(f"maps/{name}.tif")
        assert np.isnan(found).any()
        same_bits(found, want(name, tiler), nan="any")


def test_masks_of_a_data_set() -> None:
    for label in ("good", "hole"):
        write(f"set/test/{label}/000.png", picture("a"))
        write(f"regions/{label}/000.png", MASKS["a"])
    write("set/train/good/000.png", picture("b"))
    write("set/ground_truth/hole/000_mask.png", MASKS["b"])
    for out, where in (("one", "regions"), ("two", "../regions/{label}/{stem}.png")):
        line = LINE.replace("images maps", f"set {out}")
        done(f"{line} --split test --where {where}")
        assert files(out) == [NAME, "test/good/000.tif", "test/hole/000.tif"]
        same_bits(read_image(f"{out}/test/hole/000.tif"), want("a"))


def test_images_on_which_nothing_is_marked_get_no_map() -> None:
    write("regions/a.png", MASKS["a"])
    write("regions/b.png", mask_of())
    line = f"{LINE} --where regions"
    said = done(line)
    assert "Wrote 1 map" in said
    assert "no map of 1 image" in said
    assert "b.png" in said
    assert json.loads((MAPS / NAME).read_text())["maps"] == ["a.tif"]
    write("regions/b.png", MASKS["b"])
    assert "1 map had been finished" in done(line)
    same_bits(read_image("maps/b.tif"), want("b"))
    write("regions/b.png", MASKS["a"])
    assert "Wrote 1 map" in done(line)  # of a mask that changed
    write("regions/a.png", mask_of())
    write("regions/b.png", MASKS["b"])
    done(line)
    assert files(MAPS) == ["b.tif", NAME]
    same_bits(read_image("maps/b.tif"), want("b"))


def test_a_run_that_was_ended_goes_on() -> None:
    write("regions/b.png", MASKS["b"])
    line = LINE.replace("images", "images/b.png")
    line = f"{line} --where regions --batch-size 2"
    Path("stop").touch()
    assert "no such surface" in refused(1, line)
    Path("stop").unlink()
    before = computed()
    done(line)
    marked = len(TILER.grid(SIZE).touching(MASKS["b"]))
    assert computed() - before == marked - 2  # the first batch tells the form
    same_bits(read_image("maps/b.tif"), want("b"))


def test_another_where_is_another_call() -> None:
    for name, mask in MASKS.items():
        write(f"one/{name}.png", mask.astype(np.uint8) * 9)
        write(f"two/{name}.png", ~mask)
    line = f"{LINE} --fill 0"
    done(f"{line} --where one")
    for words, named in (
        ("--where two", "another where"),
        ("", "another where"),
        ("--where one --mask-threshold 10", "another mask_threshold"),
    ):
        assert named in refused(2, f"{line} {words}")
    assert "Wrote 2 maps" in done(f"{line} --where two --overwrite")


@pytest.mark.parametrize(
    ("masks", "where", "code", "message"),
    [
        ({}, "regions", 2, "there are no masks"),
        ({}, "{stem}_roi --mask-pattern {stem}_mask", 2, "leave out --mask-pattern"),
        ({"a": MASKS["a"]}, "regions", 1, "no mask for 1 of 2 images"),
        ({**MASKS, "b": MASKS["b"][1:]}, "regions", 1, "size"),
        ({"a": mask_of(), "b": mask_of()}, "regions", 1, "marks no pixel"),
        ({**MASKS, "a_mask": MASKS["a"]}, "regions", 1, "2 masks"),
        (MASKS, "images", 1, "no mask for 2 of 2"),  # not of themselves
    ],
)
def test_masks_that_do_not_fit_are_refused(
    masks: dict[str, NDArray[Any]], where: str, code: int, message: str
) -> None:
    for name, mask in masks.items():
        write(f"regions/{name}.png", mask)
    said = refused(code, f"{LINE} --where {where}")
    assert message in said
    assert "b.png" in said or "b" not in masks or "size" not in message
    assert not files(MAPS)
