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

pytestmark = pytest.mark.usefixtures("work")
PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
TILES = Path("tiles")


def marks(*counts: int) -> NDArray[np.uint8]:
    """Return a mask of four tiles of 16 with so many marked pixels in each."""
    tiles = np.zeros((4, 256), np.uint8)
    for tile, count in zip(tiles, counts, strict=True):
        tile[:count] = 255
    return tiles.reshape(2, 2, 16, 16).swapaxes(1, 2).reshape(32, 32)


def write(name: str, pixels: NDArray[Any] = PIXELS) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    write_image(name, pixels)


@pytest.fixture
def dataset() -> Path:
    """Write a data set with a defective image, of whose tiles two are marked."""
    for name in ("train/good/0", "test/good/0", "test/spot/0"):
        write(f"set/{name}.png")
    write("set/ground_truth/spot/0_mask.png", marks(40, 2, 0, 0))
    return Path("set")


def images_in(out: Path = TILES) -> list[str]:
    return [name for name in files(out) if name not in (NAME, METADATA_NAME)]


@pytest.mark.parametrize(
    ("words", "marked", "below"),
    [
        ("", [0, 1], []),
        ("--min-marked 2", [0, 1], []),
        ("--min-marked 3", [0], [1]),
        ("--min-marked 20%", [], [0, 1]),
    ],
)
def test_unmarked_tiles_of_a_defective_image_are_good(
    dataset: Path, words: str, marked: list[int], below: list[int]
) -> None:
    done(f"tile set tiles --tile 16 {words}")
    good = [k for k in range(4) if k not in marked]
    assert images_in() == sorted(
        [f"train/good/0_{k:04d}.png" for k in range(4)]
        + [f"test/good/0_{k:04d}.png" for k in range(4)]
        + [f"test/good/0_spot_{k:04d}.png" for k in good]
        + [f"test/spot/0_{k:04d}.png" for k in marked]
        + [f"ground_truth/spot/0_{k:04d}_mask.png" for k in marked]
        + [f"test_unmarked/good/0_spot_{k:04d}_mask.png" for k in below]
    )
    record = Manifest.read(TILES).images[-1]
    assert (record.id, record.split, record.label) == ("test/spot/0", "test", "spot")
    assert [one.marked for one in record.tiles] == [40, 2, 0, 0]
    assert read_mask(TILES / f"{record.tiles[1].mask}").sum() == 2
    found = {one.id: one for one in find_images(TILES)}
    assert sum(one.label == "good" for one in found.values()) == 8 + len(good)
    done("untile tiles masks --masks")
    back = read_image("masks/test/spot/0_mask.png")
    assert (back == marks(40, 2, 0, 0)).all()


def test_the_table_says_what_the_manifest_does(dataset: Path) -> None:
    done("tile set tiles --tile 16 --overlap 4")
    rows = [json.loads(line) for line in (TILES / METADATA_NAME).open()]
    manifest = Manifest.read(TILES)
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
        good = row["label"] == "good"
        count = 0 if good else read_mask(TILES / row["mask_file_name"]).sum()
        assert (row["marked"] or 0) == count


def test_skipping_empty_tiles_leaves_good_images_whole(dataset: Path) -> None:
    # Data sets have masks of good ones, too.
    write("set/ground_truth/good/0_mask.png", marks(0, 0, 0, 0))
    said = done("tile set tiles --tile 16 --skip-empty")
    assert "Left out 2 tiles that the masks do not mark" in said
    message = refused(2, "untile tiles back")
    assert "2 of its 4 tiles were not kept" in message
    assert "--fill" in message
    assert [len(one.tiles) for one in Manifest.read(TILES).images] == [4, 4, 2]
    assert not any(one.label == "spot" and not one.masks for one in find_images(TILES))


@pytest.mark.parametrize("split", ["train", "validation"])
def test_defective_images_outside_of_the_test_split(dataset: Path, split: str) -> None:
    write(f"set/{split}/bad/1.png")
    write(f"set/{split}/bad/1_mask.png", marks(40, 2, 0, 0))
    done("tile set tiles --tile 16 --skip-empty --min-marked 3")
    assert [name for name in images_in() if "/1" in name] == [
        f"{split}/bad/1_0000.png",
        f"{split}_masks/bad/1_0000_mask.png",
    ]
    (entry,) = (one for one in find_images(TILES) if one.label == "bad")
    assert entry.split == split
    assert read_mask(entry.masks[0]).sum() == 40
    assert len(list((TILES / "ground_truth").rglob("*.png"))) == 1


def test_skipping_empty_tiles_needs_a_mask_somewhere() -> None:
    for name in "ab":
        write(f"plain/{name}.png")
    line = "tile plain tiles --tile 16 --skip-empty"
    assert "has no mask" in refused(1, line)
    write("plain/b_mask.png", marks(0, 0, 7, 0))
    assert "note: a.png: without a mask: all tiles are kept" in done(line)
    kept = [[one.index for one in im.tiles] for im in Manifest.read(TILES).images]
    assert kept == [[0, 1, 2, 3], [2]]


@pytest.mark.parametrize("share", ["0", "-1", "2.5", "101%", "0%", "", "many", "1e3"])
def test_odd_numbers_of_marked_pixels(dataset: Path, share: str) -> None:
    message = refused(2, f"tile set x --tile 16 --min-marked={share}")
    assert "--min-marked must be" in message


def test_a_palette_and_its_void_stay() -> None:
    indices = marks(0, 9, 0, 0)
    indices[indices == 255] = 2
    indices[:16, :16] = 255  # void
    picture = Image.fromarray(indices, "P")
    picture.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0] + [7] * 756 + [255, 255, 0])
    write("set/test/spot/0.png")
    for folder in ("test/good", "ground_truth/spot"):
        Path("set", folder).mkdir(parents=True)
    picture.save("set/ground_truth/spot/0_mask.png")
    assert "255 of the palette is void" in done("tile set tiles --tile 16")
    record = Manifest.read(TILES).images[0]
    assert [one.marked for one in record.tiles] == [0, 9, 0, 0]
    assert record.void == 255
    masks = [one.mask for one in record.tiles]
    assert masks[0] == "test_unmarked/good/0_spot_0000_mask.png"
    assert masks[2] is None
    for place, name in ((np.s_[:16, :16], masks[0]), (np.s_[:16, 16:], masks[1])):
        with Image.open(TILES / str(name)) as cut:
            assert cut.mode == "P"
            assert (np.asarray(cut) == indices[place]).all()
            assert (cut.getpalette() or [])[3:9] == [200, 0, 0, 0, 200, 0]


def test_class_numbers_stay_in_one_channel_or_in_one_each() -> None:
    write("a.png")
    write("a_mask.png", np.repeat(np.arange(4, dtype=np.uint8), 256).reshape(32, 32))
    classes = np.zeros((32, 32, 5), np.uint8)
    classes[20, 20, 3] = 1
    write("b.npy")
    write("b_mask.tif", classes)
    line = "tile b.npy tiles --tile 16"
    assert "its mask: PNG does not hold 5 channels" in refused(1, line)
    for name in ("a.png", "b.npy"):
        done(f"tile {name} {name[0]} --tile 16 --format tiff")
        record = Manifest.read(Path(name[0])).images[0]
        kind = (record.mask_dtype, record.mask_channels, record.void)
        assert kind == ("uint8", 5 if name == "b.npy" else None, None)
    assert [one.marked for one in record.tiles] == [0, 0, 0, 1]
    assert (read_image("b/b_0003_mask.tif") == classes[16:, 16:]).all()
    assert set(np.unique(read_image("a/a_0002_mask.tif"))) == {2, 3}


def test_a_mask_that_marks_everything_or_nothing_is_said(dataset: Path) -> None:
    for count, words in ((256, "the mask marks every pixel"), (0, "marks nothing")):
        write("set/ground_truth/spot/0_mask.png", marks(*[count] * 4))
        assert words in done(f"tile set {count} --tile 16")


def test_orientation_is_applied_and_written_down() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(PIXELS).save("part.png", exif=exif)
    write("part_mask.png", marks(0, 5, 0, 0))
    upright = PIXELS[::-1, ::-1]
    for words, oriented, pixels in (("", 1, upright), ("--no-orient", 0, PIXELS)):
        said = done(f"tile part.png {oriented} --tile 16 {words}")
        assert ("turned upright" in said) == oriented
        record = Manifest.read(Path(str(oriented))).images[0]
        assert (record.orientation, record.oriented) == (3, bool(oriented))
        assert (read_image(f"{oriented}/part_0001.png") == pixels[:16, 16:]).all()


def test_tiles_know_where_they_lie() -> None:
    tifffile = pytest.importorskip("tifffile")
    scale, tie = (0.5, 0.25, 0.0), (0.0, 0.0, 0.0, 1000.0, 2000.0, 0.0)
    tags: list[Any] = [(33550, "d", 3, scale, True), (33922, "d", 6, tie, True)]
    tifffile.imwrite("map.tif", PIXELS, extratags=tags, metadata=None)
    done("tile map.tif tiles --tile 16 --format tiff --stride 12")
    image = Manifest.read(TILES).images[0]
    for one in image.tiles:
        (top, _), (left, _) = image.grid.boxes[one.index].tolist()
        moved = open_image(TILES / one.file).info.metadata.transform
        assert moved == (0.5, 0, 1000 + 0.5 * left, 0, -0.25, 2000 - 0.25 * top)
    said = done("tile map.tif png --tile 16")
    assert "tiles in .png do not keep the coordinates" in said


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("{id}_{row}_{col}", ["p_0_0", "p_0_1", "p_1_0", "p_1_1"]),
        ("{id}_{y:03d}x{x}", ["p_000x0", "p_000x16", "p_016x0", "p_016x16"]),
        ("t{index:02}", ["t00", "t01", "t02", "t03"]),
    ],
)
def test_names_on_request(pattern: str, names: list[str]) -> None:
    write("p.png")
    done(f"tile p.png tiles --tile 16 --name {pattern}")
    assert images_in() == [f"{name}.png" for name in names]
    done("untile tiles back.png")
    assert (read_image("back.png") == PIXELS).all()


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
def test_names_that_cannot_be(pattern: str, words: str) -> None:
    write("p.png")
    assert words in refused(2, "tile p.png t --tile 16 --name", pattern)
    assert not Path("t").exists()


def test_names_that_clash_or_are_too_long_for_the_disk() -> None:
    for name in ("images/a", "images/b", "n" * 240, "n" * 248):
        write(f"{name}.png")
    message = refused(1, "tile images t --tile 16 --name t{index}")
    assert "must have {id}" in message
    assert "a.png and b.png would" in message
    line = f"tile {'n' * 240}.png t --tile 16"
    assert "random tiles" in refused(1, f"{line} --name {{row}}{{col}} --random 2")
    done(line)
    message = refused(1, f"tile {'n' * 248}.png u --tile 16")
    assert "257 bytes of at most 255: shorten the image's name" in message


def test_all_bad_images_are_named_at_once(dataset: Path) -> None:
    (dataset / "train/good/1.png").write_bytes(b"no image")
    (dataset / "test/good/1.png").write_bytes(b"")
    line = "tile set tiles --tile 16"
    message = refused(1, line)
    assert "2 images cannot be cut (--skip-bad leaves them out)" in message
    assert "train/good/1.png" in message
    assert "test/good/1.png: the file is empty" in message
    assert not TILES.exists()
    assert done(f"{line} --skip-bad").count("left out ") == 2
    manifest = Manifest.read(TILES)
    assert [name for name, _ in manifest.bad] == ["train/good/1.png", "test/good/1.png"]
    ids = [one.id for one in manifest.images]
    assert ids == ["train/good/0", "test/good/0", "test/spot/0"]
    for path in dataset.rglob("?.png"):
        path.write_bytes(b"")
    message = refused(1, f"{line} --skip-bad --overwrite")
    assert "nothing is left to cut" in message


def test_an_image_that_turns_out_bad_while_it_is_cut() -> None:
    zarr = pytest.importorskip("zarr", exc_type=ImportError)
    write("images/a.png")
    stored = zarr.create_array(
        "images/b.zarr", shape=(64, 32), chunks=(16, 32), dtype="u1"
    )
    stored[...] = 7
    Path("images/b.zarr/c/3/0").write_bytes(b"damaged")
    line = "tile images tiles --tile 16"
    assert "b.zarr" in refused(1, line)
    assert "left out b.zarr: " in done(f"{line} --skip-bad")
    assert images_in() == [f"a_{k:04d}.png" for k in range(4)]
    assert len(Manifest.read(TILES).bad) == 1
    message = refused(2, f"{line} --skip-bad")  # it may have been mended
    assert "of a run that left out 1 bad image: give another folder" in message
