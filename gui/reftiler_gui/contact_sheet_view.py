"""The Tiles tab: the contact sheet, and one of its tiles large."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QSignalBlocker, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLabel,
    QMenu,
    QStackedWidget,
)

from reftiler.errors import TilingError
from reftiler.io import write_image
from reftiler_gui.contact_sheet import LARGEST, SMALLEST, TileList
from reftiler_gui.exporting import fits_png
from reftiler_gui.jobs import Jobs
from reftiler_gui.layouts import as_widget, flow, labelled, vbox
from reftiler_gui.model.merged_pictures import SeamSurvey
from reftiler_gui.model.tile_results import TileResults
from reftiler_gui.model.tiles import ImageTiles, by_tile
from reftiler_gui.tile_cache import as_image
from reftiler_gui.tile_view import TileView
from reftiler_gui.view_base import LazyView
from reftiler_gui.widgets import filter_shortcuts, message_label, named, slider

POSITION, DEFECTS, SEAMS, RESULT = range(4)  # the orders, as the list has them

_MARKED, _LARGEST = "Counting defect pixels", "Reading all results"
_SAVED = "Tiles (*.png *.tif *.npy)"


class ContactSheetView(LazyView):
    """All tiles of the image."""

    tile_opened = Signal(int)  # a tile that is to be shown in the image
    survey_wanted = Signal()
    """Tiles are sorted by their seams, and `show_survey` has not given any."""
    noticed = Signal(str)  # a sentence on what was done

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self._marked: NDArray[np.int64] | None = None
        self._seams: NDArray[Any] | None = None
        self._largest: NDArray[np.float64] | None = None
        self._tiles: ImageTiles | None = None
        self._results: TileResults | None = None
        self._trouble, self._problem = "", ""
        self.list = TileList(jobs)
        self.single = TileView(jobs)
        self.stack = QStackedWidget()
        self.order = named(QComboBox(), "Order of the tiles")
        self.order.addItems(
            ["Position", "Defect pixels", "Seams of the results", "Largest result"]
        )
        self.show_box = named(QComboBox(), "Tiles or results")
        self.show_field = labelled("Sho&w", self.show_box)
        self.only = QCheckBox("&Only tiles with a defect")
        self.hatch = QCheckBox("Hatch pa&dding")
        self.hatch.setToolTip("Stripe what lies beyond the image, over its pixels")
        self.size_slider = slider(
            "Size of the tiles on the sheet", SMALLEST, LARGEST, self.list.side
        )
        self.count = named(QLabel(), "Number of tiles")
        self.words = message_label("Chosen tile")
        self._lay_out()
        self.order.currentIndexChanged.connect(self._arrange)
        self.show_box.currentIndexChanged.connect(self._show_results_or_tiles)
        jobs.given_up.connect(self._on_given_up)
        self.only.toggled.connect(self._arrange)
        self.hatch.toggled.connect(self._set_hatched)
        self.hatch.toggled.connect(self.single.hatch.setChecked)
        self.single.hatch.toggled.connect(self.hatch.setChecked)
        self.size_slider.valueChanged.connect(self.list.set_side)
        self.list.resized_to.connect(self._on_resized)
        self.list.chosen.connect(self._show_words)
        self.list.opened.connect(self.open_tile)
        self.list.failed.connect(self._on_failed)
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.single.closed.connect(self.close_tile)
        self.single.stepped.connect(self.step_tile)
        self.single.image_wanted.connect(self.tile_opened)
        self.single.menu_wanted.connect(self._show_menu_at)

    def _lay_out(self) -> None:
        self.show_field.hide()
        self.size_slider.setFixedWidth(120)
        bar = flow(
            labelled("O&rder", self.order),
            *(self.show_field, self.only, self.hatch),
            labelled("Thumbnail si&ze", self.size_slider),
            self.count,
            gap=16,
        )
        self.stack.addWidget(as_widget(vbox(bar, (self.list, 1), self.words, margin=0)))
        self.stack.addWidget(self.single)
        self.setLayout(vbox(self.stack))
        self.setFocusProxy(self.list)
        filter_shortcuts(self.list, self.order, self.show_box, self.size_slider)

    # What the window says

    def show_survey(self, survey: SeamSurvey | None, problem: str) -> None:
        self._seams = survey.by_tile if survey else None
        self._trouble = problem
        if self.order.currentIndex() == SEAMS and self.isVisible():
            self._arrange()

    def show_results(self, results: TileResults | None) -> None:
        if results is not self._results:
            self._results = results
            self.invalidate()

    def scale_by(self, steps: int) -> None:
        if self.is_single:
            self.single.canvas.state.step(steps)
        else:
            self.list.scale_by(steps)

    def rebuild(self) -> None:
        self._marked = self._tiles = self._largest = None
        self._problem = ""
        for name in (_MARKED, _LARGEST):
            self._jobs.cancel(name)
        loaded, view = self.loaded, self.tiling
        if loaded is not None and loaded.image is not None and view is not None:
            fits = self._results is not None and self._results.fits(view.grid)
            try:
                self._tiles = ImageTiles(loaded, view, self._results if fits else None)
            except (TilingError, TypeError) as error:
                self._problem = f"These tiles cannot be cut: {error}"
        mask = loaded.mask if loaded else None
        self.only.setEnabled(mask is not None)
        if self._tiles is not None and view is not None and mask is not None:
            self._jobs.start(
                _MARKED, lambda: by_tile(view, mask.array), self._take_marked
            )
        self._offer_results()
        self._arrange()
        tile = self.single.tile
        if self.is_single and tile is not None:
            if self._tiles is not None and tile < len(self._tiles):
                # not `open_tile`: the form may have the focus
                self.list.choose(tile)
                self.single.show_tile(self._tiles, tile, self.list.show_what)
            else:
                self.close_tile()

    # Results

    def _offer_results(self) -> None:
        results = self._tiles.results if self._tiles else None
        kinds = {"tile": "Tile"}
        if results is not None:
            kinds["result"] = "Result"
            if results.kind == "map":
                kinds["both"] = "Result over the tile"
        first = self.show_box.count() < 2 and self._tiles is not None
        chosen = list(kinds)[-1] if first else self.list.show_what
        with QSignalBlocker(self.show_box):
            self.show_box.clear()
            for name, text in kinds.items():
                self.show_box.addItem(text, name)
            self.show_box.setCurrentIndex(max(0, self.show_box.findData(chosen)))
        self.show_field.setVisible(results is not None)
        self.list.show_what = str(self.show_box.currentData())

    def _show_results_or_tiles(self) -> None:
        self.list.show_what = str(self.show_box.currentData())
        self._problem = ""
        self.list.clear_thumbnails()
        self._show_words()

    def _on_given_up(self, name: str) -> None:
        if name == _LARGEST:
            self.order.setCurrentIndex(POSITION)

    # Order

    def _take_marked(self, marked: NDArray[np.int64]) -> None:
        self._marked = marked
        self._arrange()

    def _take_largest(self, largest: NDArray[np.float64]) -> None:
        self._largest = largest
        self._arrange()

    def _arrange(self) -> None:
        order = self.order.currentIndex()
        seams, tiles = self._seams, self._tiles
        if seams is not None and len(seams) != len(self.tiling or ()):
            seams = None
        if order == SEAMS and seams is None and not self._trouble:
            self.survey_wanted.emit()
        unknown = self._largest is None and not self._jobs.running(_LARGEST)
        if order == RESULT and unknown and tiles is not None and tiles.results:
            self._jobs.start(
                _LARGEST, tiles.largest_results, self._take_largest, self._on_failed
            )
        values = (None, self._marked, seams, self._largest)[order]
        held = None if self._marked is None else self._marked > 0
        keep = held if self.only.isChecked() and self.only.isEnabled() else None
        self.list.put(
            tiles, values, keep, self._marked, captions=order in (SEAMS, RESULT)
        )
        self._show_words()

    def _on_resized(self, side: int) -> None:
        with QSignalBlocker(self.size_slider):
            self.size_slider.setValue(side)

    def _set_hatched(self, on: bool) -> None:
        self.list.hatched = on
        self.list.clear_thumbnails()

    # Words

    def _on_failed(self, words: str) -> None:
        self._problem = words
        self._show_words()

    def _show_words(self) -> None:
        words = "" if self.tiling is None else f"{len(self.tiling):,} tiles"
        if words and self._marked is not None:
            words += f", {int(np.count_nonzero(self._marked)):,} with a defect"
        self.count.setText(words)
        self.words.setText(self._missing() or self._tile_words(self.list.tile))

    def _tile_words(self, tile: int | None) -> str:
        if tile is None or self.tiling is None:
            return "Double-click a tile or press Enter to see it large."
        (top, bottom), (left, right) = self.tiling.box(tile)
        words = f"Tile {tile}: rows {top} to {bottom}, columns {left} to {right}"
        if self._marked is not None:
            words += f", {int(self._marked[tile]):,} defect pixels"
        if self._seams is not None and tile < len(self._seams):
            words += f", disagrees by up to {float(self._seams[tile]):.4g}"
        if self._largest is not None:
            words += f", largest result {float(self._largest[tile]):.4g}"
        return words + "."

    def _missing(self) -> str:
        order, words = self.order.currentIndex(), self.missing or self._problem
        if words:
            return words
        if order == SEAMS and self._seams is None:
            words = self._trouble or "Comparing the results of neighbouring tiles…"
        elif order == RESULT and (self._tiles is None or self._tiles.results is None):
            words = self._trouble or "No results of these tiles are open."
        elif order == RESULT and self._largest is None:
            words = "Reading all results to find the largest value of each…"
        elif order == DEFECTS and self.loaded and self.loaded.mask is None:
            words = "This image has no mask, so no tile holds a defect pixel."
        elif not self.list.tile_model.rowCount():
            words = "No tile holds a defect pixel."
        return words

    # One tile

    def open_tile(self, tile: int) -> None:
        if self._tiles is None or not 0 <= tile < len(self._tiles):
            return
        self.list.choose(tile)
        self.single.show_tile(self._tiles, tile, self.list.show_what)
        self.stack.setCurrentWidget(self.single)
        self.setFocusProxy(self.single)
        self.single.setFocus()

    def close_tile(self) -> None:
        focus = QApplication.focusWidget()
        focused = focus is not None and self.single.isAncestorOf(focus)
        self.stack.setCurrentIndex(0)
        self.setFocusProxy(self.list)
        if focused:
            self.list.setFocus()

    def step_tile(self, by: int) -> None:
        """Choose the next tile in the order of the sheet; it goes round."""
        model, tile = self.list.tile_model, self.tile
        if model.rowCount():
            row = -1 if tile is None else model.find(tile).row()
            row = (max(row, -1 if by > 0 else 0) + by) % model.rowCount()
            tile = int(model.order[row])
            self.open_tile(tile) if self.is_single else self.list.choose(tile)

    @property
    def is_single(self) -> bool:
        return self.stack.currentWidget() is self.single

    @property
    def tile(self) -> int | None:
        """The tile that is shown large, or else chosen in the sheet."""
        return self.single.tile if self.is_single else self.list.tile

    def copy_chosen(self) -> bool:
        """Copy the picture of the chosen tile; return whether there is one."""
        tile, tiles = self.tile, self._tiles
        if tile is None or tiles is None:
            return False
        try:
            pixels = tiles.source.painted(tiles.pixels(tile))
        except (TilingError, MemoryError) as error:
            self.noticed.emit(str(error))
            return True
        picture = as_image(pixels, opaque=not tiles.source.has_alpha).copy()
        QGuiApplication.clipboard().setImage(picture)
        size = f"{picture.width()} × {picture.height()} px"
        self.noticed.emit(f"Copied tile {tile}, {size}")
        return True

    # The menu of a tile

    def _show_menu(self, point: QPoint) -> None:
        index = self.list.indexAt(point)
        if index.isValid():
            self.list.setCurrentIndex(index)
            self._show_menu_at(self.list.viewport().mapToGlobal(point))

    def _show_menu_at(self, point: QPoint) -> None:
        tile = self.tile
        if tile is not None:
            self.tile_menu(tile).popup(point)

    def tile_menu(self, tile: int) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        file = self.loaded.item.image if self.loaded else None
        if not self.is_single:
            menu.addAction("Open tile", lambda: self.open_tile(tile))
        menu.addAction("Show it in the image", lambda: self.tile_opened.emit(tile))
        menu.addSeparator()
        menu.addAction("Copy picture", self.copy_chosen)
        menu.addAction("Copy box", lambda: self._copy_box(tile))
        menu.addAction("Save tile…", lambda: self._save(tile))
        menu.addSeparator()
        folder = menu.addAction("Show in folder")
        folder.setEnabled(file is not None)
        if file is not None:
            url = QUrl.fromLocalFile(str(file.resolve().parent))
            folder.triggered.connect(lambda: QDesktopServices.openUrl(url))
        return menu

    def _copy_box(self, tile: int) -> None:
        assert self.tiling is not None
        rows, columns = map(list, self.tiling.box(tile))
        QGuiApplication.clipboard().setText(f"[{rows}, {columns}]")
        self.noticed.emit(f"Copied the box of tile {tile}: [{rows}, {columns}]")

    def _save(self, tile: int) -> None:
        tiles, loaded = self._tiles, self.loaded
        if tiles is None or loaded is None:
            return
        source = tiles.source
        png = fits_png(source.channels, source.dtype, alpha=source.has_alpha)
        item = loaded.item
        name = item.path_beside(f"{item.stem}-tile-{tile}.{'png' if png else 'tif'}")
        path, _ = QFileDialog.getSaveFileName(self, f"Save tile {tile}", name, _SAVED)
        if not path:
            return
        # PNG takes the last of 2 and 4 channels for alpha: it is asked only then.
        alpha = source.has_alpha if source.channels in (2, 4) else None

        def write() -> None:
            write_image(Path(path), tiles.pixels(tile), alpha=alpha)

        def done(_: None) -> None:
            self.noticed.emit(f"Wrote tile {tile} to {path}")

        self._jobs.start("Writing the tile", write, done)
