"""The corpus: every case is of a check that exists, and what is right is frozen."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reftiler_conformance import corpus
from reftiler_conformance.case_run import CaseRun
from reftiler_conformance.cases import parse
from reftiler_conformance.check import checks
from reftiler_conformance.client import Local
from reftiler_conformance.features import features
from reftiler_conformance.host import load
from reftiler_conformance.results import Status
from reftiler_conformance.search import attempt

ENTRIES = corpus.entries()
CHECKS = {(check.clause, check.name): check for check in checks()}


def test_there_are_many_and_none_twice() -> None:
    keys = [(entry.clause, entry.check, entry.case) for entry in ENTRIES]
    assert len(keys) > 40
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: f"{e.clause}-{e.origin}")
def test_an_entry_holds(entry: corpus.Entry) -> None:
    """Its check exists, its digest is of the definition, the reference passes it."""
    check = CHECKS[entry.clause, entry.check]
    case = parse(entry.case)
    assert repr(case) == entry.case
    assert corpus.digest(corpus.result(entry.verb, case)) == entry.digest
    assert case in list(corpus.cases(entry.clause, entry.check, features("*")))
    client = Local(load("numpy"))
    found = attempt(check, case, lambda c: CaseRun(c, client, features("*")))
    assert found.status is Status.PASSED, found.words


def test_a_digest_tells_dtype_shape_and_bytes_apart() -> None:
    entry = ENTRIES[0]
    array = corpus.result(entry.verb, parse(entry.case))
    others = [array.astype("c16"), array.reshape(-1, 1), array[::-1].copy()]
    digests = {corpus.digest(one) for one in (array, *others)}
    assert len(digests) >= 3


def test_cases_are_of_what_a_subject_claims() -> None:
    entry = next(entry for entry in ENTRIES if entry.verb == "untile")
    claimed = features("*") - {"untile"}
    assert list(corpus.cases(entry.clause, entry.check, claimed)) == []


def test_what_is_written_is_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    entry = replace(ENTRIES[0], origin="a test, −0.0")
    corpus.write(tmp_path / "corpus.json", (entry,))
    (read,) = json.loads((tmp_path / "corpus.json").read_text("utf-8"))
    assert corpus.Entry(**read) == entry
