"""Where every tile lies, and which tiles take part in which pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from reftiler_conformance.definition.line import Line, ceil_div, fit
from reftiler_conformance.definition.philox import words
from reftiler_conformance.definition.wish import Wish

Pixel = tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """A tile: its start on each axis, and whether it keeps its low and high rim."""

    start: Pixel
    low: tuple[bool, ...]
    high: tuple[bool, ...]


@dataclass(frozen=True)
class Plan:
    """The places of all tiles; ``lines`` is empty if they are scattered."""

    wish: Wish
    size: tuple[int, ...]
    lines: tuple[Line, ...]
    places: tuple[Place, ...]

    @property
    def starts(self) -> list[Pixel]:
        """The starts of all tiles in the frame."""
        return [place.start for place in self.places]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of tiles along each axis."""
        if not self.lines:
            return (len(self.places),)
        return tuple(len(line.starts) for line in self.lines)

    @property
    def frame(self) -> tuple[int, ...]:
        """The size of what the tiles are cut from."""
        return tuple(line.frame for line in self.lines) or self.size

    @property
    def before(self) -> tuple[int, ...]:
        """The padding that leads each axis."""
        return tuple(line.before for line in self.lines) or (0,) * len(self.size)

    @property
    def resampled(self) -> bool:
        """Whether the frame is the image stretched."""
        return bool(self.lines) and self.wish.mode == "interpolation"


def fitted(wish: Wish, size: Sequence[int]) -> Plan:
    """Return the product of the fitted axes, in row-major order."""
    lines = tuple(
        fit(length, tile, stride, wish.mode, wish.pad_side)
        for length, tile, stride in zip(size, wish.tile, wish.stride, strict=True)
    )
    places = []
    for index in product(*(range(len(line.starts)) for line in lines)):
        start, low, high = [], [], []
        for i, line in zip(index, lines, strict=True):
            start.append(line.starts[i])
            low.append(i == 0)
            last = i == len(line.starts) - 1
            if wish.mode == "drop":
                last = last and line.starts[i] + line.tile == line.length
            high.append(last)
        places.append(Place(tuple(start), tuple(low), tuple(high)))
    return Plan(wish, tuple(size), lines, tuple(places))


def scattered(wish: Wish, size: Sequence[int], starts: Sequence[Sequence[int]]) -> Plan:
    """Return a plan of tiles that lie where ``starts`` says."""
    places = []
    for start in starts:
        low = tuple(s == 0 for s in start)
        high = tuple(
            s + t == length for s, t, length in zip(start, wish.tile, size, strict=True)
        )
        places.append(Place(tuple(start), low, high))
    return Plan(wish, tuple(size), (), tuple(places))


def random_starts(
    wish: Wish, size: Sequence[int], count: int, seed: int, align: Sequence[int]
) -> list[Pixel]:
    """Draw the starts of random tiles: tile by tile, axis by axis, a word each."""
    stream = words(seed)
    starts = []
    for _ in range(count):
        start = []
        for length, tile, step in zip(size, wish.tile, align, strict=True):
            choices = (length - tile) // step + 1
            start.append((next(stream) * choices // 2**64) * step)
        starts.append(tuple(start))
    return starts


def box(sizes: Sequence[int]) -> Iterator[Pixel]:
    """Return all pixels of a box of these sizes, in row-major order."""
    return product(*(range(size) for size in sizes))


def takes_part(
    place: Place, offset: Pixel, tile: Sequence[int], border: Sequence[int]
) -> bool:
    """Say whether a pixel of a tile takes part: its border is removed."""
    for axis, x in enumerate(offset):
        if x < border[axis] and not place.low[axis]:
            return False
        if x >= tile[axis] - border[axis] and not place.high[axis]:
            return False
    return True


def reads(plan: Plan, axis: int, i: int) -> int:
    """Return the frame pixel that image pixel i reads on the way back."""
    if plan.resampled:
        return ceil_div(i * plan.frame[axis], plan.size[axis])
    return i + plan.before[axis]


def coverage(plan: Plan) -> list[int]:
    """Count the tiles that take part in each image pixel, in row-major order."""
    tile, border, counts = plan.wish.tile, plan.wish.borders, []
    for pixel in box(plan.size):
        there = [reads(plan, axis, i) for axis, i in enumerate(pixel)]
        count = 0
        for place in plan.places:
            offset = tuple(j - s for j, s in zip(there, place.start, strict=True))
            inside = all(0 <= x < t for x, t in zip(offset, tile, strict=True))
            count += inside and takes_part(place, offset, tile, border)
        counts.append(count)
    return counts


def uncovered(plan: Plan) -> int:
    """Count the image pixels in which no tile takes part."""
    return sum(count == 0 for count in coverage(plan))


def boxes(plan: Plan) -> list[list[tuple[int, int]]]:
    """Return the box of each tile in the image, [start, stop) for each axis."""
    result = []
    for place in plan.places:
        sides = []
        for axis, start in enumerate(place.start):
            stop = start + plan.wish.tile[axis]
            if plan.resampled:
                length, frame = plan.size[axis], plan.frame[axis]
                first, last = start * length // frame, (stop - 1) * length // frame
                sides.append((first, last + 1))
            else:
                before = plan.before[axis]
                sides.append((start - before, stop - before))
        result.append(sides)
    return result


def touching(plan: Plan, marked: Callable[[Pixel], bool]) -> list[int]:
    """Return the tiles whose boxes hold a pixel that is marked."""
    hits = []
    for k, sides in enumerate(boxes(plan)):
        inside = [
            range(max(0, start), min(stop, length))
            for (start, stop), length in zip(sides, plan.size, strict=True)
        ]
        if any(marked(pixel) for pixel in product(*inside)):
            hits.append(k)
    return hits
