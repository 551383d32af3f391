"""A run: one subject in its own process, asked check by check, device by device."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType

import reftiler
from reftiler_conformance import corpus
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case, parse
from reftiler_conformance.check import Check, checks
from reftiler_conformance.clauses import clauses, spec_version
from reftiler_conformance.client import Remote
from reftiler_conformance.draws import Draw
from reftiler_conformance.exchange import Broken, HarnessError
from reftiler_conformance.features import NUMBERS
from reftiler_conformance.known import Known, matching
from reftiler_conformance.protocol import Info, Unsupported
from reftiler_conformance.results import Report, Result, Status
from reftiler_conformance.search import Finding, Search, attempt
from reftiler_conformance.staleness import stale

EXAMPLES, QUICK = 60, 5
"""Cases for each check: by default, and in a quick run."""


class Runner:
    """
    Asks one subject.

    Parameters
    ----------
    name
        The subject: a built-in name or ``module:attribute``.
    devices
        Where to ask; None means wherever the subject claims to run.
    seed, examples
        What the cases are drawn with, and how many for each check.
    known
        The failures that are known.
    python
        The Python to run the subject with; None means this one.
    timeout
        Seconds that a call may take.

    Raises
    ------
    HarnessError
        On entering, if the subject cannot be imported.
    """

    def __init__(
        self,
        name: str,
        devices: Sequence[str] | None = None,
        *,
        seed: int = 0,
        examples: int = EXAMPLES,
        known: Sequence[Known] = (),
        python: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        self.name, self.seed, self.examples = name, seed, examples
        self.known = known
        self._asked, self._python = devices, python
        self._wanted: tuple[str, ...] = ()
        self._client = Remote(name, python, timeout)
        self._began = datetime.now(UTC)
        self._clock = time.monotonic()
        self._absent: dict[str, str] = {}

    def __enter__(self) -> Runner:
        """Start the subject and ask who it is."""
        try:
            self.info: Info = self._client.info()
            self.devices: tuple[str, ...] = tuple(self._asked or self.info.devices)
            self.smoke = tuple(self._smoke())
        except BaseException:
            self._client.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the subject's process."""
        self._client.__exit__(kind, error, trace)

    def checks(self, wanted: Iterable[str] = ()) -> list[Check]:
        """
        Return the checks of clauses, or of families, or all.

        Raises
        ------
        ValueError
            If there is no such clause or family.
        """
        self._wanted = names = tuple(wanted)
        for name in names:
            if not any(_belongs(clause, name) for clause in clauses()):
                raise ValueError(
                    f"{name} is no clause and no family of the specification: "
                    "give ids such as TILE-001, or families such as TILE"
                )
        return [
            check
            for check in checks()
            if not names or any(_belongs(check.clause, name) for name in names)
        ]

    def run(self, check: Check, device: str) -> Result:
        """Ask about one clause on one device; never raises for what a subject does."""
        return self._result(check, device, lambda: self._found(check, device))

    def replay(self, check: Check, device: str, case: Case) -> Result:
        """Put one case to the subject."""
        return self._result(check, device, lambda: self._tried(check, device, case))

    def all(self, wanted: Sequence[Check]) -> Iterator[Result]:
        """Ask about everything, then look for features that should be claimed."""
        yield from self.smoke
        for device in self.devices:
            results = []
            for check in wanted:
                results.append(self.run(check, device))
                yield results[-1]
            if device not in self._absent:
                yield from stale(self._client, self.info.claimed, device, wanted)

    def report(self, results: Iterable[Result], *, complete: bool = True) -> Report:
        """Put the results of this run together."""
        return Report(
            self.info,
            tuple(results),
            kit_version(),
            spec_version(),
            self.seed,
            self.examples,
            self._began.isoformat(timespec="seconds"),
            time.monotonic() - self._clock,
            complete,
            self.name,
            self._python or "",
            self._wanted,
        )

    def _result(self, check: Check, device: str, look: Callable[[], Finding]) -> Result:
        start, level = time.monotonic(), clauses()[check.clause].level
        result = Result(check.clause, check.name, level, device, Status.PASSED)
        try:
            finding = look()
        except Unsupported as error:
            return replace(result, status=Status.UNSUPPORTED, words=str(error))
        except HarnessError as error:
            return replace(result, status=Status.HARNESS, words=str(error))
        return replace(
            result,
            status=finding.status,
            words=finding.words,
            case=finding.case,
            examples=finding.examples,
            seconds=time.monotonic() - start,
            printed=finding.printed,
            evidence=finding.evidence,
        )

    def _found(self, check: Check, device: str) -> Finding:
        if device in self._absent:
            return Finding(Status.NOT_RUN, self._absent[device])
        if missing := check.needs - self.info.claimed:
            raise Unsupported(", ".join(sorted(missing)))
        for entry in matching(self.known, check.clause, device, check.name):
            return self._witnessed(check, device, entry)
        tried = 0
        for case in corpus.cases(check.clause, check.name, self.info.claimed):
            finding = self._tried(check, device, case)
            tried += 1
            if finding.status is not Status.PASSED:
                return finding
        if check.examples(self.examples) <= tried:
            return Finding(Status.PASSED, examples=tried)
        search = Search(check, self._client, self.info.claimed, device)
        found = search.run(self.examples, self.seed)
        return replace(found, examples=found.examples + tried)

    def _witnessed(self, check: Check, device: str, entry: Known) -> Finding:
        """Try the witness of a known failure, instead of a search."""
        finding = self._tried(check, device, parse(entry.witness))
        if finding.status is Status.FAILED:
            return replace(finding, status=Status.KNOWN, words=entry.reason)
        if finding.status is Status.PASSED:
            words = f"is listed as a known failure ({entry.reason}), and passes"
            return replace(finding, status=Status.STALE_KNOWN, words=words)
        return finding

    def _tried(self, check: Check, device: str, case: Case) -> Finding:
        def trial(case: Case) -> CaseRun:
            return CaseRun(case, self._client, self.info.claimed, device)

        return attempt(check, case, trial)

    def _smoke(self) -> Iterator[Result]:
        """Try the simplest case: if that fails, the adapter may be at fault."""
        for device in self.devices:
            trial = CaseRun(
                simplest(self.info), self._client, self.info.claimed, device
            )
            try:
                trial.reopen()
                if "tile" in self.info.claimed:
                    trial.tile()
            except Unsupported as error:
                self._absent[device] = str(error) or f"there is no {device} here"
            except (Broken, HarnessError) as error:
                yield Result(
                    "SMOKE",
                    "simplest_case",
                    "MUST",
                    device,
                    Status.HARNESS,
                    f"the simplest case {error}; is the adapter right?",
                    repr(trial.case),
                    examples=1,
                )


def simplest(info: Info) -> Case:
    """Return the simplest case that a subject takes."""
    draw = Draw(rank=(2, 1, 3)).within(info.claimed)
    rank, (batch, channels) = draw.rank[0], draw.layout[0]
    return Case(
        size=(4,) * rank,
        tile=(2,) * rank,
        stride=(2,) * rank,
        batch=batch,
        channels=channels,
        dtype=next(d for d in NUMBERS[::-1] if f"tile:{d}" in info.claimed),
    )


def kit_version() -> str:
    """Return the version of the kit: that of the package it comes with."""
    return reftiler.__version__


def _belongs(clause: str, name: str) -> bool:
    return clause == name or clause.rpartition("-")[0] == name
