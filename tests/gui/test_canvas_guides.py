"""Scale bar, ruler and minimap, with mouse and keys."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from reftiler_gui.main_window import MainWindow
from reftiler_gui.overlays import length_words
from tests.gui.windows import drag, known, open_paths

IMAGE = np.random.default_rng(0).integers(0, 256, (900, 1200), np.uint8)


@pytest.fixture
def calibrated(window: MainWindow, tmp_path: Path) -> MainWindow:
    """Show an image with pixels of 0.5 × 0.25 µm."""
    per = 1e4 / 0.5
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, IMAGE, resolution=(per, 2 * per), resolutionunit="CENTIMETER"
    )
    open_paths(window, path)
    return window


def test_a_drag_measures_until_escape(calibrated: MainWindow) -> None:
    window, canvas = calibrated, calibrated.canvas
    window.state.go(450, 600, 2)
    place = window.state.row, window.state.col
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    assert window.registry.actions["ruler"].isChecked()
    drag(window.canvas.viewport(), QPoint(100, 100), QPoint(180, 160))
    ruler = known(canvas.ruler)
    (top, left), (bottom, right) = ruler.start, ruler.stop
    assert (right - left, bottom - top) == (40, 30)
    assert (window.state.row, window.state.col) == place
    words = ruler.words(canvas.pixel_size)
    assert words.startswith("40 × 30 px, 50.0 px long")
    assert "20 µm × 7.5 µm, 21.36 µm long" in words
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.ruler is None
    drag(window.canvas.viewport(), QPoint(100, 100), QPoint(180, 160))
    assert canvas.ruler is None
    assert (window.state.row, window.state.col) != place


def test_an_image_of_another_size_has_no_ruler(calibrated: MainWindow) -> None:
    calibrated.registry.actions["ruler"].trigger()
    drag(calibrated.canvas.viewport(), QPoint(100, 100), QPoint(180, 160))
    known(calibrated.canvas.ruler)
    open_paths(calibrated)
    assert calibrated.canvas.ruler is None
    assert calibrated.canvas.pixel_size is None


def test_the_minimap_moves_the_view(calibrated: MainWindow) -> None:
    window, canvas = calibrated, calibrated.canvas
    minimap = known(canvas.minimap)
    assert minimap.box(canvas.transform(), 1.0) is None  # all is in view
    window.state.go(100, 100, 4)
    box = known(minimap.box(canvas.transform(), 1.0))
    drag(window.canvas.viewport(), box.center().toPoint(), box.bottomRight().toPoint())
    assert window.state.row == pytest.approx(900, abs=10)
    assert window.state.col == pytest.approx(1200, abs=10)
    window.registry.actions["minimap"].trigger()
    before = window.state.row
    drag(window.canvas.viewport(), box.center().toPoint(), box.center().toPoint())
    assert window.state.row == before


def test_lengths_have_the_unit_that_people_use() -> None:
    lengths = [length_words(length) for length in (0.25, 12.5, 4200, 3e6)]
    assert lengths == ["250 nm", "12.5 µm", "4.2 mm", "3 m"]
