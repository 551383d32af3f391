"""PAD: extending the image."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch, same_numbers
from reftiler_conformance.draws import ANY
from reftiler_conformance.expected import expected_tiles
from reftiler_conformance.features import PAD_MODES, Features
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.suite.narrowed import (
    BEYOND,
    alike,
    along,
    each,
    line,
    ranks,
    square,
)
from reftiler_conformance.suite.positions import cut, inside, numbered, origins, windows
from reftiler_conformance.suite.verbs import refuses_case

OTHER_MODES = ("interpolation", "clamp", "even", "drop")
FILLED = PAD_MODES[1:]
"""The modes that pad with pixels of the image."""
CLAUSES = {
    "constant": "PAD-004",
    "edge": "PAD-006",
    "wrap": "PAD-007",
    "symmetric": "PAD-008",
    "reflect": "PAD-009",
}

# A lone pixel of the image in the last tile.
BYTES = ranks(Case(size=(9,), tile=(4,), stride=(4,), dtype="uint8"))
ENDING = each(BYTES, dtype=["float32"], pad_mode=FILLED)
# More padding than image, on both sides: it goes there and back, also more often than
# a byte counts, and from a lone pixel or two.
AROUND = each(
    (
        *ranks(Case(size=(3,), tile=(15,), stride=(15,))),
        *(Case((n,), (t,), (t,)) for n, t in ((1, 4), (2, 9), (7, 1024), (257, 1000))),
    ),
    pad_mode=FILLED,
    pad_side=("both",),
)
CORNERS = (
    Case(size=(3, 5), tile=(4, 4), stride=(4, 4)),
    Case(size=(9, 9), tile=(4, 4), stride=(4, 4), channels=1),
)
# Both axes are padded on both sides, and by more than one pixel ahead.
SURROUNDED = each(
    [Case((43, 53), (12, 12), (10, 10), channels=1, pad_side="both")],
    pad_mode=PAD_MODES,
    size=((43, 53), (50, 40)),
)


@line("PAD-001", fit=BEYOND, pad_side=("end",), also=BYTES)
@line("PAD-002", fit=BEYOND, pad_side=("both",))
def test_first_tile(run: CaseRun) -> None:
    """The first tile begins with the image, or with the smaller half of the padding."""
    first, want = origins(run)[0], tuple(-before for before in run.case.grid.before)
    if first != want:
        raise Mismatch(f"the first tile begins at {first}, should at {want}")


@line(
    "PAD-003", needs=["short"], fit=BEYOND, pad_mode=ANY, pad_side=("end",), also=ENDING
)
def test_before_cutting(run: CaseRun) -> None:
    """Tiles are pieces of the padded image, which one large tile shows."""
    case, image = run.case, numbered(run.case)
    tiles = cut(run, image)
    side = (max(case.grid.frame),) * case.rank
    large = replace(case, tile=side, stride=side)
    run.reopen(large)
    whole = cut(run, image, large)[0]
    want = windows(whole, case.grid.starts, case.tile)
    run.keep(tiles, want)
    same_numbers(tiles, want)


def outside_agrees(run: CaseRun) -> None:
    """Fail unless the pixels outside the image are the oracle's."""
    want, got = expected_tiles(run.case), run.tile().array
    run.keep(got, want)
    same_numbers(got, want, where=~inside(run.case))


def sevens(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw images that are padded with 0, and with 7 if that can be said."""
    values = (0, 7 if "pad_value" in features else 0)
    return along(features, **asked).map(
        lambda case: replace(case, pad_value=values[case.seed % 2])
    )


@clause(
    "PAD-004",
    draws=sevens,
    fit=BEYOND,
    pad_mode=("constant",),
    pad_side=ANY,
    also=each(CORNERS, pad_value=(0, 7)),
)
def test_with_a_constant(run: CaseRun) -> None:
    """A pixel outside the image is the pad value, 0 if nothing is said."""
    outside_agrees(run)


def evenly(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases in which both halves of the padding are alike."""
    return along(features, fit=BEYOND, pad_side=ANY, **asked).map(_even)


def _even(case: Case) -> Case:
    halves = [line.before == line.after for line in case.grid.axes]
    return case if all(halves) else replace(case, pad_side="end")


def test_as_numpy_pads(run: CaseRun) -> None:
    """Padding is numpy's of the pad mode, on every axis and for every length."""
    try:
        run.tiles_agree(by="numbers")
    except Mismatch as fault:
        if sum(line.frame != line.length for line in run.case.grid.axes) == 1:
            fault.clause = fault.clause or CLAUSES[run.case.pad_mode]
        raise


even = partial(clause, draws=evenly)
even("PAD-005", pad_mode=FILLED, also=(*AROUND, *SURROUNDED))(test_as_numpy_pads)
for mode in FILLED:
    also = [case for case in (*ENDING, *AROUND) if case.pad_mode == mode]
    even(CLAUSES[mode], share=0.5, also=also, pad_mode=[mode])(test_as_numpy_pads)


@square(
    "PAD-010",
    needs=["refusals", "pad_value", "mode:padding", "pad:constant"],
    dtype=("uint8", "int32"),
    scatter=ANY,
)
def test_refuses_values_that_it_need_not(run: CaseRun) -> None:
    """A pad value that the dtype cannot hold is refused by every image."""
    span = np.iinfo(run.case.dtype)
    for value in (0.5, int(span.max) + 1, int(span.min) - 1):
        case = replace(run.case, mode="padding", pad_value=value)
        refuses_case(run, "tile", case, f"{case.dtype} cannot hold {value}")


def elsewhere(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases in modes without padding, and scattered ones, that set padding."""
    settings = {"pad_value", "pad_side:both", *(f"pad:{mode}" for mode in FILLED)}
    if not settings & features:
        raise Unsupported(" or ".join(sorted(settings)))
    odd = st.sampled_from([0.5, 7] if "pad_value" in features else [0])
    return st.builds(
        lambda case, value: replace(case, pad_value=value),
        alike(features, **asked),
        odd,
    )


UNPADDED = each(
    ranks(Case(size=(9,), tile=(4,), stride=(4,), pad_value=7)),
    mode=OTHER_MODES,
    pad_mode=("constant", "reflect", "wrap"),
)


@clause(
    "PAD-011",
    draws=elsewhere,
    fit=BEYOND,
    mode=OTHER_MODES,
    pad_mode=ANY,
    pad_side=ANY,
    scatter=ANY,
    also=UNPADDED,
)
def test_only_pads(run: CaseRun) -> None:
    """Without padding its settings change nothing."""
    got = run.tile().array
    plain = replace(run.case, pad_mode="constant", pad_side="end", pad_value=0)
    run.reopen(plain)
    want = run.tile().array
    run.keep(got, want)
    same_numbers(got, want)
