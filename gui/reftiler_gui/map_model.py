"""The anomaly map of the image that is shown: its range, its threshold, its scores."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from reftiler.evaluation import count_found
from reftiler.validation import count_of, first_few
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.anomaly_map import COLORMAPS, AnomalyMap, MapSettings
from reftiler_gui.model.colors import COLORS
from reftiler_gui.model.image_set import ImageSet
from reftiler_gui.model.map_scores import (
    ImageScores,
    SetScores,
    score_image,
    score_set,
    set_range,
)
from reftiler_gui.model.steps import Work
from reftiler_gui.overlays import Marker
from reftiler_gui.viewer_model import ViewerModel

_READING, _MEASURING = "Reading the map", "Measuring the maps"
_SCORING, _SCORING_SET = "Scoring the map", "Scoring all maps"
_COUNTING = "Counting found pixels"
_PAUSE = 60  # milliseconds for which the threshold rests until pixels are counted


class MapModel(QObject):
    """The map that is shown."""

    changed = Signal()
    """Another map, range or threshold, of which no scores are known yet."""
    scored = Signal()  # more is known of how well it finds defects

    def __init__(self, viewer: ViewerModel, jobs: Jobs) -> None:
        super().__init__(viewer)
        self._viewer, self._jobs = viewer, jobs
        self.map: AnomalyMap | None = None  # it, once it is read
        self.number = 0  # which of an image's maps is shown
        self.problem = "No image is open"  # why there is none
        self.whole_set = True  # whether colours have one range for all images
        self.scores: ImageScores | None = None
        self.set_scores: SetScores | None = None
        self.found: tuple[int, int] | None = None
        self._scored: ImageSet | None = None
        self._chosen = MapSettings()
        self._range: tuple[float, float] | None = None
        self._peaks: dict[object, float] = {}
        self._resting = QTimer(self, singleShot=True, interval=_PAUSE)
        self._resting.timeout.connect(self._count)
        viewer.opened.connect(self._on_maps)
        viewer.maps_changed.connect(self._on_maps)
        viewer.item_changed.connect(self._on_item)

    @property
    def settings(self) -> MapSettings:
        low, high = self.range
        return replace(self._chosen, low=low, high=high)

    @property
    def range(self) -> tuple[float, float]:
        """The values of the first and the last colour; NaN if there is no number."""
        if self.whole_set and self._range is not None:
            return self._range
        return (self.map.low, self.map.high) if self.map else (math.nan, math.nan)

    @property
    def mapped(self) -> int:
        return sum(bool(item.maps) for item in self._viewer.image_set.items)

    def change(self, **values: object) -> None:
        """Choose colour map, opacity or threshold, as `MapSettings` calls them."""
        self._chosen = replace(self._chosen, **values)  # type: ignore[arg-type]
        if "threshold" in values:
            self.found = None
            self._resting.start()
        self.changed.emit()

    def set_whole_set(self, on: bool) -> None:
        self.whole_set = on
        self._measure()
        self.changed.emit()

    @property
    def choices(self) -> str:
        """What is chosen for all maps, as JSON; it can be set to what was kept."""
        chosen = self._chosen
        return json.dumps([chosen.colormap, chosen.opacity, self.whole_set])

    @choices.setter
    def choices(self, kept: str) -> None:
        try:
            colormap, opacity, whole_set = json.loads(kept)
            opacity = min(max(float(opacity), 0.0), 1.0)
        except (TypeError, ValueError):
            return
        if colormap in COLORMAPS:
            self._chosen = replace(self._chosen, colormap=colormap, opacity=opacity)
            self.whole_set = bool(whole_set)

    @property
    def names(self) -> list[str]:
        loaded = self._viewer.loaded
        return [
            f"{one.parent.name}/{one.name}" if isinstance(one, Path) else f"map {place}"
            for place, one in enumerate(loaded.item.maps if loaded else (), start=1)
        ]

    def choose(self, number: int) -> None:
        self.number = number
        self._on_item()

    def show(self, found: AnomalyMap | None) -> None:
        self.map, self.scores, self.found, self._peaks = found, None, None, {}
        loaded = self._viewer.loaded
        self._jobs.cancel(_SCORING)
        self._jobs.cancel(_COUNTING)
        if found is not None:
            if self._chosen.threshold is None and not math.isnan(found.low):
                middle = found.low / 2 + found.high / 2
                self._chosen = replace(self._chosen, threshold=middle)
            self._resting.start()
            if loaded is not None and loaded.mask is not None:
                mask = loaded.mask
                self._jobs.start(
                    _SCORING, lambda: score_image(found, mask), self._take_scores
                )
        self.changed.emit()

    def score_set(self) -> None:
        self._scored = image_set = self._viewer.image_set

        def take(found: SetScores) -> None:
            self.set_scores = found
            self.scored.emit()

        self._jobs.start(_SCORING_SET, lambda: score_set(image_set.items), take)

    def mark(self, marks: Sequence[Marker]) -> Sequence[Marker]:
        threshold = self._chosen.threshold
        if threshold is None or not self._peaks:
            return marks
        colored = []
        for mark in marks:
            peak = self._peaks.get(mark.box)
            if peak is None:
                colored.append(mark)
                continue
            hit = peak >= threshold
            words = mark.words and f"{'hit' if hit else 'missed'}, {mark.words}"
            color = COLORS["green" if hit else "vermillion"]
            colored.append(replace(mark, words=words, color=color))
        return colored

    def peak(self, box: object) -> float | None:
        return self._peaks.get(box)

    def _on_maps(self) -> None:
        self._range = self.set_scores = None
        self.number = 0
        self._chosen = replace(self._chosen, threshold=None)
        self._jobs.cancel(_MEASURING)
        self._jobs.cancel(_SCORING_SET)
        self._measure()

    def _measure(self) -> None:
        items = self._viewer.image_set.items
        if not self.whole_set or self._range or self.mapped < 2:
            return

        def take(found: tuple[float, float, list[str]]) -> None:
            self._range = found[:2] if found[0] <= found[1] else None
            if found[2]:
                self._viewer.noticed.emit(
                    f"the range of the colours leaves out {count_of(found[2], 'map')} "
                    f"that cannot be read: {first_few(found[2])}"
                )
            self.changed.emit()

        self._jobs.start(_MEASURING, lambda: set_range(items), take)

    def _on_item(self) -> None:
        loaded = self._viewer.loaded
        if self._viewer.image_set is not self._scored:  # masks were opened by hand
            self.set_scores = None
            self._jobs.cancel(_SCORING_SET)
        self._jobs.cancel(_READING)
        self.problem = "" if loaded is not None else "No image is open"
        self.show(None)
        if loaded is None or loaded.image is None or not loaded.item.maps:
            return
        item, size = loaded.item, loaded.image.size
        number = min(self.number, len(item.maps) - 1)

        def take(found: AnomalyMap) -> None:
            if found.notes:
                self._viewer.noticed.emit(f"{found.name}: {'; '.join(found.notes)}")
            self.show(found)

        def fail(words: str) -> None:
            self.problem = words
            self._viewer.noticed.emit(f"{words}; the image is shown without its map")
            self.changed.emit()

        self._jobs.start(_READING, lambda: item.open_map(size, number), take, fail)

    def _take_scores(self, scores: ImageScores) -> None:
        self.scores, defects = scores, scores.defects
        boxes = (region.box for region in defects.regions)
        self._peaks = dict(zip(boxes, defects.peaks.tolist(), strict=True))
        self.scored.emit()

    def _count(self) -> None:
        found, threshold = self.map, self._chosen.threshold
        loaded = self._viewer.loaded
        if found is None or threshold is None or loaded is None:
            return
        mask = loaded.mask.array if loaded.mask else np.broadcast_to(False, found.size)

        def counted() -> Work[tuple[int, int]]:
            yield 0.0
            return count_found(found.array, mask, threshold)

        def take(counts: tuple[int, int]) -> None:
            self.found = counts
            self.scored.emit()

        self._jobs.start(_COUNTING, counted, take)
