"""``reftiler conform``: what it says, what it writes, and its exit codes."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from reftiler.atomic import FolderLock
from reftiler_conformance import counterexample, jsonlines
from reftiler_conformance.jsonlines import RecordError
from reftiler_conformance.results import Status
from tests.command import refused, run

PLAIN, MIRRORED = "tests.strangers:Plain", "tests.strangers:Mirrored"
FEW = ("--examples", 4)


def test_a_subject_that_conforms_is_0() -> None:
    result = run("conform", PLAIN, "--clauses", "TILE,LAYOUT-006", *FEW)
    assert result.exit_code == 0, result.output
    assert "fails nothing of" in result.stdout
    assert "not run" in result.stdout


def test_a_subject_that_does_not_conform_is_1_and_its_case_replays(
    tmp_path: Path,
) -> None:
    out = tmp_path / "report"
    result = run("conform", MIRRORED, "--clauses", "TILE-001", *FEW, "--out", out)
    assert result.exit_code == 1, result.output
    assert "TILE-001" in result.stdout
    assert '"color": "red"' in (out / "badge.json").read_text()
    file = next(out.rglob("TILE-001-*.npz"))
    found = counterexample.read(file)
    got, want = found.arrays["got"], found.arrays["want"]
    assert not np.array_equal(got, want)
    words = shlex.split(found.replay)[3:]
    assert run("conform", MIRRORED, *words).exit_code == 1
    assert run("conform", PLAIN, *words).exit_code == 0


def test_the_record_is_read_back(tmp_path: Path) -> None:
    run("conform", MIRRORED, "--clauses", "TILE", *FEW, "--out", tmp_path)
    (file,) = tmp_path.glob("*.jsonl")
    report = jsonlines.read(file)
    assert report.standing["TILE-001", "cpu"] is Status.FAILED
    assert report.clauses == ("TILE",)
    assert report.complete
    assert "TILE-001" in file.with_suffix(".md").read_text(encoding="utf-8")


def test_a_matrix_of_two(tmp_path: Path) -> None:
    words = ("--matrix", PLAIN, MIRRORED, "--clauses", "TILE", *FEW)
    result = run("conform", *words)
    assert result.exit_code == 1, result.output
    assert "| TILE-001" in result.stdout
    assert run("conform", *words, "--out", tmp_path).exit_code == 1
    assert (tmp_path / "MATRIX.md").read_text(encoding="utf-8").count("TILE-001") > 1


def test_a_subject_of_a_matrix_that_does_not_start_is_told() -> None:
    words = ("--matrix", "tests.strangers:Deaf", PLAIN, "--clauses", "TILE-001", *FEW)
    result = run("conform", *words)
    assert result.exit_code == 3, result.output
    assert "**tests.strangers:Deaf** did not start" in result.stdout
    assert "| TILE" not in result.stdout
    assert run("conform", *words[:2], *FEW).exit_code == 3


def test_an_import_that_fails_is_3(tmp_path: Path) -> None:
    (tmp_path / "broken_tiler.py").write_text("raise RuntimeError('no driver')")
    sys.path.insert(0, str(tmp_path))
    try:
        assert "no driver" in refused(3, "conform", "broken_tiler:Tiler", *FEW)
    finally:
        sys.path.remove(str(tmp_path))


def test_what_could_be_claimed_is_no_fault() -> None:
    result = run("conform", "tests.strangers:Modest", *FEW)
    assert result.exit_code == 0, result.output
    assert "unequal" in " ".join(result.stdout.split())


def test_the_options_of_pytest_follow_behind_dashes(tmp_path: Path) -> None:
    words = ("conform", MIRRORED, *FEW, "--clauses", "TILE,LAYOUT", "--out", tmp_path)
    result = run(*words, "--", "-k", "TILE-001 or TILE-002", "-n", "2")
    assert result.exit_code == 1, result.output
    (file,) = tmp_path.glob("*.jsonl")
    clauses = [found.clause for found in jsonlines.read(file).results]
    assert set(clauses) == {"TILE-001", "TILE-002"}
    assert clauses == sorted(clauses)
    assert "::test_" in run(*words[:-2], "--", "-k", "TILE-002", "-v").stdout


def test_the_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "--out" in refused(2, "conform", PLAIN, "--out", tmp_path / "file")
    with FolderLock(tmp_path):
        words = refused(2, "conform", PLAIN, *FEW, "--out", tmp_path)
    assert "another run" in words


def test_a_run_that_is_cut_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    (tmp_path / "badge.json").write_text("green, of an earlier run")
    words = ("--clauses", "TILE", *FEW, "--fail-fast", "--out", tmp_path)
    assert run("conform", MIRRORED, *words).exit_code == 1
    assert '"message": "not complete"' in (tmp_path / "badge.json").read_text()
    with pytest.raises(RecordError, match="complete"):
        jsonlines.read(next(tmp_path.glob("*.jsonl")))


def test_a_subject_that_can_be_asked_nothing_is_3() -> None:
    result = run("conform", PLAIN, "--clauses", "RANDOM", *FEW)
    assert result.exit_code == 3, result.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nobody",), "'nobody' is no subject"),
        (("tests.nowhere:Tiler",), "cannot be imported"),
        ((PLAIN, "--device", "foo"), "does not run on 'foo'"),
        ((PLAIN, "--spec", "9.9"), "no version 9.9"),
        ((PLAIN, *FEW, "--", "-k", "no_such_test"), "no test is selected"),
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
