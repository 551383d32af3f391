"""What is painted over images: tiles, rings, legends, scale bar, ruler and minimap."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QImage, QPainter, QPen

from reftiler_gui.model.anomaly_map import UNKNOWN, MapSettings, color_table
from reftiler_gui.model.array_types import Box, Rgb
from reftiler_gui.model.colors import COLORS, UNCOVERED, label_colors, legend
from reftiler_gui.model.defects import Defects
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.picture import Picture
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.model.texts import MARKED
from reftiler_gui.tile_cache import as_image

_NAMED = 12  # up to so many, with their sizes
RING = 22  # the diameter of a ring at the least
_LARGE = 60  # the size on the screen from which a box needs no ring
INK = QColor(20, 24, 28, 215)
PAPER = QColor(255, 255, 255)
_TILE = QColor(*COLORS["yellow"])


@dataclass(frozen=True)
class Marker:
    """A place to mark."""

    box: Box  # rows and columns, ends not included
    words: str = ""  # what stands beside it
    strong: bool = False  # whether it is the one that is meant now
    color: Rgb = COLORS["orange"]

    @classmethod
    def at(cls, row: int, column: int, words: str = "") -> Self:
        """Return what marks a pixel; without words strongly."""
        return cls(((row, row + 1), (column, column + 1)), words, strong=not words)


def marks_of(
    defects: Defects, chosen: int | None, visible: Box, cell: float = 1.0
) -> list[Marker]:
    """Return rings around defects in view; of many, the largest in each ``cell``."""
    boxes = defects.boxes
    low, high = np.array(visible).T
    meets = (boxes[..., 0] <= high) & (boxes[..., 1] >= low)
    shown = np.flatnonzero(meets.all(axis=1))
    if len(shown) > MARKED:
        middles = boxes[shown].sum(axis=2) // max(1, round(2 * cell))
        order = np.lexsort((-defects.sizes[shown].max(axis=1), *middles.T))
        first = np.ones(len(order), dtype=bool)
        first[1:] = (np.diff(middles[order], axis=0) != 0).any(axis=1)
        shown = np.sort(shown[order[first]])
    numbers = dict.fromkeys(shown.tolist())
    if chosen is not None:
        numbers[chosen] = numbers.pop(chosen, None)  # painted last
    marks = []
    for number in numbers:
        region = defects.regions[number]
        height, width = region.size
        words = f"{width} × {height} px" if len(defects) <= _NAMED else ""
        marks.append(Marker(region.box, words, strong=number == chosen))
    return marks


def paint_marks(
    painter: QPainter, transform: ScreenTransform, marks: Sequence[Marker], ratio: float
) -> None:
    """Ring small places and say what they are; large ones are framed."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    # What is smaller than a pixel is empty, and would meet nothing.
    screen = QRectF(-1, -1, transform.width + 2, transform.height + 2)
    rings: dict[Rgb, QImage] = {}
    for mark in marks:
        box = screen_box(mark.box, transform)
        if not box.adjusted(-1, -1, 1, 1).intersects(screen):
            continue
        long = max(box.width(), box.height())
        ring = QRectF(0, 0, *(2 * (max(RING * ratio, long + 12 * ratio),)))
        ring.moveCenter(box.center())
        small = long < _LARGE * ratio
        frame = ring if small else box.adjusted(-4, -4, 4, 4)
        if mark.strong or not small or long > (RING - 12) * ratio:
            _frame(painter, frame, mark, ratio, round_=small)
        else:  # all of one size: painting a picture is ten times faster
            if mark.color not in rings:
                rings[mark.color] = _ring_image(mark, ratio)
            half = rings[mark.color].width() / 2
            painter.drawImage(ring.center() - QPointF(half, half), rings[mark.color])
        if mark.words:
            corner = QPointF(frame.right() + 4 * ratio, frame.center().y())
            paint_label(painter, corner, mark.words, ratio)
    painter.restore()


def _frame(
    painter: QPainter, frame: QRectF, mark: Marker, ratio: float, *, round_: bool
) -> None:
    width = (3 if mark.strong else 1.6) * ratio
    for color, wide in ((INK, width + 2 * ratio), (QColor(*mark.color), width)):
        painter.setPen(QPen(color, wide))
        (painter.drawEllipse if round_ else painter.drawRect)(frame)


def _ring_image(mark: Marker, ratio: float) -> QImage:
    side = math.ceil((RING + 6) * ratio)
    image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    with QPainter(image) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(0, 0, RING * ratio, RING * ratio)
        frame.moveCenter(QPointF(side / 2, side / 2))
        _frame(painter, frame, mark, ratio, round_=True)
    return image


def paint_tile(
    painter: QPainter,
    transform: ScreenTransform,
    tiling: GridLookup,
    tile: int,
    ratio: float,
) -> None:
    """Outline a tile and, within, what is kept of it when its border is removed."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    box, kept = tiling.box(tile), tiling.kept(tile)
    outer = screen_box(box, transform)
    for color, wide in ((INK, 5 * ratio), (_TILE, 2.5 * ratio)):
        pen = QPen(color, wide)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        painter.drawRect(outer)
    clipped = tuple(
        (max(0, low), min(high, length))
        for (low, high), length in zip(box, tiling.size, strict=True)
    )
    if clipped != kept:
        paint_kept(painter, screen_box(kept, transform), ratio)
    if outer.width() > 60 * ratio:
        corner = QPointF(
            max(outer.left(), 0) + 6 * ratio, max(outer.top(), 0) + 14 * ratio
        )
        paint_label(painter, corner, f"tile {tile}", ratio)
    painter.restore()


def paint_kept(painter: QPainter, box: QRectF, ratio: float) -> None:
    """Dash the outline of what is kept of a tile."""
    dashed = QPen(_TILE, 1.5 * ratio, Qt.PenStyle.DashLine)
    for pen in (QPen(INK, 3 * ratio), dashed):
        painter.setPen(pen)
        painter.drawRect(box)


def paint_label(painter: QPainter, place: QPointF, words: str, ratio: float) -> None:
    """Write words on a dark patch, their left middle at a place."""
    painter.save()
    size = set_font(painter, ratio).boundingRect(words)
    pad = 4 * ratio
    patch = QRectF(0, 0, size.width() + 2 * pad, size.height() + pad)
    patch.moveLeft(place.x())
    patch.moveTop(place.y() - patch.height() / 2)
    paint_patch(painter, patch, 3 * ratio)
    painter.drawText(patch, Qt.AlignmentFlag.AlignCenter, words)
    painter.restore()


def paint_legend(
    painter: QPainter,
    transform: ScreenTransform,
    title: str,
    entries: Sequence[tuple[str, Rgb | None]],
    ratio: float,
    above: float = 0.0,
) -> float:
    """Say what colours mean, None hatching; return the room taken, with others'."""
    painter.save()
    line, swatch, pad = 18 * ratio, 14 * ratio, 8 * ratio
    advance = set_font(painter, ratio).horizontalAdvance
    rows = max((advance(words) for words, _ in entries), default=0) + swatch + pad
    width = max(advance(title), rows) + 2 * pad
    height = line * (len(entries) + 1) + 2 * pad
    left, top = transform.width - width - pad, transform.height - height - pad - above
    paint_patch(painter, QRectF(left, top, width, height), 4 * ratio)
    left, top = left + pad, top + pad
    middle = Qt.AlignmentFlag.AlignVCenter
    painter.drawText(QRectF(left, top, width, line), middle, title)
    for row, (words, color) in enumerate(entries, start=1):
        place = QRectF(left, top + row * line, swatch, swatch)
        painter.fillRect(place, QColor(60, 60, 60))
        kind = (
            Qt.BrushStyle.BDiagPattern if color is None else Qt.BrushStyle.SolidPattern
        )
        painter.fillRect(place, QBrush(QColor(*(color or UNCOVERED)), kind))
        text = QRectF(left + swatch + pad, top + row * line, width, swatch)
        painter.drawText(text, middle, words)
    painter.restore()
    return above + height + pad


def coverage_entries(most: int) -> list[tuple[str, Rgb | None]]:
    """Return the legend of the coverage layer."""
    return [
        (f"{number}", color if number else None) for number, color in legend(0, most)
    ]


def label_entries(mask: MaskPyramid, most: int = 12) -> list[tuple[str, Rgb | None]]:
    """Return the legend of a mask of several labels; of many, the first."""
    colors = label_colors(len(mask.labels))
    entries: list[tuple[str, Rgb | None]] = [
        (f"{label}: {count:,} px", color)
        for label, count, color in zip(mask.labels, mask.counts, colors, strict=True)
    ]
    left_out = len(entries) - most
    if left_out > 0:
        pixels = sum(mask.counts[most:])
        entries[most:] = [(f"{left_out} more: {pixels:,} px", (90, 90, 90))]
    return entries


def paint_color_bar(
    painter: QPainter,
    transform: ScreenTransform,
    settings: MapSettings,
    ratio: float,
    beside: float = 0.0,
    *,
    nan: bool = False,
) -> None:
    """Say which colour is which value, and NaN, in the upper right corner."""
    low, high = settings.low, settings.high
    if low is None or high is None or not low <= high:
        return
    painter.save()
    metrics, pad = set_font(painter, ratio), 8 * ratio
    ticks = {high: 0.0, low: 1.0}
    if settings.threshold is not None and low < settings.threshold < high:
        ticks[settings.threshold] = (high - settings.threshold) / (high - low)
    texts = {value: f"{value:.4g}" for value in ticks}
    written = [*texts.values(), *(["NaN"] if nan else [])]
    wide = max(metrics.horizontalAdvance(text) for text in written)
    bar = QRectF(0, 0, 12 * ratio, min(140 * ratio, transform.height / 3))
    right = transform.width - 2 * pad - wide - 6 * ratio - beside
    bar.moveTopRight(QPointF(right, 2.5 * pad))
    line, middle = metrics.height(), Qt.AlignmentFlag.AlignVCenter
    below = 1.5 * pad + (line + 0.5 * pad if nan else 0)
    patch = bar.adjusted(-pad, -1.5 * pad, wide + pad + 6 * ratio, below)
    paint_patch(painter, patch, 4 * ratio)
    colors = np.ascontiguousarray(color_table(settings.colormap)[::-1, np.newaxis])
    strip = QImage(colors.data, 1, len(colors), 4, QImage.Format.Format_RGB32)
    painter.drawImage(bar, strip)
    for value, share in ticks.items():
        y = bar.top() + share * bar.height()
        at_threshold = value not in (low, high)
        painter.setPen(QPen(PAPER, (2 if at_threshold else 1) * ratio))
        start = bar.left() if at_threshold else bar.right()
        painter.drawLine(QPointF(start, y), QPointF(bar.right() + 4 * ratio, y))
        near = min(share, 1 - share) * bar.height() < line
        if not (at_threshold and near):
            place = QRectF(bar.right() + 6 * ratio, y - line / 2, wide + 2, line)
            painter.drawText(place, middle, texts[value])
    if nan:
        swatch = QRectF(bar.left(), bar.bottom() + pad, bar.width(), line * 0.8)
        painter.fillRect(swatch, QColor(*UNKNOWN))
        place = QRectF(bar.right() + 6 * ratio, swatch.top(), wide + 2, swatch.height())
        painter.drawText(place, middle, "NaN")
    painter.restore()


def set_font(painter: QPainter, ratio: float) -> QFontMetricsF:
    """Write in the size of all that is painted over images; return its measures."""
    font = QFont(painter.font())
    font.setPixelSize(round(12 * ratio))
    painter.setFont(font)
    return QFontMetricsF(font)


def paint_patch(painter: QPainter, box: QRectF, radius: float) -> None:
    """Paint a dark patch, on which what follows is written in white."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(INK)
    painter.drawRoundedRect(box, radius, radius)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    painter.setPen(PAPER)


def screen_box(box: Box, transform: ScreenTransform) -> QRectF:
    """Return where rows and columns of the image lie on the screen."""
    (top, bottom), (left, right) = box
    start = QPointF(transform.x(left), transform.y(top))
    return QRectF(start, QPointF(transform.x(right), transform.y(bottom)))


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
