"""The canvas: an image, its mask and its tiles, to zoom and to pan."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent

from reftiler_gui import overlays
from reftiler_gui.camera import Camera
from reftiler_gui.canvas_guides import Minimap, Ruler, paint_scale_bar
from reftiler_gui.model.anomaly_map import AnomalyMap, MapSettings
from reftiler_gui.model.array_types import Box, Span
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.overlay_settings import (
    OverlaySettings,
    coverage_of,
    lines_of,
    mask_of,
    thinning,
)
from reftiler_gui.model.picture import Picture
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.overlays import Marker
from reftiler_gui.pan_zoom_view import PanZoomView
from reftiler_gui.tile_cache import TileCache, as_image

__all__ = ["ImageCanvas", "Marker", "OverlaySettings", "Parts"]

Marks: TypeAlias = Callable[[Box, float], Sequence[Marker]]
Parts: TypeAlias = Mapping[Picture, Iterable[tuple[int, Span, Span]]]


@dataclass(eq=False)
class _Content:
    blocks: TileCache | None = None
    minimap: Minimap | None = None
    mask: MaskPyramid | None = None
    tiling: GridLookup | None = None
    map: AnomalyMap | None = None
    map_settings: MapSettings = field(default_factory=MapSettings)
    seams: TileCache | None = None
    most: int = 1
    """The number of tiles that has the brightest colour of the coverage layer."""


class ImageCanvas(PanZoomView):
    """An image and what lies over it."""

    def __init__(self, state: Camera) -> None:
        super().__init__(state)
        self.layers = OverlaySettings()
        self.message = ""  # what stands in the middle while there is no image
        self._content = _Content()
        self._marks: Marks = lambda _box, _cell: ()
        self._tile: int | None = None
        self._pointed: int | None = None
        self._base: QImage | None = None
        self._color_bar: MapSettings | None = None
        self._nan = False  # whether the bar has NaN
        self.pixel_size: tuple[float, float] | None = None
        """Height and width of a pixel in micrometers, if they are known."""
        self.ruler: Ruler | None = None
        self._measures = self._in_minimap = False
        self._measuring: tuple[int, int] | None = None
        self.setAccessibleName("Image")

    # What is shown

    def present(
        self,
        source: Picture | None,
        mask: MaskPyramid | None = None,
        tiling: GridLookup | None = None,
    ) -> None:
        """Show an image, marks and tiles; `Camera.fitted` ones are fitted."""
        blocks, minimap = self._content.blocks, self._content.minimap
        if source is None or (self.source and self.source.size != source.size):
            self.ruler = None
        if source is None:
            blocks = minimap = None
        elif blocks is None or blocks.picture is not source:
            blocks, minimap = TileCache(source), Minimap(source)
        self._content = _Content(blocks, minimap, mask, seams=self._content.seams)
        self.set_tiling(tiling)

    def set_source(self, source: Picture) -> None:
        """Show another picture of the same size, at the same place."""
        self._content.blocks = TileCache(source)
        self.refresh()

    def set_tiling(self, tiling: GridLookup | None, most: int = 0) -> None:
        """Show other tiles; ``most`` is how many share a pixel, if that is known."""
        self._content.tiling = tiling
        self._content.most = most or 1
        self._tile = self._pointed = None
        self.state.bound(self.frame)
        if self.state.fitted and self.isVisible():
            self.fit()
        self.refresh()

    def set_map(self, found: AnomalyMap | None, settings: MapSettings) -> None:
        """Show an anomaly map over the image, or none."""
        self._content.map, self._content.map_settings = found, settings
        self.refresh()

    @property
    def map(self) -> AnomalyMap | None:
        """The anomaly map that lies over the image."""
        return self._content.map

    def set_color_bar(self, settings: MapSettings | None, *, nan: bool = False) -> None:
        """Say what the colours of a picture that is a map itself mean, or nothing."""
        self._color_bar, self._nan = settings, nan
        self.viewport().update()

    @property
    def color_bar(self) -> MapSettings | None:
        """The colours that are explained: those of the map over the image, if any."""
        over = self._content.map is not None and self.layers.map
        return self._content.map_settings if over else self._color_bar

    def set_seams(self, seams: Picture | None) -> None:
        """Show where the results of tiles disagree; None for nowhere."""
        self._content.seams = None if seams is None else TileCache(seams)
        self.refresh()

    def set_most(self, most: int) -> None:
        """Say how many tiles share a pixel at the most, for the coverage layer."""
        if most != self._content.most:
            self._content.most = most
            self.refresh()

    def set_layers(self, layers: OverlaySettings) -> None:
        """Show and hide layers."""
        self.layers = layers
        self.refresh()

    def set_marks(self, marks: Sequence[Marker] | Marks) -> None:
        """Mark places, such as defects, with rings and words.

        Of many, a function returns those in a visible box, of which one is enough in
        each square of so many pixels of the image.
        """
        self._marks = marks if callable(marks) else lambda _box, _cell: marks
        self.refresh()

    def marks(self, transform: ScreenTransform) -> Sequence[Marker]:
        """Return the marks in view."""
        zoom, (top, left) = transform.zoom, (transform.top, transform.left)
        rows = int(top) - 1, math.ceil(top + transform.height / zoom)
        columns = int(left) - 1, math.ceil(left + transform.width / zoom)
        ratio = self.viewport().devicePixelRatioF()
        return self._marks((rows, columns), 2 * overlays.RING * ratio / zoom)

    def set_tile(self, tile: int | None) -> None:
        """Outline a tile lastingly; None for none."""
        self._tile = tile
        self.viewport().update()

    @property
    def tile(self) -> int | None:
        """The tile that is outlined lastingly."""
        return self._tile

    @property
    def source(self) -> Picture | None:
        """The image that is shown."""
        return self._content.blocks.picture if self._content.blocks else None

    @property
    def tiling(self) -> GridLookup | None:
        """The tiles that are shown."""
        return self._content.tiling

    def refresh(self) -> None:
        """Paint anew: the place, the layers or a level of the image have changed."""
        self._base = None
        self.viewport().update()

    def repaint_pixels(self, parts: Parts | None = None) -> None:
        """Paint changed pixels anew: all, or levels, rows and columns of pictures."""
        for blocks in (self._content.blocks, self._content.seams):
            if blocks is not None and parts is None:
                blocks.clear()
            elif blocks is not None and parts:
                blocks.forget(parts.get(blocks.picture, ()))
        if parts is None and self._content.minimap is not None:
            self._content.minimap.clear()
        self.refresh()

    # Where it is

    @property
    def frame(self) -> Box | None:
        """The image with its padding, in its coordinates."""
        blocks, tiling = self._content.blocks, self._content.tiling
        if tiling is not None and self.layers.padding:
            return tiling.frame
        if blocks is None:
            return None
        height, width = blocks.picture.size
        return (0, height), (0, width)

    def picture(self) -> QImage:
        """Return what is on the screen."""
        return self.viewport().grab().toImage()

    # Painting

    @property
    def background(self) -> QColor:
        """What is around the image."""
        return self.palette().window().color().darker(108)

    def paint_picture(self, painter: QPainter, transform: ScreenTransform) -> None:
        """Paint the image; what lies over it comes later."""
        if self._content.blocks is not None:
            self._content.blocks.paint(painter, transform)

    def paint_over(self, painter: QPainter, transform: ScreenTransform) -> None:
        """Paint more on top, in the screen's finest pixels; for subclasses."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the layers, and on top what follows the cursor."""
        transform, ratio = self.transform(), self.viewport().devicePixelRatioF()
        if self._base is None:
            self._base = self._painted(transform)
        with QPainter(self.viewport()) as painter:
            painter.scale(1 / ratio, 1 / ratio)
            painter.drawImage(0, 0, self._base)
            if self._content.blocks is None:
                painter.setPen(self.palette().windowText().color())
                middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self._base.rect(), middle, self.message)
                return
            if self.color_bar is not None:
                box = self._minimap_box(transform, ratio)
                beside = transform.width - box.left() if box else 0.0
                over = self._content.map if self.layers.map else None
                nan = over.unknown > 0 if over is not None else self._nan
                overlays.paint_color_bar(
                    painter, transform, self.color_bar, ratio, beside, nan=nan
                )
            if self._content.tiling is not None:
                self._paint_tiles(painter, transform, self._content.tiling)
            self.paint_over(painter, transform)
            if self.ruler is not None:
                self.ruler.paint(painter, transform, self.pixel_size, ratio)

    def _paint_tiles(
        self, painter: QPainter, transform: ScreenTransform, tiling: GridLookup
    ) -> None:
        """Outline the tiles that are meant, and explain what is drawn."""
        ratio = self.viewport().devicePixelRatioF()
        for tile in dict.fromkeys((self._tile, self._pointed)):
            if tile is not None:
                overlays.paint_tile(painter, transform, tiling, tile, ratio)
        if self.layers.grid and not tiling.scattered:
            every = thinning(tiling, transform)
            above = (20 + 32 * self.layers.scale_bar) * ratio
            place = QPointF(8 * ratio, transform.height - above)
            if every > 1:
                words = f"1 of {every} lines drawn"
                overlays.paint_label(painter, place, words, ratio)

    def _painted(self, transform: ScreenTransform) -> QImage:
        """Paint all layers that do not follow the cursor."""
        content, layers = self._content, self.layers
        base = QImage(transform.width, transform.height, QImage.Format.Format_RGB32)
        base.fill(self.background)
        ratio = self.viewport().devicePixelRatioF()
        width = max(1, round(ratio))
        with QPainter(base) as painter:
            if content.blocks is not None and layers.image:
                # Where an image ends that is as dark or as bright as what is around.
                height, side = content.blocks.picture.size
                edge = overlays.screen_box(((0, height), (0, side)), transform)
                painter.setPen(self.palette().mid().color())
                painter.drawRect(edge.adjusted(-1, -1, 0, 0))
                self.paint_picture(painter, transform)
            for found in self._overlays(transform, width):
                if found is not None:
                    top, left_, pixels = found
                    painter.drawImage(left_, top, as_image(pixels))
            if content.seams is not None and layers.seams:
                content.seams.paint(painter, transform)
            if content.blocks is not None and layers.marks:
                overlays.paint_marks(painter, transform, self.marks(transform), ratio)
            self._paint_legends(painter, transform, ratio)
            if content.blocks is not None and layers.scale_bar:
                paint_scale_bar(painter, transform, self.pixel_size, ratio)
            if content.minimap is not None and layers.minimap:
                content.minimap.paint(painter, transform, ratio)
        return base

    def _overlays(
        self, transform: ScreenTransform, width: int
    ) -> Iterator[tuple[int, int, NDArray[np.uint32]] | None]:
        """Yield where layers lie on the screen, and their pixels."""
        content, layers = self._content, self.layers
        if content.map is not None and (layers.map or layers.outline):
            shown = content.map_settings
            if not layers.outline:
                shown = replace(shown, threshold=None)
            yield content.map.paint(transform, shown, colors=layers.map)
        if content.tiling is not None and layers.coverage:
            yield coverage_of(content.tiling, transform, content.most)
        if content.mask is not None and layers.mask:
            yield mask_of(content.mask, transform, layers, 2 * width)
        if content.tiling is not None:
            yield 0, 0, lines_of(content.tiling, transform, layers, width)

    def _paint_legends(
        self, painter: QPainter, transform: ScreenTransform, ratio: float
    ) -> None:
        content, layers, room = self._content, self.layers, 0.0
        if content.tiling is not None and layers.coverage:
            entries = overlays.coverage_entries(content.most)
            title = "tiles per pixel"
            room = overlays.paint_legend(painter, transform, title, entries, ratio)
        mask = content.mask
        if mask is not None and mask.labels and layers.mask and layers.labels:
            entries = overlays.label_entries(mask)
            overlays.paint_legend(painter, transform, "labels", entries, ratio, room)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.refresh()
        super().changeEvent(event)

    def point_at(self, row: float, col: float) -> None:
        """Do as if the cursor were at a place of the image, and outline its tile."""
        tiling = self._content.tiling
        pointed = None
        if tiling is not None and math.isfinite(row):
            pointed = tiling.nearest(row, col)
        if pointed != self._pointed:
            self._pointed = pointed
            self.viewport().update()
        super().point_at(row, col)

    def _minimap_box(self, transform: ScreenTransform, ratio: float) -> QRectF | None:
        """Return where the minimap is, if it is shown."""
        minimap = self._content.minimap if self.layers.minimap else None
        return minimap.box(transform, ratio) if minimap else None

    # The mouse

    def set_ruler(self, on: bool) -> None:
        """Let a drag measure; else it pans the image, and nothing is measured."""
        self._measures = on
        self.ruler = self._measuring = None
        self._set_cursor()
        self.viewport().update()

    def _set_cursor(self) -> None:
        if self._measures:
            self.viewport().setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.viewport().unsetCursor()

    def _corner(self, point: QPointF) -> tuple[int, int]:
        row, column = self.place(point)
        return round(row), round(column)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to measure, or go where the minimap is pressed."""
        left = event.button() == Qt.MouseButton.LeftButton and not self.held
        if left and self._go_in_minimap(event.position(), inside=True):
            self._in_minimap = True
        elif left and self._measures and self.source is not None:
            self._measuring = self._corner(event.position())
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Measure up to here, or go on in the minimap."""
        if self._in_minimap:
            self._go_in_minimap(event.position(), inside=False)
        elif self._measuring is not None:
            self.ruler = Ruler(self._measuring, self._corner(event.position()))
            self.viewport().update()
        else:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._in_minimap or self._measuring is not None:
            self._in_minimap, self._measuring = False, None
        else:
            super().mouseReleaseEvent(event)
            if self._measures:
                self._set_cursor()

    def _go_in_minimap(self, point: QPointF, *, inside: bool) -> bool:
        """Go to a place of the minimap, if it is shown; say whether it was."""
        ratio, source = self.viewport().devicePixelRatioF(), self.source
        point, box = point * ratio, self._minimap_box(self.transform(), ratio)
        if box is None or source is None or (inside and not box.contains(point)):
            return False
        row = (point.y() - box.top()) / box.height() * source.size[0]
        self.state.go(row, (point.x() - box.left()) / box.width() * source.size[1])
        return True
