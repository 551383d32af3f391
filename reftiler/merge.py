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
    blocks = plan.geometry.blocks(BLOCK // target.shape[1])
    if weights is None:
        parallel_for(
            lambda block: _merge_images(images, plan, block, _crop(target, block)),
            blocks,
        )
        return
    given = weights.reshape(len(images), -1, *weights.shape[1:])
    uncovered: list[int] = []

    def work(block: Box) -> None:
        for image, own, part in zip(images, given, _crop(target, block), strict=True):
            uncovered.append(_merge_weighted(image, own, plan, block, part))

    parallel_for(work, blocks)
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
    for block in plan.geometry.blocks(BLOCK // len(out), region):
        here = [(lo - f, hi - f) for (lo, hi), f in zip(block, first, strict=True)]
        if weights is None:
            _merge_images([tiles], plan, block, _crop(out[np.newaxis], here))
        else:
            part = _crop(out, here)
            uncovered.append(_merge_weighted(tiles, weights, plan, block, part))
    _check_covered(uncovered, plan)


def _merge_images(
    images: Sequence[TileLookup], plan: UntilePlan, block: Box, out: Array
) -> None:
    """Merge a block of every image into ``out``, (N, C, *block)."""
    overlaps = list(plan.geometry.overlaps(block))
    count = plan.geometry.coverage(block)
    single = [o for o in overlaps if (count[o.in_block] == 1).any()]
    reduce = _mean_of_numbers if plan.omits_nan else REDUCERS[plan.merge]
    # TILER-008: overflow and NaN are results, not mistakes, here alone
    with np.errstate(all="ignore"):
        for tiles, image in zip(images, out, strict=True):
            # MERGE-022: each image and each channel by itself
            if count.max() > 1:
                round_into(image, reduce(tiles, plan, overlaps, count, image.shape))
            for overlap in single:
                # MERGE-007: a pixel of one tile is copied, whatever its weight
                here = index_spatial(image, overlap.in_block)
                _copy(here, _values(tiles, overlap), count[overlap.in_block] == 1)
            if plan.num_uncovered:  # MERGE-018
                np.copyto(image, fill_scalar(plan.fill, image.dtype), where=count == 0)


def _merge_weighted(
    tiles: TileLookup, weights: TileLookup, plan: UntilePlan, block: Box, out: Array
) -> int:
    """Merge a block of one image whose pixels have weights; count those without."""
    overlaps = list(plan.geometry.overlaps(block))
    count = np.zeros([high - low for low, high in block], dtype=np.int64)
    for overlap in overlaps:  # MERGE-037: of weight 0 it takes no part
        count[overlap.in_block] += _given(weights, overlap) != 0
    reduce = _mean_of_numbers if plan.omits_nan else REDUCERS[plan.merge]
    with np.errstate(all="ignore"):
        if count.max() > 1:
            merged = reduce(tiles, plan, overlaps, count, out.shape, weights)
            round_into(out, merged)
        for overlap in overlaps:
            single = (count[overlap.in_block] == 1) & (_given(weights, overlap) != 0)
            if single.any():  # MERGE-007
                here = index_spatial(out, overlap.in_block)
                _copy(here, _values(tiles, overlap), single)
        if not count.all():  # MERGE-018
            np.copyto(out, fill_scalar(plan.fill, out.dtype), where=count == 0)
    return int((count == 0).sum())


def _check_covered(uncovered: Sequence[int], plan: UntilePlan) -> None:
    """Refuse pixels without a weight where nothing fills them."""
    if plan.refuses_uncovered and any(uncovered):
        raise no_weight(sum(uncovered))


def _crop(image: Array, box: Box | list[tuple[int, int]]) -> Array:
    return index_spatial(image, [slice(low, high) for low, high in box])


def _values(tiles: TileLookup, overlap: Overlap) -> Array:
    """Return the values (C, *pixels) that a tile contributes to its block."""
    return index_spatial(tiles[overlap.tile], open_mesh(overlap.in_tile))


def _weighted_mean(
    tiles: TileLookup,
    plan: UntilePlan,
    overlaps: list[Overlap],
    count: IntArray,
    shape: tuple[int, ...],
    given: TileLookup | None = None,
) -> NDArray[np.float64]:
    # MERGE-003: both sums are float64, start from -0.0 and go over the tiles in order
    total, weight = np.full(shape, -0.0), np.full(count.shape, -0.0)
    weighs = plan.axis_weights is not None or given is not None
    for overlap in overlaps:
        here = index_spatial(total, overlap.in_block)
        value, takes_part = _values(tiles, overlap), True
        if weighs:
            w = _weights(plan, overlap, given)
            weight[overlap.in_block] += w
            value = w * value  # MERGE-004: rounded before it is added
            takes_part = True if given is None else w != 0  # MERGE-037
        # MERGE-002: float64, which numpy makes of any number; TYPE-008
        np.add(here, value, out=here, where=takes_part)
    # MERGE-006: with the box window the divisor is the number of tiles
    divisor = weight if weighs else count
    # MERGE-001, MERGE-005: one division; MERGE-008, MERGE-009: no value is special;
    # TRIP-001, TRIP-002, TRIP-003: n equal values of 32 bits have an exact sum
    np.divide(total, divisor, out=total, where=count > 0)
    return total


def _mean_of_numbers(
    tiles: TileLookup,
    plan: UntilePlan,
    overlaps: list[Overlap],
    count: IntArray,
    shape: tuple[int, ...],
    given: TileLookup | None = None,
) -> NDArray[np.float64]:
    """Return the mean without NaN, which takes no part in it."""
    total, divisor = np.full(shape, -0.0), np.zeros(shape)
    single, number = np.full(shape, np.nan), np.zeros(shape, dtype=np.int32)
    for overlap in overlaps:
        value = _values(tiles, overlap).astype(np.float64)
        weight = _weights(plan, overlap, given)
        takes_part = ~np.isnan(value) & (weight != 0)  # MERGE-032, MERGE-041
        for sums, term in ((total, weight * value), (divisor, weight), (number, 1)):
            here = index_spatial(sums, overlap.in_block)
            np.add(here, term, out=here, where=takes_part)
        np.copyto(index_spatial(single, overlap.in_block), value, where=takes_part)
    # MERGE-033: of none it is NaN; MERGE-007: of one its value
    np.divide(total, divisor, out=single, where=number > 1)
    # MERGE-018: a pixel of no tile is filled later, in integers too
    np.copyto(single, 0, where=count == 0)
    return single


def _extremum(
    tiles: TileLookup,
    plan: UntilePlan,
    overlaps: list[Overlap],
    count: IntArray,
    shape: tuple[int, ...],
    given: TileLookup | None = None,
) -> Array:
    # MERGE-013: compared in the tiles' own dtype
    dtype = _values(tiles, overlaps[0]).dtype.newbyteorder("=")
    best, seen = np.zeros(shape, dtype), np.zeros(count.shape, bool)
    highest = plan.merge == "max"
    reduce = np.maximum if highest else np.minimum
    for overlap in overlaps:
        here, value = index_spatial(best, overlap.in_block), _values(tiles, overlap)
        old = np.where(seen[overlap.in_block], here, value)
        new = reduce(old, value)  # MERGE-012: NaN wins
        if dtype.kind == "f":  # MERGE-012: -0.0 < +0.0; numpy may return either
            zero = np.where(np.signbit(old) != highest, old, value)
            new = np.where(old == value, zero, new)
        here[...] = new
        seen[overlap.in_block] = True
    return best


def _selected(
    tiles: TileLookup,
    plan: UntilePlan,
    overlaps: list[Overlap],
    count: IntArray,
    shape: tuple[int, ...],
    given: TileLookup | None = None,
) -> Array:
    """Take the value of one tile for its place, where the plan has not chosen it."""
    dtype = _values(tiles, overlaps[0]).dtype.newbyteorder("=")
    best = np.zeros(shape, dtype)  # MERGE-026: values are copied
    least = np.full(count.shape, np.iinfo(np.int64).max)
    # MERGE-024: what is written last stays
    for overlap in reversed(overlaps) if plan.merge == "first" else overlaps:
        here, value = index_spatial(best, overlap.in_block), _values(tiles, overlap)
        if plan.merge != "center":
            here[...] = value
            continue
        # MERGE-025: of equal distances the earlier stays
        distance = center_distance(overlap.in_tile, plan.tiles.size)
        nearer = distance < least[overlap.in_block]
        np.copyto(here, value, where=nearer)
        np.copyto(least[overlap.in_block], distance, where=nearer)
    return best


def _vote(
    tiles: TileLookup,
    plan: UntilePlan,
    overlaps: list[Overlap],
    count: IntArray,
    shape: tuple[int, ...],
    given: TileLookup | None = None,
) -> Array:
    """Return the label of most weight.

    A label's sum is made at the first tile that holds it: later sums of it are smaller.
    """
    # MERGE-029: labels are compared in the tiles' own dtype
    parts = [(o, _values(tiles, o), _weights(plan, o, given)) for o in overlaps]
    dtype = parts[0][1].dtype.newbyteorder("=")
    best, most = np.zeros(shape, dtype), np.zeros(shape, parts[0][2].dtype)
    for number, (overlap, label, weight) in enumerate(parts):
        votes = np.full(label.shape, weight)
        for other, other_label, other_weight in parts[number + 1 :]:
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


def _weights(
    plan: UntilePlan, overlap: Overlap, given: TileLookup | None
) -> NDArray[Any]:
    """Return the weights of the pixels that a tile contributes to its block."""
    own = None if given is None else _given(given, overlap)
    if plan.axis_weights is None:
        lengths = [part.stop - part.start for part in overlap.in_block]
        return np.ones(lengths, dtype=np.int32) if own is None else own
    axes = zip(plan.axis_weights, overlap.in_tile, strict=True)
    window = outer_product([profile[pixels] for profile, pixels in axes])  # WINDOW-001
    return window if own is None else window * own  # MERGE-035


def _given(weights: TileLookup, overlap: Overlap) -> NDArray[np.float64]:
    """Return the given weights of those pixels; MERGE-038: as float64."""
    own = index_spatial(weights[overlap.tile], open_mesh(overlap.in_tile))
    return own.astype(np.float64, copy=False)


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
