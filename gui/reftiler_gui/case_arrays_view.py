"""The arrays of a failure side by side, a plane at a time, with linked zoom."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, qGray
from PySide6.QtWidgets import QLabel, QWidget

from reftiler.errors import TilingError
from reftiler_gui.camera import Camera
from reftiler_gui.fields import named, slider
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.layouts import hbox, vbox
from reftiler_gui.model.cases import Failure, PlaneStack
from reftiler_gui.model.display import DisplaySettings, risen
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.picture import DifferencePyramid, Picture
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.overlays import Marker
from reftiler_gui.panes import PLAIN, SplitPane

__all__ = ["CaseArraysView", "PixelValueOverlay"]

RESULTS = {"got": "Got", "want": "Want", "difference": "Got − want"}
INPUTS = {"image": "Image", "tiles": "Tiles", "mask": "Mask"}

_CLOSE = 24  # the zoom, at the least, at the first difference
_ROOM = 44  # the screen's pixels for one of the image from which there is room
_BRIGHT = 135  # the grey from which writing is black
_SIZE = 12  # the height of the writing, in the screen's pixels


class PixelValueOverlay(ImageCanvas):
    """A canvas for small arrays."""

    def __init__(self, state: Camera) -> None:
        super().__init__(state)
        self._values: NDArray[Any] | None = None
        self._picture: Picture | None = None

    def write(self, picture: Picture | None, values: NDArray[Any] | None) -> None:
        """Show a picture and what its pixels are."""
        self._picture, self._values = picture, values
        self.present(picture)

    def paint_over(self, painter: QPainter, transform: ScreenTransform) -> None:
        """Write the numbers that can be seen."""
        ratio = self.viewport().devicePixelRatioF()
        if (
            self._values is None
            or self._picture is None
            or transform.zoom < _ROOM * ratio
        ):
            return
        height, width = self._values.shape
        rows = np.unique(transform.rows.clip(0, height - 1)).tolist()
        columns = np.unique(transform.cols.clip(0, width - 1)).tolist()
        pixels = self._picture.whole()
        font = painter.font()
        font.setPixelSize(round(_SIZE * ratio))
        painter.setFont(font)
        for row in rows:
            for column in columns:
                color = QColor(int(pixels[row, column]))
                bright = qGray(color.rgb()) > _BRIGHT
                painter.setPen(QColor("black" if bright else "white"))
                corner = transform.x(column), transform.y(row)
                box = QRectF(*corner, transform.zoom, transform.zoom)
                words = spelled(self._values[row, column])
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)


def spelled(value: Any) -> str:
    """Write a number in at most six digits."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return f"{float(value):.6g}".replace("-", "−")


class CaseArraysView(QWidget):
    """Up to three arrays."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Camera()  # their place and zoom
        self._canvases = [PixelValueOverlay(self.state) for _ in range(3)]
        self.panes = [SplitPane(canvas) for canvas in self._canvases]
        self.plane = slider("Plane of the arrays", 0, 0)
        self.label, self.value = QLabel(), named(QLabel(), "Values under the cursor")
        self._shown: dict[str, PlaneStack] = {}
        self._first: tuple[int, int, int] | None = None
        self._lay_out()
        self.plane.valueChanged.connect(self._paint)
        for pane in self.panes:
            pane.canvas.hovered.connect(self._hover)

    def show_failure(self, failure: Failure | None, *, inputs: bool) -> None:
        """Show what was got and wanted, or with ``inputs`` what was given."""
        arrays = failure.arrays if failure else {}
        # What has no results, or such as are no arrays, has its inputs all the same.
        names = INPUTS if inputs or not RESULTS.keys() & arrays.keys() else RESULTS
        self._shown = {name: arrays[name] for name in names if name in arrays}
        self._first, got = None, self._shown.get("got")
        if failure is not None and failure.first is not None and got is not None:
            self._first = got.place(failure.first)
        planes = max((len(one.stack) for one in self._shown.values()), default=0)
        self.plane.setRange(0, max(0, planes - 1))
        for part in (self.plane, self.label):
            part.setVisible(planes > 1)
        for pane in self.panes:
            pane.hide()
        for pane, (name, one) in zip(self.panes, self._shown.items(), strict=False):
            shape = " × ".join(map(str, one.shape)) or "one number"
            pane.caption(f"{names[name]}: {shape}, {one.dtype}")
            pane.show()
        self.value.clear()
        self.state.fitted = True
        self.setVisible(bool(self._shown))
        self._paint()

    def go_first(self) -> None:
        """Show the first item that differs."""
        if self._first is None:
            return
        plane, row, column = self._first
        self.plane.setValue(plane)
        if not self.state.fitted or self.state.zoom < _CLOSE:
            self.state.go_to_pixel(row, column, _CLOSE)

    def _paint(self) -> None:
        """Show the plane that is chosen."""
        number, names = self.plane.value(), list(self._shown)
        marks = []
        if self._first is not None and self._first[0] == number:
            marks = [Marker.at(*self._first[1:])]
        for canvas, name in zip(self._canvases, names, strict=False):
            planes = self._shown[name]
            there, picture = number < len(planes.stack), None
            canvas.message = "" if there else "This array has fewer planes."
            try:
                picture = self._picture(name, number) if there else None
            except (ArithmeticError, TilingError, TypeError, ValueError) as error:
                canvas.message = f"This plane cannot be shown: {error}"
            canvas.write(picture, planes.stack[number] if picture else None)
            canvas.set_marks(marks)
        if names:
            first = self._shown[names[0]]
            place = first.label(number) if number < len(first.stack) else ""
            self.label.setText(f"Plane {place} of {self.plane.maximum() + 1}")

    def _picture(self, name: str, number: int) -> Picture:
        planes = self._shown[name]
        low, high = planes.range
        plane = planes.stack[number]
        if name == "difference":
            return DifferencePyramid(plane, max(-low, high, 0.0))
        if name in ("got", "want"):  # equal values have equal colours
            both = [self._shown[n].range for n in ("got", "want") if n in self._shown]
            low, high = min(b[0] for b in both), max(b[1] for b in both)
        if plane.dtype == bool:
            return ImagePyramid(plane)
        return ImagePyramid(plane, DisplaySettings(*risen(low, high)))

    def _hover(self, row: float, column: float) -> None:
        """Say what the arrays have under the cursor."""
        number, place = self.plane.value(), (int(row // 1), int(column // 1))
        words = []
        for name, planes in self._shown.items():
            height, width = planes.stack.shape[1:]
            inside = 0 <= place[0] < height and 0 <= place[1] < width
            if inside and number < len(planes.stack):
                value = planes.stack[number][place]
                words.append(f"{name} {spelled(value)}")
        where = f"Row {place[0]}, column {place[1]}: "
        self.value.setText(where + ", ".join(words) if words else "")

    def _lay_out(self) -> None:
        self.plane.setPageStep(1)
        self.plane.setMaximumWidth(300)
        for pane in self.panes:
            pane.canvas.set_layers(PLAIN)
            pane.canvas.setMinimumSize(80, 48)  # of which there are three
        pictures = hbox(*((pane, 1) for pane in self.panes))
        foot = hbox(self.label, self.plane, (self.value, 1))
        self.setLayout(vbox((pictures, 1), foot, margin=0))
