"""The cases of a check, drawn before anything is asked."""

from __future__ import annotations

import zlib

from hypothesis import HealthCheck, Phase, given, seed, settings

from reftiler_conformance.cases import Case
from reftiler_conformance.check import Check
from reftiler_conformance.features import Features
from reftiler_conformance.protocol import Unsupported


def seed_of(check: Check, start: int) -> int:
    """Return what a search, started with a number, draws a check's cases with."""
    return zlib.crc32(f"{start}:{check.clause}:{check.name}".encode())


def cases_of(check: Check, claimed: Features, start: int, examples: int) -> list[Case]:
    """
    Return what a search puts to a subject that fails nothing.

    Parameters
    ----------
    check, claimed
        What is asked, and what the subject claims.
    start, examples
        What the cases are drawn with, and how many checks usually get.
    """
    try:
        strategy = check.within(claimed)
    except Unsupported:
        return []
    found = {repr(case): case for case in check.fixed(claimed)}

    @seed(seed_of(check, start))
    @settings(
        max_examples=check.examples(examples),
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(case: Case) -> None:
        found[repr(case)] = case

    draw()
    return list(found.values())
