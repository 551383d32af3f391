"""Putting together: every pixel of the result, from the tiles that take part in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from reftiler_conformance.oracle.axis import shrunk
from reftiler_conformance.oracle.grid import Grid, Pixel, box, contributes, moved
from reftiler_conformance.oracle.layout import (
    Array,
    Index,
    each,
    join,
    order_of,
    put_together,
    split,
    take_apart,
)
from reftiler_conformance.oracle.rounding import DTypeInfo, dtype_info
from reftiler_conformance.oracle.settings import Number
from reftiler_conformance.oracle.tiling import constant
from reftiler_conformance.oracle.windows import weights

# A tile's number, the pixel in that tile, and its weight.
Part = tuple[int, Pixel, float]


class UncoveredError(ValueError):
    """No tile takes part in some pixel, and there is no fill."""


@dataclass(frozen=True)
class ScaledGrid:
    """A grid at a scale: all that its geometry becomes there, in whole pixels."""

    grid: Grid
    scale: tuple[Fraction, ...]

    def whole(self, axis: int, length: int) -> int:
        """Return a length times the scale, which must be an integer: SCALE-004."""
        scaled = length * self.scale[axis]
        if scaled.denominator != 1:
            raise ValueError(f"{length} times {self.scale[axis]} is no integer")
        return scaled.numerator

    @property
    def tile(self) -> tuple[int, ...]:
        """The size of the tiles at this scale."""
        return tuple(self.whole(a, t) for a, t in enumerate(self.grid.settings.tile))

    @property
    def border(self) -> tuple[int, ...]:
        """The border that is removed at this scale."""
        return tuple(self.whole(a, r) for a, r in enumerate(self.grid.settings.borders))

    @property
    def context(self) -> tuple[int, ...]:
        """The context that is dropped at this scale: CONTEXT-004."""
        contexts = self.grid.settings.contexts
        return tuple(self.whole(a, c) for a, c in enumerate(contexts))

    @property
    def size(self) -> tuple[int, ...]:
        """The size of the result: SCALE-008."""
        return tuple(
            scaled_size(*pair) for pair in zip(self.grid.size, self.scale, strict=True)
        )

    def before(self, axis: int) -> int:
        """Return the padding that is cut off before the result: SCALE-007."""
        return self.whole(axis, self.grid.before[axis])

    def reads(self, axis: int) -> list[int]:
        """Return the frame pixel that each result pixel reads."""
        length = self.size[axis]
        if self.grid.resampled:  # SCALE-009
            frame = self.whole(axis, self.grid.frame[axis])
            return [shrunk(i, length, frame) for i in range(length)]
        return [i + self.before(axis) for i in range(length)]

    def sources(self) -> Iterator[Pixel]:
        """Go over the frame pixels that result pixels read, in row-major order."""
        return product(*(self.reads(axis) for axis in range(len(self.size))))

    def parts(self) -> dict[Pixel, list[Part]]:
        """Return for each frame pixel the tiles that take part, in order."""
        return _parts(self)


def scaled_size(length: int, scale: Fraction) -> int:
    """Return the length of the result: SCALE-008."""
    return math.ceil(length * scale)


@lru_cache(maxsize=4)  # several merges of one grid follow each other
def _parts(merging: ScaledGrid) -> dict[Pixel, list[Part]]:
    grid, tile, border = merging.grid, merging.tile, merging.border
    lines = [weights(grid.settings, a, t) for a, t in enumerate(tile)]
    result: dict[Pixel, list[Part]] = {}
    for k, place in enumerate(grid.tile_specs):
        start = [merging.whole(a, s) for a, s in enumerate(place.start)]
        for offset in box(tile):
            if contributes(place, offset, tile, border):
                part = k, offset, pixel_weight(lines, offset)
                result.setdefault(moved(offset, start), []).append(part)
    return result


def coverage(grid: Grid) -> list[int]:
    """Count the tiles that take part in each image pixel, in row-major order."""
    merging = ScaledGrid(grid, (Fraction(1),) * len(grid.size))
    parts = merging.parts()
    return [len(parts.get(there, ())) for there in merging.sources()]


def uncovered(grid: Grid) -> int:
    """Count the image pixels in which no tile takes part."""
    return coverage(grid).count(0)


def pixel_weight(lines: Sequence[Sequence[float]], offset: Pixel) -> float:
    """Return the weight of a tile's pixel: WINDOW-001 and WINDOW-002."""
    weight = lines[0][offset[0]]
    for line, x in zip(lines[1:], offset[1:], strict=True):
        weight = weight * line[x]
    return weight


def mean(values: Sequence[Number], weight: Sequence[float]) -> float:
    """Return the weighted mean: sums from -0.0 in the given order, one division."""
    above = below = -0.0
    for value, w in zip(values, weight, strict=True):
        above += w * to_float64(value)
        below += w
    return above / below


def to_float64(value: Number) -> float:
    """Return a number as float64, an integer to nearest even: MERGE-002."""
    return float(value)


def extreme(values: Sequence[Number], merge: str) -> int:
    """Return which value is the maximum or minimum: NaN wins, and -0 < +0."""
    best = 0
    for i, value in enumerate(values):
        if math.isnan(value):
            return i
        low, high = (best, i) if merge == "max" else (i, best)
        if sort_key(values[low]) < sort_key(values[high]):
            best = i
    return best


def sort_key(value: Number) -> tuple[Number, float]:
    """Return a key that sorts -0.0 before +0.0."""
    return value, math.copysign(1, value) if value == 0 else 0.0


def center_distance(offset: Pixel, tile: Sequence[int]) -> int:
    """Return how far a tile's pixel is from its centre: MERGE-025."""
    return sum((2 * x + 1 - t) ** 2 for x, t in zip(offset, tile, strict=True))


def chosen_place(count: int, distances: Sequence[int], merge: str) -> int:
    """Return which tile of a pixel counts, for its place: MERGE-024, MERGE-025."""
    if merge == "center":
        return distances.index(min(distances))
    return 0 if merge == "first" else count - 1


def vote(labels: Sequence[Number], weight: Sequence[float]) -> int:
    """Return which tile holds the label that wins: MERGE-028."""
    sums = {label: label_sum(label, labels, weight) for label in labels}
    return labels.index(winner(sums))


def label_sum(
    label: Number, labels: Sequence[Number], weight: Sequence[float]
) -> float:
    """Return the sum of the weights of a label, as of a mean: MERGE-003."""
    total = -0.0
    for other, w in zip(labels, weight, strict=True):
        if other == label:
            total += w
    return total


def winner(sums: dict[Number, float]) -> Number:
    """Return the label of the largest sum, of several the lowest."""
    return min(sums, key=lambda label: (-sums[label], label))


def untile(
    grid: Grid,
    tiles: Array,
    shape: Sequence[int],
    scale: Sequence[Fraction] | None = None,
    dtype: np.dtype[Any] | None = None,
    pixel_weights: Array | None = None,
) -> Array:
    """Put tiles together again; ``shape`` is that of the image that was cut."""
    settings, count = grid.settings, len(grid.tile_specs)
    last, target = settings.channels_last, np.dtype(dtype or tiles.dtype)
    merging = ScaledGrid(grid, tuple(scale or [Fraction(1)] * settings.rank))
    batch = split(shape, settings.rank, last).batch
    has_channels = tiles.ndim == settings.rank + 2  # LAYOUT-011
    channels = tiles.shape[-1 if last else 1] if has_channels else None
    space = split(tiles.shape[1:], settings.rank, last).space
    ahead = (0,) * settings.rank if space == merging.tile else merging.context
    fill = None if settings.fill is None else constant(settings.fill, target)
    given, parts, result = take_apart(tiles), merging.parts(), dict[Index, bytes]()
    own = None if pixel_weights is None else read_weights(pixel_weights)
    for pixel, there in zip(box(merging.size), merging.sources(), strict=True):
        for n, c in product(each(batch), each(channels)):
            lead = (n or 0) * count  # LAYOUT-007
            taking = parts.get(there, [])
            if own is not None:
                taking = weighed(taking, lead, own, ahead)
            weight = [w for _, _, w in taking]
            far = [center_distance(x, merging.tile) for _, x, _ in taking]
            if not taking and fill is None:  # MERGE-016
                raise UncoveredError(f"no tile takes part in {pixel}")
            raws = [
                given[join(lead + k, c, moved(x, ahead), last)] for k, x, _ in taking
            ]
            counting = numbers(raws, tiles.dtype, settings.nan)
            merged = (
                merge_pixel(
                    [raws[i] for i in counting],
                    [weight[i] for i in counting],
                    [far[i] for i in counting],
                    settings.merge,
                    tiles.dtype,
                    target,
                )
                if fill is None or raws
                else fill
            )
            result[join(n, c, pixel, last)] = merged
    return put_together(result, join(batch, channels, merging.size, last), target)


def read_weights(given: Array) -> dict[Index, float]:
    """Return the given weight of each pixel of each tile as float64: MERGE-038."""
    kind = dtype_info(given.dtype)
    assert kind is not None
    raws = take_apart(given)
    return {at: to_float64(read(raw, kind, given.dtype)) for at, raw in raws.items()}


def weighed(
    taking: list[Part], lead: int, own: dict[Index, float], ahead: Sequence[int]
) -> list[Part]:
    """Return the tiles of a pixel that take part, with their weights: MERGE-037.

    ``lead`` tiles are of earlier images; ``ahead`` of the pixels lies their context.
    """
    given = [(k, x, w, own[(lead + k, *moved(x, ahead))]) for k, x, w in taking]
    return [(k, x, pixel_product(w, mine)) for k, x, w, mine in given if mine != 0]


def pixel_product(window: float, own: float) -> float:
    """Return the weight of a pixel from the window's and the given one: MERGE-035."""
    return window * own


def numbers(raws: list[bytes], dtype: np.dtype[Any], nan: str) -> list[int]:
    """Return which tiles of a pixel count: MERGE-032; all of NaN alone: MERGE-033."""
    kind = dtype_info(dtype)
    if nan == "propagate" or kind is None:
        return list(range(len(raws)))
    found = [i for i, raw in enumerate(raws) if not math.isnan(read(raw, kind, dtype))]
    return found or list(range(len(raws)))


def merge_pixel(
    raws: list[bytes],
    weight: list[float],
    far: list[int],
    merge: str | None,
    dtype: np.dtype[Any],
    target: np.dtype[Any],
) -> bytes:
    """Merge one pixel from the bytes of its tiles."""
    kind, goal = dtype_info(dtype), dtype_info(target)
    assert kind is not None
    assert goal is not None
    values = [read(raw, kind, dtype) for raw in raws]
    merge = merge_rule(merge, kind)
    if len(values) > 1 and merge == "mean":
        return written(round_mean(mean(values, weight), goal), goal, target)
    chosen = 0 if len(values) == 1 else which(values, weight, far, merge)
    if kind == goal:  # copied, but for the byte order: MERGE-007
        same = order_of(dtype) == order_of(target)
        return raws[chosen] if same else raws[chosen][::-1]
    return written(convert(values[chosen], goal), goal, target)


def which(values: list[Number], weight: list[float], far: list[int], merge: str) -> int:
    """Return which tile of a pixel has the value that is taken."""
    if merge in ("max", "min"):
        return extreme(values, merge)
    if merge == "vote":
        return vote(values, weight)
    return chosen_place(len(values), far, merge)


def merge_rule(merge: str | None, kind: DTypeInfo) -> str:
    """Return how tiles are merged: MERGE-010."""
    return merge or ("max" if kind.name == "bool" else "mean")


def round_mean(value: float, goal: DTypeInfo) -> int:
    """Return the bits of a mean in the dtype of the result: ROUND-001 to ROUND-005."""
    return goal.round(value)


def convert(value: Number, goal: DTypeInfo) -> int:
    """Return the bits of a copied or extreme value in another dtype: ROUND-006."""
    return goal.round(float(value))


def read(raw: bytes, kind: DTypeInfo, dtype: np.dtype[Any]) -> Number:
    """Return the number in the bytes of a pixel: TYPE-008."""
    return kind.read(int.from_bytes(raw, order_of(dtype)))


def written(bits: int, goal: DTypeInfo, dtype: np.dtype[Any]) -> bytes:
    """Return the bytes of a pixel that has these bits."""
    return bits.to_bytes(goal.size, order_of(dtype))
