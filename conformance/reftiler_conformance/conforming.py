"""What the command does: runs, with progress; then a summary and the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from reftiler.cli.console import UsageError, stderr, stdout
from reftiler_conformance import counterexample
from reftiler_conformance.cases import parse
from reftiler_conformance.check import Check
from reftiler_conformance.exchange import HarnessError
from reftiler_conformance.known import Known, KnownError, load
from reftiler_conformance.protocol import Info
from reftiler_conformance.reports import jsonlines, junit, markdown, summary
from reftiler_conformance.reports import matrix as matrices
from reftiler_conformance.results import BAD, Report, Result, Status, exit_code
from reftiler_conformance.runner import QUICK, Runner
from reftiler_conformance.subjects import BUILT_IN

__all__ = ["QUICK", "Asked", "matrix", "replay", "single"]


@dataclass(frozen=True)
class Asked:
    """What the options were."""

    device: str | None
    clauses: tuple[str, ...]
    examples: int
    fail_fast: bool
    seed: int
    known: Path | None
    out: Path | None
    pythons: tuple[str, ...]
    timeout: float

    def runner(self, name: str) -> Runner:
        """
        Return a run of a subject.

        Raises
        ------
        UsageError
            If there is no such subject, or the list of known failures is wrong.
        """
        if name not in BUILT_IN and ":" not in name:
            raise UsageError(
                f"{name!r} is no subject: give module:attribute, or one of "
                + ", ".join(BUILT_IN)
            )
        return Runner(
            name,
            None if self.device is None else (self.device,),
            seed=self.seed,
            examples=self.examples,
            known=self._known(),
            python=self._python(name),
            timeout=self.timeout,
        )

    def _known(self) -> Sequence[Known]:
        if self.known is None:
            return ()
        try:
            return load(self.known)
        except KnownError as error:
            raise UsageError(str(error)) from error

    def _python(self, name: str) -> str | None:
        """Return the Python that was given for a subject, or for all."""
        found = None
        for given in self.pythons:
            subject, _, path = given.rpartition("=")
            if subject in ("", name):
                found = str(Path(path).expanduser())
        return found


def single(subjects: Sequence[str], asked: Asked) -> int:
    """Ask one subject; return the exit code."""
    name = _only(subjects)
    report = _asked(name, asked)
    summary.show(report, stdout)
    if asked.out is not None:
        _write_pages(report, name, asked.out)
        stdout.print(f"the reports are in {asked.out}", soft_wrap=True)
    return report.exit_code


def matrix(subjects: Sequence[str], asked: Asked) -> int:
    """Ask several subjects and put them into one table; return the exit code."""
    reports = []
    for name in subjects:
        report = _asked(name, asked)
        reports.append(report)
        stderr.print(f"{name}: {summary.headline(report)}", highlight=False)
        if asked.out is not None:
            _write_pages(report, name, asked.out)
        if asked.fail_fast and report.exit_code:
            break
    page = matrices.page(reports)
    if asked.out is None:
        stdout.print(page, markup=False, soft_wrap=True)
    else:
        (asked.out / "MATRIX.md").write_text(page, encoding="utf-8")
        stdout.print(f"the table is {asked.out / 'MATRIX.md'}", soft_wrap=True)
    return max(report.exit_code for report in reports)


def replay(subjects: Sequence[str], asked: Asked, text: str) -> int:
    """Put one case to one subject; return the exit code."""
    name = _only(subjects)
    if not asked.clauses:
        raise UsageError("a replay is of a clause: give --clauses ID")
    try:
        case = parse(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    with asked.runner(name) as runner:
        results = [
            runner.replay(check, device, case)
            for device in runner.devices
            for check in _checks(runner, asked)
        ]
        for result in results:
            stdout.print(counterexample.describe(result), markup=False, soft_wrap=True)
    return exit_code(results)


def _asked(name: str, asked: Asked) -> Report:
    """Ask a subject everything; a subject that does not start has a report too."""
    runner = asked.runner(name)
    with ExitStack() as stack:
        try:
            stack.enter_context(runner)
        except HarnessError as error:
            return _unstarted(name, runner, str(error))
        checks = _checks(runner, asked)
        record: jsonlines.Writer | None = None
        if asked.out is not None:
            path = _folder(asked.out) / f"{file_name(name)}.jsonl"
            record = stack.enter_context(jsonlines.Writer(path, runner.report(())))
        results, complete = [], True
        step = stack.enter_context(_progress(runner, len(checks)))
        for found in runner.all(checks):
            result = _kept(found, runner, asked.out)
            results.append(result)
            step(result)
            if record is not None:
                record.add(result)
            if asked.fail_fast and exit_code([result]):
                complete = False
                break
        if record is not None:
            record.close(complete=complete)
        return runner.report(results, complete=complete)


def _checks(runner: Runner, asked: Asked) -> list[Check]:
    try:
        return runner.checks(asked.clauses)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _kept(result: Result, runner: Runner, folder: Path | None) -> Result:
    """Write the arrays of a case that failed, and remember where."""
    if folder is None or result.status is not Status.FAILED:
        return result
    there = _folder(folder / "counterexamples" / file_name(runner.name))
    path = counterexample.write(result, runner.report(()), there)
    return replace(result, counterexample=str(path.relative_to(folder)))


def _unstarted(name: str, runner: Runner, words: str) -> Report:
    """Return the report of a subject that could not be asked anything."""
    runner.info = Info(name, "unknown", ())
    result = Result("SMOKE", "start", "MUST", "cpu", Status.HARNESS, words)
    return runner.report((result,), complete=False)


def _write_pages(report: Report, name: str, folder: Path) -> None:
    stem = str(_folder(folder) / file_name(name))
    Path(f"{stem}.md").write_text(markdown.page(report), encoding="utf-8")
    Path(f"{stem}.xml").write_text(junit.xml(report), encoding="utf-8")


def file_name(name: str) -> str:
    """Return a subject's name as a file may be called."""
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in name)


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"--out {path} cannot be a folder: {error.strerror}"
        ) from error
    return path


def _only(subjects: Sequence[str]) -> str:
    if len(subjects) > 1:
        raise UsageError(
            f"{len(subjects)} subjects: give one, or --matrix for a table of all"
        )
    return subjects[0]


@contextmanager
def _progress(runner: Runner, checks: int) -> Iterator[Callable[[Result], None]]:
    """Show which clause is asked and what failed, if stderr is a terminal."""
    if not stderr.is_terminal:
        yield lambda _: None
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[clause]}"),
        console=stderr,
        transient=True,
    )
    with bar:
        total = checks * len(runner.devices)
        task = bar.add_task(runner.info.name, total=total, clause="")

        def step(result: Result) -> None:
            if result.status in BAD:
                bar.print(f"[red]{result.clause}[/] {result.status.value}")
            bar.update(task, advance=1, clause=result.clause)

        yield step
