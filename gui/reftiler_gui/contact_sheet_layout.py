"""Where tiles stand on the contact sheet, in the screen's pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QSize

__all__ = ["CAPTION_FROM", "GAP", "RIM", "ContactSheetLayout", "fitted_side"]

GAP, RIM = 12, 12
CAPTION_FROM = 56
"""Sides of tiles below which there is no room for words."""

_LEGIBLE, _ROOMY = 72, 200
"""Between these lies the side that lets all tiles be seen, until another is chosen."""
_CAPTION = 16
_LEAST = 8


@dataclass(frozen=True)
class ContactSheetLayout:
    """
    Cells in rows, in the middle of the sheet.

    Attributes
    ----------
    tile : pair of int
        Height and width of a tile, in pixels of the image.
    side : int
        The longer side of a tile on the sheet.
    columns : int
        Cells in a row.
    room : QSize
        The part of the sheet that is seen.
    scroll : int
        How far down that begins.
    """

    tile: tuple[int, int]
    side: int
    columns: int
    room: QSize
    scroll: int = 0

    @property
    def cell(self) -> QSize:
        """What a tile takes, gap and words included."""
        caption = _CAPTION if self.side >= CAPTION_FROM else 0
        scale = self.side / max(self.tile)
        height, width = (max(_LEAST, round(side * scale)) for side in self.tile)
        return QSize(width + GAP, height + GAP + caption)

    @property
    def fitting(self) -> int:
        """How many cells there is room for in a row."""
        return max(1, (self.room.width() - 2 * RIM + GAP) // self.cell.width())

    def height(self, rows: int) -> int:
        """Return how high a sheet of so many rows is."""
        return rows * self.cell.height() - GAP + 2 * RIM

    def rect(self, row: int, column: int) -> QRect:
        """Return where a tile with its words is, as the screen has it."""
        cell = self.cell
        top = RIM + row * cell.height() - self.scroll
        left = self._left + column * cell.width()
        return QRect(left, top, cell.width() - GAP, cell.height() - GAP)

    def at(self, place: QPoint) -> tuple[int, int] | None:
        """Return the row and column of the cell at a place; None in gaps."""
        cell = self.cell
        x, y = place.x() - self._left, place.y() - RIM + self.scroll
        across, down = x % cell.width(), y % cell.height()
        if x < 0 or across >= cell.width() - GAP or down >= cell.height() - GAP:
            return None
        return y // cell.height(), x // cell.width()

    def rows(self, area: QRect) -> tuple[int, int]:
        """Return the first and one past the last row that meet an area."""
        shift, height = self.scroll - RIM, self.cell.height()
        first = max(0, (area.top() + shift) // height)
        return first, (area.bottom() + shift) // height + 1

    @property
    def _left(self) -> int:
        free = self.room.width() - self.columns * self.cell.width() + GAP
        return max(RIM, free // 2)


def fitted_side(
    tile: Sequence[int], room: QSize, count: int, columns: Callable[[int], int]
) -> int:
    """
    Return the side at which all tiles are seen at once, or the least that is legible.

    Parameters
    ----------
    tile : pair of int
        Height and width of a tile, in pixels of the image.
    room : QSize
        The part of the sheet that is seen.
    count : int
        How many tiles there are.
    columns : callable
        How many of them stand in a row that has room for so many.
    """
    height, width = tile
    for side in range(_ROOMY, _LEGIBLE, -8):
        layout = ContactSheetLayout((height, width), side, 1, room)
        rows = -(-count // columns(layout.fitting))
        if layout.height(rows) <= room.height():
            return side
    return _LEGIBLE
