"""The defects of a mask: where they are, and the next one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reftiler import Tiler
from reftiler.io import resize
from reftiler.regions import Region, find_regions, label_regions
from reftiler.visibility import Remains, examine
from reftiler_gui.model.array_types import Array, Box, Ints, Pixels, Size, Span
from reftiler_gui.model.grid_lookup import GridLookup
from reftiler_gui.model.image_pyramid import ImagePyramid
from reftiler_gui.model.mask_pyramid import MaskPyramid

_COARSE = 2**20  # pixels of the mask's level in which defects are looked for first
_MANY, _HUGE = 500, 2**26  # regions of that level, pixels of the mask


@dataclass(frozen=True)
class Defects:
    """The defects of an image, from top to bottom, then from left to right."""

    regions: tuple[Region, ...]  # marked pixels that hang together

    def __len__(self) -> int:
        return len(self.regions)

    @cached_property
    def boxes(self) -> Ints:
        """Rows and columns, first and one past last, shape (n, 2, 2)."""
        boxes = [region.box for region in self.regions]
        return np.array(boxes, dtype=np.int64).reshape(-1, 2, 2)

    @cached_property
    def sizes(self) -> Ints:
        """Heights and widths, shape (n, 2)."""
        return np.asarray(self.boxes[..., 1] - self.boxes[..., 0])

    @cached_property
    def numbers(self) -> dict[Region, int]:
        """Which of them each region is."""
        return {region: number for number, region in enumerate(self.regions)}

    def after(self, number: int | None, step: int = 1) -> int | None:
        """Return the next defect, or with ``step=-1`` the last; it goes round."""
        if not self.regions:
            return None
        if number is None:
            return 0 if step > 0 else len(self) - 1
        return (number + step) % len(self)

    def at(self, row: float, column: float, slack: float = 0) -> int | None:
        """Return the smallest defect whose box, grown by ``slack``, holds a place."""
        if not self.regions:
            return None
        place = np.array([row, column])
        hit = (self.boxes[..., 0] - slack <= place) & (
            place < self.boxes[..., 1] + slack
        )
        found = np.flatnonzero(hit.all(axis=1))
        areas = self.sizes[found].prod(axis=1)
        return int(found[areas.argmin()]) if found.size else None


def find_defects(mask: MaskPyramid) -> Defects:
    """Find the defects of a mask, of large ones where coarse levels are marked."""
    level = next(n for n, one in enumerate(mask.levels) if one.size <= _COARSE)
    zones = label_regions(mask.levels[level]) if level else []
    if level == 0 or (len(zones) > _MANY and mask.array.size <= _HUGE):
        defects = Defects(find_regions(mask.array))
    else:
        found = _searched(mask, level, zones)
        order = sorted(found, key=lambda one: (one.box[0][0], one.box[1][0]))
        defects = Defects(tuple(order))
    _ = defects.boxes, defects.numbers  # now, not in the thread of the window
    return defects


def _searched(
    mask: MaskPyramid, level: int, zones: Iterable[tuple[Region, int, Ints]]
) -> Iterator[Region]:
    """Yield the regions in each region of a coarse level, which holds them whole."""
    for zone, number, labels in zones:
        (top, bottom), (left, right) = zone.box
        mine = labels[top:bottom, left:right] == number
        for axis in (0, 1):
            mine = mine.repeat(2**level, axis)
        first, side = top << level, left << level
        part = mask.array[first : bottom << level, side : right << level]
        for one in find_regions(part & mine[: part.shape[0], : part.shape[1]]):
            (low, high), (start, stop) = one.box
            box = (low + first, high + first), (start + side, stop + side)
            yield Region(box, one.area)


_SPARE = 24  # pixels around it that are looked at, at the least
_STEPS = 64  # resized pixels by which a crop is enlarged, at the most, to meet pixels
_NEAR_ENOUGH = 0.01  # of a pixel
_AROUND = 4  # what a picture shows around a defect, in pixels of the resized image
_LEAST = 6  # the same, in pixels of the image
_NOTHING = Remains((0.0, 0.0), 0.0, 0.0)


@dataclass(frozen=True)
class DefectMetrics:
    """How well a defect can be seen in the resized image and in its best tile."""

    region: Region  # in the image
    target: Span  # height and width to which the image is resized
    contrast: float  # how far it stands out of the surface, in the image's units
    resized: Remains  # what is left of it then
    tiled: Remains  # and in the tile where most of it is
    tiles: Ints  # the tiles that hold a pixel of it
    best: int | None  # that tile; None if it lies in none

    @property
    def whole(self) -> bool:
        """Whether all of it lies in the best tile."""
        return self.tiled.area >= self.region.area

    @property
    def sentence(self) -> str:
        """What resizing and tiling leave of it, in words."""
        left = self.resized
        words = (
            f"This {_extent(self.region.size)} px defect is {_extent(left.size)} px "
            f"after resizing to {_extent(self.target)} and keeps "
            f"{_percent(left.contrast)} of its contrast; "
        )
        if self.best is None:
            return words + "it lies in no tile."
        kept = _percent(self.tiled.contrast)
        if self.whole:
            return words + f"in tile {self.best} it keeps {kept}."
        return words + (
            f"tile {self.best}, the best of {len(self.tiles)}, holds "
            f"{self.tiled.area:.0f} of its {self.region.area} pixels and {kept} of it."
        )


def look(
    image: Array,
    mask: MaskPyramid,
    region: Region,
    view: GridLookup,
    target: Sequence[int],
) -> DefectMetrics:
    """Compare what resizing and tiling leave of a defect, as `examine` does."""
    height, width = target
    tiles, best = _tiles(mask, region, view)
    crops = _crops(region, mask.size, target)
    box = region.box if best is None else view.box(best)
    part = [
        (max(low, start) - start, min(high, stop) - start)
        for (low, high), (start, stop, _) in zip(box, crops, strict=True)
    ]
    rows, columns = (slice(start, stop) for start, stop, _ in crops)
    top, left = rows.start, columns.start
    (first, last), (begin, end) = region.box
    marks = mask.array[rows, columns]
    grid = Tiler([high - low for low, high in part]).scatter(
        marks.shape, [[low for low, _ in part]]
    )
    here = Region(((first - top, last - top), (begin - left, end - left)), region.area)
    sizes = [size for _, _, size in crops]
    found = examine(image[rows, columns], marks, grid, sizes, (here,))[0]
    return DefectMetrics(
        region=region,
        target=(height, width),
        contrast=found.contrast,
        resized=found.resized,
        tiled=_NOTHING if best is None else found.tiled,
        tiles=tiles,
        best=best,
    )


def _crops(
    region: Region, size: Sequence[int], target: Sequence[int]
) -> list[tuple[int, int, int]]:
    """Return which rows and columns to look at, and to how many they are resized.

    They end where resized pixels do, so they are resized as the whole image is.
    """
    crops = []
    for (low, high), length, side in zip(region.box, size, target, strict=True):
        scale = length / side
        margin = _SPARE + math.ceil(3 * scale)  # what antialiasing reads
        first = max(0, low - margin) * side // length
        stop = min(side, -(-(high + margin) * side // length))
        first = _met(range(first, max(-1, first - _STEPS), -1), scale)
        stop = _met(range(stop, min(side, stop + _STEPS) + 1), scale, last=side)
        ends = round(first * length / side), round(stop * length / side)
        crops.append((*ends, stop - first))
    return crops


def _met(places: range, scale: float, last: int = 0) -> int:
    """Return the first place that a pixel of the image meets, or that comes nearest."""
    off = {place: abs(place * scale - round(place * scale)) for place in places}
    off |= {last: 0.0} if last in off else {}
    near = (place for place in places if off[place] < _NEAR_ENOUGH)
    return next(near, min(off, key=lambda place: off[place]))


def _tiles(
    mask: MaskPyramid, region: Region, view: GridLookup
) -> tuple[Ints, int | None]:
    """Return the tiles that hold a pixel of a region, and that with most of it."""
    rows, columns = region.box
    tiles = view.meeting(rows, columns)
    low, high = np.array(region.box).T
    boxes = view.boxes(tiles)
    first, stop = (boxes[..., n].clip(low, high) - low for n in (0, 1))
    sums = np.pad(_alone(mask, region).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    (top, left), (bottom, right) = first.T, stop.T
    areas = (
        sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    )
    margins = np.minimum(low - boxes[..., 0], boxes[..., 1] - high).min(axis=1)
    order = np.lexsort((tiles, -margins, -areas))
    held = tiles[areas > 0]
    return held, int(tiles[order[0]]) if held.size else None


def _alone(mask: MaskPyramid, region: Region) -> NDArray[np.bool_]:
    """Return the pixels of a region in its box, without those of others."""
    rows, columns = (slice(*span) for span in region.box)
    whole = tuple((0, side) for side in region.size)
    for one, number, labels in label_regions(mask.array[rows, columns]):
        if (one.box, one.area) == (whole, region.area):
            return np.asarray(labels == number)
    raise ValueError(f"the mask has no region {region}")


def _extent(size: Sequence[float]) -> str:
    """Write width × height of a height and a width."""
    return " × ".join(f"{side:.1f}".removesuffix(".0") for side in reversed(size))


def _percent(part: float) -> str:
    return "all" if part > 0.9995 else f"{100 * part:.0f}%"


@dataclass(frozen=True, eq=False)
class DefectPreview:
    """Two pictures of one place, a pixel for each of the image's."""

    resized: Pixels  # shape (h, w), as `ImagePyramid.region` gives them
    original: Pixels
    opaque: bool  # whether they are


def preview_of_defect(
    source: ImagePyramid, region: Region, target: Sequence[int]
) -> DefectPreview:
    """Show a defect as it is and after resizing; TilingError if that cannot be done."""
    crops = _crops(region, source.size, target)
    rows, columns = (slice(start, stop) for start, stop, _ in crops)
    small = resize(source.array[rows, columns], [size for _, _, size in crops])
    picture = source.like(small)
    spare = math.ceil(_AROUND * shrinkage(source.size, target))
    box = square_around(region, source.size, max(_LEAST, spare))
    spans = [
        (max(low, start), min(high, stop))
        for (low, high), (start, stop, _) in zip(box, crops, strict=True)
    ]
    under = [
        (np.arange(low - start, high - start) * size) // (stop - start)
        for (low, high), (start, stop, size) in zip(spans, crops, strict=True)
    ]
    return DefectPreview(
        np.ascontiguousarray(picture.whole()[np.ix_(*under)]),
        source.region(0, spans[0], spans[1]),
        not source.has_alpha,
    )


def shrinkage(size: Sequence[int], target: Sequence[int]) -> float:
    """Return how many pixels become one when an image is resized; at the least 1."""
    return max(1.0, *(side / goal for side, goal in zip(size, target, strict=True)))


def square_around(region: Region, size: Size, spare: int) -> Box:
    """Return a square around a defect, moved to lie in the image if it can."""
    side = max(region.size) + 2 * spare
    spans = []
    for (low, high), length in zip(region.box, size, strict=True):
        first = min(max((low + high - side) // 2, 0), max(0, length - side))
        spans.append((first, min(first + side, length)))
    return spans[0], spans[1]
