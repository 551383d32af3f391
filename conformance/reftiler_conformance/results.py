"""What a subject was found to do, clause by clause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from reftiler_conformance.case_run import Evidence
from reftiler_conformance.clauses import PROFILES, UNCHECKED, all_clauses, clauses
from reftiler_conformance.protocol import Info


class Status(str, Enum):
    """How it went; only ``passed`` is a pass."""

    PASSED = "passed"
    FAILED = "failed"  # the result is wrong
    ERROR = "error"  # the subject gave no result: it raised, hung or died
    UNSUPPORTED = "unsupported"  # the subject does not claim what the clause is about
    KNOWN = "known_failure"  # it fails as the list of known failures says
    STALE_KNOWN = "stale_known"  # the list of known failures has it, and it passes
    NOT_RUN = "not_run"  # nothing was asked, for the reason given
    HARNESS = "harness_error"  # the kit or the adapter failed: nothing was learnt


WRONG = (Status.FAILED, Status.ERROR)  # what the subject did wrong

BAD = (*WRONG, Status.STALE_KNOWN)
"""What makes a subject not conform, where the clause is a MUST."""

SILENT = (Status.HARNESS, Status.NOT_RUN, Status.UNSUPPORTED)
"""What says nothing about the subject: such clauses are not applicable."""

_WORST_FIRST = (
    *(*BAD, Status.HARNESS, Status.KNOWN, Status.NOT_RUN),
    *(Status.PASSED, Status.UNSUPPORTED),
)


def overall(statuses: Iterable[Status]) -> Status:
    """Return the status of a clause from those of its checks: the worst counts."""
    return min(statuses, key=_WORST_FIRST.index, default=Status.NOT_RUN)


@dataclass(frozen=True)
class Result:
    """
    What one check found of one clause on one device.

    Parameters
    ----------
    clause, check, level, device
        What was asked, and where. The clause is not that of the check where the
        check found another one broken.
    status, message
        How it went; a sentence if it did not pass.
    case
        The smallest case that fails, as text that replays.
    examples, seconds
        How many cases were asked, and in which time.
    skipped
        How many cases the adapter refused as unsupported.
    printed
        What the subject wrote to its standard streams, if anything.
    evidence
        The arrays of the smallest case.
    counterexample
        The file that holds them, once it is written.
    """

    clause: str
    check: str
    level: str
    device: str
    status: Status
    message: str = ""
    case: str = ""
    examples: int = 0
    seconds: float = 0.0
    skipped: int = 0
    printed: str = ""
    evidence: Evidence | None = None
    counterexample: str = ""


def exit_code(results: Iterable[Result]) -> int:
    """Return 0 if a subject conforms, 1 if not, 3 if the adapter or the kit failed."""
    codes = [0]
    for result in results:
        if result.status is Status.HARNESS:
            codes.append(3)
        elif result.status in BAD and result.level == "MUST":
            codes.append(1)
    return max(codes)


class Score(Counter[Status]):
    """How many MUST clauses have which status, each once for each device."""

    @property
    def passed(self) -> int:
        """How many were asked and are right."""
        return self[Status.PASSED]

    @property
    def applicable(self) -> int:
        """How many were asked, and answered in whatever way."""
        return self.total() - sum(self[status] for status in SILENT)


class Scores(dict[str, Score]):
    """The score of each profile: all that is counted of a run."""

    @property
    def judged(self) -> dict[str, Score]:
        """Of the profiles of which something was asked, and answered."""
        return {profile: score for profile, score in self.items() if score.applicable}

    @property
    def all(self) -> Counter[Status]:
        """Of all profiles."""
        return sum(self.values(), Counter[Status]())


@dataclass(frozen=True)
class Report:
    """All that was found of one subject in one run, or what a run is to be."""

    subject: Info
    results: tuple[Result, ...]
    version: str
    spec_version: str
    seed: int
    examples: int
    started: str  # ISO 8601, UTC
    seconds: float
    complete: bool = True  # if not, nothing follows from what is missing
    name: str = ""  # by which the subject was called
    python: str = ""  # that it ran with, if another
    clauses: tuple[str, ...] = ()  # asked about; nothing means all
    could_claim: tuple[str, ...] = ()  # features whose checks pass

    @property
    def devices(self) -> tuple[str, ...]:
        """Where it was asked, in the order of the results."""
        found = dict.fromkeys(result.device for result in self.results)
        return tuple(found) or self.subject.devices

    @cached_property
    def standing(self) -> dict[tuple[str, str], Status]:
        """The status of each clause that has a check, on each device."""
        asked = [name for name in clauses(self.spec_version) if name not in UNCHECKED]
        found: dict[tuple[str, str], list[Status]] = {
            (clause, device): [] for clause in asked for device in self.devices
        }
        for result in self.results:
            found.get((result.clause, result.device), []).append(result.status)
        return {key: overall(statuses) for key, statuses in found.items()}

    def of(self, *statuses: Status, must: bool | None = None) -> list[Result]:
        """Return the results of some statuses: of MUST clauses, of others, or all."""
        return [
            result
            for result in self.results
            if result.status in statuses and must in (None, result.level == "MUST")
        ]

    def scores(self, device: str | None = None) -> Scores:
        """Count the MUST clauses of each profile, on one device or on all."""
        found = Scores((profile, Score()) for profile in PROFILES)
        for (name, where), status in self.standing.items():
            clause = all_clauses()[name]
            if clause.level == "MUST" and device in (None, where):
                found[clause.profile][status] += 1
        return found

    @property
    def exit_code(self) -> int:
        """0 if the subject conforms, 1 if not, 3 if nothing can be said."""
        found = exit_code(self.results)
        judged = any(result.status not in SILENT for result in self.results)
        return 3 if found == 0 and not (self.complete and judged) else found
