"""The main window: open, walk through, point, click, close."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QStyleOptionDockWidget
from pytestqt.qtbot import QtBot

from reftiler.io import write_image
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings
from tests.gui.windows import (
    drop,
    known,
    loaded_item,
    open_paths,
    settled,
    shown_image,
    trigger,
    wait_until,
)


def test_the_sample_explains_itself_at_every_zoom(sample: MainWindow) -> None:
    assert "2 defects ringed" in sample.message.text()
    assert sample.summary.text().startswith("Tiles: 25  (5 × 5)")
    assert "16% of its contrast" in sample.defects_bar.words.text()
    sample.canvas.point_at(330.5, 410.5)
    words = sample.status.place.text()
    tile = "tile 6 (row 1, column 1) and 1 more"
    for part in ("row 330, column 410", "marked", tile, "2 tiles"):
        assert part in words
    sample.canvas.point_at(-1, 5)
    assert "outside" in sample.status.place.text()
    sample.canvas.clicked.emit(643.0, 803.0)  # on a ring
    assert sample.defects_bar.number == 1
    assert (sample.state.row, sample.state.col) == (642.5, 802.5)
    sample.canvas.clicked.emit(100.0, 100.0)
    assert sample.canvas.tile == 0
    sample.registry.actions["fit"].trigger()
    field, state = sample.toolbar.zoom, sample.state
    line = field.findChildren(QLineEdit)[0]
    fitted = state.zoom
    sample.registry.actions["larger"].trigger()
    assert field.currentText() == f"{100 * state.zoom:.0f} %"
    for typed, zoom in (("33", 0.33), ("250 %", 2.5), ("nonsense", 2.5)):
        field.setFocus()
        line.selectAll()
        QTest.keyClicks(line, typed)
        QTest.keyClick(line, Qt.Key.Key_Return)
        assert state.zoom == pytest.approx(zoom)
        assert field.currentText() == f"{100 * zoom:.0f} %"
    field.textActivated.emit("Fit")
    assert state.zoom == fitted
    sample.show_view("advice")
    assert not field.isEnabled()


def test_what_is_dropped_or_a_folder_is_walked_through(
    window: MainWindow, folder: Path
) -> None:
    drop(window, folder / "b.png")
    settled(window)
    assert loaded_item(window).item.name == "b"
    assert window.preferences.recent == (str(folder / "b.png"),)
    open_paths(window, folder)
    assert len(window.image_list.rows.rows) == 3
    window.state.go(10, 20, 8)
    trigger(window, "next")
    assert window.viewer.index == 1
    assert (window.state.row, window.state.col, window.state.zoom) == (10, 20, 8)
    window.registry.actions["lock"].setChecked(False)
    trigger(window, "next")
    assert window.state.fitted


@pytest.mark.parametrize("name", ["b_label.png", "labels/b.png", "labels/b_gt.png"])
def test_a_mask_that_is_dropped_is_that_of_the_image(
    window: MainWindow, folder: Path, tmp_path: Path, name: str
) -> None:
    open_paths(window, folder / "b.png")
    other = tmp_path / "other" / name
    other.parent.mkdir(parents=True)
    write_image(other, np.eye(64, dtype=bool))
    drop(window, other)
    settled(window)
    loaded = loaded_item(window)
    assert (loaded.item.name, loaded.item.masks) == ("b", (other,))
    assert np.array_equal(known(loaded.mask).array, np.eye(64))
    drop(window, folder / "a_mask.png")  # of another image
    wait_until(lambda: loaded_item(window).item.name == "a_mask")
    drop(window, folder / "a.png")  # called as no mask
    wait_until(lambda: loaded_item(window).item.name == "a")


def test_what_is_shown_of_the_cursor_follows_image_and_tiles(
    window: MainWindow, folder: Path
) -> None:
    write_image(folder / "b.png", np.full((64, 64), 7, np.uint8))
    open_paths(window, folder)
    place = window.status.place
    window.state.go(32, 32, 4)
    window.canvas.point_at(30.5, 40.5)
    assert "value 7 " not in place.text()
    trigger(window, "next")
    assert "row 30, column 40   ·   value 7 " in place.text()
    window.viewer.change(FormSettings(tile=(16, 16), step=(16, 16)))
    assert "tile 6 (row 1, column 2)" in place.text()
    window.canvas.left.emit()
    assert "row" not in place.text()


def test_what_is_shown_of_a_resting_cursor_follows_the_place(
    window: MainWindow, tmp_path: Path
) -> None:
    ramp = (np.arange(600 * 700) % 65521).astype(np.uint16).reshape(600, 700)
    write_image(tmp_path / "a.png", ramp)
    write_image(tmp_path / "b.png", ramp[:500, 9:650])
    open_paths(window, tmp_path)
    place = window.canvas.viewport().rect().center() + QPoint(20, 10)
    QTest.mouseMove(window.canvas.viewport(), place)
    for action in ("larger", "larger", "next", "larger", "fit", "previous"):
        trigger(window, action)
        row, col = map(int, window.canvas.place(QPointF(place)))
        (value,) = known(shown_image(window).value(row, col))
        words = f"row {row}, column {col}   ·   value {value:g} "
        assert words in window.status.place.text(), action
    window.show_view("sheet")
    assert "row" not in window.status.place.text()


def test_many_defects_are_ringed_where_they_are_seen(
    window: MainWindow, tmp_path: Path
) -> None:
    mask = np.zeros((1500, 1500), dtype=bool)
    mask[3::6, 3::6] = True
    mask[1201:1204, 1201:1204] = True
    write_image(tmp_path / "a.png", mask.astype(np.uint8))
    write_image(tmp_path / "a_mask.png", mask)
    open_paths(window, tmp_path)
    canvas = window.canvas
    assert len(window.defects_bar.defects) > 60_000
    few = canvas.marks(canvas.transform())
    assert 50 < len(few) < 2000
    assert ((1201, 1204), (1201, 1204)) in [mark.box for mark in few]
    canvas.state.go(900, 900, 16)
    boxes = [mark.box for mark in canvas.marks(canvas.transform())]
    assert boxes[-1] == ((3, 4), (3, 4))  # the chosen one, which is elsewhere
    top, left = canvas.place(QPointF(0, 0))
    corner = canvas.viewport().rect().bottomRight() + QPoint(1, 1)
    bottom, right = canvas.place(QPointF(corner))
    rows, columns = (
        [k for k in range(3, 1500, 6) if low <= k < high]
        for low, high in ((top, bottom), (left, right))
    )
    inside = {((r, r + 1), (c, c + 1)) for r in rows for c in columns}
    assert len(inside) > 10
    assert inside <= set(boxes)
    for _ in range(10):
        window.defects_bar.step(1)
    assert window.defects_bar.number == 10


def test_a_window_begins_with_cases_and_leaves_nothing(qtbot: QtBot) -> None:
    before = set(QApplication.topLevelWidgets())
    window = MainWindow()
    window.show_view("cases")
    window.show()
    qtbot.waitExposed(window)
    assert not any(dock.isVisible() for dock in window.docks.values())
    window.show_view("image")
    assert window.docks["tiling"].isVisible()
    window.open(())
    window.close()
    assert not window.jobs.running()
    window.deleteLater()
    QTest.qWait(10)
    left = {one for one in QApplication.topLevelWidgets() if one.isVisible()}
    assert not left - before


def test_docks_are_hidden_beside_cases_and_come_back(window: MainWindow) -> None:
    docks, actions = window.docks, window.registry.actions

    def title(name: str) -> str:
        option = QStyleOptionDockWidget()
        docks[name].initStyleOption(option)
        return str(option.title)

    # A dock in a tab has no second title.
    assert (title("tiling"), title("images")) == ("", "Images")
    right = actions["right_docks"]
    docks["display"].close()
    right.trigger()
    assert not docks["tiling"].isVisible()
    assert docks["images"].isVisible()
    window.show_view("cases")
    window.show_view("image")
    assert not right.isChecked()
    right.trigger()
    assert docks["tiling"].isVisible()
    assert not docks["display"].isVisible()
    docks["map"].close()
    assert title("tiling") == "Tiling"
    actions["dock_images"].trigger()
    window.show_view("cases")
    assert not any(dock.isVisible() for dock in docks.values())
    actions["form"].trigger()
    assert window.canvas.isVisible()
    assert docks["tiling"].isVisible()
    assert not docks["images"].isVisible()
    docks["tiling"].close()
    assert not right.isChecked()
    assert not actions["dock_tiling"].isChecked()
    actions["form"].trigger()
    assert docks["tiling"].isVisible()
    assert actions["dock_tiling"].isChecked()
    assert window.form.tile.width_field.hasFocus()


@pytest.mark.qt_log_ignore("does not support")
def test_the_menu_of_the_canvas_copies_and_leads_to_the_tile(
    sample: MainWindow,
) -> None:
    point = sample.canvas.viewport().rect().center()
    row, column = map(int, sample.canvas.place(QPointF(point)))
    sample.canvas.customContextMenuRequested.emit(point)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    entries = {action.text().partition(":")[0]: action for action in menu.actions()}
    entries["Copy value"].trigger()
    (value,) = shown_image(sample).value(row, column) or ()
    assert QApplication.clipboard().text() == f"{value:g}"
    entries["Copy position"].trigger()
    assert QApplication.clipboard().text() == f"{row}, {column}"
    assert sample.registry.actions["show_in_folder"] in menu.actions()
    tile = next(name for name in entries if name.startswith("Show tile"))
    entries[tile].trigger()
    assert sample.sheet.is_single
    assert sample.sheet.isVisible()
    menu.close()
    texts = [action.text() for action in sample.readout.menu(-9.0, 2.0).actions()]
    assert not [text for text in texts if ":" in text]
