"""Results of tiles: arrays, folders, models; what they make, where they disagree."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reftiler import Grid, Tiler, TilingError, samples
from reftiler.io import write_image
from reftiler.models import Model, load_model
from reftiler_gui.model import tile_results
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.lazy_picture import LazyPicture, compute
from reftiler_gui.model.merged_pictures import MergedPictures
from reftiler_gui.model.mock_models import MockModel
from reftiler_gui.model.steps import Work, finish
from reftiler_gui.model.tile_results import (
    OtherTilesError,
    TileResults,
    is_results,
    open_results,
    run_model,
)
from tests.command import done
from tests.gui.windows import known

SETTINGS = FormSettings(tile=(64, 64), step=(48, 48), window="hann")
IMAGE = np.random.default_rng(0).integers(0, 256, (200, 300), np.uint8)
TILER = Tiler(64, 48, window="hann")
TILES = TILER.tile(IMAGE)
MAPS = TILES[:, ::2, ::2].astype(np.float32) + np.arange(len(TILES))[:, None, None]


def loaded(image: Any = IMAGE, name: str = "part") -> LoadedImage:
    return LoadedImage(ImageItem(name), ImagePyramid(image), None, "")


def grid(settings: FormSettings = SETTINGS, size: tuple[int, int] = (200, 300)) -> Grid:
    found = settings.plan(size)
    assert isinstance(found, Grid)
    return found


def pictures(results: TileResults, plan: Grid | None = None) -> MergedPictures:
    return MergedPictures(results, plan or grid(), loaded().image)  # type: ignore[arg-type]


@pytest.mark.parametrize("first", [False, True])
def test_an_array_of_results(tmp_path: Path, first: bool) -> None:
    maps = MAPS[:, None] if first else MAPS
    np.save(tmp_path / "maps.npy", maps)
    assert is_results(tmp_path / "maps.npy", 24)
    results = open_results(tmp_path / "maps.npy", loaded(), grid())
    assert results.kind == "map"
    assert np.array_equal(np.squeeze(results.tile(3)), MAPS[3])
    merged = np.squeeze(results.merged(grid())[...])
    assert np.array_equal(merged, TILER.untile(MAPS, IMAGE.shape))
    again = open_results(tmp_path / "maps.npy", loaded(), grid())
    with (tmp_path / "maps.npy").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(TilingError, match="has become shorter"):
        again.tile(20)


def test_results_of_other_tiles_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "maps.npy", MAPS[:-1])
    with pytest.raises(OtherTilesError, match=r"\(23, 32, 32\).* give 24 tiles"):
        open_results(tmp_path / "maps.npy", loaded(), grid())
    np.save(tmp_path / "maps.npy", np.zeros((24, 30, 30)))
    with pytest.raises(TilingError, match="15/32"):
        open_results(tmp_path / "maps.npy", loaded(), grid())
    np.save(tmp_path / "maps.npy", np.zeros((24, 32, 32), complex))
    with pytest.raises(TilingError, match="real numbers"):
        open_results(tmp_path / "maps.npy", loaded(), grid())
    (tmp_path / "maps.txt").write_text("1 2 3")
    with pytest.raises(TilingError, match="is no array"):
        open_results(tmp_path / "maps.txt", loaded(), grid())
    with pytest.raises(TilingError, match="there is no"):
        open_results(tmp_path / "absent", loaded(), grid())


@pytest.fixture
def tiles_folder(tmp_path: Path) -> Path:
    """Return a folder of tiles with their manifest, and results in another in it."""
    write_image(tmp_path / "part.png", IMAGE)
    folder = tmp_path / "tiles"
    words = ["tile", f"{tmp_path / 'part.png'}", f"{folder}", "--tile", "64"]
    done(*words, "--stride", "48")
    (folder / "maps").mkdir()
    for path in sorted(folder.glob("part_*.png")):
        np.save(folder / "maps" / path.stem, MAPS[int(path.stem[-4:])])
    return folder


def test_a_folder_of_results_with_its_manifest(tiles_folder: Path) -> None:
    assert is_results(tiles_folder, 24)
    results = open_results(tiles_folder / "maps", loaded(), grid())
    merged = results.merged(grid())[...]
    assert np.array_equal(merged, TILER.untile(MAPS, IMAGE.shape))
    # The tiles themselves are results too.
    results = open_results(tiles_folder, loaded(), grid())
    assert results.kind == "image"
    assert np.array_equal(results.merged(grid())[...], IMAGE)


def test_what_is_wrong_with_a_folder(tiles_folder: Path) -> None:
    maps = tiles_folder / "maps"
    other = grid(FormSettings(tile=(64, 64), step=(32, 32)))
    with pytest.raises(OtherTilesError, match="24 tiles of 64 × 64 px") as caught:
        open_results(maps, loaded(), other)
    assert caught.value.grid is not None
    assert len(caught.value.grid) == 24
    with pytest.raises(TilingError, match="0 of these are called x"):
        open_results(maps, loaded(name="x"), grid())
    image = np.zeros((100, 100), np.uint8)
    with pytest.raises(TilingError, match="an image of 300 × 200 px"):
        open_results(maps, loaded(image), grid(size=(100, 100)))
    next(maps.iterdir()).unlink()
    with pytest.raises(TilingError, match="lacks the results of 1 of 24 tiles"):
        open_results(maps, loaded(), grid())


def test_a_folder_of_arrays_called_as_the_images(tmp_path: Path) -> None:
    np.save(tmp_path / "part.npy", MAPS)
    results = open_results(tmp_path, loaded(), grid())
    assert np.array_equal(results.tile(5), MAPS[5])


def test_results_in_folders_belong_to_the_images_of_these(tmp_path: Path) -> None:
    names = ["train/good/000", "test/dent/000", "test/good/000"]
    for k, name in enumerate(names[1:]):
        path = tmp_path / "all" / f"{name}.npy"
        path.parent.mkdir(parents=True)
        np.save(path, MAPS + k)

    def opened(folder: str, name: str, image: Path | None = None) -> TileResults:
        part = LoadedImage(ImageItem(name, image), loaded().image, None, "")
        return open_results(tmp_path / folder, part, grid(), names)

    for k, name in enumerate(names[1:]):
        found = opened("all", name)
        assert np.array_equal(found.tile(5), MAPS[5] + k)
        assert not found.notes  # those of other images are theirs
    # An image that is opened alone has the end of its path.
    found = opened("all", "000", tmp_path / "set" / "test" / "good" / "000.png")
    assert np.array_equal(found.tile(5), MAPS[5] + 1)
    assert np.array_equal(opened("all/test", "test/dent/000").tile(5), MAPS[5])
    with pytest.raises(TilingError, match="no results of train/good/000: give an arr"):
        opened("all", "train/good/000")
    np.save(tmp_path / "all" / "train", MAPS[:-1])
    (tmp_path / "all" / "train").mkdir()
    (tmp_path / "all" / "train.npy").rename(tmp_path / "all" / "train" / "000.npy")
    with pytest.raises(OtherTilesError, match="choose the settings with which the"):
        opened("all", "train/000")
    with pytest.raises(TilingError, match="called 000, as are 3 images"):
        opened("all/test/dent", "test/good/000")
    for k, tile in enumerate(MAPS):
        (tmp_path / "tiles" / "good").mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / "tiles" / "good" / f"000_{k:04d}.npy", tile)
    assert np.array_equal(opened("tiles", "test/good/000").tile(5), MAPS[5])


def test_a_model_is_run_on_tiles_when_they_are_needed() -> None:
    given: list[int] = []

    def half(tiles: Any) -> Any:
        given.append(len(tiles))
        return tiles[:, ::2, ::2] / np.float32(2)

    model = Model("half", half)
    image = known(loaded().image)
    results = finish(run_model(model, image, grid()))
    assert given == [1]
    assert results.peek(9) is None
    finish(results.load([0, 1, 9]))
    finish(results.load([0, 1, 9]))
    assert sum(given) == 1 + 3
    assert np.array_equal(results.peek(9), TILES[9, ::2, ::2] / np.float32(2))  # type: ignore[arg-type]
    # Window, merge and border change what results make, and need no run of the model.
    assert results.fits(grid(FormSettings(tile=(64, 64), step=(48, 48), merge="max")))
    assert not results.fits(grid(FormSettings(tile=(64, 64), step=(32, 32))))


def raising(tiles: Any) -> Any:
    raise KeyError("weights")


def exiting(tiles: Any) -> Any:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (raising, r"m failed, in tiles? .*at \[.*KeyError: 'weights'"),
        (exiting, "SystemExit: 3"),
        (lambda tiles: None, "got NoneType"),
        (lambda tiles: tiles[:1].repeat(3, 0), "given . tiles? and returned shape"),
        (lambda tiles: tiles.mean(axis=(1, 2)), "needs a batch, a height and a width"),
        (lambda tiles: tiles.astype(complex), "returned complex128"),
        (lambda tiles: tiles[:, :30, :30], "15/32"),
    ],
)
def test_nonsense_of_a_model_is_refused(
    function: Callable[[Any], Any], words: str
) -> None:
    def later(tiles: Any) -> Any:
        return tiles if len(tiles) == 1 else function(tiles)

    image = known(loaded().image)
    first = run_model(Model("m", function), image, grid())
    with pytest.raises(TilingError, match=words):
        finish(first)
    results = finish(run_model(Model("m", later), image, grid()))
    with pytest.raises(TilingError, match=f"{words}|before: all results must be"):
        finish(results.load(range(8)))


def test_a_slow_model_does_not_hold_up_who_cancels() -> None:
    def slow(tiles: Any) -> Any:
        time.sleep(0.5)
        return tiles

    image = known(loaded().image)
    work = run_model(Model("slow", slow), image, grid())
    start = time.monotonic()
    next(work)
    next(work)
    work.close()
    assert time.monotonic() - start < 0.3


def test_no_more_results_are_kept_than_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_results, "_KEPT_OF_FILES", 3 * MAPS[0].nbytes)
    np.save(tmp_path / "maps.npy", MAPS)
    results = open_results(tmp_path / "maps.npy", loaded(), grid())
    finish(results.load(range(24)))
    assert [k for k in range(24) if results.peek(k) is not None] == [21, 22, 23]
    assert np.array_equal(results.tile(0), MAPS[0])


def test_nan_and_range_are_noticed(tmp_path: Path) -> None:
    maps = MAPS.copy()
    maps[2, :3, 0] = np.nan, np.inf, -5
    np.save(tmp_path / "maps.npy", maps)
    results = open_results(tmp_path / "maps.npy", loaded(), grid())
    finish(results.load(range(24)))
    finish(results.load(range(24)))
    assert results.nan == 1
    finite = maps[np.isfinite(maps)]
    assert (results.low, results.high) == (finite.min(), finite.max())


@pytest.mark.parametrize("level", [0, 1])
def test_a_picture_shows_what_was_computed(tmp_path: Path, level: int) -> None:
    image = known(loaded().image)
    results = finish(run_model(MockModel("none"), image, grid()))
    finish(image.build())
    merged = pictures(results).merged
    span = [(0, n) for n in merged.level_size(level)]
    asked: list[int] = []
    merged.asked = lambda: asked.append(1)
    assert not merged.region(level, *span).any()
    assert asked
    finish(compute([merged]))
    assert {found[0] for found in merged.arrived()} == {level}
    assert np.array_equal(merged.region(level, *span), image.region(level, *span))
    assert merged.known(5, 7) == (IMAGE[5, 7] if level == 0 else None)
    assert not merged.pending


def test_a_map_of_half_the_size_lies_where_the_image_does(tmp_path: Path) -> None:
    np.save(tmp_path / "maps.npy", MAPS)
    shown = pictures(open_results(tmp_path / "maps.npy", loaded(), grid()))
    merged = TILER.untile(MAPS, IMAGE.shape)
    shown.merged.region(0, (0, 200), (0, 300))
    finish(compute(shown.pictures))
    pixels = shown.merged.region(0, (0, 200), (0, 300))
    assert np.array_equal(pixels[::2, ::2], pixels[1::2, 1::2])
    assert shown.merged.known(101, 203) == merged[50, 101]
    assert "they differ by" in shown.values(101, 203) or "merged" in shown.values(0, 0)


def test_the_place_where_tiles_disagree_most(tmp_path: Path) -> None:
    np.save(tmp_path / "maps.npy", MAPS)
    shown = pictures(open_results(tmp_path / "maps.npy", loaded(), grid()))
    found = finish(shown.survey())
    small = Tiler(32, 24)
    most, least = (
        Tiler(32, 24, merge=m).untile(MAPS, (100, 150)) for m in ("max", "min")
    )
    assert found.largest == (most - least).max()
    assert found.worst is not None
    row, column = (n // 2 for n in found.worst)
    assert most[row, column] - least[row, column] == found.largest
    boxes = [small.grid((100, 150)).slices(k) for k in range(24)]
    assert found.by_tile.tolist() == [(most - least)[box].max() for box in boxes]


def test_without_an_overlap_nothing_disagrees() -> None:
    image = known(loaded().image)
    plan = grid(FormSettings(tile=(64, 64), step=(64, 64)))
    results = finish(run_model(MockModel("offset"), image, plan))
    found = finish(pictures(results, plan).survey())
    assert (found.largest, found.worst, found.overlap) == (0.0, None, False)


def test_the_detector_of_the_readme_finds_the_glint() -> None:
    detector = load_model("reftiler.samples.detector:brick")
    image = samples.sample("brick", "spot", 1).image[:256, :256]
    plan = grid(FormSettings(tile=(256, 256), step=(256, 256)), image.shape)
    found = finish(run_model(detector, ImagePyramid(image), plan)).tile(0)
    place = np.unravel_index(int(found.argmax()), found.shape)
    assert place == pytest.approx((46, 45.75), abs=1)  # of half the resolution


def test_a_model_has_seen_the_padding_and_files_have_not(tmp_path: Path) -> None:
    model = Model("same", lambda tiles: tiles[:, ::2, ::2])
    of_model = finish(run_model(model, loaded().image, grid()))  # type: ignore[arg-type]
    np.save(tmp_path / "maps.npy", MAPS)
    of_file = open_results(tmp_path / "maps.npy", loaded(), grid())
    reflected = grid(replace(SETTINGS, pad_mode="reflect"))
    for other, same in (
        (grid(replace(SETTINGS, window="box")), True),
        (reflected, False),
    ):
        assert of_model.fits(other) == same
        assert of_file.fits(other)


def test_a_new_view_comes_before_the_rest_of_the_last_one() -> None:
    size, values = (256, 2048), np.zeros((256, 2048), np.uint32)

    def load(rows: tuple[int, int], columns: tuple[int, int]) -> Work[None]:
        yield from (0.0, 0.0)

    def same(part: Any) -> Any:
        return part

    picture = LazyPicture(
        *(size, size, load, lambda rows, columns: values[rows, columns]),
        *(same, same, lambda: None),
    )
    picture.region(0, (0, 256), (0, 256))
    work = compute([picture])
    next(work)
    picture.region(0, (0, 256), (1024, 1280))
    finish(work)
    arrived = [columns for level, _, columns in picture.arrived() if level == 0]
    assert arrived == [(1024, 1280), (0, 256)]
