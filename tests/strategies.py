"""What hypothesis draws: tilings and merges, leaning to the corners."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reftiler_conformance.draws import holds_labels
from reftiler_conformance.oracle import Settings
from reftiler_conformance.oracle.settings import Number
from reftiler_conformance.testdata import CONTENTS, WEIGHTS
from tests.cases import Case, MergeCase

MODES = ("padding", "interpolation", "clamp", "even", "drop")
PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")
WINDOWS = ("box", "triangle", "hann", "gaussian")
INTEGERS = ("uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "uint64")
NUMBERS = ("bool", *INTEGERS, "float16", "float32", "float64")
SMALL = tuple(name for name in NUMBERS if np.dtype(name).itemsize <= 4)
SWAPPED = (">f4", ">i2", ">u8", ">f2")
ODD = ("complex64", "datetime64[ns]", "S5", "V3", "U2", "u1,>f4", "timedelta64[s]")
WEIGHT_DTYPES = ("float64", "float64", "float32", "float16", "uint8", "int64", "bool")
SCALES = (Fraction(1, 2), Fraction(1), Fraction(2), Fraction(3, 2), Fraction(2, 3))
# The largest length and tile of one axis by rank: the definition is slow.
ROOM = {1: (30, 12), 2: (10, 6), 3: (5, 3)}

Axis = tuple[int, int, int, int]


@st.composite
def axes(draw: DrawFn, rank: int, *, short: bool) -> Axis:
    """Draw the length, tile, stride and border of an axis."""
    longest, largest = ROOM[rank]
    unit = draw(st.sampled_from([1, 1, 1, 2, 3]))  # so that some scales are exact
    tile = unit * draw(st.integers(1, largest // unit))
    steps = tile // unit
    stride = unit * draw(st.sampled_from([1, steps]) | st.integers(1, steps))
    room = (tile - stride) // 2 // unit
    border = unit * draw(st.just(0) | st.integers(0, room))
    count = draw(st.integers(0, 4))
    corner = tile + count * stride
    length = draw(
        st.sampled_from([tile, tile + 1, corner, corner + 1, max(tile, corner - 1)])
        | st.integers(tile, longest)
        | st.integers(1, tile if short else tile + stride)
    )
    if not short:
        length = max(length, tile)
    return min(length, max(longest, tile)), tile, stride, border


def constants(dtype: str) -> SearchStrategy[Number]:
    """Draw a number that the dtype can represent; other types know only zero."""
    if dtype == "bfloat16":
        return st.sampled_from([0, -0.0, 1, 0.5, -1.5, math.nan, math.inf, -math.inf])
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return st.sampled_from([0, 1, True, False, 1.0])
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return st.sampled_from([0, 7, 3.0, True, int(info.min), int(info.max)])
    if kind.kind == "f":
        most = float(np.finfo(kind).max)
        odd = [0, -0.0, 1, 0.1, -1.5, math.nan, math.inf, -math.inf, most, True]
        return st.sampled_from(odd)
    return st.just(0)


def custom_windows(
    tile: tuple[int, ...],
) -> SearchStrategy[tuple[tuple[float, ...], ...]]:
    """Draw a custom window: a sequence of weights for each axis."""
    weight = st.sampled_from([1.0, 2.0, 3.0, 0.1, 2.5, 1e-3, 2.0**-16, 2.0**16])
    return st.tuples(*(st.tuples(*[weight] * t) for t in tile))


@st.composite
def scatters(draw: DrawFn, spans: list[Axis]) -> tuple[tuple[int, ...], ...]:
    """Draw the starts of scattered tiles; two may be the same."""
    start = st.tuples(
        *(
            st.sampled_from([0, length - tile]) | st.integers(0, length - tile)
            for length, tile, _, _ in spans
        )
    )
    return tuple(draw(st.lists(start, min_size=1, max_size=6)))


@st.composite
def cases(
    draw: DrawFn,
    *,
    dtypes: tuple[str, ...] = NUMBERS,
    modes: tuple[str, ...] = MODES,
    contents: tuple[str, ...] = CONTENTS,
    scatter: bool = True,
    merge: bool = False,
    vote: bool = False,
) -> Case:
    """Draw a tiling and an image; with ``merge`` what matters to untile as well.

    With ``scatter`` some are of scattered or selected tiles.
    """
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    mode = draw(st.sampled_from(modes))
    scattering = scatter and draw(st.integers(0, 4)) == 0
    short = mode in ("padding", "interpolation") and not scattering
    spans = [draw(axes(rank, short=short)) for _ in range(rank)]
    size, tile, stride, border = zip(*spans, strict=True)
    dtype = draw(st.sampled_from(dtypes))
    settings: dict[str, Any] = {"border": border} if merge else {}
    if mode == "padding":
        settings["pad_mode"] = draw(st.sampled_from(PAD_MODES))
        settings["pad_side"] = draw(st.sampled_from(["end", "both"]))
        settings["pad_value"] = draw(constants(dtype))
    if merge:
        settings |= draw(mergers(dtype, tile, vote=vote))
    batch, channels = draw(
        st.sampled_from([(None, None), (None, 1), (None, 3), (1, 2), (2, 1), (2, 3)])
    )
    last = draw(st.booleans())
    case = Case(
        settings=Settings(tile, stride, mode=mode, channels_last=last, **settings),
        size=size,
        batch=batch,
        channels=channels,
        dtype=dtype,
        content=draw(st.sampled_from(contents)),
        seed=draw(st.integers(0, 2**16)),
        starts=draw(scatters(spans)) if scattering else None,
    )
    if scatter and draw(st.integers(0, 5)) == 0:
        every = range(len(case.oracle_grid.tile_specs))
        kept = draw(st.lists(st.sampled_from(every), min_size=1, unique=True))
        case = replace(case, selection=tuple(kept))
    return case


@st.composite
def mergers(
    draw: DrawFn, dtype: str, tile: tuple[int, ...], *, vote: bool = False
) -> dict[str, Any]:
    """Draw a merge and a window that a dtype allows."""
    labels = dtype != "bfloat16" and np.dtype(dtype).kind in "biu"
    votes = vote and labels and draw(st.integers(0, 5)) == 0
    if dtype == "bool" and not votes:
        return {"merge": draw(st.sampled_from([None, "max", "min"]))}
    window = draw(st.sampled_from(WINDOWS) | custom_windows(tile))
    if votes:
        return {"window": window, "merge": "vote"}
    extremes = ["max", "min", "first", "last", "center"] if window == "box" else []
    merge = draw(st.sampled_from([None, "mean", None, "mean", *extremes]))
    nans = ["propagate", "propagate", "omit"] if merge in (None, "mean") else []
    nan = draw(st.sampled_from(nans)) if nans else "propagate"
    return {"window": window, "merge": merge, "nan": nan}


def exact_scales(case: Case) -> list[list[Fraction]]:
    """Return for each axis the scales at which all its lengths are whole."""
    allowed = []
    for axis in range(case.settings.rank):
        plan = case.oracle_grid
        lengths = [start[axis] for start in plan.starts]
        lengths += [
            case.settings.tile[axis],
            case.settings.borders[axis],
            case.settings.contexts[axis],
            plan.before[axis],
            plan.frame[axis],  # of selected tiles, the last may not be there
        ]
        allowed.append(
            [q for q in SCALES if all((n * q).denominator == 1 for n in lengths)]
        )
    return allowed


@st.composite
def merges(
    draw: DrawFn,
    *,
    dtypes: tuple[str, ...] = NUMBERS,
    scaled: bool = True,
    convert: bool = True,
    goals: tuple[str, ...] = NUMBERS,
    weighed: bool = False,
) -> MergeCase:
    """Draw tiles to be merged, at any exact scale and into any dtype of some.

    With ``weighed`` some are votes, have a context, and weights of their pixels.
    """
    case = draw(cases(dtypes=dtypes, merge=True, vote=weighed))
    if weighed and case.settings.mode != "interpolation":
        case = draw(surrounded(case))
    settings = case.settings
    result = None
    if convert and draw(st.integers(0, 3)) == 0:
        bools = case.dtype == "bool"
        result = draw(
            st.sampled_from([goal for goal in goals if bools or goal != "bool"])
        )
        if settings.merge == "vote" and not holds_labels(result, case.dtype):
            result = None
    scale: tuple[Fraction, ...] = ()
    if scaled and isinstance(settings.window, str):
        scale = tuple(draw(st.sampled_from(q)) for q in exact_scales(case))
    fill = None
    if settings.mode == "drop" or case.is_irregular or draw(st.integers(0, 5)) == 0:
        fill = draw(constants(result or case.dtype))
    channels = draw(st.sampled_from([None, 1, 2]))
    weights, bare = None, False
    if weighed:
        bare = draw(st.booleans())
        means = ("mean", "vote", None if case.dtype != "bool" else "mean")
        if settings.merge in means:
            weights = draw(st.sampled_from([None, *WEIGHTS]))
        if fill is None and weights not in (None, "ordinary"):
            fill = draw(constants(result or case.dtype))
    case = replace(case, settings=replace(settings, fill=fill))
    kind = draw(st.sampled_from(WEIGHT_DTYPES)) if weights else "float64"
    return MergeCase(case, channels, scale, result, bare, weights, kind)


@st.composite
def surrounded(draw: DrawFn, case: Case) -> Case:
    """Draw a context for some tiles."""
    if draw(st.integers(0, 3)):
        return case
    sides = tuple(draw(st.integers(0, 2)) for _ in case.size)
    return replace(case, settings=replace(case.settings, context=sides))
