"""The defects of a mask: where they are, and the next one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reftiler.regions import Region, find_regions, label_regions
from reftiler_gui.model.array_types import Ints, Span
from reftiler_gui.model.mask_pyramid import MaskPyramid

__all__ = ["Defects", "find_defects"]


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
    """
    Find the defects of a mask, as `reftiler.regions.find_regions` does.

    Large masks are searched only where their coarse levels are marked, so that the
    labels need no more memory than the defects are large; many defects in a mask that
    is not huge are found faster in one search.
    """
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
            rows, columns = one.box
            box = (_shifted(rows, first), _shifted(columns, side))
            yield Region(box, one.area)


def _shifted(span: Span, by: int) -> Span:
    return span[0] + by, span[1] + by
