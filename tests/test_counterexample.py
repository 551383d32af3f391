"""Counterexamples: written whole, read back as they were, told in words."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from reftiler_conformance.case_run import Evidence
from reftiler_conformance.cases import Case, as_dtype
from reftiler_conformance.compare import same_bits
from reftiler_conformance.counterexample import (
    Counterexample,
    CounterexampleError,
    describe,
    read,
    replay_command,
    write,
)
from reftiler_conformance.features import NUMBERS, ODD, SWAPPED
from reftiler_conformance.protocol import Info
from reftiler_conformance.reports.arrays import drawn
from reftiler_conformance.results import Report, Result, Status
from reftiler_conformance.testdata import fill_with

Array = npt.NDArray[Any]

CASE = Case(size=(2, 3), tile=(2, 2), stride=(1, 1), dtype="uint8")
REPORT = Report(
    Info("kornia", "0.8.1", ("tile",)), (), "0.1", "1.0", 0, 60, "2026-11-23", 0.0
)
RESULT = Result(
    "MERGE-001", "mean", "MUST", "cpu", Status.FAILED, "1 of 6 differ", repr(CASE)
)


def failing(got: Array, want: Array, **more: Any) -> Result:
    return replace(RESULT, evidence=Evidence(got=got, want=want, **more))


def there_and_back(result: Result, folder: Path) -> Counterexample:
    return read(write(result, REPORT, folder))


def test_everything_comes_back(tmp_path: Path) -> None:
    want = np.arange(6, dtype=np.float32).reshape(2, 3)
    got = want.copy()
    got[1, 0] = 9
    result = failing(got, want, image=want + 1, tiles=want[None])
    found = there_and_back(result, tmp_path / "made" / "anew")
    assert (found.clause, found.check, found.level) == ("MERGE-001", "mean", "MUST")
    assert (found.device, found.status) == ("cpu", "failed")
    assert (found.words, found.case) == ("1 of 6 differ", repr(CASE))
    assert (found.subject, found.subject_version) == ("kornia", "0.8.1")
    assert found.spec_version == "1.0"
    assert found.recipe == CASE
    assert "mean" in found.sentence
    assert found.first is not None
    assert found.first.index == (1, 0)
    assert (found.first.got, found.first.want) == ("9.0", "3.0")
    assert found.image is not None
    assert found.tiles is not None
    assert found.got is not None
    assert found.want is not None
    assert found.mask is not None
    for array, known in (
        (found.image, want + 1),
        (found.tiles, want[None]),
        (found.got, got),
        (found.want, want),
        (found.mask, got != want),
    ):
        same_bits(array, known)


def test_a_stranger_can_read_the_file(tmp_path: Path) -> None:
    want = fill_with("index", (2, 3), "bfloat16", 0)
    path = write(failing(want[::-1], want), REPORT, tmp_path)
    assert path.name == "MERGE-001-mean-cpu.npz"
    with np.load(path, allow_pickle=False) as file:
        assert set(file.files) == {"got", "want", "mask", "meta"}
        assert file["want"].dtype == np.uint16
        same_bits(file["want"], np.ascontiguousarray(want)["bfloat16"])
        meta = json.loads(str(file["meta"]))
    assert meta["schema"] == "reftiler counterexample 1"
    assert meta["bfloat16"] == ["got", "want"]
    assert meta["first"]["index"] == [0, 0]
    assert meta["replay"].startswith("reftiler conform kornia --clauses MERGE-001")


@pytest.mark.parametrize("dtype", [*NUMBERS, *ODD, *SWAPPED])
def test_every_dtype_survives(tmp_path: Path, dtype: str) -> None:
    one = fill_with("random" if dtype in NUMBERS else "index", (2, 3), dtype, 1)
    two = fill_with("random" if dtype in NUMBERS else "index", (2, 3), dtype, 4)
    found = there_and_back(failing(one, two), tmp_path)
    assert found.got is not None
    assert found.want is not None
    assert found.got.dtype == as_dtype(dtype)
    same_bits(found.got, one)
    same_bits(found.want, two)
    assert found.mask is not None
    assert found.mask.any()
    assert found.first is not None
    assert "want" in describe(found)


def test_only_the_bits_may_differ(tmp_path: Path) -> None:
    want = np.array([0.0, 1.0, np.nan], np.float32)
    got = want.copy()
    got.view(np.uint32)[2] ^= 1
    found = there_and_back(failing(got, want), tmp_path)
    assert found.mask is not None
    assert found.mask.tolist() == [False, False, True]
    told = describe(found)
    assert "bits at (2,): 0x7fc00001, should be 0x7fc00000" in told
    got = np.array([-0.0, 1.0, np.nan], np.float32)
    assert describe(failing(got, want)).count("[-0.0]") == 1


def test_the_mask_is_the_checks_own_if_it_has_one() -> None:
    want = np.zeros((2, 2))
    near, far = want + 1e-18, want.copy()
    far[1, 1] = 1
    mask = far != want
    found = Counterexample.of(failing(near + far, want, mask=mask))
    assert found.mask is mask
    assert found.first is not None
    assert found.first.index == (1, 1)
    stranger = np.ones((3, 3), bool)
    found = Counterexample.of(failing(near, want, mask=stranger))
    assert found.mask is not None
    assert found.mask.shape == (2, 2)


def test_arrays_that_do_not_compare_have_no_mask(tmp_path: Path) -> None:
    want = np.arange(6.0).reshape(2, 3)
    found = there_and_back(failing(want.T, want), tmp_path)
    assert found.mask is None
    assert found.first is None
    assert "float64 (3, 2)" in describe(found)
    lost = there_and_back(failing(want.astype(np.float32), want), tmp_path)
    assert lost.mask is not None
    assert not lost.mask.any()
    assert lost.first is None


def test_a_result_without_arrays_is_written_too(tmp_path: Path) -> None:
    found = there_and_back(RESULT, tmp_path)
    assert found.got is None
    assert describe(found).startswith("MERGE-001 mean on cpu: failed")


def test_the_name_of_the_file_is_one_of_every_system(tmp_path: Path) -> None:
    path = write(replace(RESULT, device="cuda:0", check="a/b"), REPORT, tmp_path)
    assert path == tmp_path / "MERGE-001-a_b-cuda_0.npz"


def test_the_same_failure_gives_the_same_bytes(tmp_path: Path) -> None:
    result = failing(np.ones(3), np.zeros(3))
    one = write(result, REPORT, tmp_path / "one").read_bytes()
    assert write(result, REPORT, tmp_path / "two").read_bytes() == one


def test_a_failed_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(failing(np.ones(3), np.zeros(3)), REPORT, tmp_path)
    before = path.read_bytes()

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write(failing(np.zeros(3), np.ones(3)), REPORT, tmp_path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_objects_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        write(failing(np.array([None]), np.array([None])), REPORT, tmp_path)
    assert list(tmp_path.iterdir()) == []


def _damaged(whole: bytes) -> dict[str, bytes]:
    return {
        "empty": b"",
        "text": b"hello",
        "cut": whole[: len(whole) // 2],
        "flipped": whole[:60] + b"\xff\xff\xff\xff" + whole[64:],
    }


@pytest.mark.parametrize("how", ["empty", "text", "cut", "flipped"])
def test_a_damaged_file_is_refused(tmp_path: Path, how: str) -> None:
    path = write(failing(np.arange(500.0), np.zeros(500)), REPORT, tmp_path)
    path.write_bytes(_damaged(path.read_bytes())[how])
    with pytest.raises(CounterexampleError, match="MERGE-001-mean-cpu"):
        read(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CounterexampleError, match="cannot be read"):
        read(tmp_path / "none.npz")
    with pytest.raises(CounterexampleError, match="cannot be read"):
        read(tmp_path)
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(CounterexampleError, match=r"no \.npz"):
        read(tmp_path / "one.npy")
    np.savez(tmp_path / "some.npz", got=np.zeros(3))
    with pytest.raises(CounterexampleError, match="it has no meta"):
        read(tmp_path / "some.npz")
    np.savez(tmp_path / "some.npz", got=np.array([{}]), meta=np.array("{}"))
    with pytest.raises(CounterexampleError, match=r"no \.npz of plain arrays"):
        read(tmp_path / "some.npz")


@pytest.mark.parametrize(
    "meta",
    [
        "{}",
        "[]",
        "7",
        "no json",
        '{"schema": "reftiler counterexample 2"}',
        '{"schema": "reftiler counterexample 1"}',
        '{"schema": "reftiler counterexample 1", "bfloat16": [], "clause": 7}',
        '{"schema": "reftiler counterexample 1", "bfloat16": ["got"], "first": null}',
    ],
)
def test_a_file_of_another_schema_is_refused(tmp_path: Path, meta: str) -> None:
    np.savez(tmp_path / "some.npz", want=np.zeros(3), meta=np.array(meta))
    with pytest.raises(CounterexampleError, match="is no counterexample"):
        read(tmp_path / "some.npz")


def test_a_stray_array_is_refused(tmp_path: Path) -> None:
    path = write(failing(np.ones(3), np.zeros(3)), REPORT, tmp_path)
    with np.load(path) as file:
        held = dict(file)
    np.savez(path, **held, stray=np.zeros(1))
    with pytest.raises(CounterexampleError, match="stray"):
        read(path)


def test_a_description_can_be_read() -> None:
    want = np.arange(4.0).reshape(1, 2, 2)
    got = want.copy()
    got[0, 1, 0] = 9
    told = describe(failing(got, want), REPORT).splitlines()
    assert told[0] == "MERGE-001 mean on cpu: failed"
    assert told[1].startswith("MUST: The mean of a pixel is")
    assert told[2:] == [
        "1 of 6 differ",
        repr(CASE),
        "got: float64 (1, 2, 2)    want: float64 (1, 2, 2)",
        "[0]                       [0]",
        "   0.0  1.0                  0.0  1.0",
        "  [9.0] 3.0                 [2.0] 3.0",
        f"replay: {replay_command(RESULT, REPORT)}",
    ]


def test_the_command_replays() -> None:
    words = shlex.split(replay_command(RESULT, replace(REPORT, name="pkg:Tiler")))
    assert words[:5] == ["reftiler", "conform", "pkg:Tiler", "--clauses", "MERGE-001"]
    assert words[-2:] == ["--replay", repr(CASE)]
    python = replace(REPORT, python="/an env/bin/python")
    assert "/an env/bin/python" in shlex.split(replay_command(RESULT, python))
    nasty = replace(RESULT, case="""Case(mode='a"b$HOME`x`!1')""")
    assert shlex.split(replay_command(nasty, REPORT))[-1] == nasty.case


def test_of_a_large_array_what_surrounds_the_fault_is_drawn() -> None:
    array = np.arange(3 * 50 * 60).reshape(3, 50, 60)
    lines = drawn(array, (2, 49, 0))
    assert lines[0] == "[2, 42:50, 0:8]"
    assert len(lines) == 9
    assert f"[{array[2, 49, 0]}]" in lines[-1]
    assert drawn(array)[0] == "[0, 0:8, 0:8]"


@pytest.mark.parametrize(
    ("array", "lines"),
    [
        (np.array(7), ["  [7]"]),
        (np.array([1, 2]), ["  [1] 2"]),
        (np.zeros((0, 3)), ["(nothing)"]),
        (np.array([b"ab"]), ["  [b'ab']"]),
        (np.array([["a\nb"]]), [r"  ['a\nb']"]),
    ],
)
def test_arrays_are_drawn(array: Array, lines: list[str]) -> None:
    assert drawn(array, (0,) * array.ndim) == lines


def test_a_small_file_cannot_ask_for_much(tmp_path: Path) -> None:
    header = io.BytesIO()
    shape = {"descr": "|u1", "fortran_order": False, "shape": (2**32,)}
    np.lib.format.write_array_header_1_0(header, shape)
    for zeros, words in ((2**28, "it asks for"), (9, "not as long as it says")):
        path = tmp_path / "bomb.npz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("image.npy", header.getvalue() + bytes(zeros))
        assert path.stat().st_size < 2**20
        with pytest.raises(CounterexampleError, match=words):
            read(path)
