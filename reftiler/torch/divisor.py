"""What sums of tiles are divided by: their number, or the sum of their weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reftiler.placement import Box
from reftiler.torch.desk import scratch
from reftiler.torch.ruling import Ruling
from reftiler.torch.tables import on


class Divisor:
    """The divisors of all pixels of an image, as a product over the axes.

    Parameters
    ----------
    totals : sequence of ndarray
        For each axis, the tiles or the weights on each pixel; their products and the
        sums of these must be exact in ``dtype``.
    dtype, device
        Of the sums.
    """

    def __init__(
        self, totals: Sequence[NDArray[Any]], dtype: torch.dtype, device: torch.device
    ) -> None:
        # Where no tile takes part a fill comes afterwards.
        totals = [np.where(total > 0, total, 1) for total in totals]
        # To multiply by the reciprocal of a power of two is exact, and faster.
        self.powers = all((np.frexp(total)[0] == 0.5).all() for total in totals)
        self.totals = [1 / total if self.powers else total for total in totals]
        self.dtype, self.device = dtype, device
        self.last: tuple[object, Tensor] | None = None

    def divide(self, sums: Tensor, box: Box, ruling: Ruling, memory: Tensor) -> None:
        """Divide the sums (N, C, *box) in place, their last axis cut into cells.

        Nobody else may write to ``memory``, which takes a box.
        """
        divisor = self._at(box, ruling, memory)
        if self.powers:
            sums.mul_(divisor)
        else:
            sums.div_(divisor)

    def _at(self, box: Box, ruling: Ruling, memory: Tensor) -> Tensor:
        """Return the divisors of a box; spans of a regular grid have the same."""
        ends = zip(self.totals, box, strict=True)
        totals = [total[low:high] for total, (low, high) in ends]
        alike = (ruling, *(total.tobytes() for total in totals))
        if self.last is None or self.last[0] != alike:
            self.last = alike, self._product(totals, ruling, memory)
        return self.last[1]

    def _product(self, totals: Sequence[Any], ruling: Ruling, memory: Tensor) -> Tensor:
        """Multiply one vector per axis."""
        *others, last = on(self.device, *totals, dtype=self.dtype)
        outer = torch.ones((), dtype=self.dtype, device=self.device)
        for factor in others:
            outer = outer.unsqueeze(-1) * factor
        shape = (*outer.shape, ruling.count, ruling.width)
        # In memory the cells come first, as those of the sums do.
        order = (*range(len(shape), 2, -1), len(shape) + 1, 1)
        product = scratch(memory, shape, order)
        return torch.mul(outer[..., None, None], ruling.filled(last, 1), out=product)
