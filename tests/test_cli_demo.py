"""``reftiler demo``: pictures and words, and every number in them is measured."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

from reftiler import Tiler
from reftiler.cli.story import Story
from reftiler.io import read_image
from reftiler.samples import TEXTURES, sample
from tests.command import done, files, refused

PICTURES = [
    "01-image-with-mask.png",
    "02-resized-to-256x256.png",
    "03-grid.png",
    "04-contact-sheet.png",
    "05-tiles-with-defects.png",
    "06-resized-beside-tiled.png",
]


def test_demo_tells_the_story(tmp_path: Path) -> None:
    words = done("demo", "--out", tmp_path / "demo")
    assert files(tmp_path / "demo") == [*PICTURES, "story.txt"]
    shapes = [read_image(tmp_path / "demo" / name).shape for name in PICTURES]
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
    assert all(name in told for name in PICTURES)


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
    story = Story(
        sample(texture, defect, 1),
        Tiler(256, 192, channels_last=True).grid((1024,) * 2),
    )
    words = " ".join(story.sentences())
    made = story.sample.defects
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
