"""What is opened: pairs found by reftiler, and a sentence for all that goes wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reftiler.io import write_image
from reftiler_gui.model.image_set import ImageItem, ImageSet

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
    assert len(found.items) == 14
    first = found.items[found.start]
    assert (first.name, first.label) == ("test/spot/000", "spot")
    loaded = first.load()
    assert loaded.image is not None
    assert loaded.mask is not None
    assert loaded.image.size == loaded.mask.size == (1024, 1024)
    assert loaded.mask.area > 0
    good = next(item for item in found.items if item.label == "good").load()
    assert (good.mask, good.words) == (None, "")


def test_a_folder_starts_where_there_is_a_mask(folder: Path) -> None:
    found = ImageSet.open([folder])
    assert [item.name for item in found.items] == ["a", "b"]
    assert found.start == 1
    assert found.title == folder.name
    loaded = found.items[1].load()
    assert loaded.mask is not None
    assert (loaded.mask.array == MASK).all()


def test_masks_of_one_and_of_255_are_alike(folder: Path) -> None:
    write(folder / "a_mask.png", MASK.astype(np.uint8))
    for item in ImageSet.open([folder]).items:
        loaded = item.load()
        assert loaded.mask is not None
        assert (loaded.mask.array == MASK).all()


def test_a_data_set_keeps_its_order_and_labels(tmp_path: Path) -> None:
    write(tmp_path / "train/good/000.png")
    write(tmp_path / "test/good/000.png")
    write(tmp_path / "test/hole/000.png")
    write(tmp_path / "ground_truth/hole/000_mask.png", MASK)
    found = ImageSet.open([tmp_path])
    names = ["train/good/000", "test/good/000", "test/hole/000"]
    assert [item.name for item in found.items] == names
    assert found.items[found.start].label == "hole"


def test_several_are_opened_at_once_and_each_image_once(folder: Path) -> None:
    given = [folder / "b.png", folder / "b_mask.png", folder, folder / "gone.png"]
    found = ImageSet.open([*given, folder / "x.npz", folder / "r.jsonl", "t.yaml"])
    assert [item.name for item in found.items] == ["b", "a"]
    assert found.cases == (folder / "x.npz", folder / "r.jsonl")
    assert found.settings == (Path("t.yaml"),)
    assert len(found.problems) == 1
    assert "gone.png" in found.problems[0]
    assert found.title == "b.png and 6 more"


def test_what_is_passed_over_is_told(folder: Path) -> None:
    write(folder / "inner" / "c.png")
    found = ImageSet.open([folder])
    assert [item.name for item in found.items] == ["a", "b"]
    assert any("inner" in note for note in found.notes)


def test_a_folder_without_images_is_a_problem_and_no_more(tmp_path: Path) -> None:
    found = ImageSet.open([tmp_path])
    assert (found.items, found.start) == ((), 0)
    assert "no image in" in found.problems[0]


def test_a_mask_of_another_size_is_told_and_the_image_stays(folder: Path) -> None:
    write(folder / "b_mask.png", MASK[:-1])
    loaded = ImageSet.open([folder]).items[1].load()
    assert loaded.image is not None
    assert loaded.mask is None
    assert "b_mask.png is 19 × 30 (height × width), its image 20 × 30" in loaded.words


def test_an_unreadable_mask_is_told_and_the_image_stays(folder: Path) -> None:
    (folder / "b_mask.png").write_bytes(b"")
    loaded = ImageSet.open([folder]).items[1].load()
    assert loaded.image is not None
    assert loaded.mask is None
    assert "b_mask.png: the file is empty; the image is shown" in loaded.words


def test_what_decided_the_mask_is_told(folder: Path) -> None:
    (folder / "b_mask.png").unlink()
    drawn = Image.fromarray(np.full((20, 30), 255, np.uint8))
    drawn.save(folder / "b_mask.jpg", quality=75)
    loaded = ImageSet.open([folder]).items[1].load()
    assert loaded.mask is not None
    assert loaded.mask.area == 600
    assert "128 and above marks" in loaded.words
    assert "the mask marks the whole image" in loaded.words


def test_a_file_that_vanishes_is_told(folder: Path) -> None:
    item = ImageSet.open([folder]).items[0]
    (folder / "a.png").unlink()
    loaded = item.load()
    assert loaded.image is None
    assert "a.png: No such file" in loaded.words


def test_items_are_values() -> None:
    assert ImageItem("a", Path("a.png")) == ImageItem("a", Path("a.png"))
    assert not ImageItem("a", Path("a.png")).has_mask
