"""What is opened: pairs found by reftiler, and a sentence for all that goes wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reftiler.io import write_image
from reftiler_gui.model.image_set import ImageSet
from reftiler_gui.model.steps import finish

IMAGE = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
MASK = np.zeros((20, 30), dtype=bool)
MASK[4, 5] = True


def write(path: Path, picture: np.ndarray = IMAGE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, picture)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.png")
    write(tmp_path / "b_mask.png", MASK)
    return tmp_path


def test_nothing_given_is_the_sample_with_a_defect_first() -> None:
    found = ImageSet.open([])
    assert len(found.items) == 32
    first = found.items[found.start]
    assert (first.name, first.label) == ("test/spot/000", "spot")
    loaded = first.load()
    assert loaded.image is not None
    assert loaded.mask is not None
    assert loaded.image.size == loaded.mask.size == (1024, 1024)
    assert loaded.mask.area > 0
    good = next(item for item in found.items if item.label == "good").load()
    assert (good.mask, good.words) == (None, "")


def test_several_are_opened_at_once_and_each_image_once(folder: Path) -> None:
    given = [folder / "b.png", folder / "b_mask.png", folder, folder / "gone.png"]
    found = ImageSet.open([*given, folder / "x.npz", folder / "r.jsonl", "t.yaml"])
    assert [item.name for item in found.items] == ["b", "a"]
    assert found.cases == (folder / "x.npz", folder / "r.jsonl")
    assert found.settings == (Path("t.yaml"),)
    assert len(found.problems) == 1
    assert "gone.png" in found.problems[0]
    assert found.title == "b.png and 6 more"


def test_problems_are_flagged_and_nothing_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "test/good/a.png")
    for name in "bcdefg":
        write(tmp_path / f"test/hole/{name}.png")
    for name in "bcde":
        write(tmp_path / f"ground_truth/hole/{name}_mask.png", MASK)
    write(tmp_path / "ground_truth/hole/c_mask.png", MASK[:-1])
    write(tmp_path / "ground_truth/hole/d_mask.png", MASK & False)
    (tmp_path / "test/hole/e.png").write_bytes(b"")
    (tmp_path / "test/hole/f.png").unlink()
    (tmp_path / "test/hole/f.png").mkdir()
    write(tmp_path / "ground_truth/good/a_mask.png", MASK)
    found = ImageSet.open([tmp_path])
    finish(found.check())
    known = {item.name: found.known(k) for k, item in enumerate(found.items)}
    said = {name[-1]: check.problems for name, check in known.items()}
    assert {name: check.has_defect for name, check in known.items()} == {
        "test/good/a": True,
        "test/hole/b": True,
        "test/hole/c": True,
        "test/hole/d": False,
        "test/hole/e": True,
        "test/hole/g": True,
    }
    assert not said["b"]
    for name, words in {
        "a": "folder says good",
        "c": "is 30 × 19",
        "d": "marks nothing",
        "e": "the file is empty",
        "g": "no mask",
    }.items():
        assert words in said[name][0]
        item = next(item for item in found.items if item.name[-1] == name)
        assert name in "ad" or item.load().problems


def test_what_decided_the_mask_is_said(folder: Path) -> None:
    (folder / "b_mask.png").unlink()
    drawn = Image.fromarray(np.full((20, 30), 255, np.uint8))
    drawn.save(folder / "b_mask.jpg", quality=75)
    loaded = ImageSet.open([folder]).items[1].load()
    assert loaded.mask is not None
    assert loaded.mask.area == 600
    assert "128 and above marks" in loaded.words
    assert "the mask marks the whole image" in loaded.words
