"""Two settings side by side on the same image, and the difference between them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from reftiler.errors import TilingError
from reftiler_gui.camera import Camera
from reftiler_gui.flow_layout import FlowLayout
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.jobs import Jobs
from reftiler_gui.legend import DifferenceLegend
from reftiler_gui.model.comparison import (
    CoverageDifference,
    SettingsSide,
    settings_side,
    short_words,
)
from reftiler_gui.model.defects import Defects
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.overlays import Marker
from reftiler_gui.panes import PLAIN, SplitPane
from reftiler_gui.view_base import LazyView, filter_shortcuts, message_label

__all__ = ["SideBySideView"]

_JOB = "Comparing settings"
_Found = tuple[SettingsSide, SettingsSide, CoverageDifference | None]


class SideBySideView(LazyView):
    """
    The image with the tiles of two settings: A, which are pinned, and B, the form's.

    Parameters
    ----------
    jobs : Jobs
        Compare in the background.
    state : Camera
        The place and zoom of all panes; share it to link this view with others.
    """

    swapped = Signal(object)
    """The FormSettings that the form is to take."""
    noticed = Signal(str)
    """A sentence on what could not be done."""

    def __init__(
        self, jobs: Jobs, state: Camera, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._defects = Defects(())
        self.pinned: FormSettings | None = None
        self.found: _Found | None = None
        self.panes = tuple(SplitPane(ImageCanvas(state)) for _ in range(3))
        self.pin_button = QPushButton("Pin as &A")
        self.yaml_button = QPushButton("A from &YAML…")
        self.swap_button = QPushButton("S&wap A and B")
        self.with_difference = QCheckBox("&Difference")
        self.table = QTableWidget(2, 0)
        self.message = message_label("How the two settings differ")
        self.legend = DifferenceLegend()
        self._lay_out()
        self.pin_button.clicked.connect(lambda: self.pin(self.settings))
        self.yaml_button.clicked.connect(self._ask)
        self.swap_button.clicked.connect(self._swap)
        self.with_difference.toggled.connect(self.panes[2].setVisible)
        self.with_difference.toggled.connect(self.legend.setVisible)

    def pin(self, settings: FormSettings) -> None:
        """Take settings as A."""
        self.pinned = settings
        self.invalidate()

    def show_defects(self, defects: Defects) -> None:
        """Take the defects of the image, to count those that a tile holds whole."""
        self._defects = defects
        self.invalidate()

    def rebuild(self) -> None:
        """Compare the settings anew."""
        loaded = self.loaded
        self._jobs.cancel(_JOB)
        if self.pinned is None:
            self.pinned = self.settings
        if loaded is None or loaded.image is None:
            self._forget((loaded and loaded.words) or "No image is open.")
            return
        a, b, image, defects = self.pinned, self.settings, loaded.image, self._defects

        def compare() -> _Found:
            sides = settings_side(a, image, defects), settings_side(b, image, defects)
            first, second = (side.tiling for side in sides)
            if first is None or second is None:
                return (*sides, None)
            return (*sides, CoverageDifference(first, second))

        self._jobs.start(_JOB, compare, self._take, self._forget)

    def _forget(self, words: str) -> None:
        self.found = None
        for pane in self.panes:
            pane.canvas.message = words
            pane.canvas.present(None)
        self.table.setColumnCount(0)
        self.legend.set_limit(0)
        self.message.setText(words)

    def _take(self, found: _Found) -> None:
        loaded = self.loaded
        if loaded is None or loaded.image is None:
            return
        self.found = found
        for letter, side, pane in zip("AB", found[:2], self.panes, strict=False):
            pane.canvas.message = side.words
            image = loaded.image if side.tiling else None
            pane.canvas.present(image, loaded.mask, side.tiling)
            pane.canvas.set_most(side.most)
            pane.caption(f"{letter}: {short_words(side.settings)}")
        change, last = found[2], self.panes[2]
        last.canvas.message = "One of the two settings gives no tiles for this image."
        last.canvas.present(change)
        last.caption("B minus A: tiles that a pixel lies in")
        limit = max(abs(change.least), abs(change.most)) if change else 0
        self.legend.set_limit(limit)
        self._show_numbers(found)
        self._mark()

    def _show_numbers(self, found: _Found) -> None:
        """Fill the table, what differs in bold, and say how far coverage differs."""
        a, b, change = found
        names = list(dict.fromkeys([*a.numbers, *b.numbers]))
        self.table.setColumnCount(len(names))
        self.table.setHorizontalHeaderLabels(names)
        for column, name in enumerate(names):
            values = [side.numbers.get(name, "") for side in (a, b)]
            for row, words in enumerate(values):
                cell = QTableWidgetItem(words)
                font = cell.font()
                font.setBold(values[0] != values[1])
                cell.setFont(font)
                self.table.setItem(row, column, cell)
        if change is None:
            self.message.setText(a.words or b.words)
        elif a.settings == b.settings:
            self.message.setText(
                "A and B are the same settings: change the form, and B follows."
            )
        elif not change.share:
            self.message.setText("Every pixel lies in as many tiles with A as with B.")
        else:
            self.message.setText(
                f"Between A and B the number of tiles changes at {change.share:.1%} of "
                f"the pixels, by {change.least:+d} to {change.most:+d} and by "
                f"{change.mean:+.2f} on average."
            )

    def show_defect(self, region: object) -> None:
        """Ring another defect; nothing else depends on it."""
        self.region = region  # type: ignore[assignment]
        self._mark()

    def _mark(self) -> None:
        marks = [] if self.region is None else [Marker(self.region.box, strong=True)]
        for pane in self.panes:
            pane.canvas.set_marks(marks)

    def _swap(self) -> None:
        """Exchange the pinned settings and the form's."""
        pinned, self.pinned = self.pinned, self.settings
        if pinned is not None:
            self.swapped.emit(pinned)
        self.invalidate()

    def _ask(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Settings of A", "", "YAML (*.yaml *.yml)"
        )
        if path:
            try:
                self.pin(FormSettings.read(Path(path)))
            except (TilingError, TypeError, ImportError) as error:
                self.noticed.emit(str(error))

    def _lay_out(self) -> None:
        self.pin_button.setToolTip("Keep the settings of the form to compare with")
        self.yaml_button.setToolTip("Compare with the settings of a file")
        self.swap_button.setToolTip("The form takes A, and A what the form had")
        self.setFocusProxy(self.panes[0].canvas)
        self.panes[2].canvas.set_layers(PLAIN)
        for part in (self.panes[2], self.legend):
            part.hide()
        table = self.table
        table.setAccessibleName("Numbers of the two settings")
        table.setVerticalHeaderLabels(["A", "B"])
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        table.setTabKeyNavigation(False)
        wide = QHeaderView.ResizeMode.ResizeToContents
        table.horizontalHeader().setSectionResizeMode(wide)
        table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        lines = table.verticalHeader().defaultSectionSize() * 2
        head = table.horizontalHeader().sizeHint().height()
        table.setFixedHeight(lines + head + table.horizontalScrollBar().height() // 2)
        filter_shortcuts(table)
        bar = FlowLayout(12)
        for button in (self.pin_button, self.yaml_button, self.swap_button):
            bar.addWidget(button)
        bar.addWidget(self.with_difference)
        row = QHBoxLayout()
        for pane in self.panes:
            row.addWidget(pane, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.message, 1)
        foot.addWidget(self.legend)
        whole = QVBoxLayout(self)
        whole.addLayout(bar)
        whole.addLayout(row, 1)
        whole.addLayout(foot)
        whole.addWidget(table)
