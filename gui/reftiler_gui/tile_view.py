"""One tile large, as the tiler cuts it: its defects, padding, border and coverage."""

from dataclasses import dataclass
from math import floor
from typing import Self

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import QCheckBox, QLabel, QWidget

from reftiler.errors import count
from reftiler.regions import Region, find_regions
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.jobs import Jobs
from reftiler_gui.layouts import flow, vbox
from reftiler_gui.model.anomaly_map import AnomalyMap
from reftiler_gui.model.colors import coverage_layer
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.overlay_settings import OverlaySettings
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.model.steps import Work
from reftiler_gui.model.tiles import ImageTiles
from reftiler_gui.overlays import (
    Marker,
    coverage_entries,
    paint_kept,
    paint_legend,
    paint_marks,
    screen_box,
)
from reftiler_gui.pan_zoom_view import Camera
from reftiler_gui.tile_cache import as_image
from reftiler_gui.widgets import ElidedLabel, button, filter_shortcuts, message_label

_HATCH = QColor(128, 128, 128, 170)
_RINGED = 200  # defects of a tile that are ringed at the most


@dataclass(frozen=True, eq=False)
class _Tile:
    """A tile as it was read."""

    tiles: ImageTiles
    number: int
    picture: ImagePyramid
    mask: MaskPyramid | None
    defects: tuple[Region, ...]
    most: int  # how many tiles share one of its pixels at the most
    result: AnomalyMap | ImagePyramid | None
    over: bool  # whether a map lies over the tile, or hides it

    @classmethod
    def read(cls, tiles: ImageTiles, number: int, show: str) -> Work[Self]:
        if show != "tile":
            yield from tiles.load_results([number])
        mask = tiles.mask(number)
        result = tiles.result(number) if show != "tile" else None
        return cls(
            tiles,
            number,
            result if isinstance(result, ImagePyramid) else tiles.picture(number),
            mask,
            () if mask is None else find_regions(mask.array),
            int(tiles.coverage(number).max()),
            result,
            show == "both",
        )


class _TileCanvas(ImageCanvas):
    """A canvas whose coordinates are those of a tile."""

    def __init__(self) -> None:
        super().__init__(Camera())
        self.layers = OverlaySettings(marks=False)  # they lie over the coverage here
        self.content: _Tile | None = None
        self.coverage = self.hatched = False
        self.setAccessibleName("Tile")

    def paint_over(self, painter: QPainter, transform: ScreenTransform) -> None:
        content, ratio = self.content, self.viewport().devicePixelRatioF()
        if content is None:
            return
        tiles, number = content.tiles, content.number
        height, width = tiles.size
        if self.coverage:
            top, bottom = transform.down((0, height))
            left, right = transform.across((0, width))
            rows, columns = tiles.coordinates(number)
            counts = tiles.view.coverage(
                rows[transform.rows[top:bottom].clip(0, height - 1)],
                columns[transform.cols[left:right].clip(0, width - 1)],
            )
            layer = coverage_layer(counts, content.most)
            if layer.size:
                painter.drawImage(left, top, as_image(layer))
        if self.hatched:
            for padding in tiles.padding(number):
                box = screen_box(padding, transform)
                painter.fillRect(box, QBrush(_HATCH, Qt.BrushStyle.BDiagPattern))
        if self.layers.mask:
            marks = [Marker(one.box) for one in content.defects[:_RINGED]]
            paint_marks(painter, transform, marks, ratio)
        taken = tiles.merged_part(number)
        if taken != ((0, height), (0, width)):
            paint_kept(painter, screen_box(taken, transform), ratio)
        if self.coverage:
            entries = coverage_entries(content.most)
            paint_legend(painter, transform, "tiles per pixel", entries, ratio)


class TileView(QWidget):
    """A tile with its mask, and what there is to know of it."""

    closed = Signal()
    stepped = Signal(int)  # the next tile is wanted (1), or the previous one (-1)
    image_wanted = Signal(int)  # the tile is to be shown in the image
    menu_wanted = Signal(QPoint)  # a menu is wanted at a point of the screen

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self.tile: int | None = None
        self.canvas = _TileCanvas()
        self.title = QLabel()
        self.words, self.pointed = message_label("Tile"), ElidedLabel()
        self.pointed.setAccessibleName("Pixel")
        self.pointed.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.mask_box, self.coverage = QCheckBox("Mas&k"), QCheckBox("&Coverage")
        self.hatch = QCheckBox("Hatch &padding")
        self.mask_box.setChecked(True)
        self.coverage.setToolTip("How many tiles a merge reads at each pixel")
        bar = flow(
            button("All tiles", self.closed.emit, "Back to the sheet (Esc)"),
            button(
                "Previous",
                lambda: self.stepped.emit(-1),
                "Previous tile of the sheet (Left)",
            ),
            button(
                "Next", lambda: self.stepped.emit(1), "Next tile of the sheet (Right)"
            ),
            *(self.title, self.mask_box, self.coverage, self.hatch),
            button("Show in the image", lambda: self.image_wanted.emit(self.tile)),
        )
        parts = bar, (self.canvas, 1), self.pointed, self.words
        self.setLayout(vbox(*parts, margin=0))
        self.setFocusProxy(self.canvas)
        keys = Qt.Key.Key_Escape, Qt.Key.Key_Backspace
        filter_shortcuts(self.canvas, more=keys)
        for box in (self.mask_box, self.coverage, self.hatch):
            box.toggled.connect(self._show_layers)
        self.canvas.hovered.connect(self._point)
        self.canvas.left.connect(lambda: self.pointed.say(" "))
        self.canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.canvas.customContextMenuRequested.connect(
            lambda point: self.menu_wanted.emit(self.canvas.mapToGlobal(point))
        )

    def show_tile(self, tiles: ImageTiles, tile: int, show: str = "tile") -> None:
        """Show a tile, or its result, as `reftiler_gui.contact_sheet.draw_tile`."""
        self.tile = tile
        self.title.setText(f"Tile {tile}  (0 to {len(tiles) - 1:,})")
        self._jobs.start(
            "Reading the tile",
            lambda: _Tile.read(tiles, tile, show),
            self._take,
            self._fail,
        )

    def _take(self, content: _Tile) -> None:
        self.canvas.content, self.canvas.message = content, ""
        self.canvas.present(content.picture, content.mask)
        found = content.result if isinstance(content.result, AnomalyMap) else None
        self.canvas.set_map(found, content.tiles.map_settings(over=content.over))
        self.mask_box.setEnabled(content.mask is not None)
        self.words.setText(_tile_words(content))
        self.pointed.say(" ")

    def _fail(self, words: str) -> None:
        self.canvas.content, self.canvas.message = None, words
        self.canvas.present(None)
        self.words.setText(words)

    def _show_layers(self) -> None:
        self.canvas.coverage = self.coverage.isChecked()
        self.canvas.hatched = self.hatch.isChecked()
        mask = self.mask_box.isChecked()
        self.canvas.set_layers(OverlaySettings(mask=mask, marks=False))

    def _point(self, row: float, column: float) -> None:
        content, words = self.canvas.content, " "
        here = floor(row), floor(column)
        value = None if content is None else content.picture.value(*here)
        if content is not None and value is not None:
            rows, columns = content.tiles.coordinates(content.number)
            place = int(rows[here[0]]), int(columns[here[1]])
            view = content.tiles.view
            inside = all(
                0 <= n < side for n, side in zip(place, view.size, strict=True)
            )
            numbers = " ".join(f"{part:.6g}" for part in value)
            parts = [f"row {here[0]}, column {here[1]} of the tile"]
            parts.append(f"row {place[0]}, column {place[1]} of the image")
            parts.append(f"value {numbers}")
            if isinstance(content.result, AnomalyMap):
                parts.append(f"result {content.result.value(*here):.6g}")
            parts.append(
                f"merged from {count(view.cover(*place), 'tile')}"
                if inside
                else "padding"
            )
            words = "   ·   ".join(parts)
        self.pointed.say(words)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = Qt.Key
        steps = {keys.Key_Left: -1, keys.Key_Right: 1}
        steps |= {keys.Key_PageUp: -1, keys.Key_PageDown: 1}
        key = Qt.Key(event.key())
        if key in (keys.Key_Escape, keys.Key_Backspace):
            self.closed.emit()
        elif key in steps:
            self.stepped.emit(steps[key])
        else:
            super().keyPressEvent(event)


def _tile_words(content: _Tile) -> str:
    tiles, number = content.tiles, content.number
    height, width = tiles.size
    (top, bottom), (left, right) = tiles.view.box(number)
    parts = [f"rows {top} to {bottom}, columns {left} to {right} of the image"]
    resampled = tiles.view.grid.axes[0].resampled
    parts.append(f"{width} × {height} px{', resampled' if resampled else ''}")
    padded = sum(
        (low[1] - low[0]) * (side[1] - side[0]) for low, side in tiles.padding(number)
    )
    if padded:
        mode = tiles.view.grid.tiler.pad_mode
        parts.append(f"{padded / (height * width):.1%} of it padding ({mode})")
    if content.mask is not None:
        area = content.mask.area
        marked = f"{count(len(content.defects), 'defect')}, {area:,} px"
        parts.append(marked if area else "no defect")
    border = tiles.view.grid.tiler.remove_border_count
    if any(border):
        sides = " × ".join(map(str, border[::-1]))
        parts.append(f"border removed: {sides} px, where it does not end the image")
    if tiles.merged_part(number) != ((0, height), (0, width)):
        parts.append("dashed: what a merge takes of it")
    parts.append(f"its pixels are in up to {count(content.most, 'tile')}")
    return "Tile " + f"{number}: " + "; ".join(parts) + "."
