"""The tiles merged again, and how that differs from the original."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from reftiler_gui.camera import Camera
from reftiler_gui.fields import guard_field
from reftiler_gui.flow_layout import FlowLayout, labelled, turn
from reftiler_gui.image_canvas import ImageCanvas
from reftiler_gui.job_progress import JobProgress
from reftiler_gui.jobs import Jobs
from reftiler_gui.legend import DifferenceLegend
from reftiler_gui.model.difference_pyramid import DifferencePyramid
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.model.merging import Merged, merge
from reftiler_gui.model.mock_models import WORDS, MockModel
from reftiler_gui.model.steps import Work
from reftiler_gui.model.texts import merged_words
from reftiler_gui.overlays import Marker
from reftiler_gui.panes import PLAIN, BlinkCompare, SplitPane
from reftiler_gui.view_base import filter_shortcuts, message_label

__all__ = ["MergedView"]

_WIDE = 520  # pixels, for the legend beside the words
_CLOSE = 8.0  # the zoom, at the least, at the worst place


class MergedView(BlinkCompare):
    """
    The merged image and its difference from the original, linked.

    Parameters
    ----------
    jobs : Jobs
        Merge in the background.
    state : Camera
        The place and zoom; share it to link this view with others.
    """

    merged = Signal(object)
    """The `Merged`, or None while there is none."""
    failed = Signal(str)
    """Why the tiles cannot be merged, a sentence."""
    went = Signal(int, int)
    """The row and column of the worst place; the state is there already."""

    def __init__(
        self, jobs: Jobs, state: Camera, parent: QWidget | None = None
    ) -> None:
        super().__init__("Hold for the &original", parent)
        self._state, self.found = state, None
        self._impatient = False
        self._pictures: tuple[ImagePyramid, DifferencePyramid] | None = None
        self.busy = JobProgress(jobs, "Merging")
        self.image, self.difference = ImageCanvas(state), ImageCanvas(state)
        self.panes = (
            SplitPane(self.image, "Merged"),
            SplitPane(self.difference, "Merged minus original"),
        )
        self.model, self.height_box = QComboBox(), QSpinBox()
        for field in (self.model, self.height_box):
            guard_field(field)
        self.worst = QPushButton("&Worst place")
        self.words, self.legend = message_label("What merging does"), DifferenceLegend()
        self._foot = QHBoxLayout()
        self._lay_out()
        self.model.currentIndexChanged.connect(self.invalidate)
        self.height_box.valueChanged.connect(self.invalidate)
        self.busy.cancelled.connect(self._on_cancelled)
        self.worst.clicked.connect(self.go_worst)

    found: Merged | None

    def rebuild(self) -> None:
        """Merge the tiles anew."""
        self.compute()

    @property
    def stand_in(self) -> MockModel:
        """The model whose tiles are merged."""
        return MockModel(str(self.model.currentData()), self.height_box.value())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Put the legend beneath the words where there is no room beside them."""
        super().resizeEvent(event)
        turn(self._foot, beside=event.size().width() >= _WIDE)

    def compute(self) -> None:
        """Merge the tiles, whether the view is seen or not."""
        loaded, view = self.loaded, self.tiling
        model = str(self.model.currentData())
        self.height_box.setEnabled(model != "none")
        self._forget(loaded, view is None)
        if loaded is None or loaded.image is None or view is None:
            return
        source = loaded.image
        height = (source.high - source.low) * self.height_box.value() / 100

        def work() -> Work[tuple[Merged, ImagePyramid, DifferencePyramid]]:
            found = yield from merge(source.array, view.grid, model, height)
            picture = source.like(found.image)
            yield from picture.build()
            return found, picture, DifferencePyramid(found.difference, found.largest)

        self._stale = False
        self.busy.start(work, self._take, self._fail)

    def go_worst(self) -> None:
        """Show where merged and original differ most, once they are merged."""
        self._impatient = self.found is None
        if self.found is None or self.found.worst is None:
            return
        row, column = self.found.worst
        self._state.go(row + 0.5, column + 0.5, max(self._state.zoom, _CLOSE))
        self.went.emit(row, column)

    def _forget(self, loaded: LoadedImage | None, without: bool) -> None:
        """Show nothing of another image; what is merged of this one stays meanwhile."""
        source = loaded.image if loaded else None
        stays = self._pictures and source and self._pictures[0].size == source.size
        if without or not stays:
            self._pictures = self.found = None
            self.worst.setEnabled(False)
            self.hold.setEnabled(False)
            self.merged.emit(None)
            self._present()
        if source is None:
            words = loaded.words if loaded else "No image is open."
        else:
            words = "These settings give no tiles for this image." if without else ""
            words = words or "Merging the tiles…"
        self.words.setText(words)

    def _take(self, found: tuple[Merged, ImagePyramid, DifferencePyramid]) -> None:
        self.found, self._pictures = found[0], found[1:]
        self.worst.setEnabled(self.found.worst is not None)
        self.hold.setEnabled(True)
        self._present()
        assert self.tiling is not None
        self.words.setText(merged_words(self.found, self.tiling))
        self.merged.emit(self.found)
        if self._impatient:
            self.go_worst()

    def _on_cancelled(self) -> None:
        last = " What is shown is what was merged last." if self.found else ""
        self.words.setText(f"Merging was cancelled.{last}")
        self.failed.emit("Merging was cancelled.")

    def _fail(self, words: str) -> None:
        self._pictures = self.found = None
        self.worst.setEnabled(False)
        self.hold.setEnabled(False)
        self._present()
        self.words.setText(words)
        self.failed.emit(words)

    def _present(self) -> None:
        """Show what there is."""
        image, difference = self._pictures or (None, None)
        self.image.present(image)
        self.difference.present(difference)
        self.legend.set_limit(self.found.largest if self.found else 0.0)
        marks = []
        if self.found is not None and self.found.worst is not None:
            row, column = self.found.worst
            marks = [Marker(((row, row + 1), (column, column + 1)), "worst")]
        for canvas in (self.image, self.difference):
            canvas.set_marks(marks)

    def flip(self) -> None:
        """Show the original instead of what is merged, or that again."""
        if self._pictures is None or self.loaded is None:
            return
        original = self.loaded.image if self.flipped else None
        self.image.present(original or self._pictures[0])
        self.panes[0].caption("Original" if original else "Merged")

    def _lay_out(self) -> None:
        for name, words in WORDS.items():
            self.model.addItem(words, name)
        self.model.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.model.setMinimumContentsLength(26)
        self.model.setAccessibleName("Stand-in for a model")
        self.height_box.setRange(1, 100)
        self.height_box.setValue(10)
        self.height_box.setSuffix(" %")
        self.height_box.setToolTip("Of the range of values that is shown")
        self.height_box.setAccessibleName("How much the model errs")
        self.worst.setToolTip("Go to the largest difference")
        self.hold.setToolTip("See the original instead of what is merged (hold Shift)")
        self.setFocusProxy(self.image)
        for canvas in (self.image, self.difference):
            canvas.set_layers(PLAIN)
        filter_shortcuts(self.model)
        bar = FlowLayout()
        for part in (
            labelled("&Model that", self.model),
            labelled("&by up to", self.height_box),
            self.hold,
            self.worst,
        ):
            bar.addWidget(part)
        row = QHBoxLayout()
        for pane in self.panes:
            row.addWidget(pane, 1)
        foot = self._foot
        foot.addWidget(self.words, 1)
        foot.addWidget(self.busy)
        foot.addWidget(self.legend)
        whole = QVBoxLayout(self)
        whole.addLayout(bar)
        whole.addLayout(row, 1)
        whole.addLayout(foot)
