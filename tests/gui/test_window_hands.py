"""Hands: Space and drag, two fingers, held keys, zoom in whatever view is seen."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QInputDevice, QNativeGestureEvent, QPointingDevice
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from reftiler_gui.cases_view import CasesView
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.mock_models import MockModel
from tests.gui.windows import (
    LEFT,
    drag,
    known,
    open_results,
    settled,
    show_view,
    wait_until,
)

SPACE, SHIFT = Qt.Key.Key_Space, Qt.Key.Key_Shift


def focused() -> QWidget:
    return known(QApplication.focusWidget())


def test_hands_on_what_is_compared(sample: MainWindow) -> None:
    show_view(sample, "compare")
    sample.compare.split.setChecked(True)
    QApplication.processEvents()
    large = sample.compare.large
    port, column, share = large.viewport(), large.state.col, large.share
    line = QPoint(round(share * port.width()), port.height() // 2)
    large.setFocus()
    QTest.keyPress(large, SPACE)
    drag(port, line, line + QPoint(60, 0))
    assert large.share == share
    assert large.state.col < column
    QTest.keyRelease(large, SPACE)
    drag(port, line, line + QPoint(60, 0))
    assert large.share > share
    sample.compare.beside.setChecked(True)
    show_view(sample, "compare")
    compare = sample.compare
    if compare.small.width() != compare.large.width():  # an odd pixel is left
        sample.resize(sample.width() + 1, sample.height())
        settled(sample)
    both = compare.small, compare.large
    assert both[0].width() == both[1].width()
    before = [one.viewport().grab().toImage() for one in both]
    names = [pane.label.text() for pane in compare.panes]
    QTest.keyPress(focused(), SHIFT)
    after = [one.viewport().grab().toImage() for one in both]
    assert [pane.label.text() for pane in compare.panes] == names[::-1]
    assert before[0] != after[0]
    assert before == after[::-1]
    sample.show_view("image")
    sample.show_view("compare")
    assert [pane.label.text() for pane in compare.panes] == names


def test_fingers_and_keys_zoom_the_view_that_is_seen(sample: MainWindow) -> None:
    canvas, point = sample.canvas, QPointF(200, 150)
    before, zoom = canvas.place(point), sample.state.zoom
    kinds = QInputDevice.DeviceType.TouchPad, QPointingDevice.PointerType.Finger
    pad = QPointingDevice("pad", 1, *kinds, QInputDevice.Capability.Position, 2, 0)
    kind = Qt.NativeGestureType.ZoomNativeGesture
    event = QNativeGestureEvent(kind, pad, 2, point, point, point, 0.5, point)
    QApplication.sendEvent(canvas.viewport(), event)
    assert sample.state.zoom == pytest.approx(1.5 * zoom)
    assert canvas.place(point) == pytest.approx(before, abs=1 / zoom)
    cases, sheet, field = sample.views["cases"], sample.sheet, sample.toolbar.zoom
    assert isinstance(cases, CasesView)
    larger, zoom = sample.registry.actions["larger"], sample.state.zoom
    sample.show_view("cases")
    for part in (cases.split, cases.planes, cases.planes.panes[0]):
        part.show()
    state = cases.planes.state
    was = state.zoom
    wait_until(larger.isEnabled)
    larger.trigger()
    assert state.zoom > was
    assert sample.state.zoom == zoom
    assert field.currentText() == f"{100 * state.zoom:.0f} %"
    sample.show_view("sheet")
    side = sheet.list.side
    larger.trigger()
    assert sheet.list.side > side
    assert field.currentText() == ""


def test_keys_walk_the_defects_and_go_to_the_view_of_a_tab(sample: MainWindow) -> None:
    for key, number in ((Qt.Key.Key_N, 1), (Qt.Key.Key_P, 0)):
        QTest.keyClick(sample.canvas, key)
        assert sample.defects_bar.number == number
    tabs = sample.tabs.tabBar()
    QTest.mouseClick(tabs, LEFT, pos=tabs.tabRect(3).center())
    assert sample.merged.isAncestorOf(focused())
    open_results(sample, MockModel())
    label = sample.merged.panes[0].label
    QTest.keyPress(focused(), SHIFT)
    assert label.text() == "Original"
    QTest.keyRelease(focused(), SHIFT)
    assert label.text() == "Merged"
