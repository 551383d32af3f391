"""The record of a run: what is read is what was written, complete or refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reftiler_conformance import jsonlines
from reftiler_conformance.case_run import Evidence
from reftiler_conformance.jsonlines import RecordError, Writer
from reftiler_conformance.results import Status
from tests.runs import ASKED, EVERY, one, report


def test_a_record_comes_back_without_its_arrays(tmp_path: Path) -> None:
    printed = "a\nb\u2028c\x1cd\x85e\x00\ud800 \N{GRINNING FACE}"
    noisy = one("TILE-001", Status.FAILED, printed=printed)
    results = (*report(EVERY).results, noisy)
    found = report(name="pkg:Tiler", python="p", clauses=("TILE",), results=results)
    arrays = replace(noisy, evidence=Evidence(got=np.zeros(3)))
    written = replace(found, results=(*results[:-1], arrays))
    jsonlines.write(written, tmp_path / "r.jsonl")
    assert jsonlines.read(tmp_path / "r.jsonl") == found


def test_a_record_is_written_as_results_come_and_sealed_at_the_end(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.jsonl"
    jsonlines.write(report(), path)  # an older record does not survive
    with Writer(path, report(results=())) as out:
        out.add(one("TILE-001", Status.FAILED))
        assert len(path.read_text().splitlines()) == 2
        with pytest.raises(RecordError, match="no footer"):
            jsonlines.read(path)
        out.close(complete=True, seconds=7.5, clauses=("TILE",))
    footer = json.loads(path.read_text().splitlines()[-1])
    assert (footer["count"], footer["exit_code"]) == (1, 1)
    found = jsonlines.read(path)
    assert (found.seconds, found.clauses, len(found.results)) == (7.5, ("TILE",), 1)
    jsonlines.write(report(complete=False), path)
    assert json.loads(path.read_text().splitlines()[-1])["exit_code"] == 3
    with pytest.raises(RecordError, match="did not come to its end"):
        jsonlines.read(path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows: rows[:1], "no footer"),
        (lambda rows: rows[:3] + rows[4:], f"it has {len(ASKED) - 1} results"),
        (lambda rows: rows[1:], "its schema is None"),
        (lambda rows: ["7\n"], "no complete record"),
        (lambda rows: rows + rows, "not one record"),
        (lambda rows: [r.replace("failed", "passed") for r in rows], "was changed"),
        (lambda rows: [rows[0].replace("record 2", "record 1")], "record 1.*record 2"),
    ],
)
def test_a_record_that_is_not_all_there_is_refused(
    tmp_path: Path, change: Any, why: str
) -> None:
    path = tmp_path / "r.jsonl"
    jsonlines.write(report({"TILE-001": Status.FAILED}), path)
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join(change(rows)))
    with pytest.raises(RecordError, match=rf"r\.jsonl.*{why}"):
        jsonlines.read(path)
