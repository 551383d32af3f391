"""A defect after resizing the image beside the same defect in its tile."""

from typing import TypeVar

from PySide6.QtWidgets import QButtonGroup, QRadioButton, QSpinBox

from reftiler_gui.jobs import Jobs
from reftiler_gui.layouts import flow, hbox, labelled, vbox
from reftiler_gui.model.defects import DefectMetrics, look, shrinkage
from reftiler_gui.model.image_pyramid import ResizedImage
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.overlays import Marker
from reftiler_gui.pan_zoom_view import Camera
from reftiler_gui.view_base import PLAIN, BlinkCompare, SplitPane, SwipeCompare
from reftiler_gui.widgets import filter_shortcuts, message_label, named, slider

_RESIZING, _COMPARING = "Resizing", "Comparing the defect"
_AROUND = 14  # what is shown around a defect, in pixels of the resized image
_LARGEST = 4096
_PARTS = 1000  # steps of the slider
_FIRST = 350  # where it stands at first: not in the middle, which a defect is in

T = TypeVar("T")


class CompareView(BlinkCompare):
    """What resizing and tiling leave of a defect, at the same place and zoom."""

    goes = True

    def __init__(self, jobs: Jobs, state: Camera) -> None:
        super().__init__("Hold to s&wap")
        self._jobs, self._state = jobs, state
        self._resized: tuple[LoadedImage, tuple[int, int], ResizedImage] | None = None
        self._gone_to: object = None
        self._seen: DefectMetrics | None = None
        self.words = message_label("What resizing and tiling leave of the defect")
        self.small, self.large = SwipeCompare(state), SwipeCompare(state)
        self.panes = SplitPane(self.small), SplitPane(self.large)
        self.beside = QRadioButton("Side &by side")
        self.split = QRadioButton("S&plit")
        self.slider = slider("Where the resized image ends", 0, _PARTS, _FIRST)
        self.target = named(
            QSpinBox(minimum=0, maximum=_LARGEST, suffix=" px"),
            "Side to which the image is resized",
        )
        self._lay_out()
        self.beside.setChecked(True)
        self._switch(split=False)
        self.split.toggled.connect(lambda on: self._switch(split=on))
        self.slider.valueChanged.connect(lambda n: self.large.part(n / _PARTS))
        self.large.parted.connect(lambda s: self.slider.setValue(round(s * _PARTS)))
        self.target.valueChanged.connect(self.invalidate)

    def rebuild(self) -> None:
        for name in (_RESIZING, _COMPARING):
            self._jobs.cancel(name)
        loaded, target = self.loaded, self._target()
        source = loaded.image if loaded else None
        marks = [] if self.region is None else [Marker(self.region.box, strong=True)]
        for canvas in (self.small, self.large):
            canvas.message = self.missing
            canvas.set_marks(marks)
        self._seen = None
        self.flip()
        self._tell()
        if loaded is None or source is None:
            return
        if self._resized is None or self._resized[:2] != (loaded, target):
            self.small.message = "Resizing…"
            self._jobs.start(
                _RESIZING,
                lambda: (loaded, target, ResizedImage(source, target)),
                self._take_resized,
                self._fail,
            )
        self._compare(loaded)

    def _compare(self, loaded: LoadedImage) -> None:
        view, region, mask = self.tiling, self.region, loaded.mask
        if view is None or region is None or mask is None:
            return
        target, source = self._target(), loaded.image
        assert source is not None
        self._jobs.start(
            _COMPARING,
            lambda: look(source.array, mask, region, view, target),
            self._take_seen,
            self.words.setText,
        )
        if self._gone_to != (loaded, region):
            self._gone_to = (loaded, region)
            self._go(loaded)

    def _go(self, loaded: LoadedImage) -> None:
        assert self.region is not None
        assert loaded.image is not None
        (top, bottom), (left, right) = self.region.box
        shrunk = shrinkage(loaded.image.size, self._target())
        around = max(bottom - top, right - left) + 2 * _AROUND * shrunk
        room = min(self.large.viewport().width(), self.large.viewport().height())
        zoom = max(room, 100) / around
        zoom = float(int(zoom)) if zoom > 1 else zoom
        self._state.go((top + bottom) / 2, (left + right) / 2, zoom)

    def _target(self) -> tuple[int, int]:
        side = self.target.value()
        return (side, side) if side else self.settings.tile

    def _take_resized(
        self, found: tuple[LoadedImage, tuple[int, int], ResizedImage]
    ) -> None:
        self._resized = found
        self.flip()

    @property
    def _picture(self) -> ResizedImage | None:
        found = self._resized
        current = found is not None and found[:2] == (self.loaded, self._target())
        return found[2] if found is not None and current else None

    def flip(self) -> None:
        source = self.loaded.image if self.loaded else None
        left, right = self._swapped(self._picture, source)
        mask = self.loaded.mask if self.loaded else None
        self.small.present(left, mask)
        self.large.present(right, mask)
        self.large.put_over(left)
        self._name()

    def _swapped(self, left: T, right: T) -> tuple[T, T]:
        return (right, left) if self.flipped else (left, right)

    def _take_seen(self, seen: DefectMetrics) -> None:
        self._seen = seen
        self.words.setText(seen.sentence)
        self._name()

    def _name(self) -> None:
        height, width = self._target()
        resized, tiled, seen = f"Resized to {width} × {height}", "Original", self._seen
        if seen is not None:
            tiled = "In no tile" if seen.best is None else f"Tile {seen.best}"
        self.large.names = self._swapped(resized, tiled)
        if seen is not None:
            resized += f": {_kept(seen.resized.contrast)}"
            tiled += f": {_kept(seen.tiled.contrast)}"
        if self._picture is not None and self._picture.mean > 1:
            resized += (
                f" (from means of {self._picture.mean} × {self._picture.mean} px)"
            )
        for pane, words in zip(self.panes, self._swapped(resized, tiled), strict=True):
            pane.caption(words)
        self.large.viewport().update()

    def _fail(self, words: str) -> None:
        self.small.message = words
        self.small.viewport().update()

    def _tell(self) -> None:
        if self.loaded and self.loaded.image and self.loaded.mask is None:
            words = "This image has no mask: look for yourself what resizing leaves."
        elif self.missing:
            words = self.missing
        elif self.searching:
            words = "Looking for defects…"
        elif self.region is None:
            words = "Nothing is marked in the mask of this image."
        else:
            words = "Looking at the defect…"
        self.words.setText(words)

    def _switch(self, *, split: bool) -> None:
        self.panes[0].setVisible(not split)
        self.panes[1].label.setVisible(not split)
        self.slider.setVisible(split)
        self.large.part(self.slider.value() / _PARTS if split else 0)

    def _lay_out(self) -> None:
        font = self.words.font()
        font.setPointSizeF(font.pointSizeF() * 1.35)
        self.words.setFont(font)
        for pane in self.panes:
            pane.canvas.set_layers(PLAIN)
        self.hold.setToolTip("See each picture in the other's place (hold Shift)")
        self.setFocusProxy(self.large)
        filter_shortcuts(self.slider, self.beside, self.split)
        group = QButtonGroup(self)
        for button in (self.beside, self.split):
            group.addButton(button)
        self.target.setSpecialValueText("one tile")
        size = labelled("Res&ize to", self.target)
        parts = flow(self.beside, self.split, self.hold, size, gap=12)
        pictures = hbox(*((pane, 1) for pane in self.panes))
        bar = hbox((parts, 2), (self.slider, 1))
        self.setLayout(vbox(self.words, (pictures, 1), bar))


def _kept(share: float) -> str:
    return "keeps all" if share > 0.9995 else f"keeps {100 * share:.0f}%"
