"""``reftiler conform``: its reports, its exit codes, and runs that are cut short."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from reftiler.atomic import FolderLock
from reftiler_conformance import counterexample, jsonlines
from reftiler_conformance.jsonlines import RecordError
from reftiler_conformance.results import Status
from tests.command import refused, run
from tests.strangers import has_ended

PLAIN, MIRRORED = "tests.strangers:Plain", "tests.strangers:mirrors"
FEW = ("--examples", 4)


@pytest.mark.parametrize("subject", [PLAIN, "tests.strangers:Opening"])
def test_a_subject_that_conforms_is_0(subject: str) -> None:
    result = run("conform", subject, "--clauses", "TILE,LAYOUT-006", *FEW)
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
    (record,) = out.glob("*.jsonl")
    report = jsonlines.read(record)
    assert report.standing["TILE-001", "cpu"] is Status.FAILED
    assert report.clauses == ("TILE-001",)
    assert "TILE-001" in record.with_suffix(".md").read_text(encoding="utf-8")
    found = counterexample.read(next(out.rglob("TILE-001-*.npz")))
    assert not np.array_equal(found.arrays["got"], found.arrays["want"])
    words = shlex.split(found.replay)[3:]
    assert run("conform", MIRRORED, *words).exit_code == 1
    assert run("conform", PLAIN, *words).exit_code == 0


@pytest.mark.long
def test_a_matrix(tmp_path: Path) -> None:
    """Of two tilers, and of one that does not start."""
    words = ("--clauses", "TILE-001", *FEW)
    result = run("conform", "--matrix", PLAIN, MIRRORED, *words)
    assert result.exit_code == 1, result.output
    assert "| TILE-001" in result.stdout
    deaf = ("--matrix", "tests.strangers:Deaf")
    result = run("conform", *deaf, PLAIN, *words, "--out", tmp_path)
    assert result.exit_code == 3, result.output
    page = (tmp_path / "MATRIX.md").read_text(encoding="utf-8")
    assert "**tests.strangers:Deaf** did not start" in page
    assert "| TILE" not in page
    assert run("conform", *deaf, *FEW).exit_code == 3
    assert "MATRIX.md exists" in refused(2, "conform", *deaf, "--out", tmp_path)


@pytest.mark.parametrize("matrix", [(), ("--matrix",)])
@pytest.mark.parametrize(
    "words", [("nomodule:X",), ("json:nope",), (PLAIN, "--python", "no/such/python")]
)
def test_a_name_that_is_wrong_is_a_bad_call(
    words: tuple[str, ...], matrix: tuple[str, ...]
) -> None:
    result = run("conform", *words, "--clauses", "TILE-001", *FEW, *matrix)
    assert result.exit_code == 2, result.output
    assert words[-1].partition(":")[0] in result.stderr


def test_what_is_not_learnt_is_3() -> None:
    """The subject does not start, or claims nothing of what is asked."""
    assert "does not say" in refused(3, "conform", "tests.strangers:Deaf", *FEW)
    result = run("conform", PLAIN, "--clauses", "RANDOM", *FEW)
    assert result.exit_code == 3, result.output


def test_what_could_be_claimed_is_no_fault() -> None:
    result = run("conform", "tests.strangers:Modest", *FEW)
    assert result.exit_code == 0, result.output
    assert "unequal" in " ".join(result.stdout.split())


@pytest.mark.long
def test_the_options_of_pytest_follow_behind_dashes(tmp_path: Path) -> None:
    words = ("conform", MIRRORED, *FEW, "--clauses", "TILE,LAYOUT", "--out", tmp_path)
    result = run(*words, "--", "-k", "TILE-001 or TILE-002", "-n", "2")
    assert result.exit_code == 1, result.output
    (file,) = tmp_path.glob("*.jsonl")
    clauses = [found.clause for found in jsonlines.read(file).results]
    assert set(clauses) == {"TILE-001", "TILE-002"}
    assert clauses == sorted(clauses)
    assert "badge.json exists" in refused(2, *words)
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
    assert "badge.json exists" in refused(2, "conform", MIRRORED, *words)
    assert (tmp_path / "badge.json").read_text() == "green, of an earlier run"
    assert run("conform", MIRRORED, *words, "--overwrite").exit_code == 1
    assert '"message": "not complete"' in (tmp_path / "badge.json").read_text()
    with pytest.raises(RecordError, match="complete"):
        jsonlines.read(next(tmp_path.glob("*.jsonl")))


@pytest.mark.parametrize(
    ("sent", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
)
def test_a_run_that_is_stopped(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    words = ("conform", "tests.strangers:slow", "--clauses", "SIZE,TILE", "--quick")
    running = subprocess.Popen(
        [sys.executable, "-m", "reftiler.cli", *words, "--out", str(tmp_path)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    record = tmp_path / "tests.strangers-slow.jsonl"
    until = time.monotonic() + 60
    while not record.exists() or record.read_text("utf-8").count('"result"') < 1:
        assert time.monotonic() < until
        time.sleep(0.1)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text()
    running.send_signal(sent)
    out, err = running.communicate(timeout=30)
    assert running.returncode == code, err
    assert "Traceback" not in err
    assert "conforms" not in out
    with pytest.raises(RecordError, match="no footer"):
        jsonlines.read(record)
    assert not list(tmp_path.glob("*.md"))
    assert children
    assert all(has_ended(int(child)) for child in children.split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nobody",), "'nobody' is no subject"),
        (("tests.nowhere:Tiler",), "No module named 'tests.nowhere'"),
        (("tests.strangers:Nobody",), "no attribute 'Nobody'"),
        (("tests.strangers:Array",), "neither an adapter"),
        ((PLAIN, "--device", "foo"), "does not run on 'foo'"),
        ((PLAIN, "--spec", "9.9"), "no version 9.9"),
        ((PLAIN, *FEW, "--", "-k", "no_such_test"), "no test is selected"),
        ((PLAIN, MIRRORED), "--matrix"),
        ((PLAIN, "--clauses", "TILE-999"), "TILE-999 is no clause"),
        ((PLAIN, "--known", "nowhere.yaml"), "nowhere.yaml"),
        ((PLAIN, "--replay", "Case()"), "give --clauses"),
        ((PLAIN, "--clauses", "TILE-001", "--replay", "1 + 1"), "no recipe"),
    ],
)
def test_a_bad_call_is_2(words: tuple[str, ...], says: str) -> None:
    assert says in refused(2, "conform", *words)
