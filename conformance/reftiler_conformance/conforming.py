"""What ``reftiler conform`` does: pytest runs, and what is told of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import (
    ExitStack,
    closing,
    contextmanager,
    nullcontext,
    redirect_stdout,
)
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
import typer

from reftiler.atomic import FolderLock, atomic_write
from reftiler.cli.console import UsageError, refuse_existing, stderr, stdout
from reftiler.errors import TilingError
from reftiler_conformance import report, suite
from reftiler_conformance.cases import parse
from reftiler_conformance.counterexample import describe, file_name
from reftiler_conformance.markdown import matrix as matrix_page
from reftiler_conformance.plugin import OPTIONS, Recorder
from reftiler_conformance.results import Report, exit_code
from reftiler_conformance.rpc import HarnessError
from reftiler_conformance.under_test import Asked, SubjectUnderTest


@dataclass(frozen=True)
class Call:
    """What the options of the command were."""

    asked: Asked
    out: Path | None
    overwrite: bool
    pythons: tuple[str, ...]
    pytest_options: tuple[str, ...]

    @property
    def verbose(self) -> bool:
        """Whether pytest tells what it does."""
        return any(word.startswith(("-v", "--verbose")) for word in self.pytest_options)

    def asked_of(self, name: str) -> Asked:
        """Return how a subject is asked: by the Python given for it, or for all."""
        asked: Asked = {**self.asked}
        for given in self.pythons:
            subject, _, path = given.rpartition("=")
            if subject in ("", name):
                asked["python"] = python = str(Path(path).expanduser())
                if shutil.which(python) is None:
                    raise UsageError(f"--python {given}: no program is called {path}")
        return asked

    def start(self, name: str) -> SubjectUnderTest:
        """Start a subject; raise `UsageError` or `HarnessError` if that fails."""
        try:
            return SubjectUnderTest(name, **self.asked_of(name))
        except ValueError as error:
            raise UsageError(str(error)) from error


def behind_dashes(subjects: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split words into subjects, and pytest's options, which came behind ``--``."""
    first = next((i for i, w in enumerate(subjects) if w[:1] == "-"), len(subjects))
    return list(subjects[:first]), list(subjects[first:])


def single(subjects: Sequence[str], call: Call) -> int:
    """Ask one subject; return the exit code."""
    name = _only(subjects)
    with _told(), _folder(call, "badge.json", f"{file_name(name)}.jsonl"):
        found = _report(name, call)
    if not call.verbose:
        report.show(found, stdout)
    if call.out is not None:
        stdout.print(f"the reports are in {call.out}", markup=False, soft_wrap=True)
    return found.exit_code


def matrix(subjects: Sequence[str], call: Call) -> int:
    """Ask several subjects and put them into one table; return the exit code."""
    reports: list[Report] = []
    absent: dict[str, str] = {}
    codes = [0]
    with _folder(call, "MATRIX.md", *(f"{file_name(s)}.jsonl" for s in subjects)):
        for name in subjects:
            try:
                badge_name = f"{file_name(name)}-badge.json"
                reports.append(_report(name, call, badge_name))
                line = report.headline(reports[-1])
                codes.append(reports[-1].exit_code)
            except (HarnessError, UsageError) as error:
                line = absent[name] = f"did not start: {error}"
                codes.append(2 if isinstance(error, UsageError) else 3)
            stderr.print(f"{name}: {line}", highlight=False, markup=False)
            if "-x" in call.pytest_options and (absent or reports[-1].exit_code):
                break
        code = max(codes)
        if not reports:
            return code
        if call.out is None:
            page = matrix_page(reports, absent=absent)
            stdout.print(page, markup=False, soft_wrap=True)
            return code
        for file, whole in (("MATRIX.md", False), ("MATRIX-whole.md", True)):
            page = matrix_page(reports, whole=whole, absent=absent)
            atomic_write(call.out / file, page.encode())
    where = call.out / "MATRIX.md"
    stdout.print(f"the table is {where}", markup=False, soft_wrap=True)
    return code


def replay(subjects: Sequence[str], call: Call, text: str) -> int:
    """Put one case to one subject; return the exit code."""
    name = _only(subjects)
    if not call.asked["clauses"]:
        raise UsageError("a replay is of a clause: give --clauses ID")
    try:
        case = parse(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    with _told(), closing(call.start(name)) as under_test:
        results = [
            under_test.replay(check, device, case)
            for device in under_test.devices
            for check in under_test.checks
        ]
        header = under_test.report()
    for result in results:
        stdout.print(describe(result, header), markup=False, soft_wrap=True)
    return exit_code(results)


def _report(name: str, call: Call, badge_name: str = "badge.json") -> Report:
    """Run the suite for a subject; raise what says why there is no report."""
    with closing(call.start(name)) as under_test:
        recorder = Recorder(under_test, call.out, badge_name=badge_name, lock=False)
        printed = StringIO()
        told = nullcontext() if call.verbose else redirect_stdout(printed)
        # Neither the plugins nor the settings of the user's own tests matter here.
        alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
        with told, patch.dict(os.environ, alone):
            code = int(pytest.main(_words(name, call), plugins=[recorder]))
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if code == pytest.ExitCode.USAGE_ERROR:  # which pytest told on stderr
        raise typer.Exit(2)
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        raise UsageError("no test is selected: see reftiler conform --help")
    if code > pytest.ExitCode.NO_TESTS_COLLECTED:
        raise typer.Exit(code)
    if recorder.report is None:
        raise HarnessError(f"pytest ended with {code}: {printed.getvalue()}")
    return recorder.report


def _words(name: str, call: Call) -> list[str]:
    """Return the words of the pytest run."""
    folder = str(Path(suite.__file__).parent)
    words = ["-p", "reftiler_conformance.plugin", "-p", "no:cacheprovider", "-s"]
    words += ["-c", os.devnull, "--rootdir", folder, "--noconftest", "--assert=plain"]
    words += ["--subject", name]
    for field, value in call.asked_of(name).items():
        if value not in (None, ""):
            words.append(f"{OPTIONS[field][0]}={value}")
    if call.out is not None:
        words.append(f"--report={call.out.absolute()}")
    if any(word.startswith(("-n", "--numprocesses")) for word in call.pytest_options):
        words += ["-p", "xdist"]
    return [*words, *call.pytest_options, folder]


@contextmanager
def _told() -> Iterator[None]:
    """Tell in a line what failed in the adapter or in the kit."""
    try:
        yield
    except HarnessError as error:
        stderr.print("[bold red]error:[/]", end=" ")
        stderr.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(3) from error


@contextmanager
def _folder(call: Call, *names: str) -> Iterator[None]:
    """Keep other runs out of the folder of the reports, and an earlier run's in it."""
    with ExitStack() as stack:
        try:
            if call.out is not None:
                files = [call.out / name for name in names]
                refuse_existing(files, overwrite=call.overwrite)
                stack.enter_context(FolderLock(call.out))
        except TilingError as error:
            raise UsageError(f"--out: {error}") from error
        yield


def _only(subjects: Sequence[str]) -> str:
    if len(subjects) != 1:
        raise UsageError(
            f"{len(subjects)} subjects: give one, or --matrix for a table of all"
        )
    return subjects[0]
