"""What a check asks to be drawn, and what is drawn of it within a subject's claims."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from reftiler_conformance.cases import Case, Sizes, as_dtype
from reftiler_conformance.features import (
    MERGES,
    MODES,
    NUMBERS,
    ODD,
    PAD_MODES,
    SWAPPED,
    WEIGHTED,
    WINDOWS,
    Features,
)
from reftiler_conformance.needs import layout_word
from reftiler_conformance.oracle.axis import EXTENDING
from reftiler_conformance.oracle.settings import Number
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.testdata import CONTENTS, WEIGHTS

ANY = ("any",)  # all that the subject claims

SMALL = tuple(n for n in NUMBERS if n == "bfloat16" or np.dtype(n).itemsize <= 4)
"""The dtypes whose round trip is exact under every overlap."""

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = tuple(name for name in NUMBERS if "int" in name)

LAYOUTS = ((None, None), (None, 1), (1, 1), (None, 3), (1, 2), (2, 1), (3, 2))
"""Pairs of batch and channels."""

SINGLE = LAYOUTS[:3]
"""Layouts of one image of one channel; the first that is supported is neutral."""

Choice = tuple[Any, ...]
Span = tuple[int, int, int, int]


@dataclass(frozen=True)
class Draw:
    """What a check asks for: in each field a tuple of choices, or ``ANY``.

    By default everything is neutral, so that a check is about one thing. In some fields
    nothing, ``()``, means the first choice that the subject claims.
    """

    verb: str = "tile"  # of which the dtypes must be supported
    rank: Choice = (2, 1, 3)
    layout: Choice = ()
    channels_last: Choice = ()
    count: Choice = ("few",)  # or many: 15 tiles and more along the first axis
    fit: Choice = ("exact",)  # longer: a remainder is left; short: less than a tile
    overlap: Choice = ("none", "some")  # or tight: one tile takes part in every pixel
    mode: Choice = ("padding",)
    pad_mode: Choice = ()
    pad_side: Choice = ()
    pad_value: Choice = (0,)
    window: Choice = ("box",)
    merge: Choice = (None,)
    border: Choice = (False,)
    fill: Choice = (False,)
    nan: Choice = ("propagate",)
    weights: Choice = (None,)
    weights_dtype: Choice = ("float64",)
    maps: Choice = ("same",)
    scale: Choice = ("",)  # scale: one of all axes; scale:axes
    dtype: Choice = ("float32", "uint8", "float64", "float16", "int32")
    result: Choice = (None,)
    content: Choice = ("index",)
    scatter: Choice = (False,)
    uncovered: Choice = ("any",)  # filled: pixels of no tile get a fill, or tiles

    def within(self, features: Features) -> Draw:
        """Return what is left for a subject, or raise `Unsupported`."""
        left: dict[str, Any] = {
            field.name: self._left(field.name, features)
            for field in fields(self)
            if field.name != "verb"
        }
        if not left["mode"] and "exact" in left["fit"]:  # no mode matters there
            left |= {"mode": ("padding",), "fit": ("exact",)}
        if left["fit"] == ("exact",):  # nor does padding
            left |= {"pad_mode": ("constant",), "pad_side": ("end",)}
        elif "padding" not in left["mode"]:
            left["pad_mode"] = left["pad_mode"] or ("constant",)
            left["pad_side"] = left["pad_side"] or ("end",)
        for name, choices in left.items():
            if not choices:
                asked = " or ".join(map(str, getattr(self, name)))
                raise Unsupported(f"{name} {asked}")
        return replace(self, **left)

    def _left(self, name: str, features: Features) -> Choice:
        asked: Choice = getattr(self, name)
        if name == "layout":
            wanted = LAYOUTS if asked == ANY else asked or SINGLE
            found = tuple(pair for pair in wanted if layout_word(*pair) in features)
            return found if asked else found[:1]
        everything, free, word = _SPACE[name]
        if name == "dtype":
            everything += ODD if self.verb == "tile" else ()
            word = f"{self.verb}:{{}}"
        wanted = everything if asked in ((), ANY) else asked
        left = tuple(c for c in wanted if c in free or word.format(c) in features)
        if name == "channels_last" and "channels_last:only" in features:
            left = tuple(last for last in left if last)
        if name == "result":  # what is merged into must be known too
            left = tuple(n for n in left if n in free or f"untile:{n}" in features)
        return left if asked else left[:1]


WIDE: dict[str, Any] = {
    **dict.fromkeys(("rank", "layout", "channels_last"), ANY),
    **dict.fromkeys(("count", "fit", "mode"), ANY),
    **dict.fromkeys(("pad_mode", "pad_side", "pad_value", "dtype"), ANY),
    **dict.fromkeys(("window", "merge", "border", "fill", "maps"), ANY),
    # What is written more than once is drawn more often.
    "scale": ("", "", "", "scale", "scale:axes"),
    "result": (*[None] * 10, *NUMBERS),
    "scatter": (False, False, False, True),
    "content": ("index", "random"),
    "uncovered": ("filled",),
}
"""Asks for every setting at once, wherever SPEC.md allows it beside the others."""


def wide(*fields: str) -> dict[str, Any]:
    """Return what `WIDE` asks for in these fields."""
    return {name: WIDE[name] for name in fields}


COUNT = ("few", "few", "few", "many")  # many are slow
UNCOVERED = ("any", "filled")

# Of each field all that can be asked, what every subject can, and the feature of the
# rest.
_SPACE: dict[str, tuple[Choice, Choice, str]] = {
    "rank": ((2, 1, 3, 4), (), "rank:{}"),
    "dtype": ((*NUMBERS, *SWAPPED), (), ""),
    "channels_last": ((False, True), (False,), "channels_last"),
    "fit": (("exact", "longer", "short"), ("exact", "longer"), "short"),
    "overlap": (("none", "some"), ("none",), "overlap"),
    "mode": (MODES, (), "mode:{}"),
    "pad_mode": (PAD_MODES, (), "pad:{}"),
    "pad_side": (("end", "both"), (), "pad_side:{}"),
    "pad_value": ((0, "any"), (0,), "pad_value"),
    "window": ((*WINDOWS, "custom"), ("box",), "window:{}"),
    "merge": ((None, *MERGES), (None,), "merge:{}"),
    "border": ((False, True), (False,), "border"),
    "fill": ((False, True), (False,), "fill"),
    "nan": (("propagate", "omit"), ("propagate",), "nan:{}"),
    "weights": ((None, *WEIGHTS), (None,), "weights"),
    "weights_dtype": (NUMBERS, ("float64",), "untile:{}"),
    "maps": (("same", None, 1, 2), ("same",), "maps"),
    "scale": (("", "scale", "scale:axes"), ("",), "{}"),
    "result": ((None, *NUMBERS), (None,), "result"),
    "scatter": ((False, True), (False,), "scatter"),
    "content": (CONTENTS, CONTENTS, ""),
    "count": (COUNT, COUNT, ""),
    "uncovered": (UNCOVERED, UNCOVERED, ""),
}


SCALES = tuple(map(Fraction, ("1/2", "2", "3/2", "2/3", "3", "1/4", "4", "1/8", "7/5")))
# The largest length and tile of one axis by rank: the oracle is slow.
ROOM = {1: (30, 12), 2: (12, 6), 3: (6, 3), 4: (4, 2)}
# Sides are multiples of one of these where tiles are scaled.
UNITS = {1: (2, 3, 4, 5, 8), 2: (2, 2, 3, 4, 5, 8), 3: (2,), 4: (2,)}
# The most pixels of a scaled result.
PIXELS = 2500


def cases(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Return what draws cases for a subject, by fields of `Draw`; or `Unsupported`."""
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
    if result in (dtype, "bool"):  # TYPE-007: only bools become bools
        result = None
    batch, channels = _one(draw, wanted.layout)
    window, merge = _weighing(draw, wanted, (dtype, result), bool(scale))
    case = Case(
        size=size,
        tile=tile,
        stride=stride,
        batch=batch,
        channels=channels,
        mode=mode,
        pad_mode=_one(draw, wanted.pad_mode),
        pad_side=_one(draw, wanted.pad_side),
        pad_value=draw(constants(dtype)) if "any" in wanted.pad_value else 0,
        window=draw(_custom(tile)) if window == "custom" else window,
        merge=merge,
        border=border if any(border) else (),
        channels_last=_one(draw, wanted.channels_last),
        dtype=dtype,
        content=_one(draw, wanted.content),
        seed=draw(_between(0, 999)),
        starts=_starts(draw, spans) if scattering else None,
        maps=_one(draw, wanted.maps),
        result=result,
        nan=_one(draw, wanted.nan),
    )
    usual = "max" if dtype == "bool" else "mean"
    if wanted.weights != (None,) and (merge or usual) in WEIGHTED:  # MERGE-040
        case = replace(
            case,
            weights=_one(draw, wanted.weights),
            weights_dtype=_one(draw, wanted.weights_dtype),
        )
        if case.fill is None and case.weights not in (None, "ordinary"):
            case = replace(case, fill=draw(constants(result or dtype)))
    if _one(draw, wanted.fill):
        case = replace(case, fill=draw(constants(result or dtype)))
    if wanted.uncovered == ("filled",):
        case = _covered(draw, case, wanted)
    return replace(case, scale=_scale(draw, case, scale)) if scale else case


def _one(draw: DrawFn, choices: tuple[Any, ...]) -> Any:
    """Draw a choice; where there is but one, save the draw, which is the slow part."""
    return choices[0] if len(choices) == 1 else draw(_among(choices))


# Strategies find out about themselves at their first draw: they are kept.
_among, _between = cache(st.sampled_from), cache(st.integers)


def _spans(
    draw: DrawFn, wanted: Draw, rank: int, unequal: bool, scaled: bool
) -> list[Span]:
    """Draw every axis; all alike but for the length where sides must be equal."""
    unit = _one(draw, UNITS[rank]) if scaled else 1
    many = rank < 3 and not scaled and _one(draw, wanted.count) == "many"
    border = not (scaled and rank == 4) and _one(draw, wanted.border)
    first = _steps(draw, wanted, rank, unit, border)
    spans = []
    for axis in range(rank):
        other = unequal and axis > 0
        steps = _steps(draw, wanted, rank, unit, border) if other else first
        least, most = _counts(rank, axis, steps, many)
        spans.append((_length(draw, wanted, steps, least, most), *steps))
    return spans


def _steps(
    draw: DrawFn, wanted: Draw, rank: int, unit: int, border: bool
) -> tuple[int, int, int]:
    """Draw the tile, the stride and the border of an axis."""
    largest = max(ROOM[rank][1] // unit, 3 if border else 1)
    overlap = _one(draw, wanted.overlap)
    if border:
        rim = draw(_between(1, (largest - 1) // 2))
        tile = draw(_between(2 * rim + 1, largest))
        most = tile - 2 * rim
        stride = most if overlap == "tight" else draw(_between(1, most))
        return unit * tile, unit * stride, unit * rim
    tile = draw(_between(min(2, largest) if overlap == "some" else 1, largest))
    stride = tile if overlap != "some" or tile == 1 else draw(_between(1, tile - 1))
    return unit * tile, unit * stride, 0


def _counts(
    rank: int, axis: int, steps: tuple[int, int, int], many: bool
) -> tuple[int, int]:
    """Return how many tiles follow the first of an axis, at least and at most."""
    tile, stride, _ = steps
    if many:
        return (0, 0) if axis else (14, 40)
    if rank == 4 and axis > 1:
        return 0, 0
    return 0, min(4, max(1, (ROOM[rank][0] - tile) // stride))


def _length(
    draw: DrawFn, wanted: Draw, steps: tuple[int, int, int], least: int, most: int
) -> int:
    """Draw a length that lies to the tiles as is wanted, where it can."""
    tile, stride, _ = steps
    fit = _one(draw, wanted.fit)
    if fit == "short" and tile > 1 and not least:
        return draw(_between(1, tile - 1))
    count = draw(_between(least, most))
    rest = 0
    if fit == "longer" and stride > 1:
        rest = draw(_among((1, stride - 1)) | _between(1, stride - 1))
    return tile + count * stride + rest


def _weighing(
    draw: DrawFn, wanted: Draw, dtypes: tuple[str, str | None], scaled: bool
) -> tuple[str, str | None]:
    """Draw a window and a merge that go together, by the clauses of MERGE."""
    dtype, result = dtypes
    merges: set[str | None] = {None, *MERGES}
    if dtype == "bool":
        merges -= {"mean"}
    if not holds_labels(result or dtype, dtype):
        merges -= {"vote"}
    if "box" not in wanted.window:
        merges &= {*WEIGHTED}
    merge = _one(draw, tuple(m for m in wanted.merge if m in merges) or (None,))
    windows = wanted.window
    weighs = merge in WEIGHTED and (dtype != "bool" or merge == "vote")
    if "box" in windows and not weighs:
        windows = ("box",)
    elif scaled:  # a custom window is for tiles of its own size
        windows = tuple(name for name in windows if name != "custom") or windows
    return _one(draw, windows), merge


def holds_labels(result: str, dtype: str) -> bool:
    """Say whether a dtype holds every label of integer tiles: MERGE-031."""
    kind, goal = as_dtype(dtype), as_dtype(result)
    if kind.kind not in "biu" or "bfloat16" in (dtype, result):
        return False
    return (
        goal.kind in "biuf"
        and np.can_cast(kind, goal, "safe")
        and (goal.kind != "f" or kind.itemsize < goal.itemsize)
    )


def _covered(draw: DrawFn, case: Case, wanted: Draw) -> Case:
    """Return the case with a fill, or tiles, for the pixels of no tile."""
    grid = case.grid
    if case.fill is not None or not (case.starts or case.mode == "drop"):
        return case
    if True in wanted.fill:
        return replace(case, fill=draw(constants(case.result or case.dtype)))
    if case.starts is None:
        ends = (s + t for s, t in zip(grid.starts[-1], case.tile, strict=True))
        return replace(case, size=tuple(ends))
    fitted = replace(case, mode="clamp", starts=None).grid.starts
    return replace(case, starts=(*case.starts, *fitted))


@cache
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


@lru_cache(maxsize=256)
def _custom(tile: Sizes) -> SearchStrategy[tuple[tuple[float, ...], ...]]:
    weight = st.sampled_from([1.0, 2.0, 3.0, 0.1, 2.5, 1e-3, 2.0**-16, 2.0**16])
    return st.tuples(*(st.tuples(*[weight] * t) for t in tile))


def _starts(draw: DrawFn, spans: list[Span]) -> tuple[Sizes, ...]:
    """Draw the starts of scattered tiles; two may be the same."""
    room = [length - tile for length, tile, _, _ in spans]
    count = draw(_between(1, 6))
    return tuple(tuple(draw(_place(most)) for most in room) for _ in range(count))


@cache
def _place(most: int) -> SearchStrategy[int]:
    """Draw a start, leaning to both ends."""
    return st.sampled_from((0, most)) | _between(0, most)


def _scale(draw: DrawFn, case: Case, which: str) -> tuple[Fraction, ...]:
    """Draw a scale at which all lengths of the case are whole."""
    allowed = [_scales(case, axis) for axis in range(case.rank)]
    if which == "scale:axes":
        return tuple(draw(st.sampled_from(scales)) for scales in allowed)
    common = [q for q in allowed[0] if all(q in scales for scales in allowed)]
    return (draw(st.sampled_from(common)),) * case.rank


def _scales(case: Case, axis: int) -> list[Fraction]:
    """Return the scales at which an axis is whole; 2 and 3 always are."""
    grid = case.grid
    lengths = {start[axis] for start in grid.starts}
    lengths |= {case.tile[axis], case.borders[axis], grid.before[axis]}
    most = (PIXELS / math.prod(grid.frame)) ** (1 / case.rank)
    return [
        q
        for q in SCALES
        if all((n * q).denominator == 1 for n in lengths) and q <= max(2, most)
    ]
