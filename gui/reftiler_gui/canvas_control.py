"""What the window does to its canvases: place and zoom, layers, read-out."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QTabWidget

from reftiler.regions import Region
from reftiler_gui.actions import ActionRegistry
from reftiler_gui.contact_sheet_view import ContactSheetView
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.model.colors import COLORS
from reftiler_gui.model.overlay_settings import OverlaySettings
from reftiler_gui.model.texts import place_words
from reftiler_gui.pan_zoom_view import LADDER, Camera
from reftiler_gui.status import Status
from reftiler_gui.view_base import PLAIN
from reftiler_gui.viewer_model import ViewerModel

_LEAST = 8  # the image's pixels that a defect counts as, at the least
_LARGEST = 16.0  # the zoom, at the most, at which a defect is shown


class Navigator:
    """Moves of the window's canvas; zoom and pan are of the canvas that is seen."""

    def __init__(
        self, tabs: QTabWidget, canvas: ImageCanvas, show_view: Callable[[str], object]
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
        return self.canvas.state

    def set_zoom(self, zoom: float) -> None:
        """Show the canvas that is seen at a zoom; 0 shows everything."""
        if zoom:
            zoom = min(max(zoom, LADDER[0]), LADDER[-1])
            self.state.go(self.state.row, self.state.col, zoom)
        else:
            self.canvas.fit()

    def zoom(self, steps: int) -> None:
        page = self._tabs.currentWidget()
        if isinstance(page, ContactSheetView):
            page.scale_by(steps)
        else:
            self.state.step(steps)

    def pan(self, down: int, across: int) -> None:
        canvas = self.canvas
        size, state = canvas.viewport().size(), canvas.state
        state.pan(
            down * size.height() / 8 / state.zoom,
            across * size.width() / 8 / state.zoom,
        )
        canvas.point_at(state.row, state.col)

    def go_to_defect(self, region: Region) -> None:
        (top, bottom), (left, right) = region.box
        room = self._canvas.viewport().size()
        side = max(bottom - top, right - left, _LEAST) * 4
        zoom = min(_LARGEST, max(1.0, min(room.width(), room.height()) / side))
        self._canvas.state.go((top + bottom) / 2, (left + right) / 2, zoom)

    def go_to_tile(self, tile: int) -> None:
        canvas = self._canvas
        tiling = canvas.tiling
        if tiling is None or not 0 <= tile < len(tiling):
            return
        self._show_view("image")
        (top, bottom), (left, right) = tiling.box(tile)
        room = canvas.viewport().size()
        zoom = 0.8 * min(room.height() / (bottom - top), room.width() / (right - left))
        canvas.set_tile(tile)
        canvas.state.go((top + bottom) / 2, (left + right) / 2, zoom)

    def step_tile(self, by: int) -> None:
        canvas, page = self._canvas, self._tabs.currentWidget()
        if isinstance(page, ContactSheetView):
            page.step_tile(by)
        elif canvas.tiling is not None:
            count, now = len(canvas.tiling), canvas.tile
            start = 0 if by > 0 else -1
            self.go_to_tile(start % count if now is None else (now + by) % count)


LAYERS = {
    "image": ("Image", "I", "The image itself"),
    "map": ("Anomaly map", "V", "The values of the anomaly map, as colours"),
    "outline": ("Outline at the threshold", "Shift+V", "Where the map reaches it"),
    "mask": ("Mask", "M", "Marked pixels, none too small to be seen"),
    "labels": ("Class colours", "Shift+M", "Each label of a mask in its own colour"),
    "marks": ("Rings around defects", "O", "Where defects are, and how large"),
    "grid": ("Grid", "G", "Tiles start at solid lines and end at dashed ones"),
    "padding": ("Padding", "B", "What tiles hold beyond the image"),
    "gaps": ("Uncovered pixels", "U", "Hatched: pixels in no tile"),
    "coverage": ("Coverage", "H", "How many tiles take part in each pixel"),
    "seams": ("Seams", "S", "How much the results of a pixel's tiles disagree"),
    "scale_bar": ("Scale bar", "Shift+B", "In µm where the file has a resolution"),
    "minimap": ("Minimap", "Shift+N", "Shown while the image is larger than the view"),
}
"""The layers of the canvas by name: what they are called, their key, what they show."""

COMPARED = ("mask", "labels", "marks", "scale_bar", "seams")
"""Those that other canvases show as well."""

_COLORS = ("orange", "vermillion", "purple", "green", "yellow")


class LayerVisibility:
    """What is shown on the window's canvas."""

    def __init__(
        self, canvas: ImageCanvas, registry: ActionRegistry, status: Status
    ) -> None:
        self._canvas, self._registry, self._status = canvas, registry, status
        # others, which show the same of `COMPARED`; the mask as an outline, for they
        # are about what it marks
        self.followers: list[ImageCanvas] = []

    def show(self, layers: OverlaySettings) -> None:
        self._canvas.set_layers(layers)
        shown = {name: getattr(layers, name) for name in COMPARED}
        for canvas in self.followers:
            canvas.set_layers(replace(PLAIN, **shown, color=layers.color, alpha=0.0))
        for name in LAYERS:
            self._registry.actions[name].setChecked(getattr(layers, name))

    def put(self, name: str, value: object) -> None:
        layers = self._canvas.layers
        self.show(replace(layers, **{name: value}))  # type: ignore[arg-type]

    def recolor(self) -> None:
        colors = [COLORS[name] for name in _COLORS]
        now = self._canvas.layers.color
        place = colors.index(now) + 1 if now in colors else 0
        self.put("color", colors[place % len(colors)])
        self._status.inform(f"Mask: {_COLORS[place % len(colors)]}")

    def fade(self, by: float) -> None:
        alpha = self._canvas.layers.alpha
        alpha = round(min(max(alpha + by, 0.0), 1.0), 2)
        self.put("alpha", alpha)
        self._status.inform(f"Mask: {alpha:.0%}")


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
        canvas.hovered.connect(lambda row, col: self._move((row, col)))
        canvas.left.connect(lambda: self._move(None))
        canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        canvas.customContextMenuRequested.connect(self._show_menu)

    def update(self) -> None:
        loaded, words = self._viewer.loaded, ""
        if self._place is not None and loaded is not None:
            words = place_words(
                loaded, self._canvas.tiling, *self._place, self._canvas.map
            )
        self._status.point(words)

    def menu(self, row: float, col: float) -> QMenu:
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
        def copy() -> None:
            QGuiApplication.clipboard().setText(text)
            self._status.inform(f"Copied: {text}")

        menu.addAction(f"Copy {shown}", copy)

    def _move(self, place: tuple[float, float] | None) -> None:
        self._place = place
        self.update()
