"""Every API check finds the APIs that break its clause, and passes the reference."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from reftiler_conformance.api_checks import api_checks
from tests.broken_apis import BROKEN, said

CLAUSES = sorted({clause for clause, _ in api_checks()})


def named() -> list[Any]:
    """Return the broken APIs, each with its clause and a number for a name."""
    seen: Counter[str] = Counter()
    found = []
    for clause, broken in BROKEN:
        seen[clause] += 1
        found.append(pytest.param(clause, broken, id=f"{clause}-{seen[clause]}"))
    return found


@pytest.mark.parametrize("clause", CLAUSES)
def test_the_reference_passes(clause: str) -> None:
    assert said(clause) == ""


@pytest.mark.parametrize(("clause", "broken"), named())
def test_a_broken_api_is_found(clause: str, broken: Any) -> None:
    assert said(clause, broken) != ""


def test_every_clause_is_broken() -> None:
    assert {clause for clause, _ in BROKEN} == set(CLAUSES)
