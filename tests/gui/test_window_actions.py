"""Every action, key and switch, and the names of the controls."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QDialog,
    QFileDialog,
    QLabel,
    QMenu,
    QMessageBox,
    QScrollArea,
    QTextBrowser,
    QWidget,
)
from pytestqt.qtbot import QtBot

import reftiler
from reftiler_gui.figure_dialog import FigureDialog
from reftiler_gui.help_dialogs import (
    CommandPalette,
    DocumentationDialog,
    ShortcutsDialog,
)
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.mock_models import MockModel
from reftiler_gui.theme import SCHEMES
from tests.gui.windows import settled


def test_every_action_can_be_done_twice(
    qtbot: QtBot, sample: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(QDialog, "exec", lambda me: None)
    for dialog in (ShortcutsDialog, CommandPalette, DocumentationDialog, FigureDialog):
        monkeypatch.setattr(dialog, "exec", lambda me: shown.append(me.windowTitle()))
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _: True)
    monkeypatch.setattr(QMessageBox, "about", lambda *_: None)
    for name in ("getOpenFileName", "getOpenFileNames", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    for name, action in sample.registry.actions.items():
        if name != "quit":
            action.trigger()
            action.trigger()
            if name == "close":
                sample.open(())
            settled(qtbot, sample)
    assert {*shown} == {"Keys", "Commands", "Documentation", "Export a figure"}
    qtbot.waitUntil(lambda: not sample.findChildren(QDialog))


def test_every_switch_of_a_layer_changes_the_picture(
    qtbot: QtBot, window: MainWindow
) -> None:
    window.viewer.change(FormSettings(tile=(300, 300), step=(250, 250)))
    window.open(())
    settled(qtbot, window)
    for name in ("image", "mask", "marks", "grid", "padding", "coverage"):
        before = window.canvas.picture()
        window.registry.actions[name].trigger()
        assert window.canvas.picture() != before, name
        window.registry.actions[name].trigger()
        assert window.canvas.picture() == before, name


def test_keys_work(qtbot: QtBot, sample: MainWindow) -> None:
    sample.activateWindow()
    sample.canvas.setFocus()
    qtbot.waitUntil(sample.isActiveWindow)
    qtbot.keyClick(sample.canvas, Qt.Key.Key_G)
    assert not sample.canvas.layers.grid
    qtbot.keyClick(sample.canvas, Qt.Key.Key_1)
    assert sample.state.zoom == 1
    qtbot.keyClick(sample.canvas, Qt.Key.Key_F)
    assert sample.state.fitted
    qtbot.keyClick(sample.canvas, Qt.Key.Key_Right)
    settled(qtbot, sample)
    qtbot.waitUntil(lambda: sample.viewer.index == 1)
    qtbot.keyClick(sample.canvas, Qt.Key.Key_J)
    assert sample.defects_bar.number is not None


def test_commands_are_found_by_letters(qtbot: QtBot, window: MainWindow) -> None:
    dialog = CommandPalette(window.registry, window)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.keyClicks(dialog.field, "coverage")
    rows = range(dialog.list.count())
    left = [
        dialog.list.item(row).text()
        for row in rows
        if not dialog.list.item(row).isHidden()
    ]
    assert len(left) == 1
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert window.canvas.layers.coverage


def test_everything_that_takes_keys_has_a_name(window: MainWindow) -> None:
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


def test_every_action_is_in_the_menus_and_the_sheet_of_keys(window: MainWindow) -> None:
    shown = [a for menu in window.menuBar().findChildren(QMenu) for a in menu.actions()]
    sheet = (
        ShortcutsDialog(window.registry, window)
        .findChildren(QTextBrowser)[0]
        .toPlainText()
    )
    for entry in window.registry.entries:
        assert window.registry.actions[entry.name] in shown, entry.name
        if entry.keys:
            assert entry.text.rstrip("…") in sheet, entry.name
    for words in ("Space + drag", "Shift, held", "two fingers"):
        assert words in sheet


def test_every_menu_has_a_letter_of_its_own(window: MainWindow) -> None:
    letters = [
        action.text().partition("&")[2][:1] for action in window.menuBar().actions()
    ]
    assert letters == ["F", "E", "V", "L", "G", "H"]
    for view in window.views.values():
        mine = [
            widget.text().partition("&")[2][:1].upper()
            for widget in view.findChildren(QWidget)
            if isinstance(widget, (QLabel, QAbstractButton)) and "&" in widget.text()
        ]
        assert len(mine) == len(set(mine)), mine
        assert not set(mine) & set(letters), mine


def test_a_dock_that_was_closed_comes_back(window: MainWindow) -> None:
    dock, action = window.docks["tiling"], window.registry.actions["dock_tiling"]
    dock.close()
    assert not action.isChecked()
    action.trigger()
    assert dock.isVisible()
    dock.close()
    window.registry.actions["form"].trigger()
    assert dock.isVisible()
    assert action.isChecked()
    assert window.form.tile.width_field.hasFocus()


def test_the_mask_has_other_colours(sample: MainWindow) -> None:
    seen = set()
    for _ in range(5):
        sample.registry.actions["recolor"].trigger()
        seen.add(sample.canvas.layers.color)
    assert len(seen) == 5


def test_what_is_under_the_cursor_follows_keys(sample: MainWindow) -> None:
    sample.state.go(512.5, 512.5, 2)
    sample.registry.actions["pan_down"].trigger()
    row = int(sample.state.row)
    assert f"row {row}, column 512" in sample.status.place.text()


def test_all_work_can_be_cancelled_by_a_key(sample: MainWindow) -> None:
    sample.open_results(MockModel())
    assert sample.jobs.running("Opening results")
    sample.registry.actions["cancel"].trigger()
    assert not sample.jobs.running()
    assert "cancelled" in sample.merged.empty.text()


def test_the_picture_is_copied_and_the_screen_filled(sample: MainWindow) -> None:
    QGuiApplication.clipboard().clear()
    sample.registry.actions["copy_picture"].trigger()
    copied = QGuiApplication.clipboard().image()
    assert copied.size() == sample.picture().size()
    assert not copied.isNull()
    for filled in (True, False):
        sample.registry.actions["full_screen"].trigger()
        assert sample.isFullScreen() is filled


def test_about_names_the_version(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(QMessageBox, "about", lambda *given: shown.extend(given[1:]))
    window.registry.actions["about"].trigger()
    assert reftiler.__version__ in shown[-1]


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


def test_the_theme_that_is_shown_is_checked(window: MainWindow) -> None:
    actions = window.registry.actions
    try:
        for scheme in ("dark", "light", "light"):
            actions[f"theme_{scheme}"].trigger()
            checked = [name for name in SCHEMES if actions[f"theme_{name}"].isChecked()]
            assert checked == [scheme]
    finally:
        actions["theme_system"].trigger()


def test_the_documentation_is_whole(qtbot: QtBot) -> None:
    dialog = DocumentationDialog()
    qtbot.addWidget(dialog)
    texts = [text.toPlainText() for text in dialog.findChildren(QTextBrowser)]
    assert len(texts) == 2
    for words in ("Large inspection images do not fit", "MERGE-001"):
        assert any(words in text for text in texts)
