"""Resized beside tiled: the sentence, the pictures, the line between them."""

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler.regions import Region
from reftiler_gui.compare_view import CompareView
from reftiler_gui.jobs import Jobs
from reftiler_gui.model import image_pyramid
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.pan_zoom_view import Camera
from tests.gui.windows import BOXES, LEFT, SETTINGS, fill, grid_of, picture, settle

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


def test_a_line_parts_the_pictures_and_can_be_dragged(view: CompareView) -> None:
    view.split.setChecked(True)
    assert view.panes[0].isHidden()
    # The defect is in the middle: the line must not hide what there is to see.
    assert view.large.share == 0.35
    port = view.large.viewport()
    y, line = port.height() // 2, round(0.35 * port.width())
    there = QPoint(port.width() // 4, y)
    QTest.mousePress(port, LEFT, pos=QPoint(line, y))
    QTest.mouseMove(port, there)
    QTest.mouseRelease(port, LEFT, pos=there)
    assert view.large.share == pytest.approx(0.25, abs=0.02)
    assert view.slider.value() == pytest.approx(250, abs=20)
    view.slider.setValue(1000)
    covered = port.grab().toImage()
    view.slider.setValue(0)
    assert port.grab().toImage() != covered
    view.beside.setChecked(True)
    assert view.large.share == 0
    assert not view.panes[0].isHidden()


def test_another_size_is_resized_to(
    view: CompareView, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    view.target.setValue(96)
    settle(jobs)
    assert "after resizing to 96 × 96" in view.words.text()
    assert view.panes[0].label.text().startswith("Resized to 96 × 96")
    monkeypatch.setattr(image_pyramid, "RESIZED_LIMIT", 2**14)
    fill(view, picture())
    settle(jobs)
    assert view.panes[0].label.text().endswith("(from means of 2 × 2 px)")
    assert view.small.source is not None


def test_without_an_image_or_defects_nothing_goes_on(
    view: CompareView, jobs: Jobs
) -> None:
    fill(view, picture())
    assert jobs.running()
    view.show_item(None)
    assert not jobs.running()
    view.show_item(picture())
    view.show_tiling(grid_of(), SETTINGS)
    assert view.words.text() == "Looking for defects…"
    view.show_defect(None)
    assert view.words.text() == "Nothing is marked in the mask of this image."


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
