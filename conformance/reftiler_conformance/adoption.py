"""The suite in other people's tests, and without pytest at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, Unpack

from reftiler_conformance.check import Check
from reftiler_conformance.counterexample import describe, kept
from reftiler_conformance.results import BAD, Result, Status
from reftiler_conformance.rpc import HarnessError
from reftiler_conformance.under_test import Asked, SubjectUnderTest

Test = TypeVar("Test", bound=Any)


def run(subject: Any, **asked: Unpack[Asked]) -> list[Result]:
    """
    Ask a tiler about the specification.

    Parameters
    ----------
    subject : str, type or object
        The name of a built-in adapter, ``"module:attribute"``, a class with ``tile``
        and ``untile``, or an adapter.
    **asked
        ``known``, ``device``, ``clauses``, ``examples``, ``seed``, ``spec``,
        ``isolated``, ``python`` and ``timeout``: see
        `reftiler_conformance.under_test.Asked`.

    Returns
    -------
    list of Result
        In the order of the specification, device by device.

    Raises
    ------
    ValueError
        If there is no such subject, device, clause or version, or the known failures
        are not as they must be.
    HarnessError
        If the subject cannot be started.

    Examples
    --------
    >>> from reftiler_conformance import run
    >>> {result.status.value for result in run("numpy", clauses="TILE-001", examples=2)}
    {'passed'}
    """
    with closing(SubjectUnderTest(subject, **asked)) as under_test:
        return [
            result
            for device in under_test.devices
            for check in under_test.checks
            for result in under_test.evaluate(check, device)
        ]


def parametrize_with_clauses(
    subject: Any, **asked: Unpack[Asked]
) -> Callable[[Test], Test]:
    """
    Make a pytest test of each check of the specification and each device.

    The parameters are those of `run`; a path ``known`` begins at the folder of the
    test file. What the tiler does not claim is skipped, what is known to fail is an
    expected failure, and a known failure that passes fails. What the kit or the adapter
    does wrong is an error, and no failure.

    Examples
    --------
    >>> from reftiler_conformance import parametrize_with_clauses
    >>> @parametrize_with_clauses("numpy", clauses="TILE-001")
    ... def test_spec(clause):
    ...     clause()
    """
    import pytest  # noqa: PLC0415 - `run` does without

    if isinstance(known := asked.get("known"), str | Path):
        file = sys._getframe(1).f_globals.get("__file__", "")  # noqa: SLF001
        asked["known"] = Path(file).parent / known
    try:
        under_test = SubjectUnderTest(subject, **asked)
    except (HarnessError, ValueError) as error:
        raise pytest.Collector.CollectError(str(error)) from error
    tests = [
        pytest.param(
            ClauseTest(under_test, check, device),
            id=f"{check.clause}-{check.name}-{device}",
        )
        for device in under_test.devices
        for check in under_test.checks
    ]

    def decorate(test: Test) -> Test:
        # Only what a fixture raises is an error to pytest; it finds them in modules.
        module = vars(sys.modules[test.__module__])
        module["_clause"] = pytest.fixture(name="clause")(_asked)
        marked: Test = pytest.mark.parametrize("clause", tests, indirect=True)(test)
        return marked

    return decorate


def _asked(request: Any) -> ClauseTest:
    test: ClauseTest = request.param
    test.ask()
    return test


@dataclass
class ClauseTest:
    """One check of one subject on one device; to be called in a pytest test."""

    under_test: SubjectUnderTest
    check: Check
    device: str
    results: list[Result] = field(default_factory=list)

    def ask(self, folder: Path | None = None) -> None:
        """Ask, before the test: what the kit or the adapter cannot do is an error."""
        import pytest  # noqa: PLC0415

        self.results = self.under_test.evaluate(self.check, self.device)
        if folder is not None:
            header = self.under_test.report()
            self.results = [kept(result, header, folder) for result in self.results]
        for result in self.results:
            if result.status is Status.HARNESS:
                message = f"the kit or the adapter failed: {result.message}"
                pytest.fail(message, pytrace=False)

    def __call__(self) -> None:
        """Skip, fail or expect the failure, as the results are."""
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        self.tell(test)

    def tell(self, item_id: str = "") -> None:
        """Tell the results as the outcome of the pytest test that runs."""
        import pytest  # noqa: PLC0415

        faults = [r for r in self.results if r.status in BAD and r.level == "MUST"]
        if faults:
            header = self.under_test.report()
            texts = [describe(fault, header, item_id=item_id) for fault in faults]
            pytest.fail("\n\n".join(texts), pytrace=False)
        for result in self.results:
            message = f"{result.clause}: {result.message}"
            if result.status is Status.KNOWN:
                pytest.xfail(message)
            if result.status in BAD:
                pytest.xfail(f"{result.level}, not MUST: {message}")
            if result.status in (Status.UNSUPPORTED, Status.NOT_RUN):
                pytest.skip(
                    f"{result.status.value.replace('_', ' ')}: {result.message}"
                )
