"""The canvas: an image, its mask and its tiles, to zoom and to pan."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent

from reftiler_gui import overlays
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
from reftiler_gui.overlays import Marker, Minimap, Ruler, paint_scale_bar
from reftiler_gui.pan_zoom_view import Camera, PanZoomView
from reftiler_gui.tile_cache import TileCache, as_image

Marks: TypeAlias = Callable[[Box, float], Sequence[Marker]]
Parts: TypeAlias = Mapping[Picture, Iterable[tuple[int, Span, Span]]]


class ImageCanvas(PanZoomView):
    """An image and what lies over it."""

    def __init__(self, state: Camera) -> None:
        super().__init__(state)
        self.layers = OverlaySettings()
        self.message = ""  # what stands in the middle while there is no image
        self.blocks: TileCache | None = None
        self.minimap: Minimap | None = None
        self.masked: MaskPyramid | None = None
        self.tiling: GridLookup | None = None
        self.map: AnomalyMap | None = None  # that which lies over the image
        self.map_settings = MapSettings()
        self.seams: TileCache | None = None
        self.most = 1  # tiles of a pixel, which have the brightest colour of coverage
        self._marks: Marks = lambda _box, _cell: ()
        self.tile: int | None = None  # the one that is outlined lastingly
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
        if source is None or (self.source and self.source.size != source.size):
            self.ruler = None
        if source is None:
            self.blocks = self.minimap = None
        elif source is not self.source:
            self.blocks, self.minimap = TileCache(source), Minimap(source)
        self.masked, self.map = mask, None
        self.set_tiling(tiling)

    def set_source(self, source: Picture) -> None:
        self.blocks = TileCache(source)
        self.refresh()

    def set_tiling(self, tiling: GridLookup | None, most: int = 0) -> None:
        """Show other tiles; ``most`` is how many share a pixel, if that is known."""
        self.tiling, self.most = tiling, most or 1
        self.tile = self._pointed = None
        self.state.bound(self.frame)
        if self.state.fitted and self.isVisible():
            self.fit()
        self.refresh()

    def set_map(self, found: AnomalyMap | None, settings: MapSettings) -> None:
        self.map, self.map_settings = found, settings
        self.refresh()

    def set_color_bar(self, settings: MapSettings | None, *, nan: bool = False) -> None:
        """Say what the colours of a picture that is a map itself mean, or nothing."""
        self._color_bar, self._nan = settings, nan
        self.viewport().update()

    @property
    def color_bar(self) -> MapSettings | None:
        over = self.map is not None and self.layers.map
        return self.map_settings if over else self._color_bar

    def set_seams(self, seams: Picture | None) -> None:
        self.seams = None if seams is None else TileCache(seams)
        self.refresh()

    def set_most(self, most: int) -> None:
        if most != self.most:
            self.most = most
            self.refresh()

    def set_layers(self, layers: OverlaySettings) -> None:
        self.layers = layers
        self.refresh()

    def set_marks(self, marks: Sequence[Marker] | Marks) -> None:
        """Mark places; of many, a function returns those in a box, one in each cell."""
        self._marks = marks if callable(marks) else lambda _box, _cell: marks
        self.refresh()

    def marks(self, transform: ScreenTransform) -> Sequence[Marker]:
        zoom, (top, left) = transform.zoom, (transform.top, transform.left)
        rows = int(top) - 1, math.ceil(top + transform.height / zoom)
        columns = int(left) - 1, math.ceil(left + transform.width / zoom)
        ratio = self.viewport().devicePixelRatioF()
        return self._marks((rows, columns), 2 * overlays.RING * ratio / zoom)

    def set_tile(self, tile: int | None) -> None:
        self.tile = tile
        self.viewport().update()

    @property
    def source(self) -> Picture | None:
        return self.blocks.picture if self.blocks else None

    def refresh(self) -> None:
        """Paint anew: the place, the layers or a level of the image have changed."""
        self._base = None
        self.viewport().update()

    def repaint_pixels(self, parts: Parts | None = None) -> None:
        """Paint changed pixels anew: all, or levels, rows and columns of pictures."""
        for blocks in (self.blocks, self.seams):
            if blocks is not None and parts is None:
                blocks.clear()
            elif blocks is not None and parts:
                blocks.forget(parts.get(blocks.picture, ()))
        if parts is None and self.minimap is not None:
            self.minimap.clear()
        self.refresh()

    # Where it is

    @property
    def frame(self) -> Box | None:
        if self.tiling is not None and self.layers.padding:
            return self.tiling.frame
        if self.source is None:
            return None
        height, width = self.source.size
        return (0, height), (0, width)

    def picture(self) -> QImage:
        return self.viewport().grab().toImage()

    # Painting

    @property
    def background(self) -> QColor:
        return self.palette().window().color().darker(108)

    def paint_picture(self, painter: QPainter, transform: ScreenTransform) -> None:
        if self.blocks is not None:
            self.blocks.paint(painter, transform)

    def paint_over(self, painter: QPainter, transform: ScreenTransform) -> None:
        """Paint more on top, in the screen's finest pixels; for subclasses."""

    def paintEvent(self, event: QPaintEvent) -> None:
        transform, ratio = self.transform(), self.viewport().devicePixelRatioF()
        if self._base is None:
            self._base = self._painted(transform)
        with QPainter(self.viewport()) as painter:
            painter.scale(1 / ratio, 1 / ratio)
            painter.drawImage(0, 0, self._base)
            if self.blocks is None:
                painter.setPen(self.palette().windowText().color())
                middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self._base.rect(), middle, self.message)
                return
            if self.color_bar is not None:
                box = self._minimap_box(transform, ratio)
                beside = transform.width - box.left() if box else 0.0
                over = self.map if self.layers.map else None
                nan = over.unknown > 0 if over is not None else self._nan
                overlays.paint_color_bar(
                    painter, transform, self.color_bar, ratio, beside, nan=nan
                )
            if self.tiling is not None:
                self._paint_tiles(painter, transform, self.tiling)
            self.paint_over(painter, transform)
            if self.ruler is not None:
                self.ruler.paint(painter, transform, self.pixel_size, ratio)

    def _paint_tiles(
        self, painter: QPainter, transform: ScreenTransform, tiling: GridLookup
    ) -> None:
        ratio = self.viewport().devicePixelRatioF()
        for tile in dict.fromkeys((self.tile, self._pointed)):
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
        layers = self.layers
        base = QImage(transform.width, transform.height, QImage.Format.Format_RGB32)
        base.fill(self.background)
        ratio = self.viewport().devicePixelRatioF()
        width = max(1, round(ratio))
        with QPainter(base) as painter:
            if self.blocks is not None and layers.image:
                # Where an image ends that is as dark or as bright as what is around.
                height, side = self.blocks.picture.size
                edge = overlays.screen_box(((0, height), (0, side)), transform)
                painter.setPen(self.palette().mid().color())
                painter.drawRect(edge.adjusted(-1, -1, 0, 0))
                self.paint_picture(painter, transform)
            for found in self._overlays(transform, width):
                if found is not None:
                    top, left_, pixels = found
                    painter.drawImage(left_, top, as_image(pixels))
            if self.seams is not None and layers.seams:
                self.seams.paint(painter, transform)
            if self.blocks is not None and layers.marks:
                overlays.paint_marks(painter, transform, self.marks(transform), ratio)
            self._paint_legends(painter, transform, ratio)
            if self.blocks is not None and layers.scale_bar:
                paint_scale_bar(painter, transform, self.pixel_size, ratio)
            if self.minimap is not None and layers.minimap:
                self.minimap.paint(painter, transform, ratio)
        return base

    def _overlays(
        self, transform: ScreenTransform, width: int
    ) -> Iterator[tuple[int, int, NDArray[np.uint32]] | None]:
        layers = self.layers
        if self.map is not None and (layers.map or layers.outline):
            shown = self.map_settings
            if not layers.outline:
                shown = replace(shown, threshold=None)
            yield self.map.paint(transform, shown, colors=layers.map)
        if self.tiling is not None and layers.coverage:
            yield coverage_of(self.tiling, transform, self.most)
        if self.masked is not None and layers.mask:
            yield mask_of(self.masked, transform, layers, 2 * width)
        if self.tiling is not None:
            yield 0, 0, lines_of(self.tiling, transform, layers, width)

    def _paint_legends(
        self, painter: QPainter, transform: ScreenTransform, ratio: float
    ) -> None:
        layers, room = self.layers, 0.0
        if self.tiling is not None and layers.coverage:
            entries = overlays.coverage_entries(self.most)
            title = "tiles per pixel"
            room = overlays.paint_legend(painter, transform, title, entries, ratio)
        mask = self.masked
        if mask is not None and mask.labels and layers.mask and layers.labels:
            entries = overlays.label_entries(mask)
            overlays.paint_legend(painter, transform, "labels", entries, ratio, room)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.refresh()
        super().changeEvent(event)

    def point_at(self, row: float, col: float) -> None:
        tiling = self.tiling
        pointed = None
        if tiling is not None and math.isfinite(row):
            pointed = tiling.nearest(row, col)
        if pointed != self._pointed:
            self._pointed = pointed
            self.viewport().update()
        super().point_at(row, col)

    def _minimap_box(self, transform: ScreenTransform, ratio: float) -> QRectF | None:
        minimap = self.minimap if self.layers.minimap else None
        return minimap.box(transform, ratio) if minimap else None

    # The mouse

    def set_ruler(self, on: bool) -> None:
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
        left = event.button() == Qt.MouseButton.LeftButton and not self.held
        if left and self._go_in_minimap(event.position(), inside=True):
            self._in_minimap = True
        elif left and self._measures and self.source is not None:
            self._measuring = self._corner(event.position())
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
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
