"""``reftiler tile`` and ``reftiler untile``: to tiles and back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

from rich.console import Console
from skimage import data

from reftiler import Tiler
from reftiler.cli import console
from reftiler.config import TilingConfig
from reftiler.io import open_image, read_image, read_mask, write_image
from reftiler.io.datasets import find_images, load_pair
from reftiler.io.metadata import Metadata
from reftiler.tilesets.manifest import Manifest
from tests.command import contents, done, files, refused, run
from tests.folders import SPOT

pytestmark = pytest.mark.usefixtures("part")
TILES = Path("tiles")


def test_retina_comes_back_to_the_pixel_in_another_place() -> None:
    write_image("retina.png", data.retina())
    said = done("tile retina.png tiles --tile 256 --stride 192")
    assert "Wrote 64 tiles of 256 × 256 from 1 image to" in said
    assert len(files(TILES)) == 66
    Path("retina.png").unlink()
    TILES.rename("moved")
    assert "Put together 1 image from 64 tiles" in done("untile moved whole.png")
    assert np.array_equal(read_image("whole.png"), data.retina())


@pytest.mark.parametrize(
    "words",
    [
        "--tile 33",
        "--tile 33x50 --stride 20x11 --mode clamp --window hann",
        "--tile 33 --overlap 9 --mode even --merge max --format tiff",
        "--tile 150 --pad-mode reflect --pad-side both --format npy",
        "--tile 40 --stride 30 --mode interpolation --border 5",
        "--tile 64 --pad-value 255 --window gaussian --stride 16",
    ],
)
def test_round_trips(words: str) -> None:
    done(f"tile part.png tiles {words}")
    done("untile tiles new/whole.tif")
    assert np.array_equal(read_image("new/whole.tif"), read_image("part.png"))
    done("untile tiles masks --masks")
    (name,) = files("masks")
    assert name.startswith("part_mask.")
    mask = read_mask(f"masks/{name}")
    assert mask[SPOT].all()
    assert mask.sum() == 12


@pytest.mark.long
def test_a_dataset_of_tiles_is_a_dataset(brick: Path) -> None:
    said = done(f"tile {brick} tiles --tile 512 --stride 512")
    assert "Wrote 56 tiles of 512 × 512 from 14 images (6 with a mask)" in said
    sources = {sample.id: sample for sample in find_images(brick)}
    found = {sample.id: sample for sample in find_images(TILES)}
    assert len(found) == 56
    for image in Manifest.read(TILES).images:
        source = sources[image.id]
        assert (image.split, image.label) == (source.split, source.label)
        whole, mask = load_pair(source)
        assert (brick / image.source).samefile(source.image)
        for tile in image.tiles:
            entry = found[tile.file.removesuffix(".png")]
            cut, marked = load_pair(entry)
            here = image.grid.slices(tile.index)
            assert np.array_equal(cut, whole[here])
            if mask is None or not mask[here].any():
                assert (entry.label, marked, tile.mask) == ("good", None, None)
                assert tile.marked == (None if mask is None else 0)
            else:
                assert entry.label == image.label
                assert marked is not None
                assert np.array_equal(marked, mask[here])
                assert tile.marked == mask[here].sum()


@pytest.mark.long
def test_skipping_empty_tiles_of_a_dataset(brick: Path) -> None:
    said = done(f"tile {brick} tiles --tile 256 --overlap 64 --skip-empty")
    assert "Left out 124 tiles that the masks do not mark" in said
    kept = find_images(TILES)
    assert Counter((one.split, one.label) for one in kept) == {
        ("train", "good"): 150,
        ("test", "good"): 50,
        ("test", "dent"): 9,
        ("test", "scratch"): 8,
        ("test", "spot"): 9,
    }
    assert all(read_mask(m).any() for one in kept for m in one.masks)
    message = refused(2, "untile tiles back")
    assert "21 of its 25 tiles were not kept" in message
    assert "--fill" in message
    assert not Path("back").exists()
    done("untile tiles back --fill 7")
    done("untile tiles masks --masks")  # nothing marked is missing
    for image in Manifest.read(TILES).images:
        back = read_image(f"back/{image.id}.png")
        covered = np.zeros(back.shape, dtype=bool)
        for tile in image.tiles:
            covered[image.grid.slices(tile.index)] = True
        source = read_image(brick / image.source)
        assert np.array_equal(back, np.where(covered, source, 7))
        if image.masks:
            mask = read_mask(f"masks/{image.id}_mask.png")
            assert np.array_equal(mask, read_mask(brick / image.masks[0]))


def test_random_tiles() -> None:
    for out in ("tiles", "again"):
        done(f"tile part.png {out} --tile 30x20 --random 4 --seed 9")
    assert contents("again") == contents(TILES)
    grid = Tiler((30, 20), channels_last=True).random((100, 120), 4, 9)
    manifest = Manifest.read(TILES)
    assert manifest.random == {"count": 4, "seed": 9}
    assert manifest.images[0].grid == grid
    assert "--fill" in refused(2, "untile tiles back.png")
    done("untile tiles back.png --fill 0")
    covered = grid.coverage()[..., np.newaxis] > 0
    want = np.where(covered, read_image("part.png"), 0)
    assert np.array_equal(read_image("back.png"), want)


def test_settings_of_a_file_and_its_fill_serve_when_merging() -> None:
    tiler = Tiler(64, 50, mode="drop", fill=9)
    Path("config.yaml").write_text(TilingConfig(tiler).to_yaml())
    done("tile part.png tiles --config config.yaml")
    settings = Tiler.from_dict({**tiler.to_dict(), "channels_last": True})
    assert Manifest.read(TILES).images[0].grid == settings.grid((100, 120))
    done("untile tiles back.png")
    assert (read_image("back.png")[64:] == 9).all()


def test_an_earlier_run_is_replaced_only_when_asked() -> None:
    done("tile part.png tiles --tile 20")
    before = files(TILES)
    assert "is done" in done("tile part.png tiles --tile 20")
    message = refused(2, "tile part.png tiles --tile 50")
    assert "holds the tiles of another call" in message
    assert files(TILES) == before
    for folder, name, option, words in (
        ("mine", "notes.txt", "", "is not empty, and no run of reftiler left that"),
        ("other", "part_0000.png", "--overwrite", "an earlier run lists"),
    ):
        Path(folder).mkdir()
        Path(folder, name).write_text("mine")
        assert words in refused(2, f"tile part.png {folder} --tile 50 {option}")
        assert files(folder) == [name]
    (TILES / "notes.txt").write_text("mine")
    done("tile part.png tiles --tile 50 --overwrite")
    assert len(files(TILES)) == 2 * 6 + 3
    assert (TILES / "notes.txt").read_text() == "mine"
    manifest = Manifest.read(TILES)
    Path("part.png").write_bytes(Path("part.png").read_bytes()[:200])
    refused(1, "tile part.png tiles --tile 20 --overwrite")
    assert Manifest.read(TILES) == manifest


def test_tiles_are_no_images_to_cut(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    for words in ("", "--recursive"):
        message = refused(2, f"tile . tiles --tile 50 {words}")
        assert "give a folder outside" in message
    assert not TILES.exists()
    done("tile part.png tiles --tile 50")
    Path("web").mkdir()
    Path("web/manifest.json").write_text("{}")
    Path("web/a.png").write_bytes(Path("part.png").read_bytes())
    out = tmp_path_factory.mktemp("out")
    said = done("tile . --tile 50 --recursive", out)
    assert "note: passed over folders of tiles: tiles" in said
    assert [one.id for one in Manifest.read(out).images] == ["part", "web/a"]


def test_progress_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "tile part.png tiles --tile 50"
    assert run(line).stderr == ""
    terminal = Console(stderr=True, force_terminal=True)
    monkeypatch.setattr(console, "stderr", terminal)
    shown = run(f"{line} --overwrite").stderr
    assert "Checking images" in shown
    assert "Writing tiles" in shown
    assert "6/6" in shown


def test_masks_keep_the_coordinates_of_their_image() -> None:
    keys = {34735: (1, 1, 0, 1, 1024, 0, 1, 1)}
    place = Metadata(transform=(10.0, 0.0, 5e5, 0.0, -10.0, 5e6), geo_keys=dict(keys))
    image = np.random.default_rng(0).integers(0, 9, (40, 50), np.uint8)
    write_image("a.tif", image, place)
    write_image("a_mask.tif", image)
    done("tile a.tif tiles --tile 20 --format tiff")
    for tile in Manifest.read(TILES).images[0].tiles:
        row, column = divmod(tile.index, 3)
        assert tile.mask is not None
        found = open_image(TILES / tile.mask).info.metadata
        assert found == place.cropped(20 * row, 20 * column)
    done("untile tiles mask.tif --masks")
    assert open_image("mask.tif").info.metadata == place
    assert np.array_equal(read_image("mask.tif"), image)


def test_coordinates_of_tiles_that_are_resampled() -> None:
    place = Metadata(transform=(12.0, 0.0, 5e5, 0.0, -16.0, 5e6))
    write_image("a.tif", np.zeros((30, 40), np.uint8), place)
    done("tile a.tif tiles --tile 16 --mode interpolation --format tiff")
    last = open_image("tiles/a_0005.tif")  # of 2 x 3, over 32 x 48
    assert last.info.metadata.transform == (10.0, 0.0, 5e5 + 320, 0.0, -15.0, 5e6 - 240)
