"""The main window: open, walk through, point, click, close."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QStyleOptionDockWidget
from pytestqt.qtbot import QtBot

from reftiler.io import write_image
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings
from tests.gui.windows import settled, write_pair


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(9, 9), action, data, button, none))


def shown(window: MainWindow) -> str:
    """Return the name of the image that is shown."""
    return window.viewer.loaded.item.name if window.viewer.loaded else ""


def test_without_paths_the_sample_explains_itself(sample: MainWindow) -> None:
    assert "2 defects ringed" in sample.message.text()
    assert sample.summary.text().startswith("Tiles: 25  (5 × 5)")
    assert "16% of its contrast" in sample.defects_bar.words.text()


def test_a_folder_is_walked_through_and_the_place_kept(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    window.open([folder])
    settled(qtbot, window)
    assert len(window.image_list.rows.rows) == 3
    window.state.go(10, 20, 8)
    window.registry.actions["next"].trigger()
    settled(qtbot, window)
    assert window.viewer.index == 1
    assert (window.state.row, window.state.col, window.state.zoom) == (10, 20, 8)
    window.registry.actions["lock"].setChecked(False)
    window.registry.actions["next"].trigger()
    settled(qtbot, window)
    assert window.state.fitted


def test_drops_are_opened_and_remembered(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    drop(window, folder / "b.png")
    settled(qtbot, window)
    assert shown(window) == "b"
    assert window.preferences.recent == (str(folder / "b.png"),)


@pytest.mark.parametrize("name", ["b_label.png", "labels/b.png", "labels/b_gt.png"])
def test_a_mask_that_is_dropped_is_that_of_the_image(
    qtbot: QtBot, window: MainWindow, folder: Path, tmp_path: Path, name: str
) -> None:
    window.open([folder / "b.png"])
    settled(qtbot, window)
    other = tmp_path / "other" / name
    other.parent.mkdir(parents=True)
    write_image(other, np.eye(64, dtype=bool))
    drop(window, other)
    settled(qtbot, window)
    loaded = window.viewer.loaded
    assert loaded is not None
    assert (loaded.item.name, loaded.item.masks) == ("b", (other,))
    assert np.array_equal(loaded.mask.array, np.eye(64))  # type: ignore[union-attr]
    drop(window, folder / "a.png")  # called as no mask: another image
    qtbot.waitUntil(lambda: shown(window) == "a")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"hello"])
def test_a_bad_file_is_a_sentence_and_the_next_one_opens(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    window.open([tmp_path / "bad.png"])
    settled(qtbot, window)
    assert "bad.png" in window.message.text()
    assert window.canvas.source is None
    window.open([write_pair(tmp_path, "good")])
    qtbot.waitUntil(lambda: window.canvas.source is not None)


def test_an_empty_folder_leaves_what_is_open(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    window.open([folder])
    settled(qtbot, window)
    (folder / "none").mkdir()
    window.open([folder / "none"])
    qtbot.waitUntil(lambda: "none" in window.status.currentMessage())
    assert len(window.image_list.rows.rows) == 3


def test_the_status_bar_shows_what_is_under_the_cursor(sample: MainWindow) -> None:
    sample.canvas.point_at(330.5, 410.5)
    words = sample.status.place.text()
    for part in (
        "row 330, column 410",
        "marked",
        "tile 6 (row 1, column 1) and 1 more",
        "2 tiles",
    ):
        assert part in words
    sample.canvas.point_at(-1, 5)
    assert "outside" in sample.status.place.text()


def test_what_is_shown_of_the_cursor_follows_image_and_tiles(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    write_image(folder / "b.png", np.full((64, 64), 7, np.uint8))
    window.open([folder])
    settled(qtbot, window)
    window.state.go(32, 32, 4)
    window.canvas.point_at(30.5, 40.5)
    assert "value 7 " not in window.status.place.text()
    window.registry.actions["next"].trigger()
    settled(qtbot, window)
    assert "row 30, column 40   ·   value 7 " in window.status.place.text()
    window.viewer.change(FormSettings(tile=(16, 16), step=(16, 16)))
    assert "tile 6 (row 1, column 2)" in window.status.place.text()
    window.canvas.left.emit()
    assert "row" not in window.status.place.text()


def test_what_is_shown_of_a_resting_cursor_follows_the_place(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    ramp = (np.arange(600 * 700) % 65521).astype(np.uint16).reshape(600, 700)
    write_image(tmp_path / "a.png", ramp)
    write_image(tmp_path / "b.png", ramp[:500, 9:650])
    window.open([tmp_path])
    settled(qtbot, window)
    place = window.canvas.viewport().rect().center() + QPoint(20, 10)
    qtbot.mouseMove(window.canvas.viewport(), place)
    for action in ("larger", "larger", "next", "larger", "fit", "previous"):
        window.registry.actions[action].trigger()
        settled(qtbot, window)
        row, col = map(int, window.canvas.place(QPointF(place)))
        image = window.viewer.loaded.image  # type: ignore[union-attr]
        value = image.value(row, col)  # type: ignore[union-attr]
        words = f"row {row}, column {col}   ·   value {value[0]:g} "  # type: ignore[index]
        assert words in window.status.place.text(), action
    window.show_view("sheet")
    assert "row" not in window.status.place.text()


def test_many_defects_are_ringed_where_they_are_seen(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    mask = np.zeros((1500, 1500), dtype=bool)
    mask[3::6, 3::6] = True
    mask[1201:1204, 1201:1204] = True
    write_image(tmp_path / "a.png", mask.astype(np.uint8))
    write_image(tmp_path / "a_mask.png", mask)
    window.open([tmp_path])
    settled(qtbot, window)
    canvas = window.canvas
    assert len(window.defects_bar.defects) > 60_000
    few = canvas.marks(canvas.transform())
    assert 50 < len(few) < 2000
    assert ((1201, 1204), (1201, 1204)) in [mark.box for mark in few]
    canvas.state.go(900, 900, 16)
    boxes = [mark.box for mark in canvas.marks(canvas.transform())]
    assert boxes[-1] == ((3, 4), (3, 4))  # the chosen one, which is elsewhere
    (top, left), (bottom, right) = (
        canvas.place(QPointF(*corner))
        for corner in ((0, 0), canvas.viewport().size().toTuple())
    )
    inside = [
        ((row, row + 1), (col, col + 1))
        for row in range(3, 1500, 6)
        for col in range(3, 1500, 6)
        if top <= row < bottom and left <= col < right
    ]
    assert len(inside) > 10
    assert set(inside) <= set(boxes)
    begin = time.perf_counter()
    for _ in range(10):
        window.defects_bar.step(1)
    assert time.perf_counter() - begin < 1
    assert window.defects_bar.number == 10


def test_a_click_on_a_ring_goes_to_the_defect(sample: MainWindow) -> None:
    sample.canvas.clicked.emit(643.0, 803.0)
    assert sample.defects_bar.number == 1
    assert (sample.state.row, sample.state.col) == (642.5, 802.5)
    sample.canvas.clicked.emit(100.0, 100.0)
    assert sample.canvas.tile == 0


def test_nothing_is_left_when_it_is_closed(qtbot: QtBot) -> None:
    before = set(QApplication.topLevelWidgets())
    window = MainWindow()
    window.open(())
    window.show()
    window.close()
    assert not window.jobs.running()
    window.deleteLater()
    qtbot.wait(10)
    left = {one for one in QApplication.topLevelWidgets() if one.isVisible()}
    assert not left - before


def test_a_window_that_begins_with_cases_has_no_docks(qtbot: QtBot) -> None:
    window = MainWindow()
    qtbot.addWidget(window)
    window.show_view("cases")
    window.show()
    qtbot.waitExposed(window)
    assert not any(dock.isVisible() for dock in window.docks.values())
    window.show_view("image")
    assert window.docks["tiling"].isVisible()
    window.close()


def test_a_dock_in_a_tab_has_no_second_title(window: MainWindow) -> None:
    def title(name: str) -> str:
        option = QStyleOptionDockWidget()
        window.docks[name].initStyleOption(option)
        return str(option.title)

    assert (title("tiling"), title("images")) == ("", "Images")
    for name in ("display", "map"):
        window.registry.actions[f"dock_{name}"].trigger()
    assert title("tiling") == "Tiling"


def test_docks_are_hidden_beside_cases_and_come_back(window: MainWindow) -> None:
    window.registry.actions["dock_images"].trigger()
    window.show_view("cases")
    assert not any(dock.isVisible() for dock in window.docks.values())
    window.registry.actions["form"].trigger()
    assert window.canvas.isVisible()
    assert window.docks["tiling"].isVisible()
    assert not window.docks["images"].isVisible()


def test_the_zoom_field_shows_and_takes_a_zoom(
    qtbot: QtBot, sample: MainWindow
) -> None:
    field, state = sample.toolbar.zoom, sample.state
    line = field.findChildren(QLineEdit)[0]
    fitted = state.zoom
    sample.registry.actions["larger"].trigger()
    assert field.currentText() == f"{100 * state.zoom:.0f} %"
    for typed, zoom in (("33", 0.33), ("250 %", 2.5), ("nonsense", 2.5)):
        field.setFocus()
        line.selectAll()
        qtbot.keyClicks(line, typed)
        qtbot.keyClick(line, Qt.Key.Key_Return)
        assert state.zoom == pytest.approx(zoom)
        assert field.currentText() == f"{100 * zoom:.0f} %"
    field.textActivated.emit("Fit")
    assert state.zoom == fitted
    sample.show_view("advice")
    assert not field.isEnabled()


@pytest.mark.qt_log_ignore("does not support")
def test_the_menu_of_the_canvas_copies_and_leads_to_the_tile(
    sample: MainWindow,
) -> None:
    loaded = sample.viewer.loaded
    assert loaded is not None
    assert loaded.image is not None
    point = sample.canvas.viewport().rect().center()
    row, column = map(int, sample.canvas.place(QPointF(point)))
    sample.canvas.customContextMenuRequested.emit(point)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    entries = {action.text().partition(":")[0]: action for action in menu.actions()}
    entries["Copy value"].trigger()
    (value,) = loaded.image.value(row, column) or ()
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


def test_the_panels_of_a_side_are_collapsed_and_come_back(window: MainWindow) -> None:
    docks = window.docks
    right = window.registry.actions["right_docks"]
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
    for name in ("map", "tiling"):
        docks[name].close()
    assert not right.isChecked()


def test_the_canvas_keeps_its_size_from_view_to_view(
    qtbot: QtBot, sample: MainWindow
) -> None:
    height = sample.defects_bar.height()
    for name in ("compare", "merged", "sheet", "image"):
        sample.show_view(name)
        qtbot.wait(50)
        assert sample.defects_bar.height() == height, name


def test_fit_is_on_once_the_sheet_shows_a_canvas(
    qtbot: QtBot, sample: MainWindow
) -> None:
    sample.show_view("sheet")
    fit = sample.registry.actions["fit"]
    qtbot.waitUntil(lambda: not fit.isEnabled())
    sample.sheet.open_tile(3)
    qtbot.waitUntil(fit.isEnabled)
    assert sample.toolbar.zoom.isEnabled()
