"""What sums of tiles are divided by: their number, or the sum of their weights."""

import math
from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reftiler.geometry import Box
from reftiler.torch.desk import dealt, scratch
from reftiler.torch.planes import at
from reftiler.torch.ruling import Ruling
from reftiler.torch.tables import on

WORTH = 2**15
"""Pixels of lines that have one divisor, from which a look at them pays."""

KEPT = 16
"""Boxes whose divisors are kept: a regular grid has few kinds."""

Divided = tuple[Sequence[slice], Tensor]
"""Lines of a box, and the divisors of their pixels."""


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
        self.kinds: dict[object, list[Divided]] = {}

    def divide(self, sums: Tensor, box: Box, ruling: Ruling, memory: Tensor) -> None:
        """Divide the sums of a box in place, laid out as on a desk.

        Nobody else may write to ``memory``, which takes a box.
        """
        for lines, divisor in self._divided(box, ruling, sums, memory):
            part = at(sums, [*lines, slice(None), slice(None)])
            if self.powers:
                part.mul_(divisor)
            else:
                part.div_(divisor)

    def _divided(
        self, box: Box, ruling: Ruling, sums: Tensor, memory: Tensor
    ) -> list[Divided]:
        """Return the divisors of a box; spans of a regular grid have the same."""
        ends = zip(self.totals, box, strict=True)
        totals = [total[low:high] for total, (low, high) in ends]
        kind = (ruling, len(sums), *(total.tobytes() for total in totals))
        if kind not in self.kinds:
            if len(self.kinds) == KEPT:
                self.kinds.clear()
            *others, last = totals
            hands = len(sums)
            others[0] = others[0].reshape(hands, -1)
            if (others[0] == others[0][0]).all():
                hands, others[0] = 1, others[0][0]
            (row,) = on(self.device, last, dtype=self.dtype)
            row = ruling.filled(row, rest=1)
            boxes = list(product(*map(_stretches, others))) if hands == 1 else []
            if boxes and len(boxes) * WORTH <= sums.numel():
                self.kinds[kind] = [(here, row * _at(others, here)) for here in boxes]
            else:
                self.kinds.clear()  # what is in the memory goes
                every = [slice(None)] * len(others)
                others[0] = others[0].ravel()
                whole = self._product(others, row, hands, memory)
                self.kinds[kind] = [(every, whole)]
        return self.kinds[kind]

    def _product(
        self, others: Sequence[Any], row: Tensor, hands: int, memory: Tensor
    ) -> Tensor:
        """Multiply one vector per axis, the last one in cells, as on a desk."""
        outer = torch.ones((), dtype=self.dtype, device=self.device)
        for factor in on(self.device, *others, dtype=self.dtype):
            outer = outer.unsqueeze(-1) * factor
        outer = dealt(outer[..., None, None], hands)
        shape = (*outer.shape[:-2], *row.shape)
        # In memory the cells come ahead of the lines, as those of the sums do.
        order = (len(shape) + 1, *range(len(shape) - 2, 1, -1), len(shape), 1)
        return torch.mul(outer, row, out=scratch(memory, shape, order))


def _stretches(total: NDArray[Any]) -> list[slice]:
    """Cut an axis where its divisors change."""
    ends = (np.flatnonzero(np.diff(total)) + 1).tolist()
    return [slice(*pair) for pair in pairwise([0, *ends, len(total)])]


def _at(totals: Sequence[NDArray[Any]], lines: Sequence[slice]) -> float:
    """Return the product of what is the same on all these lines."""
    pairs = zip(totals, lines, strict=True)
    return math.prod(float(total[here.start]) for total, here in pairs)
