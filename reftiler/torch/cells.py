"""Merging cell by cell: stretches in which the same pattern of tiles repeats.

Where most pixels lie in one tile, this copies them and sums only the rest.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import product

import torch
from torch import Tensor

from reftiler.geometry import TileGeometry
from reftiler.plan import UntilePlan
from reftiler.runs import Cell, find_runs, pieces
from reftiler.torch.checks import fresh
from reftiler.torch.desk import scratch
from reftiler.torch.rounding import rounded
from reftiler.torch.rules import Extreme, Mean
from reftiler.torch.sums import sum_dtype

LONE = 0.25
"""With this share of pixels in one tile it pays to look for them."""

FEW = 64
"""So many cells are always few enough, however few the tiles."""


def pays(call: UntilePlan) -> bool:
    """Tell whether many pixels lie in one tile, and the cells are few."""
    axes = call.geometry.axes
    if math.prod(float((axis.coverage == 1).mean()) for axis in axes) < LONE:
        return False
    many = math.prod(len(find_runs(axis)) for axis in axes)
    return many <= max(FEW, len(call.geometry) // 8)


def copy_lone(
    tiles: Tensor, placement: TileGeometry, target: Tensor, room: int
) -> None:
    """Copy the pixels in which one tile takes part.

    Where values are converted, which takes temporaries, ``room`` of them at a time.
    """
    first = [0] * len(placement.axes)
    for cell in product(*map(find_runs, placement.axes)):
        if any(len(run.pixels) > 1 for run in cell):
            continue
        if tiles.dtype == target.dtype:
            _stretches(target, cell).copy_(_part(tiles, cell, first))
            continue
        for piece in pieces(cell, room):
            for some, image in _planes(tiles, target, piece, room):
                values = _part(some, piece, first).to(sum_dtype(tiles.device))
                _stretches(image, piece).copy_(rounded(values, target.dtype))


class Cells:
    """Merges cell by cell, with the same scratch memory; without weights.

    Parameters
    ----------
    tiles, target : Tensor
        Tiles (N, *grid, C, *T) and images (N, C, *S), of the same dtype.
    call : UntileCall
        The checked merge.
    rule : Mean or Extreme
        What is made of tiles that meet.
    room : int
        Elements of the image that are merged at a time, in units of eight bytes.
    """

    def __init__(
        self,
        tiles: Tensor,
        call: UntilePlan,
        target: Tensor,
        rule: Mean | Extreme,
        room: int,
    ) -> None:
        self.tiles, self.axes = tiles, call.geometry.axes
        self.target, self.rule = target, rule
        # Channels that are neighbours stay together.
        self.together = target.shape[1] if call.result.channels_last else 1
        self.room = max(self.together, room)
        device = tiles.device
        self.total, self.term = (
            fresh((self.room,), rule.scratch, device) for _ in range(2)
        )
        self.spare = fresh((self.room,), torch.float32, device)

    def merge(self) -> None:
        """Merge all cells."""
        for cell in product(*map(find_runs, self.axes)):
            for piece in pieces(cell, self.room // self.together):
                planes = _planes(self.tiles, self.target, piece, self.room)
                for tiles, target in planes:
                    self._merge(tiles, target, piece)

    def _merge(self, tiles: Tensor, target: Tensor, piece: Cell) -> None:
        block = _stretches(target, piece)
        numbers = list(product(*(range(len(run.pixels)) for run in piece)))
        first, *others = (_part(tiles, piece, each) for each in numbers)
        if not others:
            block.copy_(first)
            return
        shape, order = block.shape, block.stride()
        total, term, spare = (
            scratch(memory, shape, order)
            for memory in (self.total, self.term, self.spare)
        )
        self.rule.join(total, first, term, fresh=True)
        for part in others:
            self.rule.join(total, part, term, fresh=False)
        block.copy_(self.rule.of_count(total, spare, len(numbers)))


def _planes(
    tiles: Tensor, target: Tensor, piece: Cell, room: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield tiles and image in planes of which a piece has at most ``room`` pixels."""
    room //= math.prod(run.repeats * run.width for run in piece)
    images, channels = target.shape[:2]
    most = min(channels, max(1, room))
    many = max(1, room // most)
    for n, c in product(range(0, images, many), range(0, channels, most)):
        count = min(most, channels - c)
        some = tiles[n : n + many].narrow(1 + len(piece), c, count)
        yield some, target[n : n + many].narrow(1, c, count)


def _stretches(target: Tensor, cell: Cell) -> Tensor:
    """View images (N, C, *S) as (N, C, repeats, width, …), a pair for each axis."""
    size, stride = list(target.shape[:2]), list(target.stride()[:2])
    offset = int(target.storage_offset())
    for axis, run in enumerate(cell, start=2):
        step = target.stride(axis)
        size += [run.repeats, run.width]
        stride += [run.period * step, step]
        offset += run.low * step
    return target.as_strided(size, stride, offset)


def _part(tiles: Tensor, cell: Cell, numbers: Sequence[int]) -> Tensor:
    """View in tiles (N, *grid, C, *T) what one of those that meet gives to a cell.

    ``numbers`` says which, axis by axis; the shape is that of `_stretches`.
    """
    rank, steps = len(cell), tiles.stride()
    size, stride = [len(tiles), tiles.shape[rank + 1]], [steps[0], steps[rank + 1]]
    offset = int(tiles.storage_offset())
    for axis, (run, number) in enumerate(zip(cell, numbers, strict=True), start=1):
        across, within = steps[axis], steps[rank + 1 + axis]
        size += [run.repeats, run.width]
        stride += [across, within]
        offset += (run.tile + number) * across + run.pixels[number] * within
    return tiles.as_strided(size, stride, offset)
