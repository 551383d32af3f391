"""Failed checks of the conformance kit: what each asked, what it got and wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHeaderView,
    QLabel,
    QLineEdit,
    QSplitter,
    QTableWidgetItem,
)

from reftiler_gui.case_arrays_view import CaseArraysView
from reftiler_gui.fields import button, named
from reftiler_gui.jobs import Jobs
from reftiler_gui.labels import message_label, plain_tip
from reftiler_gui.layouts import as_widget, hbox, turn, vbox
from reftiler_gui.model.cases import CaseFile, Failure
from reftiler_gui.view_base import LazyView, filter_shortcuts, table_of_rows

__all__ = ["CasesView"]

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
        self.copy = button("&Copy", self._copy)
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
        """Put the switches beneath the words where there is no room beside them."""
        super().resizeEvent(event)
        turn(self._switches, beside=event.size().width() >= _WIDE)

    def rebuild(self) -> None:
        """Do nothing: what is shown does not depend on the image."""

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.replay.text())

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
        """Show a failure, or that there is none."""
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
    """Return what is wrong, and the first item that differs."""
    words = failure.words.rstrip(".")
    if failure.first is not None and "first" not in words:
        place = ", ".join(map(str, failure.first))
        words += (
            f". The first item that differs is [{place}]: got {failure.got_item}, "
            f"want {failure.want_item}"
        )
    return f"{words}.\n{failure.case}"
