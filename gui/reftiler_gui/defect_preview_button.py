"""A defect resized and tiled, small beside each other; pressed, it shows them large."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from reftiler_gui.model.defect_preview import DefectPreview
from reftiler_gui.overlays import paint_label
from reftiler_gui.tile_cache import as_image

__all__ = ["DefectPreviewButton"]

_SIDE, _GAP, _RIM = 92, 6, 3  # the screen's pixels


class DefectPreviewButton(QAbstractButton):
    """Two pictures: after resizing the image, and in a tile."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(2 * _SIDE + _GAP + 2 * _RIM, _SIDE + 2 * _RIM)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Left: after resizing. Right: in its tile. Click to compare")
        self.setAccessibleName("The defect resized, and in its tile: compare")
        self._pictures: tuple[QImage, QImage] | None = None
        self._names = ("resized", "")

    def show_preview(
        self, found: DefectPreview | None, tile: int | None = None
    ) -> None:
        """Show a defect, and the tile that has most of it; None shows nothing."""
        self.setVisible(found is not None)
        self._pictures = None
        if found is not None:
            left, right = (
                as_image(pixels, opaque=found.opaque)
                for pixels in (found.resized, found.original)
            )
            self._pictures = left, right
        self._names = "resized", "in no tile" if tile is None else f"tile {tile}"
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for room for both."""
        return self.minimumSize()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint both, their pixels large and sharp."""
        if self._pictures is None:
            return
        with QPainter(self) as painter:
            for number, picture in enumerate(self._pictures):
                left = _RIM + number * (_SIDE + _GAP)
                box = QRectF(left, _RIM, _SIDE, _SIDE)
                painter.drawImage(box, picture)
                line = QColor(self.palette().mid().color())
                painter.setPen(QPen(line, 1))
                painter.drawRect(box)
                place = box.bottomLeft()
                place.setX(place.x() + 3)
                place.setY(place.y() - 11)
                paint_label(painter, place, self._names[number], 1.0)
            if self.hasFocus() or self.isDown():
                painter.setPen(QPen(self.palette().highlight().color(), 2))
                painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
