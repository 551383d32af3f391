"""Merging with numpy: block by block, tiles in ascending order.

mean         sum of weight * value over sum of weights, in float64, rounded once
max, min     IEEE 754-2019 maximum and minimum: NaN propagates, -0 < +0
first, last  the tile of lowest or highest index
center       the tile whose centre is nearest
vote         the label of most weight, and of several the lowest

A pixel of exactly one tile is copied; a pixel of none becomes ``fill``. Other backends
are held to these bits (BACKEND-001).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.axis import IntArray
from reftiler.cut import Array, as_nchw, by_image, fill_scalar, index_spatial, open_mesh
from reftiler.dtypes import nan_in_integers
from reftiler.geometry import (
    Box,
    Overlap,
    TileLookup,
    center_distance,
    outer_product,
)
from reftiler.parallel import parallel_for
from reftiler.pixel_weights import no_weight
from reftiler.plan import UntilePlan

__all__ = ["merge", "merge_block"]

BLOCK = 2**17
"""Elements merged at a time: few enough for the sums to stay in the cache."""


def merge(
    tiles: Array, plan: UntilePlan, out: Array, weights: Array | None = None
) -> None:
    """Merge ``tiles`` into ``out``, arrays of the plan's layouts."""
    images = list(by_image(tiles, plan.tiles, plan.result.batch_size))
    target = as_nchw(out, plan.result)
    if weights is not None:
        weights = weights.reshape(len(images), -1, *weights.shape[1:])
    uncovered: list[int] = []

    def work(block: Box) -> None:
        part = _crop(target, block)
        uncovered.append(_merge_images(images, weights, plan, block, part))

    parallel_for(work, plan.geometry.blocks(BLOCK // target.shape[1]))
    _check_covered(uncovered, plan)


def merge_block(
    tiles: TileLookup,
    plan: UntilePlan,
    region: Box,
    out: Array,
    weights: TileLookup | None = None,
) -> None:
    """Merge a part of one image into ``out``, (C, *region), of the tiles in it."""
    first, uncovered = [low for low, _ in region], []
    given = None if weights is None else [weights]
    for block in plan.geometry.blocks(BLOCK // len(out), region):
        here = [(lo - f, hi - f) for (lo, hi), f in zip(block, first, strict=True)]
        part = _crop(out[np.newaxis], here)
        uncovered.append(_merge_images([tiles], given, plan, block, part))
    _check_covered(uncovered, plan)


def _crop(image: Array, box: Box | list[tuple[int, int]]) -> Array:
    return index_spatial(image, [slice(low, high) for low, high in box])


def _check_covered(uncovered: Sequence[int], plan: UntilePlan) -> None:
    """Refuse pixels without a weight where nothing fills them."""
    if plan.refuses_uncovered and any(uncovered):
        raise no_weight(sum(uncovered))


def _merge_images(
    images: Sequence[TileLookup],
    weights: Sequence[TileLookup] | Array | None,
    plan: UntilePlan,
    block: Box,
    out: Array,
) -> int:
    """Merge a block of every image into ``out``, (N, C, *block).

    Returns how many pixels no tile takes part in.
    """
    overlaps = list(plan.geometry.overlaps(block))
    count = plan.geometry.coverage(block)
    lone = [o for o in overlaps if (count[o.in_block] == 1).any()]
    reduce = _mean_of_numbers if plan.omits_nan else REDUCERS[plan.merge]
    uncovered = 0
    # TILER-008: overflow and NaN are results, not mistakes, here alone
    with np.errstate(all="ignore"):
        # MERGE-022: each image and each channel by itself
        for number, (tiles, image) in enumerate(zip(images, out, strict=True)):
            given = None if weights is None else weights[number]
            if given is not None:  # MERGE-037: of weight 0 it takes no part
                lone, count = overlaps, np.zeros_like(count)
                for overlap in overlaps:
                    count[overlap.in_block] += _given(given, overlap) != 0
            part = _Part(tiles, given, plan, overlaps, count, image.shape)
            if count.max() > 1:
                round_into(image, reduce(part))
            for overlap in lone:
                # MERGE-007: a pixel of one tile is copied, whatever its weight
                single = count[overlap.in_block] == 1
                if given is not None:
                    single &= _given(given, overlap) != 0
                if single.any():
                    here = index_spatial(image, overlap.in_block)
                    _copy(here, part.values(overlap), single)
            if not count.all():  # MERGE-018
                empty = count == 0
                np.copyto(image, fill_scalar(plan.fill, image.dtype), where=empty)
                uncovered += int(empty.sum())
    return uncovered


@dataclass(frozen=True)
class _Part:
    """A block of one image, and the tiles that its values are made of."""

    tiles: TileLookup
    given: TileLookup | None  # the weights of their pixels
    plan: UntilePlan
    overlaps: list[Overlap]
    count: IntArray  # of the tiles that take part in each pixel
    shape: tuple[int, ...]  # (C, *block)

    def values(self, overlap: Overlap) -> Array:
        """Return the values (C, *pixels) that a tile contributes."""
        return index_spatial(self.tiles[overlap.tile], open_mesh(overlap.in_tile))

    def weights(self, overlap: Overlap) -> NDArray[Any]:
        """Return the weights of these pixels."""
        own = None if self.given is None else _given(self.given, overlap)
        if self.plan.axis_weights is None:
            lengths = [part.stop - part.start for part in overlap.in_block]
            return np.ones(lengths, dtype=np.int32) if own is None else own
        axes = zip(self.plan.axis_weights, overlap.in_tile, strict=True)
        window = outer_product([profile[pixels] for profile, pixels in axes])
        return window if own is None else window * own  # WINDOW-001, MERGE-035

    def zeros(self) -> Array:
        """Return room for the result in the tiles' own dtype."""
        dtype = self.values(self.overlaps[0]).dtype.newbyteorder("=")
        return np.zeros(self.shape, dtype)


def _given(weights: TileLookup, overlap: Overlap) -> NDArray[np.float64]:
    """Return the given weights of those pixels; MERGE-038: as float64."""
    own = index_spatial(weights[overlap.tile], open_mesh(overlap.in_tile))
    return own.astype(np.float64, copy=False)


def _weighted_mean(part: _Part) -> NDArray[np.float64]:
    # MERGE-003: both sums are float64, start from -0.0 and go over the tiles in order
    total, weight = np.full(part.shape, -0.0), np.full(part.count.shape, -0.0)
    weighs = part.plan.axis_weights is not None or part.given is not None
    for overlap in part.overlaps:
        here = index_spatial(total, overlap.in_block)
        value, takes_part = part.values(overlap), True
        if weighs:
            w = part.weights(overlap)
            weight[overlap.in_block] += w
            value = w * value  # MERGE-004: rounded before it is added
            takes_part = True if part.given is None else w != 0  # MERGE-037
        # MERGE-002: float64, which numpy makes of any number; TYPE-008
        np.add(here, value, out=here, where=takes_part)
    # MERGE-006: with the box window the divisor is the number of tiles
    divisor = weight if weighs else part.count
    # MERGE-001, MERGE-005: one division; MERGE-008, MERGE-009: no value is special;
    # TRIP-001, TRIP-002, TRIP-003: n equal values of 32 bits have an exact sum
    np.divide(total, divisor, out=total, where=part.count > 0)
    return total


def _mean_of_numbers(part: _Part) -> NDArray[np.float64]:
    """Return the mean without NaN, which takes no part in it."""
    total, divisor = np.full(part.shape, -0.0), np.zeros(part.shape)
    single, number = np.full(part.shape, np.nan), np.zeros(part.shape, dtype=np.int32)
    for overlap in part.overlaps:
        value = part.values(overlap).astype(np.float64)
        weight = part.weights(overlap)
        takes_part = ~np.isnan(value) & (weight != 0)  # MERGE-032, MERGE-041
        for sums, term in ((total, weight * value), (divisor, weight), (number, 1)):
            here = index_spatial(sums, overlap.in_block)
            np.add(here, term, out=here, where=takes_part)
        np.copyto(index_spatial(single, overlap.in_block), value, where=takes_part)
    # MERGE-033: of none it is NaN; MERGE-007: of one its value
    np.divide(total, divisor, out=single, where=number > 1)
    # MERGE-018: a pixel of no tile is filled later, in integers too
    np.copyto(single, 0, where=part.count == 0)
    return single


def _extremum(part: _Part) -> Array:
    # MERGE-013: compared in the tiles' own dtype
    best, seen = part.zeros(), np.zeros(part.count.shape, bool)
    highest = part.plan.merge == "max"
    reduce = np.maximum if highest else np.minimum
    for overlap in part.overlaps:
        here, value = index_spatial(best, overlap.in_block), part.values(overlap)
        old = np.where(seen[overlap.in_block], here, value)
        new = reduce(old, value)  # MERGE-012: NaN wins
        if best.dtype.kind == "f":  # MERGE-012: -0.0 < +0.0; numpy may return either
            zero = np.where(np.signbit(old) != highest, old, value)
            new = np.where(old == value, zero, new)
        here[...] = new
        seen[overlap.in_block] = True
    return best


def _selected(part: _Part) -> Array:
    """Take the value of one tile for its place, where the plan has not chosen it."""
    merge, best = part.plan.merge, part.zeros()  # MERGE-026: values are copied
    least = np.full(part.count.shape, np.iinfo(np.int64).max)
    # MERGE-024: what is written last stays
    for overlap in reversed(part.overlaps) if merge == "first" else part.overlaps:
        here, value = index_spatial(best, overlap.in_block), part.values(overlap)
        if merge != "center":
            here[...] = value
            continue
        # MERGE-025: of equal distances the earlier stays
        distance = center_distance(overlap.in_tile, part.plan.tiles.size)
        nearer = distance < least[overlap.in_block]
        np.copyto(here, value, where=nearer)
        np.copyto(least[overlap.in_block], distance, where=nearer)
    return best


def _vote(part: _Part) -> Array:
    """Return the label of most weight.

    A label's sum is made at the first tile that holds it: later sums are smaller.
    """
    # MERGE-029: labels are compared in the tiles' own dtype
    votes_of = [(o, part.values(o), part.weights(o)) for o in part.overlaps]
    best, most = part.zeros(), np.zeros(part.shape, votes_of[0][2].dtype)
    for number, (overlap, label, weight) in enumerate(votes_of):
        votes = np.full(label.shape, weight)
        for other, other_label, other_weight in votes_of[number + 1 :]:
            here, there = _common_region(overlap, other)
            # MERGE-028: added in ascending order
            same = index_spatial(label, here) == index_spatial(other_label, there)
            index_spatial(votes, here)[...] += other_weight[there] * same
        best_here = index_spatial(best, overlap.in_block)
        most_here = index_spatial(most, overlap.in_block)
        # MERGE-028: of equal sums the lowest label wins
        wins = (votes > most_here) | ((votes == most_here) & (label < best_here))
        np.copyto(best_here, label, where=wins)
        np.copyto(most_here, votes, where=wins)
    return best


def _common_region(
    one: Overlap, other: Overlap
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return the pixels that two tiles share, counted from the first of each."""
    here, there = [], []
    for mine, its in zip(one.in_block, other.in_block, strict=True):
        low = max(mine.start, its.start)
        high = max(low, min(mine.stop, its.stop))
        here.append(slice(low - mine.start, high - mine.start))
        there.append(slice(low - its.start, high - its.start))
    return tuple(here), tuple(there)


REDUCERS = {
    "mean": _weighted_mean,
    "max": _extremum,
    "min": _extremum,
    "first": _selected,
    "last": _selected,
    "center": _selected,
    "vote": _vote,
}
"""What makes one value of those of several tiles, by the name of the merge."""


def _copy(out: Array, value: Array, where: NDArray[np.bool_]) -> None:
    """Copy values to ``out``; ROUND-006: converted through float64 if they must be."""
    if out.dtype.newbyteorder("=") != value.dtype.newbyteorder("="):
        value = np.where(where, value, np.zeros((), value.dtype))
        converted = np.empty(value.shape, out.dtype)
        round_into(converted, value)
        value = converted
    np.copyto(out, value, where=where)


def round_into(out: Array, values: Array) -> None:
    """Round ``values`` once to the dtype of ``out``, to nearest, ties to even.

    Values of that dtype are copied; others are taken as float64. NaN is no integer.
    """
    if values.dtype.newbyteorder("=") == out.dtype.newbyteorder("="):
        np.copyto(out, values)
        return
    total: Any = values.astype(np.float64, copy=False)  # ROUND-007: a bool is 0 or 1
    if out.dtype.kind == "f":  # ROUND-001, ROUND-002: straight from float64
        np.copyto(out, total, casting="unsafe")
        return
    if np.isnan(total).any():  # ROUND-005
        raise nan_in_integers(out.dtype.name)
    # ROUND-003, ROUND-004; 2**63 and 2**64 are floats and no values of their dtypes
    limits = np.iinfo(out.dtype)
    total = np.rint(total)
    full = total >= float(limits.max)
    total = np.clip(total, limits.min, np.nextafter(float(limits.max), 0))
    np.copyto(out, total, casting="unsafe")
    np.copyto(out, limits.max, where=full)
