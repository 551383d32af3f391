"""The window driven as people drive it: without a screen, in CI on an X server too.

``REFTILER_SHOTS`` names a folder that keeps what was seen.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from reftiler.io import read_image
from reftiler.tilesets.manifest import Manifest
from reftiler_gui.main_window import MainWindow
from tests.gui.windows import settled, turn, write_case

LEFT = Qt.MouseButton.LeftButton
VIEWS = ("image", "compare", "sheet", "merged", "advice", "cases")

Shoot = Callable[[str], None]


@pytest.fixture
def take_screenshot(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> Shoot:
    """Return what keeps a picture of the window, which must show something."""
    kept = Path(os.environ.get("REFTILER_SHOTS") or tmp_path)
    kept.mkdir(parents=True, exist_ok=True)

    def taken(name: str) -> None:
        QApplication.processEvents()
        path = kept / f"{QGuiApplication.platformName()}-{name}.png"
        assert window.grab().save(str(path))
        assert len(np.unique(read_image(path))) > 50

    return taken


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow) -> MainWindow:
    window.registry.actions["sample"].trigger()
    settled(qtbot, window)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


def show(qtbot: QtBot, window: MainWindow, name: str) -> None:
    """Click the tab of a view."""
    tabs = window.tabs.tabBar()
    place = tabs.tabRect(list(window.views).index(name)).center()
    QTest.mouseClick(tabs, LEFT, pos=place)
    settled(qtbot, window)
    assert window.views[name].isVisible()


def test_it_is_the_platform_that_was_asked_for(window: MainWindow) -> None:
    asked = os.environ["QT_QPA_PLATFORM"].partition(":")[0]
    assert QGuiApplication.platformName() == asked


@pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") != "xcb",
    reason="needs an X server: .ci/run has one",
)
def test_the_x_server_shows_what_the_window_paints(
    qtbot: QtBot, opened: MainWindow
) -> None:
    painted = opened.canvas.picture()

    def same() -> bool:
        seen = opened.screen().grabWindow(opened.canvas.viewport().winId())
        return _alike(seen.toImage(), painted)

    qtbot.waitUntil(same)


def _alike(one: QImage, other: QImage) -> bool:
    form = QImage.Format.Format_RGB32
    return one.convertToFormat(form) == other.convertToFormat(form)


def test_every_view_is_seen(
    qtbot: QtBot, opened: MainWindow, take_screenshot: Shoot, tmp_path: Path
) -> None:
    opened.open([write_case(tmp_path)])
    settled(qtbot, opened)
    assert opened.views["cases"].isVisible()
    for scheme in ("dark", "light"):
        opened.registry.actions[f"theme_{scheme}"].trigger()
        for name in VIEWS:
            show(qtbot, opened, name)
            take_screenshot(f"{name}-{scheme}")
    opened.registry.actions["theme_system"].trigger()


def test_a_wheel_and_a_drag_go_where_the_hand_goes(
    qtbot: QtBot, opened: MainWindow, take_screenshot: Shoot
) -> None:
    canvas, point = opened.canvas, QPointF(300, 200)
    before = canvas.place(point)
    turn(canvas, point.x(), point.y(), 5)
    assert opened.state.zoom >= 3
    near = pytest.approx(before, abs=1)
    assert canvas.place(point) == near
    port = canvas.viewport()
    QTest.mousePress(port, LEFT, pos=point.toPoint())
    QTest.mouseMove(port, QPoint(360, 260))
    QTest.mouseRelease(port, LEFT, pos=QPoint(360, 260))
    assert canvas.place(QPointF(360, 260)) == near
    take_screenshot("zoomed")
    QTest.keyClick(canvas, Qt.Key.Key_F)
    assert opened.state.fitted


def test_a_ring_that_is_clicked_is_compared(
    qtbot: QtBot, opened: MainWindow, take_screenshot: Shoot
) -> None:
    canvas = opened.canvas
    (top, bottom), (left, right) = opened.defects_bar.defects.regions[1].box
    transform, ratio = canvas.transform(), canvas.viewport().devicePixelRatioF()
    x, y = (
        transform.x((left + right) / 2) / ratio,
        transform.y((top + bottom) / 2) / ratio,
    )
    QTest.mouseClick(canvas.viewport(), LEFT, pos=QPoint(round(x), round(y)))
    assert opened.defects_bar.number == 1
    show(qtbot, opened, "compare")
    assert "53% of its contrast" in opened.defects_bar.words.text()
    take_screenshot("ring")


def test_a_setting_is_typed_undone_and_refused(
    qtbot: QtBot, opened: MainWindow, take_screenshot: Shoot
) -> None:
    field = opened.form.tile.height_field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "128")
    QTest.keyClick(field, Qt.Key.Key_Tab)
    settled(qtbot, opened)
    assert opened.viewer.settings.tile == (128, 128)
    assert opened.summary.text().startswith("Tiles: 225  (15 × 15)")
    field.selectAll()
    QTest.keyClicks(field, "20")
    QTest.keyClick(field, Qt.Key.Key_Tab)
    words = opened.form.refusables["step"].words
    assert words.isVisible()
    assert "overlap" in words.text()
    assert len(opened.canvas.tiling or ()) == 225
    take_screenshot("refused")
    while opened.registry.actions["undo"].isEnabled():
        opened.registry.actions["undo"].trigger()
    assert opened.viewer.settings.tile == (256, 256)
    assert not words.isVisible()


def test_what_is_dropped_is_opened(
    qtbot: QtBot, window: MainWindow, folder: Path, take_screenshot: Shoot
) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    action, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(500, 300), action, data, LEFT, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(500, 300), action, data, LEFT, none)
    QApplication.sendEvent(window, drop)
    settled(qtbot, window)
    assert [item.name for item in window.viewer.image_set.items] == ["a", "b", "c"]
    take_screenshot("dropped")


def test_tiles_pictures_and_reports_are_written(
    qtbot: QtBot, opened: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiles, seen = tmp_path / "tiles", tmp_path / "seen.png"
    out = tmp_path / "r.html"
    answers = iter([(str(tiles), ""), (str(seen), ""), (str(out), "")])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: next(answers))
    for name in ("export", "save_picture", "report"):
        opened.registry.actions[name].trigger()
        settled(qtbot, opened)
    assert Manifest.read(tiles).images[0].grid.shape == (5, 5)
    assert read_image(seen).shape[2] == 3
    assert "In tile 6" in out.read_text("utf-8")
