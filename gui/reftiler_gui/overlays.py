"""What is painted last: outlines of tiles, rings around defects, the legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QImage, QPainter, QPen

from reftiler_gui.model.anomaly_map import UNKNOWN, MapSettings, color_table
from reftiler_gui.model.array_types import Box, Rgb
from reftiler_gui.model.colors import COLORS, UNCOVERED, label_colors, legend
from reftiler_gui.model.defects import Defects
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.model.texts import MARKED

__all__ = [
    "Marker",
    "coverage_entries",
    "label_entries",
    "marks_of",
    "paint_color_bar",
    "paint_kept",
    "paint_label",
    "paint_legend",
    "paint_marks",
    "paint_patch",
    "paint_tile",
    "screen_box",
    "set_font",
]


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
    def at(cls, row: int, column: int, words: str = "") -> Marker:
        """Return what marks a pixel; without words strongly."""
        return cls(((row, row + 1), (column, column + 1)), words, strong=not words)


def marks_of(
    defects: Defects, chosen: int | None, visible: Box, cell: float = 1.0
) -> list[Marker]:
    """
    Return rings around the defects in view, and a strong one around the chosen.

    Few tell their sizes. Of many in view only the largest of each square of ``cell``
    pixels of the image is ringed: the others lie beneath its ring.
    """
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
    """Return the ring around what is small."""
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
