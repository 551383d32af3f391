"""Merging tiles as they come, in order, with only the open rows in memory."""

from dataclasses import replace

import torch
from torch import Tensor

from reftiler.axis import Index
from reftiler.geometry import Box, TileGeometry
from reftiler.plan import UntilePlan
from reftiler.torch.planes import at, planes
from reftiler.torch.rounding import check_nan, choose, constant, rounded
from reftiler.torch.sums import (
    comparable,
    compared,
    copies_lone,
    join,
    sum_dtype,
    weakest,
)
from reftiler.torch.tables import mesh, on

BLOCK = 2**17
"""Elements finished at a time."""


class Stripe:
    """The rows of an image that still miss tiles.

    Tiles come in ascending order, so the sums are those of `merging.merge`. In a
    fitted grid all rows above the next tile's first are finished and leave; scattered
    tiles may come from anywhere, so there the stripe is the whole image.

    Parameters
    ----------
    call : UntileCall
        The checked merge.
    like : Tensor
        A batch of the model's results: their dtype and device.
    out : Tensor
        Where finished rows go, of the layout ``call.result``.
    """

    def __init__(self, call: UntilePlan, like: Tensor, out: Tensor) -> None:
        self.call = call
        self.out = out
        self.target = planes(out, call.result)
        self.source, self.dtype = like.dtype, out.dtype
        self.fill = constant(call.fill, out.dtype, out.device)
        self.mean = call.merge == "mean"
        self.profiles: list[Tensor] = []
        if self.mean:
            sums, start = sum_dtype(like.device), -0.0
        else:
            sums = comparable(like[:0]).dtype
            start = weakest(sums, call.merge)
        if call.axis_weights is not None:
            self.profiles = on(like.device, *call.axis_weights, dtype=sums)
        self.lone = self.mean and copies_lone(
            self.source, self.dtype, sums, weighted=bool(self.profiles)
        )
        self.start = start
        shape = (self.target.shape[1], self._height(), *call.geometry.size[1:])
        self.open = torch.full(shape, start, dtype=sums, device=like.device)
        self.weight = torch.full(
            shape[1:] if self.profiles else (0,), -0.0, dtype=sums, device=like.device
        )
        self.image, self.low = 0, 0

    def add(self, first: int, tiles: Tensor) -> None:
        """Merge the tiles from number ``first`` on, image-major."""
        placement = self.call.geometry
        layout = replace(self.call.tiles, batch=len(tiles))
        for number, tile in enumerate(planes(tiles, layout), start=first):
            image, k = divmod(number, len(placement))
            numbers = placement.unravel(k)
            if image != self.image:
                self._close(placement.size[0])
                self.image, self.low = image, 0
            if not placement.is_irregular:
                self._close(int(placement.axes[0].valid[numbers[0], 0]))
            self._add(tile, numbers)

    def finish(self) -> Tensor:
        """Merge what is open, after the last tile, and return the whole."""
        self._close(self.call.geometry.size[0])
        return self.out

    def _height(self) -> int:
        """Return how many rows are open at most."""
        first = self.call.geometry.axes[0]
        if self.call.geometry.is_irregular:
            return first.length
        return int((first.valid[:, 1] - first.valid[:, 0]).max())

    def _add(self, tile: Tensor, numbers: tuple[int, ...]) -> None:
        box, there = _share(self.call.geometry, numbers)
        values = at(tile, mesh(there, tile.device))
        if self.lone:
            _region(self.target[self.image], box).copy_(self._single(values))
        region = _region(self.open, box, self.low)
        if not self.mean:
            region.copy_(join(region, comparable(values), self.call.merge))
            return
        term = values.to(self.open.dtype)
        if self.profiles:
            weight = self.profiles[0][there[0]].reshape(-1, *[1] * (len(box) - 1))
            for a, index in enumerate(there[1:], start=1):
                after = [1] * (len(box) - 1 - a)
                weight = weight * self.profiles[a][index].reshape(-1, *after)
            term = weight * term
            _region(self.weight, box, self.low).add_(weight)
        region.add_(term)

    def _single(self, values: Tensor) -> Tensor:
        if self.source == self.dtype:
            return values
        return rounded(values.to(self.open.dtype), self.dtype)

    def _close(self, row: int) -> None:
        """Finish the rows above ``row`` and make room for as many below."""
        done = row - self.low
        if done <= 0:
            return
        width = self.open[:, 0].numel()
        step = max(1, BLOCK // width)
        height = self.open.shape[1]
        for first in range(0, min(done, height), step):
            self._write(first, min(first + step, done, height))
        # Behind the last tile of `drop` there are rows that were never open.
        rows = self.target[self.image].narrow(1, self.low, done)
        rows.narrow(1, min(done, height), max(0, done - height)).copy_(self.fill)
        rank = len(self.call.geometry.axes)
        for buffer, start in ((self.open, self.start), (self.weight, -0.0)):
            if buffer.numel():
                _shift(buffer.movedim(-rank, 0), min(done, height), start)
        self.low = row

    def _write(self, first: int, last: int) -> None:
        """Merge the open rows from ``first`` to ``last`` into the result."""
        placement = self.call.geometry
        rest = tuple((0, length) for length in placement.size[1:])
        box: Box = ((self.low + first, self.low + last), *rest)
        target = _region(self.target[self.image], box)
        values = self.open[:, first:last]
        (count,) = on(values.device, placement.coverage(box))
        if self.mean:
            divisor = self.weight[first:last] if self.profiles else count
            empty = torch.ones((), dtype=values.dtype, device=values.device)
            values = values / torch.where(count > 0, divisor, empty)
            merged = self._rounded(values)
        else:
            best = compared(values, self.source)
            same = self.source == self.dtype
            merged = best if same else self._rounded(best.to(sum_dtype(best.device)))
        if self.lone:
            merged = choose(count == 1, target, merged)
        if self.call.num_uncovered:
            merged = choose(count > 0, merged, self.fill)
        target.copy_(merged)

    def _rounded(self, values: Tensor) -> Tensor:
        if self.source.is_floating_point:
            check_nan(values, self.dtype)
        return rounded(values, self.dtype)


class Mosaic:
    """An image whose tiles do not overlap: each is put where it belongs.

    Takes what `Stripe` takes, where `is_mosaic`.
    """

    def __init__(self, call: UntilePlan, out: Tensor) -> None:
        self.call, self.out = call, out
        self.target = planes(out, call.result)
        if call.num_uncovered:
            self.target.copy_(constant(call.fill, out.dtype, out.device))

    def add(self, first: int, tiles: Tensor) -> None:
        """Place the tiles from number ``first`` on, image-major."""
        placement = self.call.geometry
        layout = replace(self.call.tiles, batch=len(tiles))
        for number, tile in enumerate(planes(tiles, layout), start=first):
            image, k = divmod(number, len(placement))
            box, there = _share(placement, placement.unravel(k))
            values = at(tile, mesh(there, tile.device))
            _region(self.target[image], box).copy_(values)

    def finish(self) -> Tensor:
        """Return the whole."""
        return self.out


def is_mosaic(call: UntilePlan, source: torch.dtype, target: torch.dtype) -> bool:
    """Tell whether every pixel is that of one tile at most, as it is."""
    placement = call.geometry
    apart = all(axis.coverage.max() <= 1 for axis in placement.axes)
    return source == target and apart and not placement.is_irregular


def _share(
    placement: TileGeometry, numbers: tuple[int, ...]
) -> tuple[Box, list[Index]]:
    """Return the image pixels in which a tile takes part, and its own there."""
    box, there = [], []
    for axis, number in zip(placement.axes, numbers, strict=True):
        low, high = axis.valid[number].tolist()
        box.append((low, high))
        there.append(axis.tile_index(number, low, high))
    return tuple(box), there


def _region(tensor: Tensor, box: Box, low: int = 0) -> Tensor:
    """View a box of an image of which the first ``low`` rows are missing."""
    (first, last), *rest = box
    rows = slice(first - low, last - low)
    return at(tensor, [rows, *(slice(*ends) for ends in rest)])


def _shift(rows: Tensor, by: int, start: float) -> None:
    """Move rows up in place; pieces of ``by`` rows do not overlap their source."""
    height = len(rows)
    for first in range(0, height - by, by):
        last = min(first + by, height - by)
        rows[first:last].copy_(rows[first + by : last + by])
    rows[max(0, height - by) :].fill_(start)
