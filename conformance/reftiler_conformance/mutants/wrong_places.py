"""Tiles in wrong places, and grids that say wrongly where they are."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from reftiler_conformance.mutants.catalogue import mutant, mutants_of
from reftiler_conformance.mutants.narrowings import is_short, of_dtype
from reftiler_conformance.mutants.steps import opened_anyway, refusing, taken_for
from reftiler_conformance.mutants.tilers import Session, Unchecked
from reftiler_conformance.oracle import axis, coverage, grid, merge, philox
from reftiler_conformance.oracle.axis import fit, frame_length, tile_count, tile_start
from reftiler_conformance.oracle.grid import (
    Box,
    Grid,
    boxes,
    clipped,
    fitted,
    is_inside,
    moved,
    random_starts,
    scattered,
    select,
    start_around,
    tile_order,
)
from reftiler_conformance.oracle.philox import block

mutants_of(grid, "tile_order")(
    "column_major, LAYOUT-008: The first axis runs fastest.",
    lambda counts: [index[::-1] for index in tile_order(counts[::-1])],
)
mutants_of(axis, "tile_count")(
    "too_few, GRID-002/GRID-003: What is left over gets no tile.",
    lambda n, tile, stride, mode: max(1, (n - tile) // stride + 1),
    "interpolation_drops, GRID-003: In `interpolation` what is left over gets no tile.",
    lambda n, tile, stride, mode: (
        max(1, (n - tile) // stride + 1)
        if mode == "interpolation"
        else tile_count(n, tile, stride, mode)
    ),
)
mutants_of(axis, "fit")(
    "clamp_pads, GRID-004: The last tile of `clamp` ends in padding.",
    lambda n, t, s, by, *side: fit(n, t, s, "padding" if by == "clamp" else by, *side),
    "drop_keeps, GRID-006: In `drop` a last tile slides inward.",
    lambda n, t, s, by, *side: fit(n, t, s, "clamp" if by == "drop" else by, *side),
)
mutants_of(axis, "tile_start")(
    "even_unaligned, GRID-015/GRID-014: Evenly spaced starts are rounded to pixels.",
    lambda i, n, length, tile, stride, mode, align=1: tile_start(
        i, n, length, tile, stride, mode
    ),
    "even_aligned_down, GRID-015: Evenly spaced starts are rounded down to multiples.",
    lambda i, n, length, tile, stride, mode, align=1: (
        tile_start(i, n, length, tile, stride, mode) // align * align
    ),
    "clamp_from_15, GRID-004: From the 15th on, the last tile of `clamp` starts early.",
    lambda i, n, *rest: (
        tile_start(i, n, *rest) - ("clamp" in rest and 14 <= i == n - 1)
    ),
)
mutants_of(axis, "half_up")(
    "even_half_even, GRID-005: Evenly spaced starts are rounded half to even.",
    lambda a, b: round(Fraction(a, b or 1)),
    "even_in_float32, GRID-005: Evenly spaced starts are computed as float32.",
    lambda a, b: int(np.floor(np.float32(a) / np.float32(b or 1) + np.float32(0.5))),
)
mutants_of(axis, "frame_length")(
    "frame_long, GRID-007: The frame is a pixel too long.",
    lambda n, tile, stride: frame_length(n, tile, stride) + 1,
)
mutants_of(grid, "fitted")(
    "swapped_strides, GRID-001: The strides are read in the other order.",
    lambda asked, size: fitted(replace(asked, stride=asked.stride[::-1]), size),
    "swapped_sides, SIZE-001: The sides of a tile are read in the other order.",
    lambda asked, size: fitted(replace(asked, tile=asked.tile[::-1]), size),
)
mutants_of(Session, "read_case")(
    "short_refused, GRID-009: Images shorter than the tile are refused.",
    refusing(lambda self, case: is_short(case)),
    "grid_by_dtype, GRID-012/MERGE-020/PAD-001: Bytes are padded first.",
    taken_for(of_dtype("uint8"), pad_side="both"),
)
mutants_of(Unchecked, "read_case")(
    "scatter_unchecked, SCATTER-003: Starts beyond the image are its corner.",
    opened_anyway(lambda case: replace(case, starts=((0,) * case.rank,))),
    "align_unchecked, GRID-014: Tiles that cannot be aligned are cut where they lie.",
    opened_anyway(lambda case: replace(case, align=())),
    "context_unchecked, CONTEXT-003: In `interpolation` a context has no effect.",
    opened_anyway(lambda case: replace(case, context=())),
    "stride_unchecked, SIZE-008: A stride beyond the tile is the tile's size.",
    opened_anyway(lambda case: replace(case, stride=case.tile)),
    "short_taken, GRID-010: Images shorter than the tile are padded in every mode.",
    taken_for(lambda case: is_short(case) and not case.starts, mode="padding"),
)
mutants_of(grid, "scattered")(
    "scatter_sorted, SCATTER-001/LAYOUT-007/SCATTER-004: Tiles are sorted.",
    lambda asked, size, starts: scattered(asked, size, sorted(map(tuple, starts))),
    "scatter_unique, SCATTER-001: A start that comes twice counts once.",
    lambda asked, size, starts: scattered(
        asked, size, [*dict.fromkeys(map(tuple, starts))]
    ),
    "scatter_framed, SCATTER-002: Scattered tiles are cut from the frame.",
    lambda asked, size, starts: replace(
        scattered(asked, size, starts), axes=fitted(asked, size).axes
    ),
)
mutants_of(grid, "select")(
    "select_sorted, SELECT-001: Selected tiles are sorted.",
    lambda plan, indices: select(plan, sorted(indices)),
    "select_unpadded, SELECT-001: Selected tiles are cut without padding.",
    lambda plan, indices: replace(select(plan, indices), axes=()),
    "select_border_anew, SELECT-003: The first and last selected tiles keep their rim.",
    lambda plan, indices: replace(
        found := select(plan, indices),
        tile_specs=tuple(
            replace(place, low=(k == 0,) * len(place.low))
            for k, place in enumerate(found.tile_specs)
        ),
    ),
)
mutants_of(Unchecked, "read_case")(
    "select_twice, SELECT-002: A tile that is selected twice counts once.",
    opened_anyway(lambda case: replace(case, selection=(0,))),
)
mutants_of(Session, "give_tiles")(
    "scatter_batch, SCATTER-004: Only the first image has scattered tiles of its own.",
    lambda self, tiles: tiles[np.arange(len(tiles)) % len(self.case.starts or tiles)],
)
mutants_of(grid, "random_starts")(
    "random_one_less, RANDOM-001: One random tile is missing, if there are two.",
    lambda asked, size, n, *rest: random_starts(asked, size, max(1, n - 1), *rest),
    "random_low_seed, RANDOM-002: Only the low 64 bits of the seed count.",
    lambda asked, size, n, seed, by: random_starts(asked, size, n, seed % 2**64, by),
)
mutants_of(philox, "block")(
    "blocks_from_zero, RANDOM-002: The generator begins with block 0 instead of 1.",
    lambda counter, key: block((counter[0] - 1, *counter[1:]), key),
)
mutants_of(grid, "random_start")(
    "random_unaligned, RANDOM-003: Random starts are not aligned.",
    lambda word, last, align: word * (last + 1) // 2**64,
    "random_modulo, RANDOM-003/RANDOM-002: A start is the remainder of a word.",
    lambda word, last, align: word % (last // align + 1) * align,
)
mutants_of(grid, "is_inside")(
    "inside_never, RANDOM-007/RANDOM-008/RANDOM-009: Marked pixels attract no tile.",
    lambda k, share, first: False,
    "inside_by_count, RANDOM-008: The first word counts for nothing.",
    lambda k, share, first: is_inside(k, share, 0),
)
mutants_of(grid, "row_major")(
    "inside_columns_first, RANDOM-009: Marked pixels are counted column by column.",
    lambda pixels: sorted(pixels, key=lambda pixel: pixel[::-1]),
)
mutants_of(grid, "start_around")(
    "inside_centred, RANDOM-009/RANDOM-008: A marked pixel is in the middle of a tile.",
    lambda word, x, length, tile, step: max(
        0, min((x - tile // 2) // step, (length - tile) // step) * step
    ),
    "inside_unaligned, RANDOM-009: Tiles that hold a marked pixel are not aligned.",
    lambda word, x, length, tile, step: start_around(word, x, length, tile, 1),
)
mutants_of(grid, "is_held")(
    "inside_unheld, RANDOM-009/RANDOM-007: A pixel that no tile can hold is picked.",
    lambda pixel, sides: True,
)
mutants_of(Unchecked, "read_case")(
    "inside_unmarked, RANDOM-010: Without a marked pixel, tiles lie anywhere.",
    opened_anyway(lambda case: replace(case, inside=None)),
)
mutants_of(Grid, "starts")(
    "starts_in_image, COORD-001: The starts are told in the image, not in the frame.",
    lambda plan: [
        moved(place.start, [-n for n in plan.before]) for place in plan.tile_specs
    ],
)
mutants_of(grid, "side")(
    "boxes_in_frame, COORD-002: The boxes are told in the frame, not in the image.",
    lambda plan, a, start: (start, start + plan.settings.tile[a]),
    "boxes_rounded_up, COORD-003: Resampled boxes end where the next pixel is read.",
    lambda plan, a, start: (
        start * plan.size[a] // plan.frame[a],
        -(-(start + plan.settings.tile[a]) * plan.size[a] // plan.frame[a]),
    ),
)
mutants_of(grid, "padding")(
    "padding_of_frames, COORD-010: All that the frame has more is told to be padding.",
    lambda plan: [(0, line.frame - line.length) for line in plan.axes],
)
mutants_of(Session, "touching")(
    "touches_beyond, COORD-008: A marked pixel just behind a tile touches it.",
    lambda self, mask: Session.touching(self, (mask != 0) | (np.roll(mask, -1) != 0)),
    "nan_unmarked, COORD-009: Only what is greater than zero is marked.",
    lambda self, mask: Session.touching(self, np.nan_to_num(mask.real) > 0),
)
mutants_of(Unchecked, "touching")(
    "mask_unchecked, COORD-009: A mask of another shape is cut or repeated.",
    lambda self, mask: Session.touching(self, np.resize(mask != 0, self.case.size)),
)
mutants_of(grid, "clipped")(
    "slices_long, COORD-004: The slices are the boxes, unclipped.",
    boxes,
)
mutants_of(merge, "coverage")(
    "coverage_whole, COORD-005: Tiles cover what their removed border covers.",
    lambda plan: coverage(replace(plan, settings=replace(plan.settings, border=()))),
    "coverage_byte, COORD-005: The coverage is counted in a byte.",
    lambda plan: [count % 256 for count in coverage(plan)],
)
mutants_of(merge, "uncovered")(
    "uncovered_never, COORD-007: No pixel is ever said to be in no tile.",
    lambda plan: 0,
)


@mutant(grid, "clipped")
def touches_inside(plan: Grid) -> list[Box]:
    """COORD-008: The removed border touches nothing."""
    rims = plan.settings.borders
    return [
        [(low + rim, high - rim) for (low, high), rim in zip(box, rims, strict=True)]
        for box in clipped(plan)
    ]
