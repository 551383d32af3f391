"""Desks: scratch memory on which the blocks of one shape are merged.

Such blocks differ only in where they lie, so that all views but those of the tiles and
of the image are made once. Blocks have the axes (N, C, repeats, width, …, W), with a
pair for each spatial axis but the last; rows of tiles have two in the place of W, for
the tiles and for their pixels.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from reftiler.torch.bands import Series


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
    pixels: slice
    """Which pixels of these tiles take part."""
    term: Tensor
    """Room for their values."""
    bands: list[Band]


class Desk:
    """Scratch memory for blocks of one shape.

    Parameters
    ----------
    memory : sequence of Tensor
        For what is made of the tiles, for their values and for the sums of their
        weights; this last may be empty.
    block : Tensor
        Such a block of the image.
    row : Tensor
        A row of tiles there.
    series : sequence of Series
        The tiles of the last axis.
    """

    def __init__(
        self,
        memory: Sequence[Tensor],
        block: Tensor,
        row: Tensor,
        series: Sequence[Series],
    ) -> None:
        self.stride = row.stride()
        self.total = scratch(memory[0], block)
        # For float32 sums, once the terms are no longer needed.
        self.spare = scratch(memory[1].view(torch.float32), block)
        self.weights: Tensor | None = None
        if len(memory[2]):
            # They are alike for all images, channels and repeats.
            pairs = [slice(1), slice(None)] * (block.dim() // 2 - 1)
            self.weights = scratch(memory[2], block[(slice(1), slice(1), *pairs)])
        lines = row[..., 0, 0].numel()
        self.sheets = [
            self._sheet(memory[1], row, part)
            for whole in series
            for part in whole.parts(max(1, len(memory[1]) // (lines * whole.width)))
        ]

    def clear(self, start: float) -> None:
        """Make everything ready for the first row."""
        self.total.fill_(start)
        if self.weights is not None:
            self.weights.fill_(-0.0)

    def read(self, row: Tensor) -> Iterator[tuple[Sheet, Tensor]]:
        """Yield the sheets in order, with their values in a row of tiles."""
        first = int(row.storage_offset())
        for sheet in self.sheets:
            start = first + sheet.offset
            yield sheet, row.as_strided(sheet.term.shape, self.stride, start)

    def _sheet(self, memory: Tensor, row: Tensor, series: Series) -> Sheet:
        pixels = slice(series.pixel, series.pixel + series.width)
        like = row[..., : series.count, pixels]
        if series.count == 1:
            # In the order of the sums, which lie closer together.
            like = stretches(self.total, series, slice(0, series.width))
        term = scratch(memory, like)
        bands = [
            Band(
                band,
                term[..., band],
                stretches(self.total, series, band),
                None if self.weights is None else stretches(self.weights, series, band),
            )
            for band in series.bands
        ]
        offset = series.tile * self.stride[-2] + series.pixel * self.stride[-1]
        return Sheet(offset, pixels, term, bands)


def stretches(rows: Tensor, series: Series, band: slice) -> Tensor:
    """View in (…, W) where a band belongs, as (…, tiles, pixels)."""
    step = rows.stride(-1)
    return rows.as_strided(
        (*rows.shape[:-1], series.count, band.stop - band.start),
        (*rows.stride()[:-1], series.step * step, step),
        rows.storage_offset() + (series.low + band.start) * step,
    )


def scratch(memory: Tensor, like: Tensor) -> Tensor:
    """Shape a part of ``memory`` as the elements of ``like`` lie in theirs."""
    order = sorted(range(like.dim()), key=like.stride, reverse=True)
    flat = memory[: like.numel()].view([like.shape[dim] for dim in order])
    return flat.permute(sorted(range(like.dim()), key=order.__getitem__))
