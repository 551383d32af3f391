"""MERGE: all but the mean."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import product

import numpy as np

from reftiler_conformance.bounds import taking_part
from reftiler_conformance.cases import Case
from reftiler_conformance.compare import (
    Mismatch,
    same_numbers,
    same_shape,
)
from reftiler_conformance.crafted import chosen, spoilt
from reftiler_conformance.drawn import gaps
from reftiler_conformance.draws import ANY, FLOATS, INTEGERS
from reftiler_conformance.expected import merge_of
from reftiler_conformance.features import WINDOWS
from reftiler_conformance.lines import ranks
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.refused import refuses_case
from reftiler_conformance.registry import check
from reftiler_conformance.trial import Trial

CROWDED = ranks(Case(size=(10,), tile=(4,), stride=(1,), seed=1))
SCATTERED = Case(size=(6, 5), tile=(4, 5), stride=(4, 5), starts=((0, 0), (2, 0)))


@check(
    "MERGE-010",
    verb="untile",
    needs=("merge:any",),
    overlap=("some",),
    dtype=("bool",),
)
def any_tile_says_so(trial: Trial) -> None:
    """Bool tiles are merged by max if nothing else is said."""
    trial.merge_agrees(by="numbers")


@check("MERGE-011", verb="untile", needs=("merge:mean", "refusals"), dtype=("bool",))
def bools_have_no_mean(trial: Trial) -> None:
    """The mean of bool tiles is refused, whatever dtype= says."""
    case = replace(trial.case, merge="mean")
    refuses_case(trial, "untile", case, "bools have no mean")
    if {"result", "untile:float32"} <= trial.features:
        wide = replace(case, result="float32")
        refuses_case(trial, "untile", wide, "bools have no mean, as float32 neither")


@check(
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
def extremes_of_floats(trial: Trial) -> None:
    """Of floats, -0.0 is less than +0.0, and NaN wins."""
    numbers = [0.0, -0.0, 0.0, -0.0, 1, -1, 2, math.nan, math.inf, -math.inf]
    several = taking_part(trial.case) > 1
    trial.merge_agrees(chosen(trial.case, numbers), by="numbers", where=several)


@check(
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
def extremes_of_integers(trial: Trial) -> None:
    """Integers are compared exactly, those of 64 bits too."""
    case = trial.case
    most = int(np.iinfo(case.dtype).max)
    numbers = [2**24, 2**24 + 1, most - 1, most]  # near, if seen as floats
    if most >= 2**53:
        numbers += [2**53, 2**53 + 1]
    trial.merge_agrees(chosen(case, numbers), by="numbers", where=taking_part(case) > 1)


@check("MERGE-014", verb="untile", needs=("refusals",), window=WINDOWS[1:])
def windows_have_no_extremes(trial: Trial) -> None:
    """A window with max or min is refused."""
    extremes = [m for m in ("max", "min") if f"merge:{m}" in trial.features]
    if not extremes:
        raise Unsupported("merge:max or merge:min")
    for merge in extremes:
        case = replace(trial.case, merge=merge)
        refuses_case(trial, "untile", case, f"{merge} takes no window")


@check(
    "MERGE-015",
    verb="untile",
    needs=("refusals", "merge:any"),
    dtype=("bool",),
    window=WINDOWS[1:],
)
def bools_have_no_window(trial: Trial) -> None:
    """A window is refused for bool tiles that nothing is said about."""
    refuses_case(trial, "untile", trial.case, "a window needs a mean")


@check("MERGE-016", needs=("refusals", "untile"), draws=gaps())
def gaps_are_an_error(trial: Trial) -> None:
    """Without a fill, pixels of no tile are an error."""
    trial.refuses(trial.untile, "pixels are in no tile and there is no fill")


@check("MERGE-017", needs=("refusals", "untile"), draws=gaps())
def gaps_are_counted(trial: Trial) -> None:
    """The error about pixels of no tile says how many there are."""
    error = trial.refuses(trial.untile, "pixels are in no tile and there is no fill")
    count = str(int((taking_part(trial.case) == 0).sum()))
    if count not in re.findall(r"\d+", error.words):
        raise Mismatch(f"does not say that {count} pixels are in no tile: {error}")


@check("MERGE-018", needs=("fill", "untile"), draws=gaps(fill=(True,), dtype=ANY))
def gaps_are_filled(trial: Trial) -> None:
    """Pixels of no tile have the value of fill."""
    trial.merge_agrees(by="numbers", where=taking_part(trial.case) == 0)


UNFIT = {"bool": (2, 0.5), "float16": (65520,), "float32": (3.5e38,)}
UNFIT_INTEGERS = (0.5, 2**64, math.nan, math.inf, -0.0)


@check(
    "MERGE-019",
    verb="untile",
    needs=("refusals", "fill"),
    dtype=("bool", "float16", "float32", *INTEGERS),
)
def fill_must_fit(trial: Trial) -> None:
    """A fill that the result cannot hold is refused, whether or not it is needed."""
    case = trial.case
    for fill in UNFIT.get(case.dtype, UNFIT_INTEGERS):
        unfit = replace(case, fill=fill)
        refuses_case(
            trial, "untile", unfit, f"{case.dtype} cannot hold the fill {fill}"
        )


@check(
    "MERGE-020",
    verb="untile",
    fit=("longer", "short"),
    overlap=("none",),
    pad_side=ANY,
    pad_mode=ANY,
    also=ranks(Case(size=(6,), tile=(4,), stride=(4,), pad_side="both")),
)
def padding_is_cut_off(trial: Trial) -> None:
    """The result holds the pixels of the image, and none of the padding."""
    trial.merge_agrees(by="numbers")


@check(
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
def padding_spoils_nothing(trial: Trial) -> None:
    """What tiles hold of the padding changes nothing, NaN included."""
    case, tiles = trial.case, chosen(trial.case, range(1, 9))
    merged = trial.untile(tiles).array
    again = trial.untile(spoilt(case, tiles, math.nan)).array
    trial.keep(again, merged)
    same_numbers(again, merged)


@check(
    "MERGE-021",
    verb="untile",
    layout=ANY,
    channels_last=ANY,
    overlap=("none", "some"),
)
def the_result_is_new(trial: Trial) -> None:
    """The result is contiguous and shares no memory with the tiles."""
    answer = trial.untile()
    if not answer.contiguous:
        raise Mismatch("the result is not contiguous")
    if answer.shares:
        raise Mismatch("the result shares memory with the tiles")


@check(
    "MERGE-022",
    verb="untile",
    layout=((1, 2), (2, 1), (3, 2), (None, 3)),
    overlap=("some",),
    dtype=(*FLOATS, "uint8"),
)
def each_by_itself(trial: Trial) -> None:
    """Each image and each channel has the result that it would have alone."""
    case = trial.case
    odd = [math.nan, math.inf] if case.dtype in FLOATS else []
    tiles = chosen(case, [*odd, *range(1, 9)])
    got, want = trial.untile(tiles).array, merge_of(case, tiles)
    trial.keep(got, want)
    same_shape(got, want)
    together = got.reshape(case.batch or 1, *got.shape[-case.rank - 1 :])
    stacks = tiles.reshape(case.batch or 1, -1, *tiles.shape[1:])
    trial.reopen(replace(case, batch=case.batch and 1, channels=1))
    for n, c in product(range(case.batch or 1), range(case.channels or 1)):
        alone, one = trial.untile(stacks[n, :, c : c + 1]).array, together[n, c]
        if alone.size != one.size:
            raise Mismatch(f"alone the shape is {alone.shape}")
        same_numbers(one, alone.reshape(one.shape))
