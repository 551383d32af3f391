"""Where the tiles of the plain tiler lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.cases import Case
from reftiler_conformance.faults import demands

Array = npt.NDArray[Any]
Box = tuple[Any, ...]

ONE = Fraction(1)


def times(length: int, scale: Fraction) -> int:
    """Return a length times a scale, rounded down."""
    return length * scale.numerator // scale.denominator


class Grid:
    """The tiles of a case in their frame, and what can be asked about them."""

    def __init__(self, case: Case, memory: dict[str, Any] | None = None) -> None:
        self.memory = {} if memory is None else memory  # a sound tiler makes no use
        self.case = self.read(case)
        self.demand()
        self.frame, self.before = case.size, (0,) * case.rank
        self.index = np.zeros((0, case.rank), np.int64)
        self.fitted = case.starts is None and case.random is None
        self.starts = self.fit() if self.fitted else self.scatter()
        self.low, self.high = self.rims()

    def read(self, case: Case) -> Case:
        """Return the settings that are followed."""
        return case

    def demand(self) -> None:
        """Refuse settings that are not allowed."""
        demands.settings(self.case)

    def fit(self) -> Array:
        """Fit every axis; return the starts of all tiles."""
        case = self.case
        sides = list(zip(case.size, case.tile, case.stride, strict=True))
        counts = [self.count(*side) for side in sides]
        lines = [self.line(n, *side) for n, side in zip(counts, sides, strict=True)]
        if case.mode in ("padding", "interpolation"):
            self.frame = tuple(
                self.extent(n, t, s) for n, (_, t, s) in zip(counts, sides, strict=True)
            )
        if case.mode == "padding":
            spare = np.subtract(self.frame, case.size)
            self.before = tuple(self.lead(int(p)) for p in spare)
        self.index = self.order([len(line) for line in lines])
        columns = [
            np.array(line)[i] for line, i in zip(lines, self.index.T, strict=True)
        ]
        return np.stack(columns, axis=1)

    def count(self, length: int, tile: int, stride: int) -> int:
        """Return the number of tiles of an axis."""
        if self.case.mode == "drop":
            return (length - tile) // stride + 1
        return max(1, -((tile - length) // stride) + 1)

    def line(self, n: int, length: int, tile: int, stride: int) -> list[int]:
        """Return the starts of an axis."""
        if self.case.mode == "clamp":
            return [self.clamped(i * stride, length - tile) for i in range(n)]
        if self.case.mode == "even":
            return [self.even(i, n, length - tile) for i in range(n)]
        return [i * stride for i in range(n)]

    def clamped(self, start: int, most: int) -> int:
        """Return a start that slid inward."""
        return min(start, most)

    def even(self, i: int, n: int, most: int) -> int:
        """Return an evenly spaced start, rounded half up."""
        return (2 * i * most + n - 1) // (2 * (n - 1)) if n > 1 else 0

    def extent(self, n: int, tile: int, stride: int) -> int:
        """Return the length of a frame that tiles fill."""
        return (n - 1) * stride + tile

    def lead(self, padding: int) -> int:
        """Return how much of the padding comes before the image."""
        return padding // 2 if self.case.pad_side == "both" else 0

    def order(self, counts: Sequence[int]) -> Array:
        """Return the places of all tiles in the grid, in the order of the tiles."""
        return np.indices(counts).reshape(len(counts), -1).T

    def scatter(self) -> Array:
        """Return the starts of scattered tiles."""
        if self.case.random is None:
            return np.array(self.case.starts)
        return np.array(self.drawn(*self.case.random))

    def drawn(self, count: int, seed: int, align: int) -> list[list[int]]:
        """Draw random starts: tile by tile, and within a tile axis by axis."""
        case = self.case
        words = np.random.Philox(key=seed).random_raw(count * case.rank).tolist()
        sides = zip(case.size, case.tile, strict=True)
        room = [self.room(length - tile, align) for length, tile in sides]
        starts = [(u * room[i % case.rank] >> 64) * align for i, u in enumerate(words)]
        return [starts[i : i + case.rank] for i in range(0, len(words), case.rank)]

    def room(self, most: int, align: int) -> int:
        """Return how many starts there are to choose from."""
        return most // align + 1

    def rims(self) -> tuple[Array, Array]:
        """Say of each tile and axis whether the low and the high side stay."""
        case = self.case
        at_end = self.starts + case.tile == np.array(case.size)
        if not self.fitted:
            return self.starts == 0, at_end
        high = self.index == self.index.max(axis=0)
        return self.index == 0, high & at_end if case.mode == "drop" else high

    def kept(self, k: int, axis: int) -> tuple[int, int]:
        """Return from where to where a tile takes part, on an axis."""
        rim, tile = self.case.borders[axis], self.case.tile[axis]
        low = 0 if self.low[k, axis] else rim
        return low, tile if self.high[k, axis] else tile - rim

    def back(self, axis: int, scale: Fraction = ONE) -> Array:
        """Return the frame pixel that each pixel of the result reads."""
        length = self.scaled(self.case.size[axis], scale)
        if self.fitted and self.case.mode == "interpolation":
            frame = times(self.frame[axis], scale)
            return self.restored(np.arange(length), frame, length)
        return np.arange(length) + self.trimmed(axis, scale)

    def scaled(self, length: int, scale: Fraction) -> int:
        """Return the length of the result."""
        return -times(-length, scale)

    def restored(self, pixels: Array, frame: int, length: int) -> Array:
        """Return the frame pixels that pixels read in interpolation."""
        return -(-pixels * frame // length)

    def trimmed(self, axis: int, scale: Fraction) -> int:
        """Return how much padding is cut off before the result."""
        return times(self.before[axis], scale)

    def spans(self, k: int, scales: Sequence[Fraction]) -> list[tuple[int, int, int]]:
        """Return a tile's start and where it takes part, scaled, on each axis."""
        found = []
        for axis, scale in enumerate(scales):
            start, (low, high) = int(self.starts[k, axis]), self.kept(k, axis)
            found.append((times(start, scale), times(low, scale), times(high, scale)))
        return found

    def grid(self) -> Mapping[str, Any]:
        """Tell where the tiles lie."""
        coverage = self.coverage()
        return {
            "starts": self.told(),
            "boxes": self.boxes(),
            "padding": self.padding(),
            "slices": self.slices(),
            "coverage": coverage,
            "uncovered": self.uncovered(coverage),
        }

    def told(self) -> Array:
        """Return the starts of all tiles in the frame."""
        return self.starts

    def coverage(self) -> Array:
        """Count the tiles that take part in each pixel of the image."""
        counts = np.zeros(self.frame, np.int64)
        for k, start in enumerate(self.starts.tolist()):
            ends = [self.covers(k, axis) for axis in range(self.case.rank)]
            sides = zip(start, ends, strict=True)
            counts[tuple(slice(s + a, s + b) for s, (a, b) in sides)] += 1
        return counts[np.ix_(*(self.looked(axis) for axis in range(self.case.rank)))]

    def covers(self, k: int, axis: int) -> tuple[int, int]:
        """Return from where to where a tile covers, on an axis."""
        return self.kept(k, axis)

    def looked(self, axis: int) -> Array:
        """Return the frame pixel whose coverage each image pixel has."""
        return self.back(axis)

    def uncovered(self, coverage: Array) -> int:
        """Count the pixels of no tile."""
        return int((coverage == 0).sum())

    def boxes(self) -> Array:
        """Return the image pixels of each tile."""
        stops = self.starts + self.case.tile
        if self.fitted and self.case.mode == "interpolation":
            size, frame = np.array(self.case.size), np.array(self.frame)
            first, last = self.starts * size // frame, (stops - 1) * size // frame
            return np.stack([first, last + 1], axis=-1)
        lead = np.array(self.before)
        return np.stack([self.starts - lead, stops - lead], axis=-1)

    def slices(self) -> Array:
        """Return the boxes clipped to the image."""
        return np.clip(self.boxes(), 0, np.array(self.case.size)[:, None])

    def padding(self) -> list[tuple[int, int]]:
        """Return the padding before and after the image."""
        if not self.fitted or self.case.mode != "padding":
            return [(0, 0)] * self.case.rank
        sides = zip(self.frame, self.before, self.case.size, strict=True)
        return [(before, frame - before - size) for frame, before, size in sides]

    def touching(self, mask: Array) -> Array:
        """Tell which tiles hold a marked pixel."""
        demands.mask(mask, self.case)
        marked = self.marked(mask)
        hits = [
            k
            for k, sides in enumerate(self.reached())
            if marked[tuple(slice(a, b) for a, b in sides)].any()
        ]
        return np.array(hits, np.int64)

    def reached(self) -> Array:
        """Return the image pixels that count for `touching`."""
        return self.slices()

    def marked(self, mask: Array) -> Array:
        """Say which pixels of a mask are marked."""
        return np.not_equal(mask, 0)
