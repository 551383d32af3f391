"""The window driven as people drive it: without a screen, in CI on an X server too.

``REFTILER_SHOTS`` names a folder that keeps what was seen.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from reftiler.io import read_image
from reftiler_gui.main_window import MainWindow
from tests.gui.windows import (
    LEFT,
    open_paths,
    settled,
    turn,
    type_into,
    wait_until,
    write_case,
)

VIEWS = ("image", "compare", "sheet", "merged", "advice", "cases")


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Return the folder that keeps what was seen."""
    kept = Path(os.environ.get("REFTILER_SHOTS") or tmp_path)
    kept.mkdir(parents=True, exist_ok=True)
    return kept


def shoot(window: MainWindow, shots: Path, name: str) -> None:
    """Keep a picture of the window, which must show something."""
    QApplication.processEvents()
    path = shots / f"{QGuiApplication.platformName()}-{name}.png"
    assert window.grab().save(str(path))
    assert len(np.unique(read_image(path))) > 50


def show(window: MainWindow, name: str) -> None:
    """Click the tab of a view."""
    tabs = window.tabs.tabBar()
    place = tabs.tabRect(list(window.views).index(name)).center()
    QTest.mouseClick(tabs, LEFT, pos=place)
    settled(window)
    assert window.views[name].isVisible()


def test_it_is_the_platform_that_was_asked_for(window: MainWindow) -> None:
    asked = os.environ["QT_QPA_PLATFORM"].partition(":")[0]
    assert QGuiApplication.platformName() == asked


@pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") != "xcb",
    reason="needs an X server: .ci/run has one",
)
def test_the_x_server_shows_what_the_window_paints(sample: MainWindow) -> None:
    form, painted = QImage.Format.Format_RGB32, sample.canvas.picture()

    def same() -> bool:
        seen = sample.screen().grabWindow(sample.canvas.viewport().winId()).toImage()
        return bool(seen.convertToFormat(form) == painted.convertToFormat(form))

    wait_until(same)


def test_every_view_is_seen(sample: MainWindow, shots: Path, tmp_path: Path) -> None:
    open_paths(sample, write_case(tmp_path))
    assert sample.views["cases"].isVisible()
    for scheme in ("dark", "light"):
        sample.registry.actions[f"theme_{scheme}"].trigger()
        for name in VIEWS:
            show(sample, name)
            shoot(sample, shots, f"{name}-{scheme}")
    sample.registry.actions["theme_system"].trigger()


def test_a_wheel_and_a_drag_go_where_the_hand_goes(
    sample: MainWindow, shots: Path
) -> None:
    canvas, point, port = sample.canvas, QPointF(300, 200), sample.canvas.viewport()
    near = pytest.approx(canvas.place(point), abs=1)
    turn(port, point, 5)
    assert sample.state.zoom >= 3
    assert canvas.place(point) == near
    QTest.mousePress(port, LEFT, pos=point.toPoint())
    QTest.mouseMove(port, QPoint(360, 260))
    QTest.mouseRelease(port, LEFT, pos=QPoint(360, 260))
    assert canvas.place(QPointF(360, 260)) == near
    shoot(sample, shots, "zoomed")
    QTest.keyClick(canvas, Qt.Key.Key_F)
    assert sample.state.fitted


def test_a_ring_that_is_clicked_is_compared(sample: MainWindow, shots: Path) -> None:
    canvas, bar = sample.canvas, sample.defects_bar
    (top, bottom), (left, right) = bar.defects.regions[1].box
    transform, ratio = canvas.transform(), canvas.viewport().devicePixelRatioF()
    x, y = transform.x((left + right) / 2), transform.y((top + bottom) / 2)
    place = QPoint(round(x / ratio), round(y / ratio))
    QTest.mouseClick(canvas.viewport(), LEFT, pos=place)
    assert bar.number == 1
    show(sample, "compare")
    assert "53% of its contrast" in bar.words.text()
    shoot(sample, shots, "ring")


def test_a_setting_is_typed_undone_and_refused(sample: MainWindow, shots: Path) -> None:
    field, undo = sample.form.tile.height_field, sample.registry.actions["undo"]
    type_into(field, "128")
    settled(sample)
    assert sample.viewer.settings.tile == (128, 128)
    assert sample.summary.text().startswith("Tiles: 225  (15 × 15)")
    type_into(field, "20")
    words = sample.form.refusables["step"].words
    assert words.isVisible()
    assert "overlap" in words.text()
    assert len(sample.canvas.tiling or ()) == 225
    shoot(sample, shots, "refused")
    while undo.isEnabled():
        undo.trigger()
    assert sample.viewer.settings.tile == (256, 256)
    assert not words.isVisible()
