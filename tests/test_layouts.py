"""Each layout of a data set: a tiny tree in, its images with label and masks out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

from reftiler import TilingError
from reftiler.io import read_image, read_mask
from reftiler.io.datasets import find_images, load_pair
from reftiler.io.layouts import LAYOUTS, match_path
from reftiler.tilesets.manifest import Manifest
from reftiler_conformance.compare import same_bits
from tests.command import done
from tests.trees import write_tree

CSV = """object,split,label,image,mask
candle,train,normal,candle/Data/Images/Normal/0000.JPG,
candle,test,anomaly,candle/Data/Images/Anomaly/000.JPG,candle/Data/Masks/Anomaly/000.png
capsules,test,normal,capsules/Data/Images/Normal/0001.JPG,
"""
_A = {"id": 1, "file_name": "a.png", "height": 2, "width": 2}
COCO = json.dumps({"images": [_A], "annotations": [], "categories": []})
JSON = json.dumps(
    {
        "meta": {"normal_class": "OK"},
        "train": [{"anomaly_class": "OK", "image_path": "OK/S0001/a_1.jpg"}],
        "test": [
            {"anomaly_class": "AK", "image_path": "NG/AK/S0002/a_2.jpg"},
            {"anomaly_class": "OK", "image_path": "NG/AK/S0002/a_3.jpg"},
        ],
    }
)

# Layout, what lies in the data set's root (a file that begins with + is black), and
# for each image, in order: id, file, masks.
TREES: dict[str, tuple[str, dict[str, tuple[str, ...]], list[str], tuple[str, ...]]] = {
    "MVTec AD": (
        "mvtec-ad",
        {
            "train/good/000.png": (),
            "test/crack/000.png": ("ground_truth/crack/000_mask.png",),
            "test/good/000.png": (),
        },
        ["train/good/000", "test/crack/000", "test/good/000"],
        ("readme.txt", "license.txt"),
    ),
    "MPDD, and VisA as anomalib prepares it": (
        "mvtec-ad",
        {
            "train/good/000.png": (),
            "test/bad/004.JPG": ("ground_truth/bad/004.png",),
            "test/good/004.JPG": (),
        },
        ["train/good/000", "test/bad/004", "test/good/004"],
        (),
    ),
    "VAD": (
        "mvtec-ad",
        {"train/good/0.png": (), "test/bad/1.png": (), "test/good/2.png": ()},
        ["train/good/0", "test/bad/1", "test/good/2"],
        (),
    ),
    "BTech": (
        "mvtec-ad",
        {
            "train/ok/0000.bmp": (),
            "test/ko/0020.bmp": ("ground_truth/ko/0020.png",),
            "test/ok/0000.png": (),
        },
        ["train/good/0000", "test/ko/0020", "test/good/0000"],
        (),
    ),
    "MVTec AD 2": (
        "mvtec-ad-2",
        {
            "train/good/000_regular.png": (),
            "validation/good/000_regular.png": (),
            "test_public/bad/000_shift_1.png": (
                "test_public/ground_truth/bad/000_shift_1_mask.png",
            ),
            "test_public/good/000_regular.png": (),
            "test_private/000_regular.png": (),
            "test_private_mixed/000_mixed.png": (),
        },
        [
            "train/good/000_regular",
            "validation/good/000_regular",
            "test/bad/000_shift_1",
            "test/good/000_regular",
            "test_private/000_regular",
            "test_private_mixed/000_mixed",
        ],
        (),
    ),
    "MVTec LOCO": (
        "mvtec-loco",
        {
            "train/good/000.png": (),
            "validation/good/000.png": (),
            "test/good/000.png": (),
            "test/logical_anomalies/000.png": (
                "ground_truth/logical_anomalies/000/000.png",
                "ground_truth/logical_anomalies/000/001.png",
            ),
            "test/structural_anomalies/000.png": (
                "ground_truth/structural_anomalies/000/000.png",
            ),
        },
        [
            "train/good/000",
            "validation/good/000",
            "test/good/000",
            "test/logical_anomalies/000",
            "test/structural_anomalies/000",
        ],
        (),
    ),
    "AutoVI": (
        "mvtec-loco",
        {
            "train/good/img_1.png": (),
            "test/missing/img_2.png": ("ground_truth/missing/img_2/0000.png",),
            "test/good/img_3.png": (),
        },
        ["train/good/img_1", "test/missing/img_2", "test/good/img_3"],
        (),
    ),
    "MVTec 3D": (
        "mvtec-3d",
        {
            "train/good/rgb/000.png": (),
            "validation/good/rgb/000.png": (),
            "test/hole/rgb/000.png": ("test/hole/gt/000.png",),
            "test/good/rgb/000.png": ("test/good/gt/000.png",),
        },
        [
            "train/good/000",
            "validation/good/000",
            "test/hole/000",
            "test/good/000",
        ],
        (),
    ),
    "YOLO": (
        "yolo",
        dict.fromkeys(("images/train/a.png", "images/val/b.png"), ()),
        ["train/a", "validation/b"],
        ("labels/train/a.txt", "labels/val/b.txt"),
    ),
    "YOLO by split": (
        "yolo",
        dict.fromkeys(("train/images/a.png", "valid/images/b.png"), ()),
        ["train/a", "validation/b"],
        ("train/labels/a.txt",),
    ),
    "COCO": (
        "coco",
        dict.fromkeys(("train2017/a.png", "val2017/b.png"), ()),
        ["train/a", "validation/b"],
        ("annotations/instances_train2017.json",),
    ),
    "BMAD": (
        "bmad",
        {
            "train/good/0.png": (),
            "test/Ungood/img/1.png": ("test/Ungood/label/1.png",),
            "test/good/img/2.png": ("+test/good/label/2.png",),
        },
        ["train/good/0", "test/Ungood/1", "test/good/2"],
        (),
    ),
    "VisA": (
        "visa",
        {
            "Data/Images/Normal/0000.JPG": (),
            "Data/Images/Normal/0001.JPG": (),
            "Data/Images/Anomaly/000.JPG": ("Data/Masks/Anomaly/000.png",),
        },
        ["train/good/0000", "good/0001", "test/bad/000"],
        ("../split_csv/1cls.csv",),
    ),
    "Real-IAD": (
        "real-iad",
        {
            "OK/S0001/a_1.jpg": (),
            "NG/AK/S0002/a_2.jpg": ("NG/AK/S0002/a_2.png",),
            "NG/AK/S0002/a_3.jpg": (),
        },
        ["train/good/a_1", "test/AK/a_2", "test/good/a_3"],
        ("../../realiad_jsons/realiad_jsons/candle.json",),
    ),
    "Real-IAD, without lists": (
        "real-iad",
        {
            "OK/S0001/a_1.jpg": (),
            "NG/AK/S0002/a_2.jpg": ("NG/AK/S0002/a_2_mask.png",),
        },
        ["good/a_1", "AK/a_2"],
        (),
    ),
    "KolektorSDD": (
        "kolektor-sdd",
        {
            "kos01/Part0.jpg": ("+kos01/Part0_label.bmp",),
            "kos02/Part0.jpg": ("kos02/Part0_label.bmp",),
        },
        ["good/kos01_Part0", "bad/kos02_Part0"],
        (),
    ),
    "KolektorSDD2": (
        "kolektor-sdd2",
        {
            "train/10000.png": ("+train/10000_GT.png",),
            "train/10001.png": ("train/10001_GT.png",),
            "test/20000.png": ("+test/20000_GT.png",),
        },
        ["train/good/10000", "train/bad/10001", "test/good/20000"],
        (),
    ),
    "images and masks": (
        "images-masks",
        {
            "images/a.jpg": ("masks/a.png",),
            "images/b.jpg": ("masks/b_mask.png",),
            "images/c.jpg": (),
        },
        ["a", "b", "c"],
        (),
    ),
    "splits of images and masks": (
        "images-masks",
        {
            "train/imgs/a.jpg": ("train/annotations/a.png",),
            "val/imgs/a.jpg": ("val/annotations/a.png",),
        },
        ["train/a", "validation/a"],
        (),
    ),
    "images and masks of splits": (
        "images-masks",
        {
            "Images/training/a.jpg": ("Labels/training/a.png",),
            "Images/test/a.jpg": ("Labels/test/a.png",),
        },
        ["train/a", "test/a"],
        (),
    ),
    "folders of images and of masks for each split": (
        "images-masks",
        {
            "train_images/a.jpg": ("train_masks/a.png",),
            "val_images/a.jpg": ("val_masks/a_mask.png",),
            "test_images/b.jpg": (),
        },
        ["train/a", "validation/a", "test/b"],
        (),
    ),
    "VOC": (
        "images-masks",
        {"JPEGImages/a.jpg": ("SegmentationClass/a.png",), "JPEGImages/b.jpg": ()},
        ["a", "b"],
        ("Annotations/a.xml", "ImageSets/Main/train.txt"),
    ),
    "a folder for each class": (
        "class-folders",
        {
            "good/a.png": (),
            "crack/a.png": ("mask/crack/a.png",),
            "hole/b.png": ("mask/hole/b_mask.png",),
        },
        ["good/a", "crack/a", "hole/b"],
        (),
    ),
    "a folder for each split": (
        "split-folders",
        {"train/a.png": (), "test/a.png": ("test/a_mask.png",)},
        ["train/a", "test/a"],
        (),
    ),
    "splits with masks in folders of their own": (
        "split-folders",
        {
            "Train/a.png": ("Train/Label/a_label.png",),
            "train/c.jpg": ("train_masks/c_mask.gif",),
            "val/b.png": ("valannot/b.png",),
        },
        ["train/a", "train/c", "validation/b"],
        (),
    ),
    "the same stem": (
        "same-stem",
        {"a.jpg": ("a.png",), "b.jpeg": ("b.bmp",), "c.jpg": ()},
        ["a", "b", "c"],
        (),
    ),
    "a plain folder": (
        "plain",
        {
            "a.png": ("a_mask.png",),
            "b.png": ("b_label.bmp",),
            "c.png": ("masks/c.png",),
            "d.png": (),
        },
        ["a", "b", "c", "d"],
        (),
    ),
}


def _tree(root: Path, case: str) -> Path:
    _, images, _, others = TREES[case]
    write_tree(root, *images, *(mask for masks in images.values() for mask in masks))
    for name in others:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        kinds = {".csv": CSV, ".txt": ""}
        (root / name).write_text(
            COCO if "instances" in name else kinds.get(name[-4:], JSON)
        )
    return root


@pytest.mark.parametrize("case", TREES)
def test_layout(tmp_path: Path, case: str) -> None:
    layout, images, ids, _ = TREES[case]
    root = _tree(tmp_path / "x" / "y" / "candle", case)
    found = find_images(root)
    assert found.layout == layout
    expected = {
        entry_id: (root / image, [root / mask.lstrip("+") for mask in masks])
        for entry_id, (image, masks) in zip(ids, images.items(), strict=True)
    }
    assert {e.id: (e.image, [*e.masks]) for e in found} == expected
    for entry in found:
        folders = entry.id.split("/")[:-1]
        assert [entry.split, entry.label] == _split_and_label(folders)
    assert find_images(root, layout=layout).entries == found.entries


@pytest.mark.parametrize("case", TREES)
def test_a_layout_is_cut_and_put_together(tmp_path: Path, case: str) -> None:
    """Counts, labels and masks of its tiles are right, and all comes back."""
    root = _tree(tmp_path / "x" / "y" / "candle", case)
    tiles, whole, masks = (tmp_path / name for name in ("tiles", "whole", "masks"))
    entries = find_images(root)
    done("tile", root, tiles, "--tile", 1)
    records = {record.id: record for record in Manifest.read(tiles).images}
    assert len(records) == len(entries) > 0
    done("untile", tiles, whole)
    if any(entry.masks for entry in entries):
        done("untile", tiles, masks, "--masks")
    for entry in entries:
        image, mask = load_pair(entry)
        cut = records[entry.id].tiles
        same_bits(read_image(whole / f"{entry.id}.png"), image)
        assert [np.asarray(read_image(tiles / tile.file)).item(0) for tile in cut] == [
            pixel.item(0) for pixel in image.reshape(4, -1)
        ]
        marked = [None] * 4 if mask is None else mask.astype(int).ravel().tolist()
        assert [tile.marked for tile in cut] == marked
        if mask is not None:
            same_bits(read_mask(masks / f"{entry.id}_mask.png"), mask)
        if entry.split in ("train", "validation", "test"):
            for tile in cut:
                unmarked = entry.label and tile.marked == 0
                label = "good" if unmarked else entry.label
                folder = Path(tile.file).parent
                kind = "images" if entries.layout == "yolo" else ""
                parts = filter(None, [kind, entry.split, label])
                assert folder.as_posix() == "/".join(parts)


def _split_and_label(folders: list[str]) -> list[str]:
    if not folders:
        return ["", ""]
    splits = ("train", "validation", "test", "test_private", "test_private_mixed")
    if folders[0] not in splits:
        return ["", folders[0]]
    return [folders[0], folders[1] if len(folders) > 1 else ""]


@pytest.mark.parametrize("case", TREES)
def test_a_part_of_a_data_set(tmp_path: Path, case: str) -> None:
    """Each image alone, and its folder, has the masks that the whole gives it."""
    layout, images, *_ = TREES[case]
    root = tmp_path / "candle"
    write_tree(root, *images, *(mask for masks in images.values() for mask in masks))
    if layout in ("yolo", "coco"):
        _tree(root, case)
    whole = {entry.image: entry for entry in find_images(root)}
    assert len(whole) == len(images)
    for image, entry in whole.items():
        (alone,) = find_images(image)
        assert alone.masks == entry.masks
        folder = {one.image: one for one in find_images(image.parent)}
        assert folder[image].masks == entry.masks
        if layout not in ("class-folders", "split-folders", "images-masks", "visa",
                          "yolo"):  # fmt: skip
            assert alone == folder[image] == entry


def test_every_layout_has_a_tree() -> None:
    assert {tree[0] for tree in TREES.values()} == {layout.name for layout in LAYOUTS}


def test_layouts_by_name(tmp_path: Path) -> None:
    write_tree(tmp_path, "train/good/a.png", "test/good/a.png", "images/b.png",
               "masks/b.png")  # fmt: skip
    with pytest.raises(TilingError, match=r"mvtec-ad and images-masks.*--layout"):
        find_images(tmp_path)
    assert len(find_images(tmp_path, layout="mvtec-ad")) == 2
    assert find_images(tmp_path, layout="btech").layout == "mvtec-ad"
    found = find_images(tmp_path, layout="images-masks")
    assert [entry.id for entry in found] == ["b"]
    assert any("train/good/a.png" in note for note in found.notes)
    with pytest.raises(TilingError, match=r"'mvtecad'; did you mean 'mvtec-.*plain"):
        find_images(tmp_path, layout="mvtecad")
    with pytest.raises(TilingError, match=r"no image .* place of the layout visa"):
        find_images(tmp_path, layout="visa")


def test_what_the_layout_has_no_place_for_is_named(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        "train/good/rgb/000.png",
        "test/hole/rgb/000.png",
        "test/hole/gt/000.png",
        "test/hole/xyz/000.tif",
        "test/extra.png",
    )
    found = find_images(tmp_path)
    assert len(found) == 2
    (note,) = found.notes
    assert "2 images" in note
    assert "test/extra.png" in note
    assert "test/hole/xyz/000.tif" in note


@pytest.mark.parametrize(
    ("masks", "copies"),
    [
        ("SegmentationClassPNG", ("SegmentationClass/{}.npy",)),
        ("SegmentationClass", ("SegmentationClassNpy/{}.npy",)),
        ("SegmentationClass", ("SegmentationClass/{}.npy",)),
        (
            "SegmentationClass",
            ("SegmentationObject/{}.png", "SegmentationObjectNpy/{}.npy",
             "SegmentationObjectVisualization/{}.jpg"),
        ),
    ],
)  # fmt: skip
def test_other_forms_of_masks(
    tmp_path: Path, masks: str, copies: tuple[str, ...]
) -> None:
    copies += ("SegmentationClassVisualization/{}.jpg",)
    for name in "abc":
        write_tree(tmp_path, f"JPEGImages/{name}.jpg", f"{masks}/{name}.png")
        write_tree(tmp_path, *(copy.format(name) for copy in copies))
    found = find_images(tmp_path)
    assert found.layout == "images-masks"
    pngs = {name: (tmp_path / masks / f"{name}.png",) for name in "abc"}
    assert {entry.id: entry.masks for entry in found} == pngs
    (note,) = found.notes
    assert f"{3 * len(copies)} other forms" in note
    assert copies[0].split("/", maxsplit=1)[0] in note
    (alone,) = find_images(tmp_path / "JPEGImages/b.jpg")
    assert alone.masks == pngs["b"]
    found = find_images(tmp_path, mask_pattern=f"{masks}/{{stem}}.png")
    assert {entry.id: entry.masks for entry in found} == pngs


def test_arrays_alone_are_masks(tmp_path: Path) -> None:
    write_tree(tmp_path, "JPEGImages/a.jpg", "SegmentationClass/a.npy")
    (entry,) = find_images(tmp_path)
    assert [mask.name for mask in entry.masks] == ["a.npy"]


def test_a_layout_that_leaves_out_more_than_it_takes(tmp_path: Path) -> None:
    write_tree(tmp_path, "train/good/0.png", "test/new/a/1.png", "test/new/a/2.png")
    with pytest.raises(TilingError, match=r"no place for 2: .*test/new/a/1\.png"):
        find_images(tmp_path)
    assert len(find_images(tmp_path, layout="mvtec-ad").notes) == 1


def test_an_unreadable_mask_gives_no_label(tmp_path: Path) -> None:
    write_tree(tmp_path, "kos01/Part0.jpg", "kos01/Part0_label.bmp", "kos01/Part1.jpg",
               "kos01/Part1_label.bmp")  # fmt: skip
    (tmp_path / "kos01/Part0_label.bmp").write_bytes(b"BM")
    found = find_images(tmp_path)
    assert [entry.label for entry in found] == ["", "bad"]
    assert ["kos01/Part0.jpg" in note for note in found.notes] == [True]


def test_images_that_a_list_of_splits_does_not_name(tmp_path: Path) -> None:
    root = tmp_path / "mint"
    write_tree(root, "OK/S0001/a_1.jpg", "OK/S0009/new.jpg")
    (tmp_path / "mint.json").write_text(JSON)
    found = find_images(root)
    assert [entry.id for entry in found] == ["train/good/a_1", "good/new"]
    assert ["OK/S0009/new.jpg" in note for note in found.notes] == [True]
    (root / "OK/S0001/a_1.jpg").unlink()
    with pytest.raises(TilingError, match=r"mint\.json names none of the images"):
        find_images(root)


def test_damaged_lists_of_splits(tmp_path: Path) -> None:
    root = tmp_path / "mint"
    write_tree(root, "OK/S0001/a.jpg")
    file = tmp_path / "mint.json"
    deep = "[" * 100_000
    for text in ("", "[]", "{", '{"train": [{"image_path": "a"}]}', '"x"', deep):
        file.write_text(text)
        with pytest.raises(TilingError, match=r"mint\.json"):
            find_images(root)


def test_patterns() -> None:
    assert match_path("{split}/{stem}_GT", "Train/1_gt") == {
        "split": "Train",
        "stem": "1",
    }
    assert match_path("{split}/{stem}", "trains/1") is None
    assert match_path("{folder}{stem}", "a/b/c") == {"folder": "a/b/", "stem": "c"}
