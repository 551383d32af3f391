"""Every action, key and switch, and the names of the controls."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from reftiler_gui.lists import CommandList, KeySheet
from reftiler_gui.model.settings import TilingSettings
from reftiler_gui.window import MainWindow
from tests.gui.windows import settled


def test_every_action_can_be_done_twice(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.open(())
    settled(qtbot, window)
    shown: list[str] = []
    for dialog in (KeySheet, CommandList):
        monkeypatch.setattr(dialog, "exec", lambda me: shown.append(me.windowTitle()))
    for name in ("getOpenFileName", "getOpenFileNames", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    for name, action in window.table.actions.items():
        if name != "quit":
            action.trigger()
            action.trigger()
            settled(qtbot, window)
    assert shown == ["Keys", "Keys", "Commands", "Commands"]


def test_every_switch_of_a_layer_changes_the_picture(
    qtbot: QtBot, window: MainWindow
) -> None:
    window.desk.change(TilingSettings(tile=(300, 300), step=(250, 250)))
    window.open(())
    settled(qtbot, window)
    for name in ("image", "mask", "marks", "grid", "padding", "coverage"):
        before = window.canvas.picture()
        window.table.actions[name].trigger()
        assert window.canvas.picture() != before, name
        window.table.actions[name].trigger()
        assert window.canvas.picture() == before, name


def test_keys_work(qtbot: QtBot, window: MainWindow) -> None:
    window.open(())
    settled(qtbot, window)
    window.activateWindow()
    window.canvas.setFocus()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window.canvas, Qt.Key.Key_G)
    assert not window.canvas.layers.grid
    qtbot.keyClick(window.canvas, Qt.Key.Key_1)
    assert window.state.zoom == 1
    qtbot.keyClick(window.canvas, Qt.Key.Key_F)
    assert window.state.fitted
    qtbot.keyClick(window.canvas, Qt.Key.Key_Right)
    settled(qtbot, window)
    qtbot.waitUntil(lambda: window.desk.index == 1)
    qtbot.keyClick(window.canvas, Qt.Key.Key_J)
    assert window.bar.number is not None


def test_commands_are_found_by_letters(qtbot: QtBot, window: MainWindow) -> None:
    dialog = CommandList(window.table, window)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.keyClicks(dialog.field, "heat")
    rows = range(dialog.list.count())
    left = [
        dialog.list.item(row).text()
        for row in rows
        if not dialog.list.item(row).isHidden()
    ]
    assert len(left) == 1
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert window.canvas.layers.coverage


def test_every_control_has_a_name(window: MainWindow) -> None:
    kinds = ("QSpinBox", "QDoubleSpinBox", "QComboBox", "Choice", "ItemList")
    nameless = [
        child
        for child in window.findChildren(QWidget)
        if type(child).__name__ in kinds and not child.accessibleName()
    ]
    assert not nameless
