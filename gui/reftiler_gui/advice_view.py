"""Which tile size and overlap suit the defects of what is open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QModelIndex, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from reftiler_gui.advice_plot import AdvicePlot
from reftiler_gui.advice_table import SORTED_BY, AdviceTable
from reftiler_gui.defect_size_histogram import DefectSizeHistogram
from reftiler_gui.flow_layout import turn
from reftiler_gui.job_progress import JobProgress
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.advice import Survey, candidates
from reftiler_gui.model.advice_texts import best_of, by_stride, summed_up, told
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import ImageItem
from reftiler_gui.view_base import LazyView, filter_shortcuts, message_label

__all__ = ["AdviceView"]

_WIDE = 680  # pixels from which table and plot stand side by side


class AdviceView(LazyView):
    """
    A table and a plot of settings, of which one can be taken.

    Parameters
    ----------
    jobs : Jobs
        Survey the images.
    """

    taken = Signal(object)
    """The `FormSettings` that somebody takes."""

    of_image = False

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.items: tuple[ImageItem, ...] = ()
        self.survey: Survey | None = None
        self._chosen: FormSettings | None = None
        self._by_hand = False
        self.busy = JobProgress(jobs, "Surveying the images")
        self.again = QPushButton("Survey &again")
        self.take = QPushButton("&Take this setting")
        self.sizes_words = message_label("Sizes of the defects")
        self.words = message_label("The chosen setting")
        self.sizes, self.plot = DefectSizeHistogram(), AdvicePlot()
        self.table, self.sorted, self.view = (
            AdviceTable(),
            QSortFilterProxyModel(),
            QTableView(),
        )
        self.split, self._foot = QSplitter(), QHBoxLayout()
        self._lay_out()
        self.again.clicked.connect(self.run)
        self.take.clicked.connect(self._take)
        self.view.doubleClicked.connect(self._take)
        self.view.activated.connect(self._take)
        self.view.selectionModel().currentRowChanged.connect(self._select)
        self.view.clicked.connect(self._pick)
        self.plot.chosen.connect(self._pick)
        self.plot.taken.connect(self.taken)

    def show_items(self, items: Sequence[ImageItem]) -> None:
        """Take the images of another document: the survey begins when it is seen."""
        if tuple(items) != self.items:
            self.items, self.survey = tuple(items), None
            self._chosen, self._by_hand = None, False
            self.invalidate()

    def show_tiling(self, tiling: GridLookup | None, settings: FormSettings) -> None:
        """Mark the settings that are in force; a survey that is done stays."""
        self.tiling, self.settings = tiling, by_stride(settings)
        self.table.set_current(self.settings)
        self.plot.set_current(self.settings)
        if self.survey is None:
            self.invalidate()
        else:
            self._offer()

    def rebuild(self) -> None:
        """Begin the survey, if there is none."""
        if self.survey is None and self.items and self.tiling is not None:
            self.run()
        self._refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
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
        survey = Survey(self.items, candidates(self.settings, longest))
        self.survey = survey
        self._refresh()
        self.busy.start(survey.run, self._done, self._fail, lambda _: self._refresh())

    def _done(self, _: None) -> None:
        self._refresh()
        best = best_of(self.survey)
        if best is not None and not self._by_hand:
            self._choose(best.settings)

    def _fail(self, words: str) -> None:
        self.sizes_words.setText(words)

    def _refresh(self) -> None:
        """Show what is known now."""
        survey = self.survey
        rows = survey.rows if survey else ()
        sizes = survey.sizes if survey else np.zeros((0, 2), np.int64)
        self.table.show_rows(rows, len(sizes))
        self.plot.show_rows(rows, len(sizes))
        self.sizes.show_sizes(sizes)
        self.sizes_words.setText(summed_up(survey, len(self.items)))
        self._offer()

    def _choose(self, settings: FormSettings) -> None:
        """Choose a row of the table."""
        for number, row in enumerate(self.table.rows):
            if row.settings == settings:
                index = self.sorted.mapFromSource(self.table.index(number, 0))
                self.view.setCurrentIndex(index)
                self.view.scrollTo(index)

    def _pick(self, what: object) -> None:
        """Choose what somebody clicked, and leave it chosen."""
        self._by_hand = True
        if isinstance(what, FormSettings):
            self._choose(what)

    def _select(self, index: QModelIndex) -> None:
        place = self.sorted.mapToSource(index)
        if place.isValid():
            self._chosen = self.table.rows[place.row()].settings
            self.plot.select(self._chosen)
        self._offer()

    def _offer(self) -> None:
        """Say what the chosen setting does, and whether it can be taken."""
        rows = [row for row in self.table.rows if row.settings == self._chosen]
        row = rows[0] if rows else None
        able = row is not None and not row.refused and row.settings != self.settings
        self.take.setEnabled(able)
        self.again.setEnabled(bool(self.items))
        defects = len(self.survey.sizes) if self.survey else 0
        now = " This is the setting in force." * bool(
            row and row.settings == self.settings
        )
        words = told(row, defects) + now if row else "Choose a row or a point."
        self.words.setText(words)

    def _take(self) -> None:
        if self._chosen is not None and self.take.isEnabled():
            self.taken.emit(self._chosen)

    def _lay_out(self) -> None:
        self.sorted.setSourceModel(self.table)
        self.sorted.setSortRole(SORTED_BY)
        view = self.view
        filter_shortcuts(view, self.plot)
        view.setModel(self.sorted)
        view.setAccessibleName("Settings to take")
        view.setSortingEnabled(True)
        view.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setTabKeyNavigation(False)
        view.setShowGrid(False)
        view.setAlternatingRowColors(True)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(24)
        header = view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)
        header.setHighlightSections(False)
        head = QHBoxLayout()
        head.addWidget(self.sizes_words, 1)
        head.addWidget(self.sizes)
        split = self.split
        split.addWidget(view)
        split.addWidget(self.plot)
        split.setSizes([560, 440])
        split.setChildrenCollapsible(False)
        buttons = QHBoxLayout()
        for widget in (self.busy, self.again, self.take):
            buttons.addWidget(widget)
        self._foot.addWidget(self.words, 1)
        self._foot.addLayout(buttons)
        whole = QVBoxLayout(self)
        whole.addLayout(head)
        whole.addWidget(split, 1)
        whole.addLayout(self._foot)
