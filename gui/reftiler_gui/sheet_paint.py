"""One tile of the contact sheet, and what surrounds it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPalette, QPen

from reftiler_gui.model.palette import COLORS

__all__ = ["Cell"]

_LINE, _LETTERS = 15, 11  # the screen's pixels of a line of words


@dataclass(frozen=True)
class Cell:
    """
    A tile as it is painted.

    Attributes
    ----------
    rect : QRect
        Where, room for words included if there are any.
    picture : QImage
        The tile, in the finest pixels of the screen.
    words : str
        What stands beneath it.
    chosen, marked : bool
        Whether it is the current one; whether it holds a defect.
    """

    rect: QRect
    picture: QImage
    words: str
    chosen: bool
    marked: bool

    def paint(self, painter: QPainter, palette: QPalette) -> None:
        """Paint it."""
        rect = self.rect
        if self.chosen:
            painter.fillRect(rect.adjusted(-3, -3, 3, 2), palette.highlight())
        elif self.marked:
            painter.setPen(QPen(QColor(*COLORS["orange"]), 2))
            painter.drawRect(rect.adjusted(-2, -2, 2, 1))
        if self.words:
            brush = palette.highlightedText() if self.chosen else palette.windowText()
            painter.setPen(QPen(brush.color()))
            font = painter.font()
            font.setPixelSize(_LETTERS)
            painter.setFont(font)
            top = rect.bottom() - _LINE
            line = QRect(rect.left() + 2, top, rect.width() - 2, _LINE)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, self.words)
        height = round(self.picture.height() * rect.width() / self.picture.width())
        place = QRect(rect.left(), rect.top(), rect.width(), height)
        painter.drawImage(place, self.picture)
