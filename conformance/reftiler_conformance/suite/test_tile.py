"""TILE: cutting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch, same_bits, same_numbers
from reftiler_conformance.draws import ANY, FLOATS, WIDE
from reftiler_conformance.expected import tiles_of
from reftiler_conformance.features import (
    MODES,
    NUMBERS,
    ODD,
    SWAPPED,
    Features,
)
from reftiler_conformance.needs import needs_to_tile
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.suite.narrowed import (
    COMBINED,
    alike,
    each,
    large_axes,
    line,
    ranks,
    square,
)
from reftiler_conformance.suite.wide import is_right

COLOURED = ((None, 3), (1, 2), (None, 1), (1, 1), (None, None))
MERGING: dict[str, Any] = {
    "window": "box",
    "merge": None,
    "border": (),
    "fill": None,
    "scale": (),
    "result": None,
    "maps": "same",
}
MERGING_FEATURES = ("border", "window:", "merge:max", "merge:min", "fill")


@line("TILE-001", layout=COLOURED)
def test_pieces_of_the_frame(run: CaseRun) -> None:
    """A tile holds the frame's pixels from its start on, of all channels."""
    run.tiles_agree(by="numbers")


CLAUSE_OF = {
    "interpolation": "INTERP-001",
    "clamp": "GRID-004",
    "even": "GRID-005",
    "drop": "GRID-006",
    "constant": "PAD-004",
    "edge": "PAD-006",
    "wrap": "PAD-007",
    "symmetric": "PAD-008",
    "reflect": "PAD-009",
}


def without(case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the clause of each setting, and what is neutral in its place."""
    padded = case.mode == "padding" and case.starts is None
    yield "TILE-007", MERGING
    yield "TILE-002", {"dtype": "float32", "pad_value": 0, "fill": None}
    yield "LAYOUT-007", {"batch": None}
    yield "LAYOUT-002", {"channels_last": False}
    yield ("PAD-004" if padded else "PAD-011"), {"pad_value": 0}
    yield (
        CLAUSE_OF[case.pad_mode] if padded else "PAD-011",
        {"pad_mode": "edge" if case.pad_mode == "constant" else "constant"},
    )
    yield ("PAD-002" if padded else "PAD-011"), {"pad_side": "end"}
    yield "SCATTER-004", {"starts": None}
    yield CLAUSE_OF.get(case.mode, ""), {"mode": "padding"}
    if case.rank == 4:
        flat = {"size": (7,), "tile": (3,), "stride": (2,), "starts": None}
        yield "SIZE-010", MERGING | flat


def blamed(run: CaseRun) -> str:
    """Return the clause of the first setting without which the tiles are right."""
    got, want = run.evidence.got, run.evidence.want
    if got is not None and want is not None and got.shape == want.shape:
        if _reordered(got, want):
            return "LAYOUT-008"
        if all(
            _reordered(a.ravel(), b.ravel()) for a, b in zip(got, want, strict=True)
        ):
            return "TILE-001"  # every tile holds its own pixels
    for clause_id, neutral in without(run.case):
        other = replace(run.case, **neutral)
        if repr(other) != repr(run.case) and _is_right(run, other):
            return clause_id
    return ""


def _is_right(run: CaseRun, case: Case) -> bool:
    return needs_to_tile(case) <= run.features and is_right(
        run, case, lambda other: other.tiles_agree(by="numbers")
    )


def _reordered(got: Array, want: Array) -> bool:
    """Say whether these are the right items in another order."""
    return sorted(t.tobytes() for t in got) == sorted(t.tobytes() for t in want)


# Many tiles, on regular and irregular places; sides that are prime, powers of two, or
# next to one.
LARGE = (
    Case(size=(400, 600), tile=(100, 200), stride=(50, 100), channels=1),
    Case(size=(521, 437), tile=(41, 37), stride=(40, 25), channels=2, mode="clamp"),
    Case(size=(513, 255), tile=(64, 64), stride=(31, 31), dtype="uint8", mode="even"),
    Case(size=(63, 65, 33), tile=(32, 33, 16), stride=(31, 16, 15), channels=1),
    Case(size=(127, 129), tile=(32, 32), stride=(16, 16), channels=65, batch=3),
    Case(
        size=(257, 63), tile=(17, 16), stride=(16, 15), channels=3, channels_last=True
    ),
    Case(size=(3, 70_001), tile=(3, 128), stride=(3, 64), mode="drop"),
    *large_axes(mode="even", dtype="uint8", content="random"),
)


@clause(
    "TILE-001",
    share=3,
    also=(*COMBINED, *LARGE),
    **WIDE | {"content": ("index", "bits")},
)
def test_every_combination(run: CaseRun) -> None:
    """Whatever the settings, a tile holds the pixels from its start on."""
    try:
        run.tiles_agree(by="numbers")
    except Mismatch as fault:
        fault.clause = fault.clause or blamed(run)
        raise


SPECIAL = each(
    ranks(Case(size=(40,), tile=(9,), stride=(9,), content="special")), dtype=FLOATS
)


@line(
    "TILE-002",
    share=1.5,
    dtype=(*NUMBERS, *ODD, *SWAPPED, *FLOATS),
    content=("bits", "special"),
    layout=COLOURED,
    also=SPECIAL,
)
def test_moves_bits(run: CaseRun) -> None:
    """Every pixel has the image's bytes, NaN and −0.0 too."""
    moves_bits(run, run.case.image())


@clause("TILE-002", only=SPECIAL)
def test_moves_payloads(run: CaseRun) -> None:
    """The sign and the payload of a NaN are moved as they are."""
    case = run.case
    ones = np.full(case.image().nbytes, 0xFF, np.uint8)
    moves_bits(run, ones.view(case.numpy_dtype).reshape(case.shape))


def moves_bits(run: CaseRun, image: Array) -> None:
    """Fail unless the tiles have the image's bytes."""
    want, got = tiles_of(run.case, image), run.tile(image).array
    run.keep(got, want)
    if got.dtype == want.dtype:
        same_bits(got, want)
    elif run.case.dtype not in ODD:  # TYPE-002's; the numbers must be there
        same_numbers(got, want)


# One tile that is the whole image is a copy as well.
WHOLE = (
    *ranks(Case(size=(4,), tile=(4,), stride=(4,))),
    *(
        Case(size=(4, 4), tile=(4, 4), stride=(4, 4), batch=1, channels=2, mode=mode)
        for mode in MODES
    ),
    Case(size=(4, 4), tile=(4, 4), stride=(4, 4), channels=2, channels_last=True),
)


@square(
    "TILE-003",
    also=WHOLE,
    layout=ANY,
    mode=ANY,
    fit=("exact", "longer"),
    channels_last=ANY,
    dtype=ANY,
    scatter=ANY,
)
def test_new_and_contiguous(run: CaseRun) -> None:
    """The tiles are contiguous and share no memory with the image."""
    answer = run.tile()
    if answer.shares:
        raise Mismatch("the tiles share memory with the image")
    if not answer.contiguous:
        raise Mismatch("the tiles are not contiguous in C order")


def merged(features: Features) -> SearchStrategy[Case]:
    """Draw cases whose merging differs from the plain one."""
    if not any(name.startswith(MERGING_FEATURES) for name in features):
        raise Unsupported(" or ".join(MERGING_FEATURES))
    return alike(mode=ANY, window=ANY, merge=ANY, border=ANY, fill=ANY)(features)


@clause("TILE-007", needs=["tile"], draws=merged)
def test_merging_is_no_cutting(run: CaseRun) -> None:
    """Border removal, window, merge and fill do not change the tiles."""
    got = run.tile().array
    run.reopen(replace(run.case, **MERGING))
    want = run.tile().array
    run.keep(got, want)
    same_numbers(got, want)
