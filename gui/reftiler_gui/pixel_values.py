"""A canvas that writes into each pixel what it is, once there is room."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, qGray

from reftiler_gui.camera import Camera
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.tile_cache import ImageProvider

__all__ = ["PixelValueOverlay", "spelled"]

_ROOM = 44  # the screen's pixels for one of the image from which there is room
_BRIGHT = 135  # the grey from which writing is black
_SIZE = 12  # the height of the writing, in the screen's pixels


class PixelValueOverlay(ImageCanvas):
    """A canvas for small arrays."""

    def __init__(self, state: Camera) -> None:
        super().__init__(state)
        self._values: NDArray[Any] | None = None
        self._picture: ImageProvider | None = None

    def write(self, picture: ImageProvider | None, values: NDArray[Any] | None) -> None:
        """Show a picture and what its pixels are."""
        self._picture, self._values = picture, values
        self.present(picture)

    def paint_over(self, painter: QPainter, transform: ScreenTransform) -> None:
        """Write the numbers that can be seen."""
        ratio = self.viewport().devicePixelRatioF()
        if (
            self._values is None
            or self._picture is None
            or transform.zoom < _ROOM * ratio
        ):
            return
        height, width = self._values.shape
        rows = np.unique(transform.rows.clip(0, height - 1)).tolist()
        columns = np.unique(transform.cols.clip(0, width - 1)).tolist()
        pixels = self._picture.region(0, (0, height), (0, width))
        font = painter.font()
        font.setPixelSize(round(_SIZE * ratio))
        painter.setFont(font)
        for row in rows:
            for column in columns:
                color = QColor(int(pixels[row, column]))
                bright = qGray(color.rgb()) > _BRIGHT
                painter.setPen(QColor("black" if bright else "white"))
                corner = transform.x(column), transform.y(row)
                box = QRectF(*corner, transform.zoom, transform.zoom)
                words = spelled(self._values[row, column])
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)


def spelled(value: Any) -> str:
    """Write a number as shortly as tells it from its neighbours."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return f"{float(value):.6g}".replace("-", "−")
