"""Merging with numpy: the mean, the maximum or the minimum of overlapping tiles.

The image is merged in blocks that stay in the processor's cache, each tile value
read once; threads share the blocks. What is computed is the specification's formula
as it stands: float64 sums from −0.0 over the tiles in ascending order, products
rounded before they are added, one division, one rounding.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import IntArray
from reftiler.calls import UntileCall
from reftiler.errors import TilingError
from reftiler.placement import Box, Part
from reftiler.threads import shared
from reftiler.tiling import Array, constant, grouped, planes, region, together

BLOCK = 2**17
"""Elements merged at a time: few enough for the cache, enough to drown overhead."""


class Tiles(Protocol):
    """The tiles of an image by their number, wherever they are kept."""

    def __getitem__(self, number: int, /) -> Array:
        """Return a tile, (C, *T)."""
        ...


def merge(tiles: Array, call: UntileCall, out: Array) -> None:
    """Merge ``tiles`` into ``out`` as ``call`` plans.

    Parameters
    ----------
    tiles, out : ndarray
        Of the layouts ``call.tiles`` and ``call.result``.
    call : UntileCall
        The checked call.
    """
    images = grouped(tiles, call.tiles, call.result.images)
    result = planes(out, call.result)
    corner = (0,) * len(call.placement.size)
    boxes = list(call.placement.blocks(_channels(result), BLOCK))
    merge_some = partial(_merge_boxes, images, tiles.dtype, call, result, corner)
    shared(merge_some, boxes, out.nbytes)


def merge_box(
    images: Iterable[Tiles],
    dtype: np.dtype[Any],
    call: UntileCall,
    out: Array,
    whole: Box,
) -> None:
    """Merge a part of every image.

    Parameters
    ----------
    images : iterable of N Tiles
        Those tiles that take part there are enough.
    dtype : dtype
        The tiles'.
    call : UntileCall
        The checked call.
    out : ndarray, shape (N, C, *sizes of the box)
        What becomes of the box.
    whole : Box
        The part of the image.
    """
    boxes = list(call.placement.blocks(_channels(out), BLOCK, whole))
    _merge_boxes(images, dtype, call, out, [low for low, _ in whole], boxes)


def _channels(out: Array) -> int:
    """Return how many channels of images (N, C, *S) are merged at a time."""
    return min(int(out.shape[1]), BLOCK)


def _merge_boxes(
    images: Iterable[Tiles],
    dtype: np.dtype[Any],
    call: UntileCall,
    out: Array,
    corner: Sequence[int],
    boxes: Sequence[Box],
) -> None:
    """Merge some boxes of every image; ``out`` begins at the pixel ``corner``."""
    kind = _Mean if call.merge == "mean" else _Extreme
    merger = kind(call, dtype, out.dtype)
    channels, few = out.shape[1], _channels(out)
    fill = constant(call.fill, out.dtype)
    places = call.placement
    with np.errstate(all="ignore"):  # overflow and NaN are results, not mistakes
        for box in boxes:
            block = _Block(box, list(places.parts(box)), places.count(box))
            here = [
                slice(low - first, high - first)
                for (low, high), first in zip(box, corner, strict=True)
            ]
            for tiles, result in zip(images, out, strict=True):
                for first in range(0, channels, few):
                    some = slice(first, first + few)
                    piece = region(result[some], here)
                    merger.merge(partial(pixels, tiles, some), piece, block)
                    if call.gaps:
                        np.copyto(piece, fill, where=block.count == 0)


Values: TypeAlias = Callable[[Part], Array]
"""Gets what a part gives to its box, (C, *region)."""


@dataclass(frozen=True)
class _Block:
    """A box of the image, the tiles' parts in it and how many lie on each pixel."""

    box: Box
    parts: list[Part]
    count: IntArray


class _Merger:
    """What the ways of merging share: scratch memory and the copying of lone tiles."""

    def __init__(
        self, call: UntileCall, source: np.dtype[Any], target: np.dtype[Any]
    ) -> None:
        self.call = call
        self.source = source
        # float32 is float32 in either byte order.
        self.same = source.newbyteorder("=") == target.newbyteorder("=")

    def merge(self, values: Values, out: Array, block: _Block) -> None:
        """Merge the ``values`` of the parts of a block into ``out`` (C, *box)."""
        if self.same and block.count.max() <= 1:
            for part in block.parts:
                np.copyto(region(out, part.here), values(part))
        else:
            self.overlapping(values, out, block)

    def overlapping(self, values: Values, out: Array, block: _Block) -> None:
        """Merge a block in which tiles overlap or values are converted."""
        raise NotImplementedError

    def scratch(self, buffer: Array, shape: tuple[int, ...]) -> Array:
        """Shape a part of ``buffer`` like the tiles lie in memory."""
        flat = buffer[: math.prod(shape)]
        if self.call.tiles.channels_last:
            return np.moveaxis(flat.reshape(*shape[1:], shape[0]), -1, 0)
        return flat.reshape(shape)


class _Mean(_Merger):
    """Weighted sum over sum of weights."""

    def __init__(
        self, call: UntileCall, source: np.dtype[Any], target: np.dtype[Any]
    ) -> None:
        super().__init__(call, source, target)
        self.sums = np.empty(BLOCK)
        self.weights = None
        if call.profiles is not None:
            self.weights = call.weights
            self.products = np.empty(BLOCK)

    def overlapping(self, values: Values, out: Array, block: _Block) -> None:
        total = self.scratch(self.sums, out.shape)
        total.fill(-0.0)
        for part in block.parts:
            self._add(region(total, part.here), values(part), part)
        divisor = block.count if self.weights is None else self.weights.total(block.box)
        covered = block.count > 0 if self.call.gaps else True
        np.divide(total, divisor, out=total, where=covered)
        store(total, out)
        if self._sums_round():
            self._copy_lone(values, out, block)

    def _add(self, total: Array, values: Array, part: Part) -> None:
        if self.weights is None:
            np.add(total, values, out=total)
            return
        product = self.scratch(self.products, values.shape)
        np.multiply(values, self.weights.of(part), out=product)
        np.add(total, product, out=total)

    def _sums_round(self) -> bool:
        """Tell whether w·v/w, or v as float64, may differ from v in the result."""
        if self.weights is not None:
            return not self.same or self.source.itemsize == 8
        return self.same and self.source.itemsize == 8 and self.source.kind in "iu"

    def _copy_lone(self, values: Values, out: Array, block: _Block) -> None:
        """Give pixels with one tile that tile's value, whatever the formula rounds."""
        for part in block.parts:
            lone = block.count[part.here] == 1
            if lone.any():
                single = values(part)
                if not self.same:
                    single = converted(single, out.dtype)
                np.copyto(region(out, part.here), single, where=lone)


class _Extreme(_Merger):
    """IEEE 754-2019 maximum or minimum: −0 is less than +0, and NaN wins."""

    def __init__(
        self, call: UntileCall, source: np.dtype[Any], target: np.dtype[Any]
    ) -> None:
        super().__init__(call, source, target)
        self.highest = call.merge == "max"
        self.best = np.empty(BLOCK, source.newbyteorder("="))

    def overlapping(self, values: Values, out: Array, block: _Block) -> None:
        best = self.scratch(self.best, out.shape)
        best.fill(self._weakest())
        join = self._join_floats if self.source.kind == "f" else self._join
        for part in block.parts:
            join(region(best, part.here), values(part).astype(best.dtype))
        np.copyto(out, best if self.same else converted(best, out.dtype))

    def _weakest(self) -> Any:
        """Return the value that loses against every other."""
        if self.source.kind == "b":
            return not self.highest
        if self.source.kind == "f":
            return -np.inf if self.highest else np.inf
        limits = np.iinfo(self.source)
        return limits.min if self.highest else limits.max

    def _join(self, best: Array, values: Array) -> None:
        (np.maximum if self.highest else np.minimum)(best, values, out=best)

    def _join_floats(self, best: Array, values: Array) -> None:
        # numpy may return either zero of −0.0 and 0.0. Equal floats have equal bits
        # but for the sign of zero, so there the bits decide.
        equal = best == values
        bits = np.dtype(f"u{best.itemsize}")
        signs = np.bitwise_and if self.highest else np.bitwise_or
        signs(best.view(bits), values.view(bits), out=best.view(bits), where=equal)
        larger = np.maximum if self.highest else np.minimum
        larger(best, values, out=best, where=~equal)


def pixels(tiles: Tiles, channels: slice, part: Part) -> Array:
    """Return the values (C, *region) that a part gives to its box."""
    return region(tiles[part.tile][channels], together(part.there))


def converted(values: Array, dtype: np.dtype[Any]) -> Array:
    """Round ``values``, taken as float64, to ``dtype``."""
    result = np.empty(values.shape, dtype)
    store(values.astype(np.float64), result)
    return result


def store(total: NDArray[np.float64], out: Array) -> None:
    """Round float64 values once, to nearest even, into ``out``; may change ``total``.

    Raises
    ------
    TilingError
        If a NaN would have to become an integer.
    """
    if out.dtype.kind == "f":
        np.copyto(out, total, casting="unsafe")
        return
    lost = int(np.isnan(total).sum())
    if lost:
        raise TilingError(
            f"{lost} pixels of a block are NaN, which {out.dtype} cannot hold: use a "
            "float dtype, or replace NaN in the tiles"
        )
    limits = np.iinfo(out.dtype)
    np.rint(total, out=total)
    full = total >= float(limits.max)  # 2**63 and 2**64 are no numbers of their dtypes
    np.clip(total, limits.min, np.nextafter(float(limits.max), 0), out=total)
    np.copyto(out, total, casting="unsafe")
    np.copyto(out, limits.max, where=full)
