"""GRID: fitting an axis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.draws import ANY, wide
from reftiler_conformance.features import MODES, Features
from reftiler_conformance.needs import needs_to_tile
from reftiler_conformance.slices import values
from reftiler_conformance.suite.narrowed import (
    BEYOND,
    LARGE_AXES,
    alike,
    each,
    line,
    ranks,
    square,
)
from reftiler_conformance.suite.positions import (
    cut,
    numbered,
    origins,
    same_places,
    windows,
)
from reftiler_conformance.suite.verbs import refuses_case

LONGER = ("longer",)
INSIDE = {"clamp": "GRID-004", "even": "GRID-005", "drop": "GRID-006"}
# Starts that are rounded, one of them from the middle between two, and such as are not
# those of clamp; products of positions that are beyond 2**31 and 2**32.
HARD = (
    *ranks(Case((9,), (4,), (3,)), Case((10,), (4,), (4,))),
    *LARGE_AXES,
    Case((66_002, 3), (3, 3), (2, 2), channels=1),
    Case((1_000_003,), (65_537,), (49_999,)),
)
OF_MODE = {mode: each(HARD, mode=(mode,)) for mode in MODES}
PRODUCTS = each([Case((257, 136), (33, 16), (32, 15), channels=1)], mode=MODES)


def told_starts(run: CaseRun) -> None:
    """Fail unless the starts that a subject tells, if it does, are the oracle's."""
    starts = run.case.grid.starts
    if "grid" in run.features and max(run.case.size) < 50_000:
        same_places([tuple(start) for start in run.ask("grid")["starts"]], starts)


@clause(
    "GRID-001",
    rank=(2, 3),
    mode=ANY,
    dtype=("float32", "uint8", "int32"),
    also=PRODUCTS,
)
@line("GRID-002", fit=LONGER, pad_side=ANY, also=OF_MODE["padding"])
@line("GRID-007", fit=LONGER, pad_side=ANY)
def test_steps(run: CaseRun) -> None:
    """
    Tiles lie to each other as each axis says by itself, in every combination.

    The frame ends where the last of them ends.
    """
    found = np.array(origins(run))
    spread = [tuple(start) for start in (found - found.min(axis=0)).tolist()]
    same_places(spread, run.case.grid.starts)
    told_starts(run)


def aligned(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases of aligned tiles: each length is a multiple of 2, 3 or 5."""
    return alike(features, **asked).map(_aligned)


def _aligned(case: Case) -> Case:
    a = (2, 3, 5)[case.seed % 3]
    size, tile, stride = (
        tuple(a * n for n in sides) for sides in (case.size, case.tile, case.stride)
    )
    return replace(case, size=size, tile=tile, stride=stride, align=(a,) * case.rank)


def loose(case: Case) -> Case:
    """Return a case that is aligned by more than its tiles are multiples of."""
    return replace(case, align=tuple(n + 1 for n in case.tile))


# Starts that are rounded to multiples, one of them from the middle between two.
ALIGNED = each(
    ranks(Case((22,), (8,), (6,), align=(2,)), Case((45,), (20,), (15,), align=(5,))),
    mode=("even", "clamp", "padding", "drop"),
)


@clause("GRID-014", needs=["align"], draws=aligned, also=ALIGNED, mode=ANY, fit=LONGER)
@clause(
    "GRID-015",
    needs=["align"],
    draws=aligned,
    also=ALIGNED,
    mode=("clamp", "even"),
    fit=LONGER,
)
def test_multiples_of_align(run: CaseRun) -> None:
    """Every start is a multiple of align, and even rounds to such."""
    told_starts(run)
    run.tiles_agree(by="numbers")


@clause("GRID-014", needs=["align", "refusals"], draws=aligned, mode=ANY)
def test_sizes_are_multiples(run: CaseRun) -> None:
    """A tile or a stride that is no multiple of align is refused."""
    refuses_case(run, "tile", loose(run.case), "the tiles are no multiples of align")


@clause("GRID-015", needs=["align", "refusals"], draws=aligned, mode=("clamp", "even"))
def test_the_image_must_be_a_multiple(run: CaseRun) -> None:
    """An image whose end no aligned tile reaches is refused."""
    size = (*run.case.size[:-1], run.case.size[-1] + 1)
    bad = replace(run.case, size=size)
    refuses_case(run, "tile", bad, f"{size} is no multiple of {run.case.align}")


def as_many_tiles(run: CaseRun) -> Array:
    """Return the tiles of a numbered image, if there are as many as there should be."""
    tiles, due = cut(run, numbered(run.case)), len(run.case.grid.starts)
    if len(tiles) != due:
        raise Mismatch(f"there are {len(tiles)} tiles, should be {due}")
    return tiles


@line("GRID-003", mode=("interpolation",), fit=LONGER, also=OF_MODE["interpolation"])
def test_interpolation(run: CaseRun) -> None:
    """As many tiles as in padding; where they overlap they show the same."""
    tiles, starts = as_many_tiles(run), run.case.grid.starts
    frame = np.zeros(run.case.grid.frame)
    for start, tile in zip(starts, tiles, strict=True):
        frame[tuple(map(slice, start, np.add(start, tile.shape)))] = tile
    if (windows(frame, starts, run.case.tile) != tiles).any():
        raise Mismatch("two tiles differ where they overlap in the frame")
    told_starts(run)


def test_starts(run: CaseRun) -> None:
    """Every tile begins where the mode says: slid inward, spread or dropped."""
    same_places(origins(run), run.case.grid.starts)
    told_starts(run)


for mode, clause_id in INSIDE.items():
    line(clause_id, mode=(mode,), fit=LONGER, also=OF_MODE[mode])(test_starts)


@line("GRID-007", mode=("interpolation",), fit=LONGER)
def test_resampled_frame(run: CaseRun) -> None:
    """The end of the last tile shows the end of the image."""
    image = numbered(run.case)
    shown, last = cut(run, image).max(), float(values(image).max())
    if shown != last:
        raise Mismatch(f"the tiles end at pixel {shown:g}, the image at {last:g}")


@line("GRID-008", mode=tuple(INSIDE), fit=LONGER, pad_mode=ANY, pad_side=ANY)
def test_frame_is_the_image(run: CaseRun) -> None:
    """Tiles are pieces of the image, with nothing around it."""
    image = values(numbered(run.case)).reshape(run.case.size)
    found = origins(run)
    last = np.subtract(run.case.size, run.case.tile)
    if outside := [start for start in found if min(start) < 0 or (start > last).any()]:
        raise Mismatch(f"tiles begin at {outside[:8]}, and leave the image")
    tiles = cut(run, numbered(run.case))
    if (tiles != windows(image, found, run.case.tile)).any():
        raise Mismatch("a tile is no piece of the image")
    if "grid" in run.features and np.any(run.ask("grid")["padding"]):
        raise Mismatch("the grid tells of padding")


@square("GRID-009", fit=("short",), overlap=ANY, mode=("padding", "interpolation"))
def test_shorter_than_the_tile(run: CaseRun) -> None:
    """An image shorter than the tile becomes one whole tile."""
    as_many_tiles(run)
    told_starts(run)


def roomy(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw images and tiles of more than one pixel, to be made too short."""
    return alike(features, **asked).filter(lambda case: min(case.tile) > 1)


@clause(
    "GRID-010",
    needs=["refusals"],
    draws=roomy,
    mode=tuple(INSIDE),
    fit=LONGER,
    scatter=ANY,
    overlap=ANY,
)
def test_refuses_what_is_too_short(run: CaseRun) -> None:
    """Only padding and interpolation extend an axis to the tile."""
    size, axis = list(run.case.size), run.case.seed % run.case.rank
    size[axis] = run.case.tile[axis] - 1
    case = replace(run.case, size=tuple(size))
    refuses_case(run, "tile", case, "an axis is shorter than the tile")


@square(
    "GRID-012",
    needs=["grid"],
    fit=("exact", *BEYOND),
    scatter=ANY,
    **wide("mode", "pad_mode", "pad_side", "border"),
)
def test_is_of_integers(run: CaseRun) -> None:
    """A grid holds integers only; pixels and their dtype do not matter."""
    told = run.ask("grid")
    _integers(told)
    run.tile()
    special = replace(run.case, seed=run.case.seed + 1, content="special")
    for other in (special, replace(special, dtype="uint8")):
        if needs_to_tile(other) <= run.features:
            run.reopen(other)
            run.tile(other.image())
            if run.ask("grid") != told:
                raise Mismatch(f"the grid depends on the pixels: {other}")


def _integers(value: Any) -> None:
    """Fail unless all that a grid tells are ints."""
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            _integers(item)
        elif type(item) is not int:
            raise Mismatch(f"the grid holds {item!r}, which is no int")
