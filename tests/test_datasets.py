"""Finding images and masks: by one rule, in one order, and never half."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("skimage")

from reftiler import TilingError
from reftiler.io import write_image
from reftiler.io.datasets import ImageEntry, find_images, load_pair

IMAGE = np.arange(20, dtype=np.uint8).reshape(4, 5)


def fill(root: Path, *names: str) -> Path:
    """Write a small image under every name."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(root / name, IMAGE)
    return root


DATASET = (
    "train/good/000.png",
    "train/good/001.png",
    "test/good/000.png",
    "test/spot/000.png",
    "test/spot/001.tif",
    "test/dent/000.png",
    "ground_truth/spot/000_mask.png",
    "ground_truth/spot/001_mask.npy",
    "ground_truth/dent/000_mask.png",
)


def test_a_data_set(tmp_path: Path) -> None:
    root = fill(tmp_path, *DATASET)
    found = find_images(root)
    assert [sample.id for sample in found] == [
        "train/good/000",
        "train/good/001",
        "test/dent/000",
        "test/good/000",
        "test/spot/000",
        "test/spot/001",
    ]
    assert found[0] == ImageEntry(root / "train/good/000.png", (), "train", "good")
    assert found[5] == ImageEntry(
        root / "test/spot/001.tif",
        (root / "ground_truth/spot/001_mask.npy",),
        "test",
        "spot",
    )
    assert len({sample.id for sample in found}) == len(found)
    assert find_images(str(root)) == found


def test_a_folder(tmp_path: Path) -> None:
    fill(tmp_path, "b.png", "a.TIF", "a_mask.png", "10.png", "9.png", "inner/c.png")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".b.png").write_bytes(b"hidden")
    found = find_images(tmp_path)
    assert [sample.id for sample in found] == ["10", "9", "a", "b"]
    assert found[2] == ImageEntry(
        tmp_path / "a.TIF", (tmp_path / "a_mask.png",), "", ""
    )
    assert [sample.masks for sample in found].count(()) == 3


def test_an_image(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "a_mask.png", "b.png", "lost_mask.png")
    assert find_images(tmp_path / "a.png") == (
        ImageEntry(tmp_path / "a.png", (tmp_path / "a_mask.png",)),
    )
    assert find_images(tmp_path / "b.png") == (ImageEntry(tmp_path / "b.png"),)


def test_parts_of_a_data_set_know_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fill(tmp_path, *DATASET)
    whole = {sample.id: sample for sample in find_images(root)}
    spot = root / "test" / "spot"
    assert find_images(spot / "000.png") == (whole["test/spot/000"],)
    assert find_images(spot) == (whole["test/spot/000"], whole["test/spot/001"])
    assert find_images(root / "train" / "good")[1] == whole["train/good/001"]
    monkeypatch.chdir(spot)
    (here, _) = find_images(Path())
    assert here.id == "test/spot/000"
    (mask,) = here.masks
    assert mask.samefile(root / "ground_truth/spot/000_mask.png")


def test_a_folder_that_happens_to_be_called_test_is_no_data_set(tmp_path: Path) -> None:
    fill(tmp_path, "test/photos/a.png")
    (sample,) = find_images(tmp_path / "test" / "photos")
    assert (sample.id, sample.split, sample.label) == ("a", "", "")


def test_the_order_is_not_the_disk_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fill(tmp_path, *DATASET)
    forwards = find_images(root)
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: iter([*listed(self)][::-1]))
    assert find_images(root) == forwards


@pytest.mark.parametrize("count", [1, 3, 5])
def test_defect_images_without_masks_are_named(tmp_path: Path, count: int) -> None:
    names = [f"test/spot/{number:03d}.png" for number in range(count)]
    fill(tmp_path, "test/good/000.png", *names)
    with pytest.raises(TilingError, match="without a mask") as caught:
        find_images(tmp_path)
    said = str(caught.value)
    assert "ground_truth/<defect>/<image>_mask.png" in said
    for name in names[:3]:
        assert str(tmp_path / name) in said
    assert ("and 2 more" in said) == (count == 5)


@pytest.mark.parametrize(
    "extra",
    [
        "ground_truth/spot/007_mask.png",
        "ground_truth/gone/000_mask.png",
        "test/spot/009_mask.png",
        "train/good/005_mask.png",
    ],
)
def test_masks_without_images_are_named(tmp_path: Path, extra: str) -> None:
    fill(tmp_path, *DATASET, extra)
    with pytest.raises(TilingError, match="masks without an image") as caught:
        find_images(tmp_path)
    assert str(tmp_path / extra) in str(caught.value)


def test_a_mask_without_image_in_a_folder(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "b_mask.png")
    with pytest.raises(TilingError, match=r"without an image: .*b_mask\.png"):
        find_images(tmp_path)


def test_two_masks_for_an_image(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "a_mask.png", "a_mask.tif")
    for source in (tmp_path, tmp_path / "a.png"):
        with pytest.raises(TilingError, match=r"a\.png has 2 masks: .*png.*tif"):
            find_images(source)


def test_names_that_differ_in_their_suffix_alone(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "a-2.png", "a.tif")
    with pytest.raises(TilingError, match=r"a\.png and a\.tif have the same id"):
        find_images(tmp_path)


def test_nothing_to_find(tmp_path: Path) -> None:
    with pytest.raises(TilingError, match="no image in"):
        find_images(tmp_path)
    fill(tmp_path, "brick/test/good/0.png", "grass/test/good/0.png")
    with pytest.raises(TilingError, match=r"not entered: .*brick, .*grass"):
        find_images(tmp_path)
    (tmp_path / "empty" / "test").mkdir(parents=True)
    with pytest.raises(
        TilingError, match=r"no image in .*empty: expected some in test"
    ):
        find_images(tmp_path / "empty")
    with pytest.raises(TilingError, match=r"cannot search .*gone: No such file"):
        find_images(tmp_path / "gone")


def test_images_beside_the_folders_of_a_data_set(tmp_path: Path) -> None:
    fill(tmp_path, *DATASET, "test/loose.png")
    with pytest.raises(TilingError, match=r"images belong in .*loose\.png"):
        find_images(tmp_path)


def test_a_pair(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", np.stack([IMAGE] * 3, axis=-1))
    write_image(tmp_path / "a_mask.png", IMAGE)
    (sample,) = find_images(tmp_path)
    image, mask = load_pair(sample)
    assert image.shape == (4, 5, 3)
    assert mask is not None
    assert (mask == (IMAGE != 0)).all()
    image, mask = load_pair(ImageEntry(tmp_path / "a.png"))
    assert mask is None


def test_a_mask_of_another_size(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", IMAGE)
    write_image(tmp_path / "a_mask.png", IMAGE.T)
    (sample,) = find_images(tmp_path)
    with pytest.raises(TilingError, match=r"a_mask\.png is 5x4, .*a\.png is 4x5"):
        load_pair(sample)


def test_samples_are_values() -> None:
    places = itertools.product(("a.png", "b.png"), ("", "test"))
    samples = {ImageEntry(Path(name), (), split, split) for name, split in places}
    assert len(samples) == 4
    assert ImageEntry(Path("a.png")) in samples
