"""Which tile size and overlap suit the defects of what is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QSplitter,
    QTableWidgetItem,
)

from reftiler_gui.advice_plot import AdvicePlot, DefectSizeHistogram
from reftiler_gui.fields import button
from reftiler_gui.jobs import Jobs
from reftiler_gui.labels import message_label, plain_tip
from reftiler_gui.layouts import hbox, turn, vbox
from reftiler_gui.model.advice import (
    Candidate,
    Snapshot,
    Survey,
    by_stride,
    candidates,
)
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import ImageItem
from reftiler_gui.status import JobProgress
from reftiler_gui.view_base import LazyView, filter_shortcuts, table_of_rows

__all__ = ["AdviceView"]

_WIDE = 680  # pixels from which table and plot stand side by side
_JOB = "Surveying the images"
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter

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
    """A cell that is sorted by a number, then by tile and overlap.

    Those of the best candidates are in bold.
    """

    def __init__(self, row: Candidate, words: str, number: float, tip: str) -> None:
        super().__init__(words)
        self.candidate = row
        self.order = number, row.settings.tile, row.overlap_size
        self.setTextAlignment(_RIGHT)
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
        """Take the images of another set: they are surveyed when the view is seen."""
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
        """Begin the survey, if there is none."""
        if self.survey is None and self.items and self.tiling is not None:
            self.run()
        self._refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put table and plot one above the other where there is no room."""
        super().resizeEvent(event)
        beside = event.size().width() >= _WIDE
        way = Qt.Orientation.Horizontal if beside else Qt.Orientation.Vertical
        if way != self.split.orientation():
            self.split.setOrientation(way)
            self.split.setSizes([560, 440])
        self.sizes.setVisible(beside)
        turn(self._foot, beside=beside)

    def run(self) -> None:
        """Survey all images anew, the settings in force among what is tried."""
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
        """Show one snapshot of what is known."""
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
        """Fill the table, and choose the setting that was chosen."""
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
        """Choose a row of the table."""
        for number in range(self.table.rowCount()):
            cell = self.table.item(number, 0)
            if isinstance(cell, _Cell) and cell.candidate.settings == settings:
                self.table.setCurrentItem(cell)
                self.table.scrollToItem(cell)

    def _pick(self, clicked: object) -> None:
        """Choose what the user clicked, and leave it chosen."""
        self._by_user = True
        if isinstance(clicked, FormSettings):
            self._choose(clicked)

    def _select(self, cell: QTableWidgetItem | None, _: object = None) -> None:
        if isinstance(cell, _Cell):
            self._chosen = self.plot.selected = cell.candidate.settings
            self.plot.update()
        self._offer()

    def _offer(self) -> None:
        """Say what the chosen setting does, and whether it can be taken."""
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
