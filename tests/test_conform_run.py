"""A run survives whatever its subject does, and tells what that was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.check import Check, checks
from reftiler_conformance.client import Local
from reftiler_conformance.exchange import HarnessError
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.results import Report, Result, Status, exit_code
from reftiler_conformance.runner import Runner
from reftiler_conformance.search import attempt
from reftiler_conformance.wrapped import Wrapped
from tests.strangers import Mirrored, Plain

ASKED = ("TYPE-002", "LAYOUT-006", "TILE-001", "TILER-005", "MERGE-007")


@contextmanager
def asking(name: str) -> Iterator[Runner]:
    with Runner(f"tests.strangers:{name}", examples=4, timeout=2.0) as runner:
        yield runner


def report(name: str, clauses: tuple[str, ...] = ASKED) -> Report:
    with asking(name) as runner:
        return runner.report(runner.all(runner.checks(clauses)))


def by_clause(found: Report) -> dict[str, Result]:
    return {result.clause: result for result in found.results}


def first_check(runner: Runner, clause: str) -> Check:
    """Return the first check of a clause that the subject claims to pass."""
    for check in runner.checks([clause]):
        with suppress(Unsupported):
            check.within(runner.info.claimed)
            return check
    pytest.fail(f"nothing to ask about {clause}")


def test_a_sound_subject_conforms_in_what_it_claims() -> None:
    found = report("Plain")
    statuses = {result.status for result in found.results}
    assert statuses <= {Status.PASSED, Status.UNSUPPORTED}
    assert by_clause(found)["TILE-001"].status is Status.PASSED
    assert found.score().passed > 0
    assert exit_code(found.results) == 0


@pytest.mark.parametrize(
    ("subject", "clause", "status", "words"),
    [
        ("Mirrored", "TILE-001", Status.FAILED, "differ"),
        ("Raises", "TILE-001", Status.ERROR, "raised RuntimeError: cannot tile"),
        ("Hangs", "TILE-001", Status.ERROR, "gave no answer in 2 s"),
        ("Dies", "TILE-001", Status.ERROR, "its process ended with signal 11"),
        ("Exits", "TILE-001", Status.ERROR, "raised SystemExit: 7"),
        ("Lists", "TILE-001", Status.ERROR, "returned list, a numpy array is due"),
        ("Objects", "TILE-001", Status.ERROR, "returned an array of Python objects"),
        ("Odd", "TILE-001", Status.ERROR, "raised BaseException: of no kind"),
        ("Records", "TILE-001", Status.FAILED, "the dtype is"),
        ("Complex", "TILE-001", Status.FAILED, "the dtype is complex64, should be"),
        ("Flat", "LAYOUT-006", Status.FAILED, "the shape is"),
        ("Doubles", "TYPE-002", Status.FAILED, "the dtype is float64, should be"),
        ("Writes", "TILER-005", Status.FAILED, "input"),
        ("Nothing", "MERGE-007", Status.FAILED, "differ"),
        ("NoUntile", "MERGE-007", Status.ERROR, "no attribute 'untile'"),
    ],
)
def test_misbehaviour_has_a_status_and_a_sentence(
    subject: str, clause: str, status: Status, words: str
) -> None:
    with asking(subject) as runner:
        result = runner.run(first_check(runner, clause), "cpu")
    assert result.status is status
    assert words in result.words
    assert result.case.startswith("Case(")
    assert exit_code([result]) == 1


@pytest.mark.parametrize("subject", ["Hangs", "Dies", "Raises"])
def test_the_run_goes_on(subject: str) -> None:
    """What tile does wrong says nothing of untile."""
    found = by_clause(report(subject, ("TILE-001", "MERGE-007")))
    assert found["TILE-001"].status is Status.ERROR
    assert found["MERGE-007"].status is Status.PASSED
    assert found["SMOKE"].status is Status.HARNESS


def test_prints_are_kept_and_break_nothing() -> None:
    with asking("Prints") as runner:
        result = runner.run(first_check(runner, "TILE-001"), "cpu")
    assert result.status is Status.PASSED
    assert "busy" in result.printed
    assert "tiling" in result.printed


def test_a_failing_case_is_small() -> None:
    with asking("Mirrored") as runner:
        result = runner.run(first_check(runner, "TILE-001"), "cpu")
    assert result.evidence is not None
    assert result.evidence.image is not None
    assert result.evidence.image.size <= 12


@pytest.mark.parametrize("subject", [Plain, Mirrored])
def test_arrays_of_what_passed_are_not_kept(subject: type[Plain]) -> None:
    """A search remembers all its cases, and some of them are large."""
    (check,) = [c for c in checks() if c.name == "pieces_of_the_frame"]
    case = Case(size=(4, 6), tile=(2, 2), stride=(2, 2), channels=1)
    client, claimed = Local(Wrapped(subject)), frozenset(Plain.features)
    finding = attempt(check, case, lambda case: CaseRun(case, client, claimed))
    assert (finding.status is Status.PASSED) == (finding.evidence is None)
    assert (finding.status is Status.PASSED) == (subject is Plain)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tests.strangers:Nobody", "cannot be imported"),
        ("tests.nowhere:Tiler", "cannot be imported"),
        ("tests.strangers:Array", "neither an adapter"),
        ("tests.strangers:Deaf", "does not say who it is"),
        ("tests.strangers:Boasts", "telepathy"),
        ("nobody", "is no subject"),
    ],
)
def test_what_cannot_be_asked_is_the_harness_s_matter(name: str, words: str) -> None:
    with pytest.raises(HarnessError, match=words), Runner(name):
        pytest.fail("it started")


def test_another_python_that_is_none() -> None:
    with pytest.raises(HarnessError, match="does not run"):
        Runner("numpy", python="/no/such/python").__enter__()


def test_the_same_seed_finds_the_same() -> None:
    found = [by_clause(report("Mirrored", ("TILE",))) for _ in range(2)]
    assert {k: (r.case, r.words, r.examples) for k, r in found[0].items()} == {
        k: (r.case, r.words, r.examples) for k, r in found[1].items()
    }


def test_modesty_is_told() -> None:
    with asking("Modest") as runner:
        results = list(runner.all(runner.checks(["SIZE"])))
    stale = [result for result in results if result.status is Status.STALE_FEATURE]
    assert any("'unequal'" in result.words for result in stale)
    assert exit_code(results) == 1


def test_clauses_and_families_that_there_are() -> None:
    with asking("Plain") as runner:
        assert {check.clause for check in runner.checks(["PAD-006"])} == {"PAD-006"}
        families = {c.clause.partition("-")[0] for c in runner.checks(["PAD", "TRIP"])}
        assert families == {"PAD", "TRIP"}
        with pytest.raises(ValueError, match="PAD-999 is no clause"):
            runner.checks(["PAD-999"])
