"""Resized beside tiled: the sentence, the pictures, the line between them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler.regions import Region
from reftiler_gui.camera import Camera
from reftiler_gui.compare_view import CompareView
from reftiler_gui.jobs import Jobs
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model import resized_image
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from tests.gui.windows import (
    BOXES,
    SETTINGS,
    fill,
    grid_of,
    open_paths,
    picture,
    settle,
    show_view,
)

DEFECT = Region(BOXES[0], 12)


@pytest.fixture
def view(qtbot: QtBot, jobs: Jobs) -> CompareView:
    made = CompareView(jobs, Camera())
    qtbot.addWidget(made)
    made.resize(1000, 700)
    fill(made, picture())
    made.show_defect(DEFECT)
    made.show()
    settle(jobs)
    return made


def test_the_sentence_has_the_numbers(view: CompareView) -> None:
    words = view.words.text()
    assert words.startswith("This 3 × 4 px defect is 0.8 × 1.3 px after resizing to 64")
    assert words.endswith("it keeps all.")
    assert "keeps all" in view.panes[1].label.text()
    assert view.panes[0].label.text().startswith("Resized to 64 × 64: keeps ")


def test_the_defect_is_in_the_middle_of_both(view: CompareView) -> None:
    for canvas in (view.small, view.large):
        size = canvas.viewport().size()
        place = canvas.place(QPointF(size.width() / 2, size.height() / 2))
        assert place == pytest.approx((42, 101.5), abs=0.5)


def test_the_resized_one_is_fainter(view: CompareView) -> None:
    bright = []
    for canvas in (view.small, view.large):
        shown, size = canvas.viewport().grab().toImage(), canvas.viewport().size()
        middle = shown.pixelColor(size.width() // 2, size.height() // 2)
        bright.append(middle.red())
    assert bright[1] == 250
    assert 60 < bright[0] < 225


def test_the_line_parts_the_pictures(view: CompareView) -> None:
    view.split.setChecked(True)
    assert view.panes[0].isHidden()
    # The defect is in the middle: the line must not hide what there is to see.
    assert view.large.share == 0.35
    view.slider.setValue(1000)
    covered = view.large.viewport().grab().toImage()
    view.slider.setValue(0)
    free = view.large.viewport().grab().toImage()
    assert covered != free
    view.beside.setChecked(True)
    assert view.large.share == 0
    assert not view.panes[0].isHidden()


def test_the_line_can_be_dragged(view: CompareView) -> None:
    view.split.setChecked(True)
    port = view.large.viewport()
    y, line = port.height() // 2, round(0.35 * port.width())
    there, left = port.width() // 4, Qt.MouseButton.LeftButton
    QTest.mousePress(port, left, pos=QPoint(line, y))
    QTest.mouseMove(port, QPoint(there, y))
    QTest.mouseRelease(port, left, pos=QPoint(there, y))
    assert view.large.share == pytest.approx(0.25, abs=0.02)
    assert view.slider.value() == pytest.approx(250, abs=20)


def test_another_size_is_resized_to(view: CompareView, jobs: Jobs) -> None:
    view.target.setValue(96)
    settle(jobs)
    assert "after resizing to 96 × 96" in view.words.text()
    assert view.panes[0].label.text().startswith("Resized to 96 × 96")


@pytest.mark.parametrize(
    ("loaded", "words"),
    [
        (None, "No image is open."),
        (LoadedImage(ImageItem("x"), None, None, "x is no image"), "x is no image"),
        (picture(masked=False), "This image has no mask"),
    ],
)
def test_what_is_missing_is_said(
    view: CompareView, jobs: Jobs, loaded: LoadedImage | None, words: str
) -> None:
    view.show_item(loaded)
    settle(jobs)
    assert view.words.text().startswith(words)


def test_both_move_together(view: CompareView) -> None:
    view.small.state.go(100, 100, 2)
    place = QPointF(10, 10)
    size = view.small.viewport().size(), view.large.viewport().size()
    assert size[0] == size[1]
    assert view.small.place(place) == view.large.place(place)


def test_of_a_large_image_it_says_what_was_resized(
    view: CompareView, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resized_image, "LIMIT", 2**14)
    fill(view, picture())
    settle(jobs)
    assert view.panes[0].label.text().endswith("(from means of 2 × 2 px)")
    assert view.small.source is not None


@pytest.mark.parametrize("split", [False, True])
def test_the_mask_can_be_seen_on_both_pictures(window: MainWindow, split: bool) -> None:
    open_paths(window)
    show_view(window, "compare")
    compare, actions = window.compare, window.registry.actions
    compare.split.setChecked(split)
    if split:
        compare.slider.setValue(800)  # the defect is left of the line
    assert actions["mask"].isEnabled()
    assert not actions["grid"].isEnabled()
    canvases = [compare.large] if split else [compare.small, compare.large]
    for name in ("mask", "marks", "scale_bar"):
        before = [canvas.picture() for canvas in canvases]
        actions[name].trigger()
        after = [canvas.picture() for canvas in canvases]
        assert all(one != other for one, other in zip(before, after, strict=True)), name
        actions[name].trigger()
        assert before == [canvas.picture() for canvas in canvases], name


def test_while_defects_are_searched_it_says_so(view: CompareView) -> None:
    view.show_item(picture())
    view.show_tiling(grid_of(), SETTINGS)
    assert view.words.text() == "Looking for defects…"
    view.show_defect(None)
    assert view.words.text() == "Nothing is marked in the mask of this image."
