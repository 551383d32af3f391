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
from tests.command import contents, done, files, refused

pytestmark = pytest.mark.usefixtures("work")
FIGURES = [
    "01-image-with-mask.png",
    "02-resized-to-256x256.png",
    "03-grid.png",
    "04-contact-sheet.png",
    "05-tiles-with-defects.png",
    "06-resized-beside-tiled.png",
]


def told(line: str) -> str:
    """Run the demo, and return what it says without its line breaks."""
    return " ".join(done(f"demo {line}").split())


def story(folder: str = "out") -> str:
    return " ".join(Path(folder, "story.txt").read_text("utf-8").split())


def test_demo_tells_the_story() -> None:
    words = told("")
    assert "Wrote 6 pictures and story.txt to reftiler-demo" in words
    assert files(".") == [f"reftiler-demo/{name}" for name in [*FIGURES, "story.txt"]]
    shapes = [read_image(f"reftiler-demo/{name}").shape for name in FIGURES]
    assert shapes[:3] == [(1024, 1024, 3), (256, 256, 3), (1024, 1024, 3)]
    for fact in (
        "Tiling makes 25 tiles in a grid of 5 × 5 with an overlap of 64 × 64 px: ",
        "every pixel is kept, and 5 tiles hold a defect.",
        "The 12 × 9 px spot at row 762, column 640 is 3 × 2.2 px after resizing",
        "keeps 74 % of its contrast. In tile 18 it is 12 × 9 px and keeps all of it.",
    ):
        assert fact in story("reftiler-demo")
        assert fact in words
    assert all(name in story("reftiler-demo") for name in FIGURES)
    before = contents("reftiler-demo")
    Path("reftiler-demo/mine.txt").write_bytes(b"")
    assert "exists: give another folder" in refused(2, "demo")
    done("demo --overwrite")
    assert contents("reftiler-demo") == {**before, "mine.txt": b""}


def test_numbers_follow_the_options() -> None:
    words = told("--tile 512x256 --out out")
    assert "Tiling makes 8 tiles in a grid of 2 × 4:" in words
    assert "Resizing makes one pixel of 8." in words
    # The spot lies across the seam at row 768 of tiles of 256, but not of 512.
    words = told("--tile 256 --stride 256 --out other")
    assert "In tile 10, the best of 2, are 42 of its 84 pixels" in words


@pytest.mark.parametrize("defect", ["spot", "scratch", "dent"])
@pytest.mark.parametrize("texture", TEXTURES)
def test_every_sample(texture: str, defect: str) -> None:
    sampled = sample(texture, defect, 1)
    grid = Tiler(256, 192, channels_last=True).grid((1024,) * 2)
    kinds = {one.box: one.kind for one in sampled.defects}
    report = DemoReport(sampled.image, sampled.mask, grid, kinds)
    words = " ".join(report.sentences())
    assert len(re.findall(r"after resizing", words)) == len(sampled.defects)
    for one in sampled.defects:
        (top, bottom), (left, right) = one.box
        size = f"{bottom - top} × {right - left}"
        assert f"The {size} px {one.kind} at row {top}" in words


@pytest.mark.long
@pytest.mark.parametrize(
    "words",
    [
        "--tile 300 --mode even",
        "--tile 300 --pad-side both --stride 200",
        "--tile 300 --mode interpolation",
        "--tile 1500",
        "--tile 32 --random 1",
    ],
)
def test_other_tilings(words: str) -> None:
    said = told(f"--out out {words}")
    assert ("0 tiles hold a defect" in said) == ("random" in words)
    assert ("It lies in no tile." in said) == ("random" in words)
    for name in files("out")[:-1]:
        assert np.ptp(read_image(f"out/{name}")) > 100


def write_photo(shape: tuple[int, ...], marks: int = 1, dtype: str = "uint8") -> None:
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
    write_image("part.tif", image)
    write_image("part_mask.tif", mask)


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
def test_an_image_of_ones_own(shape: tuple[int, ...], dtype: str, tile: int) -> None:
    write_photo(shape, dtype=dtype)
    words = told("part.tif part_mask.tif --out out")
    size = f"The image is {shape[0]} × {shape[1]} px"
    assert f"{size}, and the model takes {tile}" in words
    assert words.count("px after resizing and keeps") == 1
    assert "The 2 × 2 px defect at row" in words
    assert "keeps all of it" in words
    assert ("first three of its 5 channels" in words) == (shape[2:] == (5,))
    assert len(files("out")) == len(FIGURES) + 1
    for name in files("out")[:-1]:
        picture = read_image(f"out/{name}")
        assert np.ptp(picture) > 100  # of 16 bits too, though its values are small
        assert max(picture.shape[:2]) >= 100 or "resized-to" in name


def test_without_a_mask_nothing_is_said_of_defects() -> None:
    write_photo((300, 400, 3))
    words = told("part.tif --out out")
    assert "every pixel is kept." in words
    assert "defect" not in words + story()
    assert [name[3:] for name in files("out")[:-1]] == [
        "image.png",
        "resized-to-256x256.png",
        "grid.png",
        "contact-sheet.png",
        "middle-tile.png",
    ]


def test_of_many_defects_the_smallest_are_shown() -> None:
    write_photo((400, 500, 3), marks=200)
    words = told("part.tif part_mask.tif --tile 64 --out out")
    assert "The mask marks 200 defects; here are the 8 smallest." in words
    assert words.count("px after resizing and keeps") == 8
    assert words.count("The 2 × 2 px defect") == 8
    assert "The 8 smallest of 200 defects" in story()
    assert re.search(r"The first 36 of \d\d tiles that hold a defect", story())
    for name in files("out")[:-1]:
        assert np.prod(read_image(f"out/{name}").shape[:2]) < 2**23


@pytest.mark.long
def test_a_large_image_is_drawn_smaller() -> None:
    write_photo((2500, 3000), marks=0)
    words = told("part.tif part_mask.tif --out out")
    assert "the mask marks nothing" in words
    first, *_ = sorted(Path("out").iterdir())
    assert read_image(first).shape == (1250, 1500, 3)
    assert np.prod(read_image("out/04-contact-sheet.png").shape[:2]) < 2**23


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32"])
def test_small_values_of_large_types_are_seen(dtype: str) -> None:
    write_photo((90, 90), dtype=dtype)
    if dtype == "float32":  # of which some are no numbers
        image = read_image("part.tif")
        image[:9] = np.nan
        write_image("part.tif", image)
    words = told("part.tif --out out")
    assert ("810 of its values are no finite numbers" in words) == (dtype == "float32")
    shown = read_image("out/01-image.png")
    assert (shown.min(), shown.max()) == (0, 255)


def test_calls_that_are_refused_with_an_image() -> None:
    write_photo((90, 90))
    write_image("other.tif", np.zeros((90, 91), dtype=bool))
    before = files(".")
    for code, line, message in (
        (2, "part.tif --texture grass", "leave out IMAGE"),
        (2, "no.png", "there is no"),
        (2, "part.tif no.png", "there is no"),
        (1, "part.tif other.tif", "its image's size"),
    ):
        assert message in refused(code, f"demo {line} --out out")
    assert "is a file" in refused(2, "demo --out part.tif")
    assert "is not a folder" in refused(1, "demo --out part.tif/x")
    assert files(".") == before
    done("demo part.tif --out out")
    kept = Path("out/01-image.png").read_bytes()
    message = refused(2, "demo out/01-image.png --out out --overwrite")
    assert "is what is to be shown" in message
    assert Path("out/01-image.png").read_bytes() == kept
