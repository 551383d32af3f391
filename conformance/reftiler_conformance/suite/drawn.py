"""Draws of cases that more than one family of clauses asks for."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.cases import Case
from reftiler_conformance.check import Cases
from reftiler_conformance.features import Features
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.strategies import cases
from reftiler_conformance.tolerances import coverage_of


def weighed(**asked: Any) -> Cases:
    """Return what draws cases with a window, but for bools, which have none."""

    def draws(features: Features) -> SearchStrategy[Case]:
        return cases(features, verb="untile", **asked).filter(allowed)

    return draws


def allowed(case: Case) -> bool:
    """Say whether a case is none of those that are refused for bools."""
    return case.window == "box" or case.dtype != "bool"


def gaps(**asked: Any) -> Cases:
    """Return what draws cases in which some pixels lie in no tile."""

    def draws(features: Features) -> SearchStrategy[Case]:
        return loose(**asked)(features).filter(lambda case: 0 in coverage_of(case))

    return draws


def loose(**asked: Any) -> Cases:
    """Return what draws cases in which pixels may lie in no tile."""

    def draws(features: Features) -> SearchStrategy[Case]:
        ways: list[dict[str, Any]] = []
        if "mode:drop" in features:
            ways.append({"mode": ("drop",), "fit": ("longer",)})
        if "scatter" in features:
            ways.append({"scatter": (True,)})
        if not ways:
            raise Unsupported("mode:drop or scatter")
        return st.one_of([weighed(**{**asked, **way})(features) for way in ways])

    return draws
