"""The contact sheet: all tiles as the tiler cuts them, sorted and filtered."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QBrush,
    QColor,
    QImage,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from reftiler.errors import TilingError
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.anomaly_map import AnomalyMap
from reftiler_gui.model.colors import COLORS
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.overlay_settings import OverlaySettings, mask_of
from reftiler_gui.model.screen_transform import ScreenTransform
from reftiler_gui.model.steps import Work
from reftiler_gui.model.tiles import ImageTiles, sorted_tiles
from reftiler_gui.tile_cache import as_image

SMALLEST, LARGEST = 32, 320  # the longer side of a thumbnail, in pixels of the screen

TILE = Qt.ItemDataRole.UserRole  # the role of a tile's number in the grid

_GAP, _CAPTION, _MARGIN = 12, 16, 6
_NARROW = 36  # the least width of a caption
_CAPTION_FROM = 56  # the side of a thumbnail below which its number has no room
_FITTED = range(200, 48, -8)  # sides that are tried so that all tiles are seen
_PLAIN = 72  # the side where none of them is small enough
_STEP = 1.25  # by which a key or a notch of the wheel enlarges
_CACHED = 2**26  # bytes of thumbnails
_AT_ONCE = 2**18  # pixels of a tile up to which a thumbnail is made while painting
_PAINTING = 0.02  # seconds that a repaint spends on new thumbnails
_BATCH = 2**23  # pixels of the tiles that a job reads before the sheet is repainted
_HATCH = QColor(128, 128, 128, 150)

Index = QModelIndex | QPersistentModelIndex


def draw_tile(
    tiles: ImageTiles, tile: int, size: QSize, show: str, *, mask: bool, hatched: bool
) -> QImage:
    """Draw a tile, its result, or both: the map over it; without a result the tile."""
    height, width = tiles.size
    result = tiles.result(tile) if show != "tile" else None
    source = tiles.source
    if isinstance(result, ImagePyramid):
        pixels = result.whole()
    else:
        pixels = source.painted(tiles.pixels(tile))
    smooth = size.width() < width or size.height() < height
    modes = Qt.TransformationMode
    drawn = as_image(pixels, opaque=not source.has_alpha).scaled(
        size,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        modes.SmoothTransformation if smooth else modes.FastTransformation,
    )
    across, down = size.width() / width, size.height() / height
    zoom = min(across, down)
    place = ScreenTransform(
        0.0, 0.0, zoom, *(max(1, round(n * zoom)) for n in tiles.size)
    )
    found, layers = tiles.mask(tile) if mask else None, []
    if isinstance(result, AnomalyMap):
        layers.append(result.paint(place, tiles.map_settings(over=show == "both")))
    if found is not None and found.area:
        layers.append(mask_of(found, place, OverlaySettings(), 2))
    over = QImage(place.width, place.height, QImage.Format.Format_ARGB32_Premultiplied)
    over.fill(0)
    with QPainter(over) as painter:
        for layer in filter(None, layers):
            painter.drawImage(layer[1], layer[0], as_image(layer[2]))
    with QPainter(drawn) as painter:
        if layers:
            painter.drawImage(drawn.rect(), over)
        for (top, bottom), (left, right) in tiles.padding(tile) if hatched else ():
            corner = QPointF(left * across, top * down)
            part = QRectF(corner, QPointF(right * across, bottom * down))
            painter.fillRect(part, QBrush(_HATCH, Qt.BrushStyle.BDiagPattern))
    return drawn


class TileListModel(QAbstractListModel):
    """Tiles in an order, each with a caption."""

    def __init__(self) -> None:
        super().__init__()
        self.tiles: ImageTiles | None = None  # the tiles; None for an empty list
        self.order: NDArray[np.int64] = np.arange(0)
        # how many pixels of the mask are marked in each tile, once it is known
        self.marked: NDArray[np.int64] | None = None
        # numbers that stand in the captions, such as errors; None for defect pixels
        self.values: NDArray[Any] | None = None

    def put(
        self,
        tiles: ImageTiles | None,
        order: NDArray[np.int64],
        marked: NDArray[np.int64] | None = None,
        values: NDArray[Any] | None = None,
    ) -> None:
        self.beginResetModel()
        self.tiles, self.order = tiles, order
        self.marked, self.values = marked, values
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.order)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        roles = Qt.ItemDataRole
        if role not in (TILE, roles.DisplayRole, roles.ToolTipRole):
            return None
        tile = int(self.order[index.row()])
        if role == TILE:
            return tile
        words = f"{tile}"
        if self.values is not None:
            words += f" · {self.values[tile]:.3g}"
        elif self.marked is not None and self.marked[tile]:
            words += f" · {self.marked[tile]:,} px"
        return words if role == roles.DisplayRole else f"Tile {words}"

    def find(self, tile: int) -> QModelIndex:
        """Return the index of a tile; an invalid one if it is not listed."""
        rows = np.flatnonzero(self.order == tile)
        return self.index(int(rows[0])) if rows.size else QModelIndex()


class _TileDelegate(QStyledItemDelegate):
    """Paints thumbnail, caption and frame of a tile."""

    def __init__(self, sheet: "TileList") -> None:
        super().__init__(sheet)
        self._sheet = sheet

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self._sheet.gridSize()

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: Index
    ) -> None:
        sheet, model = self._sheet, self._sheet.tile_model
        tile = int(model.order[index.row()])
        size = sheet.thumbnail_size
        box = option.rect
        place = QRect(box.left() + _GAP // 2, box.top() + _GAP // 2, *size.toTuple())
        frame = box.adjusted(3, 3, -3, -3)
        palette = sheet.palette()
        chosen = option.state & QStyle.StateFlag.State_Selected
        if chosen:
            painter.fillRect(frame, palette.highlight())
        elif model.marked is not None and model.marked[tile]:
            painter.setPen(QPen(QColor(*COLORS["orange"]), 2))
            painter.drawRect(frame.adjusted(1, 1, -1, -1))
        picture = sheet.thumbnail(tile)
        if picture is None:
            painter.fillRect(place, palette.mid())
        else:
            painter.drawImage(place, picture)
        if sheet.side >= _CAPTION_FROM:
            brush = palette.highlightedText() if chosen else palette.windowText()
            painter.setPen(brush.color())
            font = painter.font()
            font.setPixelSize(11)
            painter.setFont(font)
            wide = box.width() - _GAP
            line = QRect(place.left() + 1, place.bottom() + 1, wide, _CAPTION)
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(line, middle, str(index.data()))


class TileList(QListView):
    """Tiles in rows; thumbnails are made for what is seen."""

    opened = Signal(int)
    """A tile that was double-clicked, or for which Enter was pressed."""
    chosen = Signal(object)  # the number of the current tile, or None
    resized_to = Signal(int)
    """The side of thumbnails that fits, or that a key or the wheel has set."""
    failed = Signal(str)  # why tiles cannot be read

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self.tile_model = TileListModel()
        self.side, self._fitted = 96, True
        self.show_what, self.masked, self.hatched = "tile", True, False
        self._thumbnails: OrderedDict[int, QImage] = OrderedDict()
        self._wanted: list[int] = []
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._make_wanted)
        self._deadline, self._broken = 0.0, False
        self._in_rows, self._margins, self._limits = True, (0, 0, 0, 0), (0.0, 0.0)
        self.setAccessibleName("Contact sheet of tiles")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(4000)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.viewport().setBackgroundRole(self.backgroundRole())
        self.setItemDelegate(_TileDelegate(self))
        self.setModel(self.tile_model)
        self.doubleClicked.connect(lambda index: self.opened.emit(index.data(TILE)))
        self.selectionModel().currentChanged.connect(
            lambda index, _: self.chosen.emit(index.data(TILE))
        )

    # What is shown

    @property
    def tile(self) -> int | None:
        found = self.currentIndex().data(TILE)
        return None if found is None else int(found)

    def choose(self, tile: int | None) -> None:
        index = QModelIndex() if tile is None else self.tile_model.find(tile)
        self.setCurrentIndex(index)
        if index.isValid():
            self.scrollTo(index)

    def put(
        self,
        tiles: ImageTiles | None,
        values: NDArray[Any] | None = None,
        keep: NDArray[np.bool_] | None = None,
        marked: NDArray[np.int64] | None = None,
        *,
        captions: bool = False,
    ) -> None:
        """Show tiles in the order of `sorted_tiles`; captions may tell their values."""
        current, before = self.tile, self.tile_model.tiles
        if tiles is not before:
            self.clear_thumbnails()
        order = sorted_tiles(len(tiles) if tiles else 0, values, keep)
        self._in_rows = values is None and keep is None
        self.tile_model.put(tiles, order, marked, values if captions else None)
        self._lay_out()
        self.scrollToTop()
        self.choose(current)
        if self.tile is None:
            self.chosen.emit(None)

    def clear_thumbnails(self) -> None:
        self._jobs.cancel("Drawing tiles")
        self._thumbnails.clear()
        self._wanted = []
        self._broken = False
        self.viewport().update()

    # Sizes

    @property
    def thumbnail_size(self) -> QSize:
        height, width = self.tile_model.tiles.size if self.tile_model.tiles else (1, 1)
        scale = self.side / max(height, width)
        return QSize(max(8, round(width * scale)), max(8, round(height * scale)))

    def set_side(self, side: int) -> None:
        side = min(max(side, SMALLEST), LARGEST)
        if side == self.side:
            return
        index = self.currentIndex()
        if not index.isValid():
            index = self.indexAt(self.viewport().rect().center())
        self._fitted, self.side = False, side
        self.clear_thumbnails()
        self._lay_out()
        self.resized_to.emit(side)
        if index.isValid():
            self.scrollTo(index, QListView.ScrollHint.PositionAtCenter)

    def scale_by(self, steps: float) -> None:
        self.set_side(round(self.side * _STEP**steps))

    def _lay_out(self) -> None:
        """Fit the thumbnails until a size is set, and rows to those of the grid."""
        tiles, count, before = self.tile_model.tiles, len(self.tile_model.order), 0
        room = self.contentsRect().size() - QSize(2 * _MARGIN, 2 * _MARGIN)
        # Qt leaves room for the scroll bar, seen or not, and a pixel at the end.
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        room -= QSize(bar + 2, 0)
        columns, regular = 1, False
        if tiles is not None:
            regular = self._in_rows and not tiles.view.scattered
            before = self.side
            for side in (*_FITTED, _PLAIN) if self._fitted else (before,):
                self.side = side
                cell = self._cell()
                fitting = max(1, room.width() // cell.width())
                columns = min(tiles.view.shape[1], fitting) if regular else fitting
                if -(-count // columns) * cell.height() <= room.height():
                    break
        cell = self._cell()
        free = max(0, room.width() - columns * cell.width()) // 2 if regular else 0
        margins = (_MARGIN + free, _MARGIN, _MARGIN + free, _MARGIN)
        if cell != self.gridSize():
            self.setGridSize(cell)
        if margins != self._margins:
            self._margins = margins
            self.setViewportMargins(*margins)
        if before and self.side != before:
            self.clear_thumbnails()
            self.resized_to.emit(self.side)

    def _cell(self) -> QSize:
        size = self.thumbnail_size
        if self.side >= _CAPTION_FROM:
            size = QSize(max(size.width(), _NARROW), size.height() + _CAPTION)
        return size + QSize(_GAP, _GAP)

    # Thumbnails

    def thumbnail(self, tile: int) -> QImage | None:
        """Return the picture of a tile; None while it is being made."""
        found, tiles = self._thumbnails.get(tile), self.tile_model.tiles
        if found is not None:
            self._thumbnails.move_to_end(tile)
            return found
        if tiles is None or self._broken:
            return None
        height, width = tiles.size
        slow = height * width > _AT_ONCE or self.show_what != "tile"
        if slow or time.perf_counter() > self._deadline:
            self._wanted.append(tile)
            self._soon.start()
            return None
        try:
            found = self._drawing(tiles)(tile)
        except (TilingError, MemoryError) as error:
            self._fail(str(error))
            return None
        self._keep([(tile, found)])
        return found

    def _drawing(self, tiles: ImageTiles) -> Callable[[int], QImage]:
        """Return what draws a tile now, in any thread."""
        size = self.thumbnail_size * self.devicePixelRatioF()
        options = {"mask": self.masked, "hatched": self.hatched}
        show = self.show_what
        return lambda tile: draw_tile(tiles, tile, size, show, **options)

    def _make_wanted(self) -> None:
        tiles, wanted = self.tile_model.tiles, self._wanted
        self._wanted = []
        if tiles is None or self._jobs.running("Drawing tiles"):
            return
        height, width = tiles.size
        wanted = wanted[: max(1, _BATCH // (height * width))]
        draw, results = self._drawing(tiles), self.show_what != "tile"

        def made() -> Work[list[tuple[int, QImage]]]:
            found = []
            if results:
                yield from tiles.load_results(wanted)
            for done, tile in enumerate(wanted):
                found.append((tile, draw(tile)))
                yield done / len(wanted)
            return found

        self._jobs.start("Drawing tiles", made, self._keep, self._fail)

    def _keep(self, made: Iterable[tuple[int, QImage]]) -> None:
        tiles = self.tile_model.tiles
        if self.show_what != "tile" and tiles and tiles.limits != self._limits:
            self._limits = tiles.limits  # all tiles have one range of colours
            self._thumbnails.clear()
        for tile, picture in made:
            self._thumbnails[tile] = picture
            while len(self._thumbnails) * picture.sizeInBytes() > _CACHED:
                self._thumbnails.popitem(last=False)
        self.viewport().update()

    def _fail(self, words: str) -> None:
        self._broken = True
        self.failed.emit(words)

    # Events

    def paintEvent(self, event: QPaintEvent) -> None:
        self._deadline = time.perf_counter() + _PAINTING
        super().paintEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._lay_out()
        super().resizeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and self.tile is not None:
            self.opened.emit(self.tile)
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Search nothing: it would ask a hundred thousand tiles for their words."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.scale_by(event.angleDelta().y() / 120)
            event.accept()
        else:
            super().wheelEvent(event)
