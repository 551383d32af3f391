"""Merging in eager mode: in cache-sized blocks of like stretches, in place.

The arithmetic is that of the functional bodies, in the same order. A regular grid is
merged run by run: a run's tiles and its image pixels are strided views, so that one
operation adds many tiles. Other grids are merged box by box by the functional body.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import product

import torch
from torch import Tensor

from reftiler.calls import UntileCall
from reftiler.torch.functional import merge_box
from reftiler.torch.planes import at, grouped, planes
from reftiler.torch.rounding import check_nan, constant, rounded
from reftiler.torch.runs import Run, find_runs
from reftiler.torch.sums import comparable, compared, join, sum_dtype
from reftiler.torch.tables import on

BLOCK = 2**17
"""Elements merged at a time: few enough for the cache, enough to drown overhead."""

FEW = 64
"""So many runs are always merged one by one, however few the tiles."""

Cell = Sequence[Run]
"""A run for each axis: the product of their stretches."""


def merge(tiles: Tensor, call: UntileCall, out: Tensor) -> None:
    """Merge ``tiles`` into ``out`` as ``call`` plans."""
    group = grouped(tiles, call.tiles, call.result.images)
    target = planes(out, call.result)
    if call.gaps:
        target.copy_(constant(call.fill, out.dtype, out.device))
    runs = _regular_runs(call)
    if runs is None:
        _merge_boxes(group, call, target)
        return
    merger = _Runs(group, call, target)
    for image in range(len(group)):
        for cell in product(*runs):
            merger.merge(image, cell)


def _regular_runs(call: UntileCall) -> list[list[Run]] | None:
    """Return the runs of each axis, or None if there are too many to be worth it."""
    axes = call.placement.axes
    if call.placement.scattered or any(a.resampled and not a.bare for a in axes):
        return None
    runs = [find_runs(axis) for axis in axes]
    many = math.prod(map(len, runs)) > max(FEW, len(call.placement) // 8)
    return None if many else runs


def _merge_boxes(group: Tensor, call: UntileCall, target: Tensor) -> None:
    planes_at_once = min(target.shape[0] * target.shape[1], BLOCK)
    for box in call.placement.blocks(planes_at_once, BLOCK):
        here = [slice(low, high) for low, high in box]
        at(target, here).copy_(merge_box(group, call, box, target.dtype))


class _Runs:
    """Merges one cell after the other, with the same scratch memory."""

    def __init__(self, group: Tensor, call: UntileCall, target: Tensor) -> None:
        self.call, self.target = call, target
        self.tiles = group.view(len(group), *call.placement.shape, *group.shape[2:])
        self.source, self.dtype = group.dtype, target.dtype
        self.channels = min(target.shape[1], BLOCK)
        if call.merge == "mean" or self.source != self.dtype:
            self.sums = sum_dtype(group.device)
        if call.merge == "mean":
            self.buffers = [
                torch.empty(BLOCK, dtype=self.sums, device=group.device)
                for _ in range(2)
            ]
        self.profiles: list[Tensor] = []
        if call.profiles is not None:
            self.profiles = on(group.device, *call.profiles, dtype=self.sums)

    def merge(self, image: int, cell: Cell) -> None:
        """Merge the stretches of ``cell`` in one image of the batch."""
        order = list(product(*(range(len(run.pixels)) for run in cell)))
        for first in range(0, self.target.shape[1], self.channels):
            tiles = self.tiles[image].narrow(
                len(cell), first, min(self.channels, self.target.shape[1] - first)
            )
            target = self.target[image, first : first + self.channels]
            if len(order) == 1 and self.source == self.dtype:
                _stretches(target, cell).copy_(_values(tiles, cell, order[0]))
                continue
            for piece in self._pieces(cell):
                values = [_values(tiles, piece, row) for row in order]
                merged = self._merged(values, piece, order)
                _stretches(target, piece).copy_(merged)

    def _pieces(self, cell: Cell) -> Iterator[Cell]:
        """Cut a cell into pieces that fit the scratch memory."""
        budget = BLOCK // self.channels
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

    def _merged(
        self, values: list[Tensor], cell: Cell, order: list[tuple[int, ...]]
    ) -> Tensor:
        if self.call.merge != "mean":
            return self._extreme(values)
        total, term = (self._scratch(buffer, values[0]) for buffer in self.buffers)
        total.copy_(values[0])
        if len(order) > 1:
            self._average(total, term, values, cell, order)
        if self.source.is_floating_point:
            check_nan(total, self.dtype)
        exact = self.dtype in (torch.float32, torch.float64)
        return total if exact else rounded(total, self.dtype)

    def _average(
        self,
        total: Tensor,
        term: Tensor,
        values: list[Tensor],
        cell: Cell,
        order: list[tuple[int, ...]],
    ) -> None:
        """Turn ``total``, which holds the first tile, into the mean of all."""
        if not self.profiles:
            for value in values[1:]:
                total.add_(term.copy_(value))
            # A tensor, because torch may multiply by a number's reciprocal instead.
            total.div_(torch.full_like(total[:1, :1], len(values)))
            return
        weight = self._weight(cell, order[0])
        total.mul_(weight)
        for value, row in zip(values[1:], order[1:], strict=True):
            other = self._weight(cell, row)
            total.add_(term.copy_(value).mul_(other))
            weight = weight + other
        total.div_(weight)

    def _weight(self, cell: Cell, row: tuple[int, ...]) -> Tensor:
        """Return the weights of one tile in each stretch of ``cell``."""
        weight: Tensor | None = None
        for axis, (run, number) in enumerate(zip(cell, row, strict=True)):
            profile = self.profiles[axis].narrow(0, run.pixels[number], run.width)
            shape = [1] * (2 * len(cell) + 1)
            shape[2 * axis + 2] = run.width
            part = profile.view(shape)
            weight = part if weight is None else weight * part
        assert weight is not None
        return weight

    def _extreme(self, values: list[Tensor]) -> Tensor:
        best = comparable(values[0])
        for value in values[1:]:
            best = join(best, comparable(value), self.call.merge)
        best = compared(best, self.source)
        if self.source == self.dtype:
            return best
        total = best.to(self.sums)
        check_nan(total, self.dtype)
        return rounded(total, self.dtype)

    def _scratch(self, buffer: Tensor, like: Tensor) -> Tensor:
        """Shape a part of ``buffer`` as the tiles lie in memory."""
        flat = buffer[: like.numel()]
        if self.call.tiles.channels_last:
            return flat.view(*like.shape[1:], like.shape[0]).movedim(-1, 0)
        return flat.view(like.shape)


def _stretches(target: Tensor, cell: Cell) -> Tensor:
    """View an image (C, *S) as (C, repeats, width, …), a pair for each axis."""
    size, stride = [target.shape[0]], [target.stride(0)]
    offset = target.storage_offset()
    for axis, run in enumerate(cell):
        step = target.stride(1 + axis)
        size += [run.repeats, run.width]
        stride += [run.period * step, step]
        offset += run.low * step
    return target.as_strided(size, stride, offset)


def _values(tiles: Tensor, cell: Cell, row: tuple[int, ...]) -> Tensor:
    """View in tiles (*grid, C, *T) what `_stretches` shows in the image."""
    rank = len(cell)
    steps = tiles.stride()
    size, stride = [tiles.shape[rank]], [steps[rank]]
    offset = tiles.storage_offset()
    for axis, (run, number) in enumerate(zip(cell, row, strict=True)):
        across, within = steps[axis], steps[rank + 1 + axis]
        size += [run.repeats, run.width]
        stride += [across, within]
        offset += (run.tile + number) * across + run.pixels[number] * within
    return tiles.as_strided(size, stride, offset)
