"""Where every tile lies, and which tiles take part in which pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from reftiler_conformance.oracle.axis import Axis, ceil_div, fit
from reftiler_conformance.oracle.philox import words
from reftiler_conformance.oracle.settings import Settings

Pixel = tuple[int, ...]


@dataclass(frozen=True)
class TileSpec:
    """A tile: its start on each axis, and whether it keeps its low and high rim."""

    start: Pixel
    low: tuple[bool, ...]
    high: tuple[bool, ...]


@dataclass(frozen=True)
class Grid:
    """The places of all tiles; ``axes`` is empty if they are scattered."""

    settings: Settings
    size: tuple[int, ...]
    axes: tuple[Axis, ...]
    tile_specs: tuple[TileSpec, ...]

    @property
    def starts(self) -> list[Pixel]:
        """The starts of all tiles in the frame."""
        return [place.start for place in self.tile_specs]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of tiles along each axis."""
        if not self.axes:
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
    """Return the product of the fitted axes, in row-major order."""
    axes = tuple(
        fit(length, tile, stride, settings.mode, settings.pad_side)
        for length, tile, stride in zip(
            size, settings.tile, settings.stride, strict=True
        )
    )
    places = []
    for index in product(*(range(len(line.starts)) for line in axes)):
        start, low, high = [], [], []
        for i, line in zip(index, axes, strict=True):
            start.append(line.starts[i])
            low.append(i == 0)
            last = i == len(line.starts) - 1
            if settings.mode == "drop":
                last = last and line.starts[i] + line.tile == line.length
            high.append(last)
        places.append(TileSpec(tuple(start), tuple(low), tuple(high)))
    return Grid(settings, tuple(size), axes, tuple(places))


def scattered(
    settings: Settings, size: Sequence[int], starts: Sequence[Sequence[int]]
) -> Grid:
    """Return a grid of tiles that lie where ``starts`` says."""
    places = []
    for start in starts:
        low = tuple(s == 0 for s in start)
        high = tuple(
            s + t == length
            for s, t, length in zip(start, settings.tile, size, strict=True)
        )
        places.append(TileSpec(tuple(start), low, high))
    return Grid(settings, tuple(size), (), tuple(places))


def random_starts(
    settings: Settings, size: Sequence[int], count: int, seed: int, align: Sequence[int]
) -> list[Pixel]:
    """Draw the starts of random tiles: tile by tile, axis by axis, a word each."""
    stream = words(seed)
    starts = []
    for _ in range(count):
        start = []
        for length, tile, step in zip(size, settings.tile, align, strict=True):
            choices = (length - tile) // step + 1
            start.append((next(stream) * choices // 2**64) * step)
        starts.append(tuple(start))
    return starts


def box(sizes: Sequence[int]) -> Iterator[Pixel]:
    """Return all pixels of a box of these sizes, in row-major order."""
    return product(*(range(size) for size in sizes))


def contributes(
    place: TileSpec, offset: Pixel, tile: Sequence[int], border: Sequence[int]
) -> bool:
    """Say whether a pixel of a tile takes part: its border is removed."""
    for axis, x in enumerate(offset):
        if x < border[axis] and not place.low[axis]:
            return False
        if x >= tile[axis] - border[axis] and not place.high[axis]:
            return False
    return True


def reads(grid: Grid, axis: int, i: int) -> int:
    """Return the frame pixel that image pixel i reads on the way back."""
    if grid.resampled:
        return ceil_div(i * grid.frame[axis], grid.size[axis])
    return i + grid.before[axis]


def coverage(grid: Grid) -> list[int]:
    """Count the tiles that take part in each image pixel, in row-major order."""
    tile, border, counts = grid.settings.tile, grid.settings.borders, []
    for pixel in box(grid.size):
        there = [reads(grid, axis, i) for axis, i in enumerate(pixel)]
        count = 0
        for place in grid.tile_specs:
            offset = tuple(j - s for j, s in zip(there, place.start, strict=True))
            inside = all(0 <= x < t for x, t in zip(offset, tile, strict=True))
            count += inside and contributes(place, offset, tile, border)
        counts.append(count)
    return counts


def uncovered(grid: Grid) -> int:
    """Count the image pixels in which no tile takes part."""
    return sum(count == 0 for count in coverage(grid))


def boxes(grid: Grid) -> list[list[tuple[int, int]]]:
    """Return the box of each tile in the image, [start, stop) for each axis."""
    result = []
    for place in grid.tile_specs:
        sides = []
        for axis, start in enumerate(place.start):
            stop = start + grid.settings.tile[axis]
            if grid.resampled:
                length, frame = grid.size[axis], grid.frame[axis]
                first, last = start * length // frame, (stop - 1) * length // frame
                sides.append((first, last + 1))
            else:
                before = grid.before[axis]
                sides.append((start - before, stop - before))
        result.append(sides)
    return result


def touching(grid: Grid, marked: Callable[[Pixel], bool]) -> list[int]:
    """Return the tiles whose boxes hold a pixel that is marked."""
    hits = []
    for k, sides in enumerate(boxes(grid)):
        inside = [
            range(max(0, start), min(stop, length))
            for (start, stop), length in zip(sides, grid.size, strict=True)
        ]
        if any(marked(pixel) for pixel in product(*inside)):
            hits.append(k)
    return hits
