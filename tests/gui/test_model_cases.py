"""What the conformance kit wrote, shown; damaged files have a sentence, and no more."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reftiler_conformance import counterexample, jsonlines
from reftiler_conformance.case_run import Evidence
from reftiler_conformance.clauses import clauses
from reftiler_conformance.oracle import BFLOAT16
from reftiler_conformance.results import Result, Status
from reftiler_gui.model.cases import CaseFile, PlaneStack
from tests.runs import CASE, EVERY, report

RESULT = Result(
    "MERGE-001", "mean", "MUST", "cpu", Status.FAILED, "1 of 24 differ", CASE
)


def failing(**arrays: np.ndarray) -> Result:
    return replace(RESULT, evidence=Evidence(**arrays))


@pytest.fixture
def example(tmp_path: Path) -> Path:
    want = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    got = want.copy()
    got[1, 2, 0] = 99
    got[0, 0, 0] = want[0, 0, 0] = np.nan
    return counterexample.write(
        failing(got=got, want=want, image=want + 1), report(), tmp_path
    )


class TestCounterexample:
    def test_it_is_one_failure_with_pictures(self, example: Path) -> None:
        opened = CaseFile.open(example)
        assert opened.words == ""
        assert opened.title == "kornia 0.8.1, specification 1.1"
        (failure,) = opened.failures
        assert (failure.clause, failure.status) == ("MERGE-001", "failed")
        assert failure.text == clauses()["MERGE-001"].text
        assert failure.replay.startswith("reftiler conform kornia")
        assert failure.first == (1, 2, 0)
        assert (failure.got_item, failure.want_item) == ("99.0", "20.0")
        assert failure.arrays["got"].place(failure.first) == (1, 2, 0)
        change = failure.arrays["difference"].stack
        assert change.shape == (2, 3, 4)
        assert np.argwhere(change).tolist() == [[1, 2, 0]]
        assert change[1, 2, 0] == 79
        assert failure.arrays["mask"].stack.sum() == 1
        assert failure.arrays["image"].dtype == "float32"
        assert failure.open() == (failure, "")

    def test_arrays_of_other_shapes_have_no_difference(self, tmp_path: Path) -> None:
        result = failing(got=np.zeros(3, int), want=np.zeros((2, 2), bool))
        opened = CaseFile.open(counterexample.write(result, report(), tmp_path))
        arrays = opened.failures[0].arrays
        assert set(arrays) == {"got", "want"}
        assert arrays["got"].stack.shape == (1, 1, 3)
        assert arrays["want"].stack.dtype == bool

    def test_bfloat16_is_shown_as_its_numbers(self, tmp_path: Path) -> None:
        got = np.array([[0x3F80, 0x4000]], np.uint16).view(BFLOAT16)
        want = np.array([[0x3F80, 0x3F80]], np.uint16).view(BFLOAT16)
        result = failing(got=got, want=want)
        opened = CaseFile.open(counterexample.write(result, report(), tmp_path))
        arrays = opened.failures[0].arrays
        assert arrays["got"].dtype == "bfloat16"
        assert arrays["difference"].stack.tolist() == [[[0, 1]]]


class TestRecord:
    @pytest.fixture
    def record(self, tmp_path: Path, example: Path) -> Path:
        found = report(EVERY)
        results = [
            replace(r, counterexample=example.name) if r.clause == "TILE-001" else r
            for r in found.results
        ]
        jsonlines.write(replace(found, results=tuple(results)), tmp_path / "r.jsonl")
        return tmp_path / "r.jsonl"

    def test_what_did_not_pass_is_listed(self, record: Path) -> None:
        opened = CaseFile.open(record)
        assert opened.words == ""
        assert "kornia 0.8.1" in opened.title
        found = {failure.clause: failure for failure in opened.failures}
        shown = set(EVERY) - {"TILE-003", "PAD-001"}  # unsupported, not run
        assert set(found) == shown
        assert found["MERGE-001"].status == "known failure"
        assert found["TILE-001"].text == clauses()["TILE-001"].text
        assert "--replay" in found["TILE-001"].replay

    def test_a_line_opens_its_counterexample(self, record: Path, example: Path) -> None:
        lines = {f.clause: f for f in CaseFile.open(record).failures}
        line = lines["TILE-001"]
        assert line.arrays == {}
        opened, words = line.open()
        assert words == ""
        assert opened.first == (1, 2, 0)
        assert lines["TILE-002"].open() == (lines["TILE-002"], "")
        example.unlink()
        same, words = line.open()
        assert same is line
        assert f"{example} cannot be read" in words


class TestDamage:
    @pytest.mark.parametrize("name", ["a.npz", "a.jsonl"])
    @pytest.mark.parametrize(
        "content", [b"", b"PK", b"PK\3\4" + bytes(99), b"{}", b"\xff\xfe", b"[1]\n"]
    )
    def test_a_sentence_names_the_file(
        self, name: str, content: bytes, tmp_path: Path
    ) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        opened = CaseFile.open(path)
        assert opened.failures == ()
        assert str(path) in opened.words

    def test_any_damage_is_a_sentence_or_does_no_harm(self, example: Path) -> None:
        whole = example.read_bytes()
        rng = np.random.default_rng(0)
        refused = 0
        for place in rng.integers(0, len(whole), 150).tolist():
            damaged = bytearray(whole)
            damaged[place] ^= 1 << (place % 8)
            example.write_bytes(damaged)
            refused += bool(CaseFile.open(example).words)
        for length in range(0, len(whole), 97):
            example.write_bytes(whole[:length])
            assert CaseFile.open(example).words
        assert refused > 50

    def test_pickles_are_not_opened(self, tmp_path: Path) -> None:
        path = tmp_path / "evil.npz"
        np.savez(path, meta=np.array([{"a": 1}], dtype=object))
        assert "evil.npz" in CaseFile.open(path).words

    def test_a_missing_file_and_a_folder(self, tmp_path: Path) -> None:
        assert "No such file" in CaseFile.open(tmp_path / "gone.npz").words
        assert str(tmp_path) in CaseFile.open(tmp_path).words

    def test_without_the_kit_it_says_what_to_install(
        self, example: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "reftiler_conformance", None)
        assert "reftiler[conformance]" in CaseFile.open(example).words


class TestPlanes:
    @pytest.mark.parametrize("shape", [(), (4,), (3, 4), (2, 3, 4), (2, 3, 4, 5)])
    def test_every_item_has_its_place(self, shape: tuple[int, ...]) -> None:
        array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
        planes = PlaneStack.of(array)
        for index in np.ndindex(shape):
            assert planes.stack[planes.place(index)] == array[index]

    def test_labels_and_ranges(self) -> None:
        planes = PlaneStack.of(np.array([[[1.0, np.nan]], [[np.inf, 5]]]))
        assert [planes.label(n) for n in (0, 1)] == ["[0]", "[1]"]
        assert planes.range == (1.0, 5.0)
        assert PlaneStack.of(np.zeros((2, 2))).label(0) == ""
        assert PlaneStack.of(np.full((1, 1), np.nan)).range == (0.0, 1.0)
