"""Which clauses a fault breaks, in short: ``BORDER 001 003?, COORD 005``.

A question mark stands at a clause that only some seeds find broken.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from textwrap import fill


def short(counts: dict[str, int], most: int) -> str:
    """Return clauses in short, by how many of ``most`` seeds found each."""
    families = groupby(sorted(counts), lambda clause: clause.partition("-")[0])
    return ", ".join(
        " ".join([family, *(_short(clause, counts[clause] < most) for clause in found)])
        for family, found in families
    )


def _short(clause: str, sometimes: bool) -> str:
    return clause.partition("-")[2] + "?" * sometimes


def row(name: str, counts: dict[str, int], most: int) -> str:
    """Return a fault's row of the table that `table` reads."""
    return fill(f"{name}: {short(counts, most)}", 88, subsequent_indent="    ")


def table(text: str) -> dict[str, str]:
    """Return what is pinned for each fault; rows go on where they are indented."""
    rows = text.replace("\n    ", " ").strip().splitlines()
    return {
        name: pinned.strip() for name, _, pinned in (r.partition(":") for r in rows)
    }


def full(pinned: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the clauses that are always found broken, and those that may be."""
    always, sometimes = set[str](), set[str]()
    for family, *numbers in map(str.split, pinned.split(",") if pinned else []):
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
