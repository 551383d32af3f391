"""The table of failed checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from reftiler_gui.model.cases import Failure

__all__ = ["CasesTable"]

_COLUMNS = ("clause", "check", "level", "device", "status", "words")
_TITLES = ("Clause", "Check", "Level", "Device", "Result", "What is wrong")
_Index = QModelIndex
_ROOT = QModelIndex()


class CasesTable(QAbstractTableModel):
    """Failures as rows."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.failures: tuple[Failure, ...] = ()

    def show_failures(self, failures: Sequence[Failure]) -> None:
        """Show others."""
        self.beginResetModel()
        self.failures = tuple(failures)
        self.endResetModel()

    def rowCount(self, parent: Any = _ROOT) -> int:  # noqa: N802 - Qt's name
        """Return how many there are."""
        return 0 if parent.isValid() else len(self.failures)

    def columnCount(self, parent: Any = _ROOT) -> int:  # noqa: N802 - Qt's name
        """Return how much is told of each."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell says."""
        shown = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
        if not index.isValid() or role not in shown:
            return None
        words = getattr(self.failures[index.row()], _COLUMNS[index.column()])
        return words.replace("_", " ") if _COLUMNS[index.column()] == "check" else words

    def headerData(  # noqa: N802 - Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return a column's title."""
        if role == Qt.ItemDataRole.DisplayRole:
            if orientation == Qt.Orientation.Horizontal:
                return _TITLES[section]
            return section + 1
        return None
