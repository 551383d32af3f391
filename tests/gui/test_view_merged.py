"""Merged and original: the difference, its worst place, the stand-in models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler_gui.camera import Camera
from reftiler_gui.jobs import Jobs
from reftiler_gui.merged_view import MergedView
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.merging import Merged, merge
from reftiler_gui.model.mock_models import MODELS, WORDS
from reftiler_gui.model.steps import finish
from tests.gui.showing import SETTINGS, fill, jobs, picture, settle, tiles

__all__ = ["jobs"]


@pytest.fixture
def view(qtbot: QtBot, jobs: Jobs) -> MergedView:
    made = MergedView(jobs, Camera())
    qtbot.addWidget(made)
    made.resize(1000, 700)
    fill(made, picture())
    made.show()
    settle(qtbot, jobs)
    return made


def test_it_is_what_the_model_merges(view: MergedView) -> None:
    source = picture().image
    assert source is not None
    want = finish(merge(source.array, tiles().grid, "rim", 25.5))
    assert view.found is not None
    assert np.array_equal(view.found.difference, want.difference)
    assert view.words.text().startswith("The largest difference is 25.5, at row 0")


def test_every_stand_in_has_words() -> None:
    assert set(WORDS) == set(MODELS)


def test_without_a_model_nothing_differs(
    view: MergedView, qtbot: QtBot, jobs: Jobs
) -> None:
    view.model.setCurrentIndex(view.model.findData("none"))
    settle(qtbot, jobs)
    assert view.words.text() == "The merged image equals the original in every pixel."
    assert not view.worst.isEnabled()
    assert not view.height_box.isEnabled()


def test_the_worst_place_is_gone_to(view: MergedView, qtbot: QtBot, jobs: Jobs) -> None:
    view.model.setCurrentIndex(view.model.findData("noise"))
    settle(qtbot, jobs)
    assert view.found is not None
    assert view.found.worst is not None
    with qtbot.waitSignal(view.went) as signal:
        QTest.mouseClick(view.worst, Qt.MouseButton.LeftButton)
    assert tuple(signal.args or ()) == view.found.worst
    state = view.image.state
    assert (int(state.row), int(state.col)) == view.found.worst
    assert state.zoom >= 8


def test_too_little_is_blue_and_nothing_white(view: MergedView) -> None:
    view.difference.state.go(0.5, 100, 16)
    shown = view.difference.viewport().grab().toImage()
    color = shown.pixelColor(shown.width() // 2, shown.height() // 2)
    assert color.blue() > color.red()
    assert view.found is not None
    row, column = np.argwhere(view.found.difference == 0)[0].tolist()
    view.difference.state.go(row + 0.5, column + 0.5, 16)
    shown = view.difference.viewport().grab().toImage()
    assert shown.pixelColor(shown.width() // 2, shown.height() // 2).name() == "#ffffff"


def test_the_original_is_shown_while_held(view: MergedView, qtbot: QtBot) -> None:
    merged = view.image.viewport().grab().toImage()
    QTest.mousePress(view.hold, Qt.MouseButton.LeftButton)
    assert view.panes[0].label.text() == "Original"
    assert view.image.viewport().grab().toImage() != merged
    QTest.mouseRelease(view.hold, Qt.MouseButton.LeftButton)
    assert view.image.viewport().grab().toImage() == merged


def test_pixels_in_no_tile_are_counted(
    view: MergedView, qtbot: QtBot, jobs: Jobs
) -> None:
    settings = replace(SETTINGS, tile=(80, 80), step=(80, 80), mode="drop")
    view.show_tiling(tiles(settings), settings)
    settle(qtbot, jobs)
    bare = 192 * 256 - 160 * 240
    assert f"{bare:,} pixels lie in no tile" in view.words.text()


def test_another_image_drops_what_was_merged(
    view: MergedView, qtbot: QtBot, jobs: Jobs
) -> None:
    with qtbot.waitSignal(view.merged) as signal:
        view.show_item(LoadedImage(ImageItem("x"), None, None, "x is no image"))
    assert signal.args == [None]
    assert view.words.text() == "x is no image"
    assert view.found is None


def test_a_stale_result_is_dropped(view: MergedView, qtbot: QtBot, jobs: Jobs) -> None:
    told: list[Merged] = []
    view.merged.connect(told.append)
    view.height_box.setValue(20)
    view.height_box.setValue(40)
    settle(qtbot, jobs)
    assert [round(one.largest) for one in told] == [102]


def test_it_can_be_cancelled(view: MergedView, qtbot: QtBot, jobs: Jobs) -> None:
    view.height_box.setValue(50)
    assert view.busy.isVisible()
    view.busy.cancel.click()
    assert not view.busy.isVisible()
    settle(qtbot, jobs)
    assert view.found is not None
    assert round(view.found.largest, 1) == 25.5
    assert view.words.text().startswith("Merging was cancelled. What is shown is")
