"""Which clauses a fault breaks, in short: ``BORDER 001 003?, COORD 005``.

A question mark stands at a clause that only some seeds find broken.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby


def short(counts: dict[str, int], most: int) -> str:
    """Return clauses in short, by how many of ``most`` seeds found each."""
    families = groupby(sorted(counts), lambda clause: clause.partition("-")[0])
    return ", ".join(
        " ".join([family, *(_short(clause, counts[clause] < most) for clause in found)])
        for family, found in families
    )


def _short(clause: str, sometimes: bool) -> str:
    return clause.partition("-")[2] + "?" * sometimes


def full(pinned: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the clauses that are always found broken, and those that may be."""
    always, sometimes = set[str](), set[str]()
    for family, *numbers in map(str.split, pinned.split(",")):
        for number in numbers:
            found = sometimes if number.endswith("?") else always
            found.add(f"{family}-{number.rstrip('?')}")
    return frozenset(always), frozenset(sometimes)


def wrong(pinned: str, broken: Iterable[str]) -> list[str]:
    """Return what does not fit: clauses that are broken, or unbroken, unexpectedly."""
    always, sometimes = full(pinned)
    found = frozenset(broken)
    missed = [f"{clause} is not broken" for clause in sorted(always - found)]
    more = [f"{clause} is broken too" for clause in sorted(found - always - sometimes)]
    return missed + more
