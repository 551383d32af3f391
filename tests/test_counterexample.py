"""Counterexamples: described, written complete, read back as they were."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from reftiler_conformance.case_run import Evidence
from reftiler_conformance.compare import same_bits
from reftiler_conformance.counterexample import (
    CounterexampleError,
    describe,
    read,
    replay_command,
    write,
)
from reftiler_conformance.features import NUMBERS, ODD, SWAPPED
from reftiler_conformance.protocol import Info
from reftiler_conformance.results import Result, Status
from reftiler_conformance.testdata import fill_with
from tests.runs import CASE, report

Array = npt.NDArray[Any]

REPORT = report(results=())
RESULT = Result(
    "MERGE-001", "mean", "MUST", "cpu", Status.FAILED, "1 of 6 differ", CASE
)


def failing(got: Array, want: Array, **more: Any) -> Result:
    return replace(RESULT, evidence=Evidence(got=got, want=want, **more))


@pytest.mark.parametrize("dtype", [*NUMBERS, *ODD, *SWAPPED])
def test_all_comes_back(tmp_path: Path, dtype: str) -> None:
    content = "random" if dtype in NUMBERS else "index"
    got, want = (fill_with(content, (2, 3), dtype, seed) for seed in (1, 4))
    result = failing(got, want, image=want[:1], tiles=want[None])
    path = write(result, REPORT, tmp_path / "made" / "anew")
    found = read(path)
    assert path.name == "MERGE-001-mean-cpu.npz"
    assert replace(found.result, evidence=None) == RESULT
    assert (found.subject, found.subject_version) == ("kornia", "0.8.1")
    assert found.spec_version == REPORT.spec_version
    arrays = {"image": want[:1], "tiles": want[None], "got": got, "want": want}
    assert set(found.arrays) == {*arrays, "mask"}
    for name, array in arrays.items():
        same_bits(found.arrays[name], array)
    assert found.arrays["mask"].any()
    assert found.first is not None
    text = describe(found.result)
    assert f"want: {dtype}" in text or dtype in (*ODD, *SWAPPED)
    assert "[(" not in text or dtype in ODD


def test_any_program_can_read_the_file(tmp_path: Path) -> None:
    want = fill_with("index", (2, 3), "bfloat16", 0)
    result = replace(failing(want[::-1], want), device="cuda:0", check="a/b")
    path = write(result, REPORT, tmp_path)
    assert path == tmp_path / "MERGE-001-a-b-cuda-0.npz"
    with np.load(path, allow_pickle=False) as file:
        same_bits(file["want"], np.ascontiguousarray(want)["bfloat16"])
        meta = json.loads(str(file["meta"]))
    assert meta["first"]["index"] == [0, 0]
    assert meta["replay"].startswith("reftiler conform kornia --clauses a/b")
    again = replace(result, seconds=9.0)
    assert write(again, REPORT, tmp_path / "2").read_bytes() == path.read_bytes()


def test_the_mask_is_the_checks_own_or_of_the_bits() -> None:
    want = np.array([0.0, 1.0, np.nan], np.float32)
    got = want.copy()
    got.view(np.uint32)[2] ^= 1
    text = describe(failing(got, want))
    assert "bits at (2,): 0x7fc00001, should be 0x7fc00000" in text
    own = np.array([False, True, False])
    assert "bits at (1,)" in describe(failing(got, want, mask=own))
    assert "float32 (3, 1)" in describe(failing(got[:, None], want))


def test_a_description_says_all_that_is_needed() -> None:
    want = np.arange(4.0).reshape(1, 2, 2)
    result = replace(failing(want + 0.5, want), counterexample="out/x.npz")
    text = describe(result, REPORT, item_id="t.py::a[b]", same="TRIP-001", width=60)
    lines = text.splitlines()
    assert lines[0].startswith("MERGE-001: The mean of a pixel is")
    for line in (
        "  failed, mean on cpu: 1 of 6 differ",
        f"  {CASE}",
        "  got: float64 (1, 2, 2)    want: float64 (1, 2, 2)",
        "  [[[0.5 1.5]               [[[0.0 1.0]",
        f"  replay: {replay_command(RESULT, REPORT)}",
        "  replay: pytest 't.py::a[b]'",
        "  arrays: out/x.npz",
        "  probably the same: TRIP-001",
    ):
        assert lines.count(line) == 1
    assert "(SHOULD)" in describe(replace(RESULT, level="SHOULD")).splitlines()[0]


def test_the_command_replays() -> None:
    words = shlex.split(replay_command(RESULT, replace(REPORT, name="pkg:Tiler")))
    assert words[:5] == ["reftiler", "conform", "pkg:Tiler", "--clauses", "mean"]
    assert words[5:] == ["--replay", CASE]
    both = replace(REPORT, subject=Info("a", "1", ("tile",), ("cpu", "cuda")))
    both = replace(both, python="/an env/bin/python")
    words = shlex.split(replay_command(RESULT, both))
    assert words[5:9] == ["--device", "cpu", "--python", "/an env/bin/python"]
    nasty = replace(RESULT, case="""Case(mode='a"b$HOME`x`!1')""")
    assert shlex.split(replay_command(nasty, REPORT))[-1] == nasty.case


def with_meta(path: Path, **changed: Any) -> None:
    """Write a file with another meta."""
    with np.load(path) as file:
        held = dict(file)
    meta = json.loads(str(held.pop("meta"))) | changed
    np.savez(path, meta=np.array(json.dumps(meta)), **held)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: np.savez(path, got=np.zeros(3)),
        lambda path: np.savez(path, meta=np.array([{}])),  # objects, by pickle
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: with_meta(path, schema="other"),
        lambda path: with_meta(path, clause=7),
        lambda path: with_meta(path, status="odd"),
        lambda path: with_meta(path, bfloat16=["none"]),
    ],
)
def test_a_spoilt_file_is_refused(tmp_path: Path, spoil: Callable[[Path], Any]) -> None:
    path = write(failing(np.arange(500.0), np.zeros(500)), REPORT, tmp_path)
    spoil(path)
    with pytest.raises(CounterexampleError, match=r"MERGE-001-mean-cpu\.npz is no"):
        read(path)


def test_what_cannot_be_read_or_asks_for_much_is_refused(tmp_path: Path) -> None:
    for other in (tmp_path, tmp_path / "none.npz"):
        with pytest.raises(CounterexampleError, match="cannot be read"):
            read(other)
    header, path = io.BytesIO(), tmp_path / "bomb.npz"
    shape = {"descr": "|u1", "fortran_order": False, "shape": (2**32,)}
    np.lib.format.write_array_header_1_0(header, shape)
    for zeros, why in ((2**28, "it asks for"), (9, "is no counterexample")):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("image.npy", header.getvalue() + bytes(zeros))
        assert path.stat().st_size < 2**20
        with pytest.raises(CounterexampleError, match=why):
            read(path)
