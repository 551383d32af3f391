"""Labels, masks and metadata of tiles: as the readers of data sets take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("typer")
pytest.importorskip("PIL")

from PIL import Image

from reftiler.io import open_image, read_image, read_mask, write_image
from reftiler.io.datasets import find_images
from reftiler.tilesets.manifest import METADATA_NAME, NAME, Manifest
from tests.command import done, files, refused

PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)


def marks(*counts: int) -> NDArray[np.uint8]:
    """Return a mask of four tiles of 16 with so many marked pixels in each."""
    tiles = np.zeros((4, 256), np.uint8)
    for tile, count in zip(tiles, counts, strict=True):
        tile[:count] = 255
    return tiles.reshape(2, 2, 16, 16).swapaxes(1, 2).reshape(32, 32)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Write a data set with a defective image, of whose tiles two are marked."""
    root = tmp_path / "set"
    for name in ("train/good/0", "test/good/0", "test/spot/0"):
        (root / name).parent.mkdir(parents=True)
        write_image(root / f"{name}.png", PIXELS)
    (root / "ground_truth" / "spot").mkdir(parents=True)
    write_image(root / "ground_truth/spot/0_mask.png", marks(40, 2, 0, 0))
    return root


def tile(source: Path, *words: str | int) -> Path:
    out = source.parent / "tiles"
    done("tile", source, out, "--tile", 16, *words)
    return out


def images_in(out: Path) -> list[str]:
    return [name for name in files(out) if name not in (NAME, METADATA_NAME)]


@pytest.mark.parametrize(
    ("words", "marked", "below"),
    [
        ((), [0, 1], []),
        (("--min-marked", "2"), [0, 1], []),
        (("--min-marked", "3"), [0], [1]),
        (("--min-marked", "20%"), [], [0, 1]),
    ],
)
def test_unmarked_tiles_of_a_defective_image_are_good(
    dataset: Path, words: tuple[str, ...], marked: list[int], below: list[int]
) -> None:
    out = tile(dataset, *words)
    good = [k for k in range(4) if k not in marked]
    assert images_in(out) == sorted(
        [f"train/good/0_{k:04d}.png" for k in range(4)]
        + [f"test/good/0_{k:04d}.png" for k in range(4)]
        + [f"test/good/0_spot_{k:04d}.png" for k in good]
        + [f"test/spot/0_{k:04d}.png" for k in marked]
        + [f"ground_truth/spot/0_{k:04d}_mask.png" for k in marked]
        + [f"test_unmarked/good/0_spot_{k:04d}_mask.png" for k in below]
    )
    record = Manifest.read(out).images[-1]
    assert (record.id, record.split, record.label) == ("test/spot/0", "test", "spot")
    assert [one.marked for one in record.tiles] == [40, 2, 0, 0]
    assert read_mask(out / f"{record.tiles[1].mask}").sum() == 2
    found = {one.id: one for one in find_images(out)}
    assert sum(one.label == "good" for one in found.values()) == 8 + len(good)
    done("untile", out, dataset.parent / "masks", "--masks")
    back = read_image(dataset.parent / "masks" / "test/spot/0_mask.png")
    assert (back == marks(40, 2, 0, 0)).all()


def test_the_table_says_what_the_manifest_does(dataset: Path) -> None:
    out = tile(dataset, "--overlap", 4)
    rows = [json.loads(line) for line in (out / METADATA_NAME).open()]
    manifest = Manifest.read(out)
    assert len(rows) == sum(len(image.tiles) for image in manifest.images) == 27
    assert len({tuple(row) for row in rows}) == 1  # pandas makes columns of them
    for row in rows:
        (image,) = (one for one in manifest.images if one.id == row["image_id"])
        assert (row["source"], row["split"]) == (image.source, image.split)
        (y, x), height, width = (row["y"], row["x"]), row["height"], row["width"]
        assert row["box"] == [[y, y + height], [x, x + width]]
        assert row["box"] == image.grid.boxes[row["index"]].tolist()
        assert row["file_name"].startswith(f"{row['split']}/{row['label']}/")
        assert (row["mask_file_name"] is not None) == (row["label"] == "spot")
        assert (row["marked"] or 0) == (
            0
            if row["label"] == "good"
            else read_mask(out / row["mask_file_name"]).sum()
        )


def test_skipping_empty_tiles_leaves_good_images_whole(dataset: Path) -> None:
    (dataset / "ground_truth/good").mkdir()  # data sets have masks of good ones, too
    write_image(dataset / "ground_truth/good/0_mask.png", marks(0, 0, 0, 0))
    out = tile(dataset, "--skip-empty")
    assert [len(one.tiles) for one in Manifest.read(out).images] == [4, 4, 2]
    assert not any(one.label == "spot" and not one.masks for one in find_images(out))


@pytest.mark.parametrize("split", ["train", "validation"])
def test_defective_images_outside_of_the_test_split(dataset: Path, split: str) -> None:
    for name, pixels in (("1", PIXELS), ("1_mask", marks(40, 2, 0, 0))):
        (dataset / split / "bad").mkdir(parents=True, exist_ok=True)
        write_image(dataset / split / "bad" / f"{name}.png", pixels)
    out = tile(dataset, "--skip-empty", "--min-marked", 3)
    assert [name for name in images_in(out) if "/1" in name] == [
        f"{split}/bad/1_0000.png",
        f"{split}_masks/bad/1_0000_mask.png",
    ]
    (entry,) = (one for one in find_images(out) if one.label == "bad")
    assert entry.split == split
    assert read_mask(entry.masks[0]).sum() == 40
    assert len(list((out / "ground_truth").rglob("*.png"))) == 1
    assert sum(one.label == "good" for one in find_images(out)) == 8


def test_skipping_empty_tiles_needs_a_mask_somewhere(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    for name in "ab":
        write_image(folder / f"{name}.png", PIXELS)
    words = ("tile", folder, tmp_path / "tiles", "--tile", 16, "--skip-empty")
    assert "has no mask" in refused(1, *words)
    write_image(folder / "b_mask.png", marks(0, 0, 7, 0))
    said = done(*words)
    assert "note: a.png: without a mask: all tiles are kept" in said
    images = Manifest.read(tmp_path / "tiles").images
    assert [[one.index for one in image.tiles] for image in images] == [
        [0, 1, 2, 3],
        [2],
    ]


@pytest.mark.parametrize("share", ["0", "-1", "2.5", "101%", "0%", "", "many", "1e3"])
def test_odd_numbers_of_marked_pixels(dataset: Path, share: str) -> None:
    words = ("--tile", 16, f"--min-marked={share}")
    assert "--min-marked must be" in refused(2, "tile", dataset, "x", *words)


def test_class_numbers_stay_as_they_are(tmp_path: Path) -> None:
    classes = np.repeat(np.arange(4, dtype=np.uint8), 256).reshape(32, 32)
    write_image(tmp_path / "part.png", PIXELS)
    write_image(tmp_path / "part_mask.png", classes)
    out = tile(tmp_path / "part.png")
    cut = read_image(out / "part_0002_mask.png")
    assert (cut == classes[16:, :16]).all()
    assert set(np.unique(cut)) == {2, 3}
    record = Manifest.read(out).images[0]
    assert (record.mask_dtype, record.mask_channels, record.void) == (
        "uint8",
        None,
        None,
    )


def test_a_palette_and_its_void_stay(tmp_path: Path) -> None:
    indices = marks(0, 9, 0, 0)
    indices[indices == 255] = 2
    indices[:16, :16] = 255  # void
    picture = Image.fromarray(indices, "P")
    picture.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0] + [7] * 756 + [255, 255, 0])
    (tmp_path / "set/test/spot").mkdir(parents=True)
    (tmp_path / "set/test/good").mkdir(parents=True)
    (tmp_path / "set/ground_truth/spot").mkdir(parents=True)
    write_image(tmp_path / "set/test/spot/0.png", PIXELS)
    picture.save(tmp_path / "set/ground_truth/spot/0_mask.png")
    out = tmp_path / "tiles"
    assert "255 of the palette is void" in done(
        "tile", tmp_path / "set", out, "--tile", 16
    )
    record = Manifest.read(out).images[0]
    assert [one.marked for one in record.tiles] == [0, 9, 0, 0]
    assert record.void == 255
    masks = [one.mask for one in record.tiles]
    assert masks[0] == "test_unmarked/good/0_spot_0000_mask.png"
    assert masks[2] is None
    for place, name in ((np.s_[:16, :16], masks[0]), (np.s_[:16, 16:], masks[1])):
        with Image.open(out / str(name)) as cut:
            assert cut.mode == "P"
            assert (np.asarray(cut) == indices[place]).all()
            assert (cut.getpalette() or [])[3:9] == [200, 0, 0, 0, 200, 0]


def test_one_channel_for_each_class(tmp_path: Path) -> None:
    classes = np.zeros((32, 32, 5), np.uint8)
    classes[20, 20, 3] = 1
    write_image(tmp_path / "part.npy", PIXELS)
    write_image(tmp_path / "part_mask.tif", classes)
    words = ("tile", tmp_path / "part.npy", tmp_path / "tiles", "--tile", 16)
    assert "its mask: PNG does not hold 5 channels" in refused(1, *words)
    done(*words, "--format", "tiff")
    record = Manifest.read(tmp_path / "tiles").images[0]
    assert [one.marked for one in record.tiles] == [0, 0, 0, 1]
    assert (record.mask_dtype, record.mask_channels) == ("uint8", 5)
    cut = read_image(tmp_path / "tiles" / "part_0003_mask.tif")
    assert (cut == classes[16:, 16:]).all()


def test_a_mask_that_marks_everything_or_nothing_is_said(dataset: Path) -> None:
    write_image(dataset / "ground_truth/spot/0_mask.png", marks(256, 256, 256, 256))
    said = done("tile", dataset, dataset.parent / "a", "--tile", 16)
    assert "note: test/spot/0.png: the mask marks every pixel" in said
    write_image(dataset / "ground_truth/spot/0_mask.png", marks(0, 0, 0, 0))
    said = done("tile", dataset, dataset.parent / "b", "--tile", 16)
    assert "labelled spot marks nothing" in said


def test_orientation_is_applied_and_written_down(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(PIXELS).save(tmp_path / "part.png", exif=exif)
    write_image(tmp_path / "part_mask.png", marks(0, 5, 0, 0))
    out = tmp_path / "tiles"
    assert "turned upright" in done("tile", tmp_path / "part.png", out, "--tile", 16)
    record = Manifest.read(out).images[0]
    assert (record.orientation, record.oriented) == (3, True)
    upright = PIXELS[::-1, ::-1]
    assert (read_image(out / "part_0001.png") == upright[:16, 16:]).all()
    done("tile", tmp_path / "part.png", tmp_path / "raw", "--tile", 16, "--no-orient")
    record = Manifest.read(tmp_path / "raw").images[0]
    assert (record.orientation, record.oriented) == (3, False)
    assert (read_image(tmp_path / "raw/part_0001.png") == PIXELS[:16, 16:]).all()


def test_tiles_know_where_they_lie(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    scale, tie = (0.5, 0.25, 0.0), (0.0, 0.0, 0.0, 1000.0, 2000.0, 0.0)
    tags: list[Any] = [(33550, "d", 3, scale, True), (33922, "d", 6, tie, True)]
    tifffile.imwrite(tmp_path / "map.tif", PIXELS, extratags=tags, metadata=None)
    out = tmp_path / "tiles"
    done(
        "tile",
        tmp_path / "map.tif",
        out,
        "--tile",
        16,
        "--format",
        "tiff",
        "--stride",
        12,
    )
    image = Manifest.read(out).images[0]
    assert open_image(tmp_path / "map.tif").info.metadata.transform is not None
    for one in image.tiles:
        (top, _), (left, _) = image.grid.boxes[one.index].tolist()
        moved = open_image(out / one.file).info.metadata.transform
        assert moved == (0.5, 0, 1000 + 0.5 * left, 0, -0.25, 2000 - 0.25 * top)
    said = done("tile", tmp_path / "map.tif", tmp_path / "png", "--tile", 16)
    assert "tiles in .png do not keep the coordinates" in said


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("{id}_{row}_{col}", ["p_0_0", "p_0_1", "p_1_0", "p_1_1"]),
        ("{id}_{y:03d}x{x}", ["p_000x0", "p_000x16", "p_016x0", "p_016x16"]),
        ("t{index:02}", ["t00", "t01", "t02", "t03"]),
    ],
)
def test_names_on_request(tmp_path: Path, pattern: str, names: list[str]) -> None:
    write_image(tmp_path / "p.png", PIXELS)
    out = tile(tmp_path / "p.png", "--name", pattern)
    assert images_in(out) == [f"{name}.png" for name in names]
    done("untile", out, tmp_path / "back.png")
    assert (read_image(tmp_path / "back.png") == PIXELS).all()


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{id}", "must tell tiles apart"),
        ("{id}_{row}", "must tell tiles apart"),
        ("../{index}", "without folders"),
        ("{id}/{index}", "without folders"),
        ("{index}_mask", "are masks'"),
        ("{id}_{index}.png", "leave out .png"),
        ("{id}_{index}.TIF", "leave out .TIF"),
        ("{name}_{index}", "the fields are {id}"),
        ("{id.__class__}_{index}", "the fields are {id}"),
        ("{index:999999999}", "may be given as"),
        ("{index!r}", "the fields are {id}"),
        ("{index", "is no pattern"),
    ],
)
def test_names_that_cannot_be(tmp_path: Path, pattern: str, words: str) -> None:
    write_image(tmp_path / "p.png", PIXELS)
    call = ("tile", tmp_path / "p.png", tmp_path / "t", "--tile", 16)
    assert words in refused(2, *call, "--name", pattern)
    assert "random tiles" in refused(1, *call, "--name", "{row}{col}", "--random", 2)
    assert not (tmp_path / "t").exists()


def test_names_that_clash(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in "ab":
        write_image(tmp_path / "images" / f"{name}.png", PIXELS)
    out = tmp_path / "t"
    call = ("tile", tmp_path / "images", out, "--tile", 16, "--name", "t{index}")
    message = refused(1, *call)
    assert "must have {id}" in message
    assert "a.png and b.png would" in message
    assert not (tmp_path / "t").exists()


def test_names_too_long_for_the_disk(tmp_path: Path) -> None:
    write_image(tmp_path / f"{'n' * 240}.png", PIXELS)
    source, out = next(tmp_path.iterdir()), tmp_path / "t"
    assert "254 bytes" not in done("tile", source, out, "--tile", 16)
    write_image(tmp_path / f"{'n' * 248}.png", PIXELS)
    (source,) = (p for p in tmp_path.glob("n*.png") if len(p.name) == 252)
    message = refused(1, "tile", source, tmp_path / "u", "--tile", 16)
    assert "257 bytes of at most 255: shorten the image's name" in message


def test_all_bad_images_are_named_at_once(dataset: Path) -> None:
    out = dataset.parent / "tiles"
    (dataset / "train/good/1.png").write_bytes(b"no image")
    (dataset / "test/good/1.png").write_bytes(b"")
    words = ("tile", dataset, out, "--tile", 16)
    message = refused(1, *words)
    assert "2 images cannot be cut (--skip-bad leaves them out)" in message
    assert "train/good/1.png" in message
    assert "test/good/1.png: the file is empty" in message
    assert not out.exists()
    said = done(*words, "--skip-bad")
    assert said.count("left out ") == 2
    manifest = Manifest.read(out)
    assert [name for name, _ in manifest.bad] == ["train/good/1.png", "test/good/1.png"]
    assert [one.id for one in manifest.images] == [
        "train/good/0",
        "test/good/0",
        "test/spot/0",
    ]
    for path in dataset.rglob("?.png"):
        path.write_bytes(b"")
    message = refused(1, *words, "--skip-bad", "--overwrite")
    assert "nothing is left to cut" in message


def test_an_image_that_turns_out_bad_while_it_is_cut(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr", exc_type=ImportError)
    folder = tmp_path / "images"
    folder.mkdir()
    write_image(folder / "a.png", PIXELS)
    stored = zarr.create_array(
        str(folder / "b.zarr"), shape=(64, 32), chunks=(16, 32), dtype="u1"
    )
    stored[...] = 7
    (chunk,) = (folder / "b.zarr").rglob("c/3/0")
    chunk.write_bytes(b"damaged")
    words = ("tile", folder, tmp_path / "tiles", "--tile", 16)
    assert "b.zarr" in refused(1, *words)
    said = done(*words, "--skip-bad")
    assert "left out b.zarr: " in said
    assert images_in(tmp_path / "tiles") == [f"a_{k:04d}.png" for k in range(4)]
    assert len(Manifest.read(tmp_path / "tiles").bad) == 1
    message = refused(2, *words, "--skip-bad")  # it may have been mended
    assert "of a run that left out 1 bad image: give another folder" in message
