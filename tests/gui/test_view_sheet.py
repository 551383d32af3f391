"""The Tiles tab: the contact sheet, one tile large, and what is done with a tile."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler.errors import TilingError
from reftiler.io import read_image
from reftiler.tilesets.tile_arrays import TileForm
from reftiler_gui.contact_sheet_view import DEFECTS, POSITION, RESULT, ContactSheetView
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.tile_results import TileResults
from tests.gui.windows import (
    LEFT,
    SETTINGS,
    fill,
    grid_of,
    known,
    picture,
    settle,
    wait_until,
)

KEY = Qt.Key
REFLECT = replace(SETTINGS, tile=(70, 70), step=(35, 35), pad_mode="reflect")
OTHER = FormSettings((128, 128), (64, 64))
IMAGE, MASK = known(picture().image).array, known(picture().mask).array
MARKS = np.array([MASK[grid_of().grid.slices(k)].sum() for k in range(35)])


@pytest.fixture
def view(qtbot: QtBot, jobs: Jobs) -> ContactSheetView:
    made = ContactSheetView(jobs)
    qtbot.addWidget(made)
    made.resize(900, 700)
    fill(made, picture())
    made.show()
    settle(jobs)
    return made


def retile(view: ContactSheetView, settings: FormSettings) -> None:
    view.show_tiling(grid_of(settings), settings)
    settle(view._jobs)


def open_tile(view: ContactSheetView, tile: int) -> None:
    view.open_tile(tile)
    settle(view._jobs)


def middle(view: ContactSheetView, tile: int) -> QPoint:
    return view.list.visualRect(view.list.tile_model.find(tile)).center()


def listed(view: ContactSheetView) -> list[int]:
    found: list[int] = view.list.tile_model.order.tolist()
    return found


def grey(image: QImage) -> np.ndarray:
    """Return the red of each pixel."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.bytesPerLine() // 4, 4)[..., 2]


def drawn(view: ContactSheetView, tile: int) -> QImage:
    """Return the thumbnail of a tile once it is made."""
    view.list.viewport().update()
    wait_until(lambda: view.list.thumbnail(tile) is not None)
    return known(view.list.thumbnail(tile))


def act(view: ContactSheetView, tile: int, text: str) -> None:
    view.list.choose(tile)
    (action,) = [one for one in view.tile_menu(tile).actions() if one.text() == text]
    action.trigger()


def test_tiles_that_are_no_more_are_not_drawn(
    jobs: Jobs, view: ContactSheetView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reftiler_gui.contact_sheet._AT_ONCE", 0)
    failed: list[str] = []
    jobs.failed.connect(lambda _name, words: failed.append(words))
    view.list.clear_thumbnails()
    assert view.list.thumbnail(34) is None  # it will be made in the background
    open_tile(view, 34)
    retile(view, OTHER)
    drawn(view, 0)
    assert not failed
    assert listed(view) == list(range(len(grid_of(OTHER))))
    assert view.list.tile is None
    assert view.list.isVisible()


@pytest.mark.parametrize("settings", [SETTINGS, REFLECT])
def test_a_tile_shows_the_pixels_that_the_tiler_gives(
    view: ContactSheetView, settings: FormSettings
) -> None:
    retile(view, settings)
    last = len(grid_of(settings)) - 1
    want = settings.tiler().tile(IMAGE)[last]
    view.list.choose(last)
    assert view.copy_chosen()
    assert np.array_equal(grey(QGuiApplication.clipboard().image()), want)
    open_tile(view, last)
    assert np.array_equal(known(view.single.canvas.content).picture.array, want)


def test_a_thumbnail_is_the_tile(view: ContactSheetView) -> None:
    view.list.set_side(256)  # four pixels of the screen for each of the tile's
    view.list.choose(20)
    thumb = drawn(view, 20)
    place = view.list.visualRect(view.list.tile_model.find(20)).topLeft()
    seen = grey(view.list.viewport().grab().toImage())[place.y() :, place.x() :]
    want = SETTINGS.tiler().tile(IMAGE)[20].repeat(4, 0).repeat(4, 1)
    assert np.array_equal(grey(thumb), want)
    assert (seen[6:262, 6:262] == want).all()


def test_hatching_of_padding_is_an_option(view: ContactSheetView) -> None:
    retile(view, REFLECT)
    last = len(grid_of(REFLECT)) - 1
    plain, padded = drawn(view, 0), drawn(view, last)
    view.hatch.click()
    assert drawn(view, 0) == plain
    assert drawn(view, last) != padded


def test_mouse_and_keys_choose_open_step_and_return(view: ContactSheetView) -> None:
    port, single = view.list.viewport(), view.single
    QTest.mouseClick(port, LEFT, pos=middle(view, 9))
    assert "Tile 9: rows 32 to 96, columns 64 to 128" in view.words.text()
    assert not single.isVisible()
    QTest.mouseDClick(port, LEFT, pos=middle(view, 9))
    settle(view._jobs)
    assert "rows 32 to 96, columns 64 to 128" in single.words.text()
    QTest.keyClick(single.canvas, KEY.Key_Escape)
    walked = []
    for name in ("Home", "End", "Home", "Right", "Down", "Left"):
        QTest.keyClick(view.list, getattr(KEY, f"Key_{name}"))
        walked.append(view.list.tile)
    assert walked == [0, 34, 0, 1, 8, 7]
    QTest.keyClick(view.list, KEY.Key_Return)
    assert single.tile == 7
    for key in (KEY.Key_Right, KEY.Key_Right, KEY.Key_Left):
        QTest.keyClick(single.canvas, key)
    settle(view._jobs)
    assert single.tile == view.list.tile == 8
    QTest.keyClick(single.canvas, KEY.Key_Escape)
    assert view.list.isVisible()
    assert view.list.tile == 8


def test_one_tile_has_its_defects_coverage_and_border(view: ContactSheetView) -> None:
    settings = replace(SETTINGS, border=(8, 8))
    retile(view, settings)
    tile, single = int(MARKS.argmax()), view.single
    open_tile(view, tile)
    content = known(single.canvas.content)
    assert sum(region.area for region in content.defects) == MARKS[tile]
    assert content.tiles.merged_part(tile) != ((0, 64), (0, 64))
    (top, _), (left, _) = grid_of(settings).box(tile)
    single.canvas.point_at(5.5, 9.5)
    assert f"row {top + 5}, column {left + 9} of the image" in single.pointed.text()
    cover = grid_of(settings).cover(top + 5, left + 9)
    assert f"merged from {cover} tile" in single.pointed.text()
    room = single.canvas.height()  # what is said of the cursor takes none of it
    single.pointed.say(single.pointed.text() * 9)
    QTest.qWait(1)
    assert single.canvas.height() == room
    for box in (single.coverage, single.mask_box):
        before = single.canvas.picture()
        box.click()
        assert single.canvas.picture() != before


def test_defects_come_first_and_may_be_alone(view: ContactSheetView) -> None:
    want = np.argsort(-MARKS, kind="stable").tolist()
    view.order.setCurrentIndex(DEFECTS)
    assert listed(view) == want
    view.only.setChecked(True)
    held = [tile for tile in want if MARKS[tile]]
    assert listed(view) == held
    view.order.setCurrentIndex(POSITION)
    assert listed(view) == sorted(held)
    fill(view, picture(masked=False))
    settle(view._jobs)
    assert view.count.text() == "35 tiles"
    assert not view.only.isEnabled()
    view.order.setCurrentIndex(DEFECTS)
    assert view.words.text().startswith("This image has no mask")


def test_a_tile_is_copied_and_leads_to_the_image_and_its_folder(
    qtbot: QtBot,
    view: ContactSheetView,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    act(view, 9, "Copy box")
    assert QGuiApplication.clipboard().text() == "[[32, 96], [64, 128]]"
    act(view, 9, "Copy picture")
    assert QGuiApplication.clipboard().image().size().toTuple() == (64, 64)
    with qtbot.waitSignal(view.tile_opened) as signal:
        act(view, 9, "Show it in the image")
    assert signal.args == [9]
    opened: list[str] = []
    monkeypatch.setattr(
        QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile())
    )
    item = ImageItem("x", tmp_path / "x.png")
    fill(view, LoadedImage(item, picture().image, None, ""))
    settle(view._jobs)
    act(view, 9, "Show in folder")
    assert opened == [str(tmp_path)]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_a_tile_is_saved_as_it_is(
    view: ContactSheetView, tmp_path: Path, answer: Callable[..., None], suffix: str
) -> None:
    image = np.random.default_rng(0).integers(0, 2**16, (192, 256, 3)).astype(np.uint16)
    fill(view, LoadedImage(ImageItem("x"), ImagePyramid(image), None, ""))
    answer(tmp_path / f"tile{suffix}")
    act(view, 34, "Save tile…")
    settle(view._jobs)
    want = replace(SETTINGS, channels_last=True).tiler().tile(image)[34]
    saved = read_image(tmp_path / f"tile{suffix}")
    assert saved.dtype == np.uint16
    assert np.array_equal(saved, want)


def test_what_cannot_be_shown_is_a_sentence(view: ContactSheetView) -> None:
    settings = replace(REFLECT, pad_mode="constant", pad_value=300)
    retile(view, settings)
    assert not listed(view)
    assert "pad_value" in view.words.text()
    broken = LoadedImage(ImageItem("x"), None, None, "x is no image")
    for loaded, words in ((None, "No image is open."), (broken, "x is no image")):
        fill(view, picture())
        view.open_tile(3)
        view.show_item(loaded)
        assert not listed(view)
        assert view.list.isVisible()
        assert view.words.text() == words


@pytest.mark.parametrize("side", [64, 640])
def test_a_file_that_was_cut_short_is_a_sentence(
    jobs: Jobs, view: ContactSheetView, tmp_path: Path, side: int
) -> None:
    path = tmp_path / "large.npy"
    np.lib.format.open_memmap(path, "w+", np.uint8, (2**13, 2**13)).flush()
    loaded = ImageItem("large", path).load()
    os.truncate(path, 1000)
    settings = FormSettings((side, side), (side, side))
    view.show_item(loaded)
    view.show_tiling(grid_of(settings, (2**13, 2**13)), settings)
    view.list.viewport().grab()
    settle(jobs)
    assert "has become shorter" in view.words.text()
    open_tile(view, 0)
    assert "has become shorter" in view.single.words.text()


def results(
    read: Callable[[Sequence[int]], np.ndarray] | None = None, kind: str = "map"
) -> TileResults:
    """Return results: a number for each tile, seven at a place of tile 12."""
    found = np.repeat(np.arange(35, dtype=np.float32) % 7, 32 * 32).reshape(35, 32, 32)
    found[12, 3, 4] = 70
    form = TileForm((32, 32), np.dtype(np.float32))
    if kind == "image":
        found = np.full((35, 64, 64), 200, np.uint8)
        form = TileForm((64, 64), np.dtype(np.uint8))
    read = read or (lambda tiles: found[list(tiles)])
    return TileResults("results", grid_of().grid, form, read, kind)


def test_results_are_shown_for_the_tiles_and_over_them(view: ContactSheetView) -> None:
    pictures = [drawn(view, 12)]
    assert not view.show_box.isVisible()
    view.show_results(results())
    assert [view.show_box.itemData(n) for n in range(3)] == ["tile", "result", "both"]
    for what in ("both", "result"):
        view.show_box.setCurrentIndex(view.show_box.findData(what))
        settle(view._jobs)
        pictures.append(drawn(view, 12))
        assert pictures[-1] not in pictures[:-1]
    settle(view._jobs)
    open_tile(view, 12)
    # Each covers 2 × 2 pixels.
    assert known(view.single.canvas.map).value(6, 8) == 70
    view.close_tile()
    view.show_box.setCurrentIndex(0)
    assert drawn(view, 12) == pictures[0]
    retile(view, OTHER)
    assert not view.show_box.isVisible()
    assert view.list.show_what == "tile"


def test_results_that_look_like_tiles_are_pictures(view: ContactSheetView) -> None:
    view.show_results(results(kind="image"))
    settle(view._jobs)
    assert view.show_box.findData("both") < 0
    open_tile(view, 3)
    shown = known(view.single.canvas.content).picture.array
    assert (np.asarray(shown) == 200).all()


def test_the_largest_results_come_first(view: ContactSheetView) -> None:
    view.order.setCurrentIndex(RESULT)
    assert "No results" in view.words.text()
    view.show_results(results())
    settle(view._jobs)
    assert listed(view)[:2] == [12, 6]
    view.list.choose(12)
    assert "largest result 70" in view.words.text()


def test_a_result_that_cannot_be_read_is_a_sentence(view: ContactSheetView) -> None:
    def refused(_: Sequence[int]) -> np.ndarray:
        raise TilingError("there is no file of tile 3")

    view.show_results(results(refused))
    view.list.viewport().grab()
    settle(view._jobs)
    assert view.words.text() == "there is no file of tile 3"
    view.show_box.setCurrentIndex(0)
    assert not drawn(view, 3).isNull()
