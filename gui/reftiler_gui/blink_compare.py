"""A view that shows something else while Shift, or its button, is held."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QPushButton, QWidget

from reftiler_gui.view_base import LazyView

__all__ = ["BlinkCompare"]


class BlinkCompare(LazyView):
    """
    A view with two sides.

    Attributes
    ----------
    hold : QPushButton
        Held, the other side is seen; put it somewhere.
    flipped : bool
        Whether it is.
    """

    def __init__(self, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.flipped = False
        self.hold = QPushButton(words)
        self.hold.pressed.connect(lambda: self._turn(True))
        self.hold.released.connect(lambda: self._turn(False))

    def flip(self) -> None:
        """Show the side that ``flipped`` says."""
        raise NotImplementedError

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Turn while Shift is held."""
        if event.key() == Qt.Key.Key_Shift:
            self._turn(True)
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Turn back."""
        if event.key() == Qt.Key.Key_Shift:
            self._turn(False)
        super().keyReleaseEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Turn back: the key's release is told elsewhere."""
        self._turn(False)
        super().hideEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Turn back when another window is used."""
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self._turn(False)
        super().changeEvent(event)

    def _turn(self, on: bool) -> None:
        if on != self.flipped:
            self.flipped = on
            self.flip()
