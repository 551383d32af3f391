"""What a subject does has a status and a sentence, and the run goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reftiler_conformance import Case, Result, Unsupported, run
from reftiler_conformance.check import checks, select
from reftiler_conformance.clauses import clauses
from reftiler_conformance.client import Local
from reftiler_conformance.evaluate import Options, evaluate
from reftiler_conformance.results import Status, exit_code, overall
from reftiler_conformance.under_test import simplest
from reftiler_conformance.wrapped import Wrapped
from tests.strangers import Plain, has_ended, mirrors


def asked(subject: Any, clauses: str, **more: Any) -> dict[str, Result]:
    """Return the worst result of each clause."""
    if isinstance(subject, str):
        subject = f"tests.strangers:{subject}"
    found: dict[str, list[Result]] = {}
    more = {"examples": 4, "timeout": 2.0, **more}
    for result in run(subject, clauses=clauses, **more):
        found.setdefault(result.clause, []).append(result)
    worst = {
        name: overall(r.status for r in results) for name, results in found.items()
    }
    return {
        name: next(r for r in results if r.status is worst[name])
        for name, results in found.items()
    }


@pytest.mark.long
@pytest.mark.parametrize(
    ("subject", "clause", "status", "message"),
    [
        ("Plain", "TILE-001", Status.PASSED, ""),
        ("Plain", "BORDER-001", Status.UNSUPPORTED, "overlap"),
        ("mirrors", "TILE-001", Status.FAILED, "differ"),
        ("flattens", "LAYOUT-006", Status.FAILED, "the shape is"),
        ("doubles", "TYPE-002", Status.FAILED, "the dtype is float64, should be"),
        ("writes", "TILER-005", Status.FAILED, "input"),
        ("lists", "TILE-001", Status.ERROR, "returned list, a numpy array is due"),
        ("objects", "TILE-001", Status.ERROR, "returned an array of Python objects"),
        ("boundless", "TILE-001", Status.ERROR, "returned 1,099,511,627,776 bytes"),
        ("raises", "TILE-001", Status.ERROR, "raised RuntimeError: cannot tile"),
        ("unspeakable", "TILE-001", Status.ERROR, "MuteError: (its message raised"),
        ("exits", "TILE-001", Status.ERROR, "raised SystemExit: 7"),
        ("hangs", "TILE-001", Status.ERROR, "gave no answer in 2 s"),
        ("dies", "TILE-001", Status.ERROR, "its process ended with signal 11"),
        ("leaves_a_child", "TILE-001", Status.ERROR, "with exit code 3: child"),
        ("scribbles", "TILE-001", Status.HARNESS, "pipe of the kit's answers"),
        ("floods", "TILE-001", Status.HARNESS, "it printed more than"),
        ("forks", "TILE-001", Status.HARNESS, "a child that it forked came back"),
        ("unsettles", "TILER-005", Status.PASSED, ""),
        ("prints", "TILE-001", Status.PASSED, ""),
        ("dies_of_another", "MERGE-007", Status.PASSED, ""),  # asked after the other
    ],
)
def test_misbehaviour_has_a_status_and_a_sentence(
    subject: str, clause: str, status: Status, message: str
) -> None:
    result = asked(subject, clause)[clause]
    assert result.status is status
    assert message in result.message
    bad = status in (Status.FAILED, Status.ERROR)
    assert bool(result.case) == bad
    assert exit_code([result]) == (3 if status is Status.HARNESS else bad)
    assert result.printed == ("busy tiling" if subject == "prints" else "")
    if subject == "leaves_a_child":
        assert has_ended(int(result.message.split()[-1]))


def test_the_run_goes_on_and_the_adapter_is_doubted() -> None:
    """What tile does wrong says nothing of untile."""
    found = asked("dies", "TILE-001,MERGE-007")
    assert found["TILE-001"].status is Status.ERROR
    assert found["MERGE-007"].status is Status.PASSED
    assert found["SMOKE"].status is Status.HARNESS
    assert exit_code(found.values()) == 3


def test_what_hangs_again_and_again_is_asked_no_more() -> None:
    found = run("tests.strangers:hangs", clauses="TILE", examples=4, timeout=0.3)
    assert [r.status for r in found].count(Status.ERROR) == 3
    left = {r.message for r in found if r.status is Status.NOT_RUN}
    assert left == {"it hung 3 times in a row, so it was asked no more"}


def test_a_failing_case_is_small_and_is_found_again() -> None:
    first, again = (asked("mirrors", "TILE-001")["TILE-001"] for _ in range(2))
    assert first.evidence is not None
    assert first.evidence.image is not None
    assert first.evidence.image.size <= 12
    assert (first.case, first.message) == (again.case, again.message)
    assert np.any(first.evidence.got != first.evidence.want)


def test_known_failures() -> None:
    why = {"TILE-001": "it mirrors"}
    for subject in ("mirrors", "raises"):
        found = asked(subject, "TILE-001", known=why)["TILE-001"]
        assert found.status is Status.KNOWN
    stale = asked("Plain", "TILE-001", known=why)["TILE-001"]
    assert stale.status is Status.STALE_KNOWN
    assert "it mirrors" in stale.message


class Grumbles(Wrapped):
    """An adapter that refuses most cases, whatever it claims."""

    def __init__(self, takes: Callable[[Case], bool]) -> None:
        super().__init__(mirrors)
        self.takes = takes

    def open(self, case: Case, device: str) -> Any:
        if not self.takes(case):
            raise Unsupported("such a case")
        return super().open(case, device)


def test_a_case_that_the_adapter_refuses_is_lost_and_not_the_check() -> None:
    one = Grumbles(lambda case: case.channels == 1)
    found = asked(one, "TILE-001", examples=20)["TILE-001"]
    assert found.status is Status.FAILED
    assert found.skipped > 0
    none = Grumbles(lambda case: case == simplest(one.info()))
    found = asked(none, "TILE-001", examples=20)["TILE-001"]
    assert (found.status, found.message) == (Status.UNSUPPORTED, "such a case")


def test_a_fault_of_the_kit_is_no_failure_and_ends_the_search() -> None:
    """Hypothesis would try again, and find the check flaky."""
    count = 0

    def fails_once(_: Any) -> None:
        nonlocal count
        count += 1
        if count == 2:
            raise KeyError("odd")

    (check,) = select(["pieces_of_the_frame"])
    check, subject = replace(check, judge=fails_once, fixed=()), Wrapped(Plain)
    (found,) = evaluate(check, Local(subject), subject.info(), "cpu", Options())
    assert found.status is Status.HARNESS
    assert "KeyError" in found.message
    assert count == 2


def test_an_older_version_has_no_newer_clauses() -> None:
    older = {check.clause for check in select(spec="1.0")}
    assert older == {check.clause for check in checks()} & set(clauses("1.0"))
    with pytest.raises(ValueError, match="OUT-003 is no clause"):
        select(["OUT-003"], "1.0")
