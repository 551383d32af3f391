"""A subject under test: how it is reached, what it claims, where it is asked."""

from __future__ import annotations

import atexit
import inspect
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict, Unpack

import reftiler
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import Check, select
from reftiler_conformance.clauses import spec_version
from reftiler_conformance.client import Local, Remote
from reftiler_conformance.draws import Draw
from reftiler_conformance.evaluate import (
    EXAMPLES,
    Options,
    attempt,
    check_result,
    evaluate,
    unanswered,
)
from reftiler_conformance.features import NUMBERS
from reftiler_conformance.known import load as load_known
from reftiler_conformance.peers import BUILT_IN
from reftiler_conformance.protocol import Info, Unsupported
from reftiler_conformance.results import Report, Result, Status
from reftiler_conformance.rpc import Broken, HarnessError, Hung, Request
from reftiler_conformance.worker import as_subject, load


class SubjectError(ValueError):
    """There is no such subject, or no such device of it: a bad call."""


class Asked(TypedDict, total=False):
    """
    How a subject is asked; everything has a default.

    Parameters
    ----------
    known
        The failures that are known: a YAML file, or ``{"MERGE-001": "the reason"}``.
    device
        Where to ask; by default wherever the subject says that it runs.
    clauses
        Ids, families and names of checks, such as ``"PAD,MERGE-003"``; by default all.
    examples, seed
        How many cases are drawn for each check, and which.
    spec
        The version of the specification, such as ``"1.0"``; by default the newest.
    isolated
        Whether the subject runs in a process of its own, in which it may hang and
        crash. By default a name does, and an object does not.
    python, timeout
        The Python of that process, by default this one; seconds that a call may take.
    """

    known: Path | str | Mapping[str, str] | None
    device: str | None
    clauses: str | Sequence[str]
    examples: int
    seed: int
    spec: str
    isolated: bool | None
    python: str | None
    timeout: float


class SubjectUnderTest:
    """
    A tiler that is asked, and its checks.

    Parameters and errors are those of `reftiler_conformance.adoption.run`.
    """

    def __init__(self, subject: Any, **asked: Unpack[Asked]) -> None:
        self._began, self._clock = datetime.now(UTC), time.monotonic()
        self.name, self.python = name_of(subject), asked.get("python")
        given = asked.get("clauses", ())
        words = given.split(",") if isinstance(given, str) else given
        self.clauses = [word.strip() for word in words if word.strip()]
        if (examples := asked.get("examples", EXAMPLES)) < 1:
            raise ValueError(f"examples must be at least 1, it is {examples}")
        known, spec = load_known(asked.get("known")), asked.get("spec", "")
        self.options = Options(asked.get("seed", 0), examples, known, spec)
        self.checks = select(self.clauses, self.options.spec)
        self._unavailable: dict[str, str] = {}
        self.client: Local | Remote
        try:
            self.client = self._reach(subject, asked)
            self.info = self._info()
            self.devices = self._devices(asked.get("device"))
        except (HarnessError, SubjectError) as error:
            self.close()
            if _is_mistyped(self.name, str(error)):
                raise SubjectError(str(error)) from error
            raise

    def _reach(self, subject: Any, asked: Asked) -> Local | Remote:
        named, isolated = isinstance(subject, str), asked.get("isolated")
        if isolated or (isolated is None and named):
            atexit.register(self.close)
            return Remote(self.name, self.python, asked.get("timeout", 10.0))
        return Local(load(subject) if named else as_subject(self.name, subject))

    def close(self) -> None:
        """End the subject's process, if it has one."""
        client = getattr(self, "client", None)
        if isinstance(client, Remote):
            client.close()
            atexit.unregister(self.close)

    def evaluate(self, check: Check, device: str) -> list[Result]:
        """Ask about one check on one device, first of all about the simplest case."""
        first = [] if device in self._unavailable else self._smoke(device)
        if reason := self._unavailable[device]:
            return [*first, check_result(check, device, Status.NOT_RUN, reason)]
        return first + evaluate(check, self.client, self.info, device, self.options)

    def replay(self, check: Check, device: str, case: Case) -> Result:
        """Put one case."""
        run = CaseRun(case, self.client, self.info.claimed, device)
        try:
            return attempt(check, run)
        except (Unsupported, HarnessError) as error:
            return unanswered(check, device, error)

    def report(self, results: Iterable[Result] = (), **more: Any) -> Report:
        """Return the report of results, with ``more`` of its fields."""
        report = Report(
            subject=self.info,
            results=tuple(results),
            version=reftiler.__version__,
            spec_version=self.options.spec or spec_version(),
            seed=self.options.seed,
            examples=self.options.examples,
            started=self._began.isoformat(timespec="seconds"),
            seconds=time.monotonic() - self._clock,
            name=self.name,
            python=self.python or "",
            clauses=tuple(self.clauses),
        )
        return replace(report, **more)

    def _info(self) -> Info:
        try:
            found = Info(**self.client.answer(Request("info")).value)
        except (Broken, TypeError, ValueError) as error:
            raise HarnessError(
                f"{self.name} does not say what it claims: {error}"
            ) from error
        return replace(found, devices=tuple(found.devices))

    def _devices(self, device: str | None) -> Sequence[str]:
        if device not in (None, *self.info.devices):
            raise SubjectError(
                f"{self.name} does not run on {device!r}: give one of "
                f"{', '.join(self.info.devices)}, as it names"
            )
        return self.info.devices if device is None else (device,)

    def _smoke(self, device: str) -> list[Result]:
        """Try the simplest case: if that fails, the adapter may be at fault."""
        self._unavailable[device] = ""
        case = ""
        try:
            run = CaseRun(simplest(self.info), self.client, self.info.claimed, device)
            case = repr(run.case)
            run.reopen()
            if "tile" in self.info.claimed:
                run.tile()
        except Unsupported as error:
            self._unavailable[device] = str(error) or f"there is no {device} here"
        except (Broken, HarnessError) as error:
            self.options.repeats.discard("another")  # what merging is asked would fail
            status = Status.ERROR if isinstance(error, Hung) else Status.HARNESS
            message = f"the simplest case {error}; is the adapter right?"
            return [
                Result("SMOKE", "simplest_case", "MUST", device, status, message, case)
            ]
        return []


def name_of(subject: Any) -> str:
    """Return the name by which a subject can be called in another process."""
    if not isinstance(subject, str):
        kind = subject if inspect.isclass(subject) else type(subject)
        return f"{kind.__module__}:{kind.__qualname__}"
    if subject not in BUILT_IN and not re.fullmatch(r"[^:]+:[^:]+", subject):
        raise SubjectError(
            f"{subject!r} is no subject: give module:attribute, or one of "
            + ", ".join(BUILT_IN)
        )
    return subject


def _is_mistyped(name: str, message: str) -> bool:
    """Say whether there is no such module or attribute, or it is no tiler."""
    module, _, attribute = BUILT_IN.get(name, name).partition(":")
    if found := re.search(r"ModuleNotFoundError: No module named '([^']+)'", message):
        return f"{module}.".startswith(f"{found[1]}.")
    if found := re.search(r"AttributeError: .* has no attribute '([^']+)'", message):
        return found[1] in attribute.split(".")
    return "is neither an adapter" in message


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
        dtype=next((d for d in NUMBERS[::-1] if f"tile:{d}" in info.claimed), "uint8"),
    )
