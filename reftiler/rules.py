"""Rules: what is made of tiles that meet in a block of pixels.

What is computed is the specification's formula as it stands: float64 sums from −0.0
over the tiles in ascending order, products rounded before they are added, one division,
one rounding. Sums of short integers are integers twice as long, which is the same.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import IntArray
from reftiler.cut import Array, index_spatial
from reftiler.errors import TilingError
from reftiler.geometry import Overlap
from reftiler.plan import UntilePlan

BLOCK = 2**17
"""Elements merged at a time: few enough for the cache, enough to drown overhead."""

Values: TypeAlias = Callable[[Overlap], Array]
"""Gets what a part gives to its block, (…, C, *region)."""


@dataclass(frozen=True)
class Block:
    """Some pixels of an image.

    Attributes
    ----------
    parts : list of Part
        What tiles give to them, in ascending order.
    count : ndarray
        How many take part in each pixel; one number if all of them do.
    divisor : ndarray
        What sums are divided by: these counts, or the sums of the weights.
    """

    parts: list[Overlap]
    count: IntArray
    divisor: NDArray[Any]


class Rule:
    """What the ways of merging share: scratch memory and the copying of lone tiles.

    Parameters
    ----------
    call : UntileCall
        The checked call.
    source, target : dtype
        Of the tiles and of the result.
    """

    def __init__(
        self, call: UntilePlan, source: np.dtype[Any], target: np.dtype[Any]
    ) -> None:
        self.call = call
        self.source = source
        # float32 is float32 in either byte order.
        self.same = source.newbyteorder("=") == target.newbyteorder("=")

    def merge(self, values: Values, out: Array, block: Block) -> None:
        """Merge the ``values`` of the parts of a block into ``out`` (…, C, *block)."""
        if self.same and block.count.max() <= 1:
            for part in block.parts:
                np.copyto(index_spatial(out, part.in_block), values(part))
        else:
            self.overlapping(values, out, block)

    def overlapping(self, values: Values, out: Array, block: Block) -> None:
        """Merge a block in which tiles overlap or values are converted."""
        raise NotImplementedError

    def scratch(self, buffer: Array, shape: tuple[int, ...]) -> Array:
        """Shape a part of ``buffer`` like the tiles lie in memory."""
        flat = buffer[: math.prod(shape)]
        if self.call.tiles.channels_last:
            axis = -1 - len(self.call.geometry.axes)
            shape = (*shape[:axis], *shape[axis + 1 :], shape[axis])
            return np.moveaxis(flat.reshape(shape), -1, axis)
        return flat.reshape(shape)


class Mean(Rule):
    """Weighted sum over sum of weights.

    Floating sums become means in place; those of integers have room beside them.
    """

    def __init__(
        self, call: UntilePlan, source: np.dtype[Any], target: np.dtype[Any]
    ) -> None:
        super().__init__(call, source, target)
        self.weights = call.weights
        self.room = room(call, source)
        self.sums = np.empty(self.room, _sums(call, source))
        # The mean of integers is none beyond them; long ones are no float64.
        self.within = self.same and source.kind in "iu" and source.itemsize < 8
        self.means = self.sums
        if self.sums.dtype.kind != "f":
            # Means of bytes are further from the middle of two than float32 rounds.
            bytes_only = self.within and source.itemsize == 1
            self.means = np.empty(self.room, np.float32 if bytes_only else np.float64)

    @cached_property
    def terms(self) -> Array:
        """Scratch memory for what is added to the sums."""
        return np.empty_like(self.sums)

    def overlapping(self, values: Values, out: Array, block: Block) -> None:
        """Sum, divide and round."""
        total = self.scratch(self.sums, out.shape)
        total.fill(-0.0)
        for part in block.parts:
            self._add(index_spatial(total, part.in_block), values(part), part)
        means = self.scratch(self.means, out.shape)
        covered = block.count > 0 if self.call.num_uncovered else True
        if self.call.num_uncovered and self.means is not self.sums:
            means.fill(0)  # nobody divides there, and whatever lies there may be NaN
        kind = means.dtype
        np.divide(total, block.divisor, out=means, where=covered, dtype=kind)
        if self.within:
            np.copyto(out, np.rint(means, out=means), casting="unsafe")
        else:
            store(means, out)
        if self._sums_round():
            self._copy_lone(values, out, block)

    def _add(self, total: Array, values: Array, part: Overlap) -> None:
        if self.weights is None and part.in_block:
            np.add(total, values, out=total)
            return
        # A part that is all of its block lies in one piece: numpy adds that faster
        # than it converts and adds in one go.
        term = self.scratch(self.terms, values.shape)
        if self.weights is None:
            np.copyto(term, values)
        else:
            np.multiply(values, self.weights.of(part), out=term)
        np.add(total, term, out=total)

    def _sums_round(self) -> bool:
        """Tell whether w·v/w, or v as float64, may differ from v in the result."""
        if self.weights is not None:
            return not self.same or self.source.itemsize == 8
        return self.same and self.source.itemsize == 8 and self.source.kind in "iu"

    def _copy_lone(self, values: Values, out: Array, block: Block) -> None:
        """Give pixels with one tile that tile's value, whatever the formula rounds."""
        for part in block.parts:
            lone = block.count[part.in_block] == 1
            if lone.any():
                single = values(part)
                if not self.same:
                    single = converted(single, out.dtype)
                np.copyto(index_spatial(out, part.in_block), single, where=lone)


class Extreme(Rule):
    """IEEE 754-2019 maximum or minimum: −0 is less than +0, and NaN wins."""

    def __init__(
        self, call: UntilePlan, source: np.dtype[Any], target: np.dtype[Any]
    ) -> None:
        super().__init__(call, source, target)
        self.highest = call.merge == "max"
        self.best = np.empty(BLOCK, source.newbyteorder("="))

    def overlapping(self, values: Values, out: Array, block: Block) -> None:
        """Compare with the best so far."""
        best = self.scratch(self.best, out.shape)
        best.fill(self._weakest())
        join = self._join_floats if self.source.kind == "f" else self._join
        for part in block.parts:
            join(index_spatial(best, part.in_block), values(part).astype(best.dtype))
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


def rule_of(
    call: UntilePlan, source: np.dtype[Any], target: np.dtype[Any]
) -> Mean | Extreme:
    """Return the rule that a call asks for."""
    kind = Mean if call.merge == "mean" else Extreme
    return kind(call, source, target)


def channels_at_once(out: Array) -> int:
    """Return how many channels of images (N, C, *S) are merged at a time."""
    return min(int(out.shape[1]), BLOCK)


def room(call: UntilePlan, source: np.dtype[Any]) -> int:
    """Return how many elements are merged at a time; of bytes twice as many."""
    short = call.merge == "mean" and _sums(call, source).itemsize == 2
    return 2 * BLOCK if short else BLOCK


def _sums(call: UntilePlan, source: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype that sums are made in: of short integers, integers."""
    size = source.itemsize
    if call.weights is None and source.kind in "iu" and size <= 2:
        covers = [int(axis.coverage.max()) for axis in call.geometry.axes]
        scattered = call.geometry.is_irregular
        most = len(call.geometry) if scattered else math.prod(covers)
        if most <= 2 ** (8 * size):
            return np.dtype(f"{source.kind}{2 * size}")
    return np.dtype(np.float64)


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
