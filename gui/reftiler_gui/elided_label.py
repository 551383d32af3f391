"""A line of words that is cut short where there is no room."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy

__all__ = ["ElidedLabel", "plain_tip"]


def plain_tip(words: str) -> str:
    """Return a tool tip that shows words as they are; Qt would take some for HTML."""
    return f"<span>{escape(words)}</span>" if words else ""


class ElidedLabel(QLabel):
    """Words that are cut short where there is no room; the mouse sees all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        # Panes side by side are of one width, whatever their captions.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say(self, words: str) -> None:
        """Show other words."""
        self.setText(words)
        self.setToolTip(plain_tip(words))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint as much as there is room for."""
        metrics, middle = self.fontMetrics(), Qt.TextElideMode.ElideMiddle
        words = metrics.elidedText(self.text(), middle, self.width())
        with QPainter(self) as painter:
            painter.drawText(self.rect(), self.alignment(), words)
