"""Labels of plain text: wrapped, elided, or a sentence that can be copied."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy

__all__ = ["ElidedLabel", "WrapLabel", "message_label", "plain_tip"]


class WrapLabel(QLabel):
    """
    Words that are never cut off.

    A form gives a row the height that it asks for at some other width: the last lines
    of a long sentence, which say what to do, would be hidden.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def say(self, words: str) -> None:
        """Show other words."""
        self.setText(words)
        self._ask(self.width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for the lines that are needed at this width."""
        super().resizeEvent(event)
        self._ask(event.size().width())

    def _ask(self, width: int) -> None:
        self.setMinimumHeight(max(0, self.heightForWidth(width)))


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

    def paintEvent(self, event: QPaintEvent) -> None:
        metrics, middle = self.fontMetrics(), Qt.TextElideMode.ElideMiddle
        words = metrics.elidedText(self.text(), middle, self.width())
        with QPainter(self) as painter:
            painter.drawText(self.rect(), self.alignment(), words)


def message_label(name: str) -> QLabel:
    """Return a label for a sentence; it can be selected and copied."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setAccessibleName(name)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
