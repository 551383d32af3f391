"""A small window: nothing is cut off, and what it says can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.layouts import FlowLayout
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings
from tests.gui.windows import settled, write_case

VIEWS = ("image", "compare", "sheet", "merged", "advice", "cases")


@pytest.fixture
def small(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> Iterator[MainWindow]:
    window.registry.actions["theme_light"].trigger()  # dressed as people see it
    window.resize(800, 600)
    window.open(())
    settled(qtbot, window)
    window.open([write_case(tmp_path)])
    settled(qtbot, window)
    yield window
    window.registry.actions["theme_system"].trigger()


def shown(qtbot: QtBot, window: MainWindow, view: str) -> QWidget:
    window.show_view(view)
    settled(qtbot, window)
    QApplication.processEvents()
    middle = window.centralWidget()
    assert middle is not None
    return middle


@pytest.mark.parametrize("view", VIEWS)
def test_everything_lies_within_what_holds_it(
    qtbot: QtBot, small: MainWindow, view: str
) -> None:
    middle = shown(qtbot, small, view)
    assert small.size().toTuple() == (800, 600)
    for part in middle.findChildren(QWidget):
        above = part.parentWidget()
        assert above is not None
        if part.isVisible() and isinstance(part, (QLabel, ImageCanvas)):
            inside = QRect(part.mapTo(small, part.rect().topLeft()), part.size())
            room = QRect(above.mapTo(small, above.rect().topLeft()), above.size())
            assert room.contains(inside), (part, part.geometry(), above.size())


def test_no_number_of_the_tiling_is_cut_off(qtbot: QtBot, window: MainWindow) -> None:
    window.registry.actions["theme_light"].trigger()
    window.open(())
    settled(qtbot, window)
    both = FormSettings(tile=(300, 200), step=(260, 150), pad_side="both")
    window.viewer.change(both)
    settled(qtbot, window)
    qtbot.wait(50)
    labels = window.summary.findChildren(QLabel)
    cut = [one for one in labels if one.height() < one.heightForWidth(one.width())]
    assert not [one.text() for one in cut if one.isVisible()]
    assert "38 px left, 38 px right" in window.summary.text()
    window.registry.actions["theme_system"].trigger()


@pytest.mark.parametrize(
    ("settings", "end"),
    [
        (FormSettings(tile=(20, 20), overlapping=True), "reduce the overlap"),
        (FormSettings(tile=(2000, 2000), mode="clamp"), "a smaller tile"),
        (FormSettings(step=(256, 256), border=(40, 40)), "a stride of at most 176"),
    ],
)
def test_no_refusal_is_cut_off(
    qtbot: QtBot, window: MainWindow, settings: FormSettings, end: str
) -> None:
    window.registry.actions["theme_light"].trigger()
    window.open(())
    settled(qtbot, window)
    window.viewer.change(settings)
    settled(qtbot, window)
    qtbot.wait(50)
    (label,) = (
        place.words
        for place in window.form.refusables.values()
        if place.words.isVisible()
    )
    assert label.text().endswith(end)
    assert label.height() >= label.heightForWidth(label.width())
    window.registry.actions["theme_system"].trigger()


@pytest.mark.parametrize("view", VIEWS)
def test_no_sentence_is_cut_off_or_a_column_of_words(
    qtbot: QtBot, small: MainWindow, view: str
) -> None:
    middle = shown(qtbot, small, view)
    for label in middle.findChildren(QLabel):
        if label.isVisible() and label.wordWrap() and label.text():
            lines = label.heightForWidth(label.width()) / label.fontMetrics().height()
            assert label.height() >= label.heightForWidth(label.width()), label.text()
            assert lines < 7, label.text()


def test_a_row_takes_more_lines_when_a_part_grows_or_comes(qtbot: QtBot) -> None:
    page, picture, row = QWidget(), QWidget(), FlowLayout()
    first, second = QLabel("first"), QLabel("second")
    row.addWidget(first)
    row.addWidget(second)
    column = QVBoxLayout(page)
    column.addLayout(row)
    column.addWidget(picture, 1)
    page.setFixedSize(200, 300)
    qtbot.addWidget(page)
    page.show()
    third = QLabel("a third part, which is long")

    def top() -> int:
        QApplication.processEvents()
        return picture.y()

    one = top()
    first.setText("longer than it was before")
    two = top()
    row.addWidget(third)
    three = top()
    third.hide()
    assert one < two == top() < three
