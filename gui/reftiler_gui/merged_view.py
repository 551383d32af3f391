"""What the results of the tiles make, beside the original or its difference from it."""

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QSpinBox, QStackedWidget

from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.layouts import as_widget, flow, hbox, labelled, turn, vbox
from reftiler_gui.model.merged_pictures import MergedPictures
from reftiler_gui.model.mock_models import WORDS, MockModel
from reftiler_gui.model.texts import merged_words
from reftiler_gui.overlays import Marker
from reftiler_gui.pan_zoom_view import Camera
from reftiler_gui.results_model import ResultsModel
from reftiler_gui.view_base import BlinkCompare, DifferenceLegend, SplitPane
from reftiler_gui.widgets import button, filter_shortcuts, message_label, named, narrow

_WIDE = 520  # pixels, for the legend beside the words
_EMPTY = (
    "Here you see what results of tiles make with the window, border and merge of the "
    "form. Open an array (K, height, width), a folder of results that are called as "
    "the tiles, or a model to be run: .py, .onnx, .pt2."
)
_LESSON = "Simulated model error"


class MergedView(BlinkCompare):
    """The merged image, linked with the original or its difference from it."""

    pointed = Signal(str)  # what is under the cursor

    def __init__(
        self,
        model: ResultsModel,
        state: Camera,
        seams: QAction,
        open_array: Callable[[], object],
        open_folder: Callable[[], object],
        open_model: Callable[[], object],
    ) -> None:
        super().__init__("Hold for the &original")
        self.model, self._state = model, state
        self._shown: MergedPictures | None = None
        self._impatient = False
        self.image, self.other = ImageCanvas(state), ImageCanvas(state)
        self.panes = SplitPane(self.image, "Merged"), SplitPane(self.other, "")
        self.stack = QStackedWidget()
        self.empty = message_label("No results")
        self.open_array = button("Open array…", open_array)
        self.open_folder = button("Open folder…", open_folder)
        self.open_model = button("Open model…", open_model)
        self.lesson = button(f"{_LESSON} (a lesson)", self._open_mock)
        take_over = "&Take over the settings of the results"
        self.take_over = button(take_over, model.take_offer)
        self.retry, self.again = (button("Try again", model.retry) for _ in range(2))
        closed = "Show these results no longer"
        self.close_results = button("Close", lambda: model.open(None), closed)
        self.seams = QCheckBox("Sea&ms")
        self.seams.setToolTip(seams.toolTip())
        self.as_map = QCheckBox("As anomal&y map")
        self.as_map.setToolTip("Over the image too, with threshold, hits and scores")
        self.beside = named(QComboBox(), "Beside the merged image")
        narrow(self.beside, 10, ["Original", "Difference", "Nothing"])
        self.mock = named(QComboBox(), "What the simulated model does")
        narrow(self.mock, 24)
        self.percent = named(
            QSpinBox(minimum=1, maximum=100, value=10, suffix=" %"),
            "How much the simulated model errs",
            "Of the range of values that is shown",
        )
        worst = "Go where the tiles of a pixel disagree most (W)"
        self.worst = button("&Worst seam", self.go_worst, worst)
        self.words, self.legend = message_label("What is merged"), DifferenceLegend()
        self._foot = hbox((self.words, 1), self.again, self.legend)
        self._mock_fields = (
            labelled(f"{_LESSON}: a model that", self.mock),
            labelled("&by up to", self.percent),
        )
        self._lay_out()
        self.seams.toggled.connect(seams.setChecked)
        seams.toggled.connect(self.seams.setChecked)
        self.as_map.toggled.connect(model.show_as_map)
        self.beside.currentIndexChanged.connect(self._present)
        self.mock.currentIndexChanged.connect(self._open_mock)
        self.percent.valueChanged.connect(self._open_mock)
        self.image.hovered.connect(self._point)
        self.image.left.connect(lambda: self.pointed.emit(""))
        model.changed.connect(self.invalidate)

    def _lay_out(self) -> None:
        for name, words in WORDS.items():
            self.mock.addItem(words, name)
        self.hold.setToolTip("See the original instead of what is merged (hold Shift)")
        filter_shortcuts(self.mock, self.beside)
        bar = flow(
            *(*self._mock_fields, labelled("Besi&de", self.beside), self.seams),
            *(self.as_map, self.hold, self.worst, self.close_results),
        )
        pictures = hbox(*((pane, 1) for pane in self.panes))
        buttons = flow(
            *(self.take_over, self.retry, self.open_array, self.open_folder),
            *(self.open_model, self.lesson),
        )
        self.empty.setMaximumWidth(560)
        empty = vbox((None, 1), self.empty, buttons, (None, 2))
        self.stack.addWidget(as_widget(empty))
        self.stack.addWidget(as_widget(vbox(bar, (pictures, 1), margin=0)))
        self.setLayout(vbox((self.stack, 1), self._foot))

    # What is shown

    def rebuild(self) -> None:
        model, loaded = self.model, self.loaded
        pictures = model.pictures if loaded and loaded.image else None
        if pictures is not self._shown:
            self._shown = pictures
            if pictures is not None and self.beside.currentIndex() < 2:
                self.beside.setCurrentIndex(int(pictures.difference is not None))
            self._present()
        self.stack.setCurrentIndex(int(pictures is not None))
        self.setFocusProxy(self.image if pictures else self.open_array)
        self._say(pictures)
        if isinstance(model.source, MockModel):
            with QSignalBlocker(self.mock), QSignalBlocker(self.percent):
                self.mock.setCurrentIndex(self.mock.findData(model.source.name))
                self.percent.setValue(round(model.source.percent))
        for field in self._mock_fields:
            field.setVisible(isinstance(model.source, MockModel))
        self.as_map.setEnabled(pictures is not None and pictures.is_map)
        is_cut = pictures is None and loaded is not None and self.tiling is not None
        self.lesson.setEnabled(is_cut)
        self.take_over.setVisible(model.offer is not None)
        for retry, on in ((self.retry, not pictures), (self.again, bool(pictures))):
            retry.setVisible(on and bool(model.problem) and model.offer is None)
        self._mark()
        if self._impatient and (model.survey or model.problem):
            self._impatient = False
            self._go()

    def _say(self, pictures: MergedPictures | None) -> None:
        model, loaded, words = self.model, self.loaded, ""
        if model.source is None and loaded and loaded.image:
            self.empty.setText(_EMPTY)
        elif self.missing:
            self.empty.setText(self.missing)
        elif pictures is None:
            self.empty.setText(model.problem or "Opening the results…")
        else:
            words = model.problem
            words += " " if words else ""
            words += merged_words(pictures, model.survey)
        self.words.setText(words)

    def _present(self) -> None:
        shown, loaded = self._shown, self.loaded
        mask = loaded.mask if loaded else None
        self.image.present(shown.merged if shown else None, mask, self.tiling)
        kind = self.beside.currentIndex()
        difference = shown.difference if shown else None
        if kind == 1:
            self.panes[1].caption(
                "Merged minus original" if difference else
                "Results of another kind have no difference from the image"
            )  # fmt: skip
            self.other.present(difference, mask, self.tiling)
        else:
            self.panes[1].caption("Original")
            self.other.present(loaded.image if loaded else None, mask, self.tiling)
        self.panes[1].setVisible(kind < 2)
        self.legend.setVisible(kind == 1 and difference is not None)
        self.flip()

    def flip(self) -> None:
        shown, original = self._shown, self.loaded.image if self.loaded else None
        if shown is not None and original is not None:
            self.image.set_source(original if self.flipped else shown.merged)
            self.image.set_seams(None if self.flipped else shown.seams)
            self.panes[0].caption("Original" if self.flipped else "Merged")
        self._mark()

    def _mark(self) -> None:
        survey, marks = self.model.survey, []
        if survey is not None and survey.worst is not None:
            marks = [Marker.at(*survey.worst, "worst seam")]
        for canvas in (self.image, self.other):
            canvas.set_marks(marks)
        shown = self._shown
        bar = shown.color_bar if shown and not self.flipped else None
        self.image.set_color_bar(bar, nan=bool(shown and shown.results.nan))
        self.legend.set_limit(shown.difference_limit if shown else 0.0)

    # What is done

    def _open_mock(self) -> None:
        self.model.open(MockModel(self.mock.currentData(), self.percent.value()))

    def go_worst(self) -> None:
        """Show where the tiles of a pixel disagree most, once that is known."""
        self._impatient = self.model.survey is None and self._shown is not None
        self._go()
        self.model.find_worst()

    def _go(self) -> None:
        survey = self.model.survey
        if survey is not None and survey.worst is not None:
            self._state.go_to_pixel(*survey.worst)

    def _point(self, row: float, column: float) -> None:
        if self._shown is None:
            return
        height, width = self.image.source.size if self.image.source else (0, 0)
        words = ""
        if 0 <= row < height and 0 <= column < width:
            place = int(row), int(column)
            words = f"row {place[0]}, column {place[1]}"
            values = self._shown.values(*place)
            words += f"   ·   {values}" if values else ""
        self.pointed.emit(words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        turn(self._foot, beside=event.size().width() >= _WIDE)
