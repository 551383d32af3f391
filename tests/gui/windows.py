"""What the tests of the viewer share: inputs, hands and waiting."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from reftiler.io import write_image
from reftiler_conformance import counterexample
from reftiler_conformance.case_run import Evidence
from reftiler_conformance.results import Result, Status
from reftiler_gui.defects_bar import DefectsBar
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.jobs import Jobs
from reftiler_gui.main_window import MainWindow
from reftiler_gui.model.form_settings import FormSettings, ValidationError
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import ImageItem, LoadedImage
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.mock_models import MockModel
from reftiler_gui.pan_zoom_view import Camera
from reftiler_gui.view_base import LazyView
from tests.runs import CASE, report

T = TypeVar("T")
Pixels = NDArray[np.uint8]
LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SIZE = (400, 300)
"""Width and height of a canvas."""
SETTINGS = FormSettings(tile=(64, 64), step=(32, 32))
BOXES = (((40, 44), (100, 103)), ((150, 160), (30, 38)))
"""Rows and columns of the defects of `picture`."""


def known(value: T | None) -> T:
    """Return what must be there."""
    assert value is not None
    return value


def picture(*, masked: bool = True) -> LoadedImage:
    """Return a dark image of 192 × 256 with two bright defects."""
    image = np.random.default_rng(0).integers(40, 60, (192, 256), np.uint8)
    mask = np.zeros(image.shape, dtype=bool)
    for rows, columns in BOXES:
        mask[slice(*rows), slice(*columns)] = True
    image[mask] = 250
    found = MaskPyramid(mask) if masked else None
    return LoadedImage(ImageItem("part"), ImagePyramid(image), found, "")


def grid_of(
    settings: FormSettings = SETTINGS, size: tuple[int, int] = (192, 256)
) -> GridLookup:
    """Return the tiles of an image, that of `picture` at first."""
    found = settings.plan(size)
    assert not isinstance(found, ValidationError), found.words
    return GridLookup(found)


def fill(
    view: LazyView | DefectsBar,
    loaded: LoadedImage,
    settings: FormSettings = SETTINGS,
) -> None:
    view.show_item(loaded)
    view.show_tiling(grid_of(settings), settings)


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
    QTest.mousePress(widget, LEFT, pos=points[0])
    for point in points:
        places = QPointF(point), QPointF(widget.mapToGlobal(point))
        event = QMouseEvent(QMouseEvent.Type.MouseMove, *places, LEFT, LEFT, NO_KEY)
        QApplication.sendEvent(widget, event)
    QTest.mouseRelease(widget, LEFT, pos=points[-1])


def turn(widget: QWidget, place: QPointF, notches: int) -> None:
    """Turn the wheel over a point of a widget."""
    event = QWheelEvent(
        place,
        widget.mapToGlobal(place),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        NO_KEY,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


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


def wait_until(true: Callable[[], object], timeout: float = 20_000) -> None:
    """Let the window work until something is true, for so many milliseconds at most."""
    end = time.monotonic() + timeout / 1000
    while not true():
        assert time.monotonic() < end, "it did not come true"
        QTest.qWait(1)


def settle(jobs: Jobs) -> None:
    """Wait until no job runs, nor one that the last one began."""
    for _ in range(3):
        wait_until(lambda: not jobs.running())
        QTest.qWait(1)


def settled(window: MainWindow) -> None:
    """Wait until the window has an image and no work."""
    wait_until(lambda: window.viewer.loaded is not None)
    settle(window.jobs)


def trigger(window: MainWindow, name: str) -> None:
    """Do what an action does, and wait until it is done."""
    window.registry.actions[name].trigger()
    settled(window)


def open_paths(window: MainWindow, *paths: Path, maps: Iterable[Path] = ()) -> None:
    """Open paths, the sample where there are none, and wait until it is done."""
    window.open(paths, maps)
    settled(window)


def show_view(window: MainWindow, name: str) -> None:
    """Show a view, and wait for what it works out."""
    window.show_view(name)
    settled(window)


def go(window: MainWindow, index: int) -> None:
    """Show an image of those that are open."""
    window.viewer.go(index)
    settled(window)


def change(window: MainWindow, settings: FormSettings) -> None:
    """Change the settings of the form, and wait for what follows from them."""
    window.viewer.change(settings)
    settled(window)


def open_results(window: MainWindow, source: Path | str | MockModel) -> None:
    """Open results of the tiles, or a model, and wait until they are merged."""
    window.open_results(source)
    settled(window)


def drop(window: MainWindow, *paths: Path) -> None:
    """Drop files, as a file manager does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place, copy = QPointF(300, 300), Qt.DropAction.CopyAction
    window.dropEvent(QDropEvent(place, copy, data, LEFT, NO_KEY))


def activate(window: MainWindow) -> None:
    """Let a window have the keys."""
    window.activateWindow()
    wait_until(window.isActiveWindow)


def loaded_item(window: MainWindow) -> LoadedImage:
    """Return what is shown of the image that is chosen."""
    return known(window.viewer.loaded)


def shown_image(window: MainWindow) -> ImagePyramid:
    """Return the image that is shown."""
    return known(loaded_item(window).image)


def names_of(window: MainWindow) -> list[str]:
    """Return the names of the images that are open."""
    return [item.name for item in window.viewer.image_set.items]


def type_into(field: QWidget, text: str) -> None:
    """Replace what a field holds, as by hand, and leave it with Tab."""
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Tab)
