"""The list of images: search, filter, groups, thumbnails, problems of each."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QAction,
    QColor,
    QIcon,
    QImage,
    QKeyEvent,
    QPainter,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QToolButton,
    QWidget,
)

from reftiler.errors import TilingError, count, printable
from reftiler.io import open_image
from reftiler_gui.layouts import hbox, vbox
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import Check, ImageItem, ImageSet
from reftiler_gui.model.steps import Work
from reftiler_gui.tile_cache import as_image
from reftiler_gui.viewer_model import ViewerModel
from reftiler_gui.widgets import LETTERS, filter_shortcuts, named, narrow, plain_tip

Index = QModelIndex | QPersistentModelIndex

GROUPS = {"none": "without groups", "folder": "by folder", "label": "by label"}
"""How images can be grouped, and what it is called."""
_SIDE = 56  # of a thumbnail, in the screen's pixels
_THUMBNAILS = 1000  # that are kept
_LARGEST = 2**28  # bytes of pixels from which an image has no thumbnail
_SOON = 250  # milliseconds until what is known of the images is shown
_COLORS = {True: "#e69f00", False: "#009e73", None: "#8a9096"}
_WORDS = {True: "with a defect", False: "without a defect", None: "defects not known"}
_STATES = {
    "All images": lambda item, check: True,
    "With a defect": lambda item, check: check.has_defect is True,
    "Without a defect": lambda item, check: check.has_defect is False,
    "Defects not known": lambda item, check: check.has_defect is None,
    "With a problem": lambda item, check: bool(check.problems),
}


class _Rows(QAbstractListModel):
    """The rows of the list: a number for an image, a text for the head of a group."""

    made = Signal()  # there are more thumbnails

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.rows: list[int | str] = []
        self.sizes = Counter[str]()
        self.closed: set[str] = set()
        self.grouped = self.thumbnails = self.by_label = False
        self._pictures: OrderedDict[int, QImage | None] = OrderedDict()
        self._wanted: dict[int, None] = {}
        self._making = QTimer(self, singleShot=True, interval=30)
        self._making.timeout.connect(self._make)

    @property
    def images(self) -> ImageSet:
        return self._viewer.image_set

    def forget(self) -> None:
        self._pictures.clear()
        self._wanted.clear()
        self._viewer.jobs.cancel("Thumbnails")

    def show_rows(self, rows: list[int | str], sizes: Counter[str]) -> None:
        self.beginResetModel()
        self.rows, self.sizes = rows, sizes
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        roles = Qt.ItemDataRole
        if role == roles.SizeHintRole:  # narrow: names are elided, not scrolled
            high = _SIDE + 6 if self.thumbnails and isinstance(row, int) else 22
            return QSize(60, high)
        if isinstance(row, str):
            return self._head(row, role)
        item, check = self.images.items[row], self.images.known(row)
        if role == roles.DisplayRole:
            name = item.name.rpartition("/")[2] if self.grouped else item.name
            return printable(name)
        if role == roles.DecorationRole:
            return self._picture(row) if self.thumbnails else _icon(check)
        words = "; ".join((_WORDS[check.has_defect], *check.problems))
        if role == roles.AccessibleTextRole:
            return f"{item.name}, {words}"
        tip = f"{item.image or item.name}, {words}"
        return plain_tip(tip) if role == roles.ToolTipRole else None

    def _head(self, group: str, role: int) -> Any:
        name = printable(group) or ("no label" if self.by_label else "no sub-folder")
        if role == Qt.ItemDataRole.DisplayRole:
            arrow = "▸" if group in self.closed else "▾"
            return f"{arrow} {name}  ({self.sizes[group]:,})"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"group {name}, {count(self.sizes[group], 'image')}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(f"{name}: a click, ← or → hides and shows its images")
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if isinstance(self.rows[index.row()], str):
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    # Thumbnails

    def _picture(self, row: int) -> QIcon:
        """Return the thumbnail of an image; one that is not there yet is made."""
        if row not in self._pictures:
            self._wanted[row] = None
            if not self._making.isActive():
                self._making.start()
        return _icon(self.images.known(row), self._pictures.get(row), framed=True)

    def _make(self) -> None:
        if self._viewer.jobs.running("Thumbnails"):
            self._making.start()
            return
        images, wanted = self.images, list(self._wanted)[-32:]  # what is seen now

        def work() -> Work[dict[int, QImage | None]]:
            found = {}
            for row in reversed(wanted):
                found[row] = _thumbnail(images.items[row])
                yield len(found) / len(wanted)
            return found

        self._wanted.clear()
        self._viewer.jobs.start("Thumbnails", work, self._take)

    def _take(self, found: dict[int, QImage | None]) -> None:
        self._pictures.update(found)
        while len(self._pictures) > _THUMBNAILS:
            self._pictures.popitem(last=False)
        self.made.emit()  # `dataChanged` would lay out all rows again


def _thumbnail(item: ImageItem) -> QImage | None:
    """Return a small picture of an image; None where there is none."""
    try:
        if item.make is not None or item.image is None:
            array, alpha = item.make()[0] if item.make else np.zeros((1, 1)), False
        else:
            image = open_image(item.image)
            if np.prod(image.shape) * image.dtype.itemsize > _LARGEST:
                return None
            array, alpha = image[...], image.info.alpha
        step = max(1, max(array.shape[:2]) // (2 * _SIDE))
        small = ImagePyramid(np.ascontiguousarray(array[::step, ::step]), alpha=alpha)
        keep, smooth = Qt.AspectRatioMode, Qt.TransformationMode
        return as_image(small.whole(), opaque=not alpha).scaled(
            _SIDE, _SIDE, keep.KeepAspectRatio, smooth.SmoothTransformation
        )
    except (ImportError, TilingError):
        return None


def _icon(check: Check, image: QImage | None = None, *, framed: bool = False) -> QIcon:
    width, height = (_SIDE, _SIDE) if framed else (20, 14)
    picture = QPixmap(width, height)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if image is not None:
            left, top = (_SIDE - image.width()) // 2, (_SIDE - image.height()) // 2
            painter.drawImage(left, top, image)
        color = QColor(_COLORS[check.has_defect])
        painter.setPen(QColor("white") if framed else color)
        full = check.has_defect or framed
        painter.setBrush(color if full else Qt.BrushStyle.NoBrush)
        circle = QRectF(2, (2 if framed else height / 2 - 4), 8, 8)
        if check.has_defect is not None:
            painter.drawEllipse(circle)
        if check.problems:
            x, y = width - 7, circle.center().y()
            corners = ((x - 6, y + 5), (x + 6, y + 5), (x, y - 6))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor("#d55e00"))
            painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
            painter.setPen(QColor("white"))
            painter.drawLine(QPointF(x, y - 2), QPointF(x, y + 1))
            painter.drawPoint(QPointF(x, y + 3))
    return QIcon(picture)


class _Search(QLineEdit):
    """A field for a part of a name; Esc clears it, Enter and ↓ go on to the list."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__(placeholderText="Search", clearButtonEnabled=True)
        tip = "A part of the name (Ctrl+F); Esc clears it"
        named(self, "Search the names of images", tip)
        filter_shortcuts(self, more=(Qt.Key.Key_Escape,))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif key in (Qt.Key.Key_Escape, Qt.Key.Key_Down, Qt.Key.Key_Return):
            self.left.emit()
        else:
            super().keyPressEvent(event)


class _List(QListView):
    """The rows; ← and → hide and show the images of a group."""

    folded = Signal(QModelIndex, bool)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.folded.emit(self.currentIndex(), event.key() == Qt.Key.Key_Left)
        else:
            super().keyPressEvent(event)


class ImageList(QWidget):
    """The images that are open and pass the filter, and how many there are."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.rows = _Rows(viewer)
        self.search, self.filter = _Search(), QComboBox()
        self.view, self.options = _List(), QToolButton()
        self.place, self.numbers = QLabel(), QLabel()
        self.passed_over = QToolButton()
        self.grouping = "folder"  # one of `GROUPS`
        self._quiet, self._title = False, ""
        self._soon = QTimer(self, singleShot=True, interval=_SOON)
        self._lay_out()
        self._soon.timeout.connect(self._on_checked)
        self.search.textChanged.connect(self._refill)
        self.search.left.connect(self._go_on)
        self.filter.currentIndexChanged.connect(self._refill)
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self.view.clicked.connect(self._on_clicked)
        self.view.folded.connect(self._fold)
        self.rows.made.connect(self.view.viewport().update)
        viewer.opened.connect(self._on_opened)
        viewer.item_changed.connect(self._on_item)
        viewer.checked.connect(lambda: self._soon.isActive() or self._soon.start())

    def _lay_out(self) -> None:
        self.view.setModel(self.rows)
        self.view.setAccessibleName("Images")
        self.view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.view.setIconSize(QSize(20, 14))
        filter_shortcuts(self.view, more=LETTERS)
        narrow(named(self.filter, "Which images are listed"), 0)
        self.options.setText("⋮")
        named(self.options, "Groups and thumbnails", "Groups and thumbnails")
        self.options.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        notes = "What was found and passed over, and all problems"
        named(self.passed_over, "Notes on what is open", notes).setAutoRaise(True)
        self.numbers.setWordWrap(True)
        top = hbox((self.filter, 1), self.options)
        foot = self.place, self.numbers, self.passed_over
        whole = self.search, top, (self.view, 1), *foot
        self.setLayout(vbox(*whole, margin=(6, 0, 4, 4), gap=4))
        self.setMinimumWidth(90)
        self.setAccessibleName("List of images")
        self._fill_filter()
        self._show_numbers()

    def set_actions(
        self,
        options: Iterable[QAction],
        context: Iterable[QAction],
        passed_over: QAction,
    ) -> None:
        menu = QMenu(self.options)
        menu.addActions(list(options))
        self.options.setMenu(menu)
        self.view.addActions(list(context))
        self.passed_over.clicked.connect(passed_over.trigger)

    def start_search(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    def show_thumbnails(self, on: bool) -> None:
        self.rows.thumbnails = on
        self.view.setIconSize(QSize(_SIDE, _SIDE) if on else QSize(20, 14))
        self._refill()

    def group(self, kind: str) -> None:
        self.grouping, self.rows.by_label = kind, kind == "label"
        self.rows.closed.clear()
        self._refill()

    # What happened in the viewer

    def _on_opened(self) -> None:
        self.rows.forget()
        title, filtered = self._viewer.image_set.title, self.filter.currentText()
        again, self._title = title == self._title, title
        self._fill_filter()
        self._quiet = True
        if again:  # as after a reload: what was asked for still is
            self.filter.setCurrentIndex(max(0, self.filter.findText(filtered)))
        else:
            self.search.clear()
            self.rows.closed.clear()
        self._quiet = False
        self._refill()

    def _on_item(self) -> None:
        row = self._viewer.index
        if row not in self.rows.rows and row in self._viewer.order:
            self.rows.closed.discard(self._group_of(row))
            self._refill()
        self._choose(row)
        self._show_place()

    def _on_checked(self) -> None:
        if self.filter.currentIndex():
            self._refill()
        else:
            self.view.viewport().update()
            self._show_numbers()

    # What is listed

    def _fill_filter(self) -> None:
        items = self._viewer.image_set.items
        choices: dict[str, Callable[[ImageItem, Check], bool]] = dict(_STATES)
        for kind in ("label", "split"):
            for name in sorted({getattr(item, kind) for item in items} - {""}):
                choices[f"{kind.capitalize()}: {name}"] = partial(_has, kind, name)
        self._quiet = True
        self.filter.clear()
        for words, passes in choices.items():
            self.filter.addItem(words, passes)
        self._quiet = False

    def _refill(self) -> None:
        if self._quiet:
            return
        images = self._viewer.image_set
        text, passes = self.search.text().casefold(), self.filter.currentData()
        left = [
            row
            for row, item in enumerate(images.items)
            if text in item.name.casefold() and passes(item, images.known(row))
        ]
        groups: dict[str, list[int]] = {}
        for row in left:
            groups.setdefault(self._group_of(row), []).append(row)
        self.rows.grouped = len(groups) > 1
        rows: list[int | str] = []
        for group, members in groups.items():
            if self.rows.grouped:  # else there is no head to click
                rows.append(group)
            if not (self.rows.grouped and group in self.rows.closed):
                rows += members
        self._viewer.order = [row for members in groups.values() for row in members]
        if rows != self.rows.rows or self.sender() is not self._soon:
            place = self.view.verticalScrollBar().value()
            self.rows.show_rows(rows, Counter({g: len(m) for g, m in groups.items()}))
            self.view.verticalScrollBar().setValue(place)
            self._choose(self._viewer.index)
        self.view.viewport().update()
        self._show_numbers()

    def _group_of(self, row: int) -> str:
        item = self._viewer.image_set.items[row]
        if self.grouping == "label":
            return item.label
        return item.name.rpartition("/")[0] if self.grouping == "folder" else ""

    def _choose(self, row: int) -> None:
        self._quiet = True
        if row in self.rows.rows:
            index = self.rows.index(self.rows.rows.index(row))
            seen = self.view.viewport().rect().contains(self.view.visualRect(index))
            flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.view.selectionModel().setCurrentIndex(index, flag)
            if not seen:
                self.view.scrollTo(index, QListView.ScrollHint.PositionAtCenter)
        else:
            self.view.selectionModel().clear()
        self._quiet = False

    def _show_place(self) -> None:
        order, total = self._viewer.order, len(self._viewer.image_set.items)
        index = self._viewer.index
        at = f"{order.index(index) + 1:,}" if index in order else "None"
        among = "" if len(order) == total else f", {total:,} in all"
        self.place.setText(f"{at} of {len(order):,}{among}" if total else "No images")

    def _show_numbers(self) -> None:
        self._show_place()
        images = self._viewer.image_set
        checks = [images.known(row) for row in range(len(images.items))]
        known = Counter(check.has_defect for check in checks)
        named = {True: "with a defect", False: "without", None: "not known"}
        words = [f"{known[key]:,} {named[key]}" for key in named if known[key]]
        if problems := sum(bool(check.problems) for check in checks):
            words.append(f"{problems:,} with a problem")
        self.numbers.setText(", ".join(words))
        self.numbers.setVisible(bool(words))
        notes = len(images.notes) + len(images.problems)
        self.passed_over.setText(f"Notes ({notes:,})…")
        self.passed_over.setVisible(bool(notes))

    # The mouse and the keys

    def _on_current(self, current: QModelIndex) -> None:
        row = self.rows.rows[current.row()] if current.isValid() else ""
        if isinstance(row, int) and not self._quiet:
            self._viewer.go(row)

    def _on_clicked(self, index: QModelIndex) -> None:
        group = self.rows.rows[index.row()]
        if isinstance(group, str):
            self._fold(index, group not in self.rows.closed)

    def _fold(self, index: QModelIndex, close: bool) -> None:
        if not index.isValid() or not self.rows.grouped:
            return
        row = self.rows.rows[index.row()]
        group = row if isinstance(row, str) else self._group_of(row)
        (self.rows.closed.add if close else self.rows.closed.discard)(group)
        self._refill()
        head = self.rows.index(self.rows.rows.index(group))
        if close or isinstance(row, str):
            flag = QItemSelectionModel.SelectionFlag.NoUpdate
            self.view.selectionModel().setCurrentIndex(head, flag)

    def _go_on(self) -> None:
        """Leave the search: to the image that is shown, or the first that is found."""
        if self._viewer.order and self._viewer.index not in self._viewer.order:
            self._viewer.go(self._viewer.order[0])
        self.view.setFocus()


def _has(kind: str, name: str, item: ImageItem, _: Check) -> bool:
    return bool(getattr(item, kind) == name)
