"""Hands: Space and drag, two fingers, held keys, zoom in whatever view is seen."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QInputDevice, QNativeGestureEvent, QPointingDevice
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from reftiler_gui.cases_view import CasesView
from reftiler_gui.compare_view import CompareView
from reftiler_gui.contact_sheet_view import ContactSheetView
from reftiler_gui.main_window import MainWindow
from reftiler_gui.merged_view import MergedView
from reftiler_gui.model.mock_models import MockModel
from tests.gui.windows import drag, settled

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow) -> MainWindow:
    window.open(())
    settled(qtbot, window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


def focused() -> QWidget:
    found = QApplication.focusWidget()
    assert found is not None
    return found


def test_with_space_held_a_click_chooses_nothing(opened: MainWindow) -> None:
    canvas = opened.canvas
    canvas.setFocus()
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    assert canvas.viewport().cursor().shape() == Qt.CursorShape.OpenHandCursor
    QTest.mouseClick(canvas.viewport(), LEFT, pos=QPoint(300, 300))
    assert canvas.tile is None
    place = canvas.place(QPointF(300, 300))
    drag(canvas.viewport(), QPoint(300, 300), QPoint(340, 320))
    assert canvas.place(QPointF(340, 320)) == pytest.approx(place, abs=1)
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert canvas.viewport().cursor().shape() == Qt.CursorShape.ArrowCursor
    QTest.mouseClick(canvas.viewport(), LEFT, pos=QPoint(300, 300))
    assert canvas.tile is not None


def test_with_space_held_the_line_stays(qtbot: QtBot, opened: MainWindow) -> None:
    opened.show_view("compare")
    settled(qtbot, opened)
    compare = opened.views["compare"]
    assert isinstance(compare, CompareView)
    compare.split.setChecked(True)
    QApplication.processEvents()
    port, column = compare.large.viewport(), compare.large.state.col
    share = compare.large.share
    line = QPoint(round(share * port.width()), port.height() // 2)
    compare.large.setFocus()
    QTest.keyPress(compare.large, Qt.Key.Key_Space)
    drag(port, line, line + QPoint(60, 0))
    assert compare.large.share == share
    assert compare.large.state.col < column
    QTest.keyRelease(compare.large, Qt.Key.Key_Space)
    drag(port, line, line + QPoint(60, 0))
    assert compare.large.share > share


def test_two_fingers_zoom_where_they_are(opened: MainWindow) -> None:
    canvas, point = opened.canvas, QPointF(200, 150)
    before, zoom = canvas.place(point), opened.state.zoom
    kinds = QInputDevice.DeviceType.TouchPad, QPointingDevice.PointerType.Finger
    capable = QInputDevice.Capability.Position
    pad = QPointingDevice("pad", 1, *kinds, capable, 2, 0)
    event = QNativeGestureEvent(
        Qt.NativeGestureType.ZoomNativeGesture, pad, 2, point, point, point, 0.5, point
    )
    assert event.type() == QEvent.Type.NativeGesture
    QApplication.sendEvent(canvas.viewport(), event)
    assert opened.state.zoom == pytest.approx(1.5 * zoom)
    assert canvas.place(point) == pytest.approx(before, abs=1 / zoom)


def test_shift_shows_the_original_of_what_is_merged(
    qtbot: QtBot, opened: MainWindow
) -> None:
    opened.open_results(MockModel())
    settled(qtbot, opened)
    merged = opened.views["merged"]
    assert isinstance(merged, MergedView)
    QTest.keyPress(focused(), Qt.Key.Key_Shift)
    assert merged.panes[0].label.text() == "Original"
    QTest.keyRelease(focused(), Qt.Key.Key_Shift)
    assert merged.panes[0].label.text() == "Merged"


def test_shift_swaps_what_is_compared(qtbot: QtBot, opened: MainWindow) -> None:
    opened.show_view("compare")
    settled(qtbot, opened)
    compare = opened.views["compare"]
    assert isinstance(compare, CompareView)
    if compare.small.width() != compare.large.width():  # an odd pixel is left
        opened.resize(opened.width() + 1, opened.height())
        settled(qtbot, opened)
    assert compare.small.width() == compare.large.width()
    before = [one.viewport().grab().toImage() for one in (compare.small, compare.large)]
    names = [pane.label.text() for pane in compare.panes]
    QTest.keyPress(focused(), Qt.Key.Key_Shift)
    after = [one.viewport().grab().toImage() for one in (compare.small, compare.large)]
    assert [pane.label.text() for pane in compare.panes] == names[::-1]
    assert before[0] != after[0]
    assert before == after[::-1]
    opened.show_view("image")
    opened.show_view("compare")
    assert [pane.label.text() for pane in compare.panes] == names


def test_the_zoom_keys_move_the_view_that_is_seen(
    qtbot: QtBot, opened: MainWindow
) -> None:
    cases, sheet = opened.views["cases"], opened.views["sheet"]
    assert isinstance(cases, CasesView)
    assert isinstance(sheet, ContactSheetView)
    larger, zoom = opened.registry.actions["larger"], opened.state.zoom
    opened.show_view("cases")
    cases.split.show()
    cases.planes.show()
    cases.planes.panes[0].show()
    state = cases.planes.state
    before = state.zoom
    qtbot.waitUntil(larger.isEnabled)
    larger.trigger()
    assert state.zoom > before
    assert opened.state.zoom == zoom
    assert opened.toolbar.zoom.currentText() == f"{100 * state.zoom:.0f} %"
    opened.show_view("sheet")
    side = sheet.list.side
    larger.trigger()
    assert sheet.list.side > side
    assert opened.toolbar.zoom.currentText() == ""


def test_a_click_on_a_tab_gives_its_view_the_keys(
    qtbot: QtBot, opened: MainWindow
) -> None:
    tabs = opened.tabs.tabBar()
    QTest.mouseClick(tabs, LEFT, pos=tabs.tabRect(3).center())
    assert opened.views["merged"].isAncestorOf(focused())


def test_n_and_p_walk_the_defects(qtbot: QtBot, opened: MainWindow) -> None:
    assert opened.defects_bar.number == 0
    QTest.keyClick(opened.canvas, Qt.Key.Key_N)
    assert opened.defects_bar.number == 1
    QTest.keyClick(opened.canvas, Qt.Key.Key_P)
    assert opened.defects_bar.number == 0
