"""Anomaly maps in the window: opened, laid over the image, and held to its mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from reftiler_gui.main_window import MainWindow
from tests.gui.windows import drag, settled, write_pair

SIDE = 64
NOISE = np.random.default_rng(0).random((SIDE, SIDE))
RAMP = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
ODD: dict[str, np.ndarray[Any]] = {
    "zero": np.full((SIDE, SIDE), 0.0),
    "infinite": np.full((SIDE, SIDE), np.inf),
    "huge": (RAMP / RAMP.max() * 2 - 1) * 1e308,
    "neighbours": np.nextafter(np.ones((SIDE, SIDE)), np.eye(SIDE)),
    "tiny": RAMP / RAMP.max() * 1e-310,
    "uint64": RAMP.astype(np.uint64) << np.uint64(50),
    "bool": NOISE < 0.5,
    "half": NOISE.astype(np.float16),
    "big endian": NOISE.astype(">f4"),
}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return a folder of three images, each with a defect at rows 10, columns 20."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a", "b", "c"):
        write_pair(folder, name)
    return folder


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """Return a folder of maps of two of them; one hits at 0.8, one misses."""
    folder = tmp_path / "maps"
    folder.mkdir()
    for name, peak in (("a", 0.8), ("b", 0.1)):
        values = np.random.default_rng(0).random((SIDE, SIDE), np.float32) / 2
        values[10:12, 20:23] = peak
        values[0, 0] = 0
        np.save(folder / f"{name}.npy", values)
    return folder


def opened(qtbot: QtBot, window: MainWindow, images: Path, *maps: Path) -> None:
    window.open([images], maps)
    settled(qtbot, window)
    qtbot.waitUntil(lambda: not window.jobs.running() and window.maps.map is not None)


def rings(window: MainWindow) -> list[str]:
    """Return what stands beside the rings."""
    return [mark.words for mark in window.canvas.marks(window.canvas.transform())]


def test_a_map_lies_over_its_image(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path
) -> None:
    opened(qtbot, window, images, maps)
    window.activateWindow()
    window.canvas.setFocus()
    qtbot.waitUntil(window.isActiveWindow)
    for key, modifier in (
        (Qt.Key.Key_V, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_V, Qt.KeyboardModifier.ShiftModifier),
    ):
        before = window.canvas.picture()
        qtbot.keyClick(window.canvas, key, modifier)
        assert window.canvas.picture() != before
        qtbot.keyClick(window.canvas, key, modifier)
        assert window.canvas.picture() == before
    found = window.maps.map
    assert found is not None
    window.canvas.point_at(11.5, 21.5)
    assert "map 0.8" in window.status.place.text()
    texts = [action.text() for action in window.readout.menu(0, 0).actions()]
    assert "Copy value of the map: 0" in texts
    window.viewer.go(2)
    settled(qtbot, window)
    assert window.maps.map is None
    window.canvas.point_at(11.5, 21.5)
    assert "map" not in window.status.place.text()


def test_defects_are_hit_or_missed_at_the_threshold(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path
) -> None:
    opened(qtbot, window, images, maps)
    for index, peak in ((0, 0.8), (1, 0.1)):
        window.viewer.go(index)
        qtbot.waitUntil(lambda: not window.jobs.running())
        for threshold in (0.05, 0.5, 0.9):
            window.maps.change(threshold=threshold)
            assert [mark.split(",")[0] for mark in rings(window)] == [
                "hit" if peak >= threshold else "missed"
            ]
    qtbot.waitUntil(lambda: window.maps.found is not None)
    assert window.maps.found == (0, 0)


def test_one_range_for_the_set_or_each_its_own(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path
) -> None:
    opened(qtbot, window, images, maps)
    whole = window.maps.range
    assert whole[1] == pytest.approx(0.8)
    window.viewer.go(1)
    qtbot.waitUntil(lambda: not window.jobs.running())
    assert window.maps.range == whole
    window.maps.set_whole_set(False)
    assert window.maps.range[1] <= 0.5


def test_maps_are_opened_by_menu(
    qtbot: QtBot,
    window: MainWindow,
    images: Path,
    maps: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window.open([images])
    settled(qtbot, window)
    path = str(maps / "a.npy")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (path, ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(maps))
    window.viewer.go(2)  # whose name is another
    settled(qtbot, window)
    window.registry.actions["open_map"].trigger()
    qtbot.waitUntil(lambda: window.maps.map is not None)
    assert window.maps.mapped == 1
    window.registry.actions["open_maps"].trigger()
    qtbot.waitUntil(lambda: window.maps.mapped == 3)
    settled(qtbot, window)
    window.registry.actions["reload_all"].trigger()
    settled(qtbot, window)
    assert window.maps.mapped == 2  # what was chosen by hand is no name


def test_dropped_maps_are_no_images(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path
) -> None:
    window.open([images])
    settled(qtbot, window)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(maps))])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    window.dropEvent(QDropEvent(QPointF(9, 9), copy, data, left, none))
    qtbot.waitUntil(lambda: window.maps.map is not None)
    assert len(window.viewer.image_set.items) == 3
    assert window.maps.mapped == 2


def test_an_image_that_is_a_map_leaves_the_list_and_the_others_as_they_are(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    for name in "abc":
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).random((64, 64)))
    window.open([tmp_path])
    settled(qtbot, window)
    window.viewer.go(2)
    settled(qtbot, window)
    window.display.gamma.setValue(2)
    window.viewer.open_maps([tmp_path / "b.npy"], this=True)
    window.viewer.go(0)
    qtbot.waitUntil(lambda: len(window.viewer.image_set.items) == 2)
    settled(qtbot, window)
    assert [item.name for item in window.viewer.image_set.items] == ["a", "c"]
    assert (window.viewer.index, window.viewer.display.gamma) == (0, 1)
    window.viewer.go(1)
    qtbot.waitUntil(lambda: window.maps.map is not None)
    settled(qtbot, window)
    assert window.viewer.display.gamma == 2


def test_maps_of_images_that_have_changed_are_not_dropped_in_silence(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path
) -> None:
    window.open([images])
    settled(qtbot, window)
    notices: list[str] = []
    window.viewer.noticed.connect(notices.append)
    window.viewer.open_maps([maps])
    window.viewer.open_masks([images / "a.png"])
    settled(qtbot, window)
    assert window.maps.map is None
    assert any("maps" in notice for notice in notices)


def test_a_map_that_is_none_costs_the_map_alone(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path
) -> None:
    np.save(maps / "a.npy", np.zeros((SIDE, SIDE, 3)))
    said: list[str] = []
    window.viewer.noticed.connect(said.append)
    window.open([images], [maps])
    settled(qtbot, window)
    qtbot.waitUntil(lambda: bool(window.maps.problem))
    assert "one number a pixel" in window.maps.problem
    qtbot.waitUntil(lambda: any("leaves out 1 map" in words for words in said))
    assert window.canvas.source is not None
    np.save(maps / "a.npy", np.full((SIDE, SIDE), np.nan))
    window.viewer.reload()
    qtbot.waitUntil(lambda: window.maps.map is not None and not window.jobs.running())
    found = window.maps.map
    assert found is not None
    assert found.unknown == SIDE * SIDE
    window.canvas.picture()


def test_a_map_that_changes_or_vanishes(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path
) -> None:
    opened(qtbot, window, images, maps)
    np.save(maps / "a.npy", np.full((SIDE, SIDE), 7, dtype=np.float32))
    qtbot.waitUntil(lambda: bool(window.maps.map and window.maps.map.high == 7))
    (maps / "a.npy").unlink()
    qtbot.waitUntil(lambda: bool(window.maps.problem))
    assert window.maps.map is None
    assert window.canvas.source is not None


def test_the_threshold_is_set_by_line_slider_and_field(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path
) -> None:
    opened(qtbot, window, images, maps)
    panel = window.map_panel
    window.docks["map"].raise_()
    qtbot.waitUntil(panel.histogram.isVisible)
    qtbot.waitUntil(lambda: window.maps.scores is not None)
    low, high = window.maps.range

    def shown() -> tuple[Any, str, list[str]]:
        return window.maps.settings.threshold, panel.cells[0][0].text(), rings(window)

    width, y = panel.histogram.width(), panel.histogram.height() // 2
    drag(panel.histogram, *(QPoint(round(x * width), y) for x in (0.2, 0.99)))
    assert shown()[0] == pytest.approx(low + 0.99 * (high - low), abs=0.01)
    picture = window.canvas.picture()
    assert shown()[1:] == ("1 of 1", ["hit, 3 × 2 px"])
    qtbot.keyClick(panel.slider, Qt.Key.Key_Home)
    assert shown()[0] == low
    assert window.canvas.picture() != picture
    panel.threshold.setValue(0.9)
    assert shown() == (pytest.approx(0.9), "0 of 1", ["missed, 3 × 2 px"])
    qtbot.mouseClick(panel.catch, Qt.MouseButton.LeftButton)
    assert shown() == (np.float32(0.8), "1 of 1", ["hit, 3 × 2 px"])
    qtbot.waitUntil(lambda: panel.cells[1][0].text() == "0.000%")
    assert panel.cells[4][0].text() == "1.0000"


def test_all_images_are_scored_in_the_background(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path
) -> None:
    opened(qtbot, window, images, maps)
    window.docks["map"].raise_()
    panel = window.map_panel
    qtbot.waitUntil(panel.score_all.isVisible)
    qtbot.mouseClick(panel.score_all, Qt.MouseButton.LeftButton)
    assert window.jobs.running("Scoring all maps")
    window.registry.actions["cancel"].trigger()
    assert not window.jobs.running("Scoring all maps")
    assert window.maps.set_scores is None
    qtbot.mouseClick(panel.score_all, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.maps.set_scores is not None)
    panel.threshold.setValue(0.5)
    assert panel.cells[0][1].text() == "1 of 2"
    assert "c (it has no map)" in panel.left_out.text()
    window.viewer.open_masks([images / "a_mask.png", images / "b_mask.png"])
    qtbot.waitUntil(lambda: window.maps.set_scores is None)  # of another mask


def test_colours_opacity_and_range_are_chosen(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path
) -> None:
    opened(qtbot, window, images, maps)
    panel = window.map_panel
    window.docks["map"].raise_()
    qtbot.waitUntil(panel.colormap.isVisible)
    window.viewer.go(1)
    settled(qtbot, window)
    qtbot.waitUntil(lambda: not window.jobs.running())
    pictures = [window.canvas.picture()]
    for widget, key in (
        (panel.colormap, Qt.Key.Key_Down),
        (panel.opacity, Qt.Key.Key_Right),
        (panel.span, Qt.Key.Key_Down),
    ):
        qtbot.keyClick(widget, key)
        pictures.append(window.canvas.picture())
        assert pictures[-1] != pictures[-2], widget.accessibleName()
    settings = window.maps.settings
    assert (settings.colormap, settings.opacity) == ("magma", 0.61)
    assert not window.maps.whole_set
    window.close()
    again = MainWindow(window.preferences)
    qtbot.addWidget(again)
    kept = again.maps.settings
    assert (kept.colormap, kept.opacity) == ("magma", 0.61)
    assert not again.maps.whole_set
    again.maps.choices = "[1, 2]"  # of another version
    assert again.maps.settings == kept
    again.close()


def test_without_a_map_the_panel_asks_for_one(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path
) -> None:
    window.open([images])
    settled(qtbot, window)
    window.docks["map"].raise_()
    panel = window.map_panel
    qtbot.waitUntil(panel.buttons.isVisible)
    assert not panel.controls.isVisible()
    window.viewer.open_maps([maps])
    qtbot.waitUntil(panel.controls.isVisible)
    window.viewer.go(2)
    qtbot.waitUntil(panel.buttons.isVisible)
    assert "2 images" in panel.note.text()


def test_one_of_several_maps_is_chosen(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "other" / "a.npy", np.full((SIDE, SIDE), 3.0))
    opened(qtbot, window, images, maps, tmp_path / "other")
    panel = window.map_panel
    window.docks["map"].raise_()
    qtbot.waitUntil(panel.which.isVisible)
    qtbot.keyClick(panel.which, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: bool(window.maps.map and window.maps.map.high == 3))
    assert panel.which.currentText() == "other/a.npy"
    window.viewer.go(1)
    settled(qtbot, window)
    qtbot.waitUntil(lambda: window.maps.map is not None)
    assert not panel.which.isVisible()


@pytest.mark.parametrize("values", ODD.values(), ids=ODD)
def test_odd_values_are_shown(
    qtbot: QtBot, window: MainWindow, images: Path, maps: Path, values: np.ndarray[Any]
) -> None:
    np.save(maps / "a.npy", values)
    opened(qtbot, window, images, maps)
    window.docks["map"].raise_()
    for threshold in (-1e9, 0.5, 1e9):
        window.maps.change(threshold=threshold)
        window.grab()
    qtbot.waitUntil(lambda: window.maps.found is not None)
    assert window.maps.scores is not None
    assert window.jobs.running() is False
