"""Merge tiles in plain torch operations, on any device: the body that explains all.

Every pixel of a block is made from its contributions, tile by tile in ascending order:

mean         sum of weight * value over sum of weights, in float64, rounded once
max, min     IEEE 754-2019 maximum and minimum: NaN wins, -0 < +0
first, last  the tile of lowest or highest index
center       the tile whose centre is nearest
vote         the label of most weight, and of several the lowest

A pixel of exactly one tile is copied; a pixel of none becomes ``fill``. Contributions
are listed in two ways. In eager mode each is the region of one tile, and accumulators
are changed in place, block by block, so that scratch memory stays small. In a graph
each is the d-th tile of every pixel, gathered from all tiles, and nothing is written
in place: as many operations as tiles meet, however many tiles there are, and torch
can differentiate, export and trace them.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from reftiler.axis import Axis, Index
from reftiler.geometry import (
    Box,
    Overlap,
    TileGeometry,
    TileLookup,
    axis_distance,
    center_distance,
)
from reftiler.parallel import parallel_for
from reftiler.pixel_weights import no_weight
from reftiler.plan import UntilePlan
from reftiler.torch.dtypes import (
    accumulator_dtype,
    check_nan,
    fill_scalar,
    from_sortable,
    identity_element,
    rounded,
    supersedes,
    to_sortable,
    where,
)
from reftiler.torch.layout import (
    Table,
    along,
    as_nchw,
    by_image,
    from_nchw,
    index_spatial,
    on_device,
    open_mesh,
    unflatten,
)

BLOCK = 2**15
"""Elements merged at a time on the CPU: from there on torch would share an operation
among threads. Scratch memory is some ten times as many of 8 bytes."""

DEVICE_BLOCK = 2**18
"""Elements merged at a time on other devices."""

CHANNELS = 64
"""Channels merged at a time, so that blocks are no slivers where there are many."""

Tables = Sequence[Sequence[Table]]
"""Of one tile of each pixel, tables that broadcast to the image: its number on each
axis of a regular grid, or its index; which of its pixels is meant, a table an axis; and
where all of these hold, there is such a tile."""


class Contribution(NamedTuple):
    """What one tile, or the d-th tile of every pixel, gives to a block."""

    values: Tensor
    """Values of the tiles' own dtype, (…, C, *region)."""
    weights: Tensor | None
    """float64, broadcast to the region; None for the box window."""
    here: tuple[slice, ...] | None
    """The region of the block that changes in place; None: all of it, made anew."""
    valid: Sequence[Tensor] = ()
    """Where all of these hold there is such a tile."""
    distance: Tensor | None = None
    """int64, how far from the tile's centre, where the merge asks for it."""
    takes_part: Tensor | None = None
    """Where the given weights are not 0; None where there are none."""

    def read(self, block: Tensor) -> Tensor:
        """Return the region of a block."""
        return block if self.here is None else index_spatial(block, self.here)

    def write(self, block: Tensor, new: Tensor) -> Tensor:
        """Return the block with ``new`` in the region."""
        if self.takes_part is not None:  # MERGE-037
            new = where(self.takes_part, new, self.read(block))
        if self.here is not None:
            index_spatial(block, self.here).copy_(new)
            return block
        valid, *others = self.valid
        for other in others:
            valid = valid & other
        return where(valid, new, block)


class Coverage:
    """How many tiles contribute to each pixel of a block."""

    def __init__(self, geometry: TileGeometry, box: Box) -> None:
        if geometry.is_irregular:
            self.tables = [geometry.coverage(box)]
        else:
            covers = (
                a.coverage[slice(*b)] for a, b in zip(geometry.axes, box, strict=True)
            )
            self.tables = [along(c, (a,), len(box)) for a, c in enumerate(covers)]
        self.least = int(np.prod([table.min() for table in self.tables]))
        self.most = int(np.prod([table.max() for table in self.tables]))
        self.some_single = all((table == 1).any() for table in self.tables)

    def on(self, device: torch.device) -> Tensor:
        """Return the counts, int64."""
        count, *others = on_device(device, *self.tables)
        for other in others:
            count = count * other
        return count


def merge(
    tiles: Tensor, call: UntilePlan, out: Tensor, weights: Tensor | None = None
) -> None:
    """Merge ``tiles`` into ``out`` as ``call`` plans, in eager mode."""
    group = by_image(tiles, call.tiles, call.result.batch_size)
    given: Any = [None] * len(group)
    if weights is not None:
        given = by_image(weights, call.weights, call.result.batch_size).squeeze(2)
    whole: Box = tuple((0, length) for length in call.geometry.size)
    uncovered: list[Tensor] = []
    # MERGE-022: each image and each channel is merged by itself
    targets = as_nchw(out, call.result)
    for image, own, target in zip(group, given, targets, strict=True):
        _merge_block(image, call, whole, target, own, uncovered)
    _check_covered(uncovered, call)


def merge_block(
    tiles: TileLookup,
    call: UntilePlan,
    box: Box,
    out: Tensor,
    weights: TileLookup | None = None,
) -> None:
    """Merge a box of one image into ``out``, (C, *sizes of the box).

    Tile k is (C, *T), its weights (*T); only those of the box are asked for.
    """
    uncovered: list[Tensor] = []
    _merge_block(tiles, call, box, out, weights, uncovered)
    _check_covered(uncovered, call)


def _merge_block(
    tiles: TileLookup,
    call: UntilePlan,
    box: Box,
    out: Tensor,
    given: TileLookup | None,
    uncovered: list[Tensor],
) -> None:
    """Merge a box; add to ``uncovered`` in how many pixels all weights are 0."""
    weights = tile_weights(call, out.device)

    def work(channels: slice, block: Box, target: Tensor) -> None:
        parts = list(call.geometry.overlaps(block))
        if not parts:
            target.copy_(fill_scalar(call.fill, out.dtype, out.device))
            return
        listed = (
            _by_tile(part, tiles, channels, weights, call, given) for part in parts
        )
        first = tiles[parts[0].tile]
        single = target
        if first.dtype != out.dtype:
            single = torch.zeros(target.shape, dtype=first.dtype, device=out.device)
        cover = Coverage(call.geometry, block)
        counted = uncovered if channels.start == 0 else []
        merged = _reduce(listed, call, cover, single, out.dtype, counted)
        if merged is not target:
            target.copy_(merged)

    # MERGE-020: boxes lie in the image; padding belongs to none
    for_each_block(work, call.geometry, box, out)


def _check_covered(uncovered: list[Tensor], call: UntilePlan) -> None:
    """Refuse pixels without a weight where nothing fills them."""
    if not call.refuses_uncovered or not uncovered or uncovered[0].is_meta:
        return
    count = int(torch.stack(uncovered).sum())
    if count:
        raise no_weight(count)


def for_each_block(
    work: Callable[[slice, Box, Tensor], None],
    geometry: TileGeometry,
    box: Box,
    out: Tensor,
) -> None:
    """Call ``work`` on some channels, a box of pixels, and their place in ``out``.

    On the CPU several threads take blocks so small that torch starts none of its own,
    which would wait for each other after every operation.
    """
    inference = torch.is_inference_mode_enabled()

    def run(job: tuple[slice, Box, Tensor]) -> None:
        with torch.inference_mode(inference), torch.no_grad():
            work(*job)

    on_cpu, few = out.device.type == "cpu", min(len(out), CHANNELS)
    jobs = []
    for block in geometry.blocks((BLOCK if on_cpu else DEVICE_BLOCK) // few, box):
        here = [
            slice(low - first, high - first)
            for (low, high), (first, _) in zip(block, box, strict=True)
        ]
        for channel in range(0, len(out), few):
            channels = slice(channel, channel + few)
            jobs.append((channels, block, out[(channels, *here)]))
    parallel_for(run, jobs, torch.get_num_threads() if on_cpu else 1)


def merge_graph(
    tiles: Tensor, call: UntilePlan, dtype: torch.dtype, weights: Tensor | None = None
) -> Tensor:
    """Merge ``tiles`` with no write in place; no pixel without a weight is refused."""
    group = by_image(tiles, call.tiles, call.result.batch_size).movedim(2, 1)
    if weights is not None:
        images = call.result.batch_size
        weights = by_image(weights, call.weights, images).movedim(2, 1)
    return from_nchw(merge_planes(group, call, dtype, weights), call.result)


def merge_planes(
    group: Tensor, call: UntilePlan, dtype: torch.dtype, given: Tensor | None = None
) -> Tensor:
    """Merge tiles (N, C, K, *T), with weights (N, 1, K, *T), to images (N, C, *S)."""
    whole: Box = tuple((0, length) for length in call.geometry.size)
    shape = (*group.shape[:2], *call.geometry.size)
    single = torch.zeros(shape, dtype=group.dtype, device=group.device)
    cover = Coverage(call.geometry, whole)
    return _reduce(_by_depth(group, call, given), call, cover, single, dtype, [])


def _by_tile(
    part: Overlap,
    tiles: TileLookup,
    channels: slice,
    weights: list[Tensor] | None,
    call: UntilePlan,
    given: TileLookup | None,
) -> Contribution:
    """Return what one tile gives to a block."""
    tile = tiles[part.tile]
    values = index_spatial(tile[channels], open_mesh(part.in_tile, tile.device))
    # BORDER-006: what is left out is in no part, rather than weighted by zero
    found = None if weights is None else weights_at(weights, part.in_tile)
    distance = None
    if call.merge == "center" and call.geometry.is_irregular:
        far = center_distance(part.in_tile, call.tiles.size)
        (distance,) = on_device(tile.device, far)
    takes_part = None
    if given is not None:
        own = given[part.tile]
        own = index_spatial(own, open_mesh(part.in_tile, tile.device))
        found, takes_part = _with_given(found, own)
    return Contribution(
        values, found, part.in_block, distance=distance, takes_part=takes_part
    )


def _with_given(window: Tensor | None, own: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights of pixels that have their own, and where these are not 0."""
    own = own.to(accumulator_dtype(own.device))  # MERGE-038
    # MERGE-035
    return own if window is None else window * own, own != 0


def _by_depth(
    group: Tensor, call: UntilePlan, given: Tensor | None
) -> Iterator[Contribution]:
    """List the first tiles of all pixels, then the second ones, and so on."""
    weights, device = tile_weights(call, group.device), group.device
    group = unflatten(group, 2, call.geometry.shape)
    if given is not None:
        given = unflatten(given, 2, call.geometry.shape)
    for tables in _tiles_by_depth(call.geometry):
        tile, pixel, valid = (on_device(device, *table) for table in tables)
        found = None
        if weights is not None:
            found = _product([p[i] for p, i in zip(weights, pixel, strict=True)])
        far = None
        if call.merge == "center" and call.geometry.is_irregular:
            sides = zip(tables[1], call.tiles.size, strict=True)
            distances = [axis_distance(side)[table] for table, side in sides]
            (far,) = on_device(device, sum(distances[1:], distances[0]))
        values = index_spatial(group, (*tile, *pixel))
        takes_part = None
        if given is not None:
            own = index_spatial(given, (*tile, *pixel))
            found, takes_part = _with_given(found, own)
        yield Contribution(values, found, None, valid, far, takes_part)


def _tiles_by_depth(geometry: TileGeometry) -> Iterator[Tables]:
    """Yield for each d the d-th tile of all pixels; the 0-th is there where any is."""
    if geometry.is_irregular:
        yield from _irregular_depth(geometry)
        return
    rank = len(geometry.size)
    tables = [
        [tuple(along(t, (a,), rank) for t in row) for row in _axis_depth(axis)]
        for a, axis in enumerate(geometry.axes)
    ]
    for rows in product(*tables):
        yield tuple(zip(*rows, strict=True))


def _axis_depth(axis: Axis) -> Iterator[tuple[Table, Table, Table]]:
    """Yield for each depth the tiles' numbers, their pixels, and which are valid."""
    pixels = np.arange(axis.length, dtype=np.int64)
    # Tiles begin and end in the same order, so those in a pixel are neighbours.
    first = np.searchsorted(axis.valid[:, 1], pixels, side="right")
    last = np.searchsorted(axis.valid[:, 0], pixels, side="right")
    rows = np.arange(max(1, int((last - first).max())))[:, np.newaxis]
    valid = first + rows < last
    number = np.where(valid, first + rows, 0)
    # INTERP-002, INTERP-003
    pixel = np.where(valid, axis.merge_source - axis.start_array[number], 0)
    yield from zip(number, pixel, valid, strict=True)


def _irregular_depth(geometry: TileGeometry) -> Iterator[Tables]:
    whole: Box = tuple((0, length) for length in geometry.size)
    rank = len(whole)
    most = max(1, int(geometry.coverage(whole).max()))
    number = np.full((most, *geometry.size), -1, dtype=np.int64)
    found = np.zeros(geometry.size, dtype=np.int64)
    for part in geometry.overlaps(whole):
        place = np.indices([s.stop - s.start for s in part.in_block])
        corner = np.array([s.start for s in part.in_block]).reshape(-1, *[1] * rank)
        number[(found[part.in_block], *(place + corner))] = part.tile
        found[part.in_block] += 1
    for tiles in number:
        valid = tiles >= 0
        tile = np.where(valid, tiles, 0)
        pixel = []
        for a, axis in enumerate(geometry.axes):
            source = along(axis.merge_source, (a,), rank)
            pixel.append(np.where(valid, source - axis.start_array[tile], 0))
        yield (tile,), pixel, (valid,)


def tile_weights(call: UntilePlan, device: torch.device) -> list[Tensor] | None:
    """Return the profiles of a tile's axes; None for the box window."""
    if call.axis_weights is None:
        return None
    return on_device(device, *call.axis_weights, dtype=accumulator_dtype(device))


def weights_at(profiles: list[Tensor], there: Sequence[Index]) -> Tensor:
    """Return the weights of some pixels of a tile."""
    rank, found = len(profiles), []
    for axis, (profile, index) in enumerate(zip(profiles, there, strict=True)):
        (pixels,) = open_mesh([index], profile.device)
        found.append(profile[pixels].reshape(-1, *[1] * (rank - 1 - axis)))
    return _product(found)


def _product(factors: Sequence[Tensor]) -> Tensor:
    """Multiply float64 tensors in the order of the axes (WINDOW-001, WINDOW-002)."""
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


def _reduce(
    listed: Iterator[Contribution],
    call: UntilePlan,
    cover: Coverage,
    single: Tensor,
    dtype: torch.dtype,
    uncovered: list[Tensor],
) -> Tensor:
    """Return what contributions become in ``dtype``.

    ``single`` takes the value of the last tile of each pixel; where pixels have
    weights, ``uncovered`` takes in how many all are 0.
    """
    source, device = single.dtype, single.device
    reducer: Reducer | None = None
    if cover.most > 1:
        # MERGE-010, MERGE-011: the plan has chosen; the mean of bool was refused
        kind = MeanOfNumbers if call.omits_nan else REDUCERS[call.merge]
        reducer = kind(call, single)
    some_single = cover.some_single or call.has_weights
    number = None
    if call.has_weights:
        channel = -1 - len(call.geometry.size)
        number = torch.zeros_like(single.narrow(channel, 0, 1), dtype=torch.int64)
    for contribution in listed:
        if some_single:
            single = contribution.write(single, contribution.values)
        if number is not None:
            number = contribution.write(number, contribution.read(number) + 1)
        if reducer is not None:
            reducer.add(contribution)
    merged = single
    count = cover.on(device) if number is None else number
    if number is not None:
        uncovered.append((count == 0).sum())
    if some_single and source != dtype:
        # ROUND-006; ROUND-005: what pixels of several tiles hold is not the result
        alone = where(count == 1, single, torch.zeros_like(single))
        merged = convert(alone, dtype)
    if reducer is not None:
        several = reducer.result(count, dtype)
        # MERGE-007: a pixel of one tile is copied, whatever its weight
        merged = where(count == 1, merged, several) if some_single else several
    if cover.least == 0 or call.has_weights:
        fill = fill_scalar(call.fill, dtype, device)  # MERGE-018
        merged = where(count > 0, merged, fill)
    return merged


def convert(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Round values, taken as float64, to another dtype (ROUND-006, ROUND-007)."""
    if values.dtype == dtype:
        return values
    return _round(values.to(accumulator_dtype(values.device)), values.dtype, dtype)


def _round(total: Tensor, source: torch.dtype, dtype: torch.dtype) -> Tensor:
    if source.is_floating_point and not dtype.is_floating_point:
        check_nan(total, dtype)  # ROUND-005
    return rounded(total, dtype)


class Reducer(Protocol):
    """What makes one value of those of several tiles."""

    def __init__(self, call: UntilePlan, like: Tensor) -> None: ...

    def add(self, given: Contribution) -> None:
        """Add the next tile's values, in ascending order."""
        ...

    def result(self, count: Tensor, dtype: torch.dtype) -> Tensor:
        """Return what became of them in ``dtype``."""
        ...


class WeightedMean:
    """Weighted sum over sum of weights."""

    def __init__(self, call: UntilePlan, like: Tensor) -> None:
        sums = accumulator_dtype(like.device)
        rank = len(call.geometry.size)
        self.source, self.divides = like.dtype, call.merge == "mean"
        # MERGE-003: both sums are float64 and start from −0.0
        self.total = torch.full(like.shape, -0.0, dtype=sums, device=like.device)
        self.weight: Tensor | None = None
        if call.has_weights or call.axis_weights is not None:
            space = like.shape[-rank:]
            if call.has_weights:
                space = like.narrow(-1 - rank, 0, 1).shape
            self.weight = torch.full(space, -0.0, dtype=sums, device=like.device)

    def add(self, given: Contribution) -> None:
        """Add the next tile's values, in ascending order."""
        term = given.values.to(self.total.dtype)  # MERGE-002: rounded to nearest even
        if given.weights is not None and self.weight is not None:
            term = given.weights * term  # MERGE-004: rounded before it is added
            weight = given.read(self.weight) + given.weights
            self.weight = given.write(self.weight, weight)
        # MERGE-008, MERGE-009: no value is masked, none means "empty"
        self.total = given.write(self.total, given.read(self.total) + term)

    def result(self, count: Tensor, dtype: torch.dtype) -> Tensor:
        """Divide once, and round once (MERGE-001, MERGE-005)."""
        if not self.divides:  # a sum, which gradients need
            return _round(self.total, self.source, dtype)
        # MERGE-006: with the box window by the number of tiles
        divisor = count if self.weight is None else self.weight
        divisor = torch.where(count > 0, divisor, torch.ones_like(divisor))
        return _round(self.total / divisor, self.source, dtype)


class MeanOfNumbers:
    """Weighted mean without NaN, which takes no part in it."""

    def __init__(self, call: UntilePlan, like: Tensor) -> None:
        del call
        sums = accumulator_dtype(like.device)
        self.source = like.dtype
        self.total = torch.full(like.shape, -0.0, dtype=sums, device=like.device)
        self.weight = torch.zeros_like(self.total)
        self.single = torch.full_like(self.total, torch.nan)
        self.number = torch.zeros_like(self.total, dtype=torch.int32)

    def add(self, given: Contribution) -> None:
        """Add the next tile's values where they are numbers, in ascending order."""
        value = given.values.to(self.total.dtype)
        takes_part = ~value.isnan()  # MERGE-032
        weight = given.weights
        if weight is None:
            weight = torch.ones((), dtype=value.dtype, device=value.device)
        term = weight * value  # MERGE-004: rounded before it is added

        def changed(sums: Tensor, new: Tensor) -> Tensor:
            return given.write(sums, torch.where(takes_part, new, given.read(sums)))

        self.total = changed(self.total, given.read(self.total) + term)
        self.weight = changed(self.weight, given.read(self.weight) + weight)
        self.number = changed(self.number, given.read(self.number) + 1)
        self.single = changed(self.single, value)

    def result(self, count: Tensor, dtype: torch.dtype) -> Tensor:
        """Divide once, and round once; MERGE-033: of no tile it is NaN."""
        several = self.number > 1
        divisor = torch.where(several, self.weight, torch.ones_like(self.weight))
        # MERGE-007: a pixel of one tile is its value, whatever its weight
        mean = torch.where(several, self.total / divisor, self.single)
        covered = torch.where(count > 0, mean, torch.zeros_like(mean))
        return _round(covered, self.source, dtype)


class Extremum:
    """IEEE 754-2019 maximum or minimum, in the tiles' own dtype."""

    def __init__(self, call: UntilePlan, like: Tensor) -> None:
        self.merge, self.source = call.merge, like.dtype
        sortable = to_sortable(like[:0]).dtype
        weakest = identity_element(sortable, call.merge)
        self.best = torch.full(like.shape, weakest, dtype=sortable, device=like.device)

    def add(self, given: Contribution) -> None:
        """Compare the next tile's values with the best so far."""
        values, best = to_sortable(given.values), given.read(self.best)
        # MERGE-012: −0.0 < +0.0, NaN wins. MERGE-013: exact, integers of 64 bits too
        better = supersedes(values, best, self.merge)
        self.best = given.write(self.best, torch.where(better, values, best))

    def result(self, count: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the best, converted after the comparison (MERGE-013)."""
        del count
        return convert(from_sortable(self.best, self.source), dtype)


class Selection:
    """The value of one tile for its place, where the plan has not chosen it."""

    def __init__(self, call: UntilePlan, like: Tensor) -> None:
        self.merge = call.merge
        self.best = torch.zeros_like(like)  # MERGE-026: values are copied
        space = like.shape[-len(call.geometry.size) :]
        farthest = torch.iinfo(torch.int64).max
        self.least = torch.full(space, farthest, device=like.device)

    def add(self, given: Contribution) -> None:
        """Take the next tile's values where it comes before those so far."""
        if self.merge == "last":  # MERGE-024
            self.best = given.write(self.best, given.values)
            return
        least = given.read(self.least)
        # MERGE-025: of equal distances the earlier stays, as the first does of equals
        far = torch.zeros_like(least) if given.distance is None else given.distance
        best = where(far < least, given.values, given.read(self.best))
        self.best = given.write(self.best, best)
        self.least = given.write(self.least, torch.minimum(far, least))

    def result(self, count: Tensor, dtype: torch.dtype) -> Tensor:
        """Return what was taken, converted if it must be."""
        del count
        return convert(self.best, dtype)


class Vote:
    """The label of most weight, in the tiles' own dtype."""

    def __init__(self, call: UntilePlan, like: Tensor) -> None:
        del call
        self.like, self.source = to_sortable(like), like.dtype
        self.given: list[tuple[Tensor, Tensor]] = []

    def add(self, given: Contribution) -> None:
        """Keep the next tile's labels and weights, zero where it has none."""
        label = given.write(torch.zeros_like(self.like), to_sortable(given.values))
        weight = given.weights
        if weight is None:
            weight = torch.ones((), dtype=torch.int32, device=label.device)
        votes = torch.zeros_like(label, dtype=weight.dtype)
        weight = weight.expand(given.read(votes).shape)
        self.given.append((label, given.write(votes, weight)))

    def result(self, count: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the winners; the sum of a label is made at the first tile with it."""
        del count
        best, most = torch.zeros_like(self.like), torch.zeros_like(self.given[0][1])
        for number, (label, weight) in enumerate(self.given):
            votes = weight
            for other, more in self.given[number + 1 :]:  # MERGE-028: ascending
                same = other == label
                votes = votes + torch.where(same, more, torch.zeros_like(more))
            votes = torch.where(weight > 0, votes, torch.zeros_like(votes))
            # MERGE-028: of equal sums the lowest label. MERGE-029: exact
            lower = (votes == most) & (label < best) & (votes > 0)
            wins = (votes > most) | lower
            best, most = torch.where(wins, label, best), torch.where(wins, votes, most)
        return convert(from_sortable(best, self.source), dtype)


REDUCERS: dict[str, type[Reducer]] = {
    "mean": WeightedMean,
    "sum": WeightedMean,
    "max": Extremum,
    "min": Extremum,
    "first": Selection,
    "last": Selection,
    "center": Selection,
    "vote": Vote,
}
