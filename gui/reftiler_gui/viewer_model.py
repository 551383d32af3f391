"""What is shown: the image set, one of its images, and its tiles."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from reftiler import Grid
from reftiler.cli.grid_summary import GridSummary
from reftiler.errors import TilingError
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.display import DisplaySettings, Histogram
from reftiler_gui.model.form_settings import (
    START,
    FormSettings,
    ValidationError,
    difference_title,
)
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import GUESS, ImagePyramid
from reftiler_gui.model.image_set import ImageItem, ImageSet, LoadedImage
from reftiler_gui.model.steps import Work

_SOON = 1.0  # seconds within which changes of one setting are undone together
_PATIENCE = 300  # milliseconds for which an image waits for the one that is read
_SETTLED = 300  # milliseconds without another change of a file, until it is read again


class ViewerModel(QObject):
    """What is open, and how it is tiled."""

    opened = Signal()
    checked = Signal()  # more is known of the images than before
    item_changed = Signal()
    maps_changed = Signal()
    pixels_changed = Signal()
    display_changed = Signal()  # limits, gamma, channels or the histogram have
    settings_changed = Signal()
    tiling_changed = Signal()
    facts_changed = Signal()
    cases_given = Signal(object)  # paths of files that the conformance kit wrote
    noticed = Signal(str)
    """A sentence on what could not be done; none once another image is gone to."""

    def __init__(self, jobs: Jobs, settings: FormSettings = START) -> None:
        super().__init__(jobs)
        self.jobs = jobs
        self.image_set = ImageSet()  # the images that can be shown
        self.index = 0  # which of them is
        self.loaded: LoadedImage | None = None  # it, once it is read
        self.settings = settings  # what the form holds
        self.undo_stack = QUndoStack(self)  # the changes of the settings
        self.tiling: GridLookup | None = None  # the last tiles that were not refused
        self.refusal: ValidationError | None = None  # why the settings are
        self.facts: GridSummary | None = None
        # what the conformance kit wrote, of that which was opened last
        self.cases: tuple[Path, ...] = ()
        # how often values occur in the channels that are shown, once it is counted
        self.histogram: Histogram | None = None
        # whether the next image is shown with the limits, gamma and channels of this
        self.keeps_display = False
        # what was chosen for this image, as it was given
        self.display = DisplaySettings()
        self._displays: dict[tuple[str, Path | None], DisplaySettings] = {}
        self.order: Sequence[int] = ()
        self._find: Callable[[], ImageSet] = ImageSet
        self._maps: list[Path] = []
        self._reading: ImageItem | None = None
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE)
        self._patience.timeout.connect(self._catch_up)
        self._watcher = QFileSystemWatcher(self)
        self._rereading = QTimer(self, singleShot=True, interval=_SETTLED)
        self._watcher.fileChanged.connect(lambda _path: self._rereading.start())
        self._rereading.timeout.connect(self._on_file_changed)

    @property
    def item(self) -> ImageItem | None:
        """The image that was gone to, which is perhaps not read yet."""
        return self.image_set.items[self.index] if self.image_set.items else None

    @property
    def image(self) -> ImagePyramid | None:
        """The pixels of the image that is shown; None where they cannot be read."""
        return self.loaded.image if self.loaded else None

    # The image set

    def open(
        self, paths: Iterable[str | Path], at: str = "", maps: Iterable[str | Path] = ()
    ) -> None:
        """Open files and folders, none is the sample; ``at`` names the first image."""
        given, sources = ([Path(path) for path in some] for some in (paths, maps))
        self._open(partial(ImageSet.open, given), at, sources)

    def show(self, image_set: ImageSet) -> None:
        self._open(lambda: image_set)

    def _open(
        self, find: Callable[[], ImageSet], at: str = "", sources: Sequence[Path] = ()
    ) -> None:
        def opened() -> tuple[ImageSet, int, LoadedImage | None]:
            found = find()
            if sources:
                found = found.with_maps(sources)
            names = (k for k, item in enumerate(found.items) if at and item.name == at)
            start = next(names, found.start)
            first = found.items[start].load() if found.items else None
            return found, start, first

        def take(found: tuple[ImageSet, int, LoadedImage | None]) -> None:
            self._take(find, *found)
            if self.image_set is found[0]:
                self._maps = list(sources)

        self.jobs.start("Opening", opened, take)

    def _take(
        self,
        find: Callable[[], ImageSet],
        image_set: ImageSet,
        start: int,
        first: LoadedImage | None,
    ) -> None:
        """Show an image set; one of which nothing can be read leaves what is open."""
        for sentence in (*image_set.notes, *image_set.problems):
            self.noticed.emit(sentence)
        for path in image_set.settings:
            self.read_settings(path)
        if image_set.cases:
            self.cases = image_set.cases
            self.cases_given.emit(image_set.cases)
        if first is not None and (first.image or image_set.items[1:] or not self.image):
            self.jobs.cancel("Reading")
            self._displays.clear()
            self._find, self.index = find, start
            self.image_set, self.order = image_set, range(len(image_set.items))
            self.opened.emit()
            self._reading = image_set.items[start]
            self._take_item(first, start)
            self._check()
        elif first is not None:
            self.noticed.emit(first.words)
        elif self.loaded is None:
            self.image_set = image_set  # of which there is nothing but what is wrong
            self.item_changed.emit()

    def close(self) -> None:
        for name in ("Opening", "Opening maps", "Checking", "Reading", "Reducing"):
            self.jobs.cancel(name)
        for name in ("Planning", "Counting"):
            self.jobs.cancel(name)
        self.image_set, self.order, self.index = ImageSet(), (), 0
        self.loaded = self.tiling = self.facts = self.histogram = self.refusal = None
        self._find, self._maps = ImageSet, []
        self._watch(())
        self.opened.emit()
        self.item_changed.emit()
        self.tiling_changed.emit()
        self.facts_changed.emit()

    def _check(self) -> None:
        def checked(_: object) -> None:
            self.checked.emit()

        self.jobs.start("Checking", self.image_set.check, checked, progress=checked)

    def go(self, index: int) -> None:
        if not self.image_set.items:
            return
        before = self.index
        self.index = min(max(index, 0), len(self.image_set.items) - 1)
        if self.index != before:
            self.noticed.emit("")
        busy = self.jobs.running("Reading") and self._patience.isActive()
        if not busy:  # else this image is read next: a fast walk shows what it can
            self.reload()

    def _catch_up(self) -> None:
        """Read the image that was gone to, if it is not the one that is read."""
        if self._reading is not self.item:
            self.reload()

    def reload(self) -> None:
        index, item = self.index, self.item
        if item is None:
            return
        self._reading = item
        self._patience.start()

        def take(loaded: LoadedImage) -> None:
            self._take_item(loaded, index)
            self._catch_up()

        self.jobs.start("Reading", item.load, take)

    def reload_all(self) -> None:
        if self.item is not None:
            self._open(self._find, self.item.name, self._maps)

    def step(self, steps: int) -> None:
        """Show a later or, with a negative number, an earlier image of `order`."""
        if not self.order:
            if self.image_set.items:
                self.noticed.emit("the filter of the list leaves no image to go to")
            return
        last = len(self.order) - 1
        if self.index in self.order:
            place = self.order.index(self.index) + steps
        else:
            place = 0 if steps > 0 else last
        self.go(self.order[min(max(place, 0), last)])

    def open_masks(self, masks: Sequence[str | Path]) -> None:
        """Take these files as the mask of the image; what any of them marks counts."""
        if masks and self.item is not None:
            item = replace(self.item, masks=tuple(map(Path, masks)), problems=())
            self.image_set = self.image_set.with_item(self.index, item)
            self.go(self.index)
            self._check()

    def read_as(self, axes: str | None, page: int) -> None:
        index, item = self.index, self.item
        shown = self.loaded.item.image if self.loaded else None
        if item is None or shown is None or item.image != shown:
            return  # another image is read already: the choice was not for it
        item = replace(item, reading=replace(GUESS, axes=axes, page=page))

        def take(loaded: LoadedImage) -> None:
            if loaded.image is None:  # the one that is shown stays
                self.noticed.emit(loaded.words)
                self.display_changed.emit()
            elif self.index == index:
                self.image_set = self.image_set.with_item(index, item)
                self._take_item(loaded, index)

        self.jobs.start("Reading", item.load, take)

    def step_page(self, steps: int) -> None:
        if self.loaded is not None and (image := self.image) is not None:
            page = min(max(image.page + steps, 0), image.info.pages - 1)
            if page != image.page:
                self.read_as(self.loaded.item.reading.axes, page)

    def open_maps(self, sources: Sequence[str | Path], *, this: bool = False) -> None:
        """Take maps from files and folders, by name, or one for ``this`` image."""
        paths, before = list(map(Path, sources)), self.image_set
        if not before.items:
            self.noticed.emit("open the images first, then their maps")
            return
        at = self.index if this else None

        def take(found: ImageSet) -> None:
            item = self.item
            if self.image_set is not before or item is None:
                self.noticed.emit("the images have changed: open their maps again")
                return
            self.image_set = found
            for note in found.notes[len(before.notes) :]:
                self.noticed.emit(note)
            self._maps += [path for path in paths if path not in self._maps]
            if len(found.items) != len(before.items):  # some of them were the maps
                self.jobs.cancel("Reading")  # whose index is of another image now
                names = [one.name for one in found.items]
                self.index = names.index(item.name) if item.name in names else 0
                self.order = range(len(names))
                self.opened.emit()
                self._check()
            self.maps_changed.emit()
            self.go(self.index)

        self.jobs.start("Opening maps", lambda: before.with_maps(paths, at), take)

    def open_dropped(
        self, paths: Sequence[str | Path], otherwise: Callable[[], object]
    ) -> None:
        image_set, files = self.image_set, list(map(Path, paths))
        if not image_set.items:
            otherwise()
            return
        if image_set.are_masks(files, self.index):
            self.open_masks(files)
            return

        def take(maps: bool) -> None:
            if maps:
                self.open_maps(files)
            else:
                otherwise()

        self.jobs.start("Opening", lambda: image_set.are_maps(files), take)

    def _watch(self, paths: Iterable[Path]) -> None:
        if watched := self._watcher.files():
            self._watcher.removePaths(watched)
        if there := [str(path) for path in paths if path.exists()]:
            self._watcher.addPaths(there)

    def _on_file_changed(self) -> None:
        if self.loaded is not None:
            self.noticed.emit(f"{self.loaded.item.name} has changed: it is read again")
            self.reload()

    def _take_item(self, loaded: LoadedImage, index: int) -> None:
        before = self.image
        self.loaded, self.histogram = loaded, None
        if loaded.item.image is not None:
            self.image_set.checks[index] = loaded.check
            self.checked.emit()
        self._watch(loaded.item.files)
        if before is None or loaded.image is None or before.size != loaded.image.size:
            self.tiling = None  # the last good one is of no use to this image
        self.item_changed.emit()
        if loaded.words:
            self.noticed.emit(loaded.words)
        if loaded.image is None:
            self.jobs.cancel("Reducing")
            self.facts = None
            self.tiling_changed.emit()
            self.facts_changed.emit()
            self.display_changed.emit()
            return
        item, display = loaded.item, self.display
        if not self.keeps_display:
            display = self._displays.get((item.name, item.image), DisplaySettings())
        elif before is not None and before.dtype != loaded.image.dtype:
            self.noticed.emit(
                f"the limits kept are of {before.dtype}, this image is of "
                f"{loaded.image.dtype}: its own are measured"
            )
            display = replace(display, low=None, high=None)
        self.set_display(display)
        self.jobs.start("Reducing", loaded.image.build, self._on_levels)
        self.plan()

    def _on_levels(self, _: object) -> None:
        self.pixels_changed.emit()
        self._count()

    def set_display(self, display: DisplaySettings) -> None:
        """Choose limits, gamma and channels; limits of None are measured."""
        loaded, image = self.loaded, self.image
        if loaded is None or image is None:
            return
        before, measured = image.display, image.shown_channels(display) in image.ranges
        try:
            display.check()
            if measured or None not in (display.low, display.high):
                image.set_display(display)
        except TilingError as error:
            self.noticed.emit(str(error))
            self.display_changed.emit()
            return
        self._displays[loaded.item.name, loaded.item.image] = self.display = display
        if image.display != before:
            self.pixels_changed.emit()
        self._count()

    def _count(self) -> None:
        """Count the values, of large images after their levels are built."""
        image = self.image
        if image is None:
            return
        channels = image.shown_channels(self.display)
        measured = channels in image.ranges

        def take(_: Histogram) -> None:
            if self.image is image:
                self.set_display(self.display)

        self.histogram = image.histograms.get(channels)
        self.display_changed.emit()
        built = image.ready(image.levels - 1)  # else both would read the file at once
        if self.histogram is None and (built or not measured):
            self.jobs.start("Counting values", lambda: image.measure(channels), take)

    def keep_display(self, keep: bool) -> None:
        self.keeps_display = keep
        if keep and self.image is not None:
            self.set_display(self.image.display)

    # The settings

    def change(self, settings: FormSettings) -> None:
        """Take other settings; quick changes of one field are undone together."""
        if settings != self.settings:
            self.undo_stack.push(_SettingsChange(self, self.settings, settings))

    def read_settings(self, path: Path) -> None:
        try:
            self.change(FormSettings.read(path))
        except (TilingError, TypeError, ImportError) as error:
            self.noticed.emit(str(error))

    def apply_settings(self, settings: FormSettings) -> None:
        self.settings = settings
        self.settings_changed.emit()
        self.plan()

    # The tiles

    def plan(self) -> None:
        if self.image is None:
            return
        size, settings = self.image.size, self.settings
        self.jobs.cancel("Counting")
        if settings.random is None:
            self.jobs.cancel("Planning")
            self._planned(settings.plan(size))
            return

        def planned() -> Work[Grid | ValidationError]:
            yield 0.0
            return settings.plan(size)

        self.jobs.start("Planning", planned, self._planned)

    def _planned(self, found: Grid | ValidationError) -> None:
        image = self.image
        if image is None:
            return
        if isinstance(found, ValidationError):
            self.refusal = found
            self.tiling_changed.emit()
            return
        self.refusal = None
        self.tiling = GridLookup(found)
        known = GridSummary(found, image.channels, image.dtype)
        self.facts = None if self.tiling.scattered else known
        if self.tiling.scattered:
            self.jobs.start("Counting", known.counted, self._on_counted)
        self.tiling_changed.emit()
        if self.facts is not None:
            self.facts_changed.emit()

    def _on_counted(self, known: GridSummary) -> None:
        self.facts = known
        self.facts_changed.emit()


class _SettingsChange(QUndoCommand):
    """A change of the settings; quick changes of the same fields become one."""

    def __init__(
        self, viewer: ViewerModel, before: FormSettings, after: FormSettings
    ) -> None:
        super().__init__(difference_title(before, after))
        self._viewer, self.before, self.after = viewer, before, after
        self.when = time.monotonic()

    def id(self) -> int:
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _SettingsChange) or self.text() != other.text():
            return False
        if other.when - self.when >= _SOON:
            return False
        self.after, self.when = other.after, other.when
        self.setObsolete(self.after == self.before)
        return True

    def redo(self) -> None:
        self._viewer.apply_settings(self.after)

    def undo(self) -> None:
        self._viewer.apply_settings(self.before)
