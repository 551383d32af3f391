"""The results of the tiles that are shown: opened, merged in view, surveyed."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from PySide6.QtCore import QObject, Signal

from reftiler import Grid, Tiler
from reftiler.config import TilingConfig
from reftiler.errors import TilingError
from reftiler.models import Model, load_model
from reftiler_gui.jobs import PictureJob
from reftiler_gui.model.anomaly_map import AnomalyMap, MapSettings
from reftiler_gui.model.form_settings import FormSettings
from reftiler_gui.model.image_set import LoadedImage
from reftiler_gui.model.merged_pictures import MergedPictures, SeamSurvey
from reftiler_gui.model.mock_models import MockModel
from reftiler_gui.model.steps import Work
from reftiler_gui.model.tile_results import (
    OtherTilesError,
    TileResults,
    is_array,
    open_results,
    run_model,
)
from reftiler_gui.viewer_model import ViewerModel

Source: TypeAlias = Path | str | MockModel
"""Where results come from: files, a model as `load_model` takes it, or a lesson."""
_Opened: TypeAlias = tuple[LoadedImage, MergedPictures, Model | None]


def open_source(
    source: Source | Model, loaded: LoadedImage, grid: Grid, names: Iterable[str] = ()
) -> Work[TileResults]:
    """Return the results of an image's tiles from files, or of a model."""
    if isinstance(source, Path):
        return open_results(source, loaded, grid, names)
    assert loaded.image is not None
    model = load_model(source) if isinstance(source, str) else source
    return (yield from run_model(model, loaded.image, grid))


_OPENING, _MERGING, _SURVEY = "Opening results", "Merging", "Comparing tiles"
_MAP = "Merging the anomaly map"


class ResultsModel(QObject):
    """What came back for the tiles of the image that is open."""

    changed = Signal()  # something of the above has changed
    arrived = Signal(object)
    """A dict of pictures to levels, rows and columns that are to be painted anew; None
    for all."""

    map_made = Signal(object)
    """The merged image as an `AnomalyMap`; None if it is not wanted, or is none."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(viewer)
        self._viewer, self._jobs = viewer, viewer.jobs
        self.source: Source | None = None  # where the results come from
        self.pictures: MergedPictures | None = None
        self.survey: SeamSurvey | None = None
        self.problem = ""  # why there are none, or why they are not merged; a sentence
        # the settings of the results, where those of the form do not fit them
        self.offer: FormSettings | None = None
        self.as_map = False  # whether the merged image is the anomaly map, too
        self.model: Model | None = None
        self._item = ""
        self._opened_for: LoadedImage | None = None
        self._limits: tuple[float, ...] = ()
        self._map_settings = MapSettings()
        self._merging = PictureJob(self._jobs, _MERGING, self._show_arrived, self._fail)
        viewer.item_changed.connect(self._on_item)
        viewer.tiling_changed.connect(self._on_tiling)
        self._jobs.given_up.connect(self._on_given_up)

    @property
    def results(self) -> TileResults | None:
        return self.pictures.results if self.pictures else None

    @property
    def names(self) -> list[str]:
        return [item.name for item in self._viewer.image_set.items]

    def open(self, source: Source | None) -> None:
        self.source, self.model = source, None
        loaded = self._viewer.loaded
        self._item = loaded.item.name if loaded else ""
        self._forget()
        self.retry()

    def retry(self) -> None:
        self.problem, self.offer = "", None
        loaded, tiling = self._viewer.loaded, self._viewer.tiling
        if not (self.source and loaded and loaded.image and tiling):
            self._jobs.cancel(_OPENING)
            self.changed.emit()
            return
        if isinstance(self.source, Path) and is_array(self.source):
            self._item = self._item or loaded.item.name
            if loaded.item.name != self._item:
                self._forget()
                self._fail(
                    f"{self.source.name} holds the results of {self._item}, not of "
                    f"{loaded.item.name}: open the array of this image, or a folder of "
                    "arrays that are called as the images"
                )
                return
        if self.results is not None and not self.results.fits(tiling.grid):
            self._forget()

        def fail(words: str) -> None:
            self._forget()
            self._fail(words)

        kept = self.results if self._opened_for is loaded else None
        given = loaded, tiling.grid, self.source, self.model, kept
        opening = partial(self._opened, *given)
        self._jobs.start(_OPENING, opening, self._take, fail)
        self.changed.emit()

    def take_offer(self) -> None:
        if self.offer is not None:
            self._viewer.change(self.offer)

    def find_worst(self) -> None:
        """Find where tiles disagree most, if it is not known; `changed` says it."""
        pictures = self.pictures
        if pictures and self.survey is None and not self._jobs.running(_SURVEY):
            self._jobs.start(_SURVEY, pictures.survey, self._take_survey, self._fail)

    def show_as_map(self, on: bool) -> None:
        """Merge all of the image as its anomaly map, now and whenever it changes."""
        self.as_map = on
        self._make_map()
        self.changed.emit()

    def set_map_settings(self, settings: MapSettings) -> None:
        old = self._map_settings
        self._map_settings = settings = replace(settings, threshold=None, opacity=1)
        if settings != old and self.pictures is not None and self.pictures.is_map:
            self.pictures.map_settings = settings
            self.arrived.emit(None)
            self.changed.emit()

    def _make_map(self) -> None:
        pictures, loaded = self.pictures, self._opened_for
        self._jobs.cancel(_MAP)
        if not self.as_map or pictures is None or not pictures.is_map:
            self.map_made.emit(None)
            return
        size = loaded.image.size if loaded and loaded.image else None

        def made() -> Work[AnomalyMap]:
            array = yield from pictures.whole()
            return AnomalyMap(array, size, pictures.results.name)

        self._jobs.start(_MAP, made, self.map_made.emit, self._fail)

    # Opening

    def _opened(
        self,
        loaded: LoadedImage,
        grid: Grid,
        source: Source,
        model: Model | None,
        results: TileResults | None,
    ) -> Work[_Opened | OtherTilesError]:
        """Open results; in the background, where what the window shows may change."""
        image = loaded.image
        assert image is not None
        yield 0.0
        if results is None or not results.fits(grid):
            try:
                if isinstance(source, str):
                    model = model or load_model(source)
                given = model or source
                results = yield from open_source(given, loaded, grid, self.names)
            except OtherTilesError as error:
                return error
            except ImportError as error:
                raise TilingError(str(error)) from error
        return loaded, MergedPictures(results, grid, image), model

    def _take(self, found: _Opened | OtherTilesError) -> None:
        if isinstance(found, OtherTilesError):
            self._forget()
            self.offer = self._settings_of(found)
            self._fail(str(found))
            return
        self._cancel()
        self._opened_for, self.pictures, self.model = found
        self.pictures.map_settings = self._map_settings
        self.survey, self._limits = None, ()
        self._merging.take(self.pictures.pictures)
        self.changed.emit()
        self._make_map()

    def _settings_of(self, error: OtherTilesError) -> FormSettings | None:
        if error.grid is None or (error.grid.is_irregular and error.random is None):
            return None
        random = error.random or {}
        config = TilingConfig(
            Tiler.from_other(error.grid.tiler),
            random.get("count"),
            random.get("seed", 0),
        )
        now = self._viewer.settings
        kept = ("window", "merge", "fill", "channels_last")
        merging = {name: getattr(now, name) for name in kept}
        return replace(FormSettings.of(config), **merging)

    def _on_item(self) -> None:
        self._forget()
        if self.source is not None:
            self.changed.emit()  # `tiling_changed` follows, and opens the results

    def _on_tiling(self) -> None:
        if self.source is not None and self._viewer.refusal is None:
            self.retry()

    def _forget(self) -> None:
        self._cancel()
        self.pictures = self.survey = self._opened_for = None

    def _cancel(self) -> None:
        self._merging.take(())
        for name in (_OPENING, _MERGING, _SURVEY, _MAP):
            self._jobs.cancel(name)

    def _fail(self, words: str) -> None:
        self.problem = words
        self._merging.take(())
        self.changed.emit()

    def _on_given_up(self, name: str) -> None:
        if name in (_OPENING, _MERGING):
            self._fail("This was cancelled; what was merged so far is shown.")

    def _show_arrived(self) -> None:
        if self.pictures is None:
            return
        parts = {one: list(one.arrived()) for one in self.pictures.pictures}
        same, self._limits = self.pictures.limits == self._limits, self.pictures.limits
        self.arrived.emit(parts if same else None)
        if not same:
            self.changed.emit()

    def _take_survey(self, found: SeamSurvey) -> None:
        self.survey = found
        self._show_arrived()
        self.changed.emit()
