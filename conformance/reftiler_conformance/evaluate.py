"""One check put to one subject: fixed cases, then drawn ones; what fails is shrunk."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import seed as hypothesis_seed
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case, parse
from reftiler_conformance.check import Check, checks
from reftiler_conformance.clauses import all_clauses, clauses
from reftiler_conformance.client import Local, Remote
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.features import FEATURES, Features
from reftiler_conformance.known import Known, matching
from reftiler_conformance.protocol import Info, Unsupported
from reftiler_conformance.results import WRONG, Result, Status
from reftiler_conformance.rpc import Broken, HarnessError, NotAsked

Client = Local | Remote

EXAMPLES, QUICK = 60, 5
"""Drawn cases for each check: by default, and in a quick run."""

MOST_QUICK = 1000  # pixels of a fixed case that a quick run asks
REFUSED = 20  # cases that an adapter may refuse before any; then nothing more is drawn
SMALL = 64  # pixels of a fixed case that need not be made smaller

REPEATED = {"TILER-003": "another"} | dict.fromkeys(
    ("OUT-001", "OUT-003", "OUT-004"), "out"
)
"""The clauses that comparisons blame, and what they then need not repeat."""

NO_EFFECT = ("TILE-007", "PAD-011")
"""Clauses that say what a setting does not do: who ignores it passes them all."""


@dataclass(frozen=True)
class Options:
    """How a subject is asked, as `Asked` has it, and what was found meanwhile."""

    seed: int = 0
    examples: int = EXAMPLES
    known: Sequence[Known] = ()
    spec: str = ""
    shrinking: float = 5.0  # seconds, on making a failing case smaller
    # Clauses, by device, that another clause's check found broken: told once.
    blamed: set[tuple[str, str]] = field(default_factory=set)
    # What every comparison asks besides, until it is found broken: see `CaseRun`.
    repeats: set[str] = field(default_factory=lambda: {"out", "another"})


def evaluate(
    check: Check, client: Client, info: Info, device: str, options: Options
) -> list[Result]:
    """Ask a subject about one check; never raises for what the subject does.

    After the result of the check's own clause come those of others found broken.
    """
    search = _Search(check, client, info.claimed, device, options)
    began = time.monotonic()
    others: list[Result] = []
    try:
        own, *others = _results(search)
    except (Unsupported, HarnessError) as error:
        own = unanswered(check, device, error)
    own = replace(
        own,
        examples=search.asked,
        skipped=search.skipped,
        seconds=time.monotonic() - began,
        printed=own.printed or search.printed,
    )
    return [own, *others]


def attempt(check: Check, run: CaseRun) -> Result:
    """Put one case to a subject; raises only `Unsupported` and `HarnessError`."""
    clause, status, message = check.clause, Status.PASSED, ""
    try:
        run.reopen()
        check(run)
    except Mismatch as error:
        run.evidence.mask = error.mask
        clause = error.clause or clause
        status, message = Status.FAILED, str(error)
    except Broken as error:
        status, message = Status.ERROR, str(error)
    except (Unsupported, HarnessError):
        raise
    except Exception as error:  # what came back is not even fit to be compared
        name = type(error).__name__
        message = f"the check {check.name} failed itself: {name}: {error}; {run.case}"
        raise HarnessError(message) from error
    found = check_result(check, run.device, status, message, printed=run.printed)
    if status is Status.PASSED:  # its arrays are of no more use, and there are many
        return found
    return replace(
        found,
        clause=clause,
        level=all_clauses()[clause].level,
        case=repr(run.case),
        evidence=run.evidence,
    )


def check_result(
    check: Check, device: str, status: Status, message: str = "", **more: Any
) -> Result:
    """Return a result of one example of the own clause of a check."""
    level = all_clauses()[check.clause].level
    more = {"examples": 1, **more}
    return Result(check.clause, check.name, level, device, status, message, **more)


def unanswered(check: Check, device: str, error: Unsupported | HarnessError) -> Result:
    """Return the result of a check that learnt nothing of the subject."""
    status = Status.NOT_RUN if isinstance(error, NotAsked) else Status.HARNESS
    if isinstance(error, Unsupported):
        status = Status.UNSUPPORTED
    return check_result(check, device, status, str(error))


def could_claim(
    client: Client, info: Info, device: str, asked: Iterable[Check], options: Options
) -> tuple[str, ...]:
    """Return the features that are not claimed, and whose checks all pass."""
    options = replace(options, examples=8, known=(), shrinking=0.0)
    waiting = [
        check
        for check in asked
        if check.clause not in NO_EFFECT and not _possible(check, info.claimed)
    ]
    found = []
    for name in FEATURES:
        if name in info.claimed or name == "untile:cold":  # adapters may cut first
            continue
        more = replace(info, features=info.claimed | {name})
        hinges = [check for check in waiting if _possible(check, more.claimed)]
        if hinges and all(
            (result.status, result.skipped) == (Status.PASSED, 0)
            for check in hinges
            for result in evaluate(check, client, more, device, options)
        ):
            found.append(name)
    return tuple(found)


def _possible(check: Check, claimed: Features) -> bool:
    with suppress(Unsupported):
        check.within(claimed)
        return True
    return False


def _results(search: _Search) -> list[Result]:
    """Return the result of the check's clause, and of those that it blames."""
    check, device, options = search.check, search.device, search.options
    check.within(search.features)  # or raises Unsupported
    if entries := matching(options.known, check.clause, device, check.name):
        return [_expected(search, entries)]
    others: list[Result] = []
    while (result := search.run()).clause != check.clause:
        options.blamed.add((result.clause, device))
        options.repeats.discard(REPEATED.get(result.clause, ""))
        for entry in matching(options.known, result.clause, device, check.name):
            result = replace(result, status=Status.KNOWN, message=entry.reason)
        others.append(result)
    if result.status in WRONG:
        options.blamed.add((result.clause, device))
    return [result, *others]


def _expected(search: _Search, entries: Sequence[Known]) -> Result:
    """Return whether a check fails as is known; stale if its whole clause passes."""
    for entry in entries:
        result = search.witnessed(entry)
        if result.status is Status.PASSED and not _fails_elsewhere(search, entry):
            message = f"is listed as a known failure ({entry.reason}), and passes"
            return replace(result, status=Status.STALE_KNOWN, message=message)
        if result.status not in WRONG:
            return result
    message = "; ".join(dict.fromkeys(entry.reason for entry in entries))
    return replace(result, status=Status.KNOWN, message=message)


def _fails_elsewhere(search: _Search, entry: Known) -> bool:
    """Say whether another check of the clause fails as the entry says."""
    for check in checks():
        if (check.clause, entry.check) == (entry.clause, None):
            with suppress(Unsupported, HarnessError):
                if replace(search, check=check).witnessed(entry).status in WRONG:
                    return True
    return False


class _Found(Exception):  # noqa: N818 - no error
    """Tells hypothesis that a case fails."""


@dataclass
class _Search:
    """The cases of one check, put to a subject until one fails, then made smaller."""

    check: Check
    client: Client
    features: Features
    device: str
    options: Options

    def __post_init__(self) -> None:
        self.asked, self.skipped, self.printed = 0, 0, ""
        self._refusal = "no case can be drawn"
        self._seen: dict[str, Result | None] = {}
        self._smallest: Result | None = None
        self._deadline = math.inf
        self._stop: BaseException | None = None

    def witnessed(self, entry: Known) -> Result:
        """Return what comes of a known failure's witness, or of a search without."""
        if not entry.witness:
            return self.run()
        found = self._ask(parse(entry.witness))
        if found is None:
            raise Unsupported(self._refusal)
        return found

    def run(self) -> Result:
        """Return the smallest failure, or that all is passed; raises as `attempt`."""
        strategy, self._deadline = self.check.within(self.features), math.inf
        asked = map(self._ask, self._fixed_cases())
        found = next((one for one in asked if one and one.status in WRONG), None)
        if found is not None:
            self._deadline = time.monotonic() + self.options.shrinking
        size = parse(found.case).size if found and found.status is Status.FAILED else ()
        if strategy is not None and (found is None or math.prod(size) > SMALL):
            found = self._drawn(strategy) or found
        if found is None and not self.asked:
            raise Unsupported(self._refusal)
        return found or check_result(self.check, self.device, Status.PASSED)

    def _fixed_cases(self) -> list[Case]:
        """Return the fixed cases; in a quick run a few of them, and no large ones."""
        # Copies, since cases keep their grids.
        cases = [replace(case) for case in self.check.fixed_for(self.features)]
        if self.options.examples > QUICK:
            return cases
        small = [case for case in cases if math.prod(case.size) <= MOST_QUICK]
        small = small or ([] if self.check.draws else cases[:1])
        return small[:: max(1, -(-len(small) // QUICK))]

    def _drawn(self, strategy: SearchStrategy[Case]) -> Result | None:
        """Let hypothesis draw cases, and shrink the first that fails."""

        def test(case: Case) -> None:
            self._put(case)

        number = f"{self.options.seed}:{self.check.clause}:{self.check.name}"
        setup = settings(
            max_examples=self.check.examples(self.options.examples),
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        seeded = hypothesis_seed(zlib.crc32(number.encode()))
        self._smallest = None
        with suppress(_Found, Unsatisfiable):
            seeded(setup(given(strategy)(test)))()
        if self._stop is not None:
            raise self._stop
        return self._smallest

    def _put(self, case: Case) -> None:
        # Nothing more is asked: only what is known to fail goes on failing.
        if repr(case) not in self._seen and time.monotonic() > self._deadline:
            return
        try:
            found = self._ask(case)
        except (HarnessError, SystemExit, KeyboardInterrupt) as error:
            self._stop = error  # raised later: hypothesis tries again what raises
            self._deadline = 0.0
            return
        if found is None:
            if self.skipped >= REFUSED and not self.asked:
                self._deadline = 0.0
            reject()
        if found.status is Status.PASSED:
            return
        if self._smallest is None:
            ends = time.monotonic() + self.options.shrinking
            self._deadline = min(self._deadline, ends)
        if found.status is Status.ERROR and self.client.ended:
            self._deadline = 0.0  # each hang and crash costs a new process
        self._smallest = found
        raise _Found

    def _ask(self, case: Case) -> Result | None:
        """Put one case, once; None if the adapter refuses it."""
        text = repr(case)
        if text not in self._seen:
            self._seen[text] = self._attempt(case)
        found = self._seen[text]
        if found is None or found.clause == self.check.clause:
            return found
        told = (found.clause, self.device) in self.options.blamed
        if told or found.clause not in clauses(self.options.spec):
            return check_result(self.check, self.device, Status.PASSED)
        return found

    def _attempt(self, case: Case) -> Result | None:
        repeats = frozenset(self.options.repeats)
        run = CaseRun(case, self.client, self.features, self.device, repeats)
        try:
            found = attempt(self.check, run)
        except Unsupported as error:
            self.skipped += 1
            self._refusal = str(error) or "the adapter refuses the case"
            return None
        finally:
            self.printed = self.printed or run.printed
        self.asked += 1
        return found
