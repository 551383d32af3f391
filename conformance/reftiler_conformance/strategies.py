"""What is drawn for a subject: cases within its features, leaning to the corners."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reftiler_conformance.cases import Case, Sizes, as_dtype
from reftiler_conformance.draws import ANY, Draw
from reftiler_conformance.features import Features
from reftiler_conformance.oracle.settings import Number

SCALES = (Fraction(1, 2), Fraction(2), Fraction(3, 2), Fraction(2, 3), Fraction(3))
# The largest length and tile of one axis by rank: the definition is slow.
ROOM = {1: (30, 12), 2: (12, 6), 3: (6, 3)}

EXTENDING = ("padding", "interpolation")

Axis = tuple[int, int, int, int]


def cases(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """
    Return what draws cases for a subject.

    Parameters
    ----------
    features
        What the subject claims.
    **asked
        The fields of `Draw`; what is not named stays neutral.

    Raises
    ------
    Unsupported
        If the subject claims nothing of what is asked in some field.
    """
    return _cases(Draw(**asked).within(features), "unequal" in features)


@st.composite
def _cases(draw: DrawFn, wanted: Draw, unequal: bool) -> Case:
    rank = _one(draw, wanted.rank)
    scattering = _one(draw, wanted.scatter)
    scale = _one(draw, wanted.scale)
    spans = _spans(draw, wanted, rank, unequal, bool(scale))
    mode = _one(draw, wanted.mode)
    if scattering or mode not in EXTENDING:  # no tile may reach beyond the image
        spans = [(max(span[0], span[1]), *span[1:]) for span in spans]
    size, tile, stride, border = (tuple(side) for side in zip(*spans, strict=True))
    dtype = _one(draw, wanted.dtype)
    result = _one(draw, wanted.result)
    batch, channels = _one(draw, wanted.layout)
    window = _one(draw, wanted.window)
    case = Case(
        size=size,
        tile=tile,
        stride=stride,
        batch=batch,
        channels=channels,
        mode=mode,
        pad_mode=_one(draw, wanted.pad_mode),
        pad_side=_one(draw, wanted.pad_side),
        pad_value=draw(constants(dtype)) if wanted.pad_value == ANY else 0,
        window=draw(_custom(tile)) if window == "custom" else window,
        merge=_one(draw, _merges(wanted, dtype, window)),
        border=border if any(border) else (),
        channels_last=_one(draw, wanted.channels_last),
        dtype=dtype,
        content=_one(draw, wanted.content),
        seed=draw(_between(0, 999)),
        starts=draw(_starts(spans)) if scattering else None,
        maps=_one(draw, wanted.maps),
        result=None if result == dtype else result,
    )
    if _one(draw, wanted.fill):
        case = replace(case, fill=draw(constants(result or dtype)))
    return replace(case, scale=draw(_scale(case, scale))) if scale else case


def _one(draw: DrawFn, choices: tuple[Any, ...]) -> Any:
    """Draw a choice; where there is but one, save the draw, which is the slow part."""
    return choices[0] if len(choices) == 1 else draw(_among(choices))


# Strategies find out about themselves at their first draw: they are kept.
_among = lru_cache(maxsize=None)(st.sampled_from)
_between = lru_cache(maxsize=None)(st.integers)


def _spans(
    draw: DrawFn, wanted: Draw, rank: int, unequal: bool, scaled: bool
) -> list[Axis]:
    """Draw every axis; all alike but for the length where sides must be equal."""
    unit = draw(_among((2, 2, 3))) if scaled else 1
    first = _steps(draw, wanted, rank, unit)
    spans = []
    for axis in range(rank):
        steps = _steps(draw, wanted, rank, unit) if unequal and axis else first
        spans.append((_length(draw, wanted, rank, steps), *steps))
    return spans


def _steps(draw: DrawFn, wanted: Draw, rank: int, unit: int) -> tuple[int, int, int]:
    """Draw the tile, the stride and the border of an axis."""
    largest = max(ROOM[rank][1], 3 * unit) // unit
    overlap = _one(draw, wanted.overlap)
    border = _one(draw, wanted.border)
    if border:
        rim = draw(_between(1, (largest - 1) // 2))
        tile = draw(_between(2 * rim + 1, largest))
        most = tile - 2 * rim
        stride = most if overlap == "tight" else draw(_between(1, most))
        return unit * tile, unit * stride, unit * rim
    tile = draw(_between(2 if overlap == "some" else 1, largest))
    stride = tile if overlap != "some" else draw(_between(1, tile - 1))
    return unit * tile, unit * stride, 0


def _length(draw: DrawFn, wanted: Draw, rank: int, steps: tuple[int, ...]) -> int:
    """Draw a length that lies to the tiles as is wanted, where it can."""
    tile, stride, _ = steps
    fit = _one(draw, wanted.fit)
    if fit == "short" and tile > 1:
        return draw(_between(1, tile - 1))
    most = max(1, (ROOM[rank][0] - tile) // stride)
    count = draw(_between(0, min(4, most)))
    rest = 0
    if fit == "longer" and stride > 1:
        rest = draw(_among((1, stride - 1)) | _between(1, stride - 1))
    return tile + count * stride + rest


def _merges(wanted: Draw, dtype: str, window: str) -> tuple[str | None, ...]:
    """Return which of the merges a dtype and a window allow."""
    allowed = [None, "max", "min"] if dtype == "bool" else [None, "mean", "max", "min"]
    if window != "box":
        allowed = [None, "mean"]
    return tuple(m for m in wanted.merge if m in allowed) or (None,)


def constants(dtype: str) -> SearchStrategy[Number]:
    """Draw a number that the dtype can represent; other types know only zero."""
    if dtype == "bfloat16":
        return st.sampled_from([0, -0.0, 1, 0.1, math.nan, math.inf, 3e38])
    kind = as_dtype(dtype)
    if kind.kind == "b":
        return st.sampled_from([1, 0, True, False, 1.0])
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return st.sampled_from([7, 0, 3.0, True, int(info.min), int(info.max)])
    if kind.kind == "f":
        most = float(np.finfo(kind).max)
        odd = [1, 0, -0.0, 0.1, -1.5, math.nan, math.inf, -math.inf, most, True]
        return st.sampled_from(odd)
    return st.just(0)


def _custom(tile: Sizes) -> SearchStrategy[tuple[tuple[float, ...], ...]]:
    weight = st.sampled_from([1.0, 2.0, 3.0, 0.1, 2.5, 1e-3, 2.0**-16, 2.0**16])
    return st.tuples(*(st.tuples(*[weight] * t) for t in tile))


@st.composite
def _starts(draw: DrawFn, spans: list[Axis]) -> tuple[Sizes, ...]:
    """Draw the starts of scattered tiles; two may be the same."""
    start = st.tuples(
        *(
            st.sampled_from([0, length - tile]) | st.integers(0, length - tile)
            for length, tile, _, _ in spans
        )
    )
    return tuple(draw(st.lists(start, min_size=1, max_size=6)))


@st.composite
def _scale(draw: DrawFn, case: Case, which: str) -> tuple[Fraction, ...]:
    """Draw a scale at which all lengths of the case are whole."""
    allowed = [_scales(case, axis) for axis in range(case.rank)]
    if which == "scale:axes":
        return tuple(draw(st.sampled_from(scales)) for scales in allowed)
    common = [q for q in allowed[0] if all(q in scales for scales in allowed)]
    return (draw(st.sampled_from(common)),) * case.rank


def _scales(case: Case, axis: int) -> list[Fraction]:
    grid = case.grid
    lengths = [start[axis] for start in grid.starts]
    lengths += [case.tile[axis], case.borders[axis], grid.before[axis]]
    return [q for q in SCALES if all((n * q).denominator == 1 for n in lengths)]
