"""Cases that leave out what a clause is not about: unlike sides, the order of tiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.cases import Case
from reftiler_conformance.check import clause
from reftiler_conformance.draws import cases
from reftiler_conformance.features import MODES, NUMBERS, PAD_MODES, Features
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.slices import coverage_of

BEYOND = ("longer", "short")
"""The fits in which something is left over or missing."""


def alike(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases with sides and strides that are alike on all axes."""
    return cases(features - {"unequal"}, **asked)


def along(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases that are alike, with several tiles on one axis only."""
    return alike(features, **asked).map(_line)


square = partial(clause, draws=alike)
line = partial(clause, draws=along, share=0.5)


def _line(case: Case) -> Case:
    """Cut every axis but one down to a tile; what is shorter stays."""
    long = case.seed % case.rank
    size = tuple(
        length if axis == long else min(length, tile)
        for axis, (length, tile) in enumerate(zip(case.size, case.tile, strict=True))
    )
    return replace(case, size=size)


def gaps(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases in which some pixels lie in no tile."""
    return possible_gaps(features, **asked).filter(lambda case: 0 in coverage_of(case))


def possible_gaps(features: Features, **asked: Any) -> SearchStrategy[Case]:
    """Draw cases in which pixels may lie in no tile."""
    ways: list[dict[str, Any]] = []
    if "mode:drop" in features:
        ways.append({"mode": ("drop",), "fit": ("longer",)})
    if "scatter" in features:
        ways.append({"scatter": (True,)})
    if not ways:
        raise Unsupported("mode:drop or scatter")
    return st.one_of([cases(features, **asked | way) for way in ways])


def ranks(*cases: Case) -> tuple[Case, ...]:
    """Return cases of one axis, and the same with a second one that is a tile long."""
    return (*cases, *map(_deeper, cases))


def each(cases: Iterable[Case], **choices: Iterable[Any]) -> tuple[Case, ...]:
    """Return the cases with each combination of choices for these of their fields."""
    return tuple(
        replace(case, **dict(zip(choices, chosen, strict=True)))
        for chosen in product(*choices.values())
        for case in cases
    )


def _deeper(case: Case) -> Case:
    """Add an axis, and one of channels: more tilers know such images."""
    sides: dict[str, Any] = {"size": (*case.size, *case.tile), "channels": 1}
    for name in ("tile", "stride", "border", "scale", "align", "context"):
        sides[name] = getattr(case, name) * 2
    if case.starts is not None:
        sides["starts"] = tuple((*start, 0) for start in case.starts)
    return replace(case, **sides)


LARGE_AXES = ranks(
    Case(size=(2_057,), tile=(7,), stride=(4,)),
    Case(size=(1_025,), tile=(256,), stride=(127,)),
)
"""Hundreds of tiles, and sides beside powers of two."""

STARTS = ((6, 0), (0, 5), (6, 5), (3, 3), (3, 3))
COMBINED = tuple(
    Case(
        size=(11, 9),
        tile=(5, 4),
        stride=(3, 2),
        batch=(None, 3, 1)[k % 3],
        channels=2,
        mode=mode,
        pad_mode=PAD_MODES[k % 5],
        pad_side=side,
        window=("box", "hann", "box")[k // 2 % 3],
        merge=(None, None, "max")[k // 2 % 3],
        border=border,
        channels_last=last,
        dtype=("float32", "uint8", "float64", "int64", "float16", "complex64")[k % 6],
        starts=starts,
    )
    for k, (mode, side, border, last, starts) in enumerate(
        product(MODES, ("end", "both"), ((), (1, 1)), (False, True), (None, STARTS))
    )
)
"""Every three of the settings that decide where a pixel comes from, and some more."""

COMBINED_MERGES = tuple(
    replace(
        case,
        window=("box", "hann", "triangle")[k % 3],
        merge=None,
        fill=7,
        dtype=NUMBERS[1 + k % 12],
        content="random",
    )
    for k, case in enumerate(COMBINED)
)
"""The same of means: drawn cases may leave out a mode, these do not."""
