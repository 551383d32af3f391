"""Looking for a case that a subject fails, and then for the smallest one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, example, given, reject, seed, settings
from hypothesis.errors import Unsatisfiable

from reftiler_conformance.case_run import CaseRun, Client, Evidence
from reftiler_conformance.cases import Case
from reftiler_conformance.check import Check
from reftiler_conformance.compare import Mismatch
from reftiler_conformance.exchange import Broken, HarnessError
from reftiler_conformance.features import Features
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.questions import seed_of
from reftiler_conformance.results import Status

SHRINKING = 5.0
"""Seconds spent on making a failing case smaller."""


@dataclass(frozen=True)
class Finding:
    """What a trial or a search found; nothing is wrong if ``status`` is passed."""

    status: Status
    words: str = ""
    case: str = ""
    examples: int = 0
    printed: str = ""
    evidence: Evidence | None = None


class _Found(Exception):  # noqa: N818 - no error, a find
    """Tells hypothesis that a case fails."""


def attempt(check: Check, case: Case, ask: Callable[[Case], CaseRun]) -> Finding:
    """
    Put one case to a subject.

    Raises
    ------
    Unsupported
        If the subject does not claim to do what the case asks.
    HarnessError
        If the kit or the adapter fails.
    """
    trial = ask(case)
    status, words = Status.PASSED, ""
    try:
        trial.reopen()
        check.judge(trial)
    except Mismatch as error:
        status, words = Status.FAILED, error.words
        trial.evidence.mask = error.mask
    except Broken as error:
        status, words = Status.ERROR, str(error)
    except (Unsupported, HarnessError):
        raise
    except Exception as error:  # what came back is not even fit to be compared
        name = type(error).__name__
        raise HarnessError(f"the check stumbled: {name}: {error}; {case}") from error
    # The arrays of what passed are of no more use, and of all cases they are many.
    kept = None if status is Status.PASSED else trial.evidence
    return Finding(status, words, repr(case), 1, trial.printed, kept)


class Search:
    """A search for the smallest case that fails one check."""

    def __init__(
        self, check: Check, client: Client, features: Features, device: str
    ) -> None:
        self.check, self.client = check, client
        self.patient = True
        """Whether to go on when the adapter says that it was asked for too much."""
        self.features, self.device = features, device
        self._seen: dict[str, Finding] = {}
        self._worst: Finding | None = None
        self._stopped: BaseException | None = None
        self._until = float("inf")
        self.unsupported = ""
        """What the adapter said when it was asked for too much, if it did."""
        self.printed = ""

    def run(self, examples: int, start: int) -> Finding:
        """
        Try so many examples, drawn as the number ``start`` says.

        Raises
        ------
        Unsupported
            If the subject does not claim to do what the check asks.
        HarnessError
            If the kit or the adapter fails.
        """
        strategy = self.check.within(self.features)

        @seed(seed_of(self.check, start))
        @settings(
            max_examples=self.check.examples(examples),
            database=None,
            deadline=None,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        @given(strategy)
        def put(case: Case) -> None:
            self._put(case)

        for rare in self.check.fixed(self.features):
            put = example(rare)(put)
        self._drive(put)
        if self._worst is not None:
            return self._worst
        tried = len(self._seen)
        if not tried:
            raise Unsupported(self.unsupported or "no case can be drawn")
        return Finding(Status.PASSED, examples=tried, printed=self.printed)

    def _drive(self, put: Callable[[], None]) -> None:
        """Let hypothesis search; what stopped it comes out as it was raised."""
        try:
            put()
        except _Found:
            pass
        except Unsatisfiable:
            raise Unsupported(self.unsupported) from None
        except BaseException:
            if self._stopped is not None:
                raise self._stopped from None
            raise

    def _put(self, case: Case) -> None:
        if self._stopped is not None:
            raise self._stopped
        try:
            finding = self._look(case)
        except (HarnessError, SystemExit, KeyboardInterrupt) as error:
            # Hypothesis tries again what raised, but then there is no more to ask.
            self._stopped = error
            raise
        if finding.status is Status.PASSED:
            return
        if self._worst is None:
            self._until = time.monotonic() + SHRINKING
        self._worst = Finding(
            finding.status,
            finding.words,
            finding.case,
            len(self._seen),
            finding.printed,
            finding.evidence,
        )
        raise _Found

    def _look(self, case: Case) -> Finding:
        text = repr(case)
        if text in self._seen:
            return self._seen[text]
        # Small enough: only what is known fails. Refused once: no more is asked.
        if time.monotonic() > self._until or (self.unsupported and not self.patient):
            return Finding(Status.PASSED)
        try:
            finding = attempt(self.check, case, self._trial)
        except Unsupported as error:
            self.unsupported = str(error)
            reject()
        self._seen[text] = finding
        self.printed = self.printed or finding.printed
        if finding.status is Status.ERROR and self._ended:
            self._until = 0.0
        return finding

    @property
    def _ended(self) -> bool:
        """Whether the subject's process had to be started anew: dear, not shrunk."""
        return bool(getattr(self.client, "ended", False))

    def _trial(self, case: Case) -> CaseRun:
        return CaseRun(case, self.client, self.features, self.device)
