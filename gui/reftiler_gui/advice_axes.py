"""The axes of the advice plot: cost to the right, defects held upwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from reftiler_gui.model.advice import Candidate

__all__ = ["AdviceAxes"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 20, 34, 46
_MOST = 103.0  # percent, so that what holds all is not at the edge
_COSTS = (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_ROOMY = 480  # the width from which there is room for all words
_CENTER = Qt.AlignmentFlag.AlignCenter
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class AdviceAxes:
    """
    From candidates to places of a widget.

    Attributes
    ----------
    low, high : float
        The costs that the axis reaches; it is logarithmic.
    least : float
        The percentage at which the other begins.
    defects : int
        How many there are.
    whole : QRectF
        The widget.
    """

    low: float
    high: float
    least: float
    defects: int
    whole: QRectF

    @classmethod
    def of(cls, rows: Sequence[Candidate], defects: int, whole: QRectF) -> AdviceAxes:
        """Return axes on which all candidates have a place."""
        work = [row.work for row in rows] or [1.0]
        held = [100 * row.whole / max(1, defects) for row in rows] or [0.0]
        least = max(0.0, math.floor((min(held) - 3) / 10) * 10.0)
        return cls(
            min(work) * 0.9, max(work) * 1.12, min(least, 90.0), max(1, defects), whole
        )

    @property
    def box(self) -> QRectF:
        """Where points may be."""
        return self.whole.adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)

    def place(self, row: Candidate) -> QPointF:
        """Return where a candidate's point is."""
        return QPointF(self._x(row.work), self._y(100 * row.whole / self.defects))

    def paint(self, painter: QPainter, ink: QColor) -> None:
        """Paint lines, numbers and what they mean."""
        box, faint = self.box, QColor(ink)
        faint.setAlpha(40)
        for percent in range(int(self.least), 101, 10 if self.least >= 40 else 20):
            y = self._y(percent)
            painter.setPen(faint)
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            painter.setPen(ink)
            words = QRectF(0, y - 10, _LEFT - 8, 20)
            painter.drawText(
                words, Qt.AlignmentFlag.AlignRight | _MIDDLE, f"{percent}%"
            )
        for cost in _COSTS:
            if self.low <= cost <= self.high:
                x = self._x(cost)
                painter.setPen(faint)
                painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
                painter.setPen(ink)
                words = QRectF(x - 30, box.bottom() + 2, 60, 18)
                painter.drawText(words, _CENTER, f"{cost:g} ×")
        below = QRectF(0, box.bottom() + 20, self.whole.width() - 8, 20)
        painter.drawText(
            below, _CENTER, "pixels of all tiles for each pixel of the images"
        )
        title = QRectF(10, 6, self.whole.width() - 20, 20)
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        painter.drawText(title, left | _MIDDLE, "defects that lie whole in some tile")
        if self.whole.width() > _ROOMY:
            painter.drawText(title, right | _MIDDLE, "filled: no other beats it in all")

    def _x(self, cost: float) -> float:
        share = math.log(cost / self.low) / math.log(self.high / self.low)
        return self.box.left() + share * self.box.width()

    def _y(self, percent: float) -> float:
        share = (percent - self.least) / (_MOST - self.least)
        return self.box.bottom() - share * self.box.height()
