"""What is under the cursor: in the status bar, and in the menu of the canvas."""

from __future__ import annotations

import math
from functools import partial

from PySide6.QtCore import QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from reftiler_gui.actions import ActionRegistry
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.model.texts import place_words
from reftiler_gui.status import Status
from reftiler_gui.viewer_model import ViewerModel

__all__ = ["CanvasReadout"]

_ACTIONS = ("copy_picture", "save_picture", "", "show_in_folder", "copy_path")
_TILES = 4  # of those that hold a pixel, in the menu


class CanvasReadout(QObject):
    """The read-out and the context menu of the canvas."""

    tile_wanted = Signal(int)  # a tile that shall be shown by itself

    def __init__(
        self,
        canvas: ImageCanvas,
        viewer: ViewerModel,
        registry: ActionRegistry,
        status: Status,
    ) -> None:
        super().__init__(canvas)
        self._canvas, self._viewer = canvas, viewer
        self._registry, self._status = registry, status
        self._place: tuple[float, float] | None = None
        canvas.hovered.connect(self._move)
        canvas.left.connect(self._leave)
        canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        canvas.customContextMenuRequested.connect(self._show_menu)

    def update(self) -> None:
        """Show what is under the cursor now: another image, or other tiles."""
        loaded, words = self._viewer.loaded, ""
        if self._place is not None and loaded is not None:
            words = place_words(
                loaded, self._canvas.tiling, *self._place, self._canvas.map
            )
        self._status.point(words)

    def menu(self, row: float, col: float) -> QMenu:
        """Return what can be done at a position of the image."""
        menu = QMenu(self._canvas)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        down, across = math.floor(row), math.floor(col)
        loaded, tiling = self._viewer.loaded, self._canvas.tiling
        value = loaded.image.value(down, across) if loaded and loaded.image else None
        if value is not None:
            position, pixel = f"{down}, {across}", " ".join(f"{v:.9g}" for v in value)
            self._add_copy(menu, f"position: row {down}, column {across}", position)
            self._add_copy(menu, f"value: {pixel}", pixel)
            of_map = self._canvas.map.value(down, across) if self._canvas.map else None
            if of_map is not None:
                self._add_copy(menu, f"value of the map: {of_map:.9g}", f"{of_map:.9g}")
        for tile in tiling.at(row, col)[:_TILES] if tiling else ():
            show = partial(self.tile_wanted.emit, int(tile))
            menu.addAction(f"Show tile {tile} alone", show)
        menu.addSeparator()
        for name in _ACTIONS:
            if name:
                menu.addAction(self._registry.actions[name])
            else:
                menu.addSeparator()
        return menu

    def _show_menu(self, point: QPoint) -> None:
        place = self._canvas.place(QPointF(point))
        self.menu(*place).popup(self._canvas.viewport().mapToGlobal(point))

    def _add_copy(self, menu: QMenu, shown: str, text: str) -> None:
        menu.addAction(f"Copy {shown}", partial(self._copy, text))

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self._status.inform(f"Copied: {text}")

    def _move(self, row: float, col: float) -> None:
        self._place = row, col
        self.update()

    def _leave(self) -> None:
        self._place = None
        self.update()
