"""Bands: equal parts of many tiles of an axis, which one operation can add.

Overlapping tiles cannot be added at once, because they meet in a pixel. Bands as wide
as the tiles are apart do not meet. A pixel lies in a later band of an earlier tile: by
descending bands, its tiles come in ascending order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reftiler.torch.spans import Share


@dataclass(frozen=True)
class Series:
    """Neighbouring tiles that take part alike, equally far apart.

    Attributes
    ----------
    tile : int
        Number of the first tile.
    low : int
        First image pixel in which the first tile takes part.
    pixel : int
        Which pixel of every tile comes first.
    width : int
        In how many pixels each tile takes part.
    step : int
        Image pixels from one tile to the next.
    count : int
        How many tiles.
    """

    tile: int
    low: int
    pixel: int
    width: int
    step: int
    count: int = 1

    @property
    def bands(self) -> list[slice]:
        """Which of the tiles' pixels make a band, the last band first."""
        step = self.step if self.count > 1 else self.width
        return [
            slice(first, min(first + step, self.width))
            for first in reversed(range(0, self.width, step))
        ]

    def parts(self, count: int) -> Iterator["Series"]:
        """Cut the series into ones of at most ``count`` tiles, of about one size."""
        count = -(-self.count // -(-self.count // count))
        for first in range(0, self.count, count):
            yield replace(
                self,
                tile=self.tile + first,
                low=self.low + first * self.step,
                count=min(count, self.count - first),
            )

    def joined(self, share: Share) -> "Series | None":
        """Return this series with the tile ``share`` behind it, if it fits."""
        step = (share.low - self.low) // self.count
        ends = (self.tile + self.count, self.low + self.count * step)
        alike = (self.pixel, self.width) == (share.pixel, share.width)
        even = step > 0 if self.count == 1 else step == self.step
        if not (alike and even and ends == (share.tile, share.low)):
            return None
        return replace(self, step=step, count=self.count + 1)


def find_series(shares: Sequence[Share]) -> list[Series]:
    """Return the tiles that give ``shares``, in ascending order."""
    found: list[Series] = []
    for share in shares:
        longer = found[-1].joined(share) if found else None
        one = Series(share.tile, share.low, share.pixel, share.width, share.width)
        found[-1:] = [longer] if longer else [*found[-1:], one]
    return found
