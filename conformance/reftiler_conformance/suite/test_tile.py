"""TILE: cutting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch, same_bits, same_numbers
from reftiler_conformance.draws import ANY, FLOATS, WIDE, wide
from reftiler_conformance.expected import tiles_of
from reftiler_conformance.features import MODES, NUMBERS, ODD, SWAPPED, Features
from reftiler_conformance.memory_layouts import LAYOUTS, with_values_for
from reftiler_conformance.needs import needs_to_tile
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.rpc import Raised
from reftiler_conformance.suite.narrowed import (
    COMBINED,
    LARGE_AXES,
    alike,
    each,
    line,
    ranks,
    square,
)
from reftiler_conformance.suite.test_grid import INSIDE
from reftiler_conformance.suite.test_pad import CLAUSES
from reftiler_conformance.suite.verbs import Verb, agrees, input_of, of_both
from reftiler_conformance.suite.wide import is_right

COLOURED = ((None, 3), (1, 2), (None, 1), (1, 1), (None, None))
MERGING = ("window", "merge", "border", "fill", "scale", "result", "maps")
NO_MERGING: dict[str, Any] = {
    f.name: f.default for f in fields(Case) if f.name in MERGING
}


@line("TILE-001", layout=COLOURED)
def test_pieces_of_the_frame(run: CaseRun) -> None:
    """A tile holds the frame's pixels from its start on, of all channels."""
    run.tiles_agree(by="numbers")


def without(case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the clause of each setting, and what is neutral in its place."""
    padded = case.mode == "padding" and case.starts is None
    modes = INSIDE | {"interpolation": "INTERP-001"}
    other = "edge" if case.pad_mode == "constant" else "constant"
    yield "TILE-007", NO_MERGING
    yield "TILE-002", {"dtype": "float32", "pad_value": 0, "fill": None}
    yield "LAYOUT-007", {"batch": None}
    yield "LAYOUT-002", {"channels_last": False}
    yield ("PAD-004" if padded else "PAD-011"), {"pad_value": 0}
    yield (CLAUSES[case.pad_mode] if padded else "PAD-011"), {"pad_mode": other}
    yield ("PAD-002" if padded else "PAD-011"), {"pad_side": "end"}
    yield "SCATTER-004", {"starts": None}
    yield modes.get(case.mode, ""), {"mode": "padding"}
    if case.rank == 4:
        flat = {"size": (7,), "tile": (3,), "stride": (2,), "starts": None}
        yield "SIZE-010", NO_MERGING | flat


def blamed(run: CaseRun) -> str:
    """Return the clause of the first setting without which the tiles are right."""
    got, want = run.evidence.got, run.evidence.want
    if got is not None and want is not None and got.shape == want.shape:
        if _reordered(got, want):
            return "LAYOUT-008"
        pairs = zip(got, want, strict=True)
        if all(_reordered(mine.ravel(), right.ravel()) for mine, right in pairs):
            return "TILE-001"  # every tile holds its own pixels
    for clause_id, neutral in without(run.case):
        other = replace(run.case, **neutral)
        asked = repr(other) != repr(run.case) and needs_to_tile(other) <= run.features
        if asked and is_right(run, other, lambda run: run.tiles_agree(by="numbers")):
            return clause_id
    return ""


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
    Case((257, 63), (17, 16), (16, 15), channels=3, channels_last=True),
    Case(size=(3, 70_001), tile=(3, 128), stride=(3, 64), mode="drop"),
    *each(LARGE_AXES, mode=["even"], dtype=["uint8"], content=["random"]),
)


BITS = WIDE | {"content": ("index", "bits")}


@clause("TILE-001", share=3, also=(*COMBINED, *LARGE), **BITS)
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
    """Every pixel has the image's bytes, −0.0 and the payload of a NaN too."""
    case, image = run.case, run.case.image()
    ones = np.full(image.nbytes, 0xFF, np.uint8)
    nans = [ones.view(image.dtype).reshape(case.shape)] if case.dtype in FLOATS else []
    for given in (image, *nans):
        want, got = tiles_of(case, given), run.tile(given).array
        run.keep(got, want)
        if got.dtype == want.dtype:
            same_bits(got, want)
        elif case.dtype not in ODD:  # TYPE-002's; the numbers must be there
            same_numbers(got, want)


# One tile that is the whole image is a copy as well.
ONE = Case(size=(4, 4), tile=(4, 4), stride=(4, 4), channels=2)
WHOLE = (
    *ranks(Case(size=(4,), tile=(4,), stride=(4,))),
    *each([ONE], batch=[1], mode=MODES),
    replace(ONE, channels_last=True),
)


@square(
    "TILE-003",
    also=WHOLE,
    fit=("exact", "longer"),
    scatter=ANY,
    **wide("layout", "channels_last", "mode", "dtype"),
)
def test_new_and_contiguous(run: CaseRun) -> None:
    """The tiles are contiguous and share no memory with the image."""
    answer = run.tile()
    if answer.shares:
        raise Mismatch("the tiles share memory with the image")
    if not answer.contiguous:
        raise Mismatch("the tiles are not contiguous in C order")


LAID = tuple(word for word in LAYOUTS if word not in ("C", "swapped"))
"""Another byte order is another dtype: TYPE-002 and TYPE-008."""

PLAIN = [Case(size=(6, 8), tile=(3, 4), stride=(3, 4))]
LAID_OUT = (
    *PLAIN,
    Case(size=(7, 5), tile=(4, 4), stride=(3, 3), channels=2, seed=1),
    Case(size=(7, 5), tile=(4, 4), stride=(3, 3), batch=2, channels=3, seed=2),
    Case(size=(7, 5), tile=(4, 4), stride=(3, 3), channels=2, channels_last=True),
    Case(size=(7, 5), tile=(4, 4), stride=(3, 3), channels=2, dtype="uint8", seed=4),
    Case(size=(4, 6, 5), tile=(2, 2, 2), stride=(2, 2, 2), channels=2, seed=3),
    *each(PLAIN, dtype=(*NUMBERS, *ODD), content=["random"]),
)


@of_both("TILE-004", also=LAID_OUT, share=0.5, **WIDE | {"content": ("random",)})
def test_reads_any_memory(run: CaseRun, verb: Verb) -> None:
    """How the input lies in memory does not matter, only its values."""
    repeats, run.repeats = run.repeats, frozenset()
    given = input_of(verb, run.case)
    if _fault(run, verb, given) is not None:
        return  # it is wrong in the usual memory too
    # One of them is asked for out and other sizes too.
    usual = LAID[run.case.seed % len(LAID)]
    for memory in LAID:
        run.repeats = repeats if memory == usual else frozenset()
        error = _fault(run, verb, given, memory)
        run.repeats = frozenset()
        # These values may be wrong in the usual memory too.
        if error is None or _fault(run, verb, with_values_for(given, memory)):
            continue
        message = f"{verb} of an input that is {memory}: {error}"
        mask = getattr(error, "mask", None)
        raise Mismatch(message, mask, getattr(error, "clause", "")) from error


def _fault(
    run: CaseRun, verb: Verb, given: Array, memory: str = "C"
) -> Mismatch | Raised | None:
    """Return what is wrong; nothing if the library has no such arrays."""
    try:
        agrees(run, verb, given, memory=memory)
    except Unsupported:
        return None
    except (Mismatch, Raised) as error:
        return error
    return None


def merged(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases whose merging differs from the plain one."""
    words = ("border", "window:", "merge:max", "merge:min", "fill")
    if not any(name.startswith(words) for name in features):
        raise Unsupported(" or ".join(words))
    return alike(features, **asked)


@clause("TILE-007", draws=merged, **wide("mode", "window", "merge", "border", "fill"))
def test_merging_is_no_cutting(run: CaseRun) -> None:
    """Border removal, window, merge and fill do not change the tiles."""
    got = run.tile().array
    run.reopen(replace(run.case, **NO_MERGING))
    want = run.tile().array
    run.keep(got, want)
    same_numbers(got, want)
