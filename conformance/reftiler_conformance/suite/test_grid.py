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
from reftiler_conformance.draws import ANY
from reftiler_conformance.features import MODES, Features
from reftiler_conformance.needs import needs_to_tile
from reftiler_conformance.slices import values
from reftiler_conformance.suite.narrowed import (
    BEYOND,
    alike,
    each,
    large_axes,
    line,
    longest_axes,
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
from reftiler_conformance.suite.refused import refuses_case

LONGER = ("longer",)
INSIDE = {"clamp": "GRID-004", "even": "GRID-005", "drop": "GRID-006"}
# Starts that are rounded, one of them from the middle between two, and such as are not
# those of clamp.
UNEVEN = [
    Case(size=(9,), tile=(4,), stride=(3,)),
    Case(size=(10,), tile=(4,), stride=(4,)),
]
LARGE = {
    mode: (
        *each(ranks(*UNEVEN), mode=(mode,)),
        *large_axes(mode=mode),
        *longest_axes(mode=mode),
    )
    for mode in MODES
}
PRODUCTS = tuple(
    Case(size=(257, 136), tile=(33, 16), stride=(32, 15), channels=1, mode=mode)
    for mode in MODES
)


def told_starts(run: CaseRun) -> None:
    """Fail unless the starts that a subject tells, if it does, are the oracle's."""
    starts = run.case.grid.starts
    if "grid" in run.features and max(run.case.size) < 50_000:
        same_places([tuple(start) for start in run.ask("grid")["starts"]], starts)


def steps_agree(run: CaseRun) -> None:
    """Fail unless the tiles lie to each other as the oracle says."""
    found = np.array(origins(run))
    spread = [tuple(start) for start in (found - found.min(axis=0)).tolist()]
    same_places(spread, run.case.grid.starts)
    told_starts(run)


@clause(
    "GRID-001",
    rank=(2, 3),
    mode=ANY,
    dtype=("float32", "uint8", "int32"),
    also=PRODUCTS,
)
def test_is_a_product(run: CaseRun) -> None:
    """Every axis goes by its own length, tile and stride, in every combination."""
    steps_agree(run)


@line("GRID-002", fit=LONGER, pad_side=ANY, also=LARGE["padding"])
def test_padding(run: CaseRun) -> None:
    """As many tiles as reach the end of the image lie a stride apart."""
    steps_agree(run)


@line("GRID-003", mode=("interpolation",), fit=LONGER, also=LARGE["interpolation"])
def test_interpolation(run: CaseRun) -> None:
    """As many tiles as in padding; where they overlap they show the same."""
    tiles, starts = cut(run, numbered(run.case)), run.case.grid.starts
    if len(tiles) != len(starts):
        raise Mismatch(f"there are {len(tiles)} tiles, should be {len(starts)}")
    frame = np.zeros(run.case.grid.frame)
    for start, tile in zip(starts, tiles, strict=True):
        box = tuple(slice(s, s + t) for s, t in zip(start, tile.shape, strict=True))
        frame[box] = tile
    if (windows(frame, starts, run.case.tile) != tiles).any():
        raise Mismatch("two tiles differ where they overlap in the frame")
    told_starts(run)


def test_starts(run: CaseRun) -> None:
    """Every tile begins where the mode says: slid inward, spread or dropped."""
    same_places(origins(run), run.case.grid.starts)
    told_starts(run)


for mode, clause_id in INSIDE.items():
    line(clause_id, mode=(mode,), fit=LONGER, also=LARGE[mode])(test_starts)


@line("GRID-007", fit=LONGER, pad_side=ANY)
def test_padded_frame(run: CaseRun) -> None:
    """The frame ends where the last tile ends."""
    case, found = run.case, np.array(origins(run))
    length = found.max(axis=0) + case.tile - found.min(axis=0)
    _same_frame(length, _frame(case, found))
    if "grid" in run.features:
        told = run.ask("grid")
        length = np.array(told["padding"]).sum(axis=1) + case.size
        _same_frame(length, _frame(case, np.array(told["starts"])))


def _frame(case: Case, starts: Array) -> Array:
    """Return the length of each axis of the frame, by how many tiles there are."""
    counts = np.array([len(set(places)) for places in starts.T.tolist()])
    length: Array = (counts - 1) * case.stride + case.tile
    return length


def _same_frame(got: Array, want: Array) -> None:
    if (got != want).any():
        raise Mismatch(f"the frame is {got.tolist()} long, should be {want.tolist()}")


@line("GRID-007", mode=("interpolation",), fit=LONGER)
def test_resampled_frame(run: CaseRun) -> None:
    """The end of the last tile shows the end of the image."""
    image = numbered(run.case)
    shown = cut(run, image).max()
    last = float(values(image).max())
    if shown != last:
        raise Mismatch(f"the tiles end at pixel {shown:g}, the image at {last:g}")


@line("GRID-008", mode=tuple(INSIDE), fit=LONGER, pad_mode=ANY, pad_side=ANY)
def test_frame_is_the_image(run: CaseRun) -> None:
    """Tiles are pieces of the image, with nothing around it."""
    image = values(numbered(run.case)).reshape(run.case.size)
    found = origins(run)
    for k, start in enumerate(found):
        stop = np.add(start, run.case.tile)
        if min(start) < 0 or (stop > run.case.size).any():
            raise Mismatch(f"tile {k} is {start} to {tuple(stop.tolist())}")
    tiles = cut(run, numbered(run.case))
    if (tiles != windows(image, found, run.case.tile)).any():
        raise Mismatch("a tile is no piece of the image")
    if "grid" in run.features and np.any(run.ask("grid")["padding"]):
        raise Mismatch("the grid tells of padding")


@square("GRID-009", fit=("short",), overlap=ANY, mode=("padding", "interpolation"))
def test_shorter_than_the_tile(run: CaseRun) -> None:
    """An image shorter than the tile becomes one whole tile."""
    tiles = cut(run, numbered(run.case))
    due = len(run.case.grid.starts)
    if len(tiles) != due:
        raise Mismatch(f"there are {len(tiles)} tiles, should be {due}")
    told_starts(run)


def roomy(features: Features) -> SearchStrategy[Case]:
    """Draw images and tiles of more than one pixel, to be made too short."""
    drawn = alike(mode=tuple(INSIDE), fit=LONGER, scatter=ANY, overlap=ANY)(features)
    return drawn.filter(lambda case: min(case.tile) > 1)


@clause("GRID-010", needs=["tile", "refusals"], draws=roomy)
def test_refuses_what_is_too_short(run: CaseRun) -> None:
    """Only padding and interpolation extend an axis to the tile."""
    size, axis = list(run.case.size), run.case.seed % run.case.rank
    size[axis] = run.case.tile[axis] - 1
    case = replace(run.case, size=tuple(size))
    refuses_case(run, "tile", case, "an axis is shorter than the tile")


@square(
    "GRID-012",
    needs=["grid"],
    mode=ANY,
    fit=("exact", *BEYOND),
    pad_mode=ANY,
    pad_side=ANY,
    border=ANY,
    scatter=ANY,
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
