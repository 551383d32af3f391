"""What the tests of windows share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from reftiler.io import write_image
from reftiler_conformance import counterexample
from reftiler_conformance.case_run import Evidence
from reftiler_conformance.results import Result, Status
from reftiler_gui.camera import Camera
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings, ValidationError
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.mask_pyramid import MaskPyramid
from tests.runs import CASE, report

Pixels = NDArray[np.uint8]
SIZE = (400, 300)
"""Width and height of a canvas."""


def tiles(size: tuple[int, int], **settings: Any) -> GridLookup:
    """Return the tiles of an image of this size."""
    found = FormSettings(**settings).plan(size)
    assert not isinstance(found, ValidationError), found.words
    return GridLookup(found)


def canvas_of(
    qtbot: QtBot,
    image: NDArray[Any],
    mask: NDArray[np.bool_] | None = None,
    tiling: GridLookup | None = None,
) -> ImageCanvas:
    """Return a canvas that shows an image."""
    canvas = ImageCanvas(Camera())
    qtbot.addWidget(canvas)
    canvas.setFixedSize(*SIZE)
    canvas.show()
    QApplication.processEvents()
    canvas.present(
        ImagePyramid(image), None if mask is None else MaskPyramid(mask), tiling
    )
    return canvas


def seen(canvas: ImageCanvas) -> Pixels:
    """Return the pixels on the screen, shape (H, W, 3), red first."""
    picture = canvas.picture().convertToFormat(canvas.picture().Format.Format_RGB32)
    flat = np.frombuffer(picture.constBits(), dtype=np.uint8)
    whole = flat.reshape(picture.height(), picture.bytesPerLine() // 4, 4)
    return np.ascontiguousarray(whole[:, : picture.width(), 2::-1])


def drag(widget: QWidget, *points: QPoint) -> None:
    """Drag with the left button from point to point."""
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(widget, left, pos=points[0])
    for point in points:
        places = QPointF(point), QPointF(widget.mapToGlobal(point))
        event = QMouseEvent(QMouseEvent.Type.MouseMove, *places, left, left, none)
        QApplication.sendEvent(widget, event)
    QTest.mouseRelease(widget, left, pos=points[-1])


def turn(canvas: ImageCanvas, x: float, y: float, notches: int) -> None:
    """Turn the wheel over a point of a canvas."""
    place = QPointF(x, y)
    event = QWheelEvent(
        place,
        QPointF(canvas.viewport().mapToGlobal(place.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas.viewport(), event)


def write_pair(folder: Path, name: str, side: int = 64) -> Path:
    """Write an image with a mask that marks 2 × 3 pixels."""
    image = np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8)
    mask = np.zeros((side, side), dtype=bool)
    mask[10:12, 20:23] = True
    write_image(folder / f"{name}.png", image)
    write_image(folder / f"{name}_mask.png", mask)
    return folder / f"{name}.png"


def write_case(folder: Path) -> Path:
    """Write a counterexample of two planes, in which one pixel is wrong."""
    want = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    result = Result("MERGE-001", "mean", "MUST", "cpu", Status.FAILED, "wrong", CASE)
    evidence = Evidence(got=want + (want == 7), want=want, image=want)
    whole = Result(**{**vars(result), "evidence": evidence})
    return counterexample.write(whole, report(), folder)


def settled(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until the window has an image and no work."""
    qtbot.waitUntil(
        lambda: window.viewer.loaded is not None and not window.jobs.running(),
        timeout=10_000,
    )
    QApplication.processEvents()
