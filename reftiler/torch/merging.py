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

from reftiler.calls import UntileCall
from reftiler.placement import Placement
from reftiler.torch.bands import find_series
from reftiler.torch.desk import Desk
from reftiler.torch.functional import merge_box
from reftiler.torch.planes import at, grouped, planes
from reftiler.torch.rounding import choose, constant, rounded
from reftiler.torch.rules import Extreme, Mean
from reftiler.torch.runs import Run, find_runs
from reftiler.torch.sums import sum_dtype

BLOCK = 2**17
"""Elements merged at a time: few enough for the cache, enough to drown overhead.

So many float64; of smaller ones, as many as have the same bytes.
"""

TERMS = 2**19
"""Values of tiles converted at a time: enough for whole rows of tiles in most grids."""

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
    apart = all(axis.cover.max() <= 1 for axis in call.placement.axes)
    if apart and tiles.dtype == out.dtype:
        _copy_lone(tiles, call, target)
        return
    lines = _Lines(tiles, call, target)
    lines.merge()
    if lines.rule.lone:
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
    for cell in product(*runs):
        *_, last = cell
        values = _rows(tiles, cell[:-1])[
            ...,
            last.tile : last.tile + last.repeats,
            last.pixels[0] : last.pixels[0] + last.width,
        ]
        values = values.as_strided(
            values.shape,
            values.stride(),
            values.storage_offset() + _offset(tiles, cell[:-1], [0] * len(cell[:-1])),
        )
        if values.dtype != target.dtype:
            values = rounded(values.to(sum_dtype(values.device)), target.dtype)
        _stretches(target, cell).copy_(values)


class _Lines:
    """Merges tiles (N, *grid, C, *T) block by block, with the same scratch memory."""

    def __init__(self, tiles: Tensor, call: UntileCall, target: Tensor) -> None:
        self.tiles, self.target = tiles, target
        self.axes = call.placement.axes
        kind = Mean if call.merge == "mean" else Extreme
        self.rule = kind(call, tiles.dtype, target.dtype, tiles.device)
        self.series = find_series(self.axes[-1])
        # The channels of a pixel stay together where they are neighbours.
        self.together = target.shape[1] if call.result.channels_last else 1
        self.line = self.together * target.shape[-1]
        small = torch.float64.itemsize // self.rule.scratch.itemsize
        room = max(BLOCK * small, self.line)
        terms = max(TERMS, room) * small
        self.memory = [
            torch.empty(size, dtype=self.rule.scratch, device=tiles.device)
            for size in (room, terms, room if self.rule.weighted else 0)
        ]
        self.desks: dict[torch.Size, Desk] = {}
        self.fill: Tensor | None = None
        cover = torch.tensor(self.axes[-1].cover)
        if not cover.all():
            self.covered = (cover > 0).to(tiles.device)
            self.fill = constant(call.fill, target.dtype, target.device)

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
        """Yield planes of which ``size`` pixels each fit the memory, tiles and image."""
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
        desk = self.desks.get(block.shape)
        if desk is None:
            desk = Desk(self.memory, block, _rows(tiles, piece), self.series)
            self.desks[block.shape] = desk
        desk.total.fill_(self.rule.start)
        if desk.weights is not None:
            desk.weights.fill_(-0.0)
        order = list(product(*(range(len(run.pixels)) for run in piece)))
        for numbers in order:
            offset = tiles.storage_offset() + _offset(tiles, piece, numbers)
            self.rule.add(desk, tiles, offset, piece, numbers)
        merged = self.rule.result(desk, len(order))
        if self.fill is not None:
            merged = choose(self.covered, merged.to(block.dtype), self.fill)
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


def _rows(tiles: Tensor, cell: Cell) -> Tensor:
    """View tiles (N, *grid, C, *T) as (N, C, repeats, width, …, tiles, pixels)."""
    rank = len(cell) + 1
    steps = tiles.stride()
    size, stride = [len(tiles), tiles.shape[rank + 1]], [steps[0], steps[rank + 1]]
    for axis, run in enumerate(cell, start=1):
        size += [run.repeats, run.width]
        stride += [steps[axis], steps[rank + 1 + axis]]
    size += [tiles.shape[rank], tiles.shape[-1]]
    stride += [steps[rank], steps[-1]]
    return tiles.as_strided(size, stride, tiles.storage_offset())


def _offset(tiles: Tensor, cell: Cell, numbers: Sequence[int]) -> int:
    """Count the elements from the first one to the row of tiles that a cell shows.

    ``numbers`` says which tile of those that meet there, for each axis.
    """
    rank, steps = len(cell) + 1, tiles.stride()
    return sum(
        (run.tile + number) * steps[axis] + run.pixels[number] * steps[rank + 1 + axis]
        for axis, (run, number) in enumerate(zip(cell, numbers, strict=True), start=1)
    )
