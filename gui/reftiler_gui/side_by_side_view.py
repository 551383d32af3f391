"""Two settings, or two anomaly maps, side by side, and the difference between them."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
)

from reftiler.errors import TilingError
from reftiler.models import Model
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.jobs import Jobs, PictureJob
from reftiler_gui.layouts import flow, hbox, labelled, vbox
from reftiler_gui.map_model import MapModel
from reftiler_gui.model.comparison import (
    ComparedValues,
    CoverageDifference,
    Difference,
    MapComparison,
    SettingsSide,
    settings_side,
    short_words,
)
from reftiler_gui.model.defects import Defects
from reftiler_gui.model.form_settings import FormSettings, ValidationError
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.model.overlay_settings import OverlaySettings
from reftiler_gui.model.steps import Work
from reftiler_gui.model.tile_results import TileResults
from reftiler_gui.overlays import Marker
from reftiler_gui.pan_zoom_view import Camera
from reftiler_gui.results_model import ResultsModel, Source, open_source
from reftiler_gui.view_base import PLAIN, DifferenceLegend, LazyView, SplitPane
from reftiler_gui.widgets import button, filter_shortcuts, message_label, named, narrow

_JOB, _PAINTING, _MEASURING = "Comparing", "Painting the maps", "Measuring"
_TILES, _MERGED, _MAPS = range(3)
_NO_RESULTS = (
    "No results of the tiles are open: open results or a model in the view Merged. A "
    "model is run with both settings; of files, open those of A, pin, and open those "
    "of B."
)
_SAME = "A and B are the same settings: change the form, and B follows."
_NO_MAPS = (
    "This image has fewer than two maps. Open others with File, Open maps folder…, or "
    "drop them on the window: an image keeps all of its maps, and the first is shown."
)
_Found = tuple[SettingsSide, SettingsSide, CoverageDifference | None]


class SideBySideView(LazyView):
    """An image with pinned settings (A) and with the form's (B), or two maps of it."""

    swapped = Signal(object)  # the FormSettings that the form is to take
    noticed = Signal(str)  # a sentence on what could not be done

    def __init__(
        self, jobs: Jobs, state: Camera, maps: MapModel, results: ResultsModel
    ) -> None:
        super().__init__()
        self._jobs, self._state, self._maps = jobs, state, maps
        self._measured: tuple[MapComparison, Difference] | None = None
        self._results, self._source = results, results.source
        self._pinned_source: Source | None = None
        self._opened: dict[str, tuple[Source, LoadedImage, TileResults]] = {}
        self._painting = PictureJob(jobs, _PAINTING, self._show_arrived, self._forget)
        self._defects = Defects(())
        self.pinned: FormSettings | None = None
        self.compared: MapComparison | None = None
        kinds = ["Tiles of two settings", "Merged results of two settings", "Two maps"]
        self.kind = named(QComboBox(), "What is compared")
        self.kind.addItems(kinds)
        self.first, self.second = (
            narrow(named(QComboBox(), f"Map {letter}"), 12) for letter in "AB"
        )
        self.panes = tuple(SplitPane(ImageCanvas(state)) for _ in range(3))
        keep = "Keep the settings of the form to compare with"
        self.pin_button = button("Pin as &A", lambda: self.pin(self.settings), keep)
        self.yaml_button = button(
            "A from &YAML…", self._ask, "Compare with the settings of a file"
        )
        swap = "The form takes A, and A what the form had"
        self.swap_button = button("S&wap A and B", self._swap, swap)
        self.with_difference = QCheckBox("&Difference")
        self.largest = button(
            "La&rgest difference", self._go_largest, "Go where A and B differ most"
        )
        self.table = named(QTableWidget(2, 0), "Numbers of the two settings")
        self.message = message_label("How the two settings differ")
        self.legend = DifferenceLegend()
        self._lay_out()
        for box in (self.kind, self.first, self.second):
            box.currentIndexChanged.connect(self.invalidate)
        maps.changed.connect(self._on_map_settings)
        results.changed.connect(self._on_results)
        jobs.given_up.connect(self._on_given_up)
        self.with_difference.toggled.connect(self.panes[2].setVisible)
        self.with_difference.toggled.connect(self.legend.setVisible)

    def pin(self, settings: FormSettings) -> None:
        self.pinned, self._pinned_source = settings, self._results.source
        self.invalidate()

    def show_defects(self, defects: Defects) -> None:
        self._defects = defects
        if self.kind.currentIndex() == _TILES:
            self.invalidate()

    def show_item(self, loaded: LoadedImage | None) -> None:
        names = self._maps.names
        for place, box in enumerate((self.first, self.second)):
            if names != [box.itemText(n) for n in range(box.count())]:
                chosen = box.currentIndex()
                box.blockSignals(True)
                box.clear()
                box.addItems(names)
                box.setCurrentIndex(chosen if 0 <= chosen < len(names) else place)
                box.blockSignals(False)
        super().show_item(loaded)

    def rebuild(self) -> None:
        loaded, kind = self.loaded, self.kind.currentIndex()
        maps = kind == _MAPS
        for name in (_JOB, _PAINTING, _MEASURING):
            self._jobs.cancel(name)
        self._painting.take(())
        for part in (self.pin_button, self.yaml_button, self.swap_button):
            part.setVisible(not maps)
        for field in self._map_fields:
            field.setVisible(maps)
        self.largest.setVisible(kind != _TILES)
        self.largest.setEnabled(False)
        self.compared = self._measured = None
        if self.pinned is None:
            self.pinned = self.settings
        if loaded is None or loaded.image is None:
            self._forget(self.missing)
        elif kind == _TILES:
            self._compare_settings(loaded)
        elif kind == _MERGED:
            self._compare_results(loaded)
        elif len(loaded.item.maps) < 2:
            self._forget(_NO_MAPS)
        else:
            self._forget("Reading the maps…")
            boxes = self.first, self.second
            chosen = [(max(0, box.currentIndex()), box.currentText()) for box in boxes]
            self._jobs.start(
                _JOB,
                partial(self._read_maps, loaded, chosen),
                self._take_maps,
                self._forget,
            )

    def _compare_settings(self, loaded: LoadedImage) -> None:
        assert self.pinned is not None
        assert loaded.image is not None
        a, b, image, defects = self.pinned, self.settings, loaded.image, self._defects

        def compare() -> _Found:
            first, second = (settings_side(one, image, defects) for one in (a, b))
            if first.tiling is None or second.tiling is None:
                return first, second, None
            return first, second, CoverageDifference(first.tiling, second.tiling)

        self._jobs.start(_JOB, compare, self._take, self._forget)

    def _compare_results(self, loaded: LoadedImage) -> None:
        assert self.pinned is not None
        source = self._results.source
        if source is None:
            self._forget(_NO_RESULTS)
            return
        self._forget("Opening the results…")
        sides = (
            ("A", self.pinned, self._pinned_source or source),
            ("B", self.settings, source),
        )
        model = self._results.model
        models = {source: model} if model else {}
        merge = partial(self._merge_both, loaded, sides, models, self._results.names)
        self._jobs.start(_JOB, merge, self._take_maps, self._forget)

    def _merge_both(
        self,
        loaded: LoadedImage,
        sides: tuple[tuple[str, FormSettings, Source], ...],
        models: dict[Source, Model],
        names: list[str],
    ) -> Work[MapComparison]:
        image, values = loaded.image, list[ComparedValues]()
        assert image is not None
        for letter, settings, source in sides:
            plan = settings.plan(image.size)
            if isinstance(plan, ValidationError):
                raise TilingError(f"{letter}: {plan.words}")
            try:
                kept = self._opened.get(letter)
                if kept and kept[:2] == (source, loaded) and kept[2].fits(plan):
                    results = kept[2]
                else:
                    given = models.get(source, source)
                    results = yield from open_source(given, loaded, plan, names)
                self._opened[letter] = source, loaded, results
                name = short_words(settings)
                values.append(ComparedValues.of_results(results, plan, name))
            except (TilingError, ImportError) as error:
                raise TilingError(f"{letter}: {error}") from error
        return MapComparison(values[0], values[1], image, self._maps.settings.colormap)

    def _on_given_up(self, name: str) -> None:
        if name in (_JOB, _MEASURING):
            self._stale = True  # it goes on when the view is shown again
            self.message.setText("Comparing was cancelled.")

    def _on_results(self) -> None:
        if self._results.source != self._source:
            self._source = self._results.source
            self._opened.clear()
            if self.kind.currentIndex() == _MERGED:
                self.invalidate()

    def _read_maps(
        self, loaded: LoadedImage, chosen: list[tuple[int, str]]
    ) -> Work[MapComparison]:
        image = loaded.image
        assert image is not None
        yield 0.0
        a, b = (
            ComparedValues.of_map(loaded.item.open_map(image.size, number), name)
            for number, name in chosen
        )
        return MapComparison(a, b, image, self._maps.settings.colormap)

    def _take_maps(self, compared: MapComparison) -> None:
        self.compared = compared
        self.panes[1].canvas.set_color_bar(None)  # until the range is known
        self._painting.take(compared.pictures)
        a, b = compared.sides
        captions = f"A: {a.name}", f"B: {b.name}", "B minus A"
        for pane, picture, words in zip(
            self.panes, compared.pictures, captions, strict=True
        ):
            pane.canvas.set_layers(PLAIN)
            pane.canvas.present(picture)
            pane.caption(words)
        self.message.setText("Comparing all pixels…")
        mask = self.loaded.mask if self.loaded else None
        self._mark()
        self._jobs.start(
            _MEASURING,
            lambda: compared.measure(mask),
            partial(self._take_difference, compared),
            self.message.setText,
        )

    def _show_arrived(self) -> None:
        pictures = self.compared.pictures if self.compared else ()
        for pane, picture in zip(self.panes, pictures, strict=False):
            if parts := list(picture.arrived()):
                pane.canvas.repaint_pixels({picture: parts})

    def _take_difference(self, compared: MapComparison, found: Difference) -> None:
        self._measured = compared, found
        self.largest.setEnabled(found.place is not None)
        self.legend.set_limit(compared.limit)
        self._repaint(compared)
        self._show_difference()

    def _on_map_settings(self) -> None:
        if self.compared is not None:
            self.compared.colormap = self._maps.settings.colormap
            self._repaint(self.compared)
        if self._measured is not None:
            self._show_difference()

    def _repaint(self, compared: MapComparison) -> None:
        if self._measured is not None:  # now the range is known; both maps have it
            nan = self._measured[1].unknown > 0
            self.panes[1].canvas.set_color_bar(compared.color_bar, nan=nan)
        for pane in self.panes:
            pane.canvas.repaint_pixels()

    def _show_difference(self) -> None:
        assert self._measured is not None
        found, threshold = self._measured[1], self._maps.settings.threshold
        numbers = [
            {"Smallest": f"{low:.6g}", "Largest": f"{high:.6g}"}
            for low, high in found.ranges
        ]
        if found.peaks is not None and threshold is not None:
            for row, peaks in zip(numbers, found.peaks, strict=True):
                hits = int((peaks >= threshold).sum())
                row[f"Defects hit at {threshold:.6g}"] = f"{hits:,} of {len(peaks):,}"
                low = f"{min(peaks):.6g}" if len(peaks) else ""
                row["Lowest peak of a defect"] = low
        self._fill_table(numbers)
        if not found.share and not found.unknown:
            words = "A and B are equal in every pixel."
            merged = self.kind.currentIndex() == _MERGED
            if merged and self.pinned == self.settings:
                words += f" {_SAME}"
            self.message.setText(words)
            return
        words = (
            f"B minus A: at most {found.largest:.6g}, {found.mean:.4g} on average "
            f"(RMSE {found.rms:.4g}); {found.share:.1%} of the pixels differ."
        )
        if found.unknown:
            words += f" {found.unknown:,} pixels are NaN in A or B and left out."
        self.message.setText(words)

    def _go_largest(self) -> None:
        if self._measured is not None and self._measured[1].place is not None:
            self._state.go_to_pixel(*self._measured[1].place)
            self._mark()

    def _forget(self, words: str) -> None:
        self._painting.take(())
        self.compared = None
        for pane, name in zip(self.panes, ("A", "B", "B minus A"), strict=True):
            pane.canvas.message = ""
            pane.canvas.set_color_bar(None)
            pane.canvas.present(None)
            pane.caption(name)
        self._fill_table([])
        self.legend.set_limit(0)
        self.message.setText(words)

    def _take(self, found: _Found) -> None:
        loaded = self.loaded
        if loaded is None or loaded.image is None:
            return
        a, b, change = found
        for letter, side, pane in zip("AB", (a, b), self.panes, strict=False):
            pane.canvas.message = side.words
            image = loaded.image if side.tiling else None
            pane.canvas.set_layers(OverlaySettings())
            pane.canvas.set_color_bar(None)
            pane.canvas.present(image, loaded.mask, side.tiling)
            pane.canvas.set_most(side.most)
            pane.caption(f"{letter}: {short_words(side.settings)}")
        last = self.panes[2]
        last.canvas.message = "One of the two settings gives no tiles for this image."
        last.canvas.present(change)
        last.caption("B minus A: tiles that a pixel lies in")
        limit = max(abs(change.least), abs(change.most)) if change else 0
        self.legend.set_limit(limit)
        self._mark()
        self._fill_table([a.numbers, b.numbers])
        if change is None:
            self.message.setText(a.words or b.words)
        elif a.settings == b.settings:
            self.message.setText(_SAME)
        elif not change.share:
            self.message.setText("Every pixel lies in as many tiles with A as with B.")
        else:
            self.message.setText(
                f"Between A and B the number of tiles changes at {change.share:.1%} of "
                f"the pixels, by {change.least:+d} to {change.most:+d} and by "
                f"{change.mean:+.2f} on average."
            )

    def _fill_table(self, sides: list[dict[str, str]]) -> None:
        names = list(dict.fromkeys(name for side in sides for name in side))
        self.table.setVisible(bool(names))
        self.table.setColumnCount(len(names))
        self.table.setHorizontalHeaderLabels(names)
        for column, name in enumerate(names):
            values = [side.get(name, "") for side in sides]
            for row, words in enumerate(values):
                cell = QTableWidgetItem(words)
                font = cell.font()
                font.setBold(values[0] != values[1])
                cell.setFont(font)
                self.table.setItem(row, column, cell)
        lines = (self.table.rowHeight(row) for row in range(self.table.rowCount()))
        head, bar = self.table.horizontalHeader(), self.table.horizontalScrollBar()
        room = sum(lines) + head.sizeHint().height() + bar.sizeHint().height()
        self.table.setFixedHeight(room + 2 * self.table.frameWidth())

    def show_defect(self, region: object) -> None:
        self.region = region  # type: ignore[assignment]
        self._mark()

    def _mark(self) -> None:
        marks = [] if self.region is None else [Marker(self.region.box, strong=True)]
        place = self._measured[1].place if self._measured else None
        if place is not None:
            marks.append(Marker.at(*place, "largest difference"))
        for pane in self.panes:
            pane.canvas.set_marks(marks)

    def _swap(self) -> None:
        pinned, self.pinned = self.pinned, self.settings
        source, self._pinned_source = self._pinned_source, self._results.source
        if source is not None and source != self._results.source:
            self._results.open(source)
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
        self.setFocusProxy(self.panes[0].canvas)
        self.panes[2].canvas.set_layers(PLAIN)
        for part in (self.panes[2], self.legend):
            part.hide()
        table = self.table
        table.setVerticalHeaderLabels(["A", "B"])
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        table.setTabKeyNavigation(False)
        head, wide = table.horizontalHeader(), QHeaderView.ResizeMode.ResizeToContents
        head.setSectionResizeMode(wide)
        table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        filter_shortcuts(table, self.kind, self.first, self.second)
        self._map_fields = labelled("A", self.first), labelled("B", self.second)
        bar = flow(
            *(self.kind, *self._map_fields, self.pin_button, self.yaml_button),
            *(self.swap_button, self.with_difference, self.largest),
            gap=12,
        )
        pictures = hbox(*((pane, 1) for pane in self.panes))
        foot = hbox((self.message, 1), self.legend)
        self.setLayout(vbox(bar, (pictures, 1), foot, table))
