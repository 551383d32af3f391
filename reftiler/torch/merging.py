"""Merging in eager mode: in cache-sized blocks of whole lines, in place.

Along the last axis, many tiles are added in one operation; along the others, so are
stretches that repeat with the stride. Scattered and resampled tiles are merged box by
box by the functional body.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import product

import torch
from torch import Tensor

from reftiler.axis import Axis
from reftiler.calls import UntileCall
from reftiler.placement import Placement
from reftiler.torch.bands import find_series
from reftiler.torch.checks import fresh
from reftiler.torch.desk import Desk
from reftiler.torch.functional import merge_box
from reftiler.torch.planes import at, grouped, planes
from reftiler.torch.rounding import choose, constant, rounded
from reftiler.torch.rules import Extreme, Mean
from reftiler.torch.runs import Run, find_runs
from reftiler.torch.sums import sum_dtype
from reftiler.torch.tables import on

BLOCK = 2**17
"""Elements merged at a time: few enough for the cache, enough to drown overhead.

So many float64; of smaller ones, as many as have the same bytes.
"""

TERMS = 2**19
"""Values of tiles converted at a time: enough for whole rows of tiles in most grids."""

LONE = 0.25
"""With this share of pixels in one tile it pays to look for them."""

FEW = 64
"""So many cells are always few enough, however few the tiles."""

POINT = Axis(length=1, tile=1, frame=1, before=0, starts=(0,))
"""An axis to stand in for the last one."""

Cell = Sequence[Run]
"""A run for each axis but the last: the product of their stretches."""


def merge(tiles: Tensor, call: UntileCall, out: Tensor) -> None:
    """Merge ``tiles`` into ``out`` as ``call`` plans."""
    group = grouped(tiles, call.tiles, call.result.images)
    target = planes(out, call.result)
    if not is_plain(call.placement):
        _merge_boxes(group, call, target)
        return
    tiles = group.view(len(group), *call.placement.shape, *group.shape[2:])
    if call.gaps:
        target.copy_(constant(call.fill, out.dtype, out.device))
    same = tiles.dtype == out.dtype
    if same and all(axis.cover.max() <= 1 for axis in call.placement.axes):
        _copy_lone(tiles, call, target)
        return
    lines = _Lines(tiles, call, target)
    lines.merge()
    if lines.rule.lone and not (lines.cells and same):
        _copy_lone(tiles, call, target)


def is_plain(placement: Placement) -> bool:
    """Tell whether a tile's neighbouring pixels are always the image's."""
    resampled = any(axis.resampled and not axis.bare for axis in placement.axes)
    return not placement.scattered and not resampled


def _merge_boxes(group: Tensor, call: UntileCall, target: Tensor) -> None:
    planes_at_once = min(target.shape[0] * target.shape[1], BLOCK)
    for box in call.placement.blocks(planes_at_once, BLOCK):
        here = [slice(low, high) for low, high in box]
        at(target, here).copy_(merge_box(group, call, box, target.dtype))


def _copy_lone(tiles: Tensor, call: UntileCall, target: Tensor) -> None:
    """Copy the pixels in which one tile takes part."""
    runs = [
        [run for run in find_runs(axis) if len(run.pixels) == 1]
        for axis in call.placement.axes
    ]
    tiles, target = _pointed(tiles), target.unsqueeze(-1)
    for cell in product(*runs):
        values = _row(tiles, cell, [0] * len(cell)).squeeze(-1)
        if values.dtype != target.dtype:
            values = rounded(values.to(sum_dtype(values.device)), target.dtype)
        _stretches(target, cell).copy_(values)


def _in_cells(call: UntileCall) -> bool:
    """Tell whether to merge stretches of the last axis like those of the others.

    This reads a row of tiles in several pieces, but has to add fewer of them and
    simply copies where one tile takes part.
    """
    axes = call.placement.axes
    lone = math.prod(float((axis.cover == 1).mean()) for axis in axes)
    if call.merge == "mean" and lone < LONE:
        return False
    many = math.prod(len(find_runs(axis)) for axis in axes)
    return many <= max(FEW, len(call.placement) // 8)


class _Lines:
    """Merges tiles (N, *grid, C, *T) block by block, with the same scratch memory."""

    def __init__(self, tiles: Tensor, call: UntileCall, target: Tensor) -> None:
        self.call, self.axes = call, call.placement.axes
        self.cells = _in_cells(call)
        if self.cells:
            tiles, target = _pointed(tiles), target.unsqueeze(-1)
            self.axes = (*self.axes, POINT)
        self.tiles, self.target = tiles, target
        kind = Mean if call.merge == "mean" else Extreme
        self.rule = kind(call, self.axes[-1], tiles, target.dtype)
        self.series = find_series(self.axes[-1])
        # Channels stay together if they are neighbours or share weights; apart, they
        # leave room for longer lines.
        together = call.result.channels_last or self.rule.weighted or self.cells
        self.together = min(BLOCK, target.shape[1]) if together else 1
        self.line = self.together * target.shape[-1]
        small = torch.float64.itemsize // self.rule.scratch.itemsize
        room = max(BLOCK * small, self.line)
        terms = max(0 if self.cells else TERMS, room) * small
        sizes = [room, terms, room if self.rule.weighted else 0]
        memory = fresh((sum(sizes),), self.rule.scratch, tiles.device)
        self.memory = torch.split(memory, sizes)
        self.desks: dict[torch.Size, Desk] = {}
        self.covered: Tensor | None = None
        if (self.axes[-1].cover == 0).any():
            (self.covered,) = on(tiles.device, self.axes[-1].cover > 0)

    def merge(self) -> None:
        """Merge all blocks."""
        for cell in product(*map(find_runs, self.axes[:-1])):
            for piece in self._pieces(cell):
                size = math.prod(run.repeats * run.width for run in piece)
                for tiles, target in self._planes(size * self.target.shape[-1]):
                    self._merge(tiles, target, piece)

    def _pieces(self, cell: Cell) -> Iterator[Cell]:
        """Cut a cell into pieces of which a block of lines fits the memory."""
        budget = len(self.memory[0]) // self.line
        widths = [run.width for run in cell]
        while math.prod(widths) > budget:
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

    def _planes(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield tiles and image in planes of which ``size`` pixels fit the memory."""
        room = len(self.memory[0]) // size
        images, channels = self.target.shape[:2]
        most = min(channels, max(self.together, room))
        many = max(1, room // most)
        for n, c in product(range(0, images, many), range(0, channels, most)):
            count = min(most, channels - c)
            tiles = self.tiles[n : n + many].narrow(1 + len(self.axes), c, count)
            yield tiles, self.target[n : n + many].narrow(1, c, count)

    def _merge(self, tiles: Tensor, target: Tensor, piece: Cell) -> None:
        """Merge one block."""
        block = _stretches(target, piece)
        order = list(product(*(range(len(run.pixels)) for run in piece)))
        rows = [_row(tiles, piece, numbers) for numbers in order]
        if self.cells and len(order) == 1 and tiles.dtype == block.dtype:
            block.copy_(rows[0].squeeze(-1))
            return
        desk = self.desks.get(block.shape)
        if desk is None:
            desk = Desk(self.memory, block, rows[0], self.series)
            self.desks[block.shape] = desk
        if not self.cells:
            desk.clear(self.rule.start)
        for numbers, row in zip(order, rows, strict=True):
            first = self.cells and numbers == order[0]
            self.rule.add(desk.read(row), piece, numbers, fresh=first)
        merged = self.rule.result(desk, len(order))
        if self.covered is not None:
            fill = constant(self.call.fill, block.dtype, block.device)
            merged = choose(self.covered, merged.to(block.dtype), fill)
        block.copy_(merged)


def _stretches(target: Tensor, cell: Cell) -> Tensor:
    """View images (N, C, *S) as (N, C, repeats, width, …), and the other axes."""
    size, stride = list(target.shape[:2]), list(target.stride()[:2])
    offset = target.storage_offset()
    for axis, run in enumerate(cell, start=2):
        step = target.stride(axis)
        size += [run.repeats, run.width]
        stride += [run.period * step, step]
        offset += run.low * step
    rest = 2 + len(cell)
    size += target.shape[rest:]
    stride += target.stride()[rest:]
    return target.as_strided(size, stride, offset)


def _row(tiles: Tensor, cell: Cell, numbers: Sequence[int]) -> Tensor:
    """View in tiles (N, *grid, C, *T) what meets a cell, in one tile of each axis.

    ``numbers`` says which of those that meet there. Of the last axis, all tiles and
    all their pixels are shown: (N, C, repeats, width, …, tiles, pixels).
    """
    rank, steps = len(cell) + 1, tiles.stride()
    size, stride = [len(tiles), tiles.shape[rank + 1]], [steps[0], steps[rank + 1]]
    offset = int(tiles.storage_offset())
    for axis, (run, number) in enumerate(zip(cell, numbers, strict=True), start=1):
        across, within = steps[axis], steps[rank + 1 + axis]
        size += [run.repeats, run.width]
        stride += [across, within]
        offset += (run.tile + number) * across + run.pixels[number] * within
    size += [tiles.shape[rank], tiles.shape[-1]]
    stride += [steps[rank], steps[-1]]
    return tiles.as_strided(size, stride, offset)


def _pointed(tiles: Tensor) -> Tensor:
    """View tiles (N, *grid, C, *T) with the axis `POINT` behind the others."""
    return tiles.unsqueeze(tiles.dim() // 2).unsqueeze(-1)
