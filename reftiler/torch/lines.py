"""Merging whole lines of an image: every row of tiles is read once, as it lies.

The lines of a span of the first axis are summed on a `Desk`; a whole row of tiles is
converted and added in a few operations. Reading long stretches of memory in order
matters more than anything else here.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import product

import torch
from torch import Tensor

from reftiler.axis import Axis
from reftiler.geometry import Box
from reftiler.plan import UntilePlan
from reftiler.torch.checks import LINE, fresh
from reftiler.torch.desk import Desk, Memory, dealt
from reftiler.torch.planes import at
from reftiler.torch.rounding import choose, constant
from reftiler.torch.rules import Extreme, Mean
from reftiler.torch.ruling import Ruling, find_ruling
from reftiler.torch.spans import Span, cut, deal, roll
from reftiler.torch.tables import on

HANDS = 8
"""Threads to which lines are dealt out; more serve one hand together."""

LEAST = 2**18
"""Elements that each hand has at a time, if whole steps of the grid have as many."""


class Lines:
    """Merges span by span, with the same scratch memory.

    Parameters
    ----------
    tiles, target : Tensor
        Tiles (N, *grid, C, *T) and images (N, C, *S), of two axes at least.
    call : UntileCall
        The checked merge.
    rule : Mean or Extreme
        What is made of tiles that meet.
    sizes : pair of int
        Elements of the image that are merged at a time, and of tiles read at a time,
        in units of eight bytes.
    """

    def __init__(
        self,
        tiles: Tensor,
        call: UntilePlan,
        target: Tensor,
        rule: Mean | Extreme,
        sizes: tuple[int, int],
    ) -> None:
        self.tiles, self.call, self.target, self.rule = tiles, call, target, rule
        self.fill = constant(call.fill, target.dtype, target.device)
        room, terms = (
            size * torch.float64.itemsize // dtype.itemsize
            for size, dtype in zip(sizes, (rule.quotients, rule.scratch), strict=True)
        )
        # Channels stay together where they are neighbours; apart, they leave room
        # for more lines.
        together = target.shape[1] if call.result.channels_last else 1
        first, *between, last = call.geometry.axes
        most, *others, longest = _limits(call.geometry.size, room, together)
        self.spans = [
            self._first(first, most),
            *(cut(axis, limit) for axis, limit in zip(between, others, strict=True)),
            cut(last, longest, beyond=not rule.refuses),
        ]
        self.rulings = {span.low: find_ruling(span) for span in self.spans[-1]}
        pixels = self._pixels()
        self.channels, self.images = self._at_once(room, pixels, together)
        self.memory = self._memory(pixels, terms)

    def _first(self, axis: Axis, most: int) -> list[Span]:
        """Return spans of the first axis, dealt out to the threads if most can be."""
        hands = min(HANDS, most)
        if self.tiles.device.type != "cpu":
            hands = 1
        hands = min(hands, torch.get_num_threads())
        if hands > 1:
            step = axis.step or axis.tile
            line = self.target[:, :, :1].numel()
            steps = max(1, LEAST // (line * step))
            spans = deal(cut(axis, min(most // hands, steps * step)), hands)
            alone = sum(span.high - span.low for span in spans if span.hands == 1)
            if 2 * alone <= axis.length:
                return spans
        return roll(axis, most)

    def _pixels(self) -> int:
        """Return how many pixels of a plane are merged at a time, at most."""
        heights = [
            max(span.hands * (span.high - span.low) for span in spans)
            for spans in self.spans[:-1]
        ]
        # A ruling may reach beyond a line at both ends.
        width = max(each.count * each.width for each in self.rulings.values())
        return math.prod(heights) * width

    def _at_once(self, room: int, pixels: int, together: int) -> tuple[int, int]:
        """Return how many channels and images are merged at a time."""
        channels = self.target.shape[1]
        # Twice the room for all rather than many of them and then few.
        if channels * pixels > 2 * room:
            channels = min(channels, max(together, room // pixels))
        return channels, max(1, room // (pixels * channels))

    def _memory(self, pixels: int, terms: int) -> Memory:
        """Return memory for as much, and to read so many values of tiles into."""
        rule, apart = self.rule, self.rule.quotients != self.rule.scratch
        total = min(self.images, len(self.target)) * self.channels * pixels
        # Each tile's part of the image, at least, must fit.
        terms = min(max(terms, total), self.tiles.numel())
        needs = {
            "total": (total, rule.scratch),
            "terms": (terms, rule.scratch),
            "divisor": (pixels if rule.divides else 0, rule.quotients),
            "quotients": (total if apart else 0, rule.quotients),
            "weights": (pixels if rule.weighs else 0, rule.scratch),
        }
        return _allot(needs, self.tiles.device)

    def merge(self) -> None:
        """Merge everything."""
        for others in product(*self.spans[1:]):
            box = [slice(span.low, span.high) for span in others]
            desks: dict[object, Desk] = {}
            for tiles, target in self._planes():
                self._merge(tiles, at(target, [slice(None), *box]), others, desks)

    def _planes(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield tiles and image in planes that are merged together."""
        images, channels = self.target.shape[:2]
        axis = 1 + len(self.spans)
        for n, c in product(
            range(0, images, self.images), range(0, channels, self.channels)
        ):
            count = min(self.channels, channels - c)
            tiles = self.tiles[n : n + self.images].narrow(axis, c, count)
            yield tiles, self.target[n : n + self.images].narrow(1, c, count)

    def _merge(
        self,
        tiles: Tensor,
        target: Tensor,
        others: Sequence[Span],
        desks: dict[object, Desk],
    ) -> None:
        """Merge the spans of the first axis, one after the other."""
        last = None
        between = [span.shares for span in others[:-1]]
        for span in self.spans[0]:
            kind = (target.shape, span.hands, span.tiles, span.pixels)
            if kind not in desks:
                longest = max(
                    one.high - one.low
                    for one in self.spans[0]
                    if one.hands == span.hands
                )
                image = target.narrow(2, 0, span.hands * longest)
                image = _hands_first(image, span.hands)
                spans, ruling = (span, *others), self.rulings[others[-1].low]
                desks[kind] = Desk(
                    self.memory, image, tiles, spans, ruling, self.rule.start
                )
            desk = desks[kind]
            desk.turn(last, span)
            for shares in product(span.shares, *between):
                self.rule.add(desk.read(tiles, span.low, shares))
            if span.done > span.low:
                self._finish(target, desk, span, others)
            last = span

    def _finish(
        self, target: Tensor, desk: Desk, span: Span, others: Sequence[Span]
    ) -> None:
        box = ((span.low, span.end), *((one.low, one.high) for one in others))
        lines = _hands_first(
            target.narrow(2, span.low, span.end - span.low), span.hands
        )
        merged = self.rule.result(desk, span, box)
        if self.call.num_uncovered:
            covered = dealt(self._covered(box, desk.ruling), span.hands)
            merged = choose(covered, merged.to(lines.dtype), self.fill)
        desk.ruling.flatten(merged, lines)

    def _covered(self, box: Box, ruling: Ruling) -> Tensor:
        axes = zip(self.call.geometry.axes, box, strict=True)
        *others, last = on(
            self.target.device,
            *(axis.coverage[low:high] > 0 for axis, (low, high) in axes),
        )
        covered = others[0]
        for cover in others[1:]:
            covered = covered.unsqueeze(-1) & cover
        return covered[..., None, None] & ruling.filled(last, rest=True)


def _limits(size: Sequence[int], room: int, together: int) -> list[int]:
    """Return how long spans may be on each axis, for ``room`` pixels in all."""
    limits = []
    for a, length in enumerate(size):
        line = together * math.prod(size[a + 1 :])
        limits.append(max(1, min(room // line, length)))
        room //= limits[-1]
    return limits


def _hands_first(image: Tensor, hands: int) -> Tensor:
    """View planes (N, C, *space) with their lines dealt out, (hands, N, C, *space)."""
    images, channels, lines, *rest = image.shape
    shape = (images, channels, hands, lines // hands, *rest)
    return image.view(shape).movedim(2, 0)


def _allot(needs: dict[str, tuple[int, torch.dtype]], device: torch.device) -> Memory:
    """Return memory of one piece: what is freed whole is there again for the next call.

    Freed piece by piece the system takes it back, and giving it anew takes longer than
    all that is done to the pixels.
    """
    sizes = [
        -(-count * dtype.itemsize // LINE) * LINE for count, dtype in needs.values()
    ]
    pieces = torch.split(fresh((sum(sizes),), torch.uint8, device), sizes)
    shaped = zip(pieces, needs.items(), strict=True)
    return Memory(**{name: piece.view(dtype) for piece, (name, (_, dtype)) in shaped})
