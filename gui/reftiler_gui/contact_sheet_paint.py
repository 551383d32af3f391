"""The tiles of the contact sheet, each with what surrounds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPalette, QPen

from reftiler_gui.contact_sheet_content import ContactSheetContent
from reftiler_gui.contact_sheet_layout import CAPTION_FROM, ContactSheetLayout
from reftiler_gui.model.colors import COLORS
from reftiler_gui.model.contact_sheet import ContactSheet
from reftiler_gui.thumbnails import Thumbnails

__all__ = ["SheetStyle", "SheetTile", "paint_tiles_of_sheet"]

_LINE, _LETTERS = 15, 11  # the screen's pixels of a line of words


@dataclass(frozen=True)
class SheetTile:
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


class SheetStyle(Protocol):
    """How a sheet looks now; it is a widget as well."""

    side: int
    current: int | None

    def palette(self) -> QPalette: ...  # noqa: D102
    def devicePixelRatioF(self) -> float: ...  # noqa: D102, N802


def paint_tiles_of_sheet(
    painter: QPainter,
    look: SheetStyle,
    shown: ContactSheet,
    content: ContactSheetContent,
    layout: ContactSheetLayout,
    area: QRect,
) -> Thumbnails:
    """Paint the tiles that meet an area; return the pictures that were taken."""
    first, stop = layout.rows(area)
    tiles = shown.between(first, stop)
    thumbs = content.thumbnails(round(look.side * look.devicePixelRatioF()))
    boxes = shown.view.boxes(tiles)
    for n, (tile, box) in enumerate(zip(tiles.tolist(), boxes, strict=True)):
        row, column = divmod(n, shown.columns)
        marked = content.marked(tile)
        words = f"{tile}{content.told(tile)}" if look.side >= CAPTION_FROM else ""
        cell = SheetTile(
            layout.rect(first + row, column),
            thumbs.get(tile, box, marked=marked),
            words,
            chosen=tile == look.current,
            marked=marked,
        )
        cell.paint(painter, look.palette())
    return thumbs
