"""``reftiler tile`` and ``reftiler untile``: to tiles and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")

from rich.console import Console

from reftiler import Tiler
from reftiler.cli import console
from reftiler.config import TilingConfig
from reftiler.io import open_image, read_image, read_mask, write_image
from reftiler.io.metadata import Metadata
from reftiler.tilesets.manifest import Manifest
from tests.command import contents, done, files, refused, run
from tests.folders import SPOT

pytestmark = pytest.mark.usefixtures("part")
TILES = Path("tiles")


def test_a_folder_that_was_moved_comes_back_to_the_pixel() -> None:
    image = read_image("part.png")
    said = done("tile part.png tiles --tile 20 --stride 15")
    assert "Wrote 56 tiles of 20 × 20 from 1 image (1 with a mask) to" in said
    assert len(files(TILES)) == 2 * 56 + 2
    Path("part.png").unlink()
    TILES.rename("moved")
    assert "Put together 1 image from 56 tiles" in done("untile moved whole.png")
    assert np.array_equal(read_image("whole.png"), image)


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
    monkeypatch.setenv("TERM", "xterm")  # a dumb one shows no progress
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
