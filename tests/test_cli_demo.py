"""``reftiler demo``: pictures and words, and every number in them is measured."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

from reftiler import Tiler
from reftiler.cli.demo_report import DemoReport
from reftiler.io import read_image, write_image
from reftiler.samples import TEXTURES, sample
from tests.command import done, files, refused

FIGURES = [
    "01-image-with-mask.png",
    "02-resized-to-256x256.png",
    "03-grid.png",
    "04-contact-sheet.png",
    "05-tiles-with-defects.png",
    "06-resized-beside-tiled.png",
]


def test_demo_tells_the_story(tmp_path: Path) -> None:
    words = done("demo", "--out", tmp_path / "demo")
    assert files(tmp_path / "demo") == [*FIGURES, "story.txt"]
    shapes = [read_image(tmp_path / "demo" / name).shape for name in FIGURES]
    assert shapes[:3] == [(1024, 1024, 3), (256, 256, 3), (1024, 1024, 3)]
    told = " ".join((tmp_path / "demo" / "story.txt").read_text("utf-8").split())
    for fact in (
        "Tiling makes 25 tiles in a grid of 5 × 5 with an overlap of 64 × 64 px: ",
        "every pixel is kept, and 5 tiles hold a defect.",
        "The 12 × 9 px spot at row 762, column 640 is 3 × 2.2 px after resizing",
        "keeps 74 % of its contrast. In tile 18 it is 12 × 9 px and keeps all of it.",
    ):
        assert fact in told
        assert fact in " ".join(words.split())
    assert all(name in told for name in FIGURES)


def test_demo_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        done("demo", "--out", tmp_path / name)
    for name in files(tmp_path / "one"):
        one, two = (tmp_path / folder / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_numbers_follow_the_options(tmp_path: Path) -> None:
    words = done("demo", "--tile", "512x256", "--out", tmp_path)
    assert "Tiling makes 8 tiles in a grid of 2 × 4:" in words
    assert "Resizing makes one pixel of 8." in words
    # The spot lies across the seam at row 768 of tiles of 256, but not of 512.
    words = done("demo", "--tile", 256, "--stride", 256, "--out", tmp_path / "x")
    told = " ".join(words.split())
    assert "In tile 10, the best of 2, are 42 of its 84 pixels" in told


@pytest.mark.parametrize("defect", ["spot", "scratch", "dent"])
@pytest.mark.parametrize("texture", TEXTURES)
def test_every_sample(tmp_path: Path, texture: str, defect: str) -> None:
    sampled = sample(texture, defect, 1)
    grid = Tiler(256, 192, channels_last=True).grid((1024,) * 2)
    kinds = {one.box: one.kind for one in sampled.defects}
    report = DemoReport(sampled.image, sampled.mask, grid, kinds)
    words = " ".join(report.sentences())
    made = sampled.defects
    assert len(re.findall(r"after resizing", words)) == len(made)
    for one in made:
        (top, bottom), (left, right) = one.box
        assert (
            f"The {bottom - top} × {right - left} px {one.kind} at row {top}" in words
        )


@pytest.mark.parametrize(
    "words",
    [
        "--tile 300 --mode even",
        "--tile 300 --pad-side both --stride 200",
        "--tile 300 --mode interpolation",
        "--tile 200 --random 5 --seed 3",
        "--tile 1500",
    ],
)
def test_other_tilings(tmp_path: Path, words: str) -> None:
    done("demo", "--out", tmp_path, *words.split())
    for name in files(tmp_path)[:-1]:
        assert np.ptp(read_image(tmp_path / name)) > 100


def test_tiles_without_a_defect(tmp_path: Path) -> None:
    output = done("demo", "--tile", 32, "--random", 1, "--out", tmp_path)
    told = " ".join(output.split())
    assert "0 tiles hold a defect" in told
    assert "It lies in no tile." in told
    assert "05-resized-beside-tiled.png" in files(tmp_path)


def photo(
    folder: Path, shape: tuple[int, ...], marks: int = 1, dtype: str = "uint8"
) -> tuple[Path, Path]:
    """Write an image with marked bright squares, and its mask."""
    image, mask = np.full(shape, 100, dtype), np.zeros(shape[:2], dtype=bool)
    places = np.random.default_rng(0).permutation(
        (shape[0] // 10 - 1) * (shape[1] // 10 - 1)
    )[:marks]
    for k, place in enumerate(places):
        top, left = (10 * (int(part) + 1) for part in divmod(place, shape[1] // 10 - 1))
        side = 2 + k % 5
        mask[top : top + side, left : left + side] = True
    image[mask] = 250
    names = folder / "part.tif", folder / "part_mask.png"
    write_image(names[0], image)
    write_image(names[1], mask)
    return names


@pytest.mark.parametrize(
    ("shape", "dtype", "tile"),
    [
        ((100, 80), "uint8", 32),
        ((100, 80, 3), "uint16", 32),
        ((1500, 60), "uint8", 16),
        ((300, 400), "uint16", 256),
        ((120, 90, 5), "float32", 32),
        ((64, 64, 2), "int64", 32),
    ],
)
def test_an_image_of_ones_own(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, tile: int
) -> None:
    image, mask = photo(tmp_path, shape, dtype=dtype)
    out = tmp_path / "out"
    words = " ".join(done("demo", image, mask, "--out", out).split())
    assert (
        f"The image is {shape[0]} × {shape[1]} px, and the model takes {tile}" in words
    )
    assert words.count("px after resizing and keeps") == 1
    assert "The 2 × 2 px defect at row" in words
    assert "keeps all of it" in words
    assert ("first three of its 5 channels" in words) == (shape[2:] == (5,))
    assert len(files(out)) == len(FIGURES) + 1
    for name in files(out)[:-1]:
        picture = read_image(out / name)
        assert np.ptp(picture) > 100  # of 16 bits too, though its values are small
        assert max(picture.shape[:2]) >= 100 or "resized-to" in name


def test_without_a_mask_nothing_is_said_of_defects(tmp_path: Path) -> None:
    image, _ = photo(tmp_path, (300, 400, 3))
    words = done("demo", image, "--out", tmp_path / "out")
    assert "every pixel is kept." in " ".join(words.split())
    assert "defect" not in words + (tmp_path / "out" / "story.txt").read_text("utf-8")
    assert [name[3:] for name in files(tmp_path / "out")[:-1]] == [
        "image.png",
        "resized-to-256x256.png",
        "grid.png",
        "contact-sheet.png",
        "middle-tile.png",
    ]


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32"])
def test_small_values_of_large_types_are_seen(tmp_path: Path, dtype: str) -> None:
    image, _ = photo(tmp_path, (90, 90), dtype=dtype)
    done("demo", image, "--out", tmp_path / "out")
    shown = read_image(tmp_path / "out" / "01-image.png")
    assert (shown.min(), shown.max()) == (0, 255)


def test_a_mask_that_marks_nothing(tmp_path: Path) -> None:
    image, mask = photo(tmp_path, (300, 400, 3), marks=0)
    words = done("demo", image, mask, "--out", tmp_path / "out")
    assert "the mask marks nothing" in " ".join(words.split())


def test_of_many_defects_the_smallest_are_shown(tmp_path: Path) -> None:
    image, mask = photo(tmp_path, (400, 500, 3), marks=200)
    out = tmp_path / "out"
    words = " ".join(done("demo", image, mask, "--tile", 64, "--out", out).split())
    assert "The mask marks 200 defects; here are the 8 smallest." in words
    assert words.count("px after resizing and keeps") == 8
    assert words.count("The 2 × 2 px defect") == 8
    told = " ".join((out / "story.txt").read_text("utf-8").split())
    assert "The 8 smallest of 200 defects" in told
    assert re.search(r"The first 36 of \d\d tiles that hold a defect", told)
    assert all(
        np.prod(read_image(out / name).shape[:2]) < 2**23 for name in files(out)[:-1]
    )


def test_a_large_image_is_drawn_smaller(tmp_path: Path) -> None:
    image, mask = photo(tmp_path, (2500, 3000))
    out = tmp_path / "out"
    done("demo", image, mask, "--out", out)
    assert read_image(out / "01-image-with-mask.png").shape == (1250, 1500, 3)
    assert np.prod(read_image(out / "04-contact-sheet.png").shape[:2]) < 2**23


def test_values_that_are_no_numbers(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((90, 90), np.float32)
    image[:9] = np.nan
    write_image(tmp_path / "part.npy", image)
    words = done("demo", tmp_path / "part.npy", "--out", tmp_path / "out")
    assert "810 of its values are no finite numbers" in words


def test_calls_that_are_refused_with_an_image(tmp_path: Path) -> None:
    image, mask = photo(tmp_path, (90, 90))
    before = files(tmp_path)
    out = ("--out", tmp_path / "out")
    assert "leave out IMAGE" in refused(2, "demo", image, "--texture", "grass", *out)
    assert "there is no" in refused(2, "demo", tmp_path / "no.png", *out)
    assert "there is no" in refused(2, "demo", image, tmp_path / "no.png", *out)
    write_image(mask, np.zeros((90, 91), dtype=bool))
    assert "its image's size" in refused(1, "demo", image, mask, *out)
    assert files(tmp_path) == before
    done("demo", image, *out)
    first = tmp_path / "out" / "01-image.png"
    kept = first.read_bytes()
    assert "is what is to be shown" in refused(2, "demo", first, *out, "--overwrite")
    assert first.read_bytes() == kept


def test_an_earlier_demo_is_replaced_only_when_asked(tmp_path: Path) -> None:
    done("demo", "--out", tmp_path)
    (tmp_path / "mine.txt").touch()
    assert "exists: give another folder" in refused(2, "demo", "--out", tmp_path)
    done("demo", "--out", tmp_path, "--overwrite")
    assert "is a file" in refused(2, "demo", "--out", tmp_path / "mine.txt")
    message = refused(1, "demo", "--out", tmp_path / "mine.txt" / "x")
    assert "is not a folder" in message


def test_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Wrote 6 pictures and story.txt to reftiler-demo" in done("demo")
    assert [path.name for path in tmp_path.iterdir()] == ["reftiler-demo"]
