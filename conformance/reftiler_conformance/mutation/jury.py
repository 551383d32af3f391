"""The cases of a quick run, put to what is in this process until one fails."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reftiler_conformance import corpus
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import Check, checks
from reftiler_conformance.client import Local
from reftiler_conformance.exchange import HarnessError
from reftiler_conformance.features import Features
from reftiler_conformance.host import load
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.questions import cases_of
from reftiler_conformance.results import Status
from reftiler_conformance.runner import QUICK
from reftiler_conformance.search import attempt


@dataclass(frozen=True)
class Question:
    """A case of a check, for one of the subjects."""

    subject: str
    check: Check
    case: Case


class Jury:
    """
    Asks subjects what a run with ``--quick`` asks them.

    The cases are drawn at once; the subjects are loaded when they are first asked, so
    that a process that was forked before can change what they are made of.

    Parameters
    ----------
    subjects
        Their names.
    """

    def __init__(self, subjects: Sequence[str]) -> None:
        self.claims = {name: load(name).info().claimed for name in subjects}
        self.questions = [
            Question(name, check, case)
            for name, claimed in self.claims.items()
            for check in checks()
            if check.needs <= claimed
            for case in _cases(check, claimed)
        ]

    def answers(self, order: Iterable[int]) -> Iterator[tuple[int, str, float]]:
        """Ask by number; yield the number, what is wrong if anything is, the time."""
        clients = {name: Local(load(name)) for name in self.claims}
        for number in order:
            question, began = self.questions[number], time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                words = self._words(question, clients[question.subject])
            yield number, words, time.perf_counter() - began

    def _words(self, question: Question, client: Local) -> str:
        claimed = self.claims[question.subject]
        try:
            finding = attempt(
                question.check, question.case, lambda c: CaseRun(c, client, claimed)
            )
        except Unsupported:
            return ""
        except HarnessError as error:
            return str(error)
        if finding.status is Status.PASSED:
            return ""
        return finding.words or finding.status.value


def _cases(check: Check, claimed: Features) -> list[Case]:
    known = list(corpus.cases(check.clause, check.name, claimed))
    return [*known, *cases_of(check, claimed, 0, QUICK)]
