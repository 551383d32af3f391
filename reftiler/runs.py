"""Runs: stretches of an axis where the same pattern of tiles repeats.

Along an axis the tiles that take part change at every start and end of a tile. In a
regular grid the stretches between these places come in a few kinds that repeat with
the stride; all of a kind are merged at once, as one strided view.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from reftiler.axis import Axis


@dataclass(frozen=True)
class Run:
    """Equally long stretches of image pixels, equally far apart.

    Attributes
    ----------
    low : int
        First pixel of the first stretch.
    width : int
        Pixels of a stretch.
    tile : int
        Number of the first tile that takes part in the first stretch; the next
        stretch begins one tile later.
    pixels : tuple of int
        For each tile that takes part, which of its pixels comes first.
    repeats : int
        How many stretches.
    period : int
        Image pixels from one stretch to the next.
    """

    low: int
    width: int
    tile: int
    pixels: tuple[int, ...]
    repeats: int = 1
    period: int = 0

    def split(self, width: int) -> list["Run"]:
        """Cut the stretches into pieces of at most ``width`` pixels."""
        return [
            replace(
                self,
                low=self.low + first,
                width=min(width, self.width - first),
                pixels=tuple(pixel + first for pixel in self.pixels),
            )
            for first in range(0, self.width, width)
        ]

    def chunks(self, repeats: int) -> list["Run"]:
        """Cut the run into runs of at most ``repeats`` stretches."""
        return [
            replace(
                self,
                low=self.low + first * self.period,
                tile=self.tile + first,
                repeats=min(repeats, self.repeats - first),
            )
            for first in range(0, self.repeats, repeats)
        ]

    def follows(self, other: "Run") -> bool:
        """Tell whether this stretch continues the run ``other``."""
        step = self.low - (other.low + (other.repeats - 1) * other.period)
        return self.tile == other.tile + other.repeats and (
            other.repeats == 1 or step == other.period
        )


Cell: TypeAlias = Sequence[Run]
"""A run for each axis: the product of their stretches."""


def pieces(cell: Cell, budget: int) -> Iterator[Cell]:
    """Cut a cell into pieces of at most ``budget`` pixels."""
    widths = [run.width for run in cell]
    while math.prod(widths) > budget:
        # The last axis is shortened last: its pixels are neighbours in memory.
        longest = max(range(len(widths)), key=lambda axis: widths[axis])
        widths[longest] = -(-widths[longest] // 2)
    room = budget // math.prod(widths)
    lists = []
    for run, width in zip(reversed(cell), reversed(widths), strict=True):
        repeats = min(run.repeats, room)
        room //= repeats
        parts = run.split(width)
        lists.append([chunk for part in parts for chunk in part.chunks(repeats)])
    yield from product(*reversed(lists))


def find_runs(axis: Axis) -> list[Run]:
    """Return the runs of a fitted axis; none where no tile takes part.

    The frame must be the image or the image extended: each stretch reads neighbouring
    pixels of a tile.
    """
    open_runs: dict[Any, Run] = {}
    closed = []
    for stretch in _stretches(axis):
        kind = (stretch.width, stretch.pixels)
        run = open_runs.get(kind)
        if run is not None and stretch.follows(run):
            step = stretch.low - (run.low + (run.repeats - 1) * run.period)
            open_runs[kind] = replace(run, repeats=run.repeats + 1, period=step)
            continue
        if run is not None:
            closed.append(run)
        open_runs[kind] = stretch
    return closed + list(open_runs.values())


def _stretches(axis: Axis) -> list[Run]:
    edges = np.unique(axis.valid)
    first = np.searchsorted(axis.valid[:, 1], edges[:-1], side="right")
    last = np.searchsorted(axis.valid[:, 0], edges[:-1], side="right")
    starts = np.array(axis.starts)
    return [
        Run(low, high - low, f, tuple((axis.pad_before + low - starts[f:e]).tolist()))
        for low, high, f, e in zip(
            edges[:-1].tolist(),
            edges[1:].tolist(),
            first.tolist(),
            last.tolist(),
            strict=True,
        )
        if e > f
    ]
