"""Linked canvases side by side, each with a caption."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from reftiler_gui.camera import Camera
from reftiler_gui.elided_label import ElidedLabel
from reftiler_gui.image_canvas import ImageCanvas, OverlaySettings
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.overlays import paint_label, paint_marks
from reftiler_gui.tile_cache import ImageProvider, TileCache

__all__ = ["PLAIN", "SplitPane", "SwipeCompare"]

PLAIN = OverlaySettings(mask=False, grid=False, gaps=False, padding=False)
"""The image and what marks places, and nothing else."""

_GRIP = 6  # the screen's pixels to either side of the line where it can be taken


class SwipeCompare(ImageCanvas):
    """
    A canvas whose left part shows another picture, up to a line that can be moved.

    Attributes
    ----------
    share : float
        Where the line is, 0 to 1; 0 shows nothing of the other picture.
    names : pair of str
        What stands to the left and the right of the line.
    """

    parted = Signal(float)
    """Where the line was moved."""

    def __init__(self, state: Camera, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self.share = 0.0
        self.names = ("", "")
        self._other: TileCache | None = None
        self._taken = False

    def put_over(self, picture: ImageProvider | None) -> None:
        """Take the picture of the left part."""
        self._other = None if picture is None else TileCache(picture)
        self.viewport().update()

    def part(self, share: float) -> None:
        """Move the line."""
        share = min(max(share, 0.0), 1.0)
        if share != self.share:
            self.share = share
            self.viewport().update()
            self.parted.emit(share)

    def paint_over(self, painter: QPainter, transform: ScreenTransform) -> None:
        """Paint the left part and the line."""
        ratio, split = self.viewport().devicePixelRatioF(), self.share * transform.width
        if self._other is None or split <= 0:
            return
        part = QImage(transform.width, transform.height, QImage.Format.Format_RGB32)
        part.fill(self.palette().window().color().darker(108))
        with QPainter(part) as inner:
            self._other.paint(inner, transform)
            paint_marks(inner, transform, self.marks(transform), ratio)
        box = QRectF(0, 0, split, transform.height)
        painter.drawImage(box, part, box)
        for color, width in ((QColor(0, 0, 0), 4), (QColor(255, 255, 255), 2)):
            painter.setPen(QPen(color, width * ratio))
            painter.drawLine(QPointF(split, 0), QPointF(split, transform.height))
        self._name(painter, transform, ratio)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take the line, or the image."""
        self._taken = self._near(event) and not self.held
        if not self._taken:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Move the line, or the image."""
        if self._taken:
            self.part(event.position().x() / max(1, self.viewport().width()))
            return
        super().mouseMoveEvent(event)
        if not event.buttons() and not self.held:
            near = Qt.CursorShape.SplitHCursor if self._near(event) else None
            self.viewport().setCursor(near or Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let go."""
        if self._taken:
            self._taken = False
        else:
            super().mouseReleaseEvent(event)

    def _near(self, event: QMouseEvent) -> bool:
        line = self.share * self.viewport().width()
        shown = self._other is not None and self.share > 0
        return shown and abs(event.position().x() - line) <= _GRIP

    def _name(
        self, painter: QPainter, transform: ScreenTransform, ratio: float
    ) -> None:
        split, y = self.share * transform.width, 18 * ratio
        painter.save()
        font = painter.font()
        font.setPixelSize(round(12 * ratio))
        wide = [
            painter.fontMetrics().horizontalAdvance(name) * ratio + 24 * ratio
            for name in self.names
        ]
        if split > wide[0]:
            paint_label(painter, QPointF(8 * ratio, y), self.names[0], ratio)
        if transform.width - split > wide[1]:
            paint_label(painter, QPointF(split + 8 * ratio, y), self.names[1], ratio)
        painter.restore()


class SplitPane(QWidget):
    """
    A canvas with a caption above it.

    Attributes
    ----------
    canvas : ImageCanvas
        Below.
    """

    def __init__(
        self, canvas: ImageCanvas, caption: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.canvas = canvas
        self.label = ElidedLabel()
        self.caption(caption)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.label)
        column.addWidget(canvas, 1)

    def caption(self, words: str) -> None:
        """Say what the canvas shows."""
        self.label.say(words)
        self.canvas.setAccessibleName(words or "Picture")
