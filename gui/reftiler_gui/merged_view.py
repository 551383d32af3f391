"""The tiles merged again, and how that differs from the original."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from reftiler_gui.busy import Busy
from reftiler_gui.canvas import Canvas
from reftiler_gui.jobs import Jobs
from reftiler_gui.legend import DifferenceLegend
from reftiler_gui.marking import Mark
from reftiler_gui.model.differences import DifferencePicture
from reftiler_gui.model.document import Loaded
from reftiler_gui.model.merging import Merged, merge
from reftiler_gui.model.source import PixelSource
from reftiler_gui.model.work import Work
from reftiler_gui.panes import PLAIN, Pane
from reftiler_gui.state import ViewState
from reftiler_gui.views import Page, keep_keys, notice

__all__ = ["MergedView"]

MODEL_NAMES = {
    "rim": "errs at the rim of its tile",
    "offset": "is off by another value in each tile",
    "noise": "is noisy",
    "none": "gives back what it gets",
}
"""What is said of each of `reftiler_gui.model.standins.MODELS`."""

_CLOSE = 8.0  # the zoom, at the least, at the worst place


class MergedView(Page):
    """
    The merged image and its difference from the original, linked.

    Parameters
    ----------
    jobs : Jobs
        Merge in the background.
    state : ViewState
        The place and zoom; share it to link this view with others.
    """

    merged = Signal(object)
    """The `Merged`, or None while there is none."""
    went = Signal(int, int)
    """The row and column of the worst place; the state is there already."""

    def __init__(
        self, jobs: Jobs, state: ViewState, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._state, self.found = state, None
        self._pictures: tuple[PixelSource, DifferencePicture] | None = None
        self.busy = Busy(jobs, "Merging")
        self.image, self.difference = Canvas(state), Canvas(state)
        self.panes = (
            Pane(self.image, "Merged"),
            Pane(self.difference, "Merged minus original"),
        )
        self.model, self.height_box = QComboBox(), QSpinBox()
        self.original = QPushButton("Hold for the &original")
        self.worst = QPushButton("&Worst place")
        self.words, self.legend = notice("What merging does"), DifferenceLegend()
        self._lay_out()
        self.model.currentIndexChanged.connect(self.spoil)
        self.height_box.valueChanged.connect(self.spoil)
        self.busy.cancelled.connect(self._on_cancelled)
        self.worst.clicked.connect(self.go_worst)
        self.original.pressed.connect(lambda: self._flip(original=True))
        self.original.released.connect(lambda: self._flip(original=False))

    found: Merged | None

    def fit(self) -> None:
        """Show the whole image."""
        self.image.fit()

    def renew(self) -> None:
        """Merge the tiles anew."""
        self.compute()

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

        def work() -> Work[tuple[Merged, PixelSource, DifferencePicture]]:
            found = yield from merge(source.array, view.grid, model, height)
            picture = PixelSource(found.image, source.low, source.high)
            yield from picture.build()
            return found, picture, DifferencePicture(found.difference, found.largest)

        self._stale = False
        self.busy.start(work, self._take, self._fail)

    def go_worst(self) -> None:
        """Show the place where merged and original differ most."""
        if self.found is None or self.found.worst is None:
            return
        row, column = self.found.worst
        self._state.go(row + 0.5, column + 0.5, max(self._state.zoom, _CLOSE))
        self.went.emit(row, column)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Hold Shift to see the original."""
        if event.key() == Qt.Key.Key_Shift:
            self._flip(original=True)
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Let go to see what was merged."""
        if event.key() == Qt.Key.Key_Shift:
            self._flip(original=False)
        super().keyReleaseEvent(event)

    def _forget(self, loaded: Loaded | None, without: bool) -> None:
        """Show nothing of another image; what is merged of this one stays meanwhile."""
        source = loaded.image if loaded else None
        stays = self._pictures and source and self._pictures[0].size == source.size
        if without or not stays:
            self._pictures = self.found = None
            self.worst.setEnabled(False)
            self.original.setEnabled(False)
            self.merged.emit(None)
            self._present()
        if source is None:
            words = loaded.words if loaded else "No image is open."
        else:
            words = "These settings give no tiles for this image." if without else ""
            words = words or "Merging the tiles…"
        self.words.setText(words)

    def _take(self, found: tuple[Merged, PixelSource, DifferencePicture]) -> None:
        self.found, self._pictures = found[0], found[1:]
        self.worst.setEnabled(self.found.worst is not None)
        self.original.setEnabled(True)
        self._present()
        self.words.setText(self._sentence(self.found))
        self.merged.emit(self.found)

    def _on_cancelled(self) -> None:
        last = " What is shown is what was merged last." if self.found else ""
        self.words.setText(f"Merging was cancelled.{last}")

    def _fail(self, words: str) -> None:
        self._pictures = self.found = None
        self._present()
        self.words.setText(words)

    def _present(self) -> None:
        """Show what there is."""
        image, difference = self._pictures or (None, None)
        self.image.present(image)
        self.difference.present(difference)
        self.legend.set_limit(self.found.largest if self.found else 0.0)
        marks = []
        if self.found is not None and self.found.worst is not None:
            row, column = self.found.worst
            marks = [Mark(((row, row + 1), (column, column + 1)), "worst")]
        for canvas in (self.image, self.difference):
            canvas.set_marks(marks)

    def _flip(self, *, original: bool) -> None:
        """Show the original instead of what is merged, for a moment."""
        if self._pictures is None or self.loaded is None:
            return
        self.image.present(self.loaded.image if original else self._pictures[0])
        self.panes[0].caption("Original" if original else "Merged")

    def _sentence(self, found: Merged) -> str:
        assert self.tiling is not None
        bare = ""
        if found.uncovered:
            bare = f" {found.uncovered:,} pixels lie in no tile and are left out."
        if found.worst is None:
            return "The merged image equals the original in every pixel." + bare
        row, column = found.worst
        count = self.tiling.cover(row, column)
        plural = "" if count == 1 else "s"
        return (
            f"The largest difference is {found.largest:.4g}, at row {row}, column "
            f"{column}, where {count} tile{plural} take{'' if plural else 's'} part."
            + bare
        )

    def _lay_out(self) -> None:
        for name, words in MODEL_NAMES.items():
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
        self.original.setToolTip("See the original in place of the merged image")
        for canvas in (self.image, self.difference):
            canvas.set_layers(PLAIN)
        keep_keys(self.model)
        label, by = QLabel("&Model that"), QLabel("&by up to")
        label.setBuddy(self.model)
        by.setBuddy(self.height_box)
        bar = QHBoxLayout()
        for widget in (label, self.model, by, self.height_box):
            bar.addWidget(widget)
        bar.addStretch(1)
        for part in (self.original, self.worst):
            bar.addWidget(part)
        row = QHBoxLayout()
        for pane in self.panes:
            row.addWidget(pane, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.words, 1)
        foot.addWidget(self.busy)
        foot.addWidget(self.legend)
        whole = QVBoxLayout(self)
        whole.addLayout(bar)
        whole.addLayout(row, 1)
        whole.addLayout(foot)
