"""The kit as a pytest run: each status becomes the outcome that it should."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import reftiler_conformance
from tests.runs import MUST

STUB = """
import reftiler_conformance.plugin as plugin
from reftiler_conformance.protocol import Info
from reftiler_conformance.exchange import HarnessError
from reftiler_conformance.results import Report, Result, Status

LEVELS = {"GRID-011": "SHOULD"}
STATUSES = {
    "TILE-001": Status.PASSED,
    "TILE-002": Status.FAILED,
    "TILE-003": Status.ERROR,
    "TILE-004": Status.UNSUPPORTED,
    "TILE-005": Status.KNOWN,
    "TILE-006": Status.STALE_KNOWN,
    "TILE-007": Status.NOT_RUN,
    "GRID-010": Status.HARNESS,
    "GRID-011": Status.FAILED,
}


class Check:
    name = "check"

    def __init__(self, clause):
        self.clause = clause


class Runner:
    smoke = ()

    def __init__(self, name, devices=None, **options):
        if name == "missing":
            raise HarnessError("missing cannot be imported")
        self.name, self.devices = name, tuple(devices or ("cpu",))
        self.options = options
        self.info = Info("Stub", "1.2", ("tile",))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        print("the subject's process was ended")

    def checks(self, wanted=()):
        if "NONE" in wanted:
            raise ValueError("NONE is no clause")
        return [Check(c) for c in STATUSES if not wanted or c in wanted]

    def run(self, check, device):
        status = STATUSES[check.clause]
        level = LEVELS.get(check.clause, "MUST")
        case = "Case(size=(4, 4), tile=(2, 2), stride=(2, 2))"
        return Result(
            check.clause, "check", level, device, status, f"words {self.options}", case,
            printed="the subject says hello",
        )

    def report(self, results):
        return Report(
            self.info, tuple(results), "0.1", "1.0", 0, 60, "2026", 0.0, name=self.name
        )


plugin.Runner = Runner
"""


def pytest_run(folder: Path, *options: str, stub: bool = True) -> tuple[int, str]:
    """Run the suite in a folder; return the exit code and what was printed."""
    (folder / "stub.py").write_text(STUB)
    (folder / "pytest.ini").write_text("[pytest]\n")
    kit = Path(reftiler_conformance.__file__).parents[1]
    paths = os.pathsep.join([str(folder), str(kit), *filter(None, sys.path)])
    plugins = ["-p", "stub"] if stub else []
    command = [sys.executable, "-m", "pytest", *plugins]
    command += ["-p", "reftiler_conformance.plugin", "-p", "no:cacheprovider"]
    command += ["--pyargs", "reftiler_conformance.pytest_suite", *options]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "CI": "", "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def test_each_status_has_its_outcome(tmp_path: Path) -> None:
    code, text = pytest_run(tmp_path, "--subject", "pkg:Tiler", "-v", "-rA")
    assert code == 1
    told = dict(re.findall(r"\[(\S+)-check-cpu\] ([A-Z]+)", text))
    assert told == {
        "TILE-001": "PASSED",
        "TILE-002": "FAILED",
        "TILE-003": "FAILED",
        "TILE-004": "SKIPPED",
        "TILE-005": "XFAIL",
        "TILE-006": "FAILED",
        "TILE-007": "SKIPPED",
        "GRID-010": "ERROR",
        "GRID-011": "XFAIL",
    }
    assert "subject: Stub 1.2, specification 1.0" in text
    assert (
        "1 of 5 applicable MUST clauses passed; 1 unsupported, 1 known failure" in text
    )
    assert "unsupported: words" in text
    assert "SHOULD, not MUST: failed" in text
    assert "TILE-002 check on cpu: failed" in text
    assert "replay: reftiler conform pkg:Tiler --clauses TILE-002 --device cpu" in text
    assert "the subject says hello" in text
    assert "the subject's process was ended" in text


def test_options_reach_the_run(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(
        '- {clause: TILE-001, reason: why, witness: "Case(size=(2,), tile=(2,), '
        'stride=(2,))"}\n'
    )
    code, text = pytest_run(
        *(tmp_path, "--subject", "x:y", "--clauses", "TILE-002, TILE-001"),
        *("--subject-device", "cpu", "--subject-device", "cuda", "-v"),
        *("--subject-seed", "7", "--examples", "3", "--known", "known.yaml"),
    )
    assert code == 1
    found = re.findall(r"\[(\S+-check-\S+)\] ", text)
    assert sorted(set(found)) == [
        *("TILE-001-check-cpu", "TILE-001-check-cuda"),
        *("TILE-002-check-cpu", "TILE-002-check-cuda"),
    ]
    assert "'seed': 7, 'examples': 3" in text
    assert "clause='TILE-001', witness='Case(size=(2,)" in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "ERROR: who is to be asked? give --subject"),
        (("--subject", "missing"), "ERROR: missing cannot be imported"),
        (("--subject", "x:y", "--clauses", "NONE"), "ERROR: NONE is no clause"),
        (("--subject", "x:y", "--known", "no.yaml"), "ERROR: no.yaml cannot be read"),
        (
            ("--subject", "x:y", "--examples", "0"),
            "ERROR: --examples must be at least 1",
        ),
    ],
)
def test_a_bad_call_is_told_in_a_line(
    tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    code, text = pytest_run(tmp_path, *options, "-q")
    assert code == 4
    assert words in text
    assert "Traceback" not in text


def test_what_was_not_selected_was_not_run(tmp_path: Path) -> None:
    code, text = pytest_run(tmp_path, "--subject", "x:y", "-k", "TILE-001")
    assert code == 0
    assert "1 of 1 applicable MUST clauses passed; 0 unsupported" in text
    assert f"{MUST - 1} not run" in text


def test_it_writes_junit(tmp_path: Path) -> None:
    pytest_run(tmp_path, "--subject", "x:y", "--junit-xml", "out.xml")
    (suite,) = ET.parse(tmp_path / "out.xml").getroot().iter("testsuite")
    assert (suite.get("tests"), suite.get("errors")) == ("9", "1")
    assert (suite.get("failures"), suite.get("skipped")) == ("3", "4")


def test_other_runs_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_mine(): pass\n")
    kit = Path(reftiler_conformance.__file__).parents[1]
    paths = os.pathsep.join([str(kit), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "reftiler_conformance.plugin"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths, "CI": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


def test_a_true_subject_can_be_asked(tmp_path: Path) -> None:
    code, text = pytest_run(
        *(tmp_path, "--subject", "numpy", "--clauses", "PAD-006", "--examples", "3"),
        stub=False,
    )
    assert code == 0, text
    assert "1 of 1 applicable MUST clauses passed" in text
