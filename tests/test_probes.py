"""Every probe finds the APIs that break its rule, and says what is wrong."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from reftiler_conformance.api_checks import api_checks
from reftiler_conformance.peers.reftiler_own import NumpyApi
from tests.broken_apis import BROKEN, Broken, said

PROBES = sorted({clause for clause, _ in api_checks()})


def named(broken: list[Broken]) -> list[Any]:
    """Return parameters, each with its clause for a name."""
    seen: Counter[str] = Counter()
    found = []
    for one in broken:
        seen[one.clause] += 1
        found.append(pytest.param(one, id=f"{one.clause}-{seen[one.clause]}"))
    return found


def unbroken(broken: list[Broken]) -> set[str]:
    """Return the probes that nothing breaks."""
    return set(PROBES) - {one.clause for one in broken}


@pytest.mark.parametrize("clause", PROBES)
def test_the_reference_passes(clause: str) -> None:
    assert said(clause, NumpyApi()) == ""


@pytest.mark.parametrize("broken", named(BROKEN))
def test_a_probe_says_what_is_wrong(broken: Broken) -> None:
    assert broken.says in broken.words()


def test_every_probe_is_broken() -> None:
    assert unbroken(BROKEN) == set()
    assert {one.clause for one in BROKEN} <= set(PROBES)


def test_a_probe_that_nothing_breaks_is_found() -> None:
    clause = "OUT-001"
    assert unbroken([one for one in BROKEN if one.clause != clause]) == {clause}


def test_a_sound_api_breaks_nothing() -> None:
    for clause in PROBES:
        assert not Broken(clause, "").words()
