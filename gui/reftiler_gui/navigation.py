"""Where the window looks: all of the image, a defect, a tile, a little to the side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from PySide6.QtWidgets import QTabWidget

from reftiler.regions import Region
from reftiler_gui.camera import Camera
from reftiler_gui.image_canvas import ImageCanvas

__all__ = ["Navigator", "Zoomable"]

_LEAST = 8  # the image's pixels that a defect counts as, at the least
_LARGEST = 16.0  # the zoom, at the most, at which a defect is shown


@runtime_checkable
class Zoomable(Protocol):
    """A view without a canvas that can be made larger and smaller all the same."""

    def scale_by(self, steps: int) -> None:
        """Show things larger, or with a negative number smaller."""


@runtime_checkable
class TileStepper(Protocol):
    """A view that lists tiles in an order of its own."""

    def step_tile(self, by: int) -> None:
        """Choose the next tile, or the last with -1."""


class Navigator:
    """Moves of the window's canvases.

    Fit, zoom and pan move the canvas that is seen, which may be another view's.
    """

    def __init__(
        self,
        tabs: QTabWidget,
        canvas: ImageCanvas,
        show_view: Callable[[str], object],
    ) -> None:
        self._tabs, self._canvas, self._show_view = tabs, canvas, show_view

    @property
    def canvas(self) -> ImageCanvas:
        """The canvas that is seen; the window's own if none is."""
        page = self._tabs.currentWidget()
        seen = (one for one in page.findChildren(ImageCanvas) if one.isVisible())
        return next(seen, self._canvas)

    @property
    def state(self) -> Camera:
        """Its place and zoom."""
        return self.canvas.state

    def fit(self) -> None:
        """Show all there is to see."""
        self.canvas.fit()

    def actual(self) -> None:
        """Show a pixel of the image as one of the screen's."""
        self.state.go(self.state.row, self.state.col, 1.0)

    def set_zoom(self, zoom: float) -> None:
        """Show the canvas that is seen at a zoom; 0 shows everything."""
        if zoom:
            state = self.state
            state.zoom_at(zoom / state.zoom, state.row, state.col)
        else:
            self.fit()

    def zoom(self, steps: int) -> None:
        """Make what is seen larger, or with a negative number smaller."""
        page = self._tabs.currentWidget()
        if isinstance(page, Zoomable):
            page.scale_by(steps)
        else:
            self.state.step(steps)

    def pan(self, down: int, across: int) -> None:
        """Move by an eighth of what is seen, and point at what is in the middle."""
        canvas = self.canvas
        size, state = canvas.viewport().size(), canvas.state
        state.pan(
            down * size.height() / 8 / state.zoom,
            across * size.width() / 8 / state.zoom,
        )
        canvas.point_at(state.row, state.col)

    def go_to_defect(self, region: Region) -> None:
        """Show a defect large."""
        (top, bottom), (left, right) = region.box
        room = self._canvas.viewport().size()
        side = max(bottom - top, right - left, _LEAST) * 4
        zoom = min(_LARGEST, max(1.0, min(room.width(), room.height()) / side))
        self._canvas.state.go((top + bottom) / 2, (left + right) / 2, zoom)

    def go_to_tile(self, tile: int) -> None:
        """Show a tile on the window's canvas."""
        canvas = self._canvas
        tiling = canvas.tiling
        if tiling is None or not 0 <= tile < len(tiling):
            return
        self._show_view("image")
        (top, bottom), (left, right) = tiling.box(tile)
        room = canvas.viewport().size()
        zoom = 0.8 * min(room.height() / (bottom - top), room.width() / (right - left))
        canvas.set_tile(tile)
        self._canvas.state.go((top + bottom) / 2, (left + right) / 2, zoom)

    def step_tile(self, by: int) -> None:
        """Go to the next tile, or the last with -1."""
        canvas, page = self._canvas, self._tabs.currentWidget()
        if isinstance(page, TileStepper):
            page.step_tile(by)
        elif canvas.tiling is not None:
            count, now = len(canvas.tiling), canvas.tile
            start = 0 if by > 0 else -1
            self.go_to_tile(start % count if now is None else (now + by) % count)
