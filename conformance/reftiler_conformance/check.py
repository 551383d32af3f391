"""Every check, each with its clause; drift between the two is an error at import."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from reftiler_conformance import suite as package
from reftiler_conformance.api_checks import api_checks
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.clauses import Clause, clauses
from reftiler_conformance.features import Features, features
from reftiler_conformance.needs import needs_to_tile, needs_to_untile
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.strategies import cases
from reftiler_conformance.unchecked import UNCHECKED

Cases = Callable[[Features], SearchStrategy[Case]]
Judge = Callable[[CaseRun], None]

TRIVIAL = Case(size=(4, 4), tile=(2, 2), stride=(2, 2))


class DriftError(Exception):
    """The checks and the clauses do not fit each other."""


@dataclass(frozen=True)
class Check:
    """
    What asks a subject about one clause.

    Parameters
    ----------
    clause, name
        Which, and how the check is called.
    needs
        The features without which there is nothing to ask.
    cases
        What draws cases for a subject's features; raises `Unsupported`.
    judge
        Asks a trial, and raises `Mismatch` if the subject breaks the clause.
    share
        Which part of the usual number of examples it gets: 0 is one example.
    least
        How many examples it gets at least: as many as there are fixed cases.
    also
        Cases that are tried before any is drawn: rare corners.
    """

    clause: str
    name: str
    needs: Features
    cases: Cases
    judge: Judge
    share: float = 1.0
    least: int = 1
    also: tuple[Case, ...] = ()

    def __call__(self, run: CaseRun) -> None:
        """Ask about one case, and raise `Mismatch` if the clause is broken."""
        self.judge(run)

    def fixed(self, claimed: Features) -> list[Case]:
        """Return what is tried before any case is drawn, if it is claimed."""
        return [case for case in self.also if self._needed(case) <= claimed]

    def _needed(self, case: Case) -> Features:
        found: Features = frozenset()
        for verb, needed in (("tile", needs_to_tile), ("untile", needs_to_untile)):
            found |= needed(case) if verb in self.needs else frozenset()
        return found

    def examples(self, usual: int) -> int:
        """Return how many examples it gets where checks usually get so many."""
        return max(self.least, round(usual * self.share))

    def within(self, claimed: Features) -> SearchStrategy[Case]:
        """
        Return what draws cases for a subject.

        Raises
        ------
        Unsupported
            If the subject does not claim what is asked.
        """
        if missing := sorted(self.needs - claimed):
            raise Unsupported(", ".join(missing))
        return self.cases(claimed)


_FOUND: list[Check] = []


def clause(
    clause_id: str,
    *,
    needs: Iterable[str] = (),
    share: float = 1.0,
    only: Iterable[Case] = (),
    also: Iterable[Case] = (),
    draws: Cases | None = None,
    **asked: Any,
) -> Callable[[Judge], Check]:
    """
    Make a function a check of a clause: a test of the suite.

    Parameters
    ----------
    clause_id
        The clause that is broken if the function raises `Mismatch`.
    needs
        Features without which there is nothing to ask, besides those of the cases.
    share
        See `Check`.
    only
        The cases, if they are not to be drawn; all that the subject claims are tried.
    also
        Cases that are tried before any is drawn, if the subject claims them.
    draws
        What draws the cases, if `cases` with ``asked`` is not enough.
    **asked
        The fields of `reftiler_conformance.draws.Draw`.
    """
    fixed = tuple(only)
    verb = asked.get("verb", "tile")

    def drawn(claimed: Features) -> SearchStrategy[Case]:
        if draws is not None:
            return draws(claimed)
        return _fixed(fixed, verb, claimed) if fixed else cases(claimed, **asked)

    def register(judge: Judge) -> Check:
        wanted = features(*needs, *(() if draws else (verb,)))
        part, least = (0, len(fixed)) if fixed else (share, 1)
        name = judge.__name__.removeprefix("test_")
        check = Check(clause_id, name, wanted, drawn, judge, part, least, tuple(also))
        _FOUND.append(check)
        return check

    return register


def _fixed(given: Sequence[Case], verb: str, claimed: Features) -> SearchStrategy[Case]:
    """Draw one of the given cases that a subject claims to be able to do."""
    needs = needs_to_tile if verb == "tile" else needs_to_untile
    possible = [case for case in given if needs(case) <= claimed]
    if not possible:
        raise Unsupported(", ".join(sorted(needs(given[0]) - claimed)))
    return st.sampled_from(possible)


def _api_check(clause_id: str, name: str) -> Check:
    def judge(run: CaseRun) -> None:
        run.api_check(clause_id, name)

    def trivial(_: Features) -> SearchStrategy[Case]:
        return st.just(TRIVIAL)

    return Check(clause_id, name, features("api"), trivial, judge, share=0)


@cache
def checks() -> tuple[Check, ...]:
    """
    Return all checks, in the order of the specification.

    Raises
    ------
    DriftError
        If a check has no clause, or a clause neither a check nor a reason why not.
    """
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    found = [*_FOUND, *(_api_check(*key) for key in api_checks())]
    drift(clauses(), [check.clause for check in found], UNCHECKED)
    order = list(clauses())
    return tuple(sorted(found, key=lambda check: order.index(check.clause)))


def drift(
    known: dict[str, Clause], checked: list[str], unchecked: dict[str, str]
) -> None:
    """Raise `DriftError` unless every clause is checked, or is not for a reason."""
    both = sorted(set(checked) & set(unchecked))
    strangers = sorted((set(checked) | set(unchecked)) - set(known))
    missing = [name for name in known if name not in {*checked, *unchecked}]
    for names, fault in (
        (strangers, "checked, though the specification has no such clause"),
        (both, "checked, and said to be unchecked"),
        (missing, "neither checked nor said why not"),
        ([n for n, why in unchecked.items() if not why], "unchecked without a reason"),
    ):
        if names:
            raise DriftError(f"{', '.join(names)}: {fault}")
