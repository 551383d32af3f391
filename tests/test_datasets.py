"""Finding images and masks: nothing guessed in silence, nothing left out unsaid."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("skimage")

from reftiler.errors import TilingError, printable
from reftiler.io import ReadOptions, write_image
from reftiler.io.datasets import ImageEntry, find_images, load_pair
from reftiler.io.map_files import match_maps
from tests.trees import write_tree

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


def ids(source: Path, **settings: object) -> list[str]:
    return [entry.id for entry in find_images(source, **settings)]  # type: ignore[arg-type]


def masks(source: Path, **settings: object) -> dict[str, list[str]]:
    found = find_images(source, **settings)  # type: ignore[arg-type]
    return {entry.id: [mask.name for mask in entry.masks] for entry in found}


# What is found, and in which order


def test_a_folder(tmp_path: Path) -> None:
    write_tree(tmp_path, "b.png", "a.TIF", "a_mask.png", "10.png", "9.png")
    write_tree(tmp_path, "inner/c.png")
    (tmp_path / ".b.png").write_bytes(b"hidden")
    for name in ("notes.txt", "more.TXT", "list.json", "no_suffix", "LICENSE"):
        (tmp_path / name).write_text("no image")
    found = find_images(tmp_path)
    assert [entry.id for entry in found] == ["10", "9", "a", "b"]
    assert found[2] == ImageEntry(tmp_path / "a.TIF", (tmp_path / "a_mask.png",))
    closed, unmasked, others = found.notes
    assert "3 images" in unmasked
    assert "1 sub-folder: inner" in closed
    assert re.search(r"4 files.*2 \.txt", others)
    assert "LICENSE" not in others


def test_an_image(tmp_path: Path) -> None:
    write_tree(tmp_path, "a.png", "a_mask.png", "b.png", "b_seg.png", "lost_mask.png",
               "masks/c.png", "c.npy")  # fmt: skip
    assert masks(tmp_path / "a.png") == {"a": ["a_mask.png"]}
    assert masks(tmp_path / "c.npy") == {"c": ["c.png"]}
    assert masks(tmp_path / "a_mask.png") == {"a_mask": []}
    found = find_images(tmp_path / "b.png")
    assert [*found] == [ImageEntry(tmp_path / "b.png")]
    assert ["b_seg.png may be a mask" in note for note in found.notes] == [True]
    (tmp_path / "raw.dat").write_bytes(b"1")
    assert ids(tmp_path / "raw.dat") == ["raw"]
    write_tree(tmp_path / "x", "a.png", "y/a.png", "y/a_mask.png", "y/masks/b.png",
               "y/b.jpg", "y/z/q/a.png")  # fmt: skip
    found_there = masks(tmp_path / "x", recursive=True)
    masked = {"y/a": ["a_mask.png"], "y/b": ["b.png"]}
    assert found_there == {"a": [], "y/z/q/a": [], **masked}


def test_parts_of_a_data_set_know_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_tree(tmp_path, *DATASET)
    whole = [*find_images(root)]
    assert [*find_images(root / "test")] == whole[2:]
    monkeypatch.chdir(root / "test" / "spot")
    (here, _) = find_images(Path())
    assert (here.id, here.image) == ("test/spot/000", Path("000.png"))
    (mask,) = here.masks
    assert mask.samefile(root / "ground_truth/spot/000_mask.png")


def test_a_folder_that_happens_to_be_called_test_is_no_data_set(tmp_path: Path) -> None:
    write_tree(tmp_path, "test/photos/a.png")
    (entry,) = find_images(tmp_path / "test" / "photos")
    assert (entry.id, entry.split, entry.label) == ("a", "", "")


def test_the_order_of_a_data_set_is_not_the_disk_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_tree(tmp_path, *DATASET)
    forwards, listed = find_images(str(root)), os.scandir
    assert [entry.id for entry in forwards] == [
        "train/good/000", "train/good/001", "test/dent/000", "test/good/000",
        "test/spot/000", "test/spot/001",
    ]  # fmt: skip
    mask = root / "ground_truth/spot/001_mask.npy"
    want = ImageEntry(root / "test/spot/001.tif", (mask,), "test", "spot")
    assert forwards[5] == want
    assert (forwards.layout, forwards.notes) == ("mvtec-ad", ())

    def backwards(path: str) -> nullcontext[list[os.DirEntry[str]]]:
        return nullcontext([*listed(path)][::-1])

    monkeypatch.setattr(os, "scandir", backwards)
    assert find_images(root) == forwards


FINE = ("train/Fine/0.png", "test/Fine/0.png", "test/spot/0.png",
        "ground_truth/spot/0.png")  # fmt: skip


def test_names_of_good_folders(tmp_path: Path) -> None:
    root = write_tree(tmp_path, *FINE, "test/good/1.png")
    good = ["train/good/0", "test/good/0", "test/good/1"]
    assert ids(root, good="fine") == [*good, "test/spot/0"]


BESIDE = ("a.png", "good/b.png")
SETS = ("brick/test/good/0.png", "grass/test/good/0.png")
TWO = ("a.png", "a_mask.png", "a_mask.tif")
VISA = [
    f"{name}/Data/{path}"
    for name in ("candle", "fryum")
    for path in ("Images/Normal/0.JPG", "Images/Anomaly/0.JPG", "Masks/Anomaly/0.png")
]


@pytest.mark.parametrize(
    ("files", "settings", "words"),
    [
        ((), {}, "no image in"),
        (("gone/",), {"source": "none"}, "cannot search .*none: No such file"),
        (("a.png",), {"source": "a\0"}, r"cannot search .*a\\x00"),
        (("x/a.png", "y/a.png"), {}, r"not entered: x, y.*--recursive"),
        (SETS, {}, r"folder of data sets.*brick, .*grass"),
        (SETS, {"recursive": True}, r"folder of data sets.*brick, .*grass"),
        # Each is named once, by its root.
        (VISA, {}, r"folder of data sets: give one of them, \S*candle, \S*fryum$"),
        (FINE, {}, r"without a mask: test/Fine/0\.png"),
        (FINE, {"good": ["fine", "best"]}, "called best .*spot"),
        (BESIDE, {}, "layouts class-folders and plain"),
        (("train/c.png", "d.png"), {}, "layouts split-folders and plain"),
        (("a.png", "a_mask.png", "b_mask.png"), {}, r"without an image: b_mask\.png"),
        (("images/a.png", "masks/seg_a.png"), {}, r"an image: masks/seg_a\.png"),
        (("wine_label.png",), {}, r"names of masks.*--mask-pattern none"),
        (TWO, {}, r"a\.png has 2 masks: .*png.*tif"),
        (TWO, {"source": "a.png"}, r"a\.png has 2 masks: .*png.*tif"),
        # In other Unicode, or as a folder, these are one name.
        (("caf\u00e9.png", "cafe\u0301.png"), {}, "have the same id"),
        (("a.png", "b.png/b.png", "b.tif"), {"recursive": True},
         r"folder b\.png is called like"),
        (("a.png",), {"source": "a.png", "layout": "mvtec-ad"}, "layout mvtec-ad"),
        *(
            (("a.png",), {"mask_pattern": pattern}, "the mask pattern")
            for pattern in ("m.png", "{stem", "{stem.name}", "{x}{stem}", "{stem}}")
        ),
    ],
)  # fmt: skip
def test_what_is_refused(
    tmp_path: Path, files: tuple[str, ...], settings: dict[str, Any], words: str
) -> None:
    root = write_tree(tmp_path, *(name for name in files if not name.endswith("/")))
    given = dict(settings)
    source = root / given.pop("source", "")
    with pytest.raises(TilingError, match=words):
        find_images(source, **given)


def test_a_layout_that_is_named_is_not_asked_about(tmp_path: Path) -> None:
    write_tree(tmp_path, *BESIDE)
    assert ids(tmp_path, layout="plain") == ["a"]
    assert ids(tmp_path, layout="class-folders") == ["good/b"]
    root = write_tree(tmp_path / "photos", "a.jpg")
    write_image(root / "a.png", np.arange(64, dtype=np.uint8).reshape(8, 8))
    with pytest.raises(TilingError, match=r"a\.jpg and .*a\.png have the same id"):
        find_images(root)
    assert masks(root, layout="same-stem") == {"a": ["a.png"]}


# Mask patterns


@pytest.mark.parametrize(
    ("pattern", "names", "expected"),
    [
        ("{stem}_seg.png", ("a.jpg", "a_seg.png", "b.jpg"), ["a_seg.png"]),
        ("mask-{stem}", ("a.jpg", "mask-a.bmp", "b.jpg"), ["mask-a.bmp"]),
        ("{stem}.png", ("a.jpg", "a.png", "b.jpg"), ["a.png"]),
        ("{name}.tif", ("a.jpg", "a.jpg.tif", "b.jpg"), ["a.jpg.tif"]),
        ("m/{stem}.png", ("a.jpg", "m/a.png", "b.jpg"), ["a.png"]),
        ("../t/{stem}*.png", ("a.jpg", "../t/a1.png", "../t/a2.png", "b.jpg"),
         ["a1.png", "a2.png"]),
        ("../t/{folder}/{stem}.png", ("a.jpg", "../t/a.png", "b.jpg"), ["a.png"]),
    ],
)  # fmt: skip
def test_mask_patterns(
    tmp_path: Path, pattern: str, names: tuple[str, ...], expected: list[str]
) -> None:
    root = write_tree(tmp_path / "[1] *", *names)
    assert masks(root, mask_pattern=pattern) == {"a": expected, "b": []}
    assert masks(root / "a.jpg", mask_pattern=pattern) == {"a": expected}


def test_mask_patterns_in_sub_folders_and_data_sets(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "scans", "x/a.jpg", "x/truth/a.png", "y/a.jpg")
    found = masks(root, mask_pattern="./truth/{stem}.png", recursive=True)
    assert found == {"x/a": ["a.png"], "y/a": []}
    root = write_tree(tmp_path / "set", "train/good/a.png", "test/dent/a.png",
                      "marks/dent/a.bmp")  # fmt: skip
    (_, dent) = find_images(root, mask_pattern="marks/{label}/{stem}.bmp")
    assert (dent.id, dent.masks) == ("test/dent/a", (root / "marks/dent/a.bmp",))
    write_tree(root, "test/dent/m/a.png")
    assert masks(root / "test/dent", mask_pattern="m/{stem}.png") == {"a": ["a.png"]}
    root = write_tree(tmp_path / "[1]*", "a[1].jpg", "t/a[1]x.png", "t/a1.png")
    assert masks(root, mask_pattern="t/{stem}*.png") == {"a[1]": ["a[1]x.png"]}


def test_a_mask_is_one_file_where_case_is_not_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, "images/a.png", "images/B.png", "seg/a.png", "seg/b.PNG")

    def exists(path: Path) -> bool:
        names = [file.name.lower() for file in path.parent.iterdir()]
        return path.name.lower() in names

    pattern = "../seg/{stem}"
    assert masks(tmp_path / "images", mask_pattern=pattern) == {"B": [], "a": ["a.png"]}
    monkeypatch.setattr(Path, "exists", exists)
    found = masks(tmp_path / "images", mask_pattern=pattern)
    assert found == {"B": ["b.PNG"], "a": ["a.png"]}


def test_a_mask_pattern_lists_each_folder_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number:02d}" for number in range(20)]
    write_tree(tmp_path, *(f"images/{name}.png" for name in names),
               *(f"seg/{k}/{name}_{k}.png" for name in names for k in "xy"),
               "seg/y/00_z.Tif", "seg/y/00_a.gif", "seg/y/.00_b.png")  # fmt: skip
    listed = list[str]()
    for name, real in (("listdir", os.listdir), ("scandir", os.scandir)):

        def count(path: str = ".", real: Callable[..., Any] = real) -> Any:
            listed.append(path)
            return real(path)

        monkeypatch.setattr(os, name, count)
    found = masks(tmp_path / "images", mask_pattern="../seg/*/{stem}_*")
    assert found.pop("00") == ["00_x.png", "00_a.gif", "00_y.png", "00_z.Tif"]
    assert found == {name: [f"{name}_x.png", f"{name}_y.png"] for name in names[1:]}
    assert listed
    assert len(listed) < 10


def test_a_mask_that_no_image_has_by_the_pattern(tmp_path: Path) -> None:
    write_tree(tmp_path, "a.jpg", "a_seg.png", "b_seg.png")
    found = find_images(tmp_path, mask_pattern="{stem}_seg.png")
    assert [entry.id for entry in found] == ["a"]
    assert ["b_seg.png" in note for note in found.notes] == [True]
    with pytest.raises(TilingError, match=r"no image has a mask .*a_gt\.png"):
        find_images(tmp_path, mask_pattern="{stem}_gt.png")
    with pytest.raises(TilingError, match="no image has a mask"):  # but itself
        find_images(tmp_path / "a.jpg", mask_pattern="{stem}.jpg")
    write_tree(tmp_path / "2", "a.jpg", "m/a_x.png", "m/b_x.png", "m/legend.png")
    found = find_images(tmp_path / "2", mask_pattern="m/{stem}_x.png", recursive=True)
    assert [entry.id for entry in found] == ["a"]
    assert ["m/b_x.png, m/legend.png" in note for note in found.notes] == [True]


@pytest.mark.parametrize("pattern", ["none", ""])
def test_without_masks(tmp_path: Path, pattern: str) -> None:
    write_tree(tmp_path, "a.png", "a_mask.png", "b_left.png", "b.png", "masks/a.png")
    images = ["a", "a_mask", "b", "b_left"]
    assert masks(tmp_path, mask_pattern=pattern) == {image: [] for image in images}
    assert find_images(tmp_path, mask_pattern="masks/{stem}.png").notes == (
        "3 images without a mask: a_mask.png, b.png, b_left.png",
    )


# Types of files


def test_pictures_that_are_not_read_are_named(tmp_path: Path) -> None:
    write_tree(tmp_path, "a.png", "b.ppm", "c.tga")
    for name in ("d.DNG", "e.heic", "f.avif", "g.txt"):
        (tmp_path / name).write_bytes(b"1")
    pictures, others = find_images(tmp_path).notes
    assert re.search(r"5 pictures .*not read.*1 \.dng", pictures)
    assert "1 file of other types (1 .txt)" in others


# What is asked about


@pytest.mark.parametrize("name", ["part_seg.png", "part-left.png", "mask_part.png"])
def test_a_name_that_is_another_s_and_a_word(tmp_path: Path, name: str) -> None:
    write_tree(tmp_path, "part.jpg", "part_2.png", "other.png", name)
    pattern = name[:-4].replace("part", "{stem}")
    with pytest.raises(TilingError) as caught:
        find_images(tmp_path)
    assert f"{name} may be the mask of part.jpg" in str(caught.value)
    assert f"--mask-pattern '{pattern}'" in str(caught.value)
    assert masks(tmp_path, mask_pattern=pattern)["part"] == [name]


@pytest.mark.parametrize(("count", "words"), [(1, "000.png"), (5, "and 2 more")])
def test_defect_images_without_masks_are_named(
    tmp_path: Path, count: int, words: str
) -> None:
    names = [f"test/spot/{number:03d}.png" for number in range(count)]
    write_tree(tmp_path, "train/good/000.png", "test/dent/000.png", *names)
    assert len(find_images(tmp_path)) == count + 2
    write_tree(tmp_path, "ground_truth/dent/000_mask.png")
    with pytest.raises(TilingError, match=f"without a mask.*{words}") as caught:
        find_images(tmp_path)
    assert all(name in str(caught.value) for name in names[:3])


@pytest.mark.parametrize(
    "extra",
    ["ground_truth/spot/007_mask.png", "ground_truth/gone/000_mask.png",
     "test/spot/009_mask.png", "train/good/005_mask.png"],
)  # fmt: skip
def test_masks_of_a_data_set_without_images_are_named(
    tmp_path: Path, extra: str
) -> None:
    write_tree(tmp_path, *DATASET, extra)
    found = find_images(tmp_path)
    assert len(found) == 6
    assert ["1 mask" in note and extra in note for note in found.notes] == [True]


# Names


def test_ids_that_are_the_same_on_some_disks(tmp_path: Path) -> None:
    write_tree(tmp_path, "a.png", "A.png", "b.png")
    if len([*tmp_path.iterdir()]) < 3:
        pytest.skip("this disk takes A.png for a.png")
    with pytest.raises(TilingError, match=r"A\.png and .*a\.png have the same id"):
        find_images(tmp_path)


def test_masks_are_found_whatever_the_case(tmp_path: Path) -> None:
    write_tree(tmp_path, "caf\u00e9.JPG", "CAFE\u0301_Mask.PNG")
    assert [*masks(tmp_path).values()] == [["CAFE\u0301_Mask.PNG"]]


def test_all_bad_names_are_listed_and_none_reaches_the_terminal(tmp_path: Path) -> None:
    write_tree(tmp_path, "good.png")
    bad = [b"line\n.png", b"esc\x1b[2J.png", b"back\\slash.png", b"C:.png"]
    try:
        for name in (*bad, b"latin\xe9.png"):
            Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(b"")
    except OSError:
        pytest.skip("this disk does not take such names")
    with pytest.raises(TilingError, match="5 names") as caught:
        find_images(tmp_path)
    message = str(caught.value)
    assert message.isprintable()
    shown = (r"line\n.png", r"esc\x1b[2J.png", r"back\slash", "C:.png", r"latin\xe9")
    for text in shown:
        assert text in message


def test_printable() -> None:
    assert printable("Größe 3×4, 日本.png") == "Größe 3×4, 日本.png"
    assert printable("a\x1b\u202eb\udcff\u2028") == r"a\x1b\u202eb\xff\u2028"


# Links, pipes and what cannot be read


@pytest.mark.skipif(os.name == "nt", reason="pipes have no path there")
def test_links_and_pipes_are_named(tmp_path: Path) -> None:
    write_tree(tmp_path, "scans/x/a.png", "outside.png")
    root = tmp_path / "scans"
    (root / "x" / "up").symlink_to(root)
    (root / "x" / "above").symlink_to(tmp_path)
    (root / "itself.png").symlink_to(root / "itself.png")
    (root / "gone.png").symlink_to(root / "nothing.png")
    os.mkfifo(root / "pipe.png")
    found = find_images(root, recursive=True)
    assert [entry.id for entry in found] == ["x/a"]
    (note,) = found.notes
    assert "5 entries" in note
    with pytest.raises(TilingError, match="neither a file nor a folder"):
        find_images(root / "pipe.png")
    with pytest.raises(TilingError, match=r"itself\.png"):
        find_images(root / "itself.png")


def test_folders_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, "a.png", "x/b.png", "2/a.png", "2/masks/a.png")
    write_tree(tmp_path / "set", "train/good/a.png", "test/good/b.png")
    listed = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name in ("x", "test", "masks"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find_images(tmp_path)
    assert ids(tmp_path) == ["a"]
    named = "could not read 3 folders: 2/masks, set/test, x"
    assert any(named in note for note in found.notes)
    for source in (tmp_path / "2", tmp_path / "2" / "a.png"):
        with pytest.raises(TilingError, match=r"cannot read .*masks"):
            find_images(source)
    with pytest.raises(TilingError, match=r"cannot read .*test"):
        find_images(tmp_path / "set")
    with pytest.raises(TilingError, match=r"cannot search .*x: Permission denied"):
        find_images(tmp_path / "x")


# Pairs


def test_a_pair(tmp_path: Path) -> None:
    image = np.arange(20, dtype=np.uint8).reshape(4, 5)
    write_image(tmp_path / "a.JFIF.png", np.stack([image] * 3, axis=-1))
    (tmp_path / "a.JFIF.png").rename(tmp_path / "a.JFIF")  # told by its content
    write_image(tmp_path / "a_mask.png", image)
    (entry,) = find_images(tmp_path)
    pixels, mask = load_pair(entry)
    assert pixels.shape == (4, 5, 3)
    assert mask is not None
    assert (mask == (image != 0)).all()
    assert load_pair(ImageEntry(tmp_path / "a.JFIF"))[1] is None
    write_image(tmp_path / "a_mask.png", image.T)
    with pytest.raises(TilingError, match=r"a_mask\.png is 5x4, .*a\.JFIF is 4x5"):
        load_pair(entry)
    for name in ("b.svs", "c.btf"):
        write_tree(tmp_path, "plain.tif")
        (tmp_path / "plain.tif").rename(tmp_path / name)
    assert ids(tmp_path) == ["a", "b", "c"]


@pytest.mark.parametrize("orientation", [1, 3, 5, 6, 7, 8])
def test_a_mask_of_an_image_before_it_was_turned(
    tmp_path: Path, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.zeros((4, 6), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif)
    turned = orientation > 4
    write_image(tmp_path / "a_mask.png", pixels if turned else pixels.T.copy())
    (entry,) = find_images(tmp_path)
    with pytest.raises(TilingError, match="image's size") as caught:
        load_pair(entry)
    assert ("--no-orient" in str(caught.value)) == turned
    if turned:
        assert load_pair(entry, ReadOptions(orient=False))[0].shape == (4, 6)
    write_image(tmp_path / "a_mask.png", np.zeros((3, 6), np.uint8))
    with pytest.raises(TilingError, match="image's size") as caught:
        load_pair(entry)
    assert "--no-orient" not in str(caught.value)


# With strict=False: all is listed, and what is wrong stands at its entry


@pytest.mark.parametrize(
    ("files", "flagged"),
    [
        (("a.png", "a_mask.png", "a_mask.tif"), {"a": "has 2 masks"}),
        (("a.png", "a.tif"), {"a.png": "same name", "a.tif": "same name"}),
        (("part.png", "part_seg.png"), {"part_seg": "mask of part.png"}),
        (("a.png", "b_mask.png"), {"b_mask": "name or place of a mask"}),
        (("b_mask.png",), {"b_mask": "name or place of a mask"}),
        (("a.png", "a\n.png"), {"a\n": "control characters"}),
        (("images/a.png", "images/b.png", "masks/a.png", "masks/c.png"),
         {"masks/c": "name or place of a mask"}),
        (("images/a.png", "images/b.png", "images/c.png", "masks/a.png",
          "masks/b.png"), {"c": "no mask"}),
        (("good/a.png", "hole/b.png", "c.png"), {"c": "has no place for it"}),
        ((*DATASET, "test/dent/001.png"), {"test/dent/001": "no mask"}),
        ((*DATASET, *(f"raw/{k}.png" for k in range(8))),
         {f"raw/{k}": "has no place for it" for k in range(8)}),
        ((*DATASET, "kos1/a.jpg", "kos1/a_label.bmp"),
         dict.fromkeys((*(path[:-4] for path in DATASET), "kos1/a", "kos1/a_label"),
                       "has the layouts")),
        ((*(f"x/{path}" for path in DATASET), "y.png"), {}),
    ],
)  # fmt: skip
def test_what_is_refused_is_flagged_on_request(
    tmp_path: Path, files: tuple[str, ...], flagged: dict[str, str]
) -> None:
    root = write_tree(tmp_path, *files)
    if "images/a.png" not in files:  # of which the note says what was passed over
        with pytest.raises(TilingError):
            find_images(root, recursive=True)
    found = find_images(root, recursive=True, strict=False)
    problems = {entry.id: entry.problems for entry in found if entry.problems}
    assert problems.keys() == flagged.keys()
    assert all(words in problems[name][0] for name, words in flagged.items())
    listed = [path for entry in found for path in (entry.image, *entry.masks)]
    left = {root / path for path in files} - set(listed)
    assert {path.name for path in left} <= {"a_mask.png", "a_mask.tif"}
    assert len(listed) == len(set(listed))
    assert len({entry.id for entry in found}) == len(found)


def test_what_is_accepted_is_the_same_on_request(tmp_path: Path) -> None:
    for name, files in (("set", DATASET), ("flat", ("a.png", "b.png", "b_mask.png"))):
        root = write_tree(tmp_path / name, *files)
        assert find_images(root, strict=False).entries == find_images(root).entries
    (tmp_path / "none").mkdir()
    with pytest.raises(TilingError, match="no image in"):
        find_images(tmp_path / "none", strict=False)


# Maps, matched to images by the longest end of their paths


@pytest.mark.parametrize(
    ("names", "files", "matched", "words"),
    [
        (["000", "dent/000", "001", "spot/001"],
         ["dent/000.npy", "dent/001_heat.npy", "other.npy"],
         {1: "dent/000.npy", 2: "dent/001_heat.npy"}, "1 file .*: other.npy"),
        (["dent/000", "spot/000"], ["000.npy"], {}, "1 file .*several.*: 000.npy"),
    ],
)  # fmt: skip
def test_maps_of_images(
    tmp_path: Path,
    names: list[str],
    files: list[str],
    matched: dict[int, str],
    words: str,
) -> None:
    write_tree(tmp_path, *files)
    maps, (note,) = match_maps(names, [None] * len(names), tmp_path)
    assert maps == {number: (tmp_path / name,) for number, name in matched.items()}
    assert re.search(words, note)


def test_a_folder_without_maps_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for source, words in (("", "there is no .* map in"), ("x", "cannot read the maps")):
        with pytest.raises(TilingError, match=words):
            match_maps(["000"], [None], tmp_path / source)
