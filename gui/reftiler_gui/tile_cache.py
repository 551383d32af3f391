"""The image on the screen: painted in blocks that are kept while they are of use."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from reftiler_gui.model.array_types import Span
from reftiler_gui.model.picture import Picture
from reftiler_gui.model.screen_transform import ScreenTransform

_SIDE = 512
_ROOM = 96  # blocks that are kept, a MiB each


def as_image(pixels: NDArray[np.uint32], *, opaque: bool = False) -> QImage:
    """Return pixels 0xAARRGGBB, their colours multiplied by alpha, as an image."""
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape
    kind = QImage.Format.Format_ARGB32_Premultiplied
    if opaque:
        kind = QImage.Format.Format_RGB32
    return QImage(pixels.data, width, height, 4 * width, kind)


class TileCache:
    """A picture in blocks."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self._kept: OrderedDict[tuple[int, bool, int, int], QImage] = OrderedDict()

    def clear(self) -> None:
        self._kept.clear()

    def forget(self, parts: Iterable[tuple[int, Span, Span]]) -> None:
        """Forget what was painted of some levels, rows and columns."""
        for level, rows, cols in parts:
            for row in range(rows[0] // _SIDE, -(-rows[1] // _SIDE)):
                for col in range(cols[0] // _SIDE, -(-cols[1] // _SIDE)):
                    for ready in (False, True):
                        self._kept.pop((level, ready, row * _SIDE, col * _SIDE), None)

    def paint(self, painter: QPainter, transform: ScreenTransform) -> None:
        picture = self.picture
        level = picture.level(transform.zoom)
        # What is enlarged has sharp pixels, what is reduced smooth ones.
        painter.setRenderHint(
            QPainter.RenderHint.SmoothPixmapTransform, transform.zoom * 2**level < 1
        )
        for rows, cols in _visible(transform, picture.level_size(level), level):
            top, bottom = (transform.y(min(r << level, picture.size[0])) for r in rows)
            left, right = (transform.x(min(c << level, picture.size[1])) for c in cols)
            target = QRectF(left, top, right - left, bottom - top)
            painter.drawImage(target, self._block(level, rows, cols))

    def _block(self, level: int, rows: Span, cols: Span) -> QImage:
        key = (level, self.picture.ready(level), rows[0], cols[0])
        found = self._kept.pop(key, None)
        if found is None:
            found = as_image(
                self.picture.region(level, rows, cols),
                opaque=not self.picture.has_alpha,
            )
        self._kept[key] = found
        while len(self._kept) > _ROOM:
            self._kept.popitem(last=False)
        return found


def _visible(
    transform: ScreenTransform, size: tuple[int, int], level: int
) -> Iterator[tuple[Span, Span]]:
    scale = transform.zoom * 2**level
    down = _blocks(transform.top / 2**level, transform.height / scale, size[0])
    across = _blocks(transform.left / 2**level, transform.width / scale, size[1])
    for rows in down:
        for cols in across:
            yield rows, cols


def _blocks(start: float, length: float, stop: int) -> list[Span]:
    first = max(0, int(start // _SIDE)) * _SIDE
    last = min(stop, int(np.ceil(start + length)))
    return [(low, min(low + _SIDE, stop)) for low in range(first, last, _SIDE)]
