"""Two settings, two maps or two merged images of an image, and how they differ."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler import Grid, TilingError
from reftiler.cli.grid_summary import GridSummary
from reftiler.evaluation import defect_scores, map_rows
from reftiler_gui.model.advice import count_contained
from reftiler_gui.model.anomaly_map import AnomalyMap, MapSettings, map_colors
from reftiler_gui.model.array_types import Array, Ints, Pixels, Span
from reftiler_gui.model.colors import signed
from reftiler_gui.model.defects import Defects
from reftiler_gui.model.form_settings import FormSettings, ValidationError, as_terms
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.lazy_picture import LazyPicture
from reftiler_gui.model.mask_pyramid import MaskPyramid
from reftiler_gui.model.picture import (
    Picture,
    largest_halved,
    mean_halved,
    rescaled,
    strongest_channel,
    strongest_halved,
)
from reftiler_gui.model.steps import Work
from reftiler_gui.model.texts import facts_words
from reftiler_gui.model.tile_results import TileResults

_BAND = 2**22  # values that are compared at a time


@dataclass(frozen=True, eq=False)
class SettingsSide:
    """One of two settings, for an image."""

    settings: FormSettings
    tiling: GridLookup | None  # the tiles; None if the settings are refused
    words: str  # why they are; empty if they are not
    numbers: dict[str, str]  # the numbers of the tiles by what they are
    most: int  # the largest number of tiles that share a pixel


def settings_side(
    settings: FormSettings, image: ImagePyramid, defects: Defects
) -> SettingsSide:
    """Return the tiles that settings give an image, and their numbers."""
    plan = settings.plan(image.size)
    if isinstance(plan, ValidationError):
        return SettingsSide(settings, None, plan.words, {}, 0)
    view = GridLookup(plan)
    known = GridSummary(plan, image.channels, image.dtype)
    numbers = dict(facts_words(known, settings))
    numbers = {name: " ".join(words.split()) for name, words in numbers.items()}
    numbers["Uncovered"] = f"{known.uncovered:,} px"
    if len(defects):
        whole = count_contained(plan, defects.boxes)
        numbers["Defects held whole"] = f"{whole:,} of {len(defects):,}"
    return SettingsSide(settings, view, "", numbers, known.most)


def short_words(settings: FormSettings) -> str:
    """Return the settings in a line: the sizes, and what differs from the defaults."""
    plain = dict(as_terms(FormSettings()))
    terms = dict(as_terms(settings))
    words = [terms.pop("Tile size")]
    for name, value in terms.items():
        if name in ("Overlap", "Stride", "Random tiles"):
            words.append(f"{name.lower()} {value}")
        elif plain.get(name) != value:
            words.append(value if name == "Fit" else f"{name.lower()} {value}")
    return ", ".join(words).replace(" px", "")


class CoverageDifference(Picture):
    """How many more tiles a pixel lies in with B than with A."""

    def __init__(self, a: GridLookup, b: GridLookup) -> None:
        self._pair, self.size = (a, b), a.size
        # Between the edges of tiles nothing changes: one pixel stands for a rectangle.
        firsts = []
        for number, length in enumerate(self.size):
            edges = [view.grid.axes[number].valid.ravel() for view in (a, b)]
            found = np.unique(np.concatenate([[0], *edges]))
            firsts.append(found[(found >= 0) & (found < length)])
        change = self._at(*firsts)
        heights, widths = (
            np.diff(first, append=length)
            for first, length in zip(firsts, self.size, strict=True)
        )
        pixels = math.prod(self.size)
        self.least, self.most = int(change.min()), int(change.max())
        self.share = float(heights @ (change != 0) @ widths) / pixels
        self.mean = float(heights @ change @ widths) / pixels

    def region(self, level: int, rows: Span, columns: Span) -> NDArray[np.uint32]:
        """Return pixels of a level to paint, as `ImagePyramid.region` does."""
        places = [
            ((2 * np.arange(*span) + 1) << level >> 1).clip(0, length - 1)
            for span, length in zip((rows, columns), self.size, strict=True)
        ]
        return signed(self._at(*places), max(abs(self.least), abs(self.most)))

    def _at(self, rows: Ints, columns: Ints) -> Ints:
        a, b = (view.coverage(rows, columns) for view in self._pair)
        return b - a


@dataclass(frozen=True, eq=False)
class ComparedValues:
    """One of the two."""

    name: str  # what to call it
    array: Any  # shape (h, w): its values, read by slices of rows and columns
    # ``load(rows, columns)`` is the work to be done before pixels of it are read
    load: Callable[[Span, Span], Work[None]]
    is_image: bool = False  # whether it looks like the image; else it is a map

    @classmethod
    def of_map(cls, found: AnomalyMap, name: str) -> ComparedValues:
        """Return the values of a map."""
        return cls(name, found.array, _loaded_already)

    @classmethod
    def of_results(cls, results: TileResults, grid: Grid, name: str) -> ComparedValues:
        """Return what the results of tiles make with the settings of a grid."""
        array = results.merged(grid)
        load = partial(results.load_part, array)
        return cls(name, array, load, results.kind == "image")


def _loaded_already(rows: Span, columns: Span) -> Work[None]:
    yield 0.0


@dataclass(frozen=True)
class Difference:
    """How far B is from A."""

    largest: float  # absolute, as the mean
    mean: float
    rms: float  # the root of the mean square
    place: Span | None  # the pixel of the image where it is largest
    share: float  # share of the pixels that differ
    unknown: int  # pixels that are NaN in A or in B, which are left out
    ranges: tuple[tuple[float, float], tuple[float, float]]
    # the largest values at each defect, of maps of an image with a mask
    peaks: tuple[Array, ...] | None


class MapComparison:
    """The pictures of two maps and of their difference, with one range of values."""

    def __init__(
        self,
        a: ComparedValues,
        b: ComparedValues,
        image: ImagePyramid,
        colormap: str = "inferno",
    ) -> None:
        shapes = [tuple(side.array.shape) for side in (a, b)]
        self.sides, self._image = (a, b), image
        self.shape: Span = shapes[0][:2]
        if shapes[0] != shapes[1]:
            if max(map(len, shapes)) > 2:
                sizes = " and ".join(" × ".join(map(str, shape)) for shape in shapes)
                raise TilingError(
                    f"A and B have the shapes {sizes} (height × width × channels): "
                    "only maps of one channel are compared at other resolutions"
                )
            self.shape = image.size
        # the values of the first and the last colour, the difference of full colour
        self.low, self.high, self.limit = 0.0, 1.0, 0.0
        self.colormap = colormap  # by which maps are coloured
        self._shown: ImagePyramid | None = None
        if a.is_image and b.is_image:
            self._shown = image.like(np.zeros((1, 1, *shapes[0][2:]), a.array.dtype))
        reduce = largest_halved if self._shown is None else mean_halved
        first, second = (
            self._picture(partial(self._read, side), reduce, self._paint)
            for side in (a, b)
        )
        change = self._picture(
            self._change, strongest_halved, lambda part: signed(part, self.limit)
        )
        self.pictures = first, second, change  # a, B, and B minus A

    @property
    def color_bar(self) -> MapSettings | None:
        """The colours of both maps and their values; None of pictures."""
        if self._shown is not None:
            return None
        return MapSettings(self.colormap, 1.0, self.low, self.high)

    def measure(self, mask: MaskPyramid | None) -> Work[Difference]:
        """Compare all pixels, and of maps the values at defects."""
        height, width = self.shape
        step = max(1, _BAND // width)
        total, square, largest, place, finite = 0.0, 0.0, 0.0, None, 0.0
        known = differing = 0
        ranges = [[math.inf, -math.inf], [math.inf, -math.inf]]
        for top in range(0, height, step):
            rows = top, min(top + step, height)
            yield from self._load(rows, (0, width))
            values = [
                self._read(side, slice(*rows), slice(0, width)) for side in self.sides
            ]
            for span, part in zip(ranges, values, strict=True):
                known_part = part[np.isfinite(part)]
                if known_part.size:
                    span[0] = min(span[0], float(known_part.min()))
                    span[1] = max(span[1], float(known_part.max()))
            change = np.abs(_difference(*values))
            comparable = ~np.isnan(change)
            known += int(comparable.sum())
            differing += int((change > 0).sum())
            change[~comparable] = 0
            finite = max(
                finite, float(change.max(where=np.isfinite(change), initial=0))
            )
            total += float(change.sum())
            square += float(np.square(change).sum())
            row, column = np.unravel_index(int(change.argmax()), change.shape)
            if change[row, column] > largest:
                largest = float(change[row, column])
                own = int(row) + top, int(column)
                place = rescaled(own, self.shape, self._image.size)
            yield rows[1] / height
        (a_low, a_high), (b_low, b_high) = ranges
        low, high, self.limit = min(a_low, b_low), max(a_high, b_high), finite
        if low <= high:
            self.low, self.high = low, high
        a, b = (side.array for side in self.sides)
        peaks = None
        if mask is not None and len(a.shape) == 2 and self._shown is None:
            peaks = tuple(defect_scores(one, mask.array).peaks for one in (a, b))
        return Difference(
            largest=largest,
            mean=total / max(1, known),
            rms=math.sqrt(square / max(1, known)),
            place=place,
            share=differing / max(1, known),
            unknown=height * width - known,
            ranges=((a_low, a_high), (b_low, b_high)),
            peaks=peaks,
        )

    def _picture(self, read: Any, reduce: Any, paint: Any) -> LazyPicture:
        def style() -> object:
            return self.low, self.high, self.limit, self._image.display, self.colormap

        return LazyPicture(
            self._image.size, self.shape, self._load, read, reduce, paint, style
        )

    def _load(self, rows: Span, columns: Span) -> Work[None]:
        for side in self.sides:
            own = [
                (low * length // whole, -(-high * length // whole))
                for (low, high), length, whole in zip(
                    (rows, columns), side.array.shape, self.shape, strict=False
                )
            ]
            yield from side.load(own[0], own[1])

    def _read(self, side: ComparedValues, rows: slice, columns: slice) -> Array:
        if tuple(side.array.shape[:2]) == self.shape:
            part = np.asarray(side.array[rows, columns])
        else:
            part = map_rows(side.array, self.shape, rows.start, rows.stop)
            part = part[:: rows.step or 1, columns]
        return part.view(np.uint8) if part.dtype == bool else part

    def _change(self, rows: slice, columns: slice) -> Array:
        a, b = (self._read(side, rows, columns) for side in self.sides)
        return _difference(a, b).astype(np.float32)

    def _paint(self, part: Array) -> Pixels:
        if self._shown is not None:
            return self._shown.painted(part)
        values = part if part.ndim == 2 else part.max(axis=2)
        return map_colors(values, (self.low, self.high), self.colormap)


def _difference(a: Array, b: Array) -> NDArray[np.float64]:
    """Return B minus A, of channels where it is largest; NaN if one is no number."""
    first, second = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(all="ignore"):
        change = np.where(first == second, 0, second - first)
    return strongest_channel(change)
