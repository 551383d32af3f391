"""A project that is not ours adopts the suite: in its own tests, and by pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytestmark = pytest.mark.long

SUMS = {"MERGE-001", "MERGE-003", "MERGE-005"}
"""The clauses that sums of float32 break, where the tiles are float64."""

TESTS = """
from reftiler_conformance import parametrize_with_clauses
from tests.strangers import *


@parametrize_with_clauses({subject}, clauses="TILE,MERGE", examples=20{options})
def test_spec(clause):
    clause()
"""


def in_project(folder: Path, *words: str) -> tuple[int, str]:
    """Run pytest in a project's folder; return the exit code and what it prints."""
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    paths = os.pathsep.join([str(folder), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "CI": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def run_tests(
    folder: Path, subject: str, *words: str, options: str = ""
) -> tuple[int, str]:
    """Run a project's tests of a subject."""
    tests = TESTS.format(subject=subject, options=options)
    (folder / "test_overlap.py").write_text(tests)
    return in_project(folder, *words)


def failed(text: str) -> set[str]:
    return set(re.findall(r"^FAILED \S+\[([A-Z]+-\d+)", text, re.M))


def test_float32_sums_are_named_and_the_mended_tiler_is_green(tmp_path: Path) -> None:
    code, text = run_tests(tmp_path, "OverlapAdd", "-rf")
    assert code == 1
    assert failed(text), text
    assert failed(text) <= SUMS
    sizes = re.findall(r"^ *Case\(size=\((\d+), (\d+)\)", text, re.M)
    assert min(int(rows) * int(columns) for rows, columns in sizes) <= 12
    assert "replay: reftiler conform tests.strangers:OverlapAdd" in text
    assert "pytest 'test_overlap.py::test_spec[MERGE-" in text
    assert "evaluate.py" not in text  # no traceback through the kit
    reasons = dict.fromkeys(sorted(failed(text)), "float32 sums")
    code, text = run_tests(tmp_path, "OverlapAdd", "-rx", options=f", known={reasons}")
    assert code == 0, text
    assert "XFAIL" in text
    code, text = run_tests(tmp_path, '"tests.strangers:Mended"', "-rs")
    assert code == 0, text
    assert " passed" in text
    assert "unsupported: " in text
    stale = ", known={'MERGE-005': 'sums'}"
    code, text = run_tests(tmp_path, "Mended", "-rf", "-k", "MERGE-005", options=stale)
    assert code == 1
    assert failed(text) == {"MERGE-005"}
    assert "and passes" in text


def test_what_the_adapter_does_wrong_is_an_error_and_no_failure(tmp_path: Path) -> None:
    code, text = run_tests(tmp_path, '"tests.strangers:scribbles"', "-x")
    assert code == 1
    assert "ERROR test_overlap.py::test_spec[TILE-001" in text
    assert "wrote into the pipe of the kit" in text
    assert "FAILED" not in text


def test_a_bad_call_is_one_error_and_no_traceback(tmp_path: Path) -> None:
    code, text = run_tests(tmp_path, '"tests.strangers:Nobody"')
    assert code == 2
    assert "has no attribute 'Nobody'" in text
    assert "under_test.py" not in text


KIT = ("-p", "reftiler_conformance.plugin", "--pyargs", "reftiler_conformance.suite")


def test_the_suite_is_a_pytest_run(tmp_path: Path) -> None:
    """Its tests are selected, reported and spread over processes as any others."""
    subject = ("--subject", "tests.strangers:OverlapAdd")
    words = ["--clauses", "TILE,MERGE", "-rfs", "--examples", "9"]
    words += ["--report", "out", "--junit-xml", "out.xml", "-n", "2"]
    code, text = in_project(tmp_path, *KIT, *subject, *words)
    assert code == 1, text
    assert "[MERGE-005-cpu]" in text
    suite = ET.parse(tmp_path / "out.xml").getroot()[0]
    counts = {name: int(suite.get(name, 0)) for name in ("tests", "failures")}
    assert counts["tests"] > 30
    assert counts["failures"] == len(re.findall(r"^FAILED ", text, re.M))
    assert list(tmp_path.glob("out/counterexamples/*/MERGE-*.npz"))
    record = next(tmp_path.glob("out/*.jsonl")).read_text("utf-8")
    found = re.findall(r'"clause": "([A-Z]+)-', record)
    assert found == sorted(found, key=("SMOKE", "TILE", "MERGE").index)
    assert '"complete": true' in record.splitlines()[-1]
    code, text = in_project(tmp_path, *KIT, *subject, "-x", "-k", "MERGE")
    assert code == 1
    assert "did not come to its end" in text or "not run" in text


def test_a_part_of_the_suite_is_no_whole(tmp_path: Path) -> None:
    subject = ("--subject", "tests.strangers:Mended")
    words = ("-k", "TILE-001 or BORDER-001")
    code, text = in_project(tmp_path, *KIT, *subject, *words, "-rs")
    assert code == 0, text
    assert "unsupported: border" in text
    assert "core 1 of 1" in text
    assert in_project(tmp_path, *KIT, *subject, "-k", "BORDER-001")[0] == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "ERROR: no tiler is given: give --subject"),
        (("--subject", "nowhere:Tiler"), "ERROR: nowhere:Tiler cannot be imported"),
    ],
)
def test_a_bad_call_of_pytest(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    code, text = in_project(tmp_path, *KIT, *words)
    assert code == 4
    assert message in text
