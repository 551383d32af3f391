"""The read-out of the position under the cursor, also when the image changes."""

from __future__ import annotations

from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.model.texts import place_words
from reftiler_gui.status import Status
from reftiler_gui.viewer_model import ViewerModel

__all__ = ["HoverReadout"]


class HoverReadout:
    """
    Shows in the status bar what is under the cursor.

    Parameters
    ----------
    canvas : ImageCanvas
        Over which the cursor is.
    viewer : ViewerModel
        What the canvas shows.
    status : Status
        Where it is written.
    """

    def __init__(
        self, canvas: ImageCanvas, viewer: ViewerModel, status: Status
    ) -> None:
        self._canvas, self._viewer, self._status = canvas, viewer, status
        self._place: tuple[float, float] | None = None
        canvas.hovered.connect(self._move)
        canvas.left.connect(self._leave)

    def update(self) -> None:
        """Show what is there now: another image, or other tiles."""
        loaded, words = self._viewer.loaded, ""
        if self._place is not None and loaded is not None:
            words = place_words(
                loaded, self._canvas.tiling, *self._place, self._canvas.map
            )
        self._status.point(words)

    def _move(self, row: float, col: float) -> None:
        self._place = row, col
        self.update()

    def _leave(self) -> None:
        self._place = None
        self.update()
