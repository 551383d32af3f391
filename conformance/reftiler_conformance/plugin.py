"""
The suite as a pytest run.

.. code-block:: sh

    pytest -p reftiler_conformance.plugin --pyargs reftiler_conformance.suite \
        --subject torch -k MERGE -n 2

Each clause, check and device is one test. Unsupported is skipped, with the reason; a
known failure is an expected one, and fails when it passes; a failing test shows the
smallest case; what fails in the kit or the adapter is an error, and no failure. Without
``--subject`` nothing is changed.
"""

from __future__ import annotations

import json
import signal
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from reftiler.atomic import FolderLock
from reftiler.cli.console import progress
from reftiler.cli.signals import raise_if_told
from reftiler.errors import TilingError
from reftiler_conformance import suite
from reftiler_conformance.adoption import ClauseTest
from reftiler_conformance.check import checks
from reftiler_conformance.counterexample import file_name, folder_of
from reftiler_conformance.evaluate import EXAMPLES, could_claim
from reftiler_conformance.jsonlines import Writer, result_of, row_of
from reftiler_conformance.markdown import markdown
from reftiler_conformance.report import badge, headline
from reftiler_conformance.results import Report, Result, Status
from reftiler_conformance.rpc import HarnessError
from reftiler_conformance.under_test import SubjectUnderTest

OPTIONS: dict[str, tuple[str, Any, str]] = {
    "device": ("--subject-device", None, "Where to ask; wherever it runs by default."),
    "python": ("--subject-python", None, "The Python of the subject's environment."),
    "timeout": ("--subject-timeout", 10.0, "Seconds for each call."),
    "seed": ("--subject-seed", 0, "Which cases are drawn."),
    "clauses": ("--clauses", "", "Clauses, families, checks: PAD,MERGE-003."),
    "examples": ("--examples", EXAMPLES, "Cases for each check."),
    "known": ("--known", None, "YAML list of known failures."),
    "spec": ("--spec", "", "The version of the specification."),
}
"""The fields of `Asked`: the name, the default and the help of each as an option."""

UNDER_TEST: pytest.StashKey[SubjectUnderTest] = pytest.StashKey()
_SUITE = Path(suite.__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command, by names that no other plugin has."""
    add = parser.getgroup(
        "reftiler", "conformance to the tiling specification"
    ).addoption
    add("--subject", help="A tiler: a built-in name, or module:attribute.")
    for name, (option, default, text) in OPTIONS.items():
        kind = str if default is None else type(default)
        add(option, dest=f"subject_{name}", type=kind, default=default, help=text)
    add("--report", type=Path, help="Folder for the record, reports, counterexamples.")


def pytest_configure(config: pytest.Config) -> None:
    """Start the subject, so that a bad call is told in a line."""
    config.addinivalue_line("markers", "clause(id): the clause that a test is about")
    if not config.option.subject:
        if any(word.startswith("reftiler_conformance.suite") for word in config.args):
            raise pytest.UsageError("no tiler is given: give --subject")
        return
    plugins = config.pluginmanager.get_plugins()
    recorder = next((one for one in plugins if isinstance(one, Recorder)), None)
    under_test = recorder.under_test if recorder else _subject(config)
    config.stash[UNDER_TEST] = under_test
    if hasattr(config, "workerinput"):  # of pytest-xdist, whose controller records
        return
    if recorder is None:
        recorder = Recorder(under_test, config.option.report)
        config.pluginmanager.register(recorder)
    try:
        recorder.start(config)
    except (OSError, TilingError) as error:
        raise pytest.UsageError(f"--report: {error}") from error


def _subject(config: pytest.Config) -> SubjectUnderTest:
    asked: Any = {name: config.getoption(f"subject_{name}") for name in OPTIONS}
    try:
        return SubjectUnderTest(config.option.subject, **asked)
    except (HarnessError, ValueError) as error:
        raise pytest.UsageError(str(error)) from error


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the subject's process."""
    if (under_test := config.stash.get(UNDER_TEST, None)) is not None:
        under_test.close()


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Collect the files of the suite by the checks in them."""
    if UNDER_TEST not in parent.config.stash or module_path.parent != _SUITE:
        return None
    module: pytest.Module = SuiteModule.from_parent(parent, path=module_path)
    return module


class SuiteModule(pytest.Module):
    """A file of the suite: an item for each of its checks and each device."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the items."""
        under_test = self.config.stash[UNDER_TEST]
        for device in under_test.devices:
            for check in under_test.checks:
                if check.judge.__module__.rpartition(".")[2] == self.path.stem:
                    yield ClauseItem.from_parent(
                        self,
                        name=f"test_{check.name}[{check.clause}-{device}]",
                        test=ClauseTest(under_test, check, device),
                    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of clauses into the order of the specification."""
    ours = [item for item in items if isinstance(item, ClauseItem)]
    order = {id(check): number for number, check in enumerate(checks() if ours else ())}
    devices = list(dict.fromkeys(item.test.device for item in ours))
    ours.sort(key=lambda i: (devices.index(i.test.device), order[id(i.test.check)]))
    waiting = iter(ours)
    items[:] = [next(waiting) if isinstance(i, ClauseItem) else i for i in items]


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """End with 143 also where SIGTERM comes between two tests."""
    try:
        return (yield)
    except SystemExit as error:
        if error.code != 128 + signal.SIGTERM:
            raise
        pytest.exit("the run was stopped", error.code)


class ClauseItem(pytest.Item):
    """One check of one clause on one device."""

    def __init__(self, *, test: ClauseTest, **more: Any) -> None:
        super().__init__(**more)
        self.test = test
        self.add_marker(pytest.mark.clause(id=test.check.clause))

    def setup(self) -> None:
        """Ask: what the adapter or the kit cannot do is an error, and no failure."""
        try:
            raise_if_told()
            self.test.ask(self.config.option.report)
        except SystemExit as error:  # SIGTERM
            pytest.exit("the run was stopped", int(str(error.code)))
        finally:
            for result in self.test.results:
                if result.printed:
                    self.add_report_section("setup", "printed", result.printed)

    def runtest(self) -> None:
        """Tell what came of it, as the outcome of a test."""
        self.test.tell()

    def reportinfo(self) -> tuple[Path, int, str]:
        """Say where the check is, and what it is called."""
        code = getattr(self.test.check.judge, "__code__", None)
        return self.path, code.co_firstlineno if code else 0, self.name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """Let results travel with the report: as JSON can hold them between processes."""
    report = yield
    if isinstance(item, ClauseItem) and call.when == "setup":
        away, found = hasattr(item.config, "workerinput"), item.test.results
        report.reftiler_results = [*map(row_of, found)] if away else found
    return report


class Recorder:
    """Collects the results of a run, of this process or of those of pytest-xdist."""

    def __init__(
        self,
        under_test: SubjectUnderTest,
        folder: Path | None,
        *,
        badge_name: str = "badge.json",
        lock: bool = True,
    ) -> None:
        self.under_test, self.folder, self._lock = under_test, folder, lock
        self.report: Report | None = None
        """What was found, once the run is over."""
        self._badge_name = badge_name
        self._waiting: deque[str] = deque()  # tests of which nothing is written yet
        self._found: dict[str, list[Result]] = {}
        self._results: list[Result] = []  # in the order of the specification
        self._wrong: set[tuple[str, str]] = set()
        self._stack = ExitStack()
        self._record: Writer | None = None

    def start(self, config: pytest.Config) -> None:
        """Begin the record; what an earlier run left goes, for this one may be cut."""
        chosen = config.option.keyword or config.option.markexpr
        self._scope = (*self.under_test.clauses, *filter(None, [chosen]))
        if self.folder is None:
            return
        if self._lock:
            self._stack.enter_context(FolderLock(self.folder))
        stem = file_name(self.under_test.name)
        self._page = self.folder / f"{stem}.md"
        self._badge = self.folder / self._badge_name
        old = folder_of(self.under_test.name, self.folder).glob("*.npz")
        for file in (self._page, self._badge, *old):
            file.unlink(missing_ok=True)
        header = self.under_test.report(clauses=self._scope, complete=False)
        writer = Writer(self.folder / f"{stem}.jsonl", header)
        self._record = self._stack.enter_context(writer)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember which tests are to be run."""
        self.pytest_xdist_node_collection_finished([i.nodeid for i in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Remember which tests the workers are to run."""
        if ids and not self._waiting:
            self._waiting.extend(ids)
            words = self.under_test.info.name
            self._advance = self._stack.enter_context(progress(words, len(ids)))

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take the results of a test."""
        found = getattr(report, "reftiler_results", None)
        if found is None:
            return
        self._found[report.nodeid] = [
            one if isinstance(one, Result) else result_of(one) for one in found
        ]
        self._advance()
        while self._waiting and self._waiting[0] in self._found:
            self._take(self._waiting.popleft())

    def _take(self, nodeid: str) -> None:
        """Write a test's results; what other processes said of a clause, only once."""
        for result in self._found.get(nodeid, ()):
            key = (result.clause, result.device)
            if key in self._wrong and f"[{result.clause}-" not in nodeid:
                continue
            if result.status is not Status.PASSED:
                self._wrong.add(key)
            self._results.append(result)
            if self._record is not None:
                self._record.add(result)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close the record, and write the pages of a run that came to its end."""
        ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        complete, asked = ended and not self._waiting, self.under_test
        for nodeid in self._waiting:
            self._take(nodeid)
        more: tuple[str, ...] = ()
        if complete and not self._scope:
            more = could_claim(
                asked.client, asked.info, asked.devices[0], asked.checks, asked.options
            )
        self.report = asked.report(
            self._results, clauses=self._scope, complete=complete, could_claim=more
        )
        if self._record is not None and ended:
            self._record.close(complete=complete, could_claim=self.report.could_claim)
            self._page.write_text(markdown(self.report), encoding="utf-8")
            self._badge.write_text(json.dumps(badge(self.report)), encoding="utf-8")
        self._stack.close()
        if exitstatus == pytest.ExitCode.OK and self.report.exit_code:
            session.exitstatus = self.report.exit_code

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say in a line what the run comes to."""
        if self.report is not None:
            terminalreporter.write_line(headline(self.report))
