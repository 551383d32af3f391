"""Rules: what is made of tiles that meet, in place.

The arithmetic is that of the functional bodies, in the same order.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from reftiler.geometry import Box
from reftiler.plan import UntilePlan
from reftiler.torch.desk import Desk, Sheet, dealt, scratch
from reftiler.torch.divisor import Divisor
from reftiler.torch.rounding import check_nan, rounded
from reftiler.torch.spans import Span
from reftiler.torch.sums import (
    comparable,
    compared,
    copies_lone,
    exact_sums,
    join,
    sum_dtype,
    weakest,
)
from reftiler.torch.tables import on

EXACT = (torch.float32, torch.float64)
"""What float64 becomes when it is copied, rounded once."""

WHOLE = 1.5 * 2**23
"""From float32 numbers of this size, the next is 1 away."""

KEPT = 16
"""Weights of parts of a tile that are kept: a regular grid has few kinds."""


class Mean:
    """Weighted sum over sum of weights.

    Parameters
    ----------
    call : UntileCall
        The checked merge.
    source, target : torch.dtype
        Of the tiles and of the result.
    device : torch.device
        Of the tiles.

    Attributes
    ----------
    scratch : torch.dtype
        What the sums are made in.
    start : float
        What they start from.
    quotients : torch.dtype
        What the means are made in.
    divides : bool
        Whether the divisors are known from the axes.
    rounds : bool
        Whether the result's dtype takes rounding of its own, with temporaries.
    weighs : bool
        Whether there are weights to sum: those of a window whose sums are known from
        its axes need not be summed pixel by pixel.
    lone : bool
        Whether a pixel of one tile may be rounded, and must be copied.
    refuses : bool
        Whether there may be a NaN that the result cannot hold.
    """

    start = -0.0

    def __init__(
        self,
        call: UntilePlan,
        source: torch.dtype,
        target: torch.dtype,
        device: torch.device,
    ) -> None:
        self.source, self.target = source, target
        placement, profiles = call.geometry, call.axis_weights
        self.scratch = floats = sum_dtype(device)
        self.lone = copies_lone(source, target, floats, weighted=profiles is not None)
        self.profiles = on(device, *(profiles or ()), dtype=floats)
        if source == target and profiles is None:
            most = math.prod(int(axis.coverage.max()) for axis in placement.axes)
            self.scratch = exact_sums(source, most) or floats
        self.exact = self.scratch != floats
        totals: Sequence[NDArray[Any]] | None
        if call.weights is None:
            totals = [axis.coverage for axis in placement.axes]
        else:
            totals = call.weights.totals
        self.weighs = totals is None
        self.quotients = torch.float32 if self.exact else floats
        self.divisor = Divisor(totals, self.quotients, device) if totals else None
        self.divides = self.divisor is not None
        self.rounds = not (self.exact or target in EXACT)
        self.refuses = source.is_floating_point and not target.is_floating_point
        self.weights: dict[object, Tensor] = {}

    def add(self, row: Iterable[tuple[Sheet, Tensor]]) -> None:
        """Add a row of tiles to the sums."""
        for sheet, values in row:
            sheet.term.copy_(values)
            weight = None
            if self.profiles:
                weight = self._weight(sheet.pixels, sheet.term.shape[3])
            if weight is not None:
                sheet.term.mul_(weight)
            for band in sheet.bands:
                band.total.add_(band.term)
                if weight is not None and band.weights is not None:
                    band.weights.add_(weight[..., band.pixels])

    def join(self, total: Tensor, values: Tensor, term: Tensor, *, fresh: bool) -> None:
        """Add values to the sums; ``fresh`` ones are none yet."""
        (total if fresh else term).copy_(values)
        if not fresh:
            total.add_(term)

    def result(self, desk: Desk, span: Span, box: Box) -> Tensor:
        """Return the means of a box of the image: what a span of a desk finishes."""
        total, weights = desk.finished(span)
        sums = total
        if self.exact:
            sums = scratch(desk.memory.quotients, total.shape, total.stride())
            sums.copy_(total)
        if self.divisor is not None:
            self.divisor.divide(sums, box, desk.ruling, desk.memory.divisor)
        elif weights is not None:
            # Ruling reach beyond the image, where nothing weighs anything.
            sums.div_(weights.where(weights > 0, 1))
        return self._rounded(sums, total)

    def of_count(self, total: Tensor, spare: Tensor, count: int) -> Tensor:
        """Return the means of pixels of which each lies in ``count`` tiles."""
        sums = spare.copy_(total) if self.exact else total
        return self._rounded(sums.div_(count), total)

    def _rounded(self, means: Tensor, total: Tensor) -> Tensor:
        if self.exact:
            # Adding a number whose last bit is 1 rounds to nearest even, and leaves a
            # byte's bits last; torch's own way to bytes takes three times as long.
            return means.add_(WHOLE).view(torch.int32)
        if self.source.is_floating_point:
            check_nan(means, self.target)
        return means if self.target in EXACT else rounded(means, self.target)

    def _weight(self, pixels: Sequence[tuple[int, int]], lines: int) -> Tensor:
        """Return weights of a part of a tile, (hands, 1, 1, *lines, 1, pixels).

        Each hand has so many ``lines`` of the first axis; one stands for all if all
        have the same.
        """
        hands = pixels[0][1] // lines
        weight = self.weights.get((pixels, hands))
        if weight is None:
            if len(self.weights) >= KEPT:
                self.weights.clear()
            ends = zip(self.profiles, pixels, strict=True)
            first, *rest = (p[low : low + width] for p, (low, width) in ends)
            weight = first
            for factor in rest:
                weight = weight.unsqueeze(-1) * factor
            weight = self.weights[pixels, hands] = dealt(weight.unsqueeze(-2), hands)
        return weight


class Extreme:
    """The largest or the smallest value; parameters and attributes as of `Mean`."""

    divides = weighs = lone = False

    def __init__(
        self,
        call: UntilePlan,
        source: torch.dtype,
        target: torch.dtype,
        device: torch.device,
    ) -> None:
        self.source, self.target, self.merge = source, target, call.merge
        self.scratch = comparable(torch.empty(0, dtype=source, device=device)).dtype
        self.quotients, self.rounds = self.scratch, source != target
        self.refuses = source.is_floating_point and not target.is_floating_point
        self.start = weakest(self.scratch, call.merge)

    def add(self, row: Iterable[tuple[Sheet, Tensor]]) -> None:
        """Compare a row of tiles with the best so far."""
        for sheet, values in row:
            for band in sheet.bands:
                part = comparable(values[..., band.pixels])
                band.total.copy_(join(band.total, part, self.merge))

    def join(self, total: Tensor, values: Tensor, term: Tensor, *, fresh: bool) -> None:
        """Compare values with the best so far; ``fresh`` ones are the first."""
        del term  # comparing takes no room of its own
        part = comparable(values)
        total.copy_(part if fresh else join(total, part, self.merge))

    def result(self, desk: Desk, span: Span, box: Box) -> Tensor:
        """Return the extremes."""
        del box  # a mean divides
        return self._rounded(desk.finished(span)[0])

    def of_count(self, total: Tensor, spare: Tensor, count: int) -> Tensor:
        """Return the extremes."""
        del spare, count
        return self._rounded(total)

    def _rounded(self, total: Tensor) -> Tensor:
        best = compared(total, self.source)
        if self.source == self.target:
            return best
        floats = best.to(sum_dtype(best.device))
        check_nan(floats, self.target)
        return rounded(floats, self.target)
