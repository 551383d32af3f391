"""``reftiler bench``: its errors, its files, its exit codes. Nothing is timed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reftiler.bench import benchmark, growth
from reftiler.bench.contenders import CONTENDERS, find, reference
from reftiler.bench.machine import using_threads
from reftiler.bench.workloads import WORKLOADS, Workload
from tests.command import done, files, refused, run

TINY = (
    Workload("plain", (1, 3, 16, 16), 8, 8),
    Workload("odd", (1, 1, 17, 18), 8, 5),
)


@pytest.fixture(autouse=True)
def small_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is timed here, so nothing must be cold."""
    monkeypatch.setattr("reftiler.bench.rounds.CACHE", 1)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make everything small."""
    monkeypatch.setattr(benchmark, "WORKLOADS", TINY)
    sweeps = tuple(replace(sweep, works=TINY, at=(1, 2)) for sweep in growth.SWEEPS)
    monkeypatch.setattr(growth, "SWEEPS", sweeps)
    return iter(())


@pytest.mark.usefixtures("tiny")
def test_tables_on_the_screen() -> None:
    said = done("bench", "--quick", "--only", "reftiler", "--rounds", 1)
    for words in ("1×3×16² 8/8", "1×1×17×18 8/5", "limit", "reftiler out=", "view"):
        assert words in said
    assert "geometric mean" in said
    assert "max/min" not in said  # no growth


@pytest.mark.usefixtures("tiny")
def test_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "deep" / "bench"
    words = ("--only", "reftiler", "--rounds", 2, "--threads", 1, "--growth")
    said = done("bench", *words, "--out", out)
    assert "max/min" in said
    assert files(out) == ["bench.json", "bench.md", "bench.png", "growth.png"]
    for picture in ("bench.png", "growth.png"):
        assert (out / picture).read_bytes().startswith(b"\x89PNG")
    record = json.loads((out / "bench.json").read_text("utf-8"))
    assert record["rounds"] == 2
    assert record["machine"]["threads"] == 1
    assert {"cpu", "cores", "memory_bytes", "os", "date"} <= record["machine"].keys()
    assert {"numpy", "reftiler"} <= record["versions"].keys()
    assert [work["name"] for work in record["workloads"]] == ["plain", "odd"]
    timing = record["workloads"][0]["verbs"]["untile"]["reftiler out="]
    assert len(timing["seconds"]) == 2
    assert [sweep["name"] for sweep in record["growth"]] == [
        "size",
        "tiles",
        "overlap",
        "batch",
    ]
    table = (out / "bench.md").read_text("utf-8")
    assert "| `tile` | limit | reftiler `out=` | reftiler |" in table
    assert "| 1×1×17×18 8/5 |" in table


@pytest.mark.usefixtures("tiny")
def test_without_matplotlib_there_are_no_plots(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "reftiler.bench.plot", None)
    assert "reftiler[bench]" in refused(2, "bench", "--out", tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("words", "saying"),
    [
        (["--only", "korniaa"], "did you mean 'kornia'?"),
        (["--only", "reftiler,anomalip"], "did you mean 'anomalib'?"),
        (["--workloads", "halv"], "did you mean 'half'?"),
        (["--workloads", "qqqq"], "known are plain, half"),
        (["--rounds", "0"], "--rounds must be at least 1, got 0"),
        (["--threads", "-1"], "--threads must be at least 1, got -1"),
        (["--device", "tpu"], "--device must be one of"),
    ],
)
def test_bad_calls(words: list[str], saying: str) -> None:
    assert saying in refused(2, "bench", *words)


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "has_cuda", lambda: False)
    assert "no CUDA device" in refused(2, "bench", "--device", "cuda")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "file"
    file.write_text("mine", "utf-8")
    assert "is a file" in refused(2, "bench", "--out", file)
    assert "cannot write" in refused(2, "bench", "--out", file / "deeper")
    assert file.read_text("utf-8") == "mine"


def test_nobody_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTENDERS, "kornia", "reftiler.bench.nothing:Here")
    said = refused(2, "bench", "--only", "kornia")
    assert "nobody to measure" in said
    assert "not installed" in said


@pytest.mark.usefixtures("tiny")
def test_the_missing_are_listed_and_the_rest_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(CONTENDERS, "kornia", "reftiler.bench.nothing:Here")
    said = done("bench", "--only", "reftiler,kornia", "--rounds", 1, "--no-growth")
    assert "kornia: not installed" in said


@pytest.mark.usefixtures("tiny")
def test_reftiler_itself_wrong_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(reference.Reference):
        def untile(self, tiles: Any, out: Any) -> Any:
            merged = super().untile(tiles, out)
            merged[..., 0, 0] += 1
            return merged

    monkeypatch.setattr(reference, "Reference", Broken)
    words = ("--only", "reftiler", "--rounds", 1, "--no-growth")
    result = run("bench", *words, "--workloads", "odd")
    assert result.exit_code == 1
    assert "reftiler, untile, odd: wrong" in result.stderr


def test_a_broken_stranger_is_missing_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTENDERS, "kornia", "reftiler.bench.limits:Nothing")
    found, missing = find(["reftiler", "kornia"])
    assert [kind.name for kind in found] == ["reftiler"]
    assert missing["kornia"].startswith("cannot be imported (AttributeError")


def test_everyone_who_is_here_answers() -> None:
    found, missing = find(CONTENDERS)
    assert {kind.name for kind in found} | missing.keys() == CONTENDERS.keys()
    for kind in found:
        assert CONTENDERS[kind.name].endswith(f":{kind.__name__}")


def test_growth_is_for_whole_runs() -> None:
    assert benchmark.plan(only=["reftiler"]).growth
    assert not benchmark.plan(only=["reftiler"], quick=True).growth
    assert not benchmark.plan(only=["reftiler"], workloads=["odd"]).growth
    assert benchmark.plan(only=["reftiler"], quick=True, growth=True).growth
    assert benchmark.plan(only=["reftiler"]).works == WORKLOADS


def test_threads_are_set_and_put_back() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    with using_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
