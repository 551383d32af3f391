"""Which tile size and overlap suit the defects of what is open: a table and a plot."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QEvent,
    QPointF,
    QRectF,
    QSignalBlocker,
    QSize,
    QSizeF,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QBrush,
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QHeaderView,
    QSplitter,
    QTableWidgetItem,
    QToolTip,
    QWidget,
)

from reftiler_gui.jobs import Jobs
from reftiler_gui.layouts import hbox, turn, vbox
from reftiler_gui.model.advice import Candidate, Snapshot, Survey, by_stride, candidates
from reftiler_gui.model.colors import COLORS
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import ImageItem
from reftiler_gui.status import JobProgress
from reftiler_gui.view_base import LazyView
from reftiler_gui.widgets import (
    button,
    filter_shortcuts,
    message_label,
    plain_tip,
    table_of_rows,
)

_REACH = 14  # the screen's pixels from a point at which it is hit
_LEFT, _TOP, _RIGHT, _BOTTOM = 56, 34, -20, -46  # from the widget's edges to the axes
_TOP_PERCENT = 103.0  # so that what holds all is not at the edge
_COSTS = (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_ROOMY = 480  # the width from which there is room for all words
_CENTER = Qt.AlignmentFlag.AlignCenter
_AT_LEFT, _AT_RIGHT = (
    side | Qt.AlignmentFlag.AlignVCenter
    for side in (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
)


class AdvicePlot(QWidget):
    """Candidates: the pixels a model must look at, and the defects held whole."""

    chosen = Signal(object)  # the settings of the point that was clicked
    taken = Signal(object)  # the same, double-clicked: take them

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Plot of defects held whole against pixels of tiles")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(300, 170)
        self.selected: FormSettings | None = None
        self.current: FormSettings | None = None
        self._defects = 0
        self._rows: tuple[Candidate, ...] = ()
        self._lowest, self._costs = 0.0, (0.9, 1.12)

    def show_rows(self, rows: Sequence[Candidate], defects: int) -> None:
        self._rows = tuple(row for row in rows if row.work) if defects else ()
        self._defects = defects
        if self._rows:
            held = min(100 * row.whole / defects for row in self._rows)
            self._lowest = min(90.0, max(0.0, math.floor((held - 3) / 10) * 10.0))
            work = [row.work for row in self._rows]
            self._costs = min(work) * 0.9, max(work) * 1.12
        self.update()

    def point(self, row: Candidate) -> QPointF:
        return QPointF(self._x(row.work), self._y(100 * row.whole / self._defects))

    def at(self, point: QPointF) -> Candidate | None:
        hits = []
        for number, row in enumerate(self._rows):
            off = self.point(row) - point
            hits.append((math.hypot(off.x(), off.y()), not row.front, number))
        nearest = min(hits, default=(math.inf, False, 0))
        return self._rows[nearest[2]] if nearest[0] <= _REACH else None

    def sizeHint(self) -> QSize:
        return QSize(520, 420)

    def paintEvent(self, event: QPaintEvent) -> None:
        ink = self.palette().text().color()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(self.rect(), self.palette().base())
            painter.setPen(ink)
            if self._rows:
                self._paint_axes(painter, ink)
                self._paint_points(painter, ink)
                self._paint_names(painter)
            else:
                painter.drawText(self.rect(), _CENTER, "No defect is known yet.")
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(self.palette().highlight().color(), 2))
                painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if (row := self.at(event.position())) is not None:
            self.chosen.emit(row.settings)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if (row := self.at(event.position())) is not None:
            self.taken.emit(row.settings)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        shapes = Qt.CursorShape
        there = self.at(event.position()) is not None
        self.setCursor(shapes.PointingHandCursor if there else shapes.ArrowCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.selected is not None:
            self.taken.emit(self.selected)
        elif key in steps and self._rows:
            rows = sorted(self._rows, key=lambda row: (row.work, row.whole))
            places = [n for n, row in enumerate(rows) if row.settings == self.selected]
            place = places[0] + steps[Qt.Key(key)] if places else 0
            self.chosen.emit(rows[min(max(place, 0), len(rows) - 1)].settings)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            row = self.at(QPointF(event.pos()))
            words = row.sentence(self._defects) if row else ""
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)

    def _x(self, cost: float) -> float:
        low, high = self._costs
        share = math.log(cost / low) / math.log(high / low)
        return _LEFT + share * (self.width() + _RIGHT - _LEFT)

    def _y(self, value: float) -> float:
        share = (value - self._lowest) / (_TOP_PERCENT - self._lowest)
        bottom = self.height() + _BOTTOM
        return bottom - share * (bottom - _TOP)

    def _paint_axes(self, painter: QPainter, ink: QColor) -> None:
        faint = QColor(ink)
        faint.setAlpha(40)
        right, bottom = self.width() + _RIGHT, self.height() + _BOTTOM
        above = QRectF(10, 6, self.width() - 20, 20)
        below = QRectF(0, bottom + 20, self.width() - 8, 20)
        texts = [
            (below, _CENTER, "cost: pixels of all tiles for each pixel of the images"),
            (above, _AT_LEFT, "defects that lie whole in some tile"),
        ]
        if self.width() > _ROOMY:
            texts.append((above, _AT_RIGHT, "filled: no other is better in everything"))
        painter.setPen(faint)
        for value in range(int(self._lowest), 101, 10 if self._lowest >= 40 else 20):
            y = self._y(value)
            painter.drawLine(QPointF(_LEFT, y), QPointF(right, y))
            texts.append((QRectF(0, y - 10, _LEFT - 8, 20), _AT_RIGHT, f"{value}%"))
        for cost in _COSTS:
            x = self._x(cost)
            if _LEFT <= x <= right:
                painter.drawLine(QPointF(x, _TOP), QPointF(x, bottom))
                texts.append((QRectF(x - 30, bottom + 2, 60, 18), _CENTER, f"{cost:g}"))
        painter.setPen(ink)
        for place, align, words in texts:
            painter.drawText(place, align, words)

    def _paint_points(self, painter: QPainter, ink: QColor) -> None:
        pale = QColor(ink)
        pale.setAlpha(150)
        none = QBrush(Qt.BrushStyle.NoBrush)
        rings = (
            (self.current, 3, QColor(*COLORS["orange"])),
            (self.selected, 6, self.palette().highlight().color()),
        )
        for row in sorted(self._rows, key=lambda row: row.front):
            place, side = self.point(row), _radius(row)
            painter.setPen(QPen(QColor("white") if row.front else pale, 1.2))
            painter.setBrush(QColor(*COLORS["blue"]) if row.front else none)
            painter.drawEllipse(place, side, side)
            painter.setBrush(none)
            for settings, more, color in rings:
                if row.settings == settings:
                    painter.setPen(QPen(color, 2.5))
                    painter.drawEllipse(place, side + more, side + more)

    def _paint_names(self, painter: QPainter) -> None:
        """Write what the points are, the most important first, where there is room."""
        painter.setPen(self.palette().text().color())
        known = (self.selected, self.current)
        taken, named = list[QRectF](), set()
        for row in self._rows:
            point, side = self.point(row), _radius(row)
            corner = point - QPointF(side, side)
            taken.append(QRectF(corner, QSizeF(2 * side, 2 * side)))

        def importance(row: Candidate) -> tuple[bool, bool, int]:
            is_selected, is_current = (row.settings == one for one in known)
            return not is_selected, not is_current, -row.whole

        for row in sorted(self._rows, key=importance):
            same = (row.whole, row.work, row.settings.tile)
            if row.settings in known or (row.front and same not in named):
                named.add(same)
                self._paint_name(painter, row, taken)

    def _paint_name(
        self, painter: QPainter, row: Candidate, taken: list[QRectF]
    ) -> None:
        now = " now" * (row.settings == self.current)
        words = f"{row.cells(self._defects)[0]} / {row.overlap}{now}"
        wide = painter.fontMetrics().horizontalAdvance(words) + 4
        side, point = _radius(row) + 8, self.point(row)
        axes = QRectF(self.rect()).adjusted(_LEFT - 12, _TOP - 6, _RIGHT + 16, _BOTTOM)
        places = [(-wide / 2, y) for y in (side, -side - 16, side + 18, side + 36)]
        for x, y in (*places[:2], (side, -8), (-side - wide, -8), *places[2:]):
            box = QRectF(point.x() + x, point.y() + y, wide, 16)
            if axes.contains(box) and not any(map(box.intersects, taken)):
                taken.append(box)
                painter.drawText(box, _CENTER, words)
                return


def _radius(row: Candidate) -> float:
    return 4 + math.sqrt(min(row.settings.tile)) / 6


class DefectSizeHistogram(QWidget):
    """How many defects there are of each length, in steps that double."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: list[tuple[str, int]] = []
        self.setMinimumHeight(98)

    def show_sizes(self, sizes: NDArray[np.int64]) -> None:
        steps = np.log2(sizes.max(axis=1, initial=1)).astype(int)
        counts = np.bincount(steps).tolist()
        self._counts = [
            (f"{2**n}-{2 ** (n + 1) - 1}" if n else "1", counts[n])
            for n in range(int(steps.min(initial=len(counts))), len(counts))
        ]
        words = ", ".join(f"{count} of {name} px" for name, count in self._counts)
        self.setAccessibleName(f"Sizes of the defects: {words or 'none'}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, 106)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._counts:
            return
        most = max(count for _, count in self._counts)
        wide = min(84.0, self.width() / len(self._counts))
        line = self.fontMetrics().height()
        room = self.height() - 3 * line - 4
        with QPainter(self) as painter:
            for n, (name, count) in enumerate(self._counts):
                left, high = n * wide, max(2.0 * bool(count), room * count / most)
                bar = QRectF(left + 4, line + room - high, wide - 8, high)
                painter.fillRect(bar, QColor(*COLORS["orange"]))
                above = QRectF(left, room - high, wide, line)
                painter.drawText(above, _CENTER, f"{count:,}")
                below = QRectF(left, line + room + 2, wide, line)
                painter.drawText(below, _CENTER, name)
            whole = QRectF(0, self.height() - line, wide * len(self._counts), line)
            painter.drawText(whole, _CENTER, "length of the defects, px")


_WIDE = 680  # pixels from which table and plot stand side by side
_JOB = "Surveying the images"

_COLUMNS: tuple[tuple[str, str, Callable[[Candidate], float]], ...] = (
    ("Tile", "Width × height of a tile, px", lambda row: row.settings.tile[0]),
    ("Overlap", "Pixels neighbouring tiles share", lambda row: max(row.overlap_size)),
    ("Whole", "Defects that lie whole in some tile", lambda row: row.whole),
    ("Tiles", "Tiles of all images", lambda row: row.tiles),
    ("Cost", "Pixels of all tiles for each pixel of the images", lambda row: row.work),
    (
        "Resized",
        "Median side of the defects, were each image resized to one such tile",
        lambda row: row.resized or 0,
    ),
    (
        "Contrast",
        "Median contrast that resizing leaves of them",
        lambda row: row.contrast or 0,
    ),
)
"""Titles, tool tips, and what the columns are sorted by."""


class _Cell(QTableWidgetItem):
    """A cell sorted by a number, then by tile and overlap; the best are bold."""

    def __init__(self, row: Candidate, words: str, number: float, tip: str) -> None:
        super().__init__(words)
        self.candidate = row
        self.order = number, row.settings.tile, row.overlap_size
        self.setTextAlignment(_AT_RIGHT)
        self.setToolTip(plain_tip(tip))
        font = self.font()
        font.setBold(row.front)
        self.setFont(font)

    def __lt__(self, other: object) -> bool:
        return isinstance(other, _Cell) and self.order < other.order


class AdviceView(LazyView):
    """A table and a plot of settings, of which one can be taken."""

    taken = Signal(object)  # the `FormSettings` that the user takes

    of_image = False

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self.items: tuple[ImageItem, ...] = ()
        self.survey: Survey | None = None
        self._shown: Snapshot | None = None
        self._chosen: FormSettings | None = None
        self._by_user = False
        self.busy = JobProgress(jobs, _JOB)
        self.again = button("Survey &again", self.run)
        self.take = button("&Take this setting", self._take)
        self.sizes_words = message_label("Sizes of the defects")
        self.words = message_label("The chosen setting")
        self.sizes, self.plot = DefectSizeHistogram(), AdvicePlot()
        self.table = table_of_rows("Settings to take", [c[0] for c in _COLUMNS])
        self.split = QSplitter()
        self._foot = hbox((self.words, 1), hbox(self.busy, self.again, self.take))
        self._lay_out()
        self.busy.cancelled.connect(self._refresh)
        table = self.table
        for signal in (table.doubleClicked, table.activated):
            signal.connect(lambda *_: self._take())
        table.currentItemChanged.connect(self._select)
        table.clicked.connect(self._pick)
        self.plot.chosen.connect(self._pick)
        self.plot.taken.connect(self.taken)

    def show_items(self, items: Sequence[ImageItem]) -> None:
        if tuple(items) != self.items:
            self._jobs.cancel(_JOB)
            self.items, self.survey = tuple(items), None
            self._chosen, self._by_user = None, False
            self.invalidate()

    def show_tiling(self, tiling: GridLookup | None, settings: FormSettings) -> None:
        """Mark the settings that are in force; a survey that is done stays."""
        self.tiling, self.settings = tiling, by_stride(settings)
        self.plot.current, self._shown = self.settings, None
        if self.survey is None:
            self.invalidate()
        else:
            self._refresh()

    def rebuild(self) -> None:
        if self.survey is None and self.items and self.tiling is not None:
            self.run()
        self._refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = event.size().width() >= _WIDE
        way = Qt.Orientation.Horizontal if beside else Qt.Orientation.Vertical
        if way != self.split.orientation():
            self.split.setOrientation(way)
            self.split.setSizes([560, 440])
        self.sizes.setVisible(beside)
        turn(self._foot, beside=beside)

    def run(self) -> None:
        longest = max(self.tiling.size) if self.tiling else 1024
        self.survey = Survey(self.items, candidates(self.settings, longest))
        self.busy.start(
            self.survey.run,
            self._done,
            self.sizes_words.setText,
            lambda _: self._refresh(),
        )
        self._refresh()

    def _done(self, _: None) -> None:
        self._refresh()
        best = self._shown.best if self._shown else None
        if best is not None and not self._by_user:
            self._choose(best.settings)

    def _refresh(self) -> None:
        shown = self.survey.snapshot if self.survey else Snapshot()
        words = "Open a folder with images and masks to see which tiles suit it."
        if self.survey is not None:
            running = self._jobs.running(_JOB)
            stopped = not running and shown.images + len(shown.problems) < shown.total
            words = "Cancelled: only " * stopped + shown.sentence
        if shown is self._shown and words == self.sizes_words.text():
            return
        self.sizes_words.setText(words)
        if shown is not self._shown:
            self._shown = shown
            self._fill(shown)
            self.plot.show_rows(shown.rows, len(shown.sizes))
            self.sizes.show_sizes(shown.sizes)
        self._offer()

    def _fill(self, shown: Snapshot) -> None:
        table, defects = self.table, len(shown.sizes)
        blocker = QSignalBlocker(table)
        table.setSortingEnabled(False)
        table.setRowCount(len(shown.rows))
        for number, row in enumerate(shown.rows):
            tip, now = row.sentence(defects), row.settings == self.settings
            tile, *others = row.cells(defects)
            for column, words in enumerate(["▸ " * now + tile, *others]):
                key = _COLUMNS[column][2](row)
                table.setItem(number, column, _Cell(row, words, key, tip))
        table.setSortingEnabled(True)
        blocker.unblock()
        self._choose(self._chosen)

    def _choose(self, settings: FormSettings | None) -> None:
        for number in range(self.table.rowCount()):
            cell = self.table.item(number, 0)
            if isinstance(cell, _Cell) and cell.candidate.settings == settings:
                self.table.setCurrentItem(cell)
                self.table.scrollToItem(cell)

    def _pick(self, clicked: object) -> None:
        self._by_user = True
        if isinstance(clicked, FormSettings):
            self._choose(clicked)

    def _select(self, cell: QTableWidgetItem | None, _: object = None) -> None:
        if isinstance(cell, _Cell):
            self._chosen = self.plot.selected = cell.candidate.settings
            self.plot.update()
        self._offer()

    def _offer(self) -> None:
        shown = self._shown or Snapshot()
        rows = (row for row in shown.rows if row.settings == self._chosen)
        row, words = next(rows, None), "Choose a row or a point."
        now = row is not None and row.settings == self.settings
        if row is not None:
            words = row.sentence(len(shown.sizes))
            words += " This is the setting in force." * now
        self.take.setEnabled(row is not None and not row.refused and not now)
        self.again.setEnabled(bool(self.items))
        self.words.setText(words)

    def _take(self) -> None:
        if self._chosen is not None and self.take.isEnabled():
            self.taken.emit(self._chosen)

    def _lay_out(self) -> None:
        table = self.table
        filter_shortcuts(table, self.plot)
        table.verticalHeader().setDefaultSectionSize(24)
        for column, (_, tip, _) in enumerate(_COLUMNS):
            role = Qt.ItemDataRole.ToolTipRole
            table.model().setHeaderData(column, Qt.Orientation.Horizontal, tip, role)
        table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)
        self.split.addWidget(table)
        self.split.addWidget(self.plot)
        self.split.setSizes([560, 440])
        self.split.setChildrenCollapsible(False)
        top = hbox((self.sizes_words, 1), self.sizes)
        self.setLayout(vbox(top, (self.split, 1), self._foot))
