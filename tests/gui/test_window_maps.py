"""Anomaly maps in the window: opened, laid over the image, and held to its mask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler_gui.main_window import MainWindow
from reftiler_gui.map_panel import MapPanel
from tests.gui.windows import (
    LEFT,
    activate,
    drag,
    drop,
    go,
    known,
    names_of,
    open_paths,
    settle,
    settled,
    trigger,
    wait_until,
    write_pair,
)

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


@pytest.fixture
def opened(window: MainWindow, images: Path, maps: Path) -> MainWindow:
    """Return a window with images and maps, and the panel of maps in front."""
    open_paths(window, images, maps=[maps])
    known(window.maps.map)
    window.docks["map"].raise_()
    return window


def rings(window: MainWindow) -> list[str]:
    """Return what stands beside the rings."""
    return [mark.words for mark in window.canvas.marks(window.canvas.transform())]


def test_a_map_lies_over_its_image_and_says_what_is_hit(opened: MainWindow) -> None:
    activate(opened)
    opened.canvas.setFocus()
    for modifier in ("NoModifier", "ShiftModifier"):
        key = Qt.Key.Key_V, getattr(Qt.KeyboardModifier, modifier)
        before = opened.canvas.picture()
        QTest.keyClick(opened.canvas, *key)
        assert opened.canvas.picture() != before
        QTest.keyClick(opened.canvas, *key)
        assert opened.canvas.picture() == before
    opened.canvas.point_at(11.5, 21.5)
    assert "map 0.8" in opened.status.place.text()
    texts = [action.text() for action in opened.readout.menu(0, 0).actions()]
    assert "Copy value of the map: 0" in texts
    go(opened, 2)
    assert opened.maps.map is None
    opened.canvas.point_at(11.5, 21.5)
    assert "map" not in opened.status.place.text()
    whole = opened.maps.range
    assert whole[1] == pytest.approx(0.8)
    for index, peak in ((0, 0.8), (1, 0.1)):
        go(opened, index)
        assert opened.maps.range == whole
        for threshold in (0.05, 0.5, 0.9):
            opened.maps.change(threshold=threshold)
            hit = "hit" if peak >= threshold else "missed"
            assert [mark.split(",")[0] for mark in rings(opened)] == [hit]
    go(opened, 2)  # whose defect is at the same place, and which has no map
    assert [mark.split(",")[0] in ("hit", "missed") for mark in rings(opened)] == [
        False
    ]
    go(opened, 1)
    wait_until(lambda: opened.maps.found is not None)
    assert opened.maps.found == (0, 0)
    opened.maps.set_whole_set(False)
    assert opened.maps.range[1] <= 0.5


def test_maps_are_opened_by_menu(
    window: MainWindow, images: Path, maps: Path, answer: Callable[..., None]
) -> None:
    open_paths(window, images)
    panel = window.map_panel
    window.docks["map"].raise_()
    wait_until(panel.buttons.isVisible)
    assert not panel.controls.isVisible()
    go(window, 2)  # whose name is another
    answer(maps / "a.npy")
    trigger(window, "open_map")
    assert window.maps.mapped == 1
    known(window.maps.map)
    answer(maps)
    trigger(window, "open_maps")
    assert window.maps.mapped == 3
    trigger(window, "reload_all")
    assert window.maps.mapped == 2  # what was chosen by hand is no name
    go(window, 0)
    wait_until(panel.controls.isVisible)
    go(window, 2)
    wait_until(panel.buttons.isVisible)
    assert "2 images" in panel.note.text()
    window.viewer.close()
    assert panel.note.text() == "No image is open."


def test_dropped_maps_are_no_images(
    window: MainWindow, images: Path, maps: Path
) -> None:
    open_paths(window, images)
    drop(window, maps)
    wait_until(lambda: window.maps.map is not None)
    assert len(names_of(window)) == 3
    assert window.maps.mapped == 2


def test_an_image_that_is_a_map_leaves_the_list_and_the_others_as_they_are(
    window: MainWindow, tmp_path: Path
) -> None:
    for name in "abc":
        np.save(tmp_path / f"{name}.npy", NOISE)
    open_paths(window, tmp_path)
    go(window, 2)
    window.display.gamma.setValue(2)
    window.viewer.open_maps([tmp_path / "b.npy"], this=True)
    window.viewer.go(0)
    wait_until(lambda: names_of(window) == ["a", "c"])
    settled(window)
    assert (window.viewer.index, window.viewer.display.gamma) == (0, 1)
    go(window, 1)
    known(window.maps.map)
    assert window.viewer.display.gamma == 2


def test_maps_of_images_that_have_changed_are_not_dropped_in_silence(
    window: MainWindow, images: Path, maps: Path
) -> None:
    open_paths(window, images)
    notices: list[str] = []
    window.viewer.noticed.connect(notices.append)
    window.viewer.open_maps([maps])
    window.viewer.open_masks([images / "a.png"])
    settled(window)
    assert window.maps.map is None
    assert any("maps" in notice for notice in notices)


def test_a_map_that_is_none_changes_or_vanishes_costs_the_map_alone(
    window: MainWindow, images: Path, maps: Path
) -> None:
    path, found, said = maps / "a.npy", window.maps, list[str]()
    np.save(path, np.zeros((SIDE, SIDE, 3)))
    window.viewer.noticed.connect(said.append)
    open_paths(window, images, maps=[maps])
    wait_until(lambda: bool(found.problem))
    assert "one number a pixel" in found.problem
    wait_until(lambda: any("leaves out 1 map" in words for words in said))
    assert window.canvas.source is not None
    np.save(path, np.full((SIDE, SIDE), np.nan))
    window.viewer.reload()
    settled(window)
    assert known(found.map).unknown == SIDE * SIDE
    window.canvas.picture()
    np.save(path, np.full((SIDE, SIDE), 7, dtype=np.float32))
    wait_until(lambda: bool(found.map and found.map.high == 7))
    path.unlink()
    wait_until(lambda: bool(found.problem))
    assert found.map is None
    assert window.canvas.source is not None


def test_the_threshold_is_set_and_all_images_are_scored(
    opened: MainWindow, images: Path
) -> None:
    panel = opened.map_panel
    wait_until(panel.histogram.isVisible)
    wait_until(lambda: opened.maps.scores is not None)
    low, high = opened.maps.range

    def shown() -> tuple[Any, str, list[str]]:
        return opened.maps.settings.threshold, panel.cells[0][0].text(), rings(opened)

    width, y = panel.histogram.width(), panel.histogram.height() // 2
    drag(panel.histogram, *(QPoint(round(x * width), y) for x in (0.2, 0.99)))
    assert shown()[0] == pytest.approx(low + 0.99 * (high - low), abs=0.01)
    picture = opened.canvas.picture()
    assert shown()[1:] == ("1 of 1", ["hit, 3 × 2 px"])
    QTest.keyClick(panel.slider, Qt.Key.Key_Home)
    assert shown()[0] == low
    assert opened.canvas.picture() != picture
    panel.threshold.setValue(0.9)
    assert shown() == (pytest.approx(0.9), "0 of 1", ["missed, 3 × 2 px"])
    QTest.mouseClick(panel.catch, LEFT)
    assert shown() == (np.float32(0.8), "1 of 1", ["hit, 3 × 2 px"])
    wait_until(lambda: panel.cells[1][0].text() == "0.000%")
    assert panel.cells[4][0].text() == "1.0000"
    panel, maps = opened.map_panel, opened.maps
    wait_until(panel.score_all.isVisible)
    QTest.mouseClick(panel.score_all, LEFT)
    assert opened.jobs.running("Scoring all maps")
    opened.registry.actions["cancel"].trigger()
    assert not opened.jobs.running("Scoring all maps")
    assert maps.set_scores is None
    QTest.mouseClick(panel.score_all, LEFT)
    wait_until(lambda: maps.set_scores is not None)
    panel.threshold.setValue(0.5)
    assert panel.cells[0][1].text() == "1 of 2"
    assert "c (it has no map)" in panel.left_out.text()
    opened.viewer.open_masks([images / "a_mask.png", images / "b_mask.png"])
    wait_until(lambda: maps.set_scores is None)  # of another mask


def test_colours_opacity_and_range_are_chosen_and_kept(
    qtbot: QtBot, opened: MainWindow
) -> None:
    panel = opened.map_panel
    wait_until(panel.colormap.isVisible)
    go(opened, 1)
    pictures = [opened.canvas.picture()]
    for widget, key in (
        (panel.colormap, Qt.Key.Key_Down),
        (panel.opacity, Qt.Key.Key_Right),
        (panel.span, Qt.Key.Key_Down),
    ):
        QTest.keyClick(widget, key)
        pictures.append(opened.canvas.picture())
        assert pictures[-1] != pictures[-2], widget.accessibleName()
    opened.close()
    again = MainWindow(opened.preferences)
    qtbot.addWidget(again)
    for window in (opened, again):
        kept = window.maps.settings
        assert (kept.colormap, kept.opacity) == ("magma", 0.61)
        assert not window.maps.whole_set
    again.maps.choices = "[1, 2]"  # of another version
    assert again.maps.settings == kept
    again.close()


def test_one_of_several_maps_is_chosen(
    window: MainWindow, images: Path, maps: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "other" / "a.npy", np.full((SIDE, SIDE), 3.0))
    open_paths(window, images, maps=[maps, tmp_path / "other"])
    panel: MapPanel = window.map_panel
    window.docks["map"].raise_()
    wait_until(panel.which.isVisible)
    QTest.keyClick(panel.which, Qt.Key.Key_Down)
    wait_until(lambda: bool(window.maps.map and window.maps.map.high == 3))
    assert panel.which.currentText() == "other/a.npy"
    go(window, 1)
    known(window.maps.map)
    assert not panel.which.isVisible()


def test_odd_values_are_shown(opened: MainWindow, maps: Path) -> None:
    for values in ODD.values():
        np.save(maps / "a.npy", values)
        opened.viewer.reload()
        settled(opened)
        for threshold in (-1e9, 0.5, 1e9):
            opened.maps.change(threshold=threshold)
            opened.grab()
        wait_until(lambda: opened.maps.found is not None)
        settle(opened.jobs)
        known(opened.maps.scores)
