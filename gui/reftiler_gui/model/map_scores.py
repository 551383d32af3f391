"""How well maps find the defects of their masks, for an image and for a whole set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler import evaluation
from reftiler.errors import TilingError
from reftiler.evaluation import DefectScores, PixelRanking, image_auroc, image_score
from reftiler.io.datasets import GOOD
from reftiler_gui.model.anomaly_map import AnomalyMap
from reftiler_gui.model.array_types import Ints
from reftiler_gui.model.image_set import ImageItem
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.steps import Work

BINS = 128
LIMITS = (0.3, 0.05)  # shares of good pixels up to which AUPRO is taken


@dataclass(frozen=True, eq=False)
class ImageScores:
    """An image's map against its mask."""

    defects: DefectScores  # the map's values at each defect
    pixels: int  # how many good ones there are, without NaN
    areas: tuple[float, ...]  # pixel AUROC, and AUPRO to each of `LIMITS`
    score: float  # the image's: the largest value of the map
    span: tuple[float, float]  # the map's range
    good: Ints  # pixels in each of `BINS` equal parts of the map's range
    defective: Ints


@dataclass(eq=False)
class SetScores:
    """The maps of a set against its masks."""

    defects: dict[str, DefectScores] = field(default_factory=dict)
    good: dict[str, float] = field(default_factory=dict)  # scores of images
    defective: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    ranking: PixelRanking = field(default_factory=lambda: PixelRanking(()))
    areas: tuple[float, ...] = ()  # image AUROC, pixel AUROC, AUPRO to each of `LIMITS`

    @cached_property
    def peaks(self) -> NDArray[np.float64]:
        """The largest value of each defect of the set, NaN where it has none."""
        return np.concatenate([np.empty(0), *(d.peaks for d in self.defects.values())])

    def hits(self, threshold: float) -> tuple[int, int]:
        """Return how many defects are hit at a threshold, and how many there are."""
        return int((self.peaks >= threshold).sum()), self.peaks.size

    def false_alarms(self, threshold: float) -> int:
        """Return how many images without a defect reach a threshold."""
        return int((np.array([*self.good.values()]) >= threshold).sum())


def score_image(found: AnomalyMap, mask: MaskPyramid) -> Work[ImageScores]:
    """Rank the pixels of an image and count its values."""
    yield 0.0
    defects = evaluation.defect_scores(found.array, mask.array)
    ranking = PixelRanking([defects])
    counts = np.zeros((2, BINS), dtype=np.int64)
    height = mask.size[0]
    step = max(1, evaluation.BAND // mask.size[1])
    for top in range(0, height, step):
        yield top / height
        bottom = min(top + step, height)
        ranking.add_rows(found.array, mask.array, mask.size, top, bottom)
        values = evaluation.map_rows(found.array, mask.size, top, bottom)
        for marked in (False, True):
            part = values[mask.array[top:bottom] == marked]
            counts[int(marked)] += _histogram(part, found.low, found.high)
    span = found.low, found.high
    score = image_score(found.array)
    return ImageScores(defects, ranking.good, _areas(ranking), score, span, *counts)


def _histogram(values: NDArray[Any], low: float, high: float) -> Ints:
    """Count values in `BINS` parts of a range; infinite ones in the outer parts."""
    if math.isnan(low):
        return np.zeros(BINS, dtype=np.int64)
    known = values[~np.isnan(values)].clip(low, high)
    half = known / 2 - low / 2  # half as much, for huge ranges
    span = high / 2 - low / 2 or 1.0
    places = np.minimum(half / span * BINS, BINS - 1).astype(np.int64)
    return np.bincount(places.ravel(), minlength=BINS).astype(np.int64)


def score_set(items: Sequence[ImageItem]) -> Work[SetScores]:
    """Rank the pixels of all images with a map and known defects."""
    scores, used = SetScores(), list[ImageItem]()
    for number, item in enumerate(items):
        yield number / len(items) / 2
        try:
            found, mask = _opened(item)
            if mask is not None and mask.any():
                defects = evaluation.defect_scores(found.array, mask)
                scores.defects[item.name] = defects
            kind = scores.defective if item.name in scores.defects else scores.good
            kind[item.name] = image_score(found.array)
        except (ImportError, TilingError) as error:
            scores.left_out[item.name] = str(error)
        else:
            used.append(item)
    scores.ranking = PixelRanking(scores.defects.values())
    for number, item in enumerate(used):
        yield 0.5 + number / len(used) / 2
        found, mask = _opened(item)
        scores.ranking.add(found.array, mask, found.size)
    values = [*scores.good.values(), *scores.defective.values()]
    marked_images = [False] * len(scores.good) + [True] * len(scores.defective)
    scores.areas = image_auroc(values, marked_images), *_areas(scores.ranking)
    return scores


def _areas(ranking: PixelRanking) -> tuple[float, ...]:
    return (ranking.auroc(), *(ranking.aupro(limit) for limit in LIMITS))


def _opened(item: ImageItem) -> tuple[AnomalyMap, NDArray[Any] | None]:
    """Return an item's map and mask; None for an image that is known to be good."""
    if not item.maps:
        raise TilingError("it has no map")
    size, mask = item.open_mask()
    if mask is None and item.label != GOOD:
        raise TilingError("it has no mask and no label that says that it is good")
    return item.open_map(size), mask


def set_range(items: Sequence[ImageItem]) -> Work[tuple[float, float, list[str]]]:
    """Return the smallest and largest value of all maps, and what cannot be read."""
    low, high, left_out = math.inf, -math.inf, list[str]()
    mapped = [item for item in items if item.maps]
    for number, item in enumerate(mapped):
        yield number / len(mapped)
        try:
            found = item.open_map(None)
        except (ImportError, TilingError):
            left_out.append(item.name)
        else:
            low, high = np.fmin(low, found.low), np.fmax(high, found.high)
    return float(low), float(high), left_out
