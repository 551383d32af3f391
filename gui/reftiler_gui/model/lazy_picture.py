"""A picture that is computed where it is looked at, in the background.

What is asked for and not known yet is remembered; `compute` computes it, of a reduced
level first a sample of the pixels, then all of them. Meanwhile a coarser level is
shown, or nothing.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from reftiler_gui.model.array_types import Array, Ints, Pixels, Span
from reftiler_gui.model.picture import Picture, level_size, pixels_under
from reftiler_gui.model.steps import Work

Key: TypeAlias = tuple[int, int, int]

_CHUNK = 1024  # pixels on a side that are computed together, at the most about
_KEPT = 2**28  # bytes of blocks that are kept
_QUEUED = 512  # blocks that wait to be computed


@dataclass(eq=False)
class _Block:
    values: Array
    exact: bool
    style: object = None
    pixels: Pixels = field(default_factory=lambda: np.zeros((0, 0), np.uint32))

    @property
    def nbytes(self) -> int:
        return self.values.nbytes + self.pixels.nbytes


class LazyPicture(Picture):
    """A picture of the size of an image, its own pixels enlarged to that.

    ``read`` takes slices with steps; when ``style()`` changes, pixels are painted anew.
    """

    has_alpha = True

    def __init__(
        self,
        size: Span,
        shape: Span,
        load: Callable[[Span, Span], Work[None]],
        read: Callable[[slice, slice], Array],
        reduce: Callable[[Array], Array],
        paint: Callable[[Array], Pixels],
        style: Callable[[], object],
    ) -> None:
        self.size, self.shape = size, shape
        self.asked: Callable[[], object] = lambda: None
        self._load, self._read, self._reduce = load, read, reduce
        self._paint, self._style = paint, style
        self._blocks: OrderedDict[Key, _Block] = OrderedDict()
        self._bytes = 0
        self._wanted: dict[Key, None] = {}
        self._arrived: list[Key] = []
        self._lock = threading.Lock()

    # What the canvas asks for

    def region(self, level: int, rows: Span, columns: Span) -> Pixels:
        """Return what is known of some pixels of a level; the rest is transparent."""
        own = self._own_level(level)
        side = _side(own)
        lines = self._under(0, level, own, rows), self._under(1, level, own, columns)
        pixels = np.zeros((rows[1] - rows[0], columns[1] - columns[0]), np.uint32)
        new = False
        for row, down in _by_block(lines[0], side):
            for column, across in _by_block(lines[1], side):
                key = own, row, column
                with self._lock:
                    block = self._blocks.get(key)
                    if block is not None:
                        self._blocks.move_to_end(key)
                    if block is None or not block.exact:
                        new = new or key not in self._wanted
                        self._wanted[key] = None
                here = lines[0][down] - row * side, lines[1][across] - column * side
                if block is None:
                    block, here = self._coarser(key, *here)
                if block is not None:
                    if block.style != self._style():
                        self._draw(block)
                    pixels[down, across] = block.pixels[np.ix_(*here)]
        if new:
            self.asked()
        return pixels

    def arrived(self) -> Iterator[tuple[int, Span, Span]]:
        """Yield levels, rows and columns that are better known than before."""
        with self._lock:
            keys, self._arrived = self._arrived, []
        for own, *place in dict.fromkeys(keys):
            there, side = level_size(self.shape, own), _side(own)
            for level in range(self.levels):
                if self._own_level(level) == own:
                    axes = zip(place, self.level_size(level), there, strict=True)
                    rows, columns = (
                        (n * side * size // length, -(-(n + 1) * side * size // length))
                        for n, size, length in axes
                    )
                    yield level, rows, columns

    def known(self, row: int, column: int) -> Array | None:
        """Return the value at a pixel of the image if it is known."""
        own = self._own_level(0)
        down, across = (
            divmod(int(self._under(axis, 0, own, (n, n + 1))[0]), _side(own))
            for axis, n in enumerate((row, column))
        )
        block = self._blocks.get((own, down[0], across[0]))
        if block is None or not block.exact or own > 0:
            return None
        return np.asarray(block.values[down[1], across[1]])

    def _own_level(self, level: int) -> int:
        """Return the level of the picture that is no coarser than one of the image."""
        scale = max(self.shape[0] / self.size[0], self.shape[1] / self.size[1])
        return max(0, level + math.floor(math.log2(scale) + 1e-9))

    def _under(self, axis: int, level: int, own: int, span: Span) -> Ints:
        """Return the pixels of the picture's level in the middle of the image's."""
        if self.shape == self.size:
            return np.arange(*span)
        places = pixels_under(span, level, self.size[axis], self.shape[axis])
        return np.asarray(places >> own)

    def _coarser(
        self, key: Key, rows: Ints, columns: Ints
    ) -> tuple[_Block | None, tuple[Ints, Ints]]:
        """Return the block of a coarser level, and where these pixels lie in it."""
        level, row, column = key
        rows, columns = rows + row * _side(level), columns + column * _side(level)
        for other in range(level + 1, self.levels):
            rows, columns = rows >> 1, columns >> 1
            side = _side(other)
            place = int(rows[0]) // side, int(columns[0]) // side
            block = self._blocks.get((other, *place))
            if block is not None:
                return block, (rows - place[0] * side, columns - place[1] * side)
        return None, (rows, columns)

    # What computes it

    @property
    def pending(self) -> bool:
        """Whether something was asked for that nobody computes yet."""
        return bool(self._wanted)

    def asks_beyond(self, queue: Sequence[tuple[LazyPicture, Key]]) -> bool:
        """Tell whether something was asked for that is not in the queue."""
        with self._lock:
            return any((self, key) not in queue for key in self._wanted)

    def take(self) -> list[Key]:
        """Return what was asked for since the last time, of it what is not known."""
        with self._lock:
            keys, self._wanted = list(self._wanted), {}
        return [key for key in keys if not self.knows(key, exact=True)]

    def knows(self, key: Key, *, exact: bool = False) -> bool:
        """Tell whether a block is known, if asked of all of its pixels."""
        block = self._blocks.get(key)
        return block is not None and (block.exact or not exact)

    def compute(self, key: Key, *, exact: bool) -> Work[None]:
        """Compute a block, of all of its pixels or of a sample."""
        level, *place = key
        by = 1 if exact or level == 0 else 1 << level
        side = _side(level) << level
        rows, columns = (
            range(n * side, min((n + 1) * side, length))
            for n, length in zip(place, self.shape, strict=True)
        )
        step, bands = max(1 << level, _CHUNK), []
        for band in _cut(rows, step):
            parts = []
            for part in _cut(columns, step):
                yield from self._load(band, part)
                values = self._read(slice(*band, by), slice(*part, by))
                for _ in range(level if by == 1 else 0):
                    values = self._reduce(values)
                parts.append(values)
                yield 0.0
            bands.append(np.concatenate(parts, axis=1))
        block = _Block(np.concatenate(bands), by == 1)
        self._draw(block)
        with self._lock:
            before = self._blocks.pop(key, None)
            self._bytes += block.nbytes - (before.nbytes if before else 0)
            self._blocks[key] = block
            self._arrived.append(key)
            while self._bytes > _KEPT and len(self._blocks) > 1:
                self._bytes -= self._blocks.popitem(last=False)[1].nbytes

    def _draw(self, block: _Block) -> None:
        block.style = self._style()
        block.pixels = self._paint(block.values)


def compute(pictures: Sequence[LazyPicture]) -> Work[None]:
    """Compute what was asked of some pictures: samples first, the latest view first."""
    queue: list[tuple[LazyPicture, Key]] = []
    done = 0
    while True:
        new = [(picture, key) for picture in pictures for key in picture.take()]
        new.sort(key=lambda one: one[1])  # pictures of one place share their merge
        rest = [o for o in queue if o not in new and not o[0].knows(o[1], exact=True)]
        queue = [*new, *rest][:_QUEUED]
        if not queue:
            return
        unknown = [one for one in queue if not one[0].knows(one[1])]
        picture, key = (unknown or queue)[0]
        share = done / (done + len(queue) + len(unknown))
        for _ in picture.compute(key, exact=not unknown):
            yield share
            if any(picture.asks_beyond(queue) for picture in pictures):
                break  # another view: this block has to wait
        else:
            done += 1


def _side(level: int) -> int:
    """Return the side of a level's blocks: they take about the same time to compute."""
    return max(32, min(256, _CHUNK >> level))


def _cut(span: range, step: int) -> Iterator[Span]:
    for low in range(span.start, span.stop, step):
        yield low, min(low + step, span.stop)


def _by_block(line: Ints, side: int) -> Iterator[tuple[int, slice]]:
    """Yield blocks, and which part of an ascending line of pixels lies in each."""
    cuts = np.flatnonzero(np.diff(line // side)) + 1
    for low, high in pairwise([0, *cuts.tolist(), len(line)]):
        yield int(line[low]) // side, slice(low, high)
