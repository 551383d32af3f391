"""Spans: neighbouring pixels of an axis that are merged together."""

from dataclasses import dataclass
from typing import NamedTuple

from reftiler.axis import Axis


class Share(NamedTuple):
    """The pixels that one tile gives to a span."""

    tile: int
    """The tile's number on the axis."""
    pixel: int
    """The first of its pixels."""
    low: int
    """The image pixel where that goes."""
    width: int
    """How many pixels."""

    @property
    def high(self) -> int:
        """One past the last image pixel."""
        return self.low + self.width


@dataclass(frozen=True)
class Span:
    """A stretch of image pixels.

    Attributes
    ----------
    low, high : int
        First and one past last pixel.
    done : int
        Pixels below it are finished with this span; the next span begins there.
    shares : tuple of Share
        What is added with this span, in ascending order of the tiles.
    """

    low: int
    high: int
    done: int
    shares: tuple[Share, ...]


def cut(axis: Axis, most: int) -> list[Span]:
    """Cut a fitted axis into spans of at most ``most`` pixels that share none.

    Whole steps of the grid, or equal parts of one, meet few tiles. The frame must be
    the image or the image extended, so that a tile's neighbours are the image's.
    """
    step = axis.step or axis.tile
    side = most // step * step or -(-step // -(-step // most))
    if most >= axis.length:
        side = axis.length
    shares = _shares(axis)
    spans, first = [], 0
    for low in range(0, axis.length, side):
        high = min(low + side, axis.length)
        while first < len(shares) and shares[first].high <= low:
            first += 1
        here = []
        for share in shares[first:]:
            if share.low >= high:
                break
            here.append(_clipped(share, low, high))
        spans.append(Span(low, high, high, tuple(here)))
    return spans


def roll(axis: Axis, most: int) -> list[Span]:
    """Cut a fitted axis into spans that take tiles whole, as they lie in memory.

    Where the last tiles of a span reach beyond the next one's first pixel, the sums
    there go on in the next span. Where ``most`` has too little room for tiles and a
    half, the axis is cut.
    """
    shares = _shares(axis)
    if not shares or 2 * most < 3 * max(share.width for share in shares):
        return cut(axis, most)
    spans, low, first = [], 0, 0
    while first < len(shares):
        last = first + 1
        while last < len(shares) and shares[last].high <= low + most:
            last += 1
        done = shares[last].low if last < len(shares) else axis.length
        high = max(shares[last - 1].high, done)
        spans.append(Span(low, high, done, tuple(shares[first:last])))
        low, first = done, last
    return spans


def _shares(axis: Axis) -> list[Share]:
    """Return what each tile gives to the image, where it takes part at all."""
    return [
        Share(tile, low + axis.before - start, low, high - low)
        for tile, (start, (low, high)) in enumerate(
            zip(axis.starts, axis.kept.tolist(), strict=True)
        )
        if low < high
    ]


def _clipped(share: Share, low: int, high: int) -> Share:
    first, last = max(share.low, low), min(share.high, high)
    pixel = share.pixel + first - share.low
    return Share(share.tile, pixel, first, last - first)
