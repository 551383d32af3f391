"""Every API check finds the APIs that break its clause, and passes the reference."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from reftiler_conformance.api_checks import api_checks
from reftiler_conformance.peers.reftiler_own import NumpyApi
from reftiler_conformance.suite import test_api_calls, test_api_config
from reftiler_conformance.suite.calls import calls
from tests.broken_apis import BROKEN, FORGIVING, MUTE, said

CLAUSES = sorted({clause for clause, _ in api_checks()})
TABLES = test_api_calls.CALLS | test_api_config.SECTIONS
REFUSING = [c for c in TABLES if any(call.error for call in calls(TABLES[c]))]


@pytest.mark.parametrize("clause", CLAUSES)
def test_the_reference_passes(clause: str) -> None:
    assert said(clause) == ""


@pytest.mark.parametrize(
    ("clause", "broken"),
    [
        pytest.param(clause, broken, id=f"{clause}-{number}")
        for clause, some in BROKEN.items()
        for number, broken in enumerate(some, 1)
    ],
)
def test_a_broken_api_is_found(clause: str, broken: Any) -> None:
    assert said(clause, broken) != ""


def judge(clause: str, row: str, broken: Any) -> None:
    """Judge a row of the table that has a clause."""
    api: Any = NumpyApi()
    api.Tiler = broken
    if clause in test_api_calls.CALLS:
        test_api_calls.test_calls(api, row)
    else:
        with patch.object(test_api_config, "read", broken.read):
            test_api_config.test_sections(api, row)


@pytest.mark.parametrize("clause", REFUSING)
def test_each_refusal_of_a_table_is_due(clause: str) -> None:
    """A call that should be refused is found where it is taken, or nothing is said."""
    for call in calls(TABLES[clause]):
        row = f"{call.code} raises {call.error}"
        if call.error:
            with pytest.raises(AssertionError, match=r"was taken|broke"):
                judge(clause, row, FORGIVING)
            judge(clause, row, MUTE)
        if call.said:
            with pytest.raises(AssertionError, match="not in what"):
                judge(clause, f"{row}: {', '.join(call.said)}", MUTE)


def test_every_clause_is_broken() -> None:
    assert {*BROKEN, *REFUSING} == set(CLAUSES)
