"""The suite of the pytest front end: one test for each clause, check and device."""

from __future__ import annotations

import pytest

from reftiler_conformance.counterexample import describe
from reftiler_conformance.reports.words import NAMES, departs
from reftiler_conformance.results import BAD, Report, Result, Status


def test_clause(result: Result, header: Report) -> None:
    """The subject does what the clause says."""
    told = f"{NAMES[result.status]}: {result.words}"
    if result.status in (Status.UNSUPPORTED, Status.NOT_RUN):
        pytest.skip(told)
    if result.status is Status.KNOWN:
        pytest.xfail(told)
    if departs(result):
        pytest.xfail(f"{result.level}, not MUST: {told}")
    if result.status in BAD:
        pytest.fail(describe(result, header), pytrace=False)
    assert result.status is Status.PASSED, told
