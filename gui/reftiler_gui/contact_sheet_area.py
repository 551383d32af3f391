"""The contact sheet itself: tiles in rows, painted where they can be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from reftiler_gui.contact_sheet_content import ContactSheetContent
from reftiler_gui.contact_sheet_layout import RIM, ContactSheetLayout, fitted_side
from reftiler_gui.contact_sheet_paint import paint_tiles_of_sheet
from reftiler_gui.contact_sheet_walk import walked
from reftiler_gui.model.contact_sheet import ContactSheet
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import LoadedImage

__all__ = ["LARGEST", "SMALLEST", "ContactSheetArea"]

SMALLEST, LARGEST = 32, 320
"""The longer side of a tile on the sheet, in the screen's pixels."""

_STEP = 1.25  # by which a key or a notch of the wheel enlarges
_AGAIN = 300  # milliseconds until finer pixels are looked for


class ContactSheetArea(QAbstractScrollArea):
    """
    Tiles in rows, however many: no object stands for a tile.

    Attributes
    ----------
    current : int or None
        The tile that is chosen.
    sheet : ContactSheet or None
        Which tile stands where.
    """

    chosen = Signal(int)
    opened = Signal(int)
    resized_to = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Contact sheet of tiles")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setBackgroundRole(QPalette.ColorRole.Window)
        self.side, self._free = 96, True
        self.sheet: ContactSheet | None = None
        self.current: int | None = None
        self._content: ContactSheetContent | None = None
        self._later = QTimer(self, singleShot=True, interval=_AGAIN)
        self._later.timeout.connect(self.viewport().update)

    def show_tiles(self, loaded: LoadedImage | None, view: GridLookup | None) -> None:
        """Show the tiles of an image, by position."""
        self._content = None
        if loaded is not None and loaded.image is not None and view is not None:
            self._content = ContactSheetContent(loaded, view)
        if view is None or self.current is None or self.current >= len(view):
            self.current = None
        self._adapt()
        self._laid_out()

    def show_marks(self, marks: NDArray[np.int64]) -> None:
        """Take the number of defect pixels of each tile, to show beside it."""
        if self._content is not None:
            self._content.marks = marks
        self.viewport().update()

    def arrange(
        self, order: NDArray[Any] | None, *, only: bool, words: bool = False
    ) -> None:
        """
        Put tiles in an order.

        Parameters
        ----------
        order : ndarray or None
            Numbers, the largest first; None puts tiles as they lie in the image.
        only : bool
            Leave out tiles that hold no defect pixel, or whose number is zero.
        words : bool
            Write the number at each tile, instead of its defect pixels.
        """
        if self._content is not None:
            self._content.order, self._content.only = order, only
            self._content.numbered = words
        self._laid_out()
        self.verticalScrollBar().setValue(0)

    def set_side(self, side: int) -> None:
        """Make tiles larger or smaller, the current one or the first staying seen."""
        side = min(max(side, SMALLEST), LARGEST)
        if side == self.side:
            return
        self._free = False
        first = (
            self.sheet.tile(self._layout().rows(self.viewport().rect())[0], 0)
            if self.sheet
            else None
        )
        self.side = side
        self._laid_out()
        self.resized_to.emit(side)
        self._reveal(first if self.current is None else self.current)

    def scale_by(self, steps: float) -> None:
        """Make tiles larger by some steps, or with a negative number smaller."""
        self.set_side(round(self.side * _STEP**steps))

    def choose(self, tile: int) -> None:
        """Make a tile the current one and bring it into sight."""
        self.current = tile
        self._reveal(tile)
        self.viewport().update()
        self.chosen.emit(tile)

    def tile_at(self, place: QPoint) -> int | None:
        """Return the tile at a place of the viewport."""
        cell = self._layout().at(place)
        return self.sheet.tile(*cell) if self.sheet and cell else None

    def rect_of(self, tile: int) -> QRect | None:
        """Return where a tile is in the viewport; None if it is not on the sheet."""
        place = self.sheet.place(tile) if self.sheet else None
        return None if place is None else self._layout().rect(*place)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the tiles that can be seen."""
        with QPainter(self.viewport()) as painter:
            if self.sheet is None or self._content is None:
                return
            thumbs = paint_tiles_of_sheet(
                painter, self, self.sheet, self._content, self._layout(), event.rect()
            )
            if not thumbs.complete:
                self._later.start()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Put as many tiles into a row as there is room for."""
        super().resizeEvent(event)
        self._adapt()
        self._laid_out()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Move among the tiles; Enter goes to the current one."""
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current is not None:
            self.opened.emit(self.current)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.scale_by(1)
        elif key == Qt.Key.Key_Minus:
            self.scale_by(-1)
        else:
            page = self.viewport().height() // self._layout().cell.height() - 1
            shown = self.sheet
            there = walked(shown, self.current, key, page) if shown else None
            if there is None:
                super().keyPressEvent(event)
            else:
                self.choose(there)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Show a hand over tiles."""
        there = self.tile_at(event.position().toPoint()) is not None
        shape = Qt.CursorShape.PointingHandCursor if there else None
        self.viewport().setCursor(shape or Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Go to the tile that was clicked."""
        tile = self.tile_at(event.position().toPoint())
        if tile is not None and event.button() == Qt.MouseButton.LeftButton:
            self.choose(tile)
            self.opened.emit(tile)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Scroll; with Ctrl make the tiles larger or smaller."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.scale_by(event.angleDelta().y() / 120)
            event.accept()
        else:
            super().wheelEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Say what a tile is when the mouse rests on it."""
        if event.type() == QEvent.Type.ToolTip:
            tile = self.tile_at(event.pos())  # type: ignore[attr-defined]
            words = ""
            if tile is not None and self._content is not None:
                words = f"Tile {tile}{self._content.told(tile)}"
            QToolTip.showText(event.globalPos(), words, self)  # type: ignore[attr-defined]
            return True
        return super().viewportEvent(event)

    def _layout(self) -> ContactSheetLayout:
        """Return where the tiles are now."""
        content = self._content
        height, width = content.view.grid.tiler.tile_size if content else (1, 1)
        return ContactSheetLayout(
            (height, width),
            self.side,
            self.sheet.columns if self.sheet else 1,
            self.viewport().size(),
            self.verticalScrollBar().value(),
        )

    def _adapt(self) -> None:
        """Let all tiles be seen at once if they can, until somebody sets a size."""
        content, before = self._content, self.side
        if not self._free or content is None:
            return
        self.side = fitted_side(
            content.view.grid.tiler.tile_size,
            self.viewport().size(),
            len(content.view),
            content.columns,
        )
        if self.side != before:
            self.resized_to.emit(self.side)

    def _laid_out(self) -> None:
        content, fitting = self._content, self._layout().fitting
        self.sheet = content.sheet(fitting) if content else None
        bar, page = self.verticalScrollBar(), self.viewport().height()
        layout = self._layout()
        height = layout.height(self.sheet.rows if self.sheet else 0)
        bar.setRange(0, max(0, height - page))
        bar.setPageStep(page)
        bar.setSingleStep(layout.cell.height() // 3)
        self.viewport().update()

    def _reveal(self, tile: int | None) -> None:
        rect = None if tile is None else self.rect_of(tile)
        if rect is None:
            return
        bar, page = self.verticalScrollBar(), self.viewport().height()
        if rect.top() < 0:
            bar.setValue(bar.value() + rect.top() - RIM)
        elif rect.bottom() > page:
            bar.setValue(bar.value() + rect.bottom() - page + RIM)
