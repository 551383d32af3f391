"""GRID: fitting an axis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.cases import Array, Case
from reftiler_conformance.compare import Mismatch, values
from reftiler_conformance.draws import ANY
from reftiler_conformance.features import Features
from reftiler_conformance.lines import alike, line, ranks, square
from reftiler_conformance.places import (
    cut,
    numbered,
    origins,
    same_places,
    windows,
)
from reftiler_conformance.refused import refuses_case
from reftiler_conformance.registry import check
from reftiler_conformance.trial import Trial

LONGER = ("longer",)
INSIDE = ("clamp", "even", "drop")

# Starts that are rounded, one of them from the middle between two, and such as are not
# those of clamp.
UNEVEN = ranks(
    Case(size=(9,), tile=(4,), stride=(3,), mode="even"),
    Case(size=(10,), tile=(4,), stride=(4,), mode="even"),
)


def told_starts(trial: Trial) -> None:
    """Fail unless the starts that a subject tells, if it does, are the definition's."""
    if "grid" in trial.features:
        told = [tuple(start) for start in trial.ask("grid")["starts"]]
        same_places(told, trial.case.plan.starts)


def starts_agree(trial: Trial) -> None:
    """Fail unless the tiles begin in the image where the definition says."""
    same_places(origins(trial), trial.case.plan.starts)
    told_starts(trial)


@check("GRID-001", rank=(2, 3), mode=ANY, dtype=("float32", "uint8", "int32"))
def is_a_product(trial: Trial) -> None:
    """Every axis goes by its own length, tile and stride, in every combination."""
    starts_agree(trial)


@line("GRID-002", fit=LONGER)
def padding(trial: Trial) -> None:
    """As many tiles as reach the end of the image lie a stride apart."""
    found = np.array(origins(trial))
    spread = [tuple(start) for start in (found - found.min(axis=0)).tolist()]
    same_places(spread, trial.case.plan.starts)
    told_starts(trial)


@line("GRID-003", mode=("interpolation",), fit=LONGER)
def interpolation(trial: Trial) -> None:
    """As many tiles as in padding; where they overlap they show the same."""
    tiles, starts = cut(trial, numbered(trial.case)), trial.case.plan.starts
    if len(tiles) != len(starts):
        raise Mismatch(f"there are {len(tiles)} tiles, should be {len(starts)}")
    frame = np.zeros(trial.case.plan.frame)
    for start, tile in zip(starts, tiles, strict=True):
        box = tuple(slice(s, s + t) for s, t in zip(start, tile.shape, strict=True))
        frame[box] = tile
    if (windows(frame, starts, trial.case.tile) != tiles).any():
        raise Mismatch("two tiles differ where they overlap in the frame")
    told_starts(trial)


@line("GRID-004", mode=("clamp",), fit=LONGER)
def clamp(trial: Trial) -> None:
    """The last tile slides inward."""
    starts_agree(trial)


@line("GRID-005", mode=("even",), fit=LONGER, also=UNEVEN)
def even(trial: Trial) -> None:
    """The starts are spread evenly, rounded half up."""
    starts_agree(trial)


@line("GRID-006", mode=("drop",), fit=LONGER)
def drop(trial: Trial) -> None:
    """Tiles lie a stride apart as long as they fit."""
    starts_agree(trial)


@line("GRID-007", fit=LONGER)
def padded_frame(trial: Trial) -> None:
    """The frame ends where the last tile ends."""
    case, found = trial.case, np.array(origins(trial))
    length = found.max(axis=0) + case.tile - found.min(axis=0)
    _same_frame(length, _frame(case, found))
    if "grid" in trial.features:
        told = trial.ask("grid")
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
def resampled_frame(trial: Trial) -> None:
    """The end of the last tile shows the end of the image."""
    image = numbered(trial.case)
    shown = cut(trial, image).max()
    last = float(values(image).max())
    if shown != last:
        raise Mismatch(f"the tiles end at pixel {shown:g}, the image at {last:g}")


@line("GRID-008", mode=INSIDE, fit=LONGER)
def frame_is_the_image(trial: Trial) -> None:
    """Tiles are pieces of the image, with nothing around it."""
    image = values(numbered(trial.case)).reshape(trial.case.size)
    found = origins(trial)
    for k, start in enumerate(found):
        stop = np.add(start, trial.case.tile)
        if min(start) < 0 or (stop > trial.case.size).any():
            raise Mismatch(f"tile {k} is {start} to {tuple(stop.tolist())}")
    tiles = cut(trial, numbered(trial.case))
    if (tiles != windows(image, found, trial.case.tile)).any():
        raise Mismatch("a tile is no piece of the image")
    if "grid" in trial.features and np.any(trial.ask("grid")["padding"]):
        raise Mismatch("the grid tells of padding")


@square(
    "GRID-009",
    fit=("short",),
    overlap=ANY,
    mode=("padding", "interpolation"),
)
def shorter_than_the_tile(trial: Trial) -> None:
    """An image shorter than the tile becomes one whole tile."""
    tiles = cut(trial, numbered(trial.case))
    due = len(trial.case.plan.starts)
    if len(tiles) != due:
        raise Mismatch(f"there are {len(tiles)} tiles, should be {due}")
    told_starts(trial)


def roomy(features: Features) -> SearchStrategy[Case]:
    """Draw images and tiles of more than one pixel, to be made too short."""
    drawn = alike(mode=INSIDE, fit=LONGER, scatter=ANY)(features)
    return drawn.filter(lambda case: min(case.tile) > 1)


@check("GRID-010", needs=["tile", "refusals"], draws=roomy)
def refuses_what_is_too_short(trial: Trial) -> None:
    """Only padding and interpolation extend an axis to the tile."""
    size, axis = list(trial.case.size), trial.case.seed % trial.case.rank
    size[axis] = trial.case.tile[axis] - 1
    case = replace(trial.case, size=tuple(size))
    refuses_case(trial, "tile", case, "an axis is shorter than the tile")


@square("GRID-012", needs=["grid"], mode=ANY, fit=("exact", "longer"), scatter=ANY)
def is_of_integers(trial: Trial) -> None:
    """A grid holds integers only, and the pixels do not matter."""
    told = trial.ask("grid")
    _whole(told)
    trial.tile()
    other = replace(trial.case, seed=trial.case.seed + 1, content="random")
    trial.reopen(other)
    trial.tile(other.image())
    if trial.ask("grid") != told:
        raise Mismatch("the grid depends on the pixels")


def _whole(value: Any) -> None:
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            _whole(item)
        elif type(item) is not int:
            raise Mismatch(f"the grid holds {item!r}, which is no int")
