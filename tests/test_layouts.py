"""Each layout of a data set: a tiny tree in, its images with label and masks out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
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

# A line with the data set, the layout, and other files in its root; below it a line for
# each image, in order, with its file, its id and its masks (+: one that is black).
TREES_TEXT = """
MVTec AD: mvtec-ad readme.txt license.txt
  train/good/000.png train/good/000
  test/crack/000.png test/crack/000 ground_truth/crack/000_mask.png
  test/good/000.png test/good/000
MPDD, and VisA as anomalib prepares it: mvtec-ad
  train/good/000.png train/good/000
  test/bad/004.JPG test/bad/004 ground_truth/bad/004.png
  test/good/004.JPG test/good/004
VAD: mvtec-ad
  train/good/0.png train/good/0
  test/bad/1.png test/bad/1
  test/good/2.png test/good/2
BTech: mvtec-ad
  train/ok/0000.bmp train/good/0000
  test/ko/0020.bmp test/ko/0020 ground_truth/ko/0020.png
  test/ok/0000.png test/good/0000
MVTec AD 2: mvtec-ad-2
  train/good/000_regular.png train/good/000_regular
  validation/good/000_regular.png validation/good/000_regular
  test_public/bad/000_shift_1.png test/bad/000_shift_1
    test_public/ground_truth/bad/000_shift_1_mask.png
  test_public/good/000_regular.png test/good/000_regular
  test_private/000_regular.png test_private/000_regular
  test_private_mixed/000_mixed.png test_private_mixed/000_mixed
MVTec LOCO: mvtec-loco
  train/good/000.png train/good/000
  validation/good/000.png validation/good/000
  test/good/000.png test/good/000
  test/logical_anomalies/000.png test/logical_anomalies/000
    ground_truth/logical_anomalies/000/000.png
    ground_truth/logical_anomalies/000/001.png
  test/structural_anomalies/000.png test/structural_anomalies/000
    ground_truth/structural_anomalies/000/000.png
AutoVI: mvtec-loco
  train/good/img_1.png train/good/img_1
  test/missing/img_2.png test/missing/img_2 ground_truth/missing/img_2/0000.png
  test/good/img_3.png test/good/img_3
MVTec 3D: mvtec-3d
  train/good/rgb/000.png train/good/000
  validation/good/rgb/000.png validation/good/000
  test/hole/rgb/000.png test/hole/000 test/hole/gt/000.png
  test/good/rgb/000.png test/good/000 test/good/gt/000.png
YOLO: yolo labels/train/a.txt labels/val/b.txt
  images/train/a.png train/a
  images/val/b.png validation/b
YOLO by split: yolo train/labels/a.txt
  train/images/a.png train/a
  valid/images/b.png validation/b
COCO: coco annotations/instances_train2017.json
  train2017/a.png train/a
  val2017/b.png validation/b
BMAD: bmad
  train/good/0.png train/good/0
  test/Ungood/img/1.png test/Ungood/1 test/Ungood/label/1.png
  test/good/img/2.png test/good/2 +test/good/label/2.png
VisA: visa ../split_csv/1cls.csv
  Data/Images/Normal/0000.JPG train/good/0000
  Data/Images/Normal/0001.JPG good/0001
  Data/Images/Anomaly/000.JPG test/bad/000 Data/Masks/Anomaly/000.png
Real-IAD: real-iad ../../realiad_jsons/realiad_jsons/candle.json
  OK/S0001/a_1.jpg train/good/a_1
  NG/AK/S0002/a_2.jpg test/AK/a_2 NG/AK/S0002/a_2.png
  NG/AK/S0002/a_3.jpg test/good/a_3
Real-IAD, without lists: real-iad
  OK/S0001/a_1.jpg good/a_1
  NG/AK/S0002/a_2.jpg AK/a_2 NG/AK/S0002/a_2_mask.png
KolektorSDD: kolektor-sdd
  kos01/Part0.jpg good/kos01_Part0 +kos01/Part0_label.bmp
  kos02/Part0.jpg bad/kos02_Part0 kos02/Part0_label.bmp
KolektorSDD2: kolektor-sdd2
  train/10000.png train/good/10000 +train/10000_GT.png
  train/10001.png train/bad/10001 train/10001_GT.png
  test/20000.png test/good/20000 +test/20000_GT.png
images and masks: images-masks
  images/a.jpg a masks/a.png
  images/b.jpg b masks/b_mask.png
  images/c.jpg c
splits of images and masks: images-masks
  train/imgs/a.jpg train/a train/annotations/a.png
  val/imgs/a.jpg validation/a val/annotations/a.png
images and masks of splits: images-masks
  Images/training/a.jpg train/a Labels/training/a.png
  Images/test/a.jpg test/a Labels/test/a.png
folders of images and of masks for each split: images-masks
  train_images/a.jpg train/a train_masks/a.png
  val_images/a.jpg validation/a val_masks/a_mask.png
  test_images/b.jpg test/b
VOC: images-masks Annotations/a.xml ImageSets/Main/train.txt
  JPEGImages/a.jpg a SegmentationClass/a.png
  JPEGImages/b.jpg b
a folder for each class: class-folders
  good/a.png good/a
  crack/a.png crack/a mask/crack/a.png
  hole/b.png hole/b mask/hole/b_mask.png
a folder for each split: split-folders
  train/a.png train/a
  test/a.png test/a test/a_mask.png
splits with masks in folders of their own: split-folders
  Train/a.png train/a Train/Label/a_label.png
  train/c.jpg train/c train_masks/c_mask.gif
  val/b.png validation/b valannot/b.png
the same stem: same-stem
  a.jpg a a.png
  b.jpeg b b.bmp
  c.jpg c
a plain folder: plain
  a.png a a_mask.png
  b.png b b_label.bmp
  c.png c masks/c.png
  d.png d
"""


@dataclass
class Tree:
    """What lies in a data set's root: files of images with their id and masks."""

    layout: str
    others: list[str]
    images: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    def write(self, root: Path, *, with_others: bool = True) -> Path:
        """Write all files."""
        write_tree(root, *self.images)
        write_tree(root, *(m for _, masks in self.images.values() for m in masks))
        for name in self.others if with_others else ():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            kinds = {".csv": CSV, ".txt": ""}
            text = COCO if "instances" in name else kinds.get(name[-4:], JSON)
            (root / name).write_text(text)
        return root


def parse_trees() -> dict[str, Tree]:
    trees: dict[str, Tree] = {}
    for line in TREES_TEXT.strip().splitlines():
        if line.startswith("    "):  # more masks of the image above
            images = trees[next(reversed(trees))].images
            images[next(reversed(images))][1].extend(line.split())
        elif line.startswith("  "):
            image, entry_id, *masks = line.split()
            trees[next(reversed(trees))].images[image] = (entry_id, masks)
        else:
            name, _, words = line.partition(": ")
            trees[name] = Tree(words.split()[0], words.split()[1:])
    return trees


TREES = parse_trees()
SPLITS = ("train", "validation", "test", "test_private", "test_private_mixed")


@pytest.mark.parametrize("case", TREES)
def test_layout(tmp_path: Path, case: str) -> None:
    tree = TREES[case]
    root = tree.write(tmp_path / "x" / "y" / "candle")
    found = find_images(root)
    assert found.layout == tree.layout
    assert {e.id: (e.image, [*e.masks]) for e in found} == {
        entry_id: (root / image, [root / mask.lstrip("+") for mask in masks])
        for image, (entry_id, masks) in tree.images.items()
    }
    for entry in found:
        folders = entry.id.split("/")[:-1]
        split = folders.pop(0) if folders and folders[0] in SPLITS else ""
        assert [entry.split, entry.label] == [split, *(folders or [""])]
    assert find_images(root, layout=tree.layout).entries == found.entries


@pytest.mark.parametrize("case", TREES)
def test_a_layout_is_cut_and_put_together(tmp_path: Path, case: str) -> None:
    """Counts, labels and masks of its tiles are right, and all comes back."""
    root = TREES[case].write(tmp_path / "x" / "y" / "candle")
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


@pytest.mark.parametrize("case", TREES)
def test_a_part_of_a_data_set(tmp_path: Path, case: str) -> None:
    """Each image alone, and its folder, has the masks that the whole gives it."""
    layout = TREES[case].layout
    root = tmp_path / "candle"
    TREES[case].write(root, with_others=layout in ("yolo", "coco"))
    whole = {entry.image: entry for entry in find_images(root)}
    assert len(whole) == len(TREES[case].images)
    for image, entry in whole.items():
        (alone,) = find_images(image)
        assert alone.masks == entry.masks
        folder = {one.image: one for one in find_images(image.parent)}
        assert folder[image].masks == entry.masks
        if layout not in ("class-folders", "split-folders", "images-masks", "visa",
                          "yolo"):  # fmt: skip
            assert alone == folder[image] == entry


def test_every_layout_has_a_tree() -> None:
    assert {tree.layout for tree in TREES.values()} == {
        layout.name for layout in LAYOUTS
    }


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
    write_tree(tmp_path, "train/good/rgb/000.png", "test/hole/rgb/000.png",
               "test/hole/gt/000.png", "test/hole/xyz/000.tif",
               "test/extra.png")  # fmt: skip
    found = find_images(tmp_path)
    assert len(found) == 2
    (note,) = found.notes
    for words in ("2 images", "test/extra.png", "test/hole/xyz/000.tif"):
        assert words in note


@pytest.mark.parametrize(
    ("masks", "copies"),
    [
        ("SegmentationClassPNG", ("SegmentationClass/{}.npy",)),
        ("SegmentationClass", ("SegmentationClassNpy/{}.npy",)),
        ("SegmentationClass", ("SegmentationClass/{}.npy",)),
        ("SegmentationClass",
         ("SegmentationObject/{}.png", "SegmentationObjectNpy/{}.npy",
          "SegmentationObjectVisualization/{}.jpg")),
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
    fields = match_path("{split}/{stem}_GT", "Train/1_gt")
    assert fields == {"split": "Train", "stem": "1"}
    assert match_path("{split}/{stem}", "trains/1") is None
    assert match_path("{folder}{stem}", "a/b/c") == {"folder": "a/b/", "stem": "c"}
