"""Tiles small enough for a contact sheet, painted from the image's own pixels."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, Qt

from reftiler_gui.model.colors import mask_layer
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.tile_cache import as_image

__all__ = ["Thumbnails"]

_KEPT = 2**26  # bytes of painted tiles that are kept
_PADDING = QColor(128, 128, 128)


class Thumbnails:
    """
    Pictures of tiles at one size, the last ones kept.

    Parameters
    ----------
    loaded : LoadedImage
        The image, and its mask if there is one.
    view : GridLookup
        The tiles.
    side : int
        The longer side of a picture, in pixels of the screen's device.
    """

    def __init__(self, loaded: LoadedImage, view: GridLookup, side: int) -> None:
        assert loaded.image is not None
        self.source, self.mask, self.side = loaded.image, loaded.mask, side
        height, width = view.grid.tiler.tile_size
        self.zoom = max(1, side) / max(height, width)
        self.size = QSize(
            max(1, round(width * self.zoom)), max(1, round(height * self.zoom))
        )
        self.level = self.source.level(min(1.0, self.zoom))
        self.complete = self.source.ready(self.level)
        self._kept: OrderedDict[int, QImage] = OrderedDict()
        self._most = max(1, _KEPT // (4 * self.size.width() * self.size.height()))

    def get(self, tile: int, box: NDArray[np.int64], *, marked: bool) -> QImage:
        """Return a tile that lies in ``box``; ``marked`` draws the mask on it."""
        key = 2 * tile + marked
        image = self._kept.get(key)
        if image is None:
            image = self._kept[key] = self._painted(box, marked=marked)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return image

    def _painted(self, box: NDArray[np.int64], *, marked: bool) -> QImage:
        (top, bottom), (left, right) = box.tolist()
        image = QImage(self.size, QImage.Format.Format_RGB32)
        image.fill(QColor(225, 225, 225))
        height, width = self.source.size
        inside = (max(0, top), min(height, bottom)), (max(0, left), min(width, right))
        with QPainter(image) as painter:
            if inside != ((top, bottom), (left, right)):
                painter.fillRect(
                    image.rect(), QBrush(_PADDING, Qt.BrushStyle.BDiagPattern)
                )
            if inside[0][0] < inside[0][1] and inside[1][0] < inside[1][1]:
                smooth = QPainter.RenderHint.SmoothPixmapTransform
                painter.setRenderHint(smooth, self.zoom < 1)
                self._pixels(painter, (top, left), inside)
            if marked and self.mask is not None:
                shown = self.mask.view(
                    top, left, self.zoom, self.size.height(), self.size.width()
                )
                painter.drawImage(0, 0, as_image(mask_layer(shown)))
        return image

    def _pixels(
        self,
        painter: QPainter,
        corner: tuple[int, int],
        inside: tuple[tuple[int, int], tuple[int, int]],
    ) -> None:
        """Draw the part of a tile that lies in the image."""
        step = 1 << self.level
        spans = [(low // step, -(-high // step)) for low, high in inside]
        part = as_image(
            self.source.region(self.level, spans[0], spans[1]),
            opaque=not self.source.has_alpha,
        )
        (top, bottom), (left, right) = inside
        origin = (left / step - spans[1][0], top / step - spans[0][0])
        source = QRectF(*origin, (right - left) / step, (bottom - top) / step)
        painter.drawImage(
            QRectF(
                (left - corner[1]) * self.zoom,
                (top - corner[0]) * self.zoom,
                (right - left) * self.zoom,
                (bottom - top) * self.zoom,
            ),
            part,
            source,
        )
