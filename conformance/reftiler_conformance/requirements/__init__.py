"""What each released version of the specification requires: lists that never change.

``1.0.json`` names the clauses of version 1.0, each with its level. A clause that came
later is *not scored* for that version: its checks may run, and count for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from reftiler_conformance.clauses import Clause, clauses


class RequirementsError(ValueError):
    """There is no such list, or it does not fit the specification."""


@dataclass(frozen=True)
class Requirements:
    """
    What a version requires.

    Parameters
    ----------
    version
        Of the specification.
    levels
        MUST or SHOULD for every clause of that version, in the specification's order.
    later
        The clauses that are younger: not scored.
    """

    version: str
    levels: Mapping[str, str]
    later: frozenset[str]


def versions() -> tuple[str, ...]:
    """Return the versions that have a list, the oldest first."""
    files = [file.name for file in resources.files(__name__).iterdir()]
    found = [name.removesuffix(".json") for name in files if name.endswith(".json")]
    return tuple(sorted(found, key=_number))


@cache
def requirements(version: str) -> Requirements:
    """
    Return what a version requires.

    Raises
    ------
    RequirementsError
        If that version has no list, or the list has drifted from the specification.
    """
    if version not in versions():
        raise RequirementsError(
            f"there is no list of requirements for version {version}: "
            f"there is one for {', '.join(versions())}"
        )
    file = resources.files(__name__) / f"{version}.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    return settle(version, document["clauses"], clauses())


def settle(
    version: str, listed: Mapping[str, str], known: Mapping[str, Clause]
) -> Requirements:
    """Hold a version's list against the specification as it is now."""
    due = {
        c.id: c.level for c in known.values() if _number(c.since) <= _number(version)
    }
    later = known.keys() - due.keys()
    for names, fault in (
        (listed.keys() - known.keys(), "listed, and no clause of the specification"),
        (listed.keys() & later, "listed, though it came later"),
        (due.keys() - listed.keys(), "not listed, though it is as old as that"),
        (
            {name for name in listed if listed[name] != due.get(name, listed[name])},
            "listed with another level than the specification gives it",
        ),
    ):
        if names:
            raise RequirementsError(
                f"the requirements of version {version} have drifted: "
                f"{', '.join(sorted(names))}: {fault}"
            )
    return Requirements(version, {name: due[name] for name in due}, frozenset(later))


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
