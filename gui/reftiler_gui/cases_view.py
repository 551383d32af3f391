"""Failed checks of the conformance kit: what each asked, what it got and wanted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFontDatabase,
    QGuiApplication,
    QPainter,
    QResizeEvent,
    qGray,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHeaderView,
    QLabel,
    QLineEdit,
    QSplitter,
    QTableWidgetItem,
    QWidget,
)

from reftiler.errors import TilingError
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.jobs import Jobs
from reftiler_gui.layouts import as_widget, hbox, turn, vbox
from reftiler_gui.model.cases import CaseFile, Failure, PlaneStack
from reftiler_gui.model.display import DisplaySettings, risen
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.picture import DifferencePyramid, Picture
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.overlays import Marker
from reftiler_gui.pan_zoom_view import Camera
from reftiler_gui.view_base import PLAIN, LazyView, SplitPane
from reftiler_gui.widgets import (
    button,
    filter_shortcuts,
    message_label,
    named,
    plain_tip,
    slider,
    table_of_rows,
)

RESULTS = {"got": "Got", "want": "Want", "difference": "Got − want"}
INPUTS = {"image": "Image", "tiles": "Tiles", "mask": "Mask"}

_CLOSE = 24  # the zoom, at the least, at the first difference
_ROOM = 44  # the screen's pixels for one of the image from which there is room
_BRIGHT = 135  # the grey from which writing is black
_TEXT = 12  # the height of the writing, in the screen's pixels


class PixelValueOverlay(ImageCanvas):
    """A canvas for small arrays."""

    def __init__(self, state: Camera) -> None:
        super().__init__(state)
        self._values: NDArray[Any] | None = None
        self._picture: Picture | None = None

    def write(self, picture: Picture | None, values: NDArray[Any] | None) -> None:
        self._picture, self._values = picture, values
        self.present(picture)

    def paint_over(self, painter: QPainter, transform: ScreenTransform) -> None:
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
        font.setPixelSize(round(_TEXT * ratio))
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
        if self._first is None:
            return
        plane, row, column = self._first
        self.plane.setValue(plane)
        if not self.state.fitted or self.state.zoom < _CLOSE:
            self.state.go_to_pixel(row, column, _CLOSE)

    def _paint(self) -> None:
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


_READING, _OPENING = "Reading failed cases", "Opening a failed case"
_COLUMNS = {
    "clause": "Clause",
    "check": "Check",
    "level": "Level",
    "device": "Device",
    "status": "Result",
    "words": "What is wrong",
}
_WIDE = 520  # pixels, for the switches beside the words
_NOTHING = (
    "Open a counterexample (.npz), a record (.jsonl) or the folder in which they are: "
    "reftiler conform SUBJECT --out FOLDER writes them."
)


class CasesView(LazyView):
    """What the conformance kit wrote down."""

    of_image = docks = False

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self.failures: list[Failure] = []
        self.failure: Failure | None = None
        self.open_button = button("&Open…", self._ask)
        self.title = message_label("What was read")
        self.table = table_of_rows("Failed checks", list(_COLUMNS.values()))
        self.clause = message_label("Clause")
        self.words = message_label("What is wrong")
        self.planes = CaseArraysView()
        self.inputs = QCheckBox("Show the &inputs")
        self.first = button("First &difference", self.planes.go_first)
        self.replay = named(QLineEdit(readOnly=True), "Command that asks again")
        board = QGuiApplication.clipboard()
        self.copy = button("&Copy", lambda: board.setText(self.replay.text()))
        self.split = QSplitter(Qt.Orientation.Vertical)
        self._switches = hbox((self.words, 1), hbox(self.inputs, self.first))
        self._lay_out()
        self.title.setText(_NOTHING)
        self._show(None)
        self.table.selectionModel().currentRowChanged.connect(self._select)
        self.inputs.toggled.connect(self._repaint)

    def open(self, paths: Sequence[Path]) -> None:
        """Read files; if none can be read, a sentence says so and all else stays."""
        paths = tuple(paths)
        if paths:
            self.title.setText("Reading…")
            self._jobs.start(
                _READING,
                lambda: [CaseFile.open(path) for path in paths],
                self._take,
                self.title.setText,
            )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        turn(self._switches, beside=event.size().width() >= _WIDE)

    def rebuild(self) -> None:
        """Do nothing: what is shown does not depend on the image."""

    def _ask(self) -> None:
        found, _ = QFileDialog.getOpenFileNames(
            self, "Open failed cases", "", "Failed cases (*.npz *.jsonl)"
        )
        self.open([Path(name) for name in found])

    def _take(self, files: list[CaseFile]) -> None:
        failures = [failure for file in files for failure in file.failures]
        words = [file.words or file.title for file in files]
        self.title.setText("\n".join(word for word in words if word))
        if failures or not any(file.words for file in files):
            self.table.setRowCount(0)
            self.failures = failures
            self.table.setRowCount(len(failures))
            for row, failure in enumerate(failures):
                for column, name in enumerate(_COLUMNS):
                    shown = getattr(failure, name)
                    shown = shown.replace("_", " ") if name == "check" else shown
                    cell = QTableWidgetItem(shown)
                    cell.setToolTip(plain_tip(shown))
                    self.table.setItem(row, column, cell)
            self._show(None)
            self.table.setCurrentCell(0, 0)

    def _select(self) -> None:
        row = self.table.currentRow()
        if row >= 0:
            failure = self.failures[row]
            self.words.setText("Opening…")
            self._jobs.start(
                _OPENING,
                failure.open,
                lambda opened: self._show(*opened),
                lambda words: self._show(None, words),
            )

    def _show(self, failure: Failure | None, problem: str = "") -> None:
        self.failure = failure
        self.replay.setText(failure.replay if failure else "")
        self.replay.setCursorPosition(0)
        self.copy.setEnabled(failure is not None and bool(failure.replay))
        self.first.setEnabled(failure is not None and failure.first is not None)
        self.clause.setText(f"{failure.clause}: {failure.text}" if failure else "")
        self.words.setText(problem or (_sentence(failure) if failure else ""))
        self._repaint()

    def _repaint(self) -> None:
        self.planes.show_failure(self.failure, inputs=self.inputs.isChecked())
        self.split.setVisible(bool(self.failures))

    def _lay_out(self) -> None:
        filter_shortcuts(self.table, self.planes.plane)
        self.table.setWordWrap(False)  # tool tips and the words below have all of it
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self.replay.setFont(fixed)
        top = hbox((self.title, 1), self.open_button)
        top.setAlignment(self.open_button, Qt.AlignmentFlag.AlignTop)
        label = QLabel("&Replay")
        label.setBuddy(self.replay)
        foot = hbox(label, self.replay, self.copy)
        planes = (self.planes, 1)
        parts = self.clause, self._switches, planes, None, foot
        detail = vbox(*parts, margin=(0, 4, 0, 0))
        self.split.addWidget(self.table)
        self.split.addWidget(as_widget(detail))
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([150, 600])
        self.split.setChildrenCollapsible(False)
        self.setLayout(vbox(top, (self.split, 1), None))


def _sentence(failure: Failure) -> str:
    words = failure.words.rstrip(".")
    if failure.first is not None and "first" not in words:
        place = ", ".join(map(str, failure.first))
        words += (
            f". The first item that differs is [{place}]: got {failure.got_item}, "
            f"want {failure.want_item}"
        )
    return f"{words}.\n{failure.case}"
