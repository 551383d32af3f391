"""Putting the checks of a clause to mutants: cases are drawn once for all of them."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, given, seed, settings

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import Check, checks
from reftiler_conformance.client import Local
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.mutants.catalogue import Mutant, claimed
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.rpc import Broken

EXAMPLES = 25
"""Cases for each check."""

BLAMED_BY_ALL = ("OUT-001", "OUT-003", "OUT-004", "TILER-003")
"""Clauses that every comparison may name, once the plain result is right."""


class Hunt:
    """
    The cases of one seed, for any number of mutants.

    Parameters
    ----------
    start, examples
        What the cases are drawn with, and how many for each check.
    """

    def __init__(self, start: int = 0, examples: int = EXAMPLES) -> None:
        self.start, self.examples = start, examples
        self._checks = [check for check in checks() if "api" not in check.needs]
        self._drawn: dict[tuple[str, str], list[Case]] = {}

    def caught_by(self, mutant: Mutant) -> str:
        """Return the clause that names a mutant: its own, one that may be, or none."""
        wanted = (mutant.clause, *mutant.also)
        asked = [c for w in wanted for c in self._checks if c.clause == w]
        if mutant.clause in BLAMED_BY_ALL:
            asked += [c for c in self._checks if c not in asked]
        found = (clause for clause, _ in self._broken(asked, mutant))
        return next((clause for clause in found if clause in wanted), "")

    def unsound(self, mutant: Mutant) -> list[str]:
        """Return what a tiler fails that should fail nothing."""
        broken = self._broken(self._checks, mutant)
        return [f"{clause}: {why}" for clause, why in broken]

    def _broken(self, asked: list[Check], mutant: Mutant) -> Iterator[tuple[str, str]]:
        """Go over the clauses that cases of checks say are broken, and why."""
        client = Local(mutant.subject())
        for check in asked:
            for case in self._cases(check):
                run = CaseRun(case, client, claimed())
                try:
                    _put(check, run)
                except Unsupported:
                    continue
                except Mismatch as error:
                    blamed = getattr(error, "clause", "") or check.clause
                    yield blamed, f"{error}: {case}"
                except Broken as error:
                    yield check.clause, f"{error}: {case}"

    def _cases(self, check: Check) -> list[Case]:
        key = check.clause, check.name
        if key not in self._drawn:
            self._drawn[key] = list(self._draw(check))
        return self._drawn[key]

    def _draw(self, check: Check) -> Iterator[Case]:
        """Draw the cases that are put to a subject that fails nothing."""
        try:
            strategy = check.within(claimed())
        except Unsupported:
            return
        found = {repr(case): case for case in check.fixed_for(claimed())}
        if strategy is None:
            yield from found.values()
            return
        text = f"{self.start}:{check.clause}:{check.name}"

        @seed(zlib.crc32(text.encode()))
        @settings(
            max_examples=check.examples(self.examples),
            database=None,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def draw(case: Case) -> None:
            found[repr(case)] = case

        draw()
        yield from found.values()


def _put(check: Check, run: CaseRun) -> None:
    """Ask a check; what it compares with is remembered for other mutants."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run.reopen()
        check(run)
