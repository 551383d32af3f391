"""The contact sheet: all tiles in an order, to click and to walk through."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler_gui.contact_sheet_view import DEFECTS, ERROR, POSITION, ContactSheetView
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.merging import Merged
from tests.gui.showing import SETTINGS, fill, jobs, picture, settle, tiles

__all__ = ["jobs"]

ORANGE = (230, 159, 0)


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
    rect = view.area.rect_of(tile)
    assert rect is not None
    return rect.center()


def test_tiles_stand_as_they_lie_in_the_image(view: ContactSheetView) -> None:
    sheet = view.area.sheet
    assert sheet is not None
    assert (sheet.columns, len(sheet)) == (7, 35)
    assert view.count.text() == f"35 tiles, {np.count_nonzero(marks())} with a defect"
    assert view.area.tile_at(middle(view, 9)) == 9


def test_a_tile_shows_its_own_pixels(view: ContactSheetView) -> None:
    """Its pixel under the middle of the picture, enlarged, is the image's."""
    view.area.set_side(256)
    tile, source = 20, picture().image
    view.area.choose(tile)
    rect = view.area.rect_of(tile)
    assert rect is not None
    assert source is not None
    grabbed = view.area.viewport().grab().toImage()
    (top, _), (left, _) = tiles().box(tile)
    for row, column in ((3, 5), (40, 50)):
        shown = grabbed.pixelColor(
            rect.left() + column * 4 + 2, rect.top() + row * 4 + 2
        )
        assert shown.red() == source.array[top + row, left + column]


def test_a_click_goes_to_the_tile(view: ContactSheetView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.tile_opened) as signal:
        QTest.mouseClick(
            view.area.viewport(), Qt.MouseButton.LeftButton, pos=middle(view, 9)
        )
    assert signal.args == [9]
    assert "Tile 9: rows 32 to 96, columns 64 to 128" in view.words.text()


def test_keys_walk_and_enter_goes(view: ContactSheetView, qtbot: QtBot) -> None:
    area, key = view.area, Qt.Key
    walked = []
    for one in (key.Key_End, key.Key_Home, key.Key_Right, key.Key_Down, key.Key_Left):
        QTest.keyClick(area, one)
        walked.append(area.current)
    assert walked == [34, 0, 1, 8, 7]
    with qtbot.waitSignal(view.tile_opened) as signal:
        QTest.keyClick(area, key.Key_Return)
    assert signal.args == [7]


def test_defects_come_first_and_may_be_alone(
    view: ContactSheetView, qtbot: QtBot
) -> None:
    want = np.argsort(-marks(), kind="stable")
    view.order.setCurrentIndex(DEFECTS)
    assert view.area.sheet is not None
    assert view.area.sheet.order.tolist() == want.tolist()
    view.only.setChecked(True)
    held = [tile for tile in want.tolist() if marks()[tile]]
    assert view.area.sheet.order.tolist() == held
    view.order.setCurrentIndex(POSITION)
    assert view.area.sheet.order.tolist() == sorted(held)


def test_tiles_with_a_defect_are_framed(view: ContactSheetView) -> None:
    grabbed = view.area.viewport().grab().toImage()

    def framed(tile: int) -> bool:
        rect = view.area.rect_of(tile)
        assert rect is not None
        color = grabbed.pixelColor(rect.left() - 2, rect.center().y())
        return (color.red(), color.green(), color.blue()) == ORANGE

    shown = marks()
    assert framed(int(shown.argmax()))
    assert not framed(int(shown.argmin()))


def test_errors_are_asked_for_and_sort(
    view: ContactSheetView, qtbot: QtBot, jobs: Jobs
) -> None:
    with qtbot.waitSignal(view.error_wanted):
        view.order.setCurrentIndex(ERROR)
    difference = np.zeros((192, 256), np.float32)
    difference[191, 255] = -7
    view.show_merged(Merged(difference, difference, (191, 255), 0))
    settle(qtbot, jobs)
    assert view.area.sheet is not None
    assert view.area.sheet.order[0] == 34
    view.area.choose(34)
    assert "largest error 7" in view.words.text()


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
    view.show_item(loaded)
    assert view.area.sheet is None
    assert view.words.text() == words


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


def test_a_hundred_thousand_tiles_show_at_once(qtbot: QtBot, jobs: Jobs) -> None:
    image = np.zeros((4096, 4096), np.uint8)
    loaded = LoadedImage(
        ImageItem("x"),
        ImagePyramid(image),
        MaskPyramid(np.zeros(image.shape, bool)),
        "",
    )
    settings = FormSettings((64, 64), (13, 13))
    view = GridLookup(settings.plan(image.shape))  # type: ignore[arg-type]
    made = ContactSheetView(jobs)
    qtbot.addWidget(made)
    made.resize(1280, 800)
    assert len(view) > 97_000
    start = time.process_time()
    made.show_item(loaded)
    made.show_tiling(view, settings)
    made.show()
    made.area.viewport().grab()
    assert time.process_time() - start < 0.5  # 0.04 s where nothing else runs
    jobs.stop()


def test_settings_that_change_show_other_tiles(
    view: ContactSheetView, qtbot: QtBot, jobs: Jobs
) -> None:
    view.area.choose(34)
    other = FormSettings((128, 128), (64, 64))
    view.show_tiling(tiles(other), other)
    settle(qtbot, jobs)
    assert view.area.sheet is not None
    assert len(view.area.sheet) == len(tiles(other)) < len(tiles(SETTINGS))
    assert view.area.current is None
