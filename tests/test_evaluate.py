"""What a subject does has a status and a sentence, and the run goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reftiler_conformance import Case, Result, Unsupported, run
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import parse
from reftiler_conformance.check import (
    Check,
    checks,
    regressions,
    select,
)
from reftiler_conformance.clauses import clauses
from reftiler_conformance.client import Local
from reftiler_conformance.evaluate import Options, could_claim, evaluate
from reftiler_conformance.protocol import Info
from reftiler_conformance.results import Status, exit_code, overall
from reftiler_conformance.rpc import HarnessError
from reftiler_conformance.unchecked import UNCHECKED
from reftiler_conformance.under_test import SubjectError
from reftiler_conformance.wrapped import Wrapped
from tests.strangers import Modest, Plain


def asked(subject: Any, clauses: str, **more: Any) -> dict[str, Result]:
    """Return the worst result of each clause."""
    more = {"examples": 4, "timeout": 2.0, **more}
    if isinstance(subject, str) and ":" not in subject:
        subject = f"tests.strangers:{subject}"
    found: dict[str, list[Result]] = {}
    for result in run(subject, clauses=clauses, **more):
        found.setdefault(result.clause, []).append(result)
    worst = {
        name: overall(r.status for r in results) for name, results in found.items()
    }
    return {
        name: next(r for r in results if r.status is worst[name])
        for name, results in found.items()
    }


@pytest.mark.parametrize(
    ("subject", "clause", "status", "message"),
    [
        ("Plain", "TILE-001", Status.PASSED, ""),
        ("Plain", "BORDER-001", Status.UNSUPPORTED, "overlap"),
        ("Mirrored", "TILE-001", Status.FAILED, "differ"),
        ("Raises", "TILE-001", Status.ERROR, "raised RuntimeError: cannot tile"),
        ("Hangs", "TILE-001", Status.ERROR, "gave no answer in 2 s"),
        ("Dies", "TILE-001", Status.ERROR, "its process ended with signal 11"),
        ("Exits", "TILE-001", Status.ERROR, "raised SystemExit: 7"),
        ("Lists", "TILE-001", Status.ERROR, "returned list, a numpy array is due"),
        ("Objects", "TILE-001", Status.ERROR, "returned an array of Python objects"),
        ("Odd", "TILE-001", Status.ERROR, "raised BaseException: of no kind"),
        ("Records", "TILE-001", Status.FAILED, "the dtype is"),
        ("Flat", "LAYOUT-006", Status.FAILED, "the shape is"),
        ("Doubles", "TYPE-002", Status.FAILED, "the dtype is float64, should be"),
        ("Writes", "TILER-005", Status.FAILED, "input"),
    ],
)
def test_misbehaviour_has_a_status_and_a_sentence(
    subject: str, clause: str, status: Status, message: str
) -> None:
    result = asked(subject, clause)[clause]
    assert result.status is status
    assert message in result.message
    bad = status in (Status.FAILED, Status.ERROR)
    assert exit_code([result]) == bad
    assert bool(result.case) == bad


def test_the_run_goes_on_and_the_adapter_is_doubted() -> None:
    """What tile does wrong says nothing of untile."""
    found = asked("Dies", "TILE-001,MERGE-007")
    assert found["TILE-001"].status is Status.ERROR
    assert found["MERGE-007"].status is Status.PASSED
    assert found["SMOKE"].status is Status.HARNESS
    assert exit_code(found.values()) == 3


def test_a_failing_case_is_small_and_is_found_again() -> None:
    first, again = (asked("Mirrored", "TILE-001")["TILE-001"] for _ in range(2))
    assert first.evidence is not None
    assert first.evidence.image is not None
    assert first.evidence.image.size <= 12
    assert (first.case, first.message) == (again.case, again.message)
    assert np.any(first.evidence.got != first.evidence.want)


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        ("tests.strangers:Nobody", "no attribute 'Nobody'"),
        ("tests.nowhere:Tiler", "No module named 'tests.nowhere'"),
        ("tests.strangers:Array", "neither an adapter"),
        ("nobody", "is no subject"),
    ],
)
def test_a_mistyped_subject_is_a_bad_call(subject: str, message: str) -> None:
    with pytest.raises(SubjectError, match=message):
        run(subject)


@pytest.mark.parametrize(
    ("subject", "message"),
    [("Deaf", "does not say what it claims"), ("Boasts", "telepathy")],
)
def test_an_adapter_that_fails_is_no_bad_call(subject: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        run(f"tests.strangers:{subject}")


def test_an_older_version_has_no_newer_clauses() -> None:
    older = {check.clause for check in select(spec="1.0")}
    assert older == {check.clause for check in select()} & set(clauses("1.0"))
    with pytest.raises(ValueError, match="OUT-003 is no clause"):
        select(["OUT-003"], "1.0")


class Grumbles:
    """An adapter that refuses images of more than one channel, whatever it claims."""

    def info(self) -> Info:
        return Info("grumbles", "1", (*Plain.features, "plain"))

    def open(self, case: Case, device: str) -> Any:
        if case.channels != 1 or case.size == (8, 8):
            raise Unsupported("one channel")
        return Wrapped(Mirrored).open(case, device)


class Mirrored(Plain):
    def tile(self, image: Any) -> Any:
        return super().tile(image)[..., ::-1]


def tile_check(judge: Any, **more: Any) -> Check:
    found = next(check for check in checks() if check.name == "pieces_of_the_frame")
    return replace(found, judge=judge, **more)


def test_a_case_that_the_adapter_refuses_is_lost_and_not_the_check() -> None:
    sizes = [(8, 8), (4, 4)]
    fixed = [Case(size=s, tile=(2, 2), stride=(2, 2), channels=1) for s in sizes]
    subject = Grumbles()
    check = tile_check(lambda run: run.tiles_agree(), fixed=tuple(fixed))
    (found,) = evaluate(check, Local(subject), subject.info(), "cpu", Options())
    assert found.status is Status.FAILED
    assert parse(found.case).size == (4, 4)
    assert found.skipped == 1
    only = replace(check, fixed=tuple(fixed[:1]), draws=None)
    (found,) = evaluate(only, Local(subject), subject.info(), "cpu", Options())
    assert (found.status, found.message) == (Status.UNSUPPORTED, "one channel")


class Stateful(Plain):
    """Merges as the last image was cut, whatever its size."""

    features = (*Plain.features, "overlap")

    def tile(self, image: Any) -> Any:
        self.last = image.shape
        return super().tile(image)

    def untile(self, tiles: Any, shape: Any) -> Any:
        if getattr(self, "last", shape) != shape:
            return np.zeros(shape, tiles.dtype)
        return super().untile(tiles, shape)


def test_another_broken_clause_is_told_once_and_not_for_its_own() -> None:
    found = run(Stateful, clauses="MERGE-007,MERGE-020,TILER-003", examples=20)
    blamed = [r for r in found if r.status is Status.FAILED]
    assert {r.clause for r in blamed} == {"TILER-003"}
    own = {r.clause for r in found if r.status is Status.PASSED}
    assert "MERGE-007" in own
    assert len([r for r in blamed if r.check != "reuse"]) >= 1


def test_known_failures() -> None:
    why = {"TILE-001": "it mirrors"}
    assert asked("Mirrored", "TILE-001", known=why)["TILE-001"].status is Status.KNOWN
    stale = asked("Plain", "TILE-001", known=why)["TILE-001"]
    assert stale.status is Status.STALE_KNOWN
    assert "it mirrors" in stale.message
    errors = asked("Raises", "TILE-001", known=why)
    assert errors["TILE-001"].status is Status.KNOWN


@pytest.mark.parametrize("error", [KeyError("odd"), SystemExit(143)])
def test_what_stops_a_search_is_asked_no_more(error: BaseException) -> None:
    """Hypothesis would try again, and find the check flaky."""
    count = 0

    def fails_once(_: CaseRun) -> None:
        nonlocal count
        count += 1
        if count == 2:
            raise error

    client, info = Local(Wrapped(Plain)), Wrapped(Plain).info()
    check = tile_check(fails_once, fixed=())
    if isinstance(error, SystemExit):
        with pytest.raises(SystemExit):
            evaluate(check, client, info, "cpu", Options())
    else:
        (found,) = evaluate(check, client, info, "cpu", Options())
        assert found.status is Status.HARNESS
        assert "KeyError" in found.message
    assert count == 2


def test_what_could_be_claimed() -> None:
    modest = Modest()
    sizes = [check for check in checks() if check.clause.startswith("SIZE")]
    found = could_claim(Local(modest), modest.info(), "cpu", sizes, Options())
    assert "unequal" in found
    assert "border" not in found


def test_every_regression_is_of_a_check() -> None:
    names = {(check.clause, check.name) for check in checks()}
    assert len(regressions()) > 20
    assert set(regressions()) <= names


def test_every_clause_has_a_check_or_a_reason_why_not() -> None:
    checked = {check.clause for check in checks()}
    assert not checked & set(UNCHECKED)
    assert checked | set(UNCHECKED) == set(clauses())
    assert all(UNCHECKED.values())


class Refuses:
    """Claims everything, and takes no case."""

    def info(self) -> Info:
        return Info("refuses", "1", ["*"])

    def open(self, case: Case, device: str) -> Any:
        raise Unsupported("this case")


def test_a_check_whose_cases_are_all_refused_is_unsupported() -> None:
    subject = Refuses()
    options = Options(examples=60)
    found = [
        result.status
        for check in select(["MERGE", "TILE", "TRIP", "WINDOW", "OUT"])
        for result in evaluate(check, Local(subject), subject.info(), "cpu", options)
    ]
    assert set(found) == {Status.UNSUPPORTED}
