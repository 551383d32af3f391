"""``reftiler bench``: its errors, its files, its exit codes. Nothing is timed."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from reftiler_conformance.bench import benchmark, scaling, startup
from reftiler_conformance.bench.implementations import LIBRARIES, find
from reftiler_conformance.bench.sysinfo import using_threads
from reftiler_conformance.bench.workloads import WORKLOADS, Workload
from reftiler_conformance.peers import reftiler_own
from tests.command import done, files, refused, run

TINY = (
    Workload("plain", (1, 3, 16, 16), 8, 8),
    Workload("odd", (1, 1, 17, 18), 8, 5),
)
ONE = ("--only", "reftiler", "--rounds", 1, "--no-growth")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make everything small: caches stay warm, and garbage is sought in few objects."""
    gc.freeze()
    for name in ("CACHE_BYTES", "MAPPED_BYTES"):
        monkeypatch.setattr(f"reftiler_conformance.bench.timing.{name}", 1)
    monkeypatch.setattr(benchmark, "WORKLOADS", TINY)
    sweeps = tuple(replace(sweep, works=TINY, at=(1, 2)) for sweep in scaling.SWEEPS)
    monkeypatch.setattr(scaling, "SWEEPS", sweeps)
    yield
    gc.unfreeze()


def test_tables_on_the_screen() -> None:
    said = done("bench", "--quick", *ONE[:4])
    for words in ("1×3×16² 8/8", "1×1×17×18 8/5", "limit", "reftiler out=", "view"):
        assert words in said


@pytest.mark.long
def test_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "deep" / "bench"
    words = ("--rounds", 2, "--threads", 1, "--growth", "--busy", 1)
    done("bench", *ONE[:2], *words, "--out", out)
    assert files(out) == ["bench.json", "bench.md", "bench.png", "scaling.png"]
    for picture in ("bench.png", "scaling.png"):
        assert (out / picture).read_bytes().startswith(b"\x89PNG")
    record = json.loads((out / "bench.json").read_text("utf-8"))
    assert record["rounds"] == 2
    assert (record["sysinfo"]["threads"], record["sysinfo"]["busy"]) == (1, 1)
    assert {"numpy", "reftiler"} <= record["versions"].keys()
    assert [one["work"]["name"] for one in record["outcomes"]] == ["plain", "odd"]
    timing = record["outcomes"][0]["timings"]["untile"]["reftiler out="]
    assert len(timing["seconds"]) == len(timing["busy_seconds"]) == 2
    names = [one["sweep"]["name"] for one in record["scaling"]]
    assert names == ["size", "tiles", "overlap", "batch"]
    table = (out / "bench.md").read_text("utf-8")
    assert "| `tile` | limit | reftiler `out=` | reftiler |" in table
    assert "| 1×1×17×18 8/5 |" in table
    assert "bench.json exists" in refused(2, "bench", "--out", out)


def test_which_body_ran_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch_backend = pytest.importorskip("reftiler.torch")
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(
        torch_backend, "backend_of", lambda tensor: f"body {tensor.ndim}", raising=False
    )
    words = ("--only", "reftiler.torch", "--workloads", "odd", *ONE[2:])
    assert "body 4" in done("bench", *words, "--out", tmp_path)
    assert "reftiler.torch ran on body 4" in (tmp_path / "bench.md").read_text("utf-8")


@pytest.mark.long
def test_startup_is_measured_in_fresh_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(startup, "ROUNDS", 1)
    words = ("--workloads", "odd", "--startup", "--threads", 1, "--out", tmp_path)
    done("bench", *ONE, *words)
    record = json.loads((tmp_path / "bench.json").read_text("utf-8"))
    found = record["startup"]
    assert len(found) == 5
    assert 0 < found["later untile"] < found["import torch"]
    monkeypatch.setattr(startup, "_CALLS", "raise ValueError('{threads} {device}')")
    failed = run("bench", *ONE, "--workloads", "odd", "--startup", "--threads", 1)
    assert failed.exit_code == 1
    assert "ValueError: 1 cpu" in failed.stderr


@pytest.mark.parametrize(
    ("words", "saying"),
    [
        (["--only", "reftiler,anomalip"], "did you mean 'anomalib'?"),
        (["--workloads", "halv"], "did you mean 'half'?"),
        (["--rounds", "0"], "--rounds must be at least 1, got 0"),
        (["--busy", "-1"], "--busy must be at least 0, got -1"),
        (["--device", "tpu"], "--device must be one of"),
    ],
)
def test_bad_calls(words: list[str], saying: str) -> None:
    assert saying in refused(2, "bench", *words)


def test_what_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("reftiler_conformance.bench.sysinfo.has_cuda", lambda: False)
    assert "no CUDA device" in refused(2, "bench", "--device", "cuda")
    file = tmp_path / "file"
    file.write_text("mine", "utf-8")
    refused(2, "bench", "--out", file)
    refused(2, "bench", "--out", file / "deeper")
    assert file.read_text("utf-8") == "mine"
    monkeypatch.setitem(sys.modules, "reftiler_conformance.bench.plot", None)
    said = refused(2, "bench", "--out", tmp_path / "x")
    assert "reftiler[conformance]" in said
    assert not (tmp_path / "x").exists()


def test_the_missing_are_listed_and_the_rest_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(LIBRARIES, "kornia", "reftiler_conformance.nothing:Here")
    monkeypatch.setitem(LIBRARIES, "monai", "reftiler_conformance.bench.timing:Nothing")
    assert "not installed" in refused(2, "bench", "--only", "kornia")
    said = done("bench", "--only", "reftiler,kornia,monai", *ONE[2:])
    assert "kornia: not installed" in said
    assert "monai: cannot be imported (AttributeError" in said


def test_reftiler_itself_wrong_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(reftiler_own.Session):
        def merge(self, tiles: Any, out: Any = None) -> Any:
            merged = super().merge(tiles, out)
            merged[..., 0, 0] += 1
            return merged

    class Library(reftiler_own.Numpy):
        session: ClassVar[Any] = Broken

    monkeypatch.setattr(reftiler_own, "Numpy", Library)
    result = run("bench", *ONE, "--workloads", "odd")
    assert result.exit_code == 1
    assert "reftiler, untile, odd: wrong" in result.stderr


def test_growth_is_for_whole_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "WORKLOADS", WORKLOADS)
    assert benchmark.plan(only=["reftiler"]).growth
    assert not benchmark.plan(only=["reftiler"], quick=True).growth
    assert not benchmark.plan(only=["reftiler"], workloads=["odd"]).growth
    assert benchmark.plan(only=["reftiler"], quick=True, growth=True).growth
    assert benchmark.plan(only=["reftiler"]).works == WORKLOADS


def test_threads_are_set_and_put_back() -> None:
    torch = pytest.importorskip("torch")
    find(["reftiler.torch"])
    before = torch.get_num_threads()
    with using_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
