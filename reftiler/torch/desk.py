"""Desks: scratch memory on which the spans of an image's first axis are merged.

What lies on a desk has the axes (hands, N, C, *space). The lines of the first axis of
space are dealt out to the threads: torch gives each an equal part of what an operation
writes, in order, and a processor waits long for what another has in its cache. The last
axis is cut into cells as wide as the tiles are apart: (…, cells, pixels). In memory the
cells come before the lines, as the tiles of a row do, so that where one hand serves
more threads these have cells of their own.

Regular grids put the same things in the same places again and again, so that all views
but those of the tiles and of the image are made once.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from reftiler.torch.bands import Series
from reftiler.torch.planes import at
from reftiler.torch.ruling import Ruling
from reftiler.torch.spans import Share, Span

KEPT = 256
"""Rows of tiles whose views are kept: many more than a regular grid has."""


class Memory(NamedTuple):
    """What desks share, one after the other."""

    total: Tensor
    """For what is made of the tiles."""
    terms: Tensor
    """For the values of some tiles."""
    divisor: Tensor
    """For what sums are divided by."""
    quotients: Tensor
    """For means of another dtype than the sums; else empty."""
    weights: Tensor
    """For the sums of weights; empty where these are known."""


class Band(NamedTuple):
    """Pixels of neighbouring tiles that do not meet."""

    pixels: slice
    """Which of those that take part."""
    term: Tensor
    """Their values."""
    total: Tensor
    """Where these belong."""
    weights: Tensor | None
    """Where their weights belong."""


class Sheet(NamedTuple):
    """Neighbouring tiles of a row."""

    offset: int
    """Elements from the row's first to the first that takes part."""
    pixels: tuple[tuple[int, int], ...]
    """The first of each tile's pixels, and how many, axis by axis."""
    term: Tensor
    """Their values, in room of their own."""
    bands: list[Band]


class Desk:
    """Scratch memory for the spans of an axis.

    Parameters
    ----------
    memory : Memory
        To work in.
    image : Tensor
        Planes of an image that are merged together, (hands, N, C, *space): of the
        first axis the longest span, and of the others what lies on this desk.
    tiles : Tensor
        Tiles of these planes, (N, *grid, C, *T).
    spans : sequence of Span
        One of the first axis, as are dealt out all that lie on this desk, and what of
        the other axes lies on it.
    ruling : Ruling
        How the last of these is cut.
    start : float
        What sums start from.
    """

    def __init__(
        self,
        memory: Memory,
        image: Tensor,
        tiles: Tensor,
        spans: Sequence[Span],
        ruling: Ruling,
        start: float,
    ) -> None:
        span, *others = spans
        rank = len(spans)
        # Beside a stretch that goes on in the same tile go further weights.
        self.stretches = span.hands if span.pixels else 1
        self.order = _order(image)
        axes = ranked(self.order)
        self.outer = axes[: axes.index(len(axes) - 2)]
        self.start, self.corner = start, [span.low for span in others]
        self.ruling = ruling
        self.total = self._spread(memory.total, image)
        self.memory, self.terms = memory, memory.terms
        self.weights: Tensor | None = None
        if len(memory.weights):
            self.weights = self._spread(memory.weights, image[:, :1, :1])
        steps = tiles.stride()
        self.across, self.within = steps[1 : rank + 1], steps[rank + 2 :]
        ahead = span.tiles * self.across[0] + span.pixels * self.within[0]
        planes = (ahead, steps[0], steps[rank + 1])
        *lines, last = self.within
        self.strides = (*planes, *lines, self.across[-1], last)
        self.sheets: dict[object, list[Sheet]] = {}

    def _spread(self, memory: Tensor, image: Tensor) -> Tensor:
        """Shape a part of ``memory`` as the image lies in its own, but by cells."""
        shape = (*image.shape[:-1], self.ruling.count, self.ruling.width)
        return scratch(memory, shape, self.order)

    def turn(self, last: Span | None, span: Span) -> None:
        """Make ready for ``span``; what ``last`` did not finish goes on."""
        carried = last.high - last.done if last else 0
        if last is not None:
            shift = last.done - last.low
            for low in range(0, carried, shift) if shift else ():
                rows = min(shift, carried - low)
                for memory in self._sums():
                    source = memory.narrow(3, low + shift, rows)
                    memory.narrow(3, low, rows).copy_(source)
        rows = span.high - span.low - carried
        if rows > 0:
            self.total.narrow(3, carried, rows).fill_(self.start)
            if self.weights is not None:
                self.weights.narrow(3, carried, rows).fill_(-0.0)

    def read(
        self, tiles: Tensor, low: int, shares: tuple[Share, ...]
    ) -> Iterator[tuple[Sheet, Tensor]]:
        """Yield in order the sheets of a row of tiles, with its values.

        ``low`` is the span's first pixel, ``shares`` what the row gives on all axes
        but the last.
        """
        corner = (low, *self.corner[:-1])
        key = tuple(
            (share.low - first, share.pixel, share.width)
            for share, first in zip(shares, corner, strict=True)
        )
        sheets = self.sheets.get(key)
        if sheets is None:
            if len(self.sheets) >= KEPT:
                self.sheets.clear()
            sheets = self.sheets[key] = list(self._sheets(key))
        first = int(tiles.storage_offset())
        for axis, share in enumerate(shares):
            first += share.tile * self.across[axis] + share.pixel * self.within[axis]
        for sheet in sheets:
            offset = first + sheet.offset
            yield sheet, tiles.as_strided(sheet.term.shape, self.strides, offset)

    def finished(self, span: Span) -> tuple[Tensor, Tensor | None]:
        """Return the sums that are final, and those of the weights."""
        rows = span.done - span.low
        weights = None if self.weights is None else self.weights.narrow(3, 0, rows)
        return self.total.narrow(3, 0, rows), weights

    def _sums(self) -> list[Tensor]:
        return [self.total] if self.weights is None else [self.total, self.weights]

    def _sheets(self, places: Sequence[tuple[int, int, int]]) -> Iterator[Sheet]:
        here = [slice(low, low + width) for low, _, width in places]
        every = [slice(None), slice(None)]
        total, *weights = (at(sums, [*here, *every]) for sums in self._sums())
        pixels = [(pixel, width) for _, pixel, width in places]
        pixels[0] = (pixels[0][0], pixels[0][1] * self.stretches)
        for series, cuts in self._parts(total.shape):
            shape = (*total.shape[:-2], series.count, series.width)
            # What a hand has begins where it always does: were its place to change
            # with the shape, others would have to write there.
            term = scratch(self.terms, shape, self.order, len(self.outer))
            bands = [
                Band(
                    band,
                    term[..., band],
                    self._belongs(total, series, band),
                    self._belongs(weights[0], series, band) if weights else None,
                )
                for band in cuts
            ]
            offset = series.tile * self.across[-1] + series.pixel * self.within[-1]
            yield Sheet(offset, (*pixels, (series.pixel, series.width)), term, bands)

    def _parts(self, shape: torch.Size) -> Iterator[tuple[Series, list[slice]]]:
        """Yield tiles whose values fit the memory, and how these are cut to bands."""
        units = math.prod(shape[axis] for axis in self.outer)
        room, lines = len(self.terms) // units, math.prod(shape[:-2]) // units
        for series in self.ruling.series:
            low = series.low - self.corner[-1]
            fits = room // (lines * series.width)
            for part in series.parts(fits if self.ruling.suit(low, series.step) else 1):
                cuts = part.bands
                if part.count == 1:
                    cuts = self.ruling.cuts(part.low - self.corner[-1], part.width)
                yield part, cuts

    def _belongs(self, rows: Tensor, series: Series, band: slice) -> Tensor:
        """View in (…, cells, pixels) where a band belongs, as (…, tiles, pixels)."""
        across, within = rows.stride()[-2:]
        low = self.ruling.ahead + series.low - self.corner[-1] + band.start
        cell, pixel = divmod(low, self.ruling.width)
        step = across if series.step == self.ruling.width else series.step * within
        return rows.as_strided(
            (*rows.shape[:-2], series.count, band.stop - band.start),
            (*rows.stride()[:-2], step, within),
            int(rows.storage_offset()) + cell * across + pixel * within,
        )


def dealt(lines: Tensor, hands: int) -> Tensor:
    """View what stands beside (N, C, *space), as (*lines, …), as a desk's."""
    return lines.view(hands, 1, 1, -1, *lines.shape[1:])


def _order(image: Tensor) -> tuple[float, ...]:
    """Return strides in whose order the axes (…, cells, pixels) of scratch memory lie.

    The axes ahead of the cells lie as in the image, so that whoever sums a pixel also
    writes it.
    """
    _, *planes = image.stride()[:3]
    *lines, last = image.stride()[3:]
    hand = max(lines[0] * image.shape[3], last)  # rows may be a buffer's columns
    planes = [plane + 2 if plane >= hand else plane for plane in planes]
    return (hand + 1, *planes, *lines, hand + 0.5, last)


def scratch(
    memory: Tensor, shape: Sequence[int], stride: Sequence[float], spaced: int = 0
) -> Tensor:
    """Shape a part of ``memory``, its axes in the order of the strides.

    The ``spaced`` outermost axes are spread over all of it.
    """
    order = ranked(stride)
    sizes = [shape[axis] for axis in order]
    pieces = math.prod(sizes[:spaced])
    room = len(memory) // pieces
    used = memory[: pieces * room].view(pieces, room)[:, : math.prod(sizes[spaced:])]
    return used.view(sizes).permute(sorted(range(len(order)), key=order.__getitem__))


def ranked(stride: Sequence[float]) -> list[int]:
    """Return the axes in the order of their strides, the largest first."""
    return sorted(range(len(stride)), key=stride.__getitem__, reverse=True)
