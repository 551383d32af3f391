"""A sentence in as many lines as it needs, wherever it stands."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel

__all__ = ["WrapLabel"]


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

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Ask for the lines that are needed at this width."""
        super().resizeEvent(event)
        self._ask(event.size().width())

    def _ask(self, width: int) -> None:
        self.setMinimumHeight(max(0, self.heightForWidth(width)))
