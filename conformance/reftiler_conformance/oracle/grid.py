"""Where every tile lies, and which tiles take part in which pixel."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

from reftiler_conformance.oracle.axis import Axis, fit
from reftiler_conformance.oracle.philox import words
from reftiler_conformance.oracle.settings import Settings

Pixel = tuple[int, ...]
Box = list[tuple[int, int]]


@dataclass(frozen=True)
class TileSpec:
    """A tile: its start on each axis, and whether it keeps its low and high rim."""

    start: Pixel
    low: tuple[bool, ...]
    high: tuple[bool, ...]


@dataclass(frozen=True)
class Grid:
    """The places of all tiles; ``axes`` is empty if they are scattered.

    If they are ``selected``, the axes are those of the whole grid.
    """

    settings: Settings
    size: tuple[int, ...]
    axes: tuple[Axis, ...]
    tile_specs: tuple[TileSpec, ...]
    selected: bool = False

    @property
    def starts(self) -> list[Pixel]:
        """The starts of all tiles in the frame."""
        return [place.start for place in self.tile_specs]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of tiles along each axis."""
        if self.selected or not self.axes:
            return (len(self.tile_specs),)
        return tuple(len(line.starts) for line in self.axes)

    @property
    def frame(self) -> tuple[int, ...]:
        """The size of what the tiles are cut from."""
        return tuple(line.frame for line in self.axes) or self.size

    @property
    def before(self) -> tuple[int, ...]:
        """The padding that leads each axis."""
        return tuple(line.before for line in self.axes) or (0,) * len(self.size)

    @property
    def resampled(self) -> bool:
        """Whether the frame is the image stretched."""
        return bool(self.axes) and self.settings.mode == "interpolation"


def fitted(settings: Settings, size: Sequence[int]) -> Grid:
    """Return the product of the fitted axes: GRID-001."""
    axes = tuple(
        fit(length, tile, stride, settings.mode, settings.pad_side, align)
        for length, tile, stride, align in zip(
            size, settings.tile, settings.stride, settings.aligns, strict=True
        )
    )
    places = []
    for index in tile_order([len(line.starts) for line in axes]):
        sides = list(zip(axes, index, strict=True))
        start = tuple(line.starts[i] for line, i in sides)
        low = tuple(keeps_low(line, i) for line, i in sides)
        high = tuple(keeps_high(line, i) for line, i in sides)
        places.append(TileSpec(start, low, high))
    return Grid(settings, tuple(size), axes, tuple(places))


def tile_order(counts: Sequence[int]) -> list[Pixel]:
    """Return the tiles of a grid, the last axis fastest: LAYOUT-008."""
    return list(box(counts))


def keeps_low(line: Axis, i: int) -> bool:
    """Say whether tile i keeps the border of its low side: BORDER-002."""
    return i == 0


def keeps_high(line: Axis, i: int) -> bool:
    """Say whether tile i keeps that of its high side: BORDER-002 and BORDER-003."""
    last = i == len(line.starts) - 1
    if line.mode == "drop":
        return last and line.starts[i] + line.tile == line.length
    return last


def scattered(
    settings: Settings, size: Sequence[int], starts: Sequence[Sequence[int]]
) -> Grid:
    """Return a grid of tiles that lie where ``starts`` says: SCATTER-001."""
    places = []
    for start in starts:
        sides = list(zip(start, settings.tile, size, strict=True))
        low = tuple(s == 0 for s, _, _ in sides)  # BORDER-004
        high = tuple(s + t == length for s, t, length in sides)
        places.append(TileSpec(tuple(start), low, high))
    return Grid(settings, tuple(size), (), tuple(places))


def select(grid: Grid, indices: Sequence[int]) -> Grid:
    """Return the grid of some tiles, in the order of their indices: SELECT-001."""
    places = tuple(grid.tile_specs[index] for index in indices)
    return replace(grid, tile_specs=places, selected=True)


def random_starts(
    settings: Settings, size: Sequence[int], count: int, seed: int, align: Sequence[int]
) -> list[Pixel]:
    """Draw the starts of random tiles: tile by tile, axis by axis, a word each."""
    stream = words(seed)
    starts = []
    for _ in range(count):
        start = []
        for length, tile, step in zip(size, settings.tile, align, strict=True):
            start.append(random_start(next(stream), length - tile, step))
        starts.append(tuple(start))
    return starts


def random_start(word: int, last: int, align: int) -> int:
    """Return the start that a word means, from 0 to ``last``: RANDOM-003."""
    return word * (last // align + 1) // 2**64 * align


def random_starts_inside(
    settings: Settings,
    size: Sequence[int],
    count: int,
    seed: int,
    align: Sequence[int],
    marked: Sequence[Pixel],
    share: Fraction,
) -> list[Pixel]:
    """Draw random tiles of which a share hold a marked pixel: RANDOM-009."""
    stream = words(seed)
    first = next(stream)
    sides = list(zip(size, settings.tile, align, strict=True))
    held = [pixel for pixel in row_major(marked) if is_held(pixel, sides)]
    starts = []
    for k in range(count):
        choice, *places = [next(stream) for _ in range(1 + len(sides))]
        if is_inside(k, share, first):
            pixel = held[choice * len(held) // 2**64]
            around = zip(places, pixel, sides, strict=True)
            start = [start_around(word, x, *side) for word, x, side in around]
        else:
            start = [
                random_start(word, length - tile, step)
                for word, (length, tile, step) in zip(places, sides, strict=True)
            ]
        starts.append(tuple(start))
    return starts


def row_major(pixels: Sequence[Pixel]) -> list[Pixel]:
    """Return pixels in the order of an array."""
    return sorted(pixels)


def is_inside(k: int, share: Fraction, first: int) -> bool:
    """Say whether tile k is one that holds a marked pixel: RANDOM-008."""
    offset = Fraction(first, 2**64)
    return math.floor((k + 1) * share + offset) > math.floor(k * share + offset)


def multiples_around(x: int, length: int, tile: int, align: int) -> tuple[int, int]:
    """Return the lowest and the highest start that holds x, in multiples of align."""
    low = max(0, -((tile - 1 - x) // align))
    return low, min(x // align, (length - tile) // align)


def is_held(pixel: Pixel, sides: Sequence[tuple[int, int, int]]) -> bool:
    """Say whether a tile can hold a pixel: RANDOM-010."""
    ends = [multiples_around(x, *side) for x, side in zip(pixel, sides, strict=True)]
    return all(low <= high for low, high in ends)


def start_around(word: int, x: int, length: int, tile: int, align: int) -> int:
    """Return the start that a word means, of those that hold x: RANDOM-009."""
    low, high = multiples_around(x, length, tile, align)
    return (low + word * (high - low + 1) // 2**64) * align


def box(sizes: Sequence[int]) -> Iterator[Pixel]:
    """Return all pixels of a box of these sizes, in row-major order."""
    return product(*(range(size) for size in sizes))


def contributes(
    place: TileSpec, offset: Pixel, tile: Sequence[int], border: Sequence[int]
) -> bool:
    """Say whether a pixel of a tile takes part: its border is removed, BORDER-001."""
    for axis, x in enumerate(offset):
        if x < border[axis] and not place.low[axis]:
            return False
        if x >= tile[axis] - border[axis] and not place.high[axis]:
            return False
    return True


def moved(pixel: Pixel, by: Sequence[int]) -> Pixel:
    """Return a pixel moved by so much on each axis."""
    return tuple(x + b for x, b in zip(pixel, by, strict=True))


def padding(grid: Grid) -> Box:
    """Return the padding before and after the image on each axis: COORD-010."""
    lines = [(line.before, line.after) for line in grid.axes]
    return lines or [(0, 0)] * len(grid.size)


def boxes(grid: Grid) -> list[Box]:
    """Return the box of each tile in the image, [start, stop) for each axis."""
    return [
        [side(grid, axis, start) for axis, start in enumerate(place.start)]
        for place in grid.tile_specs
    ]


def side(grid: Grid, axis: int, start: int) -> tuple[int, int]:
    """Return the box of a tile on one axis: COORD-002, and resampled COORD-003."""
    stop = start + grid.settings.tile[axis]
    if grid.resampled:
        length, frame = grid.size[axis], grid.frame[axis]
        return start * length // frame, (stop - 1) * length // frame + 1
    return start - grid.before[axis], stop - grid.before[axis]


def clipped(grid: Grid) -> list[Box]:
    """Return the boxes, clipped to the image: COORD-004."""
    return [
        [
            (max(0, start), min(stop, length))
            for (start, stop), length in zip(sides, grid.size, strict=True)
        ]
        for sides in boxes(grid)
    ]


def touching(grid: Grid, marked: Callable[[Pixel], bool]) -> list[int]:
    """Return the tiles whose boxes hold a pixel that is marked: COORD-008."""
    return [
        k
        for k, sides in enumerate(clipped(grid))
        if any(map(marked, product(*(range(*ends) for ends in sides))))
    ]
