"""What hypothesis draws: tilings and merges, as the kit draws them, and more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from reftiler_conformance import cases as recipes
from reftiler_conformance import draws
from reftiler_conformance.features import (
    MERGES,
    MODES,
    NAMED_ONLY,
    ODD,
    PAD_MODES,
    SWAPPED,
    WINDOWS,
    features,
)
from reftiler_conformance.testdata import CONTENTS, WEIGHTS
from tests.cases import Case, MergeCase

__all__ = ["MODES", "ODD", "PAD_MODES", "SWAPPED", "WINDOWS", "cases", "merges"]

INTEGERS = ("uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "uint64")
NUMBERS = ("bool", *INTEGERS, "float16", "float32", "float64")
WEIGHT_DTYPES = ("float64", "float64", "float32", "float16", "uint8", "int64", "bool")
EVERYTHING = features("*", *NAMED_ONLY - {"channels_last:only"})
MERGED = {
    **draws.wide("border"),
    "window": (*WINDOWS, *["custom"] * 3),  # the named ones are the kit's, too
    "merge": (*[None, "mean"] * 5, *(one for one in MERGES if one != "vote")),
}


def _recipes(scatter: bool, **asked: Any) -> st.SearchStrategy[recipes.Case]:
    """Return what draws tilings; some of scattered tiles, where that is asked for."""
    settings = ("layout", "channels_last", "fit", "pad_mode", "pad_side", "pad_value")
    known = draws.wide(*settings) | {"rank": (1, 2, 2, 3), "content": CONTENTS}
    scattered = (*[False] * 4, True) if scatter else (False,)
    return draws.cases(EVERYTHING, scatter=scattered, **known | asked)


def _case(draw: DrawFn, one: recipes.Case, *, select: bool) -> Case:
    case = Case(
        replace(one.oracle_settings, border=one.borders),
        one.size,
        one.batch,
        one.channels,
        one.dtype,
        one.content,
        one.seed,
        one.starts,
    )
    if select and draw(st.integers(0, 5)) == 0:
        every = range(len(case.oracle_grid.tile_specs))
        kept = draw(st.lists(st.sampled_from(every), min_size=1, unique=True))
        case = replace(case, selection=tuple(kept))
    return case


@st.composite
def cases(
    draw: DrawFn,
    *,
    dtypes: tuple[str, ...] = NUMBERS,
    modes: tuple[str, ...] = MODES,
    scatter: bool = True,
    merge: bool = False,
) -> Case:
    """Draw a tiling and an image; with ``merge`` what matters to untile as well.

    With ``scatter`` some are of scattered or selected tiles.
    """
    asked: dict[str, Any] = MERGED if merge else {}
    one = draw(_recipes(scatter, dtype=dtypes, mode=modes, **asked))
    return _case(draw, one, select=scatter)


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
    asked = {
        **MERGED,
        "mode": MODES,
        "dtype": dtypes,
        "maps": (None, 1, 2),
        "scale": ("", "scale:axes") if scaled else ("",),
        "result": (*[None] * len(goals), *goals) if convert else (None,),
        "fill": (*[False] * 5, True),
    }
    if weighed:
        asked["merge"] = (*MERGED["merge"], *["vote"] * 4)
        asked |= {"weights": (None, *WEIGHTS), "weights_dtype": WEIGHT_DTYPES}
    one = draw(_recipes(True, verb="untile", **asked))
    case, more = _case(draw, one, select=True), dict[str, Any]()
    if one.merge in (None, "mean") and one.dtype != "bool":
        more["nan"] = draw(st.sampled_from(["propagate", "propagate", "omit"]))
    if weighed and one.mode != "interpolation" and draw(st.integers(0, 3)) == 0:
        sides = [draw(st.integers(0, 2)) for _ in one.size]
        units = [q.denominator for q in one.scales]  # whole when scaled, too
        more["context"] = tuple(n * u for n, u in zip(sides, units, strict=True))
    if one.fill is None and (one.mode == "drop" or case.is_irregular):
        more["fill"] = draw(draws.constants(one.result or one.dtype))
    case = replace(case, settings=replace(case.settings, **more))
    bare = weighed and draw(st.booleans())
    weights = one.weights, one.weights_dtype
    return MergeCase(case, one.depth, one.scale, one.result, bare, *weights)
