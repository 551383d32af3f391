"""The table of settings one may take, with what each does to the defects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from PySide6.QtGui import QFont

from reftiler_gui.model.advice import Candidate
from reftiler_gui.model.advice_texts import named, part, shared
from reftiler_gui.model.form_settings import FormSettings

__all__ = ["SORTED_BY", "AdviceTable"]

TITLES = (
    "Tile",
    "Shared",
    "Whole",
    "Tiles",
    "Work",
    "Resized",
    "Contrast",
)
TIPS = (
    "Height and width of a tile, in pixels",
    "Pixels that neighbouring tiles share",
    "Defects that lie whole in some tile",
    "Tiles of all images",
    "Pixels of all tiles for each pixel of the images",
    "Median side of the defects, were each image resized to one such tile",
    "Median contrast that resizing leaves of them",
)
SORTED_BY = Qt.ItemDataRole.UserRole
"""The role of what a column is sorted by."""

_ROOT = QModelIndex()
_FIRST = 0
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class AdviceTable(QAbstractTableModel):
    """Candidates as rows; those that no other beats in all are in bold."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Candidate, ...] = ()
        self.current: FormSettings | None = None
        self._defects = 0

    def show_rows(self, rows: Sequence[Candidate], defects: int) -> None:
        """Show what is known now, of so many defects."""
        same = [one.settings for one in self.rows] == [one.settings for one in rows]
        if not same:
            self.beginResetModel()
        self.rows, self._defects = tuple(rows), defects
        if same:
            self._changed()
        else:
            self.endResetModel()

    def set_current(self, settings: FormSettings) -> None:
        """Mark the settings that are in force."""
        self.current = settings
        self._changed()

    def rowCount(self, parent: Any = _ROOT) -> int:  # noqa: N802 - Qt's name
        """Return how many there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Any = _ROOT) -> int:  # noqa: N802 - Qt's name
        """Return how much is told of each."""
        return 0 if parent.isValid() else len(TITLES)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell says."""
        if not index.isValid():
            return None
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(row, column)
        if role == SORTED_BY:
            return _numbers(row)[column]
        if role == Qt.ItemDataRole.FontRole:
            font = QFont()
            font.setBold(row.front and self._defects > 0)
            return font
        more = {
            Qt.ItemDataRole.TextAlignmentRole: _RIGHT,
            Qt.ItemDataRole.ToolTipRole: row.refused or f"{row.whole:,} defects whole",
        }
        return more.get(Qt.ItemDataRole(role))

    def headerData(  # noqa: N802 - Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return a column's title, and what it means."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return TITLES[section]
            if role == Qt.ItemDataRole.ToolTipRole:
                return TIPS[section]
        return None

    def _words(self, row: Candidate, column: int) -> str:
        now = "▸ " if row.settings == self.current and column == _FIRST else ""
        size, overlap = named(row.settings)
        sides = row.settings.tile
        size = str(sides[0]) if sides[0] == sides[1] else size
        if row.refused:
            return now + (size, overlap, "refused", "", "", "", "")[column]
        words = (
            size,
            overlap,
            part(row.whole, self._defects),
            f"{row.tiles:,}",
            f"{row.work:.2f} ×",
            "…" if row.resized is None else f"{row.resized:.1f} px",
            "…" if row.contrast is None else f"{100 * row.contrast:.0f}%",
        )
        return now + words[column]

    def _changed(self) -> None:
        if self.rows:
            last = self.index(len(self.rows) - 1, len(TITLES) - 1)
            self.dataChanged.emit(self.index(0, 0), last)


def _numbers(row: Candidate) -> tuple[float, ...]:
    height, width = row.settings.tile
    between = shared(row.settings)
    return (
        float(height * width),
        float(between[0] * between[1]),
        float(row.whole),
        float(row.tiles),
        row.work,
        row.resized or 0.0,
        row.contrast or 0.0,
    )
