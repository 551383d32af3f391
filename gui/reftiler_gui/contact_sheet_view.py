"""The contact sheet of all tiles: in which order, which of them, how large."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from reftiler_gui.contact_sheet_area import LARGEST, SMALLEST, ContactSheetArea
from reftiler_gui.fields import guard_field
from reftiler_gui.flow_layout import FlowLayout, labelled
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.contact_sheet import by_tile
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.model.merging import Merged
from reftiler_gui.view_base import LazyView, filter_shortcuts, message_label

__all__ = ["ContactSheetView"]

POSITION, DEFECTS, ERROR = range(3)
"""The orders, as the list has them."""

_MARKS, _ERRORS = "Counting defect pixels", "Measuring errors of tiles"


class ContactSheetView(LazyView):
    """
    All tiles of the image.

    Parameters
    ----------
    jobs : Jobs
        Counts defect pixels in the background.
    """

    tile_opened = Signal(int)
    """The tile that was clicked: go there."""
    error_wanted = Signal()
    """Somebody sorts by error, and `show_merged` has told none."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._merged: Merged | None = None
        self._marks: NDArray[np.int64] | None = None
        self._errors: NDArray[Any] | None = None
        self._trouble, self._asked = "", False
        self.area = ContactSheetArea()
        self.order = QComboBox()
        self.order.addItems(["Position", "Defect pixels", "Error after merging"])
        self.only = QCheckBox("&Only tiles with a defect")
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        for field in (self.order, self.size_slider):
            guard_field(field)
        self.size_slider.setRange(SMALLEST, LARGEST)
        self.size_slider.setValue(self.area.side)
        self.count, self.words = QLabel(), message_label("Chosen tile")
        self._lay_out()
        self.order.currentIndexChanged.connect(self._arrange)
        self.only.toggled.connect(self._arrange)
        self.size_slider.valueChanged.connect(self.area.set_side)
        self.area.resized_to.connect(self._follow)
        self.area.chosen.connect(self._tell)
        self.area.opened.connect(self.tile_opened)

    def show_merged(self, merged: Merged | None) -> None:
        """Take the merged image, whose errors tiles can be sorted by."""
        self._merged, self._errors, self._trouble = merged, None, ""
        if merged is not None and self.order.currentIndex() == ERROR:
            self._measure()

    def show_trouble(self, words: str) -> None:
        """Say why there is no merged image."""
        self._trouble, self._asked = words, False
        self._tell(self.area.current)

    def scale_by(self, steps: int) -> None:
        """Show tiles larger, or with a negative number smaller."""
        self.area.scale_by(steps)

    def show_item(self, loaded: LoadedImage | None) -> None:
        """Take another image, of which nothing is merged yet."""
        self._merged = None
        super().show_item(loaded)

    def show_tiling(self, tiling: GridLookup | None, settings: FormSettings) -> None:
        """Take other tiles, which are not merged yet."""
        self._merged = None
        super().show_tiling(tiling, settings)

    def rebuild(self) -> None:
        """Show the tiles, and count what is in them."""
        self._marks = self._errors = None
        self._trouble, self._asked = "", False
        self.area.show_tiles(self.loaded, self.tiling)
        for name in (_MARKS, _ERRORS):
            self._jobs.cancel(name)
        mask = self.loaded.mask if self.loaded else None
        self.only.setEnabled(mask is not None)
        if self.tiling is not None and mask is not None:
            view = self.tiling
            self._jobs.start(
                _MARKS, lambda: by_tile(view, mask.array), self._take_marks
            )
        self._arrange()

    def _lay_out(self) -> None:
        bar = FlowLayout(16)
        for part in (
            labelled("O&rder", self.order),
            self.only,
            labelled("Thumbnail si&ze", self.size_slider),
            self.count,
        ):
            bar.addWidget(part)
        self.size_slider.setFixedWidth(120)
        self.order.setAccessibleName("Order of the tiles")
        self.size_slider.setAccessibleName("Size of the tiles on the sheet")
        self.count.setAccessibleName("Number of tiles")
        whole = QVBoxLayout(self)
        whole.addLayout(bar)
        whole.addWidget(self.area, 1)
        whole.addWidget(self.words)
        self.setFocusProxy(self.area)
        filter_shortcuts(
            self.area, more=(Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus)
        )
        filter_shortcuts(self.order, self.size_slider)

    def _follow(self, side: int) -> None:
        """Put the slider where the sheet is, without setting that anew."""
        with QSignalBlocker(self.size_slider):
            self.size_slider.setValue(side)

    def _take_marks(self, marks: NDArray[np.int64]) -> None:
        self._marks = marks
        self.area.show_marks(marks)
        self._arrange()

    def _take_errors(self, errors: NDArray[Any]) -> None:
        self._errors = errors
        self._arrange()

    def _arrange(self) -> None:
        """Put the tiles in the order that is chosen, as far as it is known."""
        order, only = self.order.currentIndex(), self.only.isChecked()
        if order == ERROR and self._errors is None:
            self._measure()
        known = {DEFECTS: self._marks, ERROR: self._errors}.get(order)
        if only and self._marks is not None:
            held = self._marks > 0
            known = None if known is None else np.where(held, known, 0)
        only = only and self._marks is not None
        self.area.arrange(known, only=only, words=order == ERROR)
        self._tell(self.area.current)

    def _measure(self) -> None:
        """Find the largest error in each tile."""
        view, merged = self.tiling, self._merged
        if view is None:
            return
        if merged is None:
            if not self._asked:  # for the same tiles once is enough
                self._asked = True
                self.error_wanted.emit()
        else:
            self._jobs.start(
                _ERRORS,
                lambda: by_tile(view, np.abs(merged.difference)),
                self._take_errors,
            )

    def _tell(self, tile: int | None) -> None:
        self.count.setText(self._counted())
        self.words.setText(self._sentence(tile))

    def _counted(self) -> str:
        if self.tiling is None:
            return ""
        words = f"{len(self.tiling):,} tiles"
        if self._marks is not None:
            held = int(np.count_nonzero(self._marks))
            words += f", {held:,} with a defect"
        return words

    def _sentence(self, tile: int | None) -> str:
        missing = self._missing()
        if missing or tile is None or self.tiling is None:
            return (
                missing or "Click a tile to go there, or use the arrow keys and Enter."
            )
        (top, bottom), (left, right) = self.tiling.box(tile)
        words = f"Tile {tile}: rows {top} to {bottom}, columns {left} to {right}"
        if self._marks is not None:
            words += f", {int(self._marks[tile]):,} defect pixels"
        if self._errors is not None:
            words += f", largest error {float(self._errors[tile]):.4g}"
        return words + "."

    def _missing(self) -> str:
        """Return why the sheet is not what was asked for; nothing if it is."""
        loaded, order, shown = self.loaded, self.order.currentIndex(), self.area.sheet
        if loaded is None or loaded.image is None:
            return loaded.words if loaded else "No image is open."
        if self.tiling is None:
            return "These settings give no tiles for this image."
        if order == ERROR and self._errors is None:
            wait = "Merging the tiles to measure how far each is off…"
            return self._trouble or wait
        if order == DEFECTS and loaded.mask is None:
            return "This image has no mask, so no tile holds a defect pixel."
        empty = shown is not None and not len(shown)
        return "No tile holds a defect pixel." if empty else ""
