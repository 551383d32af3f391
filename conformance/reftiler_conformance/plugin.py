r"""
The kit as a pytest run, for those who prefer it to the command.

.. code-block:: sh

    pytest -p reftiler_conformance.plugin --pyargs reftiler_conformance.pytest_suite \
        --subject torch --clauses TILE,MERGE

Each clause, check and device is one test. Unsupported is skipped, with the reason; a
known failure is an expected one, and fails when it passes; a failing test shows the
smallest case; what fails in the kit or the adapter is an error, and no failure.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reftiler_conformance.check import Check
from reftiler_conformance.exchange import HarnessError
from reftiler_conformance.known import load
from reftiler_conformance.reports import words
from reftiler_conformance.results import Report, Result, Status
from reftiler_conformance.runner import EXAMPLES, Runner

RUNNER: pytest.StashKey[Runner] = pytest.StashKey()
RESULTS: pytest.StashKey[list[Result]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the command's options are called here."""
    group = parser.getgroup("reftiler", "conformance to the tiling specification")
    add = group.addoption
    add("--subject", help="A tiler: a built-in name, or module:attribute.")
    add("--subject-device", action="append", help="Where to ask; may be repeated.")
    add("--subject-seed", type=int, default=0, help="Which cases are drawn.")
    add("--clauses", default="", help="Clauses or families: PAD,MERGE-003.")
    add("--known", type=Path, help="YAML list of known failures.")
    add("--examples", type=int, default=EXAMPLES, help="Cases for each check.")
    add("--subject-python", help="The Python of the subject's environment.")


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run without results."""
    config.stash[RESULTS] = []


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the subject, so that a bad call is told in a line."""
    if any("reftiler_conformance" in argument for argument in session.config.args):
        _runner(session.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the subject's process."""
    if (runner := config.stash.get(RUNNER, None)) is not None:
        runner.__exit__(None, None, None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each check and device."""
    if metafunc.module.__name__ != "reftiler_conformance.pytest_suite":
        return
    runner = _runner(metafunc.config)
    checks = runner.checks(_names(metafunc.config))
    asked = [(check, device) for device in runner.devices for check in checks]
    metafunc.parametrize(
        "result",
        asked,
        indirect=True,
        ids=[f"{check.clause}-{check.name}-{device}" for check, device in asked],
    )


@pytest.fixture
def result(request: pytest.FixtureRequest) -> Result:
    """Ask the subject; what the kit or the adapter cannot do is no failure of it."""
    check: Check
    check, device = request.param
    found = _runner(request.config).run(check, device)
    request.config.stash[RESULTS].append(found)
    if found.printed:
        print(found.printed)  # noqa: T201 - pytest shows it with the test
    if found.status is Status.HARNESS:
        raise HarnessError(found.words)
    return found


@pytest.fixture
def header(request: pytest.FixtureRequest) -> Report:
    """Return who is asked, and how."""
    return _runner(request.config).report(())


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say who is asked, and by which specification."""
    if not config.option.subject:
        return []
    report = _runner(config).report(())
    subject = report.subject
    return [f"subject: {subject.name} {subject.version}, {words.scope(report)}"]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Count the clauses; those that were not selected were not run."""
    if found := config.stash[RESULTS]:
        runner = _runner(config)
        report = runner.report([*runner.smoke, *found])
        terminalreporter.write_line(words.headline(report))
        for failure in runner.smoke:
            terminalreporter.write_line(f"{failure.device}: {failure.words}")


def _runner(config: pytest.Config) -> Runner:
    """Return the run, which starts when it is first asked for."""
    if (runner := config.stash.get(RUNNER, None)) is not None:
        return runner
    option = config.option
    if not option.subject:
        raise pytest.UsageError("who is to be asked? give --subject")
    if option.examples < 1:
        raise pytest.UsageError("--examples must be at least 1")
    try:
        runner = Runner(
            option.subject,
            option.subject_device,
            seed=option.subject_seed,
            examples=option.examples,
            known=load(option.known) if option.known else (),
            python=option.subject_python,
        )
        runner.checks(_names(config))
        config.stash[RUNNER] = runner.__enter__()
    except (HarnessError, ValueError) as error:
        raise pytest.UsageError(str(error)) from error
    return runner


def _names(config: pytest.Config) -> list[str]:
    return list(filter(None, config.option.clauses.replace(" ", "").split(",")))
