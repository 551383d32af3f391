"""Rules: what is made of tiles that meet, a block at a time and in place.

The arithmetic is that of the functional bodies, in the same order.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from reftiler.calls import UntileCall
from reftiler.torch.desk import Desk
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
    source : torch.dtype
        The tiles' dtype.
    target : torch.dtype
        The result's dtype.
    device : torch.device
        Where the tiles are.

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
        source: torch.dtype,
        target: torch.dtype,
        device: torch.device,
    ) -> None:
        self.source, self.target = source, target
        floats = sum_dtype(device)
        self.start = -0.0
        self.weighted = call.profiles is not None
        self.lone = copies_lone(source, target, floats, weighted=self.weighted)
        self.profiles = on(device, *(call.profiles or ()), dtype=floats)
        covers = [axis.cover for axis in call.placement.axes]
        most = 1
        for cover in covers:
            most *= int(cover.max())
        plain = source == target and not self.weighted
        self.scratch = exact_sums(source, most) if plain else None
        self.bytes = self.scratch is not None
        if self.scratch is None:
            self.scratch = floats
        else:
            floats = torch.float32
        self.gaps = bool((covers[-1] == 0).any())
        # A fill comes afterwards where no tile takes part.
        columns = covers[-1].clip(min=1)
        self.powers = {n & -n for n in columns.tolist()} == set(columns.tolist())
        (self.columns,) = on(device, columns, dtype=floats)
        (self.covered,) = on(device, covers[-1] > 0)
        self.counts: dict[int, Tensor] = {}

    def add(
        self,
        desk: Desk,
        tiles: Tensor,
        offset: int,
        cell: Sequence[Run],
        numbers: Sequence[int],
    ) -> None:
        """Add a row of tiles to what lies on the desk."""
        weight = self._weight(cell, numbers) if self.weighted else None
        for sheet, values in desk.read(tiles, offset):
            sheet.term.copy_(values)
            if weight is not None:
                part = weight[..., sheet.pixels]
                sheet.term.mul_(part)
                for band in sheet.bands:
                    band.weights.add_(part[..., band.pixels])
            for band in sheet.bands:
                band.total.add_(band.term)

    def result(self, desk: Desk, rows: int) -> Tensor:
        """Return the means, where ``rows`` rows of tiles took part."""
        total = desk.total
        if self.bytes:
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
        count = self.counts.get(rows)
        if count is None:
            count = self.columns * rows
            if self.powers and rows & -rows == rows:
                count = count.reciprocal()
            self.counts[rows] = count
        if self.powers and rows & -rows == rows:
            return total.mul_(count)  # exact, and faster
        return total.div_(count)

    def _weight(self, cell: Sequence[Run], numbers: Sequence[int]) -> Tensor:
        """Return a tile's weights in each stretch of ``cell``."""
        *profiles, last = self.profiles
        pieces = [
            profile.narrow(0, run.pixels[number], run.width)
            for profile, run, number in zip(profiles, cell, numbers, strict=True)
        ]
        shape = [1] * (2 * len(pieces) + 4)
        weight: Tensor | None = None
        for axis, piece in enumerate([*pieces, last]):
            place = 2 * axis + 3
            part = piece.view(*shape[:place], -1, *shape[place + 1 :])
            weight = part if weight is None else weight * part
        assert weight is not None
        return weight


class Extreme:
    """The largest or the smallest value; parameters and attributes as of `Mean`."""

    weighted = False
    lone = False

    def __init__(
        self,
        call: UntileCall,
        source: torch.dtype,
        target: torch.dtype,
        device: torch.device,
    ) -> None:
        self.source, self.target, self.merge = source, target, call.merge
        self.scratch = comparable(torch.empty(0, dtype=source, device=device)).dtype
        self.start = weakest(self.scratch, call.merge)

    def add(
        self,
        desk: Desk,
        tiles: Tensor,
        offset: int,
        cell: Sequence[Run],
        numbers: Sequence[int],
    ) -> None:
        """Compare a row of tiles with what lies on the desk."""
        del cell, numbers  # only a mean has weights
        for sheet, values in desk.read(tiles, offset):
            for band in sheet.bands:
                part = comparable(values[..., band.pixels])
                band.total.copy_(join(band.total, part, self.merge))

    def result(self, desk: Desk, rows: int) -> Tensor:
        """Return the extremes."""
        del rows
        best = compared(desk.total, self.source)
        if self.source == self.target:
            return best
        total = best.to(sum_dtype(best.device))
        check_nan(total, self.target)
        return rounded(total, self.target)
