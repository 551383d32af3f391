"""Scale bar, ruler and minimap of a canvas."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from reftiler_gui.model.picture import Picture
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.overlays import (
    INK,
    PAPER,
    paint_label,
    paint_patch,
    screen_box,
    set_font,
)
from reftiler_gui.tile_cache import as_image

__all__ = ["Minimap", "Ruler", "paint_scale_bar"]

PixelSize = tuple[float, float]  # height and width of a pixel in micrometers

_LONGEST = 160  # the screen's pixels that a scale bar takes at the most
_LARGEST = 150  # the same, of a side of the minimap
_PAD = 8
_UNITS = ((1e6, "m"), (1e3, "mm"), (1.0, "µm"), (0.0, "nm"))


def length_words(micrometers: float) -> str:
    """Write a length in the unit that people use for it."""
    per, unit = next(pair for pair in _UNITS if micrometers >= pair[0])
    return f"{micrometers / (per or 1e-3):.4g} {unit}"


def paint_scale_bar(
    painter: QPainter, transform: ScreenTransform, size: PixelSize | None, ratio: float
) -> None:
    """Draw a round length in the lower left corner, in pixels if no size is known."""
    each = size[1] if size else 1.0
    longest = _LONGEST * ratio / transform.zoom * each
    power = 10.0 ** math.floor(math.log10(longest))
    length = next(power * step for step in (5, 2, 1) if power * step <= longest)
    if size is None:
        length = max(1.0, length)
    words = length_words(length) if size else f"{length:.0f} px"
    wide = length / each * transform.zoom
    painter.save()
    room = max(wide, set_font(painter, ratio).horizontalAdvance(words))
    box = QRectF(0, 0, room + 2 * _PAD * ratio, 32 * ratio)
    box.moveBottomLeft(QPointF(_PAD * ratio, transform.height - _PAD * ratio))
    paint_patch(painter, box, 3 * ratio)
    upper = box.adjusted(0, 2 * ratio, 0, -12 * ratio)
    painter.drawText(upper, Qt.AlignmentFlag.AlignCenter, words)
    bar = QRectF(0, 0, wide, 4 * ratio)
    bar.moveCenter(QPointF(box.center().x(), box.bottom() - 9 * ratio))
    painter.fillRect(bar, PAPER)
    painter.restore()


@dataclass(frozen=True)
class Ruler:
    """A line between two corners of pixels."""

    start: tuple[int, int]
    stop: tuple[int, int]

    def words(self, size: PixelSize | None) -> str:
        """Write width × height and length."""
        down, across = (abs(b - a) for a, b in zip(self.start, self.stop, strict=True))
        found = f"{across} × {down} px, {math.hypot(down, across):.1f} px long"
        if size is None:
            return found
        high, wide = down * size[0], across * size[1]
        sides = f"{length_words(wide)} × {length_words(high)}"
        return f"{found}  ·  {sides}, {length_words(math.hypot(high, wide))} long"

    def paint(
        self,
        painter: QPainter,
        transform: ScreenTransform,
        size: PixelSize | None,
        ratio: float,
    ) -> None:
        """Draw it with its lengths."""
        ends = [
            QPointF(transform.x(col), transform.y(row))
            for row, col in (self.start, self.stop)
        ]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for color, wide in ((INK, 4 * ratio), (PAPER, 1.6 * ratio)):
            painter.setPen(QPen(color, wide))
            painter.setBrush(PAPER)
            painter.drawLine(QLineF(*ends))
            for end in ends:
                painter.drawEllipse(end, 2.5 * ratio, 2.5 * ratio)
        words = self.words(size)
        room = set_font(painter, ratio).horizontalAdvance(words) + 20 * ratio
        x = min(max(ends[1].x() + 10 * ratio, 0), transform.width - room)
        y = min(
            max(ends[1].y() + 16 * ratio, 12 * ratio), transform.height - 12 * ratio
        )
        paint_label(painter, QPointF(x, y), words, ratio)
        painter.restore()


class Minimap:
    """The image in the upper right corner, with a frame around what is in view."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._image: QImage | None = None

    def clear(self) -> None:
        """Forget what was painted: the pixels are others."""
        self._image = None

    def box(self, transform: ScreenTransform, ratio: float) -> QRectF | None:
        """Return where it lies on the screen; None if the whole image is in view."""
        height, width = self._picture.size
        view = QRectF(0, 0, transform.width, transform.height)
        if view.contains(screen_box(((0, height), (0, width)), transform)):
            return None
        longest = min(_LARGEST * ratio, transform.width / 3, transform.height / 3)
        share = longest / max(height, width)
        box = QRectF(0, 0, max(8.0, width * share), max(8.0, height * share))
        box.moveTopRight(QPointF(transform.width - _PAD * ratio, _PAD * ratio))
        return box

    def paint(
        self, painter: QPainter, transform: ScreenTransform, ratio: float
    ) -> None:
        """Draw it, if it is needed."""
        box = self.box(transform, ratio)
        if box is None:
            return
        height, width = self._picture.size
        if self._image is None:
            level = self._picture.level(box.width() / width)
            opaque = not self._picture.has_alpha
            self._image = as_image(self._picture.whole(level), opaque=opaque).scaled(
                round(box.width()),
                round(box.height()),
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        painter.save()
        painter.fillRect(box.adjusted(-2, -2, 2, 2), INK)
        painter.drawImage(box, self._image)
        scale = box.width() / width, box.height() / height
        view = QRectF(
            box.left() + transform.left * scale[0],
            box.top() + transform.top * scale[1],
            transform.width / transform.zoom * scale[0],
            transform.height / transform.zoom * scale[1],
        ).intersected(box)
        for color, wide in ((INK, 3 * ratio), (PAPER, 1.4 * ratio)):
            painter.setPen(QPen(color, wide))
            painter.drawRect(view)
        painter.restore()
