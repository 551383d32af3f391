"""A small window: nothing is cut off, and what it says can be read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.layouts import FlowLayout
from reftiler_gui.main_window import MainWindow
from tests.gui.windows import known, open_paths, show_view, write_case

VIEWS = ("image", "compare", "sheet", "merged", "advice", "cases")


@pytest.fixture
def dressed(window: MainWindow) -> Iterator[MainWindow]:
    """Return a window as people see it, with the sample."""
    window.registry.actions["theme_light"].trigger()
    open_paths(window)
    yield window
    window.registry.actions["theme_system"].trigger()


def rect(part: QWidget, window: QWidget) -> QRect:
    return QRect(part.mapTo(window, part.rect().topLeft()), part.size())


def test_nothing_is_cut_off_in_any_view(dressed: MainWindow, tmp_path: Path) -> None:
    dressed.resize(800, 600)
    open_paths(dressed, write_case(tmp_path))
    for view in VIEWS:
        show_view(dressed, view)
        assert dressed.size().toTuple() == (800, 600)
        for part in known(dressed.centralWidget()).findChildren(QWidget):
            if part.isVisible() and isinstance(part, (QLabel, ImageCanvas)):
                room = rect(known(part.parentWidget()), dressed)
                assert room.contains(rect(part, dressed)), (view, part)
            if isinstance(part, QLabel) and part.isVisible() and part.wordWrap():
                needed, line = part.heightForWidth(part.width()), part.fontMetrics()
                assert not part.text() or part.height() >= needed, part.text()
                assert not part.text() or needed < 7 * line.height(), part.text()


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
