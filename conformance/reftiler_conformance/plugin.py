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

import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from reftiler.cli.signals import raise_if_told
from reftiler.errors import TilingError
from reftiler_conformance import suite
from reftiler_conformance.adoption import ClauseTest
from reftiler_conformance.check import checks
from reftiler_conformance.evaluate import EXAMPLES
from reftiler_conformance.jsonlines import row_of
from reftiler_conformance.recorder import Recorder
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
