"""MERGE: all but the mean."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import product

import numpy as np

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import (
    Mismatch,
    same_numbers,
    same_shape,
)
from reftiler_conformance.crafted_tiles import chosen, spoilt
from reftiler_conformance.draws import ANY, FLOATS, INTEGERS
from reftiler_conformance.expected import merge_of
from reftiler_conformance.features import WINDOWS
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.suite.drawn import gaps
from reftiler_conformance.suite.narrowed import ranks
from reftiler_conformance.suite.refused import refuses_case
from reftiler_conformance.tolerances import coverage_of

CROWDED = ranks(Case(size=(10,), tile=(4,), stride=(1,), seed=1))
SCATTERED = Case(size=(6, 5), tile=(4, 5), stride=(4, 5), starts=((0, 0), (2, 0)))


@clause(
    "MERGE-010",
    verb="untile",
    needs=("merge:any",),
    overlap=("some",),
    dtype=("bool",),
)
def test_any_tile_says_so(run: CaseRun) -> None:
    """Bool tiles are merged by max if nothing else is said."""
    run.merge_agrees(by="numbers")


@clause("MERGE-011", verb="untile", needs=("merge:mean", "refusals"), dtype=("bool",))
def test_bools_have_no_mean(run: CaseRun) -> None:
    """The mean of bool tiles is refused, whatever dtype= says."""
    case = replace(run.case, merge="mean")
    refuses_case(run, "untile", case, "bools have no mean")
    if {"result", "untile:float32"} <= run.features:
        wide = replace(case, result="float32")
        refuses_case(run, "untile", wide, "bools have no mean, as float32 neither")


@clause(
    "MERGE-012",
    verb="untile",
    overlap=("some",),
    merge=("max", "min"),
    dtype=FLOATS,
    also=[
        replace(case, merge=merge, dtype=dtype)
        for merge in ("max", "min")
        for dtype in ("float32", "float64")
        for case in CROWDED
    ],
)
def test_extremes_of_floats(run: CaseRun) -> None:
    """Of floats, -0.0 is less than +0.0, and NaN wins."""
    numbers = [0.0, -0.0, 0.0, -0.0, 1, -1, 2, math.nan, math.inf, -math.inf]
    several = coverage_of(run.case) > 1
    run.merge_agrees(chosen(run.case, numbers), by="numbers", where=several)


@clause(
    "MERGE-013",
    verb="untile",
    overlap=("some",),
    merge=("max", "min"),
    dtype=("int64", "uint64", "int32", "uint32"),
    content=("special",),
    also=[
        replace(case, merge=merge, dtype=dtype)
        for merge in ("max", "min")
        for dtype in ("int64", "uint64", "int32", "uint32")
        for case in (*CROWDED, SCATTERED)
    ],
)
def test_extremes_of_integers(run: CaseRun) -> None:
    """Integers are compared exactly, those of 64 bits too."""
    case = run.case
    most = int(np.iinfo(case.dtype).max)
    numbers = [2**24, 2**24 + 1, most - 1, most]  # near, if seen as floats
    if most >= 2**53:
        numbers += [2**53, 2**53 + 1]
    run.merge_agrees(chosen(case, numbers), by="numbers", where=coverage_of(case) > 1)


@clause("MERGE-014", verb="untile", needs=("refusals",), window=WINDOWS[1:])
def test_windows_have_no_extremes(run: CaseRun) -> None:
    """A window with max or min is refused."""
    extremes = [m for m in ("max", "min") if f"merge:{m}" in run.features]
    if not extremes:
        raise Unsupported("merge:max or merge:min")
    for merge in extremes:
        case = replace(run.case, merge=merge)
        refuses_case(run, "untile", case, f"{merge} takes no window")


@clause(
    "MERGE-015",
    verb="untile",
    needs=("refusals", "merge:any"),
    dtype=("bool",),
    window=WINDOWS[1:],
)
def test_bools_have_no_window(run: CaseRun) -> None:
    """A window is refused for bool tiles that nothing is said about."""
    refuses_case(run, "untile", run.case, "a window needs a mean")


@clause("MERGE-016", needs=("refusals", "untile"), draws=gaps())
def test_gaps_are_an_error(run: CaseRun) -> None:
    """Without a fill, pixels of no tile are an error."""
    run.refuses(run.untile, "pixels are in no tile and there is no fill")


@clause("MERGE-017", needs=("refusals", "untile"), draws=gaps())
def test_gaps_are_counted(run: CaseRun) -> None:
    """The error about pixels of no tile says how many there are."""
    error = run.refuses(run.untile, "pixels are in no tile and there is no fill")
    count = str(int((coverage_of(run.case) == 0).sum()))
    if count not in re.findall(r"\d+", error.words):
        raise Mismatch(f"does not say that {count} pixels are in no tile: {error}")


@clause("MERGE-018", needs=("fill", "untile"), draws=gaps(fill=(True,), dtype=ANY))
def test_gaps_are_filled(run: CaseRun) -> None:
    """Pixels of no tile have the value of fill."""
    run.merge_agrees(by="numbers", where=coverage_of(run.case) == 0)


UNFIT = {"bool": (2, 0.5), "float16": (65520,), "float32": (3.5e38,)}
UNFIT_INTEGERS = (0.5, 2**64, math.nan, math.inf, -0.0)


@clause(
    "MERGE-019",
    verb="untile",
    needs=("refusals", "fill"),
    dtype=("bool", "float16", "float32", *INTEGERS),
)
def test_fill_must_fit(run: CaseRun) -> None:
    """A fill that the result cannot hold is refused, whether or not it is needed."""
    case = run.case
    for fill in UNFIT.get(case.dtype, UNFIT_INTEGERS):
        unfit = replace(case, fill=fill)
        refuses_case(run, "untile", unfit, f"{case.dtype} cannot hold the fill {fill}")


@clause(
    "MERGE-020",
    verb="untile",
    fit=("longer", "short"),
    overlap=("none",),
    pad_side=ANY,
    pad_mode=ANY,
    also=ranks(Case(size=(6,), tile=(4,), stride=(4,), pad_side="both")),
)
def test_padding_is_cut_off(run: CaseRun) -> None:
    """The result holds the pixels of the image, and none of the padding."""
    run.merge_agrees(by="numbers")


@clause(
    "MERGE-020",
    verb="untile",
    needs=("result",),
    fit=("longer", "short"),
    overlap=("none", "some"),
    pad_side=ANY,
    dtype=FLOATS,
    result=(*FLOATS, *INTEGERS),
    also=[
        replace(case, merge=merge)
        for merge in ("mean", "max")
        for case in ranks(Case(size=(7,), tile=(4,), stride=(2,), result="uint8"))
    ],
)
def test_padding_spoils_nothing(run: CaseRun) -> None:
    """What tiles hold of the padding changes nothing, NaN included."""
    case, tiles = run.case, chosen(run.case, range(1, 9))
    merged = run.untile(tiles).array
    again = run.untile(spoilt(case, tiles, math.nan)).array
    run.keep(again, merged)
    same_numbers(again, merged)


@clause(
    "MERGE-021",
    verb="untile",
    layout=ANY,
    channels_last=ANY,
    overlap=("none", "some"),
)
def test_the_result_is_new(run: CaseRun) -> None:
    """The result is contiguous and shares no memory with the tiles."""
    answer = run.untile()
    if not answer.contiguous:
        raise Mismatch("the result is not contiguous")
    if answer.shares:
        raise Mismatch("the result shares memory with the tiles")


@clause(
    "MERGE-022",
    verb="untile",
    layout=((1, 2), (2, 1), (3, 2), (None, 3)),
    overlap=("some",),
    dtype=(*FLOATS, "uint8"),
)
def test_each_by_itself(run: CaseRun) -> None:
    """Each image and each channel has the result that it would have alone."""
    case = run.case
    odd = [math.nan, math.inf] if case.dtype in FLOATS else []
    tiles = chosen(case, [*odd, *range(1, 9)])
    got, want = run.untile(tiles).array, merge_of(case, tiles)
    run.keep(got, want)
    same_shape(got, want)
    together = got.reshape(case.batch or 1, *got.shape[-case.rank - 1 :])
    stacks = tiles.reshape(case.batch or 1, -1, *tiles.shape[1:])
    run.reopen(replace(case, batch=case.batch and 1, channels=1))
    for n, c in product(range(case.batch or 1), range(case.channels or 1)):
        alone, one = run.untile(stacks[n, :, c : c + 1]).array, together[n, c]
        if alone.size != one.size:
            raise Mismatch(f"alone the shape is {alone.shape}")
        same_numbers(one, alone.reshape(one.shape))
