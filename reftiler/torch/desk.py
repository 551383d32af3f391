"""Desks: scratch memory on which the spans of an image's first axis are merged.

What lies on a desk has the axes (N, C, *space), where the last is cut into cells as
wide as the tiles are apart: (…, cells, pixels). In memory the cells come first, as the
tiles of a row do, so that threads that share out the tiles have cells of their own.
Regular grids put the same things in the same places again and again, so that all views
but those of the tiles and of the image are made once.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from torch import Tensor

from reftiler.torch.bands import Series, find_series
from reftiler.torch.planes import at
from reftiler.torch.ruling import find_ruling
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
        Planes of an image that are merged together, (N, C, *space): the longest of
        the spans, and on the other axes all that lies on this desk. Others of its
        ``shape`` can be merged on it too.
    tiles : Tensor
        Tiles of these planes, (N, *grid, C, *T).
    others : sequence of Span
        Of the axes after the first, what lies on this desk.
    start : float
        What sums start from.
    """

    def __init__(
        self,
        memory: Memory,
        image: Tensor,
        tiles: Tensor,
        others: Sequence[Span],
        start: float,
    ) -> None:
        rank = len(others) + 1
        self.shape = image.shape
        self.start, self.corner = start, [span.low for span in others]
        self.series = find_series(others[-1].shares)
        self.ruling = find_ruling(others[-1])
        self.total = self._spread(memory.total, image)
        self.memory, self.terms = memory, memory.terms
        self.weights: Tensor | None = None
        if len(memory.weights):
            self.weights = self._spread(memory.weights, image[:1, :1])
        steps = tiles.stride()
        self.across, self.within = steps[1 : rank + 1], steps[rank + 2 :]
        self.strides = (steps[0], steps[rank + 1], *self.within[:-1])
        self.strides = (*self.strides, self.across[-1], self.within[-1])
        self.sheets: dict[object, list[Sheet]] = {}

    def _spread(self, memory: Tensor, image: Tensor) -> Tensor:
        """Shape a part of ``memory`` as the image lies in its own, but by cells."""
        shape = (*image.shape[:-1], self.ruling.count, self.ruling.width)
        *others, last = image.stride()
        outermost = max(image.stride()) * max(image.shape) + 1
        return scratch(memory, shape, (*others, outermost, last))

    def turn(self, last: Span | None, span: Span) -> None:
        """Make ready for ``span``; what ``last`` did not finish goes on."""
        carried = last.high - last.done if last else 0
        if last is not None:
            shift = last.done - last.low
            for low in range(0, carried, shift) if shift else ():
                rows = min(shift, carried - low)
                for memory in self._sums():
                    source = memory.narrow(2, low + shift, rows)
                    memory.narrow(2, low, rows).copy_(source)
        rows = span.high - span.low - carried
        if rows > 0:
            self.total.narrow(2, carried, rows).fill_(self.start)
            if self.weights is not None:
                self.weights.narrow(2, carried, rows).fill_(-0.0)

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
        weights = None if self.weights is None else self.weights.narrow(2, 0, rows)
        return self.total.narrow(2, 0, rows), weights

    def _sums(self) -> list[Tensor]:
        return [self.total] if self.weights is None else [self.total, self.weights]

    def _sheets(self, places: Sequence[tuple[int, int, int]]) -> Iterator[Sheet]:
        here = [slice(low, low + width) for low, _, width in places]
        every = [slice(None), slice(None)]
        total, *weights = (at(sums, [*here, *every]) for sums in self._sums())
        pixels = [(pixel, width) for _, pixel, width in places]
        lines = math.prod(total.shape[:-2])
        for series, cuts in self._parts(lines):
            shape = (*total.shape[:-2], series.count, series.width)
            term = scratch(self.terms, shape, self.strides)
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

    def _parts(self, lines: int) -> Iterator[tuple[Series, list[slice]]]:
        """Yield tiles whose values fit the memory, and how these are cut to bands."""
        for series in self.series:
            low = series.low - self.corner[-1]
            fits = len(self.terms) // (lines * series.width)
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


def scratch(memory: Tensor, shape: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Shape a part of ``memory``, its axes in the order of the strides."""
    order = sorted(range(len(shape)), key=stride.__getitem__, reverse=True)
    flat = memory[: math.prod(shape)].view([shape[axis] for axis in order])
    return flat.permute(sorted(range(len(shape)), key=order.__getitem__))
