"""A project that is not ours adopts the suite: in its own tests, and by pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import reftiler_conformance

OVERLAP_ADD = '''
import numpy as np


class OverlapAdd:
    """Tiles images (C, H, W), and adds what overlaps, divided by how often."""

    features = (
        *("tile", "untile", "untile:cold", "rank:2", "channels", "unequal", "overlap"),
        *("tile:float32", "untile:float32", "tile:float64", "untile:float64"),
        "merge:mean",
    )

    def __init__(self, tile_size, stride):
        self.tile_size, self.stride = tile_size, stride

    def _starts(self, shape):
        sides = zip(shape[-2:], self.tile_size, self.stride)
        rows, columns = (range(0, n - t + 1, s) for n, t, s in sides)
        return [(i, j) for i in rows for j in columns]

    def tile(self, image):
        h, w = self.tile_size
        starts = self._starts(image.shape)
        return np.stack([image[:, i : i + h, j : j + w] for i, j in starts])

    def untile(self, tiles, shape):
        h, w = self.tile_size
        total = np.zeros((tiles.shape[1], *shape[-2:]), SUMS)
        count = np.zeros(shape[-2:], SUMS)
        for (i, j), tile in zip(self._starts(shape), tiles):
            total[:, i : i + h, j : j + w] += tile
            count[i : i + h, j : j + w] += 1
        with np.errstate(all="ignore"):
            mean = (total / count).astype(tiles.dtype)
        for (i, j), tile in zip(self._starts(shape), tiles):
            alone = count[i : i + h, j : j + w] == 1
            mean[:, i : i + h, j : j + w][:, alone] = tile[:, alone]
        return mean
'''
SUMS = {"MERGE-001", "MERGE-003", "MERGE-005"}
"""The clauses that sums of float32 break, where the tiles are float64."""

TESTS = """
from reftiler_conformance import parametrize_with_clauses


@parametrize_with_clauses(SUBJECT, clauses="TILE,MERGE", examples=20OPTIONS)
def test_spec(clause):
    clause()
"""


def project(folder: Path, sums: str, subject: str, options: str = "") -> None:
    """Write a project whose sums are of a dtype, and whose tests ask a subject."""
    (folder / "overlap.py").write_text(OVERLAP_ADD.replace("SUMS", sums))
    tests = TESTS.replace("SUBJECT", subject).replace("OPTIONS", options)
    if subject == "OverlapAdd":
        tests = "from overlap import OverlapAdd\n" + tests
    (folder / "test_overlap.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")


def in_project(folder: Path, *words: str) -> tuple[int, str]:
    """Run pytest in a project's folder; return the exit code and what it prints."""
    kit = Path(reftiler_conformance.__file__).parents[1]
    paths = os.pathsep.join([str(folder), str(kit), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "CI": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


def failed(text: str) -> set[str]:
    return set(re.findall(r"^FAILED \S+\[([A-Z]+-\d+)", text, re.M))


def test_float32_sums_are_named_and_the_mended_tiler_is_green(tmp_path: Path) -> None:
    project(tmp_path, "np.float32", "OverlapAdd")
    code, text = in_project(tmp_path, "-rf")
    assert code == 1
    assert failed(text), text
    assert failed(text) <= SUMS
    sizes = re.findall(r"^ *Case\(size=\((\d+), (\d+)\)", text, re.M)
    assert min(int(rows) * int(columns) for rows, columns in sizes) <= 12
    assert "replay: reftiler conform overlap:OverlapAdd" in text
    assert "pytest 'test_overlap.py::test_spec[MERGE-" in text
    assert "evaluate.py" not in text  # no traceback through the kit
    project(tmp_path, "np.float64", '"overlap:OverlapAdd"')
    code, text = in_project(tmp_path)
    assert code == 0, text
    assert " passed" in text
    assert " skipped" in text


def test_known_failures_are_expected_and_stale_ones_fail(tmp_path: Path) -> None:
    code, text = in_broken(tmp_path, "")
    assert code == 1
    reasons = dict.fromkeys(sorted(failed(text)), "float32 sums")
    code, text = in_broken(tmp_path, f", known={reasons}")
    assert code == 0, text
    assert "XFAIL" in text
    project(tmp_path, "np.float64", "OverlapAdd", ", known={'MERGE-005': 'sums'}")
    code, text = in_project(tmp_path, "-rfx", "-k", "MERGE-005")
    assert code == 1
    assert failed(text) == {"MERGE-005"}
    assert "and passes" in text


def in_broken(folder: Path, options: str) -> tuple[int, str]:
    project(folder, "np.float32", "OverlapAdd", options)
    return in_project(folder, "-rfx", "-k", "MERGE")


BROKEN = """
from reftiler_conformance import Info


class Broken:
    def info(self):
        return Info("broken", "1", "tile rank:2 plain tile:uint8")

    def open(self, case, device):
        raise OSError("no licence")
"""


def test_what_the_adapter_does_wrong_is_an_error_and_no_failure(tmp_path: Path) -> None:
    project(tmp_path, "np.float64", '"broken:Broken"')
    (tmp_path / "broken.py").write_text(BROKEN)
    code, text = in_project(tmp_path, "-x")
    assert code == 1
    assert "ERROR test_overlap.py::test_spec[TILE-001" in text
    assert "no licence" in text
    assert "FAILED" not in text


def test_a_bad_call_is_one_error_and_no_traceback(tmp_path: Path) -> None:
    project(tmp_path, "np.float64", '"overlap:Nobody"')
    code, text = in_project(tmp_path)
    assert code == 2
    assert "has no attribute 'Nobody'" in text
    assert "Traceback" not in text
    assert "under_test.py" not in text


KIT = ("-p", "reftiler_conformance.plugin", "--pyargs", "reftiler_conformance.suite")


def test_the_suite_is_a_pytest_run(tmp_path: Path) -> None:
    """Its tests are selected, reported and spread over processes as any others."""
    project(tmp_path, "np.float32", "OverlapAdd")
    words = ["--subject", "overlap:OverlapAdd", "--clauses", "TILE,MERGE", "-rfs"]
    words += ["--examples", "9", "--report", "out", "--junit-xml", "out.xml"]
    code, text = in_project(tmp_path, *KIT, *words, "-n", "2")
    assert code == 1, text
    assert "[MERGE-005-cpu]" in text
    suite = ET.parse(tmp_path / "out.xml").getroot()[0]
    counts = {name: int(suite.get(name, 0)) for name in ("tests", "failures")}
    assert counts["tests"] > 30
    assert counts["failures"] == len(re.findall(r"^FAILED ", text, re.M))
    assert list(tmp_path.glob("out/counterexamples/*/MERGE-*.npz"))
    record = (tmp_path / "out" / "overlap-OverlapAdd.jsonl").read_text("utf-8")
    found = re.findall(r'"clause": "([A-Z]+)-', record)
    assert found == sorted(found, key=("SMOKE", "TILE", "MERGE").index)
    assert '"complete": true' in record.splitlines()[-1]
    code, text = in_project(tmp_path, *KIT, "--subject", "overlap:OverlapAdd", "-x")
    assert code == 1
    assert "did not come to its end" in text or "not run" in text


def test_a_part_of_the_suite_is_no_whole(tmp_path: Path) -> None:
    project(tmp_path, "np.float64", "OverlapAdd")
    words = ("--subject", "overlap:OverlapAdd", "-k", "TILE-001 or BORDER-001")
    code, text = in_project(tmp_path, *KIT, *words, "-rs")
    assert code == 0, text
    assert "unsupported: border" in text
    assert "core 1 of 1" in text
    assert in_project(tmp_path, *KIT, *words[:2], "-k", "BORDER-001")[0] == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "ERROR: no tiler is given: give --subject"),
        (("--subject", "nowhere:Tiler"), "ERROR: nowhere:Tiler cannot be imported"),
        (("--subject", "numpy", "--clauses", "NO"), "ERROR: NO is no clause"),
        (("--subject", "numpy", "--known", "no.yaml"), "ERROR: no.yaml cannot be read"),
    ],
)
def test_a_bad_call_of_pytest(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    code, text = in_project(tmp_path, *KIT, *words)
    assert code == 4
    assert message in text
    assert "Traceback" not in text
