"""What settings hold against what they cost, to click."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QToolTip, QWidget

from reftiler_gui.advice_axes import AdviceAxes
from reftiler_gui.model.advice import Candidate
from reftiler_gui.model.advice_texts import named, part
from reftiler_gui.model.colors import COLORS
from reftiler_gui.model.form_settings import FormSettings

__all__ = ["AdvicePlot"]

_REACH = 14  # the screen's pixels from a point at which it is hit
_CENTER = Qt.AlignmentFlag.AlignCenter


class AdvicePlot(QWidget):
    """
    Candidates: the pixels a model must look at, and the defects held whole.

    Attributes
    ----------
    selected : FormSettings or None
        The candidate that is chosen.
    """

    chosen = Signal(object)
    """The settings of the point that was clicked."""
    taken = Signal(object)
    """The same, double-clicked: take them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Plot of defects held whole against pixels of tiles")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(300, 170)
        self.selected: FormSettings | None = None
        self.current: FormSettings | None = None
        self._rows: tuple[Candidate, ...] = ()
        self._defects = 0

    def show_rows(self, rows: Sequence[Candidate], defects: int) -> None:
        """Show what is known now, of so many defects."""
        self._rows = tuple(row for row in rows if not row.refused and row.work)
        self._defects = defects
        self.update()

    def select(self, settings: FormSettings | None) -> None:
        """Ring a candidate."""
        self.selected = settings
        self.update()

    def set_current(self, settings: FormSettings) -> None:
        """Mark the settings that are in force."""
        self.current = settings
        self.update()

    def axes(self) -> AdviceAxes:
        """Return where points are."""
        return AdviceAxes.of(self._rows, self._defects, QRectF(self.rect()))

    def at(self, point: QPointF) -> Candidate | None:
        """Return the candidate whose point is nearest, if it is near."""
        hits = []
        for number, row in enumerate(self._rows if self._defects else ()):
            off = self.axes().place(row) - point
            far = math.hypot(off.x(), off.y())
            if far <= _REACH:
                hits.append((far, not row.front, number))
        return self._rows[min(hits)[2]] if hits else None

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for room."""
        return QSize(520, 420)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint axes, points and the names of those that matter."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(self.rect(), self.palette().base())
            if self._rows and self._defects:
                self.axes().paint(painter, self.palette().text().color())
                self._points(painter)
            else:
                painter.setPen(self.palette().text().color())
                painter.drawText(self.rect(), _CENTER, "No defect is known yet.")
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(self.palette().highlight().color(), 2))
                painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Choose the point that is clicked."""
        row = self.at(event.position())
        if row is not None:
            self._choose(row)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take the point that is clicked twice."""
        row = self.at(event.position())
        if row is not None:
            self.taken.emit(row.settings)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Show a hand over points."""
        there = self.at(event.position()) is not None
        shape = Qt.CursorShape.PointingHandCursor if there else None
        self.setCursor(shape or Qt.CursorShape.ArrowCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Choose the next point by cost; Enter takes it."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.selected is not None:
            self.taken.emit(self.selected)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._rows:
            self._step(1 if key == Qt.Key.Key_Right else -1)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Say what a point is when the mouse rests on it."""
        if isinstance(event, QHelpEvent):
            row = self.at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self._told(row) if row else "", self)
            return True
        return super().event(event)

    def _choose(self, row: Candidate) -> None:
        self.select(row.settings)
        self.chosen.emit(row.settings)

    def _step(self, by: int) -> None:
        rows = sorted(self._rows, key=lambda row: (row.work, row.whole))
        places = [n for n, row in enumerate(rows) if row.settings == self.selected]
        place = min(max(places[0] + by, 0), len(rows) - 1) if places else 0
        self._choose(rows[place])

    def _told(self, row: Candidate) -> str:
        size, shared = named(row.settings)
        return (
            f"{size}, shared: {shared}\n{part(row.whole, self._defects)} of the "
            f"defects whole\n{row.tiles:,} tiles, {row.work:.2f} × the pixels"
        )

    def _points(self, painter: QPainter) -> None:
        """Paint the points, those that no other beats last and filled."""
        axes = self.axes()
        ink, blue = self.palette().text().color(), QColor(*COLORS["blue"])
        names = [_around(axes.place(row), _side(row)) for row in self._rows]
        for row in sorted(self._rows, key=lambda row: row.front):
            place, side = axes.place(row), _side(row)
            pale = QColor(ink)
            pale.setAlpha(150)
            painter.setPen(QPen(QColor("white") if row.front else pale, 1.2))
            none = QBrush(Qt.BrushStyle.NoBrush)
            painter.setBrush(QBrush(blue) if row.front else none)
            painter.drawEllipse(place, side, side)
            self._ring(painter, row, place, side)
        matter = sorted(self._rows, key=self._rank)
        painter.setPen(ink)
        told = set()
        for row in matter:
            alike = (row.whole, row.work, row.settings.tile)
            known = row.settings in (self.selected, self.current)
            if known or (row.front and alike not in told):
                told.add(alike)
                self._name(painter, row, names)

    def _ring(
        self, painter: QPainter, row: Candidate, place: QPointF, side: float
    ) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if row.settings == self.current:
            painter.setPen(QPen(QColor(*COLORS["orange"]), 2.5))
            painter.drawEllipse(place, side + 3, side + 3)
        if row.settings == self.selected:
            painter.setPen(QPen(self.palette().highlight().color(), 2.5))
            painter.drawEllipse(place, side + 6, side + 6)

    def _rank(self, row: Candidate) -> tuple[bool, bool, int]:
        """Return what is named first, should there be no room for all."""
        known = row.settings == self.selected, row.settings == self.current
        return (not known[0], not known[1], -row.whole)

    def _name(self, painter: QPainter, row: Candidate, taken: list[QRectF]) -> None:
        """Write what a point is where nothing else stands."""
        size, shared = named(row.settings)
        words = size.split(" × ")[0] if len(set(size.split(" × "))) == 1 else size
        words = f"{words} / {shared}" + (" now" * (row.settings == self.current))
        width = painter.fontMetrics().horizontalAdvance(words) + 4
        place, side = self.axes().place(row), _side(row) + 8
        for x, y in (
            (place.x() - width / 2, place.y() + side),
            (place.x() - width / 2, place.y() - side - 16),
            (place.x() + side, place.y() - 8),
            (place.x() - side - width, place.y() - 8),
            (place.x() - width / 2, place.y() + side + 18),
            (place.x() - width / 2, place.y() + side + 36),
        ):
            box = QRectF(x, y, width, 16)
            free = not any(box.intersects(other) for other in taken)
            if free and self.axes().box.adjusted(-12, -6, 16, 0).contains(box):
                taken.append(box)
                painter.drawText(box, _CENTER, words)
                return


def _around(place: QPointF, side: float) -> QRectF:
    return QRectF(place.x() - side, place.y() - side, 2 * side, 2 * side)


def _side(row: Candidate) -> float:
    """Return a point's radius: larger tiles are larger."""
    return 4 + math.sqrt(min(row.settings.tile)) / 6
