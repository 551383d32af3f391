"""Failures that are probably one fault, under the clause that names it best."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from reftiler_conformance.cases import Case, parse
from reftiler_conformance.clauses import all_clauses
from reftiler_conformance.results import Result, Status

_SETTINGS = (
    *("mode", "pad_mode", "pad_side", "pad_value", "window", "merge"),
    *("border", "fill", "starts", "random", "scale", "result"),
)
_DEFAULT = Case((1,), (1,), (1,))
_ABOUT = {
    "other dtype": "TYPE",
    "other order": "LAYOUT-008",
    "off by one": "ROUND",
    "NaN": "MERGE-008",
    "sign of zero": "MERGE-007",
}
"""The clause or family that is about a symptom."""

Settings = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Group:
    """One fault: the result that is shown, and those that are probably the same."""

    first: Result
    others: tuple[Result, ...] = ()

    @property
    def same(self) -> str:
        """The clauses of the others; nothing if there are none."""
        shown, found = self.first, []
        for result in self.others:
            name = result.clause
            name += f" {result.check}" if result.clause == shown.clause else ""
            name += f" on {result.device}" if result.device != shown.device else ""
            found.append(name)
        return ", ".join(dict.fromkeys(found))


def grouped(results: Iterable[Result]) -> list[Group]:
    """Put failures together that are probably the same.

    They say the same, got the same wrong array or show the same symptom; or one fails
    with settings that its clause is about, and the other with these too.
    """
    alike: list[tuple[set[Hashable], list[Result]]] = []
    for result in results:
        marks, members = set(_marks(result)), [result]
        for one in [one for one in alike if one[0] & marks]:
            alike.remove(one)
            marks |= one[0]
            members = [*one[1], *members]
        alike.append((marks, members))
    found: list[Group] = []
    for group in sorted((_named(members) for _, members in alike), key=_generality):
        near = (i for i, known in enumerate(found) if _explains(known, group))
        if (place := next(near, None)) is None:
            found.append(group)
        else:
            others = (*found[place].others, group.first, *group.others)
            found[place] = Group(found[place].first, tuple(sorted(others, key=_order)))
    return sorted(found, key=lambda group: _order(group.first))


def _named(members: Sequence[Result]) -> Group:
    """Make a group, under the clause that names it best."""
    names = tuple(filter(None, (_ABOUT.get(_symptom(result)) for result in members)))
    settings = frozenset.intersection(*map(_settings, members))

    def rank(result: Result) -> tuple[bool, int, int]:
        about = result.clause.startswith(names)
        return not about, -_about(result, settings), _order(result)

    first, *others = sorted(members, key=rank)
    return Group(first, tuple(others))


def _generality(group: Group) -> tuple[int, int, int]:
    settings = _settings(group.first)
    return len(settings), -_about(group.first, settings), _order(group.first)


def _explains(one: Group, other: Group) -> bool:
    """Whether a group is about settings of another, with no other symptom."""
    settings, symptoms = _settings(one.first), {_symptom(one.first), ""}
    return (
        _about(one.first, settings) > 0
        and settings <= _settings(other.first)
        and len(symptoms | {_symptom(other.first)}) <= 2
    )


def _about(result: Result, settings: Settings) -> int:
    """Return how much a clause is about settings: by its family, and by its text."""
    if (clause := all_clauses().get(result.clause)) is None:
        return 0
    family = clause.family.lower()
    return sum(
        name.startswith(family) + (f"`{value}`" in clause.text)
        for name, value in settings
    )


def _order(result: Result) -> int:
    """Return where a clause stands in the specification."""
    known = list(all_clauses())
    return known.index(result.clause) if result.clause in known else -1


def _settings(result: Result) -> Settings:
    """Return which settings the smallest case has: those without which it passes."""
    try:
        case = parse(result.case)
    except ValueError:  # there is none
        case = _DEFAULT
    pairs = ((name, getattr(case, name)) for name in _SETTINGS)
    return frozenset(
        ("scatter" if name == "starts" else name, v if isinstance(v, str) else "")
        for name, v in pairs
        if v != getattr(_DEFAULT, name)
    )


def _marks(result: Result) -> Iterator[Hashable]:
    """Return what is equal in two results of one fault: one of these is enough."""
    message = result.message
    if result.status is not Status.FAILED:  # the numbers in an error go by the case
        message = re.sub(r"\d+", "#", message)
    yield result.status, message
    found = result.evidence
    if found is None or found.pair is None:
        return
    yield tuple((a.shape, sha256(a.tobytes()).digest()) for a in found.pair)
    if symptom := _symptom(result):
        yield symptom, "tile" if found.tiles is None else "untile"


def _symptom(result: Result) -> str:
    """Return what is special about a wrong array; nothing if nothing is."""
    found = result.evidence
    if found is None or found.pair is None:
        return ""
    got, want = found.pair
    if got.dtype != want.dtype:
        return "other dtype"
    first = found.first
    if first is None or got.dtype.kind not in "biuf" or got.itemsize > 8:
        return ""
    one, other = (np.frombuffer(a.tobytes(), f"u{got.itemsize}") for a in found.pair)
    if np.array_equal(np.sort(one), np.sort(other)):
        return "other order"
    most = np.max(np.abs(want), where=np.isfinite(want), initial=0)
    return _difference(got[first.index], want[first.index], float(most))


def _difference(got: Any, want: Any, most: float) -> str:
    """Name how one number differs from another, in an array of numbers to ``most``."""
    if isinstance(want, np.integer):
        return "off by one" if abs(int(got) - int(want)) == 1 else ""
    if np.isnan(got) != np.isnan(want):
        return "NaN"
    if not np.isfinite(got) or not np.isfinite(want):
        return "overflow" if np.isfinite(want) else ""
    if got == want == 0:
        return "sign of zero"
    return "rounding" if abs(float(got) - float(want)) <= 1e-3 * most else ""
