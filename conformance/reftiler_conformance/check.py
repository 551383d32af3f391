"""The checks of the suite, each with its clause, in the order of SPEC.md."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, wraps
from importlib import resources
from itertools import starmap
from typing import Any

from hypothesis.strategies import SearchStrategy

from reftiler_conformance import suite
from reftiler_conformance.api_checks import api_checks
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case, parse
from reftiler_conformance.clauses import all_clauses, clauses
from reftiler_conformance.draws import cases
from reftiler_conformance.features import Features, features
from reftiler_conformance.needs import needs_to_tile, needs_to_untile
from reftiler_conformance.protocol import Unsupported

Cases = Callable[[Features], SearchStrategy[Case]]
Draws = Callable[..., SearchStrategy[Case]]
Judge = Callable[[CaseRun], None]

API_CASE = Case(size=(4, 4), tile=(2, 2), stride=(2, 2))
"""What API checks are opened with; they make their own tilers."""


REFUSALS = 0.4
"""What is refused is so for settings, and hardly depends on the rest of a case."""


@dataclass(frozen=True)
class Check:
    """A test of one clause, as `clause` makes it: called ``test_`` and its name."""

    clause: str
    name: str
    judge: Judge
    needs: Features
    draws: Cases | None
    fixed: tuple[Case, ...] = ()
    share: float = 1.0

    def __call__(self, run: CaseRun) -> None:
        """Ask about one case, and raise `Mismatch` if the clause is broken."""
        self.judge(run)

    def fixed_for(self, claimed: Features) -> list[Case]:
        """Return the fixed cases that a subject claims to be able to do."""
        return [case for case in self.fixed if self._needed(case) <= claimed]

    def within(self, claimed: Features) -> SearchStrategy[Case] | None:
        """Return what draws cases, None if all are fixed; or raise `Unsupported`."""
        if missing := self.needs - claimed:
            raise Unsupported(", ".join(sorted(missing)))
        if self.draws is not None:
            return self.draws(claimed)
        if not self.fixed_for(claimed):
            raise Unsupported(", ".join(sorted(self._needed(self.fixed[0]) - claimed)))
        return None

    def examples(self, usual: int) -> int:
        """Return how many cases are drawn where checks usually draw ``usual``."""
        return max(1, round(usual * self.share))

    def _needed(self, case: Case) -> Features:
        found: Features = frozenset()
        for verb, needed in (("tile", needs_to_tile), ("untile", needs_to_untile)):
            found |= needed(case) if verb in self.needs else frozenset()
        return found


_FOUND: list[Check] = []


def clause(
    clause_id: str,
    *,
    needs: Iterable[str] = (),
    share: float = 1.0,
    only: Iterable[Case] = (),
    also: Iterable[Case] = (),
    draws: Draws = cases,
    **asked: Any,
) -> Callable[[Judge], Judge]:
    """Make a function a check of a clause; ``asked`` are fields of `Draw`.

    ``needs``: features besides the verb. ``share``: of the usual number of cases.
    ``only``: the cases, if none is drawn; ``also``: those asked before any is drawn.
    """
    only, needs = tuple(only), tuple(needs)

    def drawn(claimed: Features) -> SearchStrategy[Case]:
        return draws(claimed, **asked)

    def register(judge: Judge) -> Judge:
        check = Check(
            clause=clause_id,
            name=judge.__name__.removeprefix("test_"),
            judge=judge,
            needs=features(*needs, asked.get("verb", "tile")),
            draws=None if only else drawn,
            fixed=(*only, *also),
            share=share * (REFUSALS if "refusals" in needs else 1),
        )
        _FOUND.append(check)
        return judge

    return register


@cache
def checks() -> tuple[Check, ...]:
    """Return all checks, in the order of SPEC.md."""
    for module in pkgutil.iter_modules(suite.__path__, suite.__name__ + "."):
        importlib.import_module(module.name)
    found = [*_FOUND, *starmap(_api_check, api_checks())]
    known = regressions()
    order = list(all_clauses())
    found.sort(key=lambda check: order.index(check.clause))
    return tuple(
        replace(c, fixed=(*c.fixed, *known.get((c.clause, c.name), ()))) for c in found
    )


def _api_check(clause_id: str, name: str) -> Check:
    """Return a check that runs in the subject's process."""

    @wraps(api_checks()[clause_id, name])
    def judge(run: CaseRun) -> None:
        run.api_check(clause_id, name)

    return Check(clause_id, name, judge, features("api"), None, (API_CASE,))


@cache
def regressions() -> dict[tuple[str, str], list[Case]]:
    """Return the cases of regressions.txt, by clause and name of the check."""
    file = resources.files("reftiler_conformance") / "regressions.txt"
    found: dict[tuple[str, str], list[Case]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            clause_id, name, case = line.split(maxsplit=2)
            found.setdefault((clause_id, name), []).append(parse(case))
    return found


def select(wanted: Iterable[str] = (), spec: str = "") -> list[Check]:
    """Return the checks of ids, families and names, or all; raise `ValueError`."""
    known, wanted = clauses(spec), set(wanted)
    names = {
        check: {check.clause, check.clause.partition("-")[0], check.name}
        for check in checks()
        if check.clause in known
    }
    named = set(known).union(*names.values())
    for name in sorted(wanted - named):
        raise ValueError(
            f"{name} is no clause, family or check of the specification: "
            + nearest(name, named)
        )
    return [check for check in names if not wanted or wanted & names[check]]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint: the ids most like a name."""
    near = difflib.get_close_matches(name, list(known), n=3)
    return f"do you mean {' or '.join(near)}?" if near else "ids are such as TILE-001"
