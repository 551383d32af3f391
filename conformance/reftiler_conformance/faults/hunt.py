"""Putting cases to faults: drawn once, and only where the spoiled step is taken."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from reftiler_conformance.case_run import CaseRun, Client
from reftiler_conformance.cases import Case
from reftiler_conformance.check import Check, checks
from reftiler_conformance.client import Local
from reftiler_conformance.exchange import Answer, Request
from reftiler_conformance.faults.catalogue import Fault
from reftiler_conformance.faults.plain import Plain, PlainSubject
from reftiler_conformance.faults.replay import Entry, Recorder, alike
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.questions import cases_of
from reftiler_conformance.results import Status
from reftiler_conformance.search import attempt

EXAMPLES = 25
"""Cases for each check."""

# They ask what others ask of small images, on ways that the plain tiler has not.
LARGE = tuple(
    f"reftiler_conformance.suite.{name}" for name in ("dense", "large", "pieces")
)


@dataclass(frozen=True)
class Question:
    """A case of a check, how the sound tiler answers it, and by which steps."""

    check: Check
    case: Case
    steps: frozenset[str]
    entries: list[Entry]


class Quiet(Local):
    """A subject in this process, whose warnings are of no interest."""

    def answer(self, request: Request) -> Answer:
        """Put a request to the subject."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return super().answer(request)


class Watched(Plain):
    """The sound tiler, which notes its steps."""

    taken: set[str]

    def __getattribute__(self, name: str) -> Any:
        """Return an attribute, and note it."""
        type(self).taken.add(name)
        return super().__getattribute__(name)


class Hunt:
    """
    The cases of one seed, for any number of faults.

    Parameters
    ----------
    start, examples
        What the cases are drawn with, and how many for each check.
    chosen
        The checks; None means all that a tiler without reftiler's classes is asked.
    """

    def __init__(
        self,
        start: int = 0,
        examples: int = EXAMPLES,
        chosen: Iterable[Check] | None = None,
    ) -> None:
        self.start, self.examples = start, examples
        self.unsound: list[str] = []
        """What the sound tiler fails, which should be nothing."""
        self.unasked: list[str] = []
        """The checks that ask nothing of a plain tiler."""
        self.crashes: set[str] = set()
        """Checks that raised what no check may raise, whatever is answered."""
        self._features = PlainSubject().info().claimed
        asked = [c for c in checks() if c.judge.__module__ not in LARGE]
        self.questions = [q for check in chosen or asked for q in self._asked(check)]

    def broken(self, fault: Fault) -> frozenset[str]:
        """Return the clauses that a fault breaks."""
        return frozenset(self._breaks(fault))

    def first(self, fault: Fault) -> str:
        """Return a clause that a fault breaks, its own if it can be; or nothing."""
        return next(self._breaks(fault), "")

    def _breaks(self, fault: Fault) -> Iterator[str]:
        found = set[str]()
        for question in sorted(
            self.questions, key=lambda question: question.check.clause != fault.clause
        ):
            clause = question.check.clause
            if clause in found or not question.steps & fault.steps:
                continue
            if alike(question.entries, Quiet(fault.subject)):
                continue
            client = Quiet(fault.subject)  # what it remembers counts from here
            if self._words(question.check, question.case, client):
                found.add(clause)
                yield clause

    def _asked(self, check: Check) -> list[Question]:
        """Draw the cases of a check; the sound tiler must pass them."""
        asked = []
        for case in cases_of(check, self._features, self.start, self.examples):
            Watched.taken = set()
            sound = Recorder(Quiet(PlainSubject(Watched)))
            words = self._words(check, case, sound)
            if words is None:
                continue
            if words:
                self.unsound.append(f"{check.clause} {check.name}: {words}: {case}")
            asked.append(Question(check, case, frozenset(Watched.taken), sound.entries))
        if not asked:
            self.unasked.append(f"{check.clause} {check.name}")
        return asked

    def _words(self, check: Check, case: Case, client: Client) -> str | None:
        """Return what is wrong, nothing if all is well, None if nothing is asked."""
        try:
            finding = attempt(check, case, lambda c: CaseRun(c, client, self._features))
        except Unsupported:
            return None
        except (IndexError, KeyError, TypeError, ValueError) as error:
            words = repr(error)
            self.crashes.add(f"{check.clause} {check.name}: {words}")
            return words
        if finding.status is Status.PASSED:
            return ""
        return finding.words or finding.status.value
