"""The defects of the image one by one: what each is, and the tiles that hold it."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QLabel, QMenu, QToolButton, QWidget

from reftiler.errors import count
from reftiler.regions import Region
from reftiler_gui.jobs import Jobs
from reftiler_gui.layouts import hbox, turn, vbox
from reftiler_gui.model.defects import (
    DefectMetrics,
    DefectPreview,
    Defects,
    find_defects,
    look,
    preview_of_defect,
)
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.overlays import paint_label
from reftiler_gui.tile_cache import as_image
from reftiler_gui.widgets import message_label, named

_FINDING, _LOOKING = "Finding defects", "Looking at the defect"
_LISTED = 40  # tiles that the menu lists
_SIDE, _GAP, _RIM = 92, 6, 3  # the screen's pixels of the small pictures
_WIDE, _PICTURED, _LEAST = 560, 370, 220
"""Pixels for the sentence beside the pictures, for the pictures, and at the least."""


class DefectsBar(QWidget):
    """The line beneath the canvas, which is told what is open as `LazyView` is."""

    found = Signal(object)  # the `Defects` of the image, once they are known
    chosen = Signal(object)
    """The `Region` to look at, or None; the bar was asked for it: go there."""
    seen = Signal(object)  # what is left of it: a `DefectMetrics`
    tile_chosen = Signal(int)  # a tile that was picked from those that hold the defect

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self._loaded: LoadedImage | None = None
        self._tiling: GridLookup | None = None
        self._brief = self._seen = False
        self.defects, self.number = Defects(()), None
        self.back = _button("Previous defect", Qt.ArrowType.LeftArrow)
        self.forth = _button("Next defect", Qt.ArrowType.RightArrow)
        self.label = named(QLabel(), "Defect")
        self.tiles = named(QToolButton(), "Tiles that hold the defect")
        self.tiles.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.tiles.setMenu(QMenu(self.tiles))
        self.preview_of_defect = DefectPreviewButton()
        self.words = message_label("What is left of the defect")
        self._column = vbox(hbox(self.back, self.forth, self.label), self.tiles)
        head = hbox(self._column, self.preview_of_defect, (None, 1), gap=12)
        head.setAlignment(self._column, Qt.AlignmentFlag.AlignVCenter)
        self._whole = hbox(head, (self.words, 1), margin=(6, 4, 6, 4), gap=12)
        self.setLayout(self._whole)
        self.setMinimumWidth(_LEAST)
        self.back.clicked.connect(lambda: self.step(-1))
        self.forth.clicked.connect(lambda: self.step(1))
        self._tell("No image is open.")

    number: int | None  # that which is looked at

    @property
    def region(self) -> Region | None:
        return None if self.number is None else self.defects.regions[self.number]

    def show_item(self, loaded: LoadedImage | None) -> None:
        self._loaded, self._tiling = loaded, None
        self.defects, self.number = Defects(()), None
        mask = loaded.mask if loaded else None
        for name in (_FINDING, _LOOKING):
            self._jobs.cancel(name)
        if mask is None:
            words = "This image has no mask, so its defects are not known."
            if loaded is None or loaded.image is None:
                words = "No image is open." if loaded is None else ""
            self._tell(words)
        else:
            self._tell("Looking for defects…")
            self._jobs.start(
                _FINDING, lambda: find_defects(mask), self._take, self._fail_search
            )

    def show_tiling(self, tiling: GridLookup | None, settings: FormSettings) -> None:
        self._tiling = tiling
        self._look()

    def show_defect(self, region: Region | None) -> None:
        """Take another defect, without a signal."""
        number = self.defects.numbers.get(region) if region else None
        if region is None or number is not None:
            self.number = number
        self._look()

    def set_brief(self, brief: bool) -> None:
        """Leave out sentence and pictures, where a view has them; the height stays."""
        self._brief = brief
        self.words.setVisible(not brief)
        self._fit(self.width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit(event.size().width())

    def _fit(self, width: int) -> None:
        pictured = width >= _PICTURED
        for part, kept in ((self.preview_of_defect, pictured), (self.words, True)):
            policy = part.sizePolicy()
            policy.setRetainSizeWhenHidden(kept)
            part.setSizePolicy(policy)
        turn(self._column, beside=not pictured)
        turn(self._whole, beside=width >= _WIDE)
        self.preview_of_defect.setVisible(pictured and self._seen and not self._brief)

    def step(self, by: int) -> None:
        """Go to the next defect, or with −1 to the previous one; it goes round."""
        self.number = self.defects.after(self.number, by)
        self._look()
        if self.region is not None:
            self.chosen.emit(self.region)

    def pick(self, row: float, column: float, slack: float = 0) -> bool:
        number = self.defects.at(row, column, slack)
        if number is None:
            return False
        self.number = number
        self._look()
        self.chosen.emit(self.region)
        return True

    def _take(self, defects: Defects) -> None:
        self.defects = defects
        self.number = 0 if len(defects) else None
        self._tell("" if len(defects) else "Nothing is marked in the mask.")
        self.found.emit(defects)
        self._look()

    def _fail_search(self, words: str) -> None:
        self._tell(words)
        self.found.emit(self.defects)

    def _look(self) -> None:
        region, view, loaded = self.region, self._tiling, self._loaded
        self._name()
        if region is None or loaded is None or loaded.mask is None or view is None:
            self._jobs.cancel(_LOOKING)
            return
        image, mask = loaded.image, loaded.mask
        assert image is not None
        height, width = view.grid.tiler.tile_size

        def found() -> tuple[DefectMetrics, DefectPreview]:
            seen = look(image.array, mask, region, view, (height, width))
            return seen, preview_of_defect(image, region, (height, width))

        self._jobs.start(_LOOKING, found, self._take_seen, self._fail)

    def _take_seen(self, found: tuple[DefectMetrics, DefectPreview]) -> None:
        seen, shown = found
        self.words.setText(seen.sentence)
        self._show_preview(shown, seen.best)
        self._list_tiles(seen)
        self.seen.emit(seen)

    def _list_tiles(self, seen: DefectMetrics) -> None:
        menu, number = self.tiles.menu(), len(seen.tiles)
        menu.clear()
        for tile in seen.tiles[:_LISTED].tolist():
            best = " (holds most of it)" if tile == seen.best else ""
            action = menu.addAction(f"Tile {tile}{best}")
            action.triggered.connect(lambda *_, k=tile: self.tile_chosen.emit(k))
        if number > _LISTED:
            menu.addAction(f"and {number - _LISTED:,} more").setEnabled(False)
        self.tiles.setText(f"In {count(number, 'tile')}  ")
        self.tiles.setVisible(number > 0)

    def _fail(self, words: str) -> None:
        self._show_preview(None)
        self.words.setText(words)

    def _show_preview(
        self, shown: DefectPreview | None, tile: int | None = None
    ) -> None:
        self._seen = shown is not None
        self.preview_of_defect.show_preview(shown, tile)
        self._fit(self.width())

    def _name(self) -> None:
        number = len(self.defects)
        for button in (self.back, self.forth):
            button.setEnabled(number > 0)
        words = count(number, "defect") if number else ""
        if self.number is not None:
            words = f"Defect {self.number + 1:,} of {number:,}"
        self.label.setText(words)
        if self.number is None or self._tiling is None:
            self.tiles.hide()

    def _tell(self, words: str) -> None:
        self._show_preview(None)
        self.words.setText(words)
        self._name()


def _button(name: str, arrow: Qt.ArrowType) -> QToolButton:
    button = named(QToolButton(), name, name)
    button.setArrowType(arrow)
    return button


class DefectPreviewButton(QAbstractButton):
    """Two pictures: after resizing the image, and in a tile."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(2 * _SIDE + _GAP + 2 * _RIM, _SIDE + 2 * _RIM)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Left: after resizing. Right: in its tile. Click to compare")
        self.setAccessibleName("The defect resized, and in its tile: compare")
        self._pictures: list[QImage] = []
        self._names = ("resized", "")

    def show_preview(
        self, found: DefectPreview | None, tile: int | None = None
    ) -> None:
        self.setVisible(found is not None)
        pixels = (found.resized, found.original) if found else ()
        self._pictures = [as_image(one, opaque=found.opaque) for one in pixels if found]
        self._names = "resized", "in no tile" if tile is None else f"tile {tile}"
        self.update()

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            for number, picture in enumerate(self._pictures):
                left = _RIM + number * (_SIDE + _GAP)
                box = QRectF(left, _RIM, _SIDE, _SIDE)
                painter.drawImage(box, picture)
                painter.setPen(QPen(self.palette().mid().color(), 1))
                painter.drawRect(box)
                place = box.bottomLeft() + QPointF(3, -11)
                paint_label(painter, place, self._names[number], 1.0)
            if self.hasFocus() or self.isDown():
                painter.setPen(QPen(self.palette().highlight().color(), 2))
                painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
