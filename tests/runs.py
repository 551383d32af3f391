"""Runs that never were: reports with the results that a test wants."""

from __future__ import annotations

from typing import Any

from reftiler_conformance.clauses import UNCHECKED, clauses, spec_version
from reftiler_conformance.protocol import Info
from reftiler_conformance.results import Report, Result, Status

CASE = "Case(size=(5, 4), tile=(3, 2), stride=(2, 2), batch=2, dtype='float16')"
SHOULD = next(clause.id for clause in clauses().values() if clause.level == "SHOULD")
ASKED = [name for name in clauses() if name not in UNCHECKED]
INFO = Info("kornia", "0.8.1", ("tile",), versions={"torch": "2.13.0"})


def one(clause: str, status: Status, device: str = "cpu", **more: Any) -> Result:
    level = clauses()[clause].level if clause in clauses() else "MUST"
    words = more.pop("words", "" if status is Status.PASSED else "some words")
    return Result(clause, "some_check", level, device, status, words, **more)


def report(changed: dict[str, Status] | None = None, **more: Any) -> Report:
    """Return a report in which all is passed, but for what is given."""
    statuses = dict.fromkeys(ASKED, Status.PASSED) | (changed or {})
    found = [one(clause, status, case=CASE) for clause, status in statuses.items()]
    given = {"results": tuple(found), "spec_version": spec_version(), **more}
    return Report(
        INFO,
        version="0.1.0",
        seed=0,
        examples=60,
        started="2026-11-23T05:00:00+00:00",
        seconds=12.5,
        **given,
    )


def all_of(status: Status) -> dict[str, Status]:
    return dict.fromkeys(ASKED, status)


EVERY = {
    "TILE-001": Status.FAILED,
    "TILE-002": Status.ERROR,
    "TILE-003": Status.UNSUPPORTED,
    "MERGE-001": Status.KNOWN,
    "MERGE-002": Status.STALE_KNOWN,
    "PAD-001": Status.NOT_RUN,
    "PAD-002": Status.HARNESS,
}
