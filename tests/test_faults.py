"""The kit finds out every tiler that is wrong on purpose, and blames what is to blame.

The pins come from ``python -m reftiler_conformance.faults --pins --examples 16``; read
what it changes before it is taken over.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import Case
from reftiler_conformance.expected import expected_merge, expected_tiles
from reftiler_conformance.faults.catalogue import Fault, faults
from reftiler_conformance.faults.hunt import Hunt, Quiet
from reftiler_conformance.faults.pins import full, row, short, table, wrong
from reftiler_conformance.faults.plain import Plain, PlainSubject
from reftiler_conformance.results import Status
from reftiler_conformance.search import attempt
from tests.test_faults_pins import PINS


@pytest.fixture(scope="module")
def hunt() -> Hunt:
    return Hunt(start=0, examples=16)


def test_the_sound_tiler_passes_everything(hunt: Hunt) -> None:
    assert hunt.unsound == []


def test_the_sound_tiler_is_asked_all_but_classes_and_json(hunt: Hunt) -> None:
    asked = {question.check.name for question in hunt.questions}
    missed = {name for name in hunt.unasked if not name.endswith(" probe")}
    assert len(asked) > 100
    assert {name.partition("-")[0] for name in missed} <= {"JSON", "VERSION"}


def test_every_fault_is_pinned() -> None:
    assert sorted(PINS) == sorted(faults())


@pytest.mark.parametrize("name", sorted(faults()))
def test_fault_breaks_what_is_pinned(hunt: Hunt, name: str) -> None:
    assert wrong(PINS[name], hunt.broken(faults()[name])) == []
    assert hunt.crashes == set()


@pytest.mark.parametrize("name", sorted(faults()))
def test_pins_hold_the_clause_that_the_fault_is_about(name: str) -> None:
    always, _ = full(PINS[name])
    assert faults()[name].clause in always
    assert faults()[name].sentence.endswith(".")


def test_pins_can_fail(hunt: Hunt) -> None:
    sound = Fault(Plain, "MERGE-001")
    broken = hunt.broken(faults()["LastWins"])
    assert hunt.broken(sound) == frozenset()
    assert wrong(PINS["LastWins"], hunt.broken(sound))
    assert wrong(PINS["LastWins"], broken | {"TILE-003"}) == ["TILE-003 is broken too"]
    assert wrong("", broken)


@pytest.mark.parametrize("name", ["ShrinkFloored", "Epsilon"])
def test_what_a_hunt_skips_would_pass(hunt: Hunt, name: str) -> None:
    fault, features = faults()[name], PlainSubject().info().claimed
    failed = set()
    for question in hunt.questions[::4]:
        client = Quiet(fault.subject)
        ask = partial(CaseRun, client=client, features=features)
        if attempt(question.check, question.case, ask).status is not Status.PASSED:
            failed.add(question.check.clause)
    assert failed
    assert failed <= hunt.broken(fault)


def test_a_hunt_with_the_same_seed_draws_the_same(hunt: Hunt) -> None:
    checks = [question.check for question in hunt.questions[:1]]
    cases = [q.case for q in hunt.questions if q.check in checks]
    assert [q.case for q in Hunt(0, 16, checks).questions] == cases


def test_pins_in_short() -> None:
    counts = {"PAD-001": 2, "PAD-010": 1, "MERGE-001": 2}
    pinned = short(counts, 2)
    assert pinned == "MERGE 001, PAD 001 010?"
    always, sometimes = full(pinned)
    assert (sorted(always), sorted(sometimes)) == (
        ["MERGE-001", "PAD-001"],
        ["PAD-010"],
    )
    assert wrong(pinned, ["PAD-001"]) == ["MERGE-001 is not broken"]


def test_a_table_reads_back() -> None:
    counts = {f"PAD-{n:03}": 1 + n % 2 for n in range(40)}
    text = row("One", counts, 2) + "\n" + row("Two", {"MERGE-001": 2}, 2)
    assert max(map(len, text.splitlines())) <= 88
    assert table(text) == {"One": short(counts, 2), "Two": "MERGE 001"}


def test_the_plain_tiler_does_as_the_definition() -> None:
    case = Case(size=(5,), tile=(3,), stride=(2,), dtype="float64", content="random")
    session = PlainSubject().open(case, "cpu")
    assert np.array_equal(session.tile(case.image()), expected_tiles(case))
    assert np.array_equal(session.untile(case.tiles()), expected_merge(case))
