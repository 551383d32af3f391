"""Cases that leave out what a clause is not about: unlike sides, the order of tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from hypothesis.strategies import SearchStrategy

from reftiler_conformance.cases import Case
from reftiler_conformance.check import Cases, Check, Judge, clause
from reftiler_conformance.features import Features
from reftiler_conformance.strategies import cases

BEYOND = ("longer", "short")
"""The fits in which something is left over or missing."""


def square(
    clause_id: str,
    *,
    needs: Iterable[str] = (),
    also: Iterable[Case] = (),
    **asked: Any,
) -> Callable[[Judge], Check]:
    """Make a function the check of a clause, by cases that are `alike`."""
    verb = asked.get("verb", "tile")
    return clause(clause_id, needs=[*needs, verb], also=also, draws=alike(**asked))


def line(
    clause_id: str,
    *,
    needs: Iterable[str] = (),
    also: Iterable[Case] = (),
    **asked: Any,
) -> Callable[[Judge], Check]:
    """Make a function the check of a clause, by cases `along` an axis."""
    verb = asked.get("verb", "tile")
    return clause(clause_id, needs=[*needs, verb], also=also, draws=along(**asked))


def alike(**asked: Any) -> Cases:
    """Return what draws cases with sides and strides that are alike on all axes."""

    def drawn(features: Features) -> SearchStrategy[Case]:
        return cases(features - {"unequal"}, **asked)

    return drawn


def along(**asked: Any) -> Cases:
    """Return what draws cases that are alike, with several tiles on one axis only."""
    whole = alike(**asked)

    def drawn(features: Features) -> SearchStrategy[Case]:
        return whole(features).map(_line)

    return drawn


def ranks(*cases: Case) -> tuple[Case, ...]:
    """Return cases of one axis, and the same with a second one that is a tile long."""
    return (*cases, *map(_deeper, cases))


def _deeper(case: Case) -> Case:
    """Add an axis, and one of channels: more tilers know such images."""
    sides: dict[str, Any] = {"size": (*case.size, *case.tile), "channels": 1}
    for name in ("tile", "stride", "border", "scale"):
        sides[name] = getattr(case, name) * 2
    if case.starts is not None:
        sides["starts"] = tuple((*start, 0) for start in case.starts)
    return replace(case, **sides)


def _line(case: Case) -> Case:
    """Cut every axis but one down to a tile; what is shorter stays."""
    long = case.seed % case.rank
    size = tuple(
        length if axis == long else min(length, tile)
        for axis, (length, tile) in enumerate(zip(case.size, case.tile, strict=True))
    )
    return replace(case, size=size)
