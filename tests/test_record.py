"""The record of a run: readers refuse one that is not whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reftiler_conformance.case_run import Evidence
from reftiler_conformance.reports import jsonlines
from reftiler_conformance.reports.jsonlines import RecordError, Writer
from reftiler_conformance.results import Status
from tests.runs import ASKED, EVERY, one, report


class TestRecord:
    def test_a_record_comes_back(self, tmp_path: Path) -> None:
        found = report(EVERY, name="pkg:Tiler", python="p", clauses=("TILE", "PAD"))
        jsonlines.write(found, tmp_path / "r.jsonl")
        assert jsonlines.read(tmp_path / "r.jsonl") == found

    def test_what_a_subject_printed_cannot_break_it(self, tmp_path: Path) -> None:
        printed = "a\nb\u2028c\x1cd\x85e\x00\ud800 \N{GRINNING FACE}"
        found = report(results=(one("TILE-001", Status.FAILED, printed=printed),))
        jsonlines.write(found, tmp_path / "r.jsonl")
        assert jsonlines.read(tmp_path / "r.jsonl") == found

    def test_arrays_stay_out(self, tmp_path: Path) -> None:
        result = one("TILE-001", Status.FAILED, evidence=Evidence(got=np.zeros(3)))
        jsonlines.write(report(results=(result,)), tmp_path / "r.jsonl")
        (back,) = jsonlines.read(tmp_path / "r.jsonl").results
        assert back == replace(result, evidence=None)

    def test_rows_are_written_as_they_come(self, tmp_path: Path) -> None:
        path = tmp_path / "r.jsonl"
        with Writer(path, report(results=())) as out:
            out.add(one("TILE-001", Status.PASSED))
            rows = [json.loads(line) for line in path.read_text().splitlines()]
            assert [row["kind"] for row in rows] == ["header", "result"]
            out.add(one("TILE-002", Status.FAILED))
            out.close(complete=True)
        footer = json.loads(path.read_text().splitlines()[-1])
        assert (footer["count"], footer["exit_code"]) == (2, 1)
        assert footer["complete"] is True

    def test_an_aborted_run_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "r.jsonl"
        jsonlines.write(report(), path)  # an older run's record does not survive
        with Writer(path, report()) as out:
            out.add(one("TILE-001", Status.PASSED))
        with pytest.raises(RecordError, match="not complete: it has no footer"):
            jsonlines.read(path)

    def test_a_run_that_says_it_ended_early_is_refused(self, tmp_path: Path) -> None:
        jsonlines.write(report(complete=False), tmp_path / "r.jsonl")
        footer = json.loads((tmp_path / "r.jsonl").read_text().splitlines()[-1])
        assert footer["exit_code"] == 3
        with pytest.raises(RecordError, match="not complete"):
            jsonlines.read(tmp_path / "r.jsonl")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda rows: rows[:-1], "not complete: it has no footer"),
            (lambda rows: rows[:1], "not complete: it has no footer"),
            (lambda rows: rows[:3] + rows[4:], f"it has {len(ASKED) - 1} results"),
            (lambda rows: rows[1:], "no record"),
            (lambda rows: [], "no record"),
            (lambda rows: ["no json\n"], "no record"),
            (lambda rows: ["7\n"], "no record"),
            (lambda rows: rows + rows, "not one record"),
            (lambda rows: [*rows[:-1], rows[-1][:40]], "cut off"),
            (lambda rows: [r.replace("failed", "passed") for r in rows], "was changed"),
            (lambda rows: [rows[0].replace("record 1", "record 2")], "of the schema"),
        ],
    )
    def test_a_record_that_is_not_whole_is_refused(
        self, tmp_path: Path, change: Any, words: str
    ) -> None:
        path = tmp_path / "r.jsonl"
        jsonlines.write(report({"TILE-001": Status.FAILED}), path)
        rows = path.read_text().splitlines(keepends=True)
        path.write_text("".join(change(rows)))
        with pytest.raises(RecordError, match=words) as caught:
            jsonlines.read(path)
        assert "r.jsonl" in str(caught.value)

    def test_other_files_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(RecordError, match="cannot be read"):
            jsonlines.read(tmp_path / "none.jsonl")
        (tmp_path / "r.jsonl").write_bytes(b"\xff\xfe")
        with pytest.raises(RecordError, match="no text"):
            jsonlines.read(tmp_path / "r.jsonl")
