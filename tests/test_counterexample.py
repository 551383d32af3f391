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
    result = replace(failing(got, want, image=want[:1]), device="cuda:0", check="a/b")
    path = write(result, REPORT, tmp_path / "made" / "anew")
    again = write(replace(result, seconds=9.0), REPORT, tmp_path)
    assert path.name == "MERGE-001-a-b-cuda-0.npz"
    assert path.read_bytes() == again.read_bytes()
    found = read(path)
    assert replace(found.result, evidence=None) == replace(result, evidence=None)
    assert (found.subject, found.subject_version) == ("kornia", "0.8.1")
    assert found.spec_version == REPORT.spec_version
    assert found.replay == replay_command(result, REPORT)
    arrays = {"image": want[:1], "got": got, "want": want}
    assert set(found.arrays) == {*arrays, "mask"}
    for name, array in arrays.items():
        same_bits(found.arrays[name], array)
    assert found.arrays["mask"].any()
    text = describe(found.result)
    assert f"want: {dtype}" in text or dtype in (*ODD, *SWAPPED)
    with np.load(path, allow_pickle=False) as file:  # as any program can
        assert json.loads(str(file["meta"]))["first"]["index"] == [0, 0]
        assert file["want"].dtype == ("<u2" if dtype == "bfloat16" else want.dtype)


def test_a_description_says_what_differs_and_how_to_see_it() -> None:
    want = np.array([0.0, 1.0, np.nan], np.float32)
    got = want.copy()
    got.view(np.uint32)[2] ^= 1
    result = replace(failing(got, want), counterexample="out/x.npz")
    lines = describe(result, REPORT, item_id="t.py::a[b]", same="TRIP-001").splitlines()
    assert lines[0].startswith("MERGE-001: The mean of a pixel is")
    for line in (
        "  failed, mean on cpu: 1 of 6 differ",
        f"  {CASE}",
        "  got: float32 (3,)    want: float32 (3,)",
        "  bits at (2,): 0x7fc00001, should be 0x7fc00000",
        f"  replay: {replay_command(RESULT, REPORT)}",
        "  replay: pytest 't.py::a[b]'",
        "  arrays: out/x.npz",
        "  probably the same: TRIP-001",
    ):
        assert lines.count(line) == 1
    own = np.array([False, True, False])  # the check's, not of the bits
    assert "bits at (1,)" in describe(failing(got, want, mask=own))
    assert "float32 (3, 1)" in describe(failing(got[:, None], want))


def test_the_command_replays() -> None:
    both = replace(REPORT, subject=Info("a", "1", ("tile",), ("cpu", "cuda")))
    both = replace(both, name="pkg:Tiler", python="/an env/bin/python")
    nasty = replace(RESULT, case="""Case(mode='a"b$HOME`x`!1')""")
    words = shlex.split(replay_command(nasty, both))
    assert words[:5] == ["reftiler", "conform", "pkg:Tiler", "--clauses", "mean"]
    assert words[5:9] == ["--device", "cpu", "--python", "/an env/bin/python"]
    assert words[9:] == ["--replay", nasty.case]


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
