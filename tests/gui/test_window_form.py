"""The form: every change shows at once, what is refused stands beside its field."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QSlider, QWidget
from pytestqt.qtbot import QtBot

from reftiler.errors import TilingError
from reftiler.io import write_image
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import START, FormSettings
from tests.gui.windows import settled


def test_a_change_shows_at_once(sample: MainWindow) -> None:
    before = sample.canvas.tiling
    sample.form.tile.height_field.setValue(128)
    assert sample.viewer.settings.tile == (128, 128)
    assert sample.canvas.tiling is not before
    assert sample.summary.text().startswith("Tiles: 225  (15 × 15)")


def test_a_refusal_stands_beside_its_field_and_the_last_grid_stays(
    sample: MainWindow,
) -> None:
    before = sample.canvas.tiling
    sample.form.step.height_field.setValue(256)
    place = sample.form.refusables["step"]
    with pytest.raises(TilingError) as said:
        sample.viewer.settings.tiler()
    assert place.words.text() == f"⚠ {said.value}"
    assert place.words.isVisible()
    assert sample.canvas.tiling is before
    sample.registry.actions["undo"].trigger()
    assert not place.words.isVisible()
    assert sample.form.step.value == (64, 64)
    sample.registry.actions["redo"].trigger()
    assert place.words.isVisible()


def test_stride_and_overlap_say_the_same(sample: MainWindow) -> None:
    sample.form.how.setCurrentIndex(0)
    assert sample.form.step.value == (192, 192)
    assert sample.summary.text().startswith("Tiles: 25")
    assert not sample.viewer.settings.overlapping


def test_uncovered_pixels_are_counted_in_words(sample: MainWindow) -> None:
    sample.viewer.change(FormSettings(tile=(300, 300), step=(300, 300), mode="drop"))
    assert f"{1024**2 - 900**2:,} pixels" in sample.summary.text()


def test_random_tiles_are_counted_in_the_background(
    qtbot: QtBot, sample: MainWindow
) -> None:
    sample.form.scatter.setChecked(True)
    assert sample.viewer.settings.random == sample.form.random.value() == 16
    sample.form.random.setValue(9)
    settled(qtbot, sample)
    first = sample.canvas.tiling
    assert first is not None
    assert len(first) == 9
    assert "are in no tile" in sample.summary.text()
    sample.registry.actions["seed"].trigger()
    settled(qtbot, sample)
    second = sample.canvas.tiling
    assert second is not None
    assert sample.form.seed.value() == 1
    assert first.box(0) != second.box(0)


def test_every_field_of_the_form_reaches_the_settings(window: MainWindow) -> None:
    form, now = window.form, window.viewer
    form.mode.setCurrentIndex(form.mode.findData("padding"))
    for field, word in (
        (form.pad_mode, "edge"),
        (form.pad_side, "both"),
        (form.window_, "hann"),
        (form.merge, "max"),
        (form.mode, "even"),
    ):
        field.setCurrentIndex(field.findData(word))
    form.pad_value.setValue(1.5)
    form.border.link.setChecked(False)
    form.border.width_field.setValue(3)
    assert now.settings == FormSettings(
        tile=START.tile,
        step=START.step,
        overlapping=True,
        mode="even",
        pad_mode="edge",
        pad_side="both",
        pad_value=1.5,
        window="hann",
        merge="max",
        border=(0, 3),
    )


def turn_wheel(field: QWidget) -> None:
    middle = QPointF(field.rect().center())
    event = QWheelEvent(
        middle,
        field.mapToGlobal(middle),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(field, event)


def chosen(field: QComboBox | QSlider) -> int:
    return field.currentIndex() if isinstance(field, QComboBox) else field.value()


@pytest.fixture
def opened(qtbot: QtBot, sample: MainWindow) -> MainWindow:
    sample.activateWindow()
    qtbot.waitUntil(sample.isActiveWindow)
    return sample


def test_the_wheel_changes_no_field_without_the_focus(opened: MainWindow) -> None:
    form, before = opened.form, opened.viewer.settings
    for view in opened.views:
        opened.show_view(view)
        fields: list[QComboBox | QSlider] = [*opened.findChildren(QComboBox)]
        fields += opened.findChildren(QSlider)
        for field in fields:
            if field.isVisible() and field.isEnabled() and not field.hasFocus():
                value = chosen(field)
                turn_wheel(field)
                assert chosen(field) == value, field.accessibleName()
                assert not field.hasFocus()
    opened.show_view("image")
    for number in (form.tile.height_field, form.border.width_field):
        turn_wheel(number)
    assert opened.viewer.settings == before
    form.mode.setFocus()
    turn_wheel(form.mode)
    assert opened.viewer.settings.mode != before.mode


def test_undo_is_of_settings_not_of_letters(opened: MainWindow) -> None:
    field, before = opened.form.tile.height_field, opened.viewer.settings
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "96")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert opened.viewer.settings.tile == (96, 96)
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert opened.viewer.settings.tile != (96, 96)
    while opened.viewer.settings != before:
        now = opened.viewer.settings
        QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert opened.viewer.settings != now


def test_letters_and_arrows_are_those_of_the_focused_list(
    opened: MainWindow,
) -> None:
    mask = opened.registry.actions["mask"]
    for widget, changes in ((opened.image_list.view, False), (opened.canvas, True)):
        shown = mask.isChecked()
        widget.setFocus()
        QTest.keyClick(widget, Qt.Key.Key_M)
        assert (mask.isChecked() != shown) is changes
    bar = opened.tabs.tabBar()
    bar.setFocus()
    image, tab = opened.viewer.index, opened.tabs.currentIndex()
    QTest.keyClick(bar, Qt.Key.Key_Right)
    assert opened.tabs.currentIndex() != tab
    assert opened.viewer.index == image


def test_the_menu_names_what_is_undone(sample: MainWindow) -> None:
    undo, redo = (sample.registry.actions[name] for name in ("undo", "redo"))
    assert not undo.isEnabled()
    assert not redo.isEnabled()
    sample.form.tile.height_field.setValue(128)
    assert undo.text() == "Undo Tile size"
    sample.form.mode.set_value("clamp")
    sample.form.mode.currentIndexChanged.emit(0)
    assert undo.text() == "Undo Fit"
    undo.trigger()
    assert sample.form.mode.value == "padding"
    assert redo.isEnabled()
    assert redo.text() == "Redo Fit"
    undo.trigger()
    assert sample.form.tile.value == (256, 256)
    assert not undo.isEnabled()


def test_quick_changes_of_a_field_are_one_step_and_back_again_is_none(
    window: MainWindow,
) -> None:
    field, stack = window.form.tile.height_field, window.viewer.undo_stack
    for size in (257, 258, 259):
        field.setValue(size)
    assert stack.count() == 1
    field.setValue(256)
    assert stack.count() == 0


def test_sizes_are_width_by_height(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    write_image(tmp_path / "tall.png", np.zeros((600, 300), np.uint8))
    window.open([tmp_path / "tall.png"])
    window.viewer.change(FormSettings(tile=(200, 100), step=(200, 100)))
    settled(qtbot, window)
    assert "300 × 600 px" in window.message.text()
    window.viewer.change(FormSettings(tile=(300, 100), step=(300, 100)))
    assert window.summary.text().startswith("Tiles: 6  (3 × 2)")
    form = window.form.tile
    assert form.width_field.x() < form.height_field.x()
    form.width_field.setFocus()
    form.width_field.selectAll()
    qtbot.keyClicks(form.width_field, "150")
    qtbot.keyClick(form.width_field, Qt.Key.Key_Tab)
    assert window.viewer.settings.tile == (300, 150)
    window.show_view("compare")
    assert "150 × 300" in window.compare.large.names[0]
