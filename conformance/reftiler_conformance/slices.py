"""What is right, by slices of numpy: quicker than the oracle, which it must equal.

For images of more pixels than the oracle can go through.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any

import numpy as np

from reftiler_conformance.cases import Array, Case, Sizes, as_dtype
from reftiler_conformance.oracle import (
    BFLOAT16,
    NanError,
    ScaledGrid,
    UncoveredError,
    dtype_info,
)
from reftiler_conformance.oracle.axis import extend, source
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.oracle.tiling import constant
from reftiler_conformance.oracle.windows import weights

Box = tuple[Any, ...]


def pieces_of(case: Case, image: Array) -> Array:
    """Return the tiles of an image."""
    frame = _apart(case, image, case.batch)
    grid, settings = case.grid, case.oracle_settings
    for a, (length, context) in enumerate(
        zip(grid.frame, settings.contexts, strict=True)
    ):
        axis, mode = 2 + a, case.pad_mode
        shown = [
            source(grid.axes[a], j, mode) if grid.axes else extend(j, length, mode)
            for j in range(-context, length + context)
        ]
        outside = [i is None for i in shown]
        frame = frame.take([i or 0 for i in shown], axis)
        if any(outside):
            beyond = (slice(None),) * axis + (np.array(outside),)
            frame[beyond] = np.frombuffer(
                constant(case.pad_value, image.dtype), image.dtype
            )[0]
    boxes: list[Box] = [
        (..., *map(slice, start, np.add(start, settings.cut_size)))
        for start in case.grid.starts
    ]
    stack = np.stack([frame[box] for box in boxes], axis=1, dtype=image.dtype)
    return _together(case, stack.reshape(-1, *stack.shape[2:]), case.cut_shape)


def merge_by_slices(case: Case, tiles: Array) -> Array:
    """Return the merge of tiles; refuses what the oracle does."""
    scaled = ScaledGrid(case.grid, case.scales)
    count = _read(scaled, _counts(scaled))
    if case.fill is None and not count.all():
        raise UncoveredError(f"no tile takes part in {int((count == 0).sum())} pixels")
    kind = as_dtype(case.result) if case.result else tiles.dtype
    stack = _apart(
        case, values(tiles) if tiles.dtype == BFLOAT16 else tiles, len(tiles)
    )
    if stack.shape[2:] != scaled.tile:  # with their context
        sides = zip(scaled.context, scaled.tile, strict=True)
        inner: Box = (..., *(slice(c, c + t) for c, t in sides))
        stack = stack[inner]
    stack = stack.reshape(case.batch or 1, -1, *stack.shape[1:])
    found = np.empty((len(stack), stack.shape[2], *count.shape), kind)
    rule = case.merge or ("max" if case.dtype == "bool" else "mean")
    with np.errstate(all="ignore"):
        merged, alone = _RULES[rule](case, scaled, stack)
        for here, numbers in ((count > 1, merged), (count == 1, alone)):
            found[..., here] = _rounded(_read(scaled, numbers)[..., here], kind)
    if case.fill is not None:
        found[..., count == 0] = np.frombuffer(constant(case.fill, kind), kind)
    shape = join(case.batch, case.depth, scaled.size, case.channels_last)
    return _together(case, found, shape)


def coverage_of(case: Case) -> Array:
    """Count the tiles of each result pixel; of batch and channels there is one."""
    return _laid_out(case, _counts(ScaledGrid(case.grid, case.scales)))


def weight_sums(case: Case) -> Array:
    """Return what the mean of each pixel of the result is divided by."""
    scaled = ScaledGrid(case.grid, case.scales)
    return _laid_out(case, _counts(scaled, _weights(scaled)))


def pixels_read(case: Case) -> Array:
    """Say of the tiles of a case, shaped (K, *T), which pixels the result reads."""
    scaled = ScaledGrid(case.grid, case.scales)
    frame = np.zeros(_frame(scaled), bool)
    frame[np.ix_(*(scaled.reads(axis) for axis in range(case.rank)))] = True
    found = np.zeros((len(case.grid.tile_specs), *scaled.tile), bool)
    for tile, (inner, here) in zip(found, _boxes(scaled), strict=True):
        tile[inner] = frame[here]
    return found


def values(array: Array) -> Array:
    """Return numbers as float64."""
    if array.dtype == BFLOAT16:
        array = (array["bfloat16"].astype(np.uint32) << 16).view(np.float32)
    with np.errstate(all="ignore"):
        found: Array = array.astype(np.float64)
    return found


def _boxes(scaled: ScaledGrid) -> Iterator[tuple[Box, Box]]:
    """Return of each tile which of its pixels take part, and where in the frame."""
    for place in scaled.grid.tile_specs:
        sides = zip(scaled.tile, scaled.border, place.low, place.high, strict=True)
        inner = tuple(
            slice(r * (not low), t - r * (not high)) for t, r, low, high in sides
        )
        starts = [scaled.whole(a, s) for a, s in enumerate(place.start)]
        there = zip(starts, inner, strict=True)
        yield inner, tuple(slice(s + i.start, s + i.stop) for s, i in there)


def _frame(scaled: ScaledGrid) -> Sizes:
    """Return the size of the frame; what it has beyond its tiles need not be whole."""
    sides = zip(scaled.grid.frame, scaled.scale, strict=True)
    return tuple(math.ceil(length * scale) for length, scale in sides)


def _counts(scaled: ScaledGrid, weight: Array | None = None) -> Array:
    """Count the tiles that take part in each pixel of the frame, or add weights."""
    count = np.zeros(_frame(scaled), int if weight is None else float)
    for inner, here in _boxes(scaled):
        count[here] += 1 if weight is None else weight[inner]
    return count


def _weights(scaled: ScaledGrid) -> Array:
    """Return the weights of a tile's pixels."""
    settings = scaled.grid.settings
    lines = [np.array(weights(settings, a, t)) for a, t in enumerate(scaled.tile)]
    found: Array = reduce(np.multiply.outer, lines)
    return found


def _laid_out(case: Case, frame: Array) -> Array:
    """Return what the result reads of the frame, with its axes."""
    scaled = ScaledGrid(case.grid, case.scales)
    batch, depth = (None if n is None else 1 for n in (case.batch, case.depth))
    shape = join(batch, depth, scaled.size, case.channels_last)
    return _read(scaled, frame).reshape(shape)


def _read(scaled: ScaledGrid, array: Array) -> Array:
    """Return what the result reads of an array that has the frame's axes last."""
    rank = len(scaled.size)
    for axis in range(rank):
        array = array.take(scaled.reads(axis), array.ndim - rank + axis)
    return array


def _parts(scaled: ScaledGrid, stack: Array) -> Iterator[tuple[Array, Box, Box]]:
    """Yield of each tile the pixels that take part, which they are, and where."""
    for k, (inner, here) in enumerate(_boxes(scaled)):
        yield stack[(slice(None), k, slice(None), *inner)], inner, (..., *here)


def _mean(case: Case, scaled: ScaledGrid, stack: Array) -> tuple[Array, Array]:
    """Return the mean of each frame pixel, and the value of its last tile.

    Where NaN is left out, a pixel of one number has the value of that.
    """
    omits = case.nan == "omit" and stack.dtype.kind == "f"
    shape, weights = (len(stack), stack.shape[2], *_frame(scaled)), _weights(scaled)
    each = shape if omits else shape[2:]
    above, below, number = np.full(shape, -0.0), np.zeros(each), np.zeros(each, int)
    alone = np.full(shape, np.nan if omits else 0, stack.dtype)
    for tile, inner, here in _parts(scaled, stack):
        there = ~np.isnan(tile) if omits else np.True_
        weight = weights[inner]
        above[here] += np.where(there, tile.astype(np.float64) * weight, -0.0)
        below[here] += np.where(there, weight, 0.0)
        number[here] += there
        alone[here] = np.where(there, tile, alone[here])
    mean = above / below
    return np.where(number > 1, mean, alone.astype(np.float64)), alone


def _extreme(case: Case, scaled: ScaledGrid, stack: Array) -> tuple[Array, Array]:
    """Return the maximum or minimum of each frame pixel, of one tile too."""
    best = np.zeros((len(stack), stack.shape[2], *_frame(scaled)), stack.dtype)
    seen, least = np.zeros(best.shape[2:], bool), case.merge == "min"
    for tile, _, here in _parts(scaled, stack):
        old = best[here]
        better = np.minimum(old, tile) if least else np.maximum(old, tile)
        if tile.dtype.kind == "f":  # of zeros numpy may return either
            zero = -(-old - tile) if least else old + tile
            better = np.where((old == 0) & (tile == 0), zero, better)
        best[here] = np.where(seen[here], better, tile)
        seen[here] = True
    return best, best


def _placed(case: Case, scaled: ScaledGrid, stack: Array) -> tuple[Array, Array]:
    """Return for each frame pixel the value of the first, last or nearest tile."""
    best = np.zeros((len(stack), stack.shape[2], *_frame(scaled)), stack.dtype)
    least = np.full(best.shape[2:], np.inf)
    lines = [(2 * np.arange(t) + 1 - t) ** 2 for t in scaled.tile]
    far: Array = reduce(np.add.outer, lines)
    for k, (tile, inner, here) in enumerate(_parts(scaled, stack)):
        order: Array = far[inner]
        if case.merge != "center":
            order = np.array(k if case.merge == "first" else -k)
        nearer = order < least[here]
        least[here] = np.where(nearer, order, least[here])
        best[here] = np.where(nearer, tile, best[here])
    return best, best


def _voted(case: Case, scaled: ScaledGrid, stack: Array) -> tuple[Array, Array]:
    """Return for each frame pixel the label of most weight."""
    best = np.zeros((len(stack), stack.shape[2], *_frame(scaled)), stack.dtype)
    most = np.zeros(best.shape)
    weight = _weights(scaled)
    for label in np.unique(stack):  # in ascending order: the lowest stays
        votes = np.zeros(best.shape)
        for tile, inner, here in _parts(scaled, stack):
            votes[here] += (tile == label) * weight[inner]
        best[votes > most] = label
        most = np.maximum(votes, most)
    return best, best


_RULES: dict[str, Callable[..., tuple[Array, Array]]] = {
    "mean": _mean,
    **dict.fromkeys(("max", "min"), _extreme),
    **dict.fromkeys(("first", "last", "center"), _placed),
    "vote": _voted,
}
"""What makes of a stack of tiles the merge of each frame pixel, by its name."""


def _rounded(numbers: Array, kind: np.dtype[Any]) -> Array:
    """Return numbers in a dtype, to nearest even; integers saturate."""
    if numbers.dtype in (kind, kind.newbyteorder()):
        return numbers
    numbers = numbers.astype(np.float64)
    if kind == BFLOAT16:  # which numpy has not: one by one, by the oracle's rounding
        info = dtype_info(kind)
        assert info is not None
        different, where = np.unique(numbers.view(np.uint64), return_inverse=True)
        bits = [info.round(number) for number in different.view(np.float64).tolist()]
        return np.array(bits, "<u2")[where].view(BFLOAT16).reshape(numbers.shape)
    if kind.kind not in "iu":
        return numbers.astype(kind)
    if np.isnan(numbers).any():
        raise NanError(f"a NaN cannot become {kind}")
    ends, whole = np.iinfo(kind), np.rint(numbers)
    low, high = whole <= float(ends.min), whole >= float(ends.max)
    found = np.where(low | high, 0.0, whole).astype(kind)
    found[low], found[high] = ends.min, ends.max
    return found


def _apart(case: Case, array: Array, lead: int | None) -> Array:
    """Return an array as (N, C, *S); ``lead`` is None where it has no first axis."""
    array = array if lead is not None else array[np.newaxis]
    if array.ndim == case.rank + 1:
        return array[:, np.newaxis]
    return np.moveaxis(array, -1, 1) if case.channels_last else array


def _together(case: Case, array: Array, shape: Sizes) -> Array:
    """Return (N, C, *S) as it is laid out in an array of a shape."""
    last = case.channels_last and len(shape) > case.rank
    found = (np.moveaxis(array, 1, -1) if last else array).reshape(shape)
    return np.ascontiguousarray(found)
