"""Rules: what is made of tiles that meet, a block at a time and in place.

The arithmetic is that of the functional bodies, in the same order.
"""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from reftiler.axis import Axis
from reftiler.calls import UntileCall
from reftiler.torch.desk import Desk, Sheet
from reftiler.torch.rounding import check_nan, rounded
from reftiler.torch.runs import Run
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


class Mean:
    """Weighted sum over sum of weights.

    Parameters
    ----------
    call : UntileCall
        The checked merge.
    axis : Axis
        The last of the blocks' axes.
    tiles : Tensor
        Whose dtype and device count.
    target : torch.dtype
        The result's dtype.

    Attributes
    ----------
    scratch : torch.dtype
        What the sums are made in.
    start : float
        What they start from.
    weighted : bool
        Whether there are weights to sum.
    lone : bool
        Whether a pixel of one tile may be rounded, and must be copied.
    """

    def __init__(
        self,
        call: UntileCall,
        axis: Axis,
        tiles: Tensor,
        target: torch.dtype,
    ) -> None:
        source, device = tiles.dtype, tiles.device
        self.source, self.target = source, target
        floats = sum_dtype(device)
        self.start = -0.0
        self.weighted = call.profiles is not None
        self.lone = copies_lone(source, target, floats, weighted=self.weighted)
        self.profiles = on(device, *(call.profiles or ()), dtype=floats)
        self.scratch = floats
        if source == target and not self.weighted:
            most = math.prod(int(each.cover.max()) for each in call.placement.axes)
            self.scratch = exact_sums(source, most) or floats
        self.exact = self.scratch != floats
        # Where no tile takes part, a fill comes afterwards.
        cover = axis.cover.clip(min=1)
        self.powers = all(n & -n == n for n in cover.tolist())
        self.gaps = bool((axis.cover == 0).any())
        (self.columns,) = on(
            device, cover, dtype=torch.float32 if self.exact else floats
        )
        (self.covered,) = on(device, axis.cover > 0)
        self.counts: dict[int, Tensor] = {}

    def add(
        self,
        row: Iterable[tuple[Sheet, Tensor]],
        cell: Sequence[Run],
        numbers: Sequence[int],
        *,
        fresh: bool,
    ) -> None:
        """Add a row of tiles to the sums.

        ``cell`` and ``numbers`` say where it lies. On a ``fresh`` desk there are no
        sums yet; the row must fill it, without overlap.
        """
        weight = self._weight(cell, numbers) if self.weighted else None
        for sheet, values in row:
            term = sheet.bands[0].total if fresh else sheet.term
            term.copy_(values)
            if weight is not None:
                part = weight[..., sheet.pixels]
                term.mul_(part)
                _add_weights(sheet, part, fresh=fresh)
            if not fresh:
                for band in sheet.bands:
                    band.total.add_(band.term)

    def result(self, desk: Desk, rows: int) -> Tensor:
        """Return the means, where ``rows`` rows of tiles took part."""
        total = desk.total
        if self.exact:
            quotient = self._divided(desk.spare.copy_(total), rows)
            return total.copy_(quotient.round_())
        if desk.weights is None:
            self._divided(total, rows)
        elif self.gaps:
            total.div_(desk.weights.where(self.covered, self.columns))
        else:
            total.div_(desk.weights)
        if self.source.is_floating_point:
            check_nan(total, self.target)
        exact = self.target in (torch.float32, torch.float64)
        return total if exact else rounded(total, self.target)

    def _divided(self, total: Tensor, rows: int) -> Tensor:
        # To multiply by the reciprocal of a power of two is exact, and faster.
        power = self.powers and rows & -rows == rows
        if rows not in self.counts:
            count = self.columns * rows
            self.counts[rows] = count.reciprocal() if power else count
        count = self.counts[rows]
        return total.mul_(count) if power else total.div_(count)

    def _weight(self, cell: Sequence[Run], numbers: Sequence[int]) -> Tensor:
        """Return a tile's weights in each stretch of ``cell``."""
        rank = len(cell)
        weight: Tensor | None = None
        for axis, profile in enumerate(self.profiles):
            here = profile
            if axis < rank:
                first = cell[axis].pixels[numbers[axis]]
                here = profile[first : first + cell[axis].width]
            part = here.view(-1, *[1] * (2 * (rank - axis)))
            weight = part if weight is None else weight * part
        assert weight is not None
        return weight


def _add_weights(sheet: Sheet, weight: Tensor, *, fresh: bool) -> None:
    for band in sheet.bands:
        assert band.weights is not None
        if fresh:
            band.weights.copy_(weight[..., band.pixels])
        else:
            band.weights.add_(weight[..., band.pixels])


class Extreme:
    """The largest or the smallest value; parameters and attributes as of `Mean`."""

    weighted = False
    lone = False

    def __init__(
        self,
        call: UntileCall,
        axis: Axis,
        tiles: Tensor,
        target: torch.dtype,
    ) -> None:
        source, device = tiles.dtype, tiles.device
        self.source, self.target, self.merge = source, target, call.merge
        self.scratch = comparable(torch.empty(0, dtype=source, device=device)).dtype
        self.start = weakest(self.scratch, call.merge)

    def add(
        self,
        row: Iterable[tuple[Sheet, Tensor]],
        cell: Sequence[Run],
        numbers: Sequence[int],
        *,
        fresh: bool,
    ) -> None:
        """Compare a row of tiles with the best so far, as `Mean` adds it."""
        del cell, numbers  # only a mean has weights
        for sheet, values in row:
            for band in sheet.bands:
                part = comparable(values[..., band.pixels])
                best = part if fresh else join(band.total, part, self.merge)
                band.total.copy_(best)

    def result(self, desk: Desk, rows: int) -> Tensor:
        """Return the extremes."""
        del rows
        best = compared(desk.total, self.source)
        if self.source == self.target:
            return best
        total = best.to(sum_dtype(best.device))
        check_nan(total, self.target)
        return rounded(total, self.target)
