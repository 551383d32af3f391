"""What the results of tiles make: the merged image, its seams, its difference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler import Grid
from reftiler_gui.model.anomaly_map import MapSettings, map_colors
from reftiler_gui.model.array_types import Array, Pixels, Span
from reftiler_gui.model.colors import COLORS, pixel, signed
from reftiler_gui.model.display import DisplaySettings, risen
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.lazy_picture import LazyPicture
from reftiler_gui.model.picture import (
    largest_halved,
    mean_halved,
    rescaled,
    strongest_channel,
    strongest_halved,
)
from reftiler_gui.model.steps import Work
from reftiler_gui.model.tile_results import TileResults

_SEAM_TABLE = np.array(
    [pixel(COLORS["vermillion"], 0.75 * step / 255) for step in range(256)], np.uint32
)
_BAND = 1024  # pixels on a side that are merged together
_SHARED = 4  # merges that wait for another picture to need them
_LISTED = 4  # tiles whose values are told, at the most


@dataclass(frozen=True, eq=False)
class SeamSurvey:
    """Where the tiles of an image disagree most."""

    largest: float  # the largest difference between two tiles' values of one pixel
    worst: Span | None  # that pixel, of the image; None if no two tiles differ anywhere
    by_tile: NDArray[np.float64]  # shape (K,): the largest difference in each tile
    overlap: bool  # whether any pixel is in two tiles


class MergedPictures:
    """The pictures that results make with the settings of a grid."""

    def __init__(self, results: TileResults, grid: Grid, image: ImagePyramid) -> None:
        self.results, self.grid, self._image = results, grid, image
        # the colours of results that are a map, see `is_map`, and their range
        self.map_settings = MapSettings()
        self.array = results.merged(grid)
        self._load = partial(results.load_part, self.array)
        self._most, self._least = (results.merged(grid, m) for m in ("max", "min"))
        self.seam_limit = self.difference_limit = 0.0
        self._shown: ImagePyramid | None = None
        is_image = results.kind == "image"
        if is_image:
            one = np.zeros((1, 1, *self.array.shape[2:]), self.array.dtype)
            self._shown = image.like(one)
        self._merges: dict[tuple[object, ...], Array] = {}
        # merged, seams: the merged image, and how much the tiles of each pixel disagree
        self.merged = self._picture(
            self._read,
            mean_halved if is_image else largest_halved,
            self._paint,
            lambda: image.display if is_image else (self.map_settings, *self.range),
        )
        self.seams = self._picture(
            self.disagreement,
            largest_halved,
            self._paint_seams,
            lambda: self.seam_limit,
        )
        # merged minus original; None where these cannot be compared
        self.difference: LazyPicture | None = None
        if is_image:
            self.difference = self._picture(
                self._differ,
                strongest_halved,
                lambda part: signed(part, self.difference_limit),
                lambda: self.difference_limit,
            )

    @property
    def pictures(self) -> list[LazyPicture]:
        """All of them."""
        return [one for one in (self.merged, self.difference, self.seams) if one]

    @property
    def limits(self) -> tuple[float, ...]:
        """What colours depend on; when it changes, pictures are to be painted anew."""
        own = () if self.results.kind == "image" else self.range
        return (self.seam_limit, self.difference_limit, *own)

    @property
    def range(self) -> tuple[float, float]:
        """The values of the first and last colour: of anomaly maps, or seen so far."""
        low, high = self.map_settings.low, self.map_settings.high
        if self.is_map and low is not None and high is not None and low <= high:
            return low, high
        low, high = self.results.low, self.results.high
        return risen(low, high) if math.isfinite(low) else (0.0, 1.0)

    @property
    def color_bar(self) -> MapSettings | None:
        """The colours of the merged image and their values; None of a picture."""
        if self._shown is not None or math.prod(self.array.shape[2:]) > 2:
            return None
        return MapSettings(self.map_settings.colormap, 1.0, *self.range)

    def disagreement(self, rows: slice, columns: slice) -> Array:
        """Return how much the tiles of pixels differ, of channels the largest."""
        most, least = self._most[rows, columns], self._least[rows, columns]
        if most.dtype == bool:
            most, least = most.view(np.uint8), least.view(np.uint8)
        with np.errstate(all="ignore"):
            found = most - least
        found = found.max(axis=2) if found.ndim == 3 else found
        self.seam_limit = max(self.seam_limit, _highest(found))
        return found

    @property
    def is_map(self) -> bool:
        """Whether the results have one number a pixel."""
        return self.results.form.shape[2:] in ((), (1,))

    def whole(self) -> Work[Array]:
        """Merge all of the image, shape (h, w): see `is_map`."""
        height, width = self.array.shape[:2]
        found = np.empty((height, width), self.array.dtype)
        for top, left in product(range(0, height, _BAND), range(0, width, _BAND)):
            rows = top, min(top + _BAND, height)
            columns = left, min(left + _BAND, width)
            yield from self._load(rows, columns)
            place = slice(*rows), slice(*columns)
            found[place] = self.array[place].reshape(found[place].shape)
            yield top / height
        return found

    def survey(self) -> Work[SeamSurvey]:
        """Find the place where tiles disagree most, and how much each tile does."""
        geometry = self._most.plan.geometry
        by_tile = np.zeros(len(geometry))
        largest, worst, overlap = 0.0, None, False
        blocks = geometry.blocks(2**20)
        for number, block in enumerate(blocks):
            if geometry.coverage(block).max() > 1:
                overlap = True
                yield from self._load(*block)
                found = self.disagreement(*(slice(*span) for span in block))
                known = np.nan_to_num(found.astype(np.float64), nan=np.inf)
                place = np.unravel_index(int(known.argmax()), known.shape)
                if known[place] > largest:
                    largest = float(known[place])
                    own = int(place[0]) + block[0][0], int(place[1]) + block[1][0]
                    worst = rescaled(own, self.array.shape, self._image.size)
                for part in geometry.overlaps(block):
                    most = known[part.in_block].max(initial=0)
                    by_tile[part.tile] = max(by_tile[part.tile], most)
            yield (number + 1) / len(blocks)
        if self.results.indices is not None:
            some, by_tile = by_tile, np.zeros(len(self.grid))
            by_tile[list(self.results.indices)] = some
        return SeamSurvey(largest, worst, by_tile, overlap)

    def values(self, row: int, column: int) -> str:
        """Say what is known at a pixel of the image: merged, and of each tile."""
        merged = self.merged.known(row, column)
        if merged is None:
            return ""
        words, known = f"merged {_words(merged)}", []
        own = rescaled((row, column), self._image.size, self.array.shape)
        box = tuple((n, n + 1) for n in own)
        for overlap in self.array.plan.geometry.overlaps(box):
            indices = self.results.indices
            tile = indices[overlap.tile] if indices else overlap.tile
            result = self.results.peek(tile)
            if result is not None:
                known.append((tile, np.asarray(result[overlap.in_tile], np.float64)))
        if len(known) > 1:
            parts = [f"tile {k}: {_words(value)}" for k, value in known[:_LISTED]]
            more = len(known) - len(parts)
            parts += [f"{more} more"] if more else []
            differ = np.ptp([value for _, value in known], axis=0).max()
            words += f" from {', '.join(parts)}; they differ by {differ:.6g}"
        return words

    def _picture(self, *how: Any) -> LazyPicture:
        shape = self.array.shape[0], self.array.shape[1]
        return LazyPicture(self._image.size, shape, self._load, *how)

    def _read(self, rows: slice, columns: slice) -> Array:
        """Merge, or return what was merged just before for another picture."""
        key = (*rows.indices(self.array.shape[0]), *columns.indices(2**62))
        found = self._merges.pop(key, None)
        if found is None:
            found = self._merges[key] = self.array[rows, columns]
            while len(self._merges) > _SHARED:
                del self._merges[next(iter(self._merges))]
        return found

    def _differ(self, rows: slice, columns: slice) -> Array:
        """Subtract, and take the channel where the difference is largest."""
        merged = self._read(rows, columns).astype(np.float64)
        image = np.asarray(self._image.array[rows, columns])
        original = image.astype(np.float64) * (255 if image.dtype == bool else 1)
        with np.errstate(all="ignore"):
            change = np.where(merged == original, 0, merged - original)
        change[np.isnan(merged) & np.isnan(original)] = 0
        change[np.isnan(change)] = np.inf  # one of them is no number
        change = strongest_channel(change)
        if self.array.plan.num_uncovered:
            block = (rows.start, rows.stop), (columns.start, columns.stop)
            count = self.array.plan.geometry.coverage(block)
            change[count[:: rows.step, :: columns.step] == 0] = 0
        self.difference_limit = max(self.difference_limit, _highest(np.abs(change)))
        return change.astype(np.float32)

    def _paint(self, part: Array) -> Pixels:
        if self._shown is not None:
            return self._shown.painted(part)
        channels = part.reshape(*part.shape[:2], -1)
        if channels.shape[2] < 3:
            colormap = self.map_settings.colormap
            return map_colors(channels[..., 0], self.range, colormap)
        shown = DisplaySettings(*self.range).to_bytes(channels[..., :3])
        red, green, blue = np.moveaxis(shown.astype(np.uint32), 2, 0)
        return np.asarray(np.uint32(0xFF000000) | red << 16 | green << 8 | blue)

    def _paint_seams(self, part: Array) -> Pixels:
        """Colour disagreement: nothing where tiles agree, most at the largest seen."""
        with np.errstate(all="ignore"):
            share = part.astype(np.float64) / (self.seam_limit or 1)
        share = np.nan_to_num(share, nan=1.0, posinf=1.0).clip(0, 1)
        return np.asarray(_SEAM_TABLE[np.ceil(np.sqrt(share) * 255).astype(np.uint8)])


def _highest(part: Array) -> float:
    if part.dtype.kind == "f":
        part = part[np.isfinite(part)]
    return float(part.max(initial=0))


def _words(value: Array) -> str:
    return " ".join(f"{part:.6g}" for part in np.ravel(value).tolist())
