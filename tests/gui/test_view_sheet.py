"""The Tiles tab: the contact sheet, one tile large, and what is done with a tile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from reftiler.errors import TilingError
from reftiler.io import read_image
from reftiler.tilesets.tile_arrays import TileForm
from reftiler_gui.contact_sheet_view import DEFECTS, POSITION, RESULT, ContactSheetView
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.display import DisplaySettings
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.tile_results import TileResults
from tests.gui.showing import SETTINGS, fill, jobs, picture, settle, tiles

__all__ = ["jobs"]

LEFT, KEY = Qt.MouseButton.LeftButton, Qt.Key
REFLECT = replace(SETTINGS, tile=(70, 70), step=(35, 35), pad_mode="reflect")


@pytest.fixture
def view(qtbot: QtBot, jobs: Jobs) -> ContactSheetView:
    made = ContactSheetView(jobs)
    qtbot.addWidget(made)
    made.resize(900, 700)
    fill(made, picture())
    made.show()
    settle(qtbot, jobs)
    return made


def marks() -> np.ndarray:
    loaded = picture()
    assert loaded.mask is not None
    mask, view = loaded.mask.array, tiles()
    return np.array([mask[view.grid.slices(k)].sum() for k in range(len(view))])


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


def drawn(qtbot: QtBot, view: ContactSheetView, tile: int) -> QImage:
    """Return the thumbnail of a tile once it is made."""
    view.list.viewport().update()
    qtbot.waitUntil(lambda: view.list.thumbnail(tile) is not None)
    found = view.list.thumbnail(tile)
    assert found is not None
    return found


def test_tiles_that_are_no_more_are_not_drawn(
    qtbot: QtBot,
    jobs: Jobs,
    view: ContactSheetView,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reftiler_gui.contact_sheet._AT_ONCE", 0)
    failed: list[str] = []
    jobs.failed.connect(lambda _name, words: failed.append(words))
    view.list.clear_thumbnails()
    assert view.list.thumbnail(34) is None  # it will be made in the background
    fewer = replace(SETTINGS, tile=(128, 128), step=(128, 128))
    view.show_tiling(tiles(fewer), fewer)
    settle(qtbot, jobs)
    drawn(qtbot, view, 0)
    assert not failed


def act(view: ContactSheetView, tile: int, text: str) -> None:
    view.list.choose(tile)
    (action,) = [one for one in view.tile_menu(tile).actions() if one.text() == text]
    action.trigger()


def test_tiles_stand_as_they_lie_in_the_image(view: ContactSheetView) -> None:
    tops = [middle(view, tile).y() for tile in range(35)]
    lefts = [middle(view, tile).x() for tile in range(35)]
    assert len(set(tops)) == 5
    assert lefts[:7] == lefts[7:14] == sorted(lefts[:7])
    assert view.count.text() == f"35 tiles, {np.count_nonzero(marks())} with a defect"


@pytest.mark.parametrize("settings", [SETTINGS, REFLECT])
def test_a_tile_shows_the_pixels_that_the_tiler_gives(
    qtbot: QtBot, jobs: Jobs, view: ContactSheetView, settings: FormSettings
) -> None:
    view.show_tiling(tiles(settings), settings)
    settle(qtbot, jobs)
    last = len(tiles(settings)) - 1
    image = picture().image
    assert image is not None
    want = settings.tiler().tile(image.array)[last]
    view.list.choose(last)
    assert view.copy_chosen()
    assert np.array_equal(grey(QGuiApplication.clipboard().image()), want)
    view.open_tile(last)
    settle(qtbot, jobs)
    content = view.single.canvas.content
    assert content is not None
    assert np.array_equal(content.picture.array, want)


def test_a_thumbnail_is_the_tile(qtbot: QtBot, view: ContactSheetView) -> None:
    view.list.set_side(256)  # four pixels of the screen for each of the tile's
    view.list.choose(20)
    thumb = drawn(qtbot, view, 20)
    place = view.list.visualRect(view.list.tile_model.find(20)).topLeft()
    seen = grey(view.list.viewport().grab().toImage())[place.y() :, place.x() :]
    image = picture().image
    assert image is not None
    want = SETTINGS.tiler().tile(image.array)[20].repeat(4, 0).repeat(4, 1)
    assert np.array_equal(grey(thumb), want)
    assert (seen[6:262, 6:262] == want).all()


def test_hatching_of_padding_is_an_option(
    qtbot: QtBot, jobs: Jobs, view: ContactSheetView
) -> None:
    view.show_tiling(tiles(REFLECT), REFLECT)
    settle(qtbot, jobs)
    plain, last = drawn(qtbot, view, 0), len(tiles(REFLECT)) - 1
    padded = drawn(qtbot, view, last)
    view.hatch.click()
    assert drawn(qtbot, view, 0) == plain
    assert drawn(qtbot, view, last) != padded


def test_a_click_chooses_and_a_double_click_opens(
    qtbot: QtBot, jobs: Jobs, view: ContactSheetView
) -> None:
    port = view.list.viewport()
    QTest.mouseClick(port, LEFT, pos=middle(view, 9))
    assert "Tile 9: rows 32 to 96, columns 64 to 128" in view.words.text()
    assert not view.single.isVisible()
    QTest.mouseDClick(port, LEFT, pos=middle(view, 9))
    settle(qtbot, jobs)
    assert view.single.isVisible()
    assert "rows 32 to 96, columns 64 to 128" in view.single.words.text()


def test_keys_walk_open_step_and_return(
    qtbot: QtBot, jobs: Jobs, view: ContactSheetView
) -> None:
    walked = []
    for one in (
        KEY.Key_Home,
        KEY.Key_End,
        KEY.Key_Home,
        KEY.Key_Right,
        KEY.Key_Down,
        KEY.Key_Left,
    ):
        QTest.keyClick(view.list, one)
        walked.append(view.list.tile)
    assert walked == [0, 34, 0, 1, 8, 7]
    QTest.keyClick(view.list, KEY.Key_Return)
    assert view.single.tile == 7
    QTest.keyClick(view.single.canvas, KEY.Key_Right)
    QTest.keyClick(view.single.canvas, KEY.Key_Right)
    QTest.keyClick(view.single.canvas, KEY.Key_Left)
    settle(qtbot, jobs)
    assert view.single.tile == view.list.tile == 8
    QTest.keyClick(view.single.canvas, KEY.Key_Escape)
    assert view.list.isVisible()
    assert view.list.tile == 8


def test_one_tile_has_its_defects_coverage_and_border(
    qtbot: QtBot, jobs: Jobs, view: ContactSheetView
) -> None:
    settings = replace(SETTINGS, border=(8, 8))
    view.show_tiling(tiles(settings), settings)
    tile = int(marks().argmax())
    view.open_tile(tile)
    settle(qtbot, jobs)
    single = view.single
    content = single.canvas.content
    assert content is not None
    assert sum(region.area for region in content.defects) == marks()[tile]
    assert content.tiles.merged_part(tile) != ((0, 64), (0, 64))
    (top, _), (left, _) = tiles(settings).box(tile)
    single.canvas.point_at(5.5, 9.5)
    assert f"row {top + 5}, column {left + 9} of the image" in single.pointed.text()
    cover = tiles(settings).cover(top + 5, left + 9)
    assert f"merged from {cover} tile" in single.pointed.text()
    room = single.canvas.height()  # what is said of the cursor takes none of it
    single.pointed.say(single.pointed.text() * 9)
    qtbot.wait(1)
    assert single.canvas.height() == room
    for box in (single.coverage, single.mask_box):
        before = single.canvas.picture()
        box.click()
        assert single.canvas.picture() != before


def test_defects_come_first_and_may_be_alone(view: ContactSheetView) -> None:
    want = np.argsort(-marks(), kind="stable").tolist()
    view.order.setCurrentIndex(DEFECTS)
    assert listed(view) == want
    view.only.setChecked(True)
    held = [tile for tile in want if marks()[tile]]
    assert listed(view) == held
    view.order.setCurrentIndex(POSITION)
    assert listed(view) == sorted(held)


def test_a_tile_is_copied(view: ContactSheetView) -> None:
    act(view, 9, "Copy box")
    assert QGuiApplication.clipboard().text() == "[[32, 96], [64, 128]]"
    act(view, 9, "Copy picture")
    copied = QGuiApplication.clipboard().image()
    assert (copied.width(), copied.height()) == (64, 64)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_a_tile_is_saved_as_it_is(
    qtbot: QtBot,
    jobs: Jobs,
    view: ContactSheetView,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
) -> None:
    image = np.random.default_rng(0).integers(0, 2**16, (192, 256, 3)).astype(np.uint16)
    fill(view, LoadedImage(ImageItem("x"), ImagePyramid(image), None, ""))
    path = tmp_path / f"tile{suffix}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    act(view, 34, "Save tile…")
    settle(qtbot, jobs)
    want = replace(SETTINGS, channels_last=True).tiler().tile(image)[34]
    saved = read_image(path)
    assert saved.dtype == np.uint16
    assert np.array_equal(saved, want)


def test_a_tile_leads_to_the_image_and_its_folder(
    qtbot: QtBot,
    jobs: Jobs,
    view: ContactSheetView,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with qtbot.waitSignal(view.tile_opened) as signal:
        act(view, 9, "Show it in the image")
    assert signal.args == [9]
    opened: list[str] = []
    monkeypatch.setattr(
        QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile())
    )
    item = ImageItem("x", tmp_path / "x.png")
    fill(view, LoadedImage(item, picture().image, None, ""))
    settle(qtbot, jobs)
    act(view, 9, "Show in folder")
    assert opened == [str(tmp_path)]


@pytest.mark.parametrize(
    ("loaded", "words"),
    [
        (None, "No image is open."),
        (LoadedImage(ImageItem("x"), None, None, "x is no image"), "x is no image"),
    ],
)
def test_no_image_is_a_sentence(
    view: ContactSheetView, loaded: LoadedImage | None, words: str
) -> None:
    view.open_tile(3)
    view.show_item(loaded)
    assert not listed(view)
    assert view.list.isVisible()
    assert view.words.text() == words


def test_what_the_library_refuses_to_cut_is_a_sentence(view: ContactSheetView) -> None:
    settings = replace(REFLECT, pad_mode="constant", pad_value=300)
    view.show_tiling(tiles(settings), settings)
    assert not listed(view)
    assert "pad_value" in view.words.text()


@pytest.mark.parametrize("side", [64, 640])
def test_a_file_that_was_cut_short_is_a_sentence(
    qtbot: QtBot, jobs: Jobs, view: ContactSheetView, tmp_path: Path, side: int
) -> None:
    path = tmp_path / "large.npy"
    np.lib.format.open_memmap(path, "w+", np.uint8, (2**13, 2**13)).flush()
    loaded = ImageItem("large", path).load()
    assert loaded.image is not None
    os.truncate(path, 1000)
    settings = FormSettings((side, side), (side, side))
    plan = settings.plan(loaded.image.size)
    assert not hasattr(plan, "words")
    view.show_item(loaded)
    view.show_tiling(GridLookup(plan), settings)
    view.list.viewport().grab()
    QApplication.processEvents()
    settle(qtbot, jobs)
    assert "has become shorter" in view.words.text()
    view.open_tile(0)
    settle(qtbot, jobs)
    assert "has become shorter" in view.single.words.text()


def test_an_image_without_mask_has_no_defects(
    view: ContactSheetView, qtbot: QtBot, jobs: Jobs
) -> None:
    fill(view, picture(masked=False))
    settle(qtbot, jobs)
    assert view.count.text() == "35 tiles"
    assert not view.only.isEnabled()
    view.order.setCurrentIndex(DEFECTS)
    assert view.words.text().startswith("This image has no mask")


def test_what_is_not_seen_does_no_work(qtbot: QtBot, jobs: Jobs) -> None:
    made = ContactSheetView(jobs)
    qtbot.addWidget(made)
    fill(made, picture())
    assert not jobs.running()


def test_other_values_shown_black_and_white_are_seen(
    view: ContactSheetView, qtbot: QtBot, jobs: Jobs
) -> None:
    loaded = picture()
    fill(view, loaded)
    settle(qtbot, jobs)
    before = view.list.viewport().grab().toImage()
    assert loaded.image is not None
    loaded.image.set_display(DisplaySettings(0, 100))
    view.repaint_pixels()
    assert view.list.viewport().grab().toImage() != before


def test_large_tiles_are_drawn_in_the_background(
    qtbot: QtBot, jobs: Jobs, view: ContactSheetView
) -> None:
    image = np.full((4096, 4096), 200, np.uint8)
    loaded = LoadedImage(ImageItem("x"), ImagePyramid(image), None, "")
    settings = FormSettings((1024, 1024), (1024, 1024))
    view.show_item(loaded)
    view.show_tiling(GridLookup(settings.plan(image.shape)), settings)  # type: ignore[arg-type]
    assert view.list.thumbnail(5) is None
    qtbot.waitUntil(lambda: view.list.thumbnail(5) is not None)
    settle(qtbot, jobs)


def milliseconds(do: Callable[[], object]) -> float:
    start = time.process_time()
    do()
    return 1000 * (time.process_time() - start)


def test_a_hundred_thousand_tiles_show_and_scroll_at_once(
    qtbot: QtBot, jobs: Jobs
) -> None:
    image = np.zeros((4096, 4096), np.uint8)
    mask = MaskPyramid(np.zeros(image.shape, bool))
    loaded = LoadedImage(ImageItem("x"), ImagePyramid(image), mask, "")
    settings = FormSettings((64, 64), (13, 13))
    view = GridLookup(settings.plan(image.shape))  # type: ignore[arg-type]
    made = ContactSheetView(jobs)
    qtbot.addWidget(made)
    made.resize(1280, 800)
    assert len(view) > 97_000

    def opened() -> None:
        made.show_item(loaded)
        made.show_tiling(view, settings)
        made.show()
        made.list.viewport().grab()

    assert milliseconds(opened) < 500  # 60 where nothing else runs
    settle(qtbot, jobs)
    qtbot.waitUntil(lambda: made.list.verticalScrollBar().maximum() > 100_000)
    bar = made.list.verticalScrollBar()

    def scrolled() -> None:
        bar.setValue(bar.value() + 50)
        made.list.viewport().repaint()

    assert np.median([milliseconds(scrolled) for _ in range(20)]) < 60  # 10 alone
    made.list.choose(0)
    QTest.keyClick(made.list, KEY.Key_End)
    assert made.list.tile == len(view) - 1
    jobs.stop()


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
    return TileResults("results", tiles().grid, form, read, kind)


def test_results_are_shown_for_the_tiles_and_over_them(
    qtbot: QtBot, jobs: Jobs, view: ContactSheetView
) -> None:
    plain = drawn(qtbot, view, 12)
    assert not view.show_box.isVisible()
    view.show_results(results())
    pictures = [plain]
    assert [view.show_box.itemData(n) for n in range(3)] == ["tile", "result", "both"]
    for what in ("both", "result"):
        view.show_box.setCurrentIndex(view.show_box.findData(what))
        settle(qtbot, jobs)
        pictures.append(drawn(qtbot, view, 12))
        assert pictures[-1] not in pictures[:-1]
    settle(qtbot, jobs)
    view.open_tile(12)
    settle(qtbot, jobs)
    assert view.single.canvas.map is not None
    assert view.single.canvas.map.value(6, 8) == 70  # each covers 2 × 2 pixels
    view.close_tile()
    view.show_box.setCurrentIndex(0)
    assert drawn(qtbot, view, 12) == plain
    other = FormSettings((128, 128), (64, 64))
    view.show_tiling(tiles(other), other)
    assert not view.show_box.isVisible()
    assert view.list.show_what == "tile"


def test_results_that_look_like_tiles_are_pictures(
    qtbot: QtBot, jobs: Jobs, view: ContactSheetView
) -> None:
    view.show_results(results(kind="image"))
    settle(qtbot, jobs)
    assert view.show_box.findData("both") < 0
    view.open_tile(3)
    settle(qtbot, jobs)
    content = view.single.canvas.content
    assert content is not None
    assert (np.asarray(content.picture.array) == 200).all()


def test_the_largest_results_come_first(
    qtbot: QtBot, jobs: Jobs, view: ContactSheetView
) -> None:
    view.order.setCurrentIndex(RESULT)
    assert "No results" in view.words.text()
    view.show_results(results())
    settle(qtbot, jobs)
    assert listed(view)[:2] == [12, 6]
    view.list.choose(12)
    assert "largest result 70" in view.words.text()


def test_a_result_that_cannot_be_read_is_a_sentence(
    qtbot: QtBot, jobs: Jobs, view: ContactSheetView
) -> None:
    def refused(_: Sequence[int]) -> np.ndarray:
        raise TilingError("there is no file of tile 3")

    view.show_results(results(refused))
    view.list.viewport().grab()
    QApplication.processEvents()
    settle(qtbot, jobs)
    assert view.words.text() == "there is no file of tile 3"
    view.show_box.setCurrentIndex(0)
    assert not drawn(qtbot, view, 3).isNull()


def test_settings_that_change_show_other_tiles(
    view: ContactSheetView, qtbot: QtBot, jobs: Jobs
) -> None:
    view.open_tile(34)
    other = FormSettings((128, 128), (64, 64))
    view.show_tiling(tiles(other), other)
    settle(qtbot, jobs)
    assert len(listed(view)) == len(tiles(other)) < len(tiles(SETTINGS))
    assert view.list.tile is None
    assert view.list.isVisible()
