"""What goes into a report, and where it is written."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from reftiler_gui.model.mock_models import WORDS, MockModel

__all__ = ["ReportDialog"]

_SUFFIXES = (".html", ".htm")


class ReportDialog(QDialog):
    """
    Asks for a file.

    Parameters
    ----------
    path : Path
        The file that is proposed.
    stand_in : MockModel
        The model whose merged tiles can be in the report too.
    """

    def __init__(
        self, path: Path, stand_in: MockModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._stand_in = stand_in
        self.setWindowTitle("Export a report")
        self.setMinimumWidth(520)
        self.field = QLineEdit(str(path))
        self.field.setAccessibleName("File of the report")
        self.browse = QPushButton("&Browse…")
        self.merged = QCheckBox("&Merged image and its difference from the original")
        self.merged.setToolTip(f"Of a model that {WORDS[stand_in.name]}")
        self.overwrite = QCheckBox("&Replace the file that is there")
        self.trouble = QLabel()
        self.trouble.setTextFormat(Qt.TextFormat.PlainText)
        self.trouble.setObjectName("warning")
        self.trouble.setWordWrap(True)
        kinds = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kinds.Save | kinds.Cancel)
        self._lay_out()
        self.browse.clicked.connect(self._ask)
        self.field.textChanged.connect(self._check)
        self.overwrite.toggled.connect(self._check)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._check()

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.field.text().strip()).expanduser()

    @property
    def stand_in(self) -> MockModel | None:
        """The model whose merged tiles are wanted, if they are."""
        return self._stand_in if self.merged.isChecked() else None

    def _lay_out(self) -> None:
        words = QLabel(
            "One page with the settings, the numbers of the tiling, its grid and what "
            "is left of each defect. It needs no other file, and can be printed."
        )
        words.setWordWrap(True)
        label = QLabel("&File")
        label.setBuddy(self.field)
        row = QHBoxLayout()
        for part in (label, self.field, self.browse):
            row.addWidget(part)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(words)
        column.addLayout(row)
        for line in (self.merged, self.overwrite, self.trouble):
            column.addWidget(line)
        column.addStretch(1)
        column.addWidget(self.buttons)

    def _ask(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, "Export a report", str(self.path), "Pages (*.html)"
        )
        if path:  # that dialog has asked whether to replace it
            self.field.setText(path)
            self.overwrite.setChecked(self.path.exists())

    def _check(self) -> None:
        """Say what is wrong with the file before anything is done."""
        words = self._wrong()
        self.overwrite.setEnabled(self.path.is_file())
        self.trouble.setText(words)
        save = self.buttons.button(QDialogButtonBox.StandardButton.Save)
        save.setEnabled(not words)

    def _wrong(self) -> str:
        path = self.path
        if path.suffix.lower() not in _SUFFIXES:
            return "The report is a page: its name ends with .html."
        if not path.parent.is_dir():
            return f"There is no folder {path.parent}."
        if path.is_dir():
            return f"{path} is a folder."
        if path.exists() and not self.overwrite.isChecked():
            return "This file is there already."
        return ""
