"""Rulings: an axis cut into cells as wide as its tiles are apart."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from torch import Tensor

from reftiler.torch.bands import Series, find_series
from reftiler.torch.spans import Span


@dataclass(frozen=True)
class Ruling:
    """Equal parts of an axis.

    Attributes
    ----------
    length : int
        Pixels of the axis.
    width : int
        Pixels of a cell.
    ahead, behind : int
        Pixels of the first cells that lie ahead of the axis, and of the last ones that
        must lie behind it at least.
    series : tuple of Series
        The tiles on it.
    """

    length: int
    width: int
    ahead: int = 0
    behind: int = 0
    series: tuple[Series, ...] = field(default=(), compare=False)

    @property
    def count(self) -> int:
        """How many cells."""
        return -(-(self.ahead + self.length + self.behind) // self.width)

    def filled(self, values: Tensor, rest: Any) -> Tensor:
        """Return the values of an axis as (cells, pixels), with ``rest`` around."""
        whole = values.new_full((self.count * self.width,), rest)
        whole[self.ahead : self.ahead + self.length] = values
        return whole.view(self.count, self.width)

    def suit(self, low: int, step: int) -> bool:
        """Tell whether tiles that are ``step`` apart begin where cells do, or anywhere.

        ``low`` is the first one's first pixel.
        """
        begins = step == self.width and (self.ahead + low) % self.width == 0
        return begins or self.count == 1

    def cuts(self, low: int, width: int) -> list[slice]:
        """Cut ``width`` pixels from ``low`` on at the ends of the cells."""
        first = self.width - (self.ahead + low) % self.width
        ends = [0, *range(first, width, self.width), width]
        return [slice(*pair) for pair in pairwise(ends)]

    def flatten(self, merged: Tensor, lines: Tensor) -> None:
        """Copy (…, cells, pixels) to (…, length)."""
        head = min(self.length, self.width - self.ahead) if self.ahead else 0
        first, many = int(head > 0), (self.length - head) // self.width
        if head:
            part = merged[..., 0, self.ahead : self.ahead + head]
            lines.narrow(-1, 0, head).copy_(part)
        if many:
            step = lines.stride(-1)
            body = lines.as_strided(
                (*lines.shape[:-1], many, self.width),
                (*lines.stride()[:-1], self.width * step, step),
                int(lines.storage_offset()) + head * step,
            )
            body.copy_(merged.narrow(-2, first, many))
        tail = self.length - head - many * self.width
        if tail:
            part = merged[..., first + many, :tail]
            lines.narrow(-1, self.length - tail, tail).copy_(part)


def find_ruling(span: Span) -> Ruling:
    """Return cells as wide as most tiles are apart; if tiles differ, one for all."""
    length, series = span.high - span.low, tuple(find_series(span.shares))
    behind = max((share.high - span.high for share in span.shares), default=0)
    behind = max(behind, 0)
    most = max(series, key=lambda one: one.count, default=None)
    if most is None or most.count == 1 or most.count * 2 <= len(span.shares):
        return Ruling(length, length + behind, 0, 0, series)
    ahead = (span.low - most.low) % most.step
    return Ruling(length, most.step, ahead, behind, series)
