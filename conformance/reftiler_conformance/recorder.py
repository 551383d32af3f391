"""What a pytest run found, put together: the record, the pages and the report."""

from __future__ import annotations

import json
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from reftiler.atomic import FolderLock
from reftiler.cli.console import progress
from reftiler_conformance.counterexample import file_name, folder_of
from reftiler_conformance.evaluate import could_claim
from reftiler_conformance.jsonlines import Writer, result_of
from reftiler_conformance.markdown import markdown
from reftiler_conformance.report import badge, headline
from reftiler_conformance.results import Report, Result, Status
from reftiler_conformance.under_test import SubjectUnderTest


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
        self._select([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Remember which tests the workers are to run."""
        self._select(ids)

    def _select(self, ids: list[str]) -> None:
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
