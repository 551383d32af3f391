"""CONTEXT: pixels around a tile, which are cut with it and not merged."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.draws import ANY, FLOATS, cases, wide
from reftiler_conformance.features import MODES, Features
from reftiler_conformance.oracle import ScaledGrid
from reftiler_conformance.suite.narrowed import COMBINED, COMBINED_MERGES, ranks
from reftiler_conformance.suite.verbs import refuses_case
from reftiler_conformance.suite.wide import EVERY, agrees, spatial_axis

NATIVE = tuple(mode for mode in MODES if mode != "interpolation")


def surrounded(case: Case) -> Case:
    """Return a case with a context, by its seed; it may be longer than the image."""
    generator = np.random.Generator(np.random.PCG64(case.seed))
    most = 9 if case.rank == 1 else 4 if case.rank == 2 else 1
    units = [int(np.lcm.reduce([q.denominator for q in case.scales]))] * case.rank
    context = generator.integers(0, most, case.rank, endpoint=True)
    context[generator.integers(case.rank)] = generator.integers(1, most, endpoint=True)
    bare = bool(generator.integers(2)) and case.dtype != "float16"
    return replace(case, context=tuple((context * units).tolist()), bare=bare)


def drawn(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases of tiles with a context."""
    return cases(features, **asked).map(surrounded)


def some(combined: tuple[Case, ...]) -> list[Case]:
    """Return the cases that may have a context, with one."""
    return [surrounded(c) for c in combined if c.mode != "interpolation"]


around = partial(clause, needs=["context"], draws=drawn)
SOMEWHERE = wide("layout", "channels_last", "pad_mode", "pad_side", "scatter")
CUT: dict[str, Any] = {"mode": NATIVE, "fit": ANY, "pad_value": ANY, **SOMEWHERE}


@around("CONTEXT-001", also=some(COMBINED), **CUT)
def test_the_pixels_around(run: CaseRun) -> None:
    """Tiles hold the pixels around them, and beyond the image what pads it."""
    run.tiles_agree()


@around("CONTEXT-002", needs=["context", "refusals"], mode=NATIVE, dtype=("uint8",))
def test_the_constant_must_fit(run: CaseRun) -> None:
    """A constant that the image cannot hold is refused in every mode."""
    bad = replace(run.case, pad_mode="constant", pad_value=-1)
    refuses_case(run, "tile", bad, "no byte is -1")


@around("CONTEXT-003", needs=["context", "refusals", "mode:interpolation"])
def test_not_of_images_that_are_stretched(run: CaseRun) -> None:
    """A context is refused in interpolation."""
    bad = replace(run.case, mode="interpolation")
    refuses_case(run, "tile", bad, "a context was asked for in interpolation")


# Scaled contexts, which are others than those that were cut.
SCALED = ranks(
    *(
        Case((9,), (4,), (2,), context=(2,), scale=(Fraction(q),), bare=bare)
        for q in ("2", "1/2", "3/2")
        for bare in (False, True)
    )
)
MERGED = EVERY | {"mode": NATIVE, "merge": ANY}


@around("CONTEXT-004", also=[*SCALED, *some(COMBINED_MERGES)], **MERGED)
def test_it_is_dropped(run: CaseRun) -> None:
    """Tiles with their context, or without it, merge as if they had none."""
    agrees(run, by="coarse", first="context")


@around("CONTEXT-005", dtype=FLOATS, **MERGED)
def test_nothing_of_it_leaks(run: CaseRun) -> None:
    """What the context holds changes nothing, NaN included."""
    run.merge_agrees(unlike(run.case), by="coarse")


def unlike(case: Case) -> Array:
    """Return tiles whose context is NaN, if they have one."""
    tiles = case.tiles().copy()
    if case.bare or not any(case.context) or case.dtype == "bfloat16":
        return tiles
    scaled = ScaledGrid(case.grid, case.scales)
    inner = [slice(None)] * tiles.ndim
    first = tiles.ndim - case.rank
    if case.channels_last:
        first = spatial_axis(replace(case, batch=1))
    for a, (c, t) in enumerate(zip(scaled.context, scaled.tile, strict=True)):
        inner[first + a] = slice(c, c + t)
    kept = tiles[tuple(inner)].copy()
    tiles[...] = np.nan
    tiles[tuple(inner)] = kept
    return tiles
