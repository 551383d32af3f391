"""MERGE: weights of pixels, which ``untile`` is given beside the tiles."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun, Evidence
from reftiler_conformance.cases import Array, Case
from reftiler_conformance.check import clause
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.draws import ANY, FLOATS, cases, wide
from reftiler_conformance.features import MERGES, NUMBERS, WEIGHTED, Features
from reftiler_conformance.needs import needs_to_untile
from reftiler_conformance.rpc import Raised
from reftiler_conformance.slices import values
from reftiler_conformance.suite.narrowed import each, ranks
from reftiler_conformance.suite.test_context import NATIVE, surrounded
from reftiler_conformance.suite.verbs import refuses_case
from reftiler_conformance.suite.wide import EVERY, PLACES, agrees
from reftiler_conformance.testdata import BAD_SHAPES, BAD_WEIGHTS, WEIGHTS, chosen

MEANS = (None, "mean")
WORDS = tuple(WEIGHTS)
LABELS = ("uint8", "int16", "int64", "uint64")
weighed = partial(clause, needs=["weights", "exact"])
filled = partial(clause, needs=["weights", "exact", "fill"])
refused = partial(clause, verb="untile", needs=["weights", "refusals"])

SEVERAL: dict[str, Any] = EVERY | {"layout": ANY, "maps": ("same", None, 2)}
CROWDED = ranks(Case(size=(12,), tile=(4,), stride=(1,), fill=7))
WINDOWED = each(
    CROWDED, weights=["ordinary"], window=["box", "hann"], dtype=["float64"]
)


def is_right(run: CaseRun, tiles: Array | None = None) -> None:
    """Fail unless a merge is right, blaming what is wrong without weights as well."""
    tiles = run.case.tiles() if tiles is None else tiles
    try:
        run.merge_agrees(tiles, by="numbers")
    except (Mismatch, Raised):
        case, got = replace(run.case, weights=None), run.evidence
        plain = replace(run, case=case, evidence=Evidence(), repeats=frozenset())
        plain.reopen()
        agrees(plain, lambda c: tiles if c is case else c.tiles(), by="coarse")
        run.evidence = got
        raise


@weighed(
    "MERGE-035",
    merge=MEANS,
    dtype=(*FLOATS, "uint8", "int64"),
    content=("random",),
    weights=("ordinary", "extreme"),
    also=each(WINDOWED, content=["random"], seed=[0, 1]),
    **SEVERAL,
)
def test_the_mean_of_pixels_with_weights(run: CaseRun) -> None:
    """A weight multiplies that of the window, and is the same for all channels."""
    is_right(run)


@weighed(
    "MERGE-035",
    merge=("vote",),
    dtype=LABELS,
    weights=("ordinary", "extreme"),
    also=each(CROWDED, merge=["vote"], weights=["ordinary"], dtype=["uint8"]),
    **SEVERAL,
)
def test_the_vote_of_pixels_with_weights(run: CaseRun) -> None:
    """The label of the largest sum of such weights wins."""
    is_right(run, chosen(run.case, [1, 2, 3]))


def with_context(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases of tiles with a context, whose weights have it too."""
    return cases(features, **asked).map(surrounded)


@weighed(
    "MERGE-036",
    needs=["weights", "exact", "context"],
    draws=with_context,
    merge=MEANS,
    dtype=("float32", "float64"),
    content=("random",),
    weights=("ordinary",),
    **PLACES | wide("scale", "border") | {"mode": NATIVE},
)
def test_weights_have_the_context(run: CaseRun) -> None:
    """Tiles with a context have weights with it, and they are dropped likewise."""
    is_right(run)


@refused("MERGE-036", layout=ANY, **wide("channels_last", "window"))
def test_other_shapes_are_refused(run: CaseRun) -> None:
    """Weights of another shape than the tiles without their channels are refused."""
    for word in BAD_SHAPES:
        case = replace(run.case, weights=word)
        refuses_case(run, "untile", case, f"weights have a wrong shape: {word}")


def spoilt(case: Case) -> Array:
    """Return tiles with NaN or an extreme where their weight is 0."""
    tiles, given = case.tiles().copy(), case.pixel_weights()
    assert given is not None
    zero = values(given) == 0
    if case.depth is not None:
        zero = zero[..., None] if case.channels_last else zero[:, None]
    poison: float = math.nan
    if case.dtype not in FLOATS:
        poison = int(np.iinfo(case.dtype).max)
    if case.dtype != "bfloat16":
        tiles[np.broadcast_to(zero, tiles.shape)] = poison
    return tiles


@filled(
    "MERGE-037",
    merge=(*MEANS, "vote"),
    dtype=(*FLOATS, "uint8", "int64"),
    content=("random", "special"),
    weights=("zeros", "zeros", "none", "extreme"),
    also=each(CROWDED, weights=["zeros"], dtype=["float64", "int64"], seed=[0, 1]),
    **SEVERAL | {"fill": (True,)},
)
def test_no_weight_takes_no_part(run: CaseRun) -> None:
    """Where the weight is 0 a tile changes nothing; where all are 0 there is fill."""
    is_right(run, spoilt(run.case))


@filled(
    "MERGE-037",
    dtype=("float32", "float64", "int64"),
    content=("bits",),
    weights=("zeros",),
    also=each(CROWDED, weights=["zeros"], dtype=["int64"], content=["bits"]),
    **SEVERAL | {"fill": (True,)},
)
def test_a_lone_weight_is_a_copy(run: CaseRun) -> None:
    """What one tile alone has a weight for is copied, to the bit."""
    case = run.case
    tiles = spoilt(case) if case.dtype == "int64" else case.tiles()
    is_right(run, tiles)


@refused("MERGE-037", layout=ANY, **wide("window", "scatter"))
def test_no_weight_needs_a_fill(run: CaseRun) -> None:
    """Where all weights are 0 and there is no fill, that is an error."""
    case = replace(run.case, weights="none", fill=None)
    refuses_case(run, "untile", case, "no pixel has a weight and there is no fill")


@filled(
    "MERGE-038",
    merge=MEANS,
    dtype=("float64",),
    content=("random",),
    weights=("ordinary", "zeros"),
    weights_dtype=NUMBERS,
    also=each(
        CROWDED,
        weights=["ordinary"],
        weights_dtype=["bool", "int64", "uint64", "float16", "uint8"],
        dtype=["float64"],
        content=["random"],
    ),
    **PLACES | wide("window") | {"fill": (True,)},
)
def test_weights_of_any_dtype(run: CaseRun) -> None:
    """Weights are of bool or of any number, and count as float64."""
    is_right(run)


@refused("MERGE-038")
def test_weights_are_real(run: CaseRun) -> None:
    """Complex weights are refused."""
    case = replace(run.case, weights="ordinary", weights_dtype="complex64")
    refuses_case(run, "untile", case, "complex numbers are no weights")


@refused("MERGE-039", layout=ANY, share=2.0, **wide("window", "border", "fit", "mode"))
def test_bad_weights_are_refused(run: CaseRun) -> None:
    """Negative weights, NaN, infinities and those that sums would lose are refused."""
    for word in BAD_WEIGHTS:
        case = replace(run.case, weights=word, fill=0)
        refuses_case(run, "untile", case, f"a weight is {BAD_WEIGHTS[word]!r}")


@refused("MERGE-040", dtype=("uint8", "float32", "bool"))
def test_only_means_and_votes_have_weights(run: CaseRun) -> None:
    """Weights are refused where a merge weighs nothing."""
    merges = [None] if run.case.dtype == "bool" else [*MERGES]
    for merge in merges:
        case = replace(run.case, merge=merge, weights="ordinary")
        if merge in WEIGHTED and merge is not None:
            continue
        if needs_to_untile(case) <= run.features:
            refuses_case(run, "untile", case, f"merge={merge} has no weights")


@filled(
    "MERGE-041",
    needs=["weights", "exact", "fill", "nan:omit"],
    merge=MEANS,
    dtype=FLOATS,
    nan=("omit",),
    weights=("zeros", "zeros", "ordinary", "none"),
    also=each(
        CROWDED,
        weights=["zeros"],
        nan=["omit"],
        dtype=["float64", "float32"],
        window=["box", "hann"],
        seed=[0, 1],
    ),
    **SEVERAL | {"fill": (True,)},
)
def test_nan_is_left_out_with_weights(run: CaseRun) -> None:
    """NaN and a weight of 0 take no part; NaN alone is NaN, no weight at all fill."""
    odd = [math.nan, math.nan, math.nan, math.inf, -0.0, 1.0, 0.1]
    is_right(run, chosen(run.case, odd[:4] if run.case.seed % 2 else odd))
