"""The form: every change shows at once, what is refused stands beside its field."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QSlider

from reftiler.errors import TilingError
from reftiler.io import write_image
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import START, FormSettings
from tests.gui.windows import known, open_paths, settled, trigger, turn, type_into


def test_a_refusal_stands_beside_its_field_and_changes_show_at_once(
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
    sample.registry.actions["undo"].trigger()
    before = sample.canvas.tiling
    sample.form.tile.height_field.setValue(128)
    assert sample.viewer.settings.tile == (128, 128)
    assert sample.canvas.tiling is not before
    assert sample.summary.text().startswith("Tiles: 225  (15 × 15)")
    sample.form.tile.height_field.setValue(256)
    sample.form.how.setCurrentIndex(0)  # stride and overlap say the same
    assert sample.form.step.value == (192, 192)
    assert sample.summary.text().startswith("Tiles: 25")
    assert not sample.viewer.settings.overlapping
    sample.viewer.change(FormSettings(tile=(300, 300), step=(300, 300), mode="drop"))
    assert f"{1024**2 - 900**2:,} pixels" in sample.summary.text()


def test_random_tiles_are_counted_in_the_background(sample: MainWindow) -> None:
    sample.form.scatter.setChecked(True)
    assert sample.viewer.settings.random == sample.form.random.value() == 16
    sample.form.random.setValue(9)
    settled(sample)
    first = known(sample.canvas.tiling)
    assert len(first) == 9
    assert "are in no tile" in sample.summary.text()
    trigger(sample, "seed")
    second = known(sample.canvas.tiling)
    assert sample.form.seed.value() == 1
    assert first.box(0) != second.box(0)


def test_every_field_of_the_form_reaches_the_settings(window: MainWindow) -> None:
    form, now = window.form, window.viewer
    form.mode.setCurrentIndex(form.mode.findData("padding"))
    for field, word in (
        (form.pad_mode, "edge"),
        (form.pad_side, "both"),
        (form.window_, "hann"),
        (form.merge, "mean"),
        (form.nan, "omit"),
        (form.mode, "even"),
    ):
        field.setCurrentIndex(field.findData(word))
    form.pad_value.setValue(1.5)
    form.border.link.setChecked(False)
    form.border.width_field.setValue(3)
    form.align.width_field.setValue(8)
    form.filled.setChecked(True)
    form.fill.setValue(-0.001)
    padded = replace(START, overlapping=True, pad_mode="edge", pad_side="both")
    changed = {"pad_value": 1.5, "window": "hann", "border": (0, 3), "align": (8, 8)}
    changed |= {"nan": "omit", "fill": -0.001, "mode": "even"}
    assert now.settings == replace(padded, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [float("nan"), 1e-20, 123456.789012345])
def test_a_number_that_a_field_cannot_show_stays(
    window: MainWindow, number: float
) -> None:
    window.viewer.change(replace(START, pad_value=number, fill=number))
    window.form.border.height_field.setValue(8)
    settings = window.viewer.settings
    assert settings.border == (8, 8)
    np.testing.assert_equal([settings.pad_value, settings.fill], [number, number])


def chosen(field: QComboBox | QSlider) -> int:
    return field.currentIndex() if isinstance(field, QComboBox) else field.value()


def test_the_wheel_changes_no_field_without_the_focus(sample: MainWindow) -> None:
    form, before = sample.form, sample.viewer.settings
    for view in sample.views:
        sample.show_view(view)
        fields: list[QComboBox | QSlider] = [*sample.findChildren(QComboBox)]
        fields += sample.findChildren(QSlider)
        for field in fields:
            if field.isVisible() and field.isEnabled() and not field.hasFocus():
                value = chosen(field)
                turn(field, QPointF(field.rect().center()), -1)
                assert chosen(field) == value, field.accessibleName()
                assert not field.hasFocus()
    sample.show_view("image")
    for number in (form.tile.height_field, form.border.width_field):
        turn(number, QPointF(number.rect().center()), -1)
    assert sample.viewer.settings == before
    form.mode.setFocus()
    turn(form.mode, QPointF(5, 5), -1)
    assert sample.viewer.settings.mode != before.mode


def test_keys_are_those_of_what_has_the_focus(sample: MainWindow) -> None:
    field, before = sample.form.tile.height_field, sample.viewer.settings
    type_into(field, "96")
    field.setFocus()
    assert sample.viewer.settings.tile == (96, 96)
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert sample.viewer.settings.tile != (96, 96)
    while sample.viewer.settings != before:
        now = sample.viewer.settings
        QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert sample.viewer.settings != now
    mask = sample.registry.actions["mask"]
    for widget, changes in ((sample.image_list.view, False), (sample.canvas, True)):
        shown = mask.isChecked()
        widget.setFocus()
        QTest.keyClick(widget, Qt.Key.Key_M)
        assert (mask.isChecked() != shown) is changes
    bar = sample.tabs.tabBar()
    bar.setFocus()
    image, tab = sample.viewer.index, sample.tabs.currentIndex()
    QTest.keyClick(bar, Qt.Key.Key_Right)
    assert sample.tabs.currentIndex() != tab
    assert sample.viewer.index == image


def test_sizes_are_width_by_height(window: MainWindow, tmp_path: Path) -> None:
    write_image(tmp_path / "tall.png", np.zeros((600, 300), np.uint8))
    open_paths(window, tmp_path / "tall.png")
    assert "300 × 600 px" in window.message.text()
    window.viewer.change(FormSettings(tile=(300, 100), step=(300, 100)))
    assert window.summary.text().startswith("Tiles: 6  (3 × 2)")
    form = window.form.tile
    assert form.width_field.x() < form.height_field.x()
    type_into(form.width_field, "150")
    assert window.viewer.settings.tile == (300, 150)
    window.show_view("compare")
    assert "150 × 300" in window.compare.large.names[0]
