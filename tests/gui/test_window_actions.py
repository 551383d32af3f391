"""Every action, key and switch, and the names of the controls."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QDialog,
    QMenu,
    QMessageBox,
    QScrollArea,
    QTextBrowser,
    QWidget,
)
from pytestqt.qtbot import QtBot

import reftiler
from reftiler_gui.dialogs import (
    CommandPalette,
    DocumentationDialog,
    FigureDialog,
    ShortcutsDialog,
)
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.mock_models import MockModel
from tests.gui.windows import change, settled, wait_until


def test_every_action_can_be_done_twice(
    sample: MainWindow, monkeypatch: pytest.MonkeyPatch, answer: Callable[..., None]
) -> None:
    shown: list[str] = []

    def close(dialog: QDialog) -> None:
        shown.append(dialog.windowTitle())
        dialog.reject()

    monkeypatch.setattr(QDialog, "exec", lambda me: None)
    for dialog in (ShortcutsDialog, CommandPalette, DocumentationDialog, FigureDialog):
        monkeypatch.setattr(dialog, "exec", close)
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _: True)
    monkeypatch.setattr(QMessageBox, "about", lambda *given: shown.append(given[2]))
    answer()
    for name, action in sample.registry.actions.items():
        if name != "quit":
            action.trigger()
            action.trigger()
            if name == "close":
                sample.open(())
            settled(sample)
    titles = {one for one in shown if reftiler.__version__ not in one}
    assert titles == {"Keys", "Commands", "Documentation", "Export a figure"}
    assert len(shown) == 2 * 5  # and that about the version
    wait_until(lambda: not sample.findChildren(QDialog))


def test_layers_are_switched_and_keys_work(sample: MainWindow) -> None:
    change(sample, FormSettings(tile=(300, 300), step=(250, 250)))
    for name in ("image", "mask", "marks", "grid", "padding", "coverage"):
        before = sample.canvas.picture()
        sample.registry.actions[name].trigger()
        assert sample.canvas.picture() != before, name
        sample.registry.actions[name].trigger()
        assert sample.canvas.picture() == before, name
    seen = set()
    for _ in range(5):
        sample.registry.actions["recolor"].trigger()
        seen.add(sample.canvas.layers.color)
    assert len(seen) == 5
    canvas, state = sample.canvas, sample.state
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_G)
    assert not canvas.layers.grid
    QTest.keyClick(canvas, Qt.Key.Key_1)
    assert state.zoom == 1
    QTest.keyClick(canvas, Qt.Key.Key_F)
    assert state.fitted
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    settled(sample)
    assert sample.viewer.index == 1
    QTest.keyClick(canvas, Qt.Key.Key_J)
    assert sample.defects_bar.number is not None
    state.go(512.5, 512.5, 2)
    canvas.point_at(512.5, 512.5)
    sample.registry.actions["pan_down"].trigger()
    assert f"row {int(state.row)}, column 512" in sample.status.place.text()


def test_commands_are_found_and_all_that_is_done_has_a_name(
    qtbot: QtBot, window: MainWindow
) -> None:
    dialog = CommandPalette(window.registry, window)
    qtbot.addWidget(dialog)
    dialog.show()
    QTest.keyClicks(dialog.field, "coverage")
    rows = map(dialog.list.item, range(dialog.list.count()))
    assert len([row for row in rows if not row.isHidden()]) == 1
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    assert window.canvas.layers.coverage
    inner = ("QLineEdit", "ExpandingLineEdit", "QComboBoxListView", "QListView")
    nameless = []
    for child in window.findChildren(QWidget):
        takes = child.focusPolicy() & Qt.FocusPolicy.TabFocus
        hidden = child.objectName().startswith("qt_") or type(child).__name__ in inner
        if takes and not hidden and not isinstance(child, QScrollArea):
            face = QAccessible.queryAccessibleInterface(child)
            if not face.text(QAccessible.Text.Name):
                nameless.append(type(child).__name__)
    assert not nameless
    shown = [a for menu in window.menuBar().findChildren(QMenu) for a in menu.actions()]
    keys = ShortcutsDialog(window.registry, window).findChildren(QTextBrowser)[0]
    sheet = keys.toPlainText()
    for entry in window.registry.entries:
        assert window.registry.actions[entry.name] in shown, entry.name
        assert not entry.keys or entry.text.rstrip("…") in sheet, entry.name
    for words in ("Space + drag", "Shift, held", "two fingers"):
        assert words in sheet


def test_all_work_can_be_cancelled_by_a_key(sample: MainWindow) -> None:
    sample.open_results(MockModel())
    assert sample.jobs.running("Opening results")
    sample.registry.actions["cancel"].trigger()
    assert not sample.jobs.running()
    assert "cancelled" in sample.merged.empty.text()


def test_what_does_nothing_in_a_view_is_off(window: MainWindow) -> None:
    on = {}
    for view in window.views:
        window.show_view(view)
        actions = window.registry.actions.items()
        on[view] = {name for name, action in actions if action.isEnabled()}
    assert {"fit", "grid", "next_defect", "form"} <= on["image"]
    assert "fit" in on["compare"] - on["advice"]
    assert "fit" not in on["sheet"]
    assert "larger" in on["sheet"] - on["advice"]
    assert not {"grid", "next_defect"} & on["advice"]
    assert not {"seed", "next", "dock_tiling"} & on["cases"]


def test_the_documentation_is_whole(qtbot: QtBot) -> None:
    dialog = DocumentationDialog()
    qtbot.addWidget(dialog)
    texts = [text.toPlainText() for text in dialog.findChildren(QTextBrowser)]
    assert len(texts) == 2
    for words in ("Large inspection images do not fit", "MERGE-001"):
        assert any(words in text for text in texts)
