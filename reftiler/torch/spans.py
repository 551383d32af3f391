"""Spans: neighbouring pixels of an axis that are merged together."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
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
    """A stretch of image pixels; or several of them that are alike, one for each hand.

    Attributes
    ----------
    low, high : int
        First and one past last pixel, of the first hand's.
    done : int
        Pixels below it are finished with this span; the next span begins there, behind
        the last hand's.
    shares : tuple of Share
        What is added with this span, in ascending order of the tiles.
    hands : int
        How many stretches there are, one behind the other.
    tiles, pixels : int
        How many tiles, or how many pixels of the same tiles, each stretch's shares are
        ahead of the one's before.
    """

    low: int
    high: int
    done: int
    shares: tuple[Share, ...]
    hands: int = 1
    tiles: int = 0
    pixels: int = 0

    @property
    def end(self) -> int:
        """One past the last pixel that is finished with this span, of all hands."""
        return self.low + self.hands * (self.done - self.low)


def cut(axis: Axis, most: int, *, beyond: bool = False) -> list[Span]:
    """Cut a fitted axis into spans of at most ``most`` pixels that share none.

    Whole steps of the grid, or equal parts of one, meet few tiles. The frame must be
    the image or the image extended, so that a tile's neighbours are the image's. Tiles
    that reach into the padding ``beyond`` the image give that too, if they may: then
    they are like the others.
    """
    step = axis.step or axis.tile
    side = most // step * step or -(-step // -(-step // most))
    if most >= axis.length:
        side = axis.length
    shares = _shares(axis, beyond=beyond)
    spans, first = [], 0
    for low in range(0, axis.length, side):
        high = min(low + side, axis.length)
        while first < len(shares) and shares[first].high <= low:
            first += 1
        last = bisect_left(shares, high, first, key=_low)
        end = high if high < axis.length else axis.padded_length
        parts = tuple(_clipped(share, low, end) for share in shares[first:last])
        spans.append(Span(low, high, high, parts))
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


def deal(spans: Sequence[Span], hands: int) -> list[Span]:
    """Deal neighbouring spans that are alike out to ``hands``, or parts of a span."""
    dealt, first = [], 0
    while first < len(spans):
        span, some = spans[first], spans[first : first + hands]
        ahead = {_ahead(one, other) for one, other in pairwise(some)}
        alike = ahead.pop() if len(ahead) == 1 and len(some) == hands else None
        if alike is not None:
            tiles, pixels = alike
            dealt.append(replace(span, hands=hands, tiles=tiles, pixels=pixels))
            first += hands
        else:
            dealt.append(_divided(span, hands))
            first += 1
    return dealt


def _ahead(one: Span, other: Span) -> tuple[int, int] | None:
    """Return the tiles or pixels that a span's shares are ahead of one's like it."""
    if other.high - other.low != one.high - one.low:
        return None
    if len(other.shares) != len(one.shares):
        return None
    found = {
        (b.tile - a.tile, b.pixel - a.pixel, b.low - a.low, b.width - a.width)
        for a, b in zip(one.shares, other.shares, strict=True)
    } or {(0, 0, other.low - one.low, 0)}
    tiles, pixels, low, width = found.pop()
    alike = not found and low == other.low - one.low and width == 0
    return (tiles, pixels) if alike and 0 in (tiles, pixels) else None


def _divided(span: Span, hands: int) -> Span:
    """Return a span as equal parts, if tiles cover it wholly."""
    part, rest = divmod(span.high - span.low, hands)
    ends = (span.low, span.high)
    if rest or any((share.low, share.high) != ends for share in span.shares):
        return span
    high = span.low + part
    shares = tuple(_clipped(share, span.low, high) for share in span.shares)
    return Span(span.low, high, high, shares, hands, pixels=part)


def _low(share: Share) -> int:
    return share.low


def _shares(axis: Axis, *, beyond: bool = False) -> list[Share]:
    """Return what each tile gives to the image, where it takes part at all."""
    shares = []
    for tile, (low, high) in enumerate(axis.valid.tolist()):
        pixel = low + axis.pad_before - axis.starts[tile]
        # The image may end before the tile does, which else ends with its border.
        width = axis.tile - axis.border - pixel if beyond else 0
        if low < high:
            shares.append(Share(tile, pixel, low, max(high - low, width)))
    return shares


def _clipped(share: Share, low: int, high: int) -> Share:
    first, last = max(share.low, low), min(share.high, high)
    pixel = share.pixel + first - share.low
    return Share(share.tile, pixel, first, last - first)
