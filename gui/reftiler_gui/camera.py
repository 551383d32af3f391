"""Where one looks: views that share it move together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from PySide6.QtCore import QObject, QSize, Signal

from reftiler_gui.model.array_types import Box

__all__ = ["LADDER", "Camera"]

LADDER = (
    *(1 / n for n in (256, 192, 128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2)),
    *(0.75, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64),
)
"""The zooms that a step leads to: above 1 pixels are whole numbers of the screen's."""

_MARGIN = 12  # the screen's pixels left free around what is fitted


class Camera(QObject):
    """The place and the zoom that one or several canvases show."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # the image's coordinates in the middle of the canvas; pixel 0 is from 0 to 1
        self.row = self.col = 0.0
        self.zoom = 1.0  # pixels of the screen, as Qt counts them, for one of the image
        # whether all is shown, and shall be when the window is resized
        self.fitted = True
        self.locked = True
        self._bounds: Box | None = None

    def bound(self, frame: Box | None) -> None:
        """Keep the middle within a box, that of the image with its padding."""
        self._bounds = frame
        self._move(self.row, self.col, self.zoom)

    def fit(self, frame: Box, viewport: QSize) -> None:
        """Show a whole box, enlarged by whole numbers only."""
        (top, bottom), (left, right) = frame
        zoom = min(
            max(1, viewport.height() - 2 * _MARGIN) / max(1, bottom - top),
            max(1, viewport.width() - 2 * _MARGIN) / max(1, right - left),
        )
        zoom = float(int(zoom)) if zoom > 2 else zoom
        self._move((top + bottom) / 2, (left + right) / 2, zoom)
        self.fitted = True

    def go(self, row: float, col: float, zoom: float | None = None) -> None:
        """Put a place into the middle."""
        self.fitted = False
        self._move(row, col, self.zoom if zoom is None else zoom)

    def go_to_pixel(self, row: int, col: int, least: float = 8.0) -> None:
        """Put a pixel into the middle, at the least at this zoom."""
        self.go(row + 0.5, col + 0.5, max(self.zoom, least))

    def pan(self, rows: float, cols: float) -> None:
        """Move by some of the image's pixels."""
        self.go(self.row + rows, self.col + cols)

    def zoom_at(self, factor: float, row: float, col: float) -> None:
        """Zoom so that a place of the image stays where it is on the screen."""
        zoom = min(max(self.zoom * factor, LADDER[0]), LADDER[-1])
        share = self.zoom / zoom
        self.go(row + (self.row - row) * share, col + (self.col - col) * share, zoom)

    def step(
        self, steps: int, row: float | None = None, col: float | None = None
    ) -> None:
        """Zoom by some steps of the ladder, at a place or at the middle."""
        zoom = self.zoom
        for _ in range(abs(steps)):
            zoom = _next(zoom) if steps > 0 else _last(zoom)
        here = (self.row if row is None else row, self.col if col is None else col)
        self.zoom_at(zoom / self.zoom, *here)

    def _move(self, row: float, col: float, zoom: float) -> None:
        if self._bounds is not None:
            (top, bottom), (left, right) = self._bounds
            row, col = min(max(row, top), bottom), min(max(col, left), right)
        if (row, col, zoom) != (self.row, self.col, self.zoom):
            self.row, self.col, self.zoom = row, col, zoom
            self.changed.emit()


def _next(zoom: float) -> float:
    return LADDER[min(bisect_right(LADDER, zoom * 1.001), len(LADDER) - 1)]


def _last(zoom: float) -> float:
    return LADDER[max(bisect_left(LADDER, zoom / 1.001) - 1, 0)]
