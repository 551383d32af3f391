"""``reftiler tile`` and ``reftiler untile``: to tiles and back."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

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
from reftiler.samples import write_dataset
from reftiler.tilesets.manifest import Manifest
from tests.command import done, files, refused, run
from tests.folders import SPOT, write_part


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample") / "brick"
    write_dataset(root, max_good=2)
    return root


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return write_part(tmp_path)


def test_retina_comes_back_to_the_pixel(tmp_path: Path) -> None:
    image: NDArray[np.uint8] = data.retina()
    assert image.shape == (1411, 1411, 3)
    write_image(tmp_path / "retina.png", image)
    tiles = tmp_path / "tiles"
    words = done("tile", tmp_path / "retina.png", tiles, "--tile", 256, "--stride", 192)
    assert "Wrote 64 tiles of 256 × 256 from 1 image to" in words
    assert len(files(tiles)) == 66
    words = done("untile", tiles, tmp_path / "whole.png")
    assert "Put together 1 image from 64 tiles" in words
    assert np.array_equal(read_image(tmp_path / "whole.png"), image)


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
def test_round_trips(tmp_path: Path, part: Path, words: str) -> None:
    done("tile", part, tmp_path / "tiles", *words.split())
    done("untile", tmp_path / "tiles", tmp_path / "new" / "whole.tif")
    assert np.array_equal(read_image(tmp_path / "new" / "whole.tif"), read_image(part))
    done("untile", tmp_path / "tiles", tmp_path / "masks", "--masks")
    (name,) = files(tmp_path / "masks")
    assert name.startswith("part_mask.")
    mask = read_mask(tmp_path / "masks" / name)
    assert mask[SPOT].all()
    assert mask.sum() == 12


def test_a_folder_moves_and_is_put_together_elsewhere(
    tmp_path: Path, part: Path
) -> None:
    done("tile", part, tmp_path / "tiles", "--tile", 50, "--overlap", 10)
    image = read_image(part)
    part.unlink()
    (tmp_path / "tiles").rename(tmp_path / "moved")
    script = [sys.executable, "-m", "reftiler.cli", "untile", "moved", "whole.npy"]
    result = subprocess.run(
        script, check=False, cwd=tmp_path, capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert np.array_equal(read_image(tmp_path / "whole.npy"), image)


def test_a_dataset_of_tiles_is_a_dataset(tmp_path: Path, dataset: Path) -> None:
    tiles = tmp_path / "tiles"
    words = done("tile", dataset, tiles, "--tile", 512, "--stride", 512)
    assert "Wrote 56 tiles of 512 × 512 from 14 images (6 with a mask)" in words
    sources = {sample.id: sample for sample in find_images(dataset)}
    found = {sample.id: sample for sample in find_images(tiles)}
    assert len(found) == 56
    for image in Manifest.read(tiles).images:
        source = sources[image.id]
        assert (image.split, image.label) == (source.split, source.label)
        whole, mask = load_pair(source)
        assert (dataset / image.source).samefile(source.image)
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
    done("untile", tiles, tmp_path / "back")
    done("untile", tiles, tmp_path / "masks", "--masks")
    assert len(files(tmp_path / "back")) == 14
    for name in files(tmp_path / "back"):
        assert np.array_equal(
            read_image(tmp_path / "back" / name), read_image(dataset / name)
        )
    for name in files(dataset / "ground_truth"):
        assert np.array_equal(
            read_mask(tmp_path / "masks" / "test" / name),
            read_mask(dataset / "ground_truth" / name),
        )


def test_skipping_empty_tiles_of_a_dataset(tmp_path: Path, dataset: Path) -> None:
    tiles = tmp_path / "tiles"
    words = ("--tile", 256, "--overlap", 64, "--skip-empty")
    said = done("tile", dataset, tiles, *words)
    assert "Left out 124 tiles that the masks do not mark" in said
    kept = find_images(tiles)
    assert Counter((one.split, one.label) for one in kept) == {
        ("train", "good"): 150,
        ("test", "good"): 50,
        ("test", "dent"): 9,
        ("test", "scratch"): 8,
        ("test", "spot"): 9,
    }
    assert all(read_mask(m).any() for one in kept for m in one.masks)
    message = refused(2, "untile", tiles, tmp_path / "back")
    assert "21 of its 25 tiles were not kept" in message
    assert "--fill" in message
    assert not (tmp_path / "back").exists()
    done("untile", tiles, tmp_path / "back", "--fill", 7)
    done("untile", tiles, tmp_path / "masks", "--masks")  # nothing marked is missing
    for image in Manifest.read(tiles).images:
        back = read_image(tmp_path / "back" / f"{image.id}.png")
        covered = np.zeros(back.shape, dtype=bool)
        for tile in image.tiles:
            covered[image.grid.slices(tile.index)] = True
        source = read_image(dataset / image.source)
        assert np.array_equal(back, np.where(covered, source, 7))
        if image.masks:
            mask = read_mask(tmp_path / "masks" / f"{image.id}_mask.png")
            assert np.array_equal(mask, read_mask(dataset / image.masks[0]))


def test_random_tiles(tmp_path: Path, part: Path) -> None:
    words = ("--tile", "30x20", "--random", 4, "--seed", 9)
    done("tile", part, tmp_path / "tiles", *words)
    grid = Tiler((30, 20), channels_last=True).random((100, 120), 4, 9)
    manifest = Manifest.read(tmp_path / "tiles")
    assert manifest.random == {"count": 4, "seed": 9}
    assert manifest.images[0].grid == grid
    image = read_image(part)
    for tile in manifest.images[0].tiles:
        cut = read_image(tmp_path / "tiles" / tile.file)
        assert np.array_equal(cut, image[grid.slices(tile.index)])
    assert "--fill" in refused(2, "untile", tmp_path / "tiles", tmp_path / "back.png")
    done("untile", tmp_path / "tiles", tmp_path / "back.png", "--fill", 0)
    covered = grid.coverage()[..., np.newaxis] > 0
    assert np.array_equal(
        read_image(tmp_path / "back.png"), np.where(covered, image, 0)
    )
    done("tile", part, tmp_path / "again", *words)
    assert files(tmp_path / "again") == files(tmp_path / "tiles")
    for name in files(tmp_path / "tiles"):
        assert (tmp_path / "again" / name).read_bytes() == (
            tmp_path / "tiles" / name
        ).read_bytes()


def test_fill_given_when_cutting_serves_when_merging(
    tmp_path: Path, part: Path
) -> None:
    done("tile", part, tmp_path / "t", "--tile", 64, "--mode", "drop", "--fill", 9)
    done("untile", tmp_path / "t", tmp_path / "back.png")
    assert (read_image(tmp_path / "back.png")[64:] == 9).all()


def test_configuration_file(tmp_path: Path, part: Path) -> None:
    config = TilingConfig(Tiler(40, 24, mode="clamp"))
    (tmp_path / "config.yaml").write_text(config.to_yaml())
    done("tile", part, tmp_path / "t", "--config", tmp_path / "config.yaml")
    tiler = Tiler(40, 24, mode="clamp", channels_last=True)
    assert Manifest.read(tmp_path / "t").images[0].grid == tiler.grid((100, 120))


def test_an_earlier_run_is_replaced_only_when_asked(tmp_path: Path, part: Path) -> None:
    tiles = tmp_path / "tiles"
    done("tile", part, tiles, "--tile", 20)
    before = files(tiles)
    for size in (20, 50):  # the same call too: it may have been killed at its very end
        if size == 20:
            assert "is done" in done("tile", part, tiles, "--tile", size)
            continue
        message = refused(2, "tile", part, tiles, "--tile", size)
        assert "holds the tiles of another call" in message
    assert files(tiles) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    message = refused(2, "tile", part, tmp_path / "mine", "--tile", 50)
    assert "mine is not empty, and no run of reftiler left that" in message
    (tiles / "notes.txt").write_text("mine")
    done("tile", part, tiles, "--tile", 50, "--overwrite")
    assert len(files(tiles)) == 2 * 6 + 3
    assert (tiles / "notes.txt").read_text() == "mine"
    other = tmp_path / "other"
    other.mkdir()
    (other / "part_0000.png").write_text("mine")
    message = refused(2, "tile", part, other, "--tile", 50, "--overwrite")
    assert "only what the manifest.json of an earlier run lists" in message
    assert files(other) == ["part_0000.png"]


def test_tiles_are_no_images_to_cut(tmp_path: Path, part: Path) -> None:
    images = part.parent
    for words in ((), ("--recursive",)):
        message = refused(2, "tile", images, images / "tiles", "--tile", 50, *words)
        assert "give a folder outside" in message
    assert not (images / "tiles").exists()
    done("tile", part, images / "tiles", "--tile", 50)
    (images / "web").mkdir()
    (images / "web" / "manifest.json").write_text("{}")
    (images / "web" / "a.png").write_bytes(part.read_bytes())
    out = tmp_path.parent / f"{tmp_path.name}_out"
    said = done("tile", images, out, "--tile", 50, "--recursive")
    assert "note: passed over folders of tiles: tiles" in said
    assert [one.id for one in Manifest.read(out).images] == ["part", "web/a"]


def test_a_failing_check_leaves_the_earlier_run(tmp_path: Path, part: Path) -> None:
    tiles = tmp_path / "tiles"
    done("tile", part, tiles, "--tile", 20)
    before = Manifest.read(tiles)
    part.write_bytes(part.read_bytes()[:200])
    refused(1, "tile", part, tiles, "--tile", 50, "--overwrite")
    assert Manifest.read(tiles) == before


def test_progress_only_on_a_terminal(
    tmp_path: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("tile", part, tmp_path / "tiles", "--tile", 50)
    assert run(*words).stderr == ""
    terminal = Console(stderr=True, force_terminal=True)
    monkeypatch.setattr(console, "stderr", terminal)
    shown = run(*words, "--overwrite").stderr
    assert "Checking images" in shown
    assert "Writing tiles" in shown
    assert "6/6" in shown


def test_masks_keep_the_coordinates_of_their_image(tmp_path: Path) -> None:
    keys = {34735: (1, 1, 0, 1, 1024, 0, 1, 1)}
    place = Metadata(transform=(10.0, 0.0, 5e5, 0.0, -10.0, 5e6), geo_keys=dict(keys))
    image = np.random.default_rng(0).integers(0, 9, (40, 50), np.uint8)
    write_image(tmp_path / "a.tif", image, place)
    write_image(tmp_path / "a_mask.tif", image)
    tiles, whole = tmp_path / "tiles", tmp_path / "mask.tif"
    done("tile", tmp_path / "a.tif", tiles, "--tile", 20, "--format", "tiff")
    for tile in Manifest.read(tiles).images[0].tiles:
        row, column = divmod(tile.index, 3)
        assert tile.mask is not None
        found = open_image(tiles / tile.mask).info.metadata
        assert found == place.cropped(20 * row, 20 * column)
    done("untile", tiles, whole, "--masks")
    assert open_image(whole).info.metadata == place
    assert np.array_equal(read_image(whole), image)


def test_coordinates_of_tiles_that_are_resampled(tmp_path: Path) -> None:
    place = Metadata(transform=(12.0, 0.0, 5e5, 0.0, -16.0, 5e6))
    write_image(tmp_path / "a.tif", np.zeros((30, 40), np.uint8), place)
    words = ("--tile", 16, "--mode", "interpolation", "--format", "tiff")
    done("tile", tmp_path / "a.tif", tmp_path / "tiles", *words)
    last = open_image(tmp_path / "tiles" / "a_0005.tif")  # of 2 x 3, over 32 x 48
    assert last.info.metadata.transform == (10.0, 0.0, 5e5 + 320, 0.0, -15.0, 5e6 - 240)
