"""``reftiler conform``: what it says, what it writes, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reftiler_conformance import counterexample
from reftiler_conformance.reports import jsonlines
from reftiler_conformance.reports.jsonlines import RecordError
from reftiler_conformance.results import Status
from tests.command import refused, run

PLAIN, MIRRORED = "tests.strangers:Plain", "tests.strangers:Mirrored"
FEW = ("--examples", 4)


def test_a_subject_that_conforms_is_0() -> None:
    result = run("conform", PLAIN, "--clauses", "TILE,LAYOUT-006", *FEW)
    assert result.exit_code == 0, result.output
    assert "fails nothing of what was asked" in result.stdout
    assert "unsupported" in result.stdout


def test_a_subject_that_does_not_conform_is_1_and_its_case_replays(
    tmp_path: Path,
) -> None:
    out = tmp_path / "report"
    result = run("conform", MIRRORED, "--clauses", "TILE-001", *FEW, "--out", out)
    assert result.exit_code == 1, result.output
    assert "TILE-001" in result.stdout
    (file,) = out.rglob("*.npz")
    found = counterexample.read(file)
    assert found.got is not None
    assert found.want is not None
    assert not np.array_equal(found.got, found.want)
    words = ("--clauses", "TILE-001", "--replay", repr(found.recipe))
    assert run("conform", MIRRORED, *words).exit_code == 1
    assert run("conform", PLAIN, *words).exit_code == 0


def test_the_record_is_read_back(tmp_path: Path) -> None:
    run("conform", MIRRORED, "--clauses", "TILE", *FEW, "--out", tmp_path)
    (file,) = tmp_path.glob("*.jsonl")
    report = jsonlines.read(file)
    statuses = {result.clause: result.status for result in report.results}
    assert statuses["TILE-001"] is Status.FAILED
    assert report.clauses == ("TILE",)
    assert report.complete
    for suffix in (".md", ".xml"):
        assert "TILE-001" in file.with_suffix(suffix).read_text(encoding="utf-8")


def test_a_run_that_stops_early_leaves_no_complete_record(tmp_path: Path) -> None:
    words = ("--clauses", "TILE", *FEW, "--fail-fast", "--out", tmp_path)
    result = run("conform", MIRRORED, *words)
    assert result.exit_code == 1
    (file,) = tmp_path.glob("*.jsonl")
    with pytest.raises(RecordError, match="complete"):
        jsonlines.read(file)


def test_known_failures_are_excused_and_stale_ones_are_not(tmp_path: Path) -> None:
    known = tmp_path / "known.yaml"
    known.write_text(
        "- clause: TILE-001\n"
        '  witness: "Case(size=(2, 2), tile=(2, 2), stride=(2, 2), channels=3)"\n'
        "  reason: every tile is mirrored\n",
        encoding="utf-8",
    )
    words = ("--clauses", "TILE-001", *FEW, "--known", known)
    excused = run("conform", MIRRORED, *words)
    assert excused.exit_code == 0, excused.output
    assert "known" in excused.stdout
    stale = run("conform", PLAIN, *words)
    assert stale.exit_code == 1
    assert "and passes" in stale.stdout


def test_a_matrix_of_two(tmp_path: Path) -> None:
    words = ("--matrix", PLAIN, MIRRORED, "--clauses", "TILE", *FEW)
    result = run("conform", *words)
    assert result.exit_code == 1, result.output
    assert "| TILE-001" in result.stdout
    assert run("conform", *words, "--out", tmp_path).exit_code == 1
    assert (tmp_path / "MATRIX.md").read_text(encoding="utf-8").count("TILE-001") > 1


def test_a_subject_that_cannot_be_imported_is_3(tmp_path: Path) -> None:
    result = run("conform", "tests.nowhere:Tiler", *FEW, "--out", tmp_path)
    assert result.exit_code == 3, result.output
    assert "cannot be imported" in result.stdout
    assert "did not come to its end" in result.stdout


def test_a_subject_that_can_be_asked_nothing_is_3() -> None:
    result = run("conform", PLAIN, "--clauses", "RANDOM", *FEW)
    assert result.exit_code == 3, result.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nobody",), "'nobody' is no subject"),
        ((PLAIN, MIRRORED), "--matrix"),
        ((PLAIN, "--clauses", "TILE-999"), "TILE-999 is no clause"),
        ((PLAIN, "--known", "nowhere.yaml"), "nowhere.yaml"),
        ((PLAIN, "--replay", "Case()"), "give --clauses"),
        ((PLAIN, "--clauses", "TILE-001", "--replay", "1 + 1"), "no recipe"),
        ((PLAIN, "--clauses", "TILE-001", "--replay", "Case(size=3)"), "no recipe"),
    ],
)
def test_a_bad_call_is_2(words: tuple[str, ...], says: str) -> None:
    assert says in refused(2, "conform", *words)


def test_a_folder_that_is_a_file_is_2(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert "--out" in refused(2, "conform", PLAIN, "--out", file)
