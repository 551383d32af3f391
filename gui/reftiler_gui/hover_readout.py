"""What is told of the place under the cursor, also when the image under it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reftiler_gui.model.texts import place_words

if TYPE_CHECKING:
    from reftiler_gui.frame import Frame

__all__ = ["HoverReadout"]


class HoverReadout:
    """
    Tells in the status bar what is under the cursor.

    Parameters
    ----------
    window : Frame
        Whose canvas and status bar.
    """

    def __init__(self, window: Frame) -> None:
        self._window = window
        self._place: tuple[float, float] | None = None
        window.canvas.hovered.connect(self._move)
        window.canvas.left.connect(self._leave)

    def tell(self) -> None:
        """Say what is there now: another image, or other tiles."""
        loaded, words = self._window.viewer.loaded, ""
        if self._place is not None and loaded is not None:
            words = place_words(loaded, self._window.canvas.tiling, *self._place)
        self._window.status.point(words)

    def _move(self, row: float, col: float) -> None:
        self._place = row, col
        self.tell()

    def _leave(self) -> None:
        self._place = None
        self.tell()
