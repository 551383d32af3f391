"""How large the defects are, in bars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from reftiler_gui.model.colors import COLORS

__all__ = ["DefectSizeHistogram"]

_CENTER = Qt.AlignmentFlag.AlignCenter


class DefectSizeHistogram(QWidget):
    """How many defects there are of each size, in steps that double."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: list[tuple[str, int]] = []
        self.setMinimumHeight(98)

    def show_sizes(self, sizes: NDArray[np.int64]) -> None:
        """Count heights and widths, shape (n, 2), by the longer of the two."""
        longer = sizes.max(axis=1) if len(sizes) else np.zeros(0, np.int64)
        steps = np.floor(np.log2(np.maximum(longer, 1))).astype(int)
        counts = np.bincount(steps) if len(steps) else np.zeros(0, int)
        first = int(steps.min()) if len(steps) else 0
        self._counts = [
            (f"{2**n}-{2 ** (n + 1) - 1}" if n else "1", int(counts[n]))
            for n in range(first, len(counts))
        ]
        told = ", ".join(f"{count} of {name} px" for name, count in self._counts)
        self.setAccessibleName(f"Sizes of the defects: {told or 'none'}")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for room."""
        return QSize(280, 106)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint a bar for each step."""
        if not self._counts:
            return
        most = max(count for _, count in self._counts)
        wide = min(84.0, self.width() / len(self._counts))
        line = self.fontMetrics().height()
        room = self.height() - 3 * line - 4
        with QPainter(self) as painter:
            for n, (name, count) in enumerate(self._counts):
                high = max(2.0 * bool(count), room * count / most)
                bar = QRectF(n * wide + 4, line + room - high, wide - 8, high)
                painter.fillRect(bar, QColor(*COLORS["orange"]))
                above = QRectF(n * wide, line + room - high - line, wide, line)
                painter.drawText(above, _CENTER, f"{count:,}")
                below = QRectF(n * wide, line + room + 2, wide, line)
                painter.drawText(below, _CENTER, name)
            whole = QRectF(0, self.height() - line, wide * len(self._counts), line)
            painter.drawText(whole, _CENTER, "length of the defects in px")
