"""Tiles in wrong places, and grids that say wrongly where they are."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from reftiler_conformance.cases import Case
from reftiler_conformance.mutants.catalogue import (
    Session,
    Unchecked,
    in_mode,
    mutant,
    narrowed,
)
from reftiler_conformance.mutants.tilers import Array
from reftiler_conformance.oracle import ScaledGrid, axis, coverage, grid, merge, philox
from reftiler_conformance.oracle.axis import (
    Axis,
    fit,
    frame_length,
    leading,
    tile_count,
    tile_start,
)
from reftiler_conformance.oracle.grid import (
    Box,
    Grid,
    Pixel,
    boxes,
    fitted,
    padding,
    random_starts,
    scattered,
    side,
    tile_order,
)
from reftiler_conformance.oracle.settings import Settings

Starts = Sequence[Sequence[int]]


@mutant("LAYOUT-008", grid, "tile_order")
def column_major(counts: Sequence[int]) -> list[Pixel]:
    """The first axis runs fastest."""
    return [index[::-1] for index in tile_order(counts[::-1])]


@mutant("GRID-002", axis, "tile_count", also=["GRID-003"])
def too_few(length: int, tile: int, stride: int, mode: str) -> int:
    """What is left over gets no tile."""
    return max(1, (length - tile) // stride + 1)


@mutant("GRID-002", axis, "tile_count")
def too_many(length: int, tile: int, stride: int, mode: str) -> int:
    """Tiles are counted as if they did not overlap."""
    if mode not in axis.EXTENDING:
        return tile_count(length, tile, stride, mode)
    return -(-length // stride)


@mutant("GRID-003", axis, "tile_count")
def interpolation_drops(length: int, tile: int, stride: int, mode: str) -> int:
    """In `interpolation` what is left over gets no tile."""
    rest = "drop" if mode == "interpolation" and length >= tile else mode
    return tile_count(length, tile, stride, rest)


@mutant("GRID-002", axis, "fit")
def lost_column(
    length: int, tile: int, stride: int, mode: str, pad_side: str = "end"
) -> Axis:
    """What does not fit is dropped, not padded."""
    lost = mode == "padding" and length >= tile
    return fit(length, tile, stride, "drop" if lost else mode, pad_side)


@mutant("GRID-001", grid, "fitted")
def swapped_axes(settings: Settings, size: Sequence[int]) -> Grid:
    """Starts of rows are taken for starts of columns."""
    found = fitted(settings, size)
    places = [replace(p, start=p.start[::-1]) for p in found.tile_specs]
    return replace(found, tile_specs=tuple(places))


@mutant("GRID-001", grid, "fitted")
def swapped_strides(settings: Settings, size: Sequence[int]) -> Grid:
    """The strides are read in the other order."""
    return fitted(replace(settings, stride=settings.stride[::-1]), size)


@mutant("GRID-001", grid, "fitted")
def first_axis_for_all(settings: Settings, size: Sequence[int]) -> Grid:
    """The first axis is fitted as the last one is."""
    found = fitted(settings, size)
    return fitted(settings, (found.size[0], *found.size[:-1]))


@mutant("SIZE-001", grid, "fitted")
def swapped_sides(settings: Settings, size: Sequence[int]) -> Grid:
    """The sides of a tile are read in the other order."""
    return fitted(replace(settings, tile=settings.tile[::-1]), size)


@mutant("GRID-004", axis, "fit")
def clamp_pads(
    length: int, tile: int, stride: int, mode: str, pad_side: str = "end"
) -> Axis:
    """The last tile of `clamp` ends in padding."""
    short = mode == "clamp" and length >= tile
    return fit(length, tile, stride, "padding" if short else mode, pad_side)


@mutant("GRID-004", axis, "fit")
def clamp_drops(
    length: int, tile: int, stride: int, mode: str, pad_side: str = "end"
) -> Axis:
    """The last tile of `clamp` is missing."""
    return fit(length, tile, stride, "drop" if mode == "clamp" else mode, pad_side)


@mutant("GRID-006", axis, "fit")
def drop_keeps(
    length: int, tile: int, stride: int, mode: str, pad_side: str = "end"
) -> Axis:
    """In `drop` a last tile slides inward."""
    return fit(length, tile, stride, "clamp" if mode == "drop" else mode, pad_side)


@mutant("GRID-005", axis, "half_up")
def even_half_even(a: int, b: int) -> int:
    """Evenly spaced starts are rounded half to even."""
    return round(Fraction(a, b or 1))


@mutant("GRID-005", axis, "half_up")
def even_floored(a: int, b: int) -> int:
    """Evenly spaced starts are rounded down."""
    return a // (b or 1)


@mutant("GRID-005", axis, "half_up")
def even_in_float32(a: int, b: int) -> int:
    """Evenly spaced starts are computed as float32."""
    return int(np.floor(np.float32(a) / np.float32(b or 1) + np.float32(0.5)))


@mutant("GRID-005", axis, "tile_start")
def even_clamps(i: int, n: int, length: int, tile: int, stride: int, mode: str) -> int:
    """The starts of `even` are those of `clamp`."""
    seen = "clamp" if mode == "even" else mode
    return tile_start(i, n, length, tile, stride, seen)


@mutant("GRID-004", axis, "tile_start")
def clamp_from_15(
    i: int, n: int, length: int, tile: int, stride: int, mode: str
) -> int:
    """From the 15th tile on, the last tile of `clamp` starts a pixel early."""
    found = tile_start(i, n, length, tile, stride, mode)
    return found - (mode == "clamp" and i >= 14 and i == n - 1)


@mutant("GRID-007", axis, "frame_length")
def frame_long(n: int, tile: int, stride: int) -> int:
    """The frame is a pixel too long."""
    return frame_length(n, tile, stride) + 1


narrowed(frame_long, "in interpolation", in_mode("interpolation"))


@mutant("GRID-009", Session, "read")
def short_refused(self: Session, case: Case) -> Case:
    """Images shorter than the tile are refused."""
    if any(n < t for n, t in zip(case.size, case.tile, strict=True)):
        raise ValueError("the image is shorter than the tile")
    return case


@mutant("GRID-010", Unchecked, "read")
def short_taken(self: Session, case: Case) -> Case:
    """Images shorter than the tile are padded in every mode."""
    short = any(n < t for n, t in zip(case.size, case.tile, strict=True))
    return replace(case, mode="padding") if short and not case.starts else case


@mutant("GRID-012", Session, "read", also=("MERGE-020", "PAD-001"))
def grid_by_dtype(self: Session, case: Case) -> Case:
    """Images of bytes lead with their padding."""
    return replace(case, pad_side="both") if case.dtype == "uint8" else case


@mutant("SCATTER-001", grid, "scattered", also=["LAYOUT-007", "SCATTER-004"])
def scatter_sorted(settings: Settings, size: Sequence[int], starts: Starts) -> Grid:
    """Scattered tiles are sorted."""
    return scattered(settings, size, sorted(map(tuple, starts)))


@mutant("SCATTER-001", grid, "scattered")
def scatter_unique(settings: Settings, size: Sequence[int], starts: Starts) -> Grid:
    """A start that comes twice counts once."""
    return scattered(settings, size, list(dict.fromkeys(map(tuple, starts))))


@mutant("SCATTER-002", grid, "scattered")
def scatter_framed(settings: Settings, size: Sequence[int], starts: Starts) -> Grid:
    """Scattered tiles are cut from the resampled image in `interpolation`."""
    found = scattered(settings, size, starts)
    if settings.mode != "interpolation":
        return found
    return replace(found, axes=fitted(settings, size).axes)


@mutant("SCATTER-003", Unchecked, "read")
def scatter_unchecked(self: Session, case: Case) -> Case:
    """Starts beyond the image are moved into it."""
    if case.starts is None:
        return case
    most = np.subtract(case.size, case.tile)
    inside = [tuple(np.clip(s, 0, most).tolist()) for s in case.starts]
    return replace(case, starts=tuple(inside))


@mutant("SCATTER-004", Session, "cut")
def scatter_batch(self: Session, image: Array) -> Array:
    """Only the first image of a batch has scattered tiles of its own."""
    found = Session.cut(self, image)
    if self.case.starts is None or self.case.batch in (None, 1):
        return found
    count = len(self.case.starts)
    return np.tile(found[:count], (len(found) // count, *[1] * (found.ndim - 1)))


@mutant("RANDOM-001", grid, "random_starts")
def random_one_less(
    settings: Settings, size: Sequence[int], count: int, seed: int, align: Sequence[int]
) -> list[Pixel]:
    """One random tile is missing, if there are two."""
    return random_starts(settings, size, max(1, count - 1), seed, align)


@mutant("RANDOM-002", grid, "random_starts")
def random_swapped(
    settings: Settings, size: Sequence[int], count: int, seed: int, align: Sequence[int]
) -> list[Pixel]:
    """Random starts are drawn from the last axis to the first."""
    other = replace(settings, tile=settings.tile[::-1], stride=settings.stride[::-1])
    drawn = random_starts(other, size[::-1], count, seed, align[::-1])
    return [start[::-1] for start in drawn]


@mutant("RANDOM-002", grid, "random_starts")
def random_other(
    settings: Settings, size: Sequence[int], count: int, seed: int, align: Sequence[int]
) -> list[Pixel]:
    """The seed's lowest bit is turned."""
    return random_starts(settings, size, count, seed ^ 1, align)


@mutant("RANDOM-002", grid, "random_starts")
def random_low_seed(
    settings: Settings, size: Sequence[int], count: int, seed: int, align: Sequence[int]
) -> list[Pixel]:
    """Only the low 64 bits of the seed count."""
    return random_starts(settings, size, count, seed % 2**64, align)


@mutant("RANDOM-002", philox, "block")
def philox_nine(counter: Any, key: Any) -> Any:
    """The generator has nine rounds instead of ten."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(9):
        high0, low0 = divmod(philox.MULTIPLIERS[0] * c0, 2**64)
        high1, low1 = divmod(philox.MULTIPLIERS[1] * c2, 2**64)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + philox.WEYL[0]) % 2**64, (k1 + philox.WEYL[1]) % 2**64
    return c0, c1, c2, c3


@mutant("RANDOM-003", grid, "random_start")
def random_short(word: int, last: int, align: int) -> int:
    """No random tile reaches the image's end."""
    return word * max(1, last // align) // 2**64 * align


@mutant("RANDOM-003", grid, "random_start")
def random_unaligned(word: int, last: int, align: int) -> int:
    """Random starts are not aligned."""
    return word * (last + 1) // 2**64


@mutant("RANDOM-003", grid, "random_start", also=["RANDOM-002"])
def random_modulo(word: int, last: int, align: int) -> int:
    """A start is the remainder of a word."""
    return word % (last // align + 1) * align


@mutant("COORD-001", Session, "grid")
def starts_in_image(self: Session) -> dict[str, Any]:
    """The starts are told in the image, not in the frame."""
    told = Session.grid(self)
    before = np.array([before for before, _ in told["padding"]])
    return told | {"starts": np.array(told["starts"]) - before}


@mutant("COORD-002", grid, "side")
def boxes_in_frame(plan: Grid, number: int, start: int) -> tuple[int, int]:
    """The boxes are told in the frame, not in the image."""
    if plan.resampled:
        return side(plan, number, start)
    return start, start + plan.settings.tile[number]


@mutant("COORD-002", grid, "side")
def boxes_clipped(plan: Grid, number: int, start: int) -> tuple[int, int]:
    """The boxes end where the image ends."""
    low, high = side(plan, number, start)
    return max(0, low), min(high, plan.size[number])


@mutant("COORD-003", grid, "side")
def boxes_stretched(plan: Grid, number: int, start: int) -> tuple[int, int]:
    """The boxes of `interpolation` are told in the frame."""
    if not plan.resampled:
        return side(plan, number, start)
    return start, start + plan.settings.tile[number]


@mutant("COORD-003", grid, "side")
def boxes_rounded_up(plan: Grid, number: int, start: int) -> tuple[int, int]:
    """The boxes of `interpolation` end where the next pixel would be read."""
    if not plan.resampled:
        return side(plan, number, start)
    length, frame = plan.size[number], plan.frame[number]
    stop = start + plan.settings.tile[number]
    return start * length // frame, -(-stop * length // frame)


@mutant("COORD-004", grid, "clipped")
def slices_long(plan: Grid) -> list[Box]:
    """The slices are the boxes, unclipped."""
    return boxes(plan)


@mutant("COORD-005", merge, "coverage")
def coverage_whole(plan: Grid) -> list[int]:
    """Tiles cover what their removed border covers."""
    return coverage(replace(plan, settings=replace(plan.settings, border=())))


@mutant("COORD-005", merge, "coverage")
def coverage_byte(plan: Grid) -> list[int]:
    """The coverage is counted in a byte."""
    return [count % 256 for count in coverage(plan)]


@mutant("COORD-005", merge, "coverage")
def coverage_two(plan: Grid) -> list[int]:
    """No pixel is said to be in more than two tiles."""
    return [min(count, 2) for count in coverage(plan)]


@mutant("COORD-006", merge, "coverage")
def coverage_floored(plan: Grid) -> list[int]:
    """In `interpolation` the coverage is read a pixel before."""
    if not plan.resampled:
        return coverage(plan)
    parts = ScaledGrid(plan, (Fraction(1),) * len(plan.size)).parts()
    sides = zip(plan.size, plan.frame, strict=True)
    lines = [[i * frame // size for i in range(size)] for size, frame in sides]
    return [len(parts.get(there, ())) for there in product(*lines)]


@mutant("COORD-007", merge, "uncovered")
def uncovered_never(plan: Grid) -> int:
    """No pixel is ever said to be in no tile."""
    return 0


@mutant("COORD-010", grid, "padding")
def padding_of_frames(plan: Grid) -> Box:
    """In `interpolation`, too, the frame is said to be padding."""
    found = padding(plan)
    if not plan.resampled:
        return found
    return [(0, line.frame - line.length) for line in plan.axes]


@mutant("COORD-010", axis, "leading", also=["PAD-001"])
def padding_swapped(total: int, pad_side: str) -> int:
    """What comes after the image is told to come before."""
    return total - leading(total, pad_side)


class Touching(Session):
    """Finds other tiles than those that a mark touches."""

    def reach(self, sides: Box) -> Box:
        """Return where a tile looks for marks."""
        return sides

    def marked(self, mask: Array) -> Array:
        """Return what is marked."""
        return mask != 0

    def touching(self, mask: Array) -> Array:
        self.refuse("touching", mask)
        marked, hits = self.marked(mask), []
        for k, sides in enumerate(self.grid()["slices"]):
            ends = [(max(0, low), high) for low, high in self.reach(list(sides))]
            if marked[tuple(slice(*pair) for pair in ends)].any():
                hits.append(k)
        return np.array(hits, int)


@mutant("COORD-008", Touching, "reach")
def touches_beyond(self: Touching, sides: Box) -> Box:
    """A marked pixel just behind a tile touches it."""
    return [(low, high + 1) for low, high in sides]


@mutant("COORD-008", Touching, "reach")
def touches_inside(self: Touching, sides: Box) -> Box:
    """The removed border touches nothing."""
    return [
        (low + rim, high - rim)
        for (low, high), rim in zip(sides, self.case.borders, strict=True)
    ]


@mutant("COORD-008", Touching, "reach")
def touches_first(self: Touching, sides: Box) -> Box:
    """The first row of a tile is not looked at."""
    return [(sides[0][0] + 1, sides[0][1]), *sides[1:]]


narrowed(touches_first, "in interpolation", in_mode("interpolation"))
narrowed(touches_beyond, "in interpolation", in_mode("interpolation"))
narrowed(touches_beyond, "in clamp", in_mode("clamp"))


@mutant("COORD-009", Touching, "marked")
def nan_unmarked(self: Touching, mask: Array) -> Array:
    """Only what is greater than zero is marked."""
    return np.nan_to_num(mask.real) > 0


@mutant("COORD-009")
class MaskUnchecked(Touching):
    """A mask of another shape is cut to the image's."""

    checked = False

    def touching(self, mask: Array) -> Array:
        wide = np.zeros(self.case.size, bool)
        wide.flat[: mask.size] = (mask != 0).flat[: wide.size]
        return super().touching(wide)


for mode in ("padding", "clamp", "even", "drop"):
    narrowed(column_major, f"in {mode}", in_mode(mode))
narrowed(touches_beyond, "of scattered tiles", lambda case: case.starts is not None)
