"""``reftiler bench``: its files and errors, caveats of results, and what it reckons.

Nothing is timed here.
"""

from __future__ import annotations

import gc
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from reftiler_conformance.bench import benchmark, scaling, startup, timing
from reftiler_conformance.bench.bandwidth import HostBandwidth
from reftiler_conformance.bench.implementations import (
    LIBRARIES,
    Implementation,
    Libraries,
    find,
)
from reftiler_conformance.bench.measure import measure
from reftiler_conformance.bench.report import compared
from reftiler_conformance.bench.results import Outcome, Score, Timing, score, scores
from reftiler_conformance.bench.scaling import SWEEPS, Sweep, SweepResult
from reftiler_conformance.bench.sysinfo import using_threads
from reftiler_conformance.bench.workloads import WORKLOADS, Workload, noise
from reftiler_conformance.features import features
from reftiler_conformance.peers import reftiler_own
from reftiler_conformance.peers.reftiler_own import Numpy, Session
from reftiler_conformance.protocol import Unsupported
from tests.command import done, files, refused, run

SMALL = (
    Workload("plain", (1, 3, 16, 16), 8, 8),
    Workload("odd", (1, 1, 17, 18), 8, 5),
)
ONE = ("--only", "reftiler", "--rounds", 1, "--no-growth")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make everything small: caches stay warm, and garbage is sought in few objects."""
    gc.freeze()
    for name in ("CACHE_BYTES", "MAPPED_BYTES"):
        monkeypatch.setattr(timing, name, 1)
    monkeypatch.setattr(benchmark, "WORKLOADS", SMALL)
    sweeps = tuple(replace(sweep, works=SMALL, at=(1, 2)) for sweep in scaling.SWEEPS)
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
    class Broken(Session):
        def merge(self, tiles: Any, out: Any = None) -> Any:
            merged = super().merge(tiles, out)
            merged[..., 0, 0] += 1
            return merged

    class Library(Numpy):
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


TINY = Workload("tiny", (2, 3, 16, 16), 8, 4)
APART = Workload("apart", (2, 3, 16, 16), 8, 8)
BYTES = Workload("bytes", (2, 3, 16, 16), 8, 4, "uint8")
ODD = Workload("odd", (1, 1, 17, 18), 8, 5)
HANN = replace(TINY, window="hann")
VOLUME = Workload("volume", (1, 1, 8, 8, 8), 4, 2)


def library(kind: type[Session], *without: str, exact: bool = False) -> Numpy:
    """Return a library whose bits need not be the reference's, as others' are not."""

    class Library(Numpy):
        claims = Numpy.claims - {"out", *([] if exact else ["exact"]), *without}
        session: ClassVar[Any] = kind

    return Library()


def cutting(change: Callable[[Any], Any]) -> Numpy:
    """Return a library that changes what it has cut."""

    class Changes(Session):
        def cut(self, image: Any, out: Any = None) -> Any:
            return change(super().cut(image))

    return library(Changes)


def merging(change: Callable[[Any], Any], *, exact: bool = False) -> Numpy:
    """Return a library that changes what it has merged."""

    class Changes(Session):
        def merge(self, tiles: Any, out: Any = None) -> Any:
            return change(super().merge(tiles))

    return library(Changes, exact=exact)


def measured(found: Numpy, work: Workload = TINY) -> Outcome:
    return measure(work, {"it": found}, HostBandwidth(1), 1)


def one_is_wrong(tiles: Any) -> Any:
    tiles[-1, 0, 0, 0] += 1
    return tiles


def edge_is_zero(image: Any) -> Any:
    image[..., 0] = 0
    return image


def fails(tiles: Any) -> Any:
    raise ValueError("cannot\nsay more")


class Views(Session):
    def cut(self, image: Any, out: Any = None) -> Any:
        return list(self.tiler.view(image))

    def iter_tiles(self, result: Any) -> Any:
        for one in result:
            for place in np.ndindex(one.shape[1 : 1 + self.case.rank]):
                yield one[(slice(None), *place)]


class LastWins(Session):
    """Overwrites where it should average."""

    def merge(self, tiles: Any, out: Any = None) -> Any:
        image = np.zeros(self.case.shape, tiles.dtype)
        images = tiles.reshape(len(image), len(self.grid_), *tiles.shape[1:])
        for whole, some in zip(image, images, strict=True):
            for k, tile in enumerate(some):
                whole[(slice(None), *self.grid_.slices(k))] = tile
        return image


class Truncates(Session):
    def merge(self, tiles: Any, out: Any = None) -> Any:
        return super().merge(tiles.astype(np.float64)).astype(tiles.dtype)


class CannotOpen(Session):
    def __init__(self, *given: Any) -> None:
        raise RuntimeError("broken")


def slightly(image: Any) -> Any:
    return image * np.float32(1 + 1e-6)


DROPS = library(Session, "mode:padding", "mode:clamp")


@pytest.mark.parametrize("work", [TINY, BYTES, ODD, VOLUME])
def test_right_results_have_no_caveats(work: Workload) -> None:
    for found, names in ((library(Session), ["it"]), (Numpy(), ["it out=", "it"])):
        made = measured(found, work)
        for by_name in made.timings.values():
            assert list(by_name) == ["limit", *names]
            for one in by_name.values():
                assert not one.caveats
                assert not one.reason
                assert len(one.seconds) == 1
        assert bool(made.views) == (work is not ODD)  # padded tiles are no views


@pytest.mark.parametrize(
    ("found", "work", "verb", "caveats"),
    [
        (cutting(one_is_wrong), TINY, "tile", {"wrong"}),
        (cutting(lambda tiles: tiles[:-1]), TINY, "tile", {"wrong"}),
        (library(Views), TINY, "tile", {"views", "list"}),
        (library(LastWins), TINY, "untile", {"no mean"}),
        (library(LastWins), APART, "untile", {"no mean"}),  # it would not, if it had to
        (merging(edge_is_zero), TINY, "untile", {"loses pixels"}),
        (merging(np.nan_to_num), TINY, "untile", {"no NaN"}),
        (merging(np.nan_to_num), BYTES, "untile", set()),
        (library(Truncates), BYTES, "untile", {"off by one"}),
        (merging(slightly), TINY, "untile", set()),
        (merging(slightly, exact=True), TINY, "untile", {"wrong"}),
        (merging(lambda image: image * np.float32(1.01)), TINY, "untile", {"wrong"}),
        (merging(lambda image: image.astype("f8")), TINY, "untile", {"float64"}),
        (DROPS, ODD, "tile", {"loses pixels"}),
        (DROPS, ODD, "untile", {"loses pixels"}),
        (DROPS, TINY, "tile", set()),
        # Layouts and windows that are claimed otherwise are right all the same.
        (library(Session, "batch", "channels"), VOLUME, "untile", set()),
        (library(Session, "pad_side:end"), ODD, "untile", set()),
        (library(Session, "window:hann"), HANN, "untile", set()),
    ],
)
def test_what_is_less_is_marked(
    found: Numpy, work: Workload, verb: str, caveats: set[str]
) -> None:
    made = measured(found, work).timings[verb]["it"]
    assert made.caveats == caveats
    assert not made.reason


class Lazy(Session):
    """Does not write into the buffer that it returns."""

    def merge(self, tiles: Any, out: Any = None) -> Any:
        return super().merge(tiles) if out is None else out


def test_a_buffer_that_is_not_written_is_noticed() -> None:
    lazy = library(Lazy, exact=True)
    type(lazy).claims |= {"out"}
    # The first leaves what is right in the buffer.
    both: Libraries = {"right": Numpy(), "it": lazy}
    made = measure(TINY, both, HostBandwidth(1), 1)
    timings = made.timings["untile"]
    assert timings["it out="].caveats == {"wrong"}
    assert not timings["it"].caveats


def test_failures_have_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    timings = measured(cutting(fails)).timings
    assert timings["tile"]["it"].reason == "failed: ValueError: cannot"
    assert not timings["tile"]["it"].seconds
    assert timings["untile"]["it"].seconds
    broken = measured(library(CannotOpen)).timings["tile"]["it"]
    assert broken.reason == "failed: RuntimeError: broken"
    free = "reftiler_conformance.bench.timing.available_memory"
    monkeypatch.setattr(free, lambda: 10)
    assert measured(Numpy()).timings["tile"]["it"].reason.startswith("needs ")


@pytest.mark.parametrize(
    ("work", "device", "missing"),
    [
        (BYTES, "cpu", "tile:uint8"),
        (HANN, "cpu", "window:hann"),
        (ODD, "cpu", "mode:padding"),
        (TINY, "cuda", "on cuda|not on cuda"),
    ],
)
def test_what_is_not_claimed_is_not_measured(
    work: Workload, device: str, missing: str
) -> None:
    gone = features("tile:uint8", "window:*", "mode:*")
    with pytest.raises(Unsupported, match=missing):
        Implementation("it", library(Session, *gone), work, device)


def test_every_library_that_is_here_is_right() -> None:
    """A caveat of a peer is its own fault, not that of how it is called."""
    found, missing = find(LIBRARIES)
    assert found.keys() | missing.keys() == LIBRARIES.keys()
    for work in (TINY, BYTES, HANN, replace(TINY, border=1)):
        made = measure(work, found, HostBandwidth(1), 1)
        for by_name in made.timings.values():
            for name, one in by_name.items():
                assert "wrong" not in one.caveats, (work.title, name)
                assert not one.reason.startswith("failed"), (work.title, name)


WORK = Workload("tiny", (2, 1, 8, 8), 4, 2)


class Call:
    """Writes down what is done to it."""

    def __init__(self, name: str, log: list[str], *, fails_at: int = -1) -> None:
        self.name, self.log, self.left = name, log, fails_at
        self.peak_memory = 7
        self.errors: list[Exception] = []

    def prepare(self) -> Callable[[], Any]:
        self.log.append(f"prepare {self.name}")
        return self._call

    def _call(self) -> str:
        self.left -= 1
        if self.left == -1:
            raise ValueError("no more")
        self.log.append(self.name)
        return "collecting" if gc.isenabled() else "quiet"

    def synchronize(self) -> None:
        self.log.append("synchronize")

    def check(self, result: Any) -> None:
        assert gc.isenabled()
        self.log.append(f"check {result}")

    def fail(self, error: Exception) -> None:
        self.errors.append(error)


def order(log: list[str]) -> str:
    return "".join(line for line in log if len(line) == 1)


def test_rounds_are_interleaved_and_only_the_call_is_timed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timing, "flush_caches", lambda: log.append("flush"))
    monkeypatch.setattr(timing, "prefault", lambda size: log.append(f"touch {size}"))
    log: list[str] = []
    found = timing.run_interleaved([Call(name, log) for name in "abc"], 3)
    assert order(log) == "abc" + "bca" + "cab" + "abc"  # each begins with another
    assert {name: len(took) for name, took in found.items()} == {"a": 3, "b": 3, "c": 3}
    once = ["prepare a", "touch 7", "flush", "synchronize", "a", "synchronize"]
    assert log[:7] == [*once, "check quiet"]


@pytest.mark.parametrize("at", [0, 2])
def test_a_call_that_fails_is_made_no_more(at: int) -> None:
    log: list[str] = []
    bad, good = Call("b", log, fails_at=at), Call("a", log)
    found = timing.run_interleaved([bad, good], 3)
    assert found["b"] == []
    assert len(found["a"]) == 3
    assert [str(error) for error in bad.errors] == ["no more"]
    assert order(log).count("b") == at
    assert gc.isenabled()


PEAK = """
import numpy as np
from reftiler_conformance.bench.timing import HostMeter

meter = HostMeter()
meter.start()
array = np.ones(2**25, np.uint8)
del array
print(meter.read())
"""


def test_peak_memory_is_that_of_the_call() -> None:
    """In a process of its own: what others free meanwhile would hide it."""
    shown = subprocess.run(
        [sys.executable, "-c", PEAK],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if Path("/proc/self/clear_refs").exists():
        assert 2**24 < int(shown) < 2**27
    else:
        assert shown == "None"  # this system does not tell


def children() -> set[str]:
    found = Path(f"/proc/self/task/{os.getpid()}/children")
    return set(found.read_text().split())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_busy_processes_end_whatever_happens() -> None:
    before = children()
    with suppress(KeyboardInterrupt), timing.busy_processes(2):
        assert len(children() - before) == 2
        raise KeyboardInterrupt
    assert children() == before


def outcome(work: Workload = WORK, **medians: float) -> Outcome:
    names = {"out": "reftiler out=", "tensors": "reftiler.torch"}
    timings = {names.get(k, k): Timing([v]) for k, v in medians.items()}
    return Outcome(work, {"tile": timings, "untile": dict(timings)})


def test_median_spread_and_slowdown() -> None:
    found = Timing([5.0, 1.0, 2.0, 3.0, 100.0], busy_seconds=[6.0, 60.0, 1.0])
    assert found.median == 3
    assert found.spread == pytest.approx((5 - 2) / 2 / 3)
    assert found.slowdown == 2
    for unknown in (Timing().median, Timing([1.0]).spread, Timing([1.0]).slowdown):
        assert math.isnan(unknown)


def test_scores_are_geometric_means_of_the_same_work() -> None:
    both = [outcome(limit=1.0, out=2.0, kornia=4.0, reftiler=1.0)]
    both += [outcome(limit=1.0, out=8.0, kornia=9.0, reftiler=1.0)]
    found = score(both, "tile", "reftiler out=", "limit")
    assert found is not None
    assert found.mean == pytest.approx(4)
    assert found == Score("tile", "reftiler out=", "limit", found.mean, 2, 8, 2)
    assert score(both, "tile", "anomalib", "reftiler") is None
    both[0].timings["tile"]["kornia"].caveats.add("no NaN")
    both[1].timings["tile"]["kornia"].caveats.add("no mean")  # which is less work
    both[1].timings["untile"]["reftiler"].busy_seconds.append(3.0)
    against = {(one.verb, one.name, one.base): one.most for one in scores(both)}
    assert against == {
        ("tile", "reftiler out=", "limit"): 8,
        ("tile", "reftiler", "alone"): 3,
        ("tile", "kornia", "reftiler"): 4,
        ("untile", "reftiler out=", "limit"): 8,
        ("untile", "reftiler", "alone"): 3,
        ("untile", "kornia", "reftiler"): 4,
    }
    made = outcome(reftiler=3.0, tensors=6.0, kornia=12.0)
    assert compared(made, "tile", "kornia") == 2  # by the torch backend, if here


def test_cost_is_by_what_grows() -> None:
    works = (WORK, Workload("wide", (4, 1, 8, 8), 4, 2))
    sweep = Sweep("batch", "images", "pixel", works, (2, 4))
    made = (outcome(works[0], reftiler=1.0), outcome(works[1], reftiler=3.0))
    found = SweepResult(sweep, made)
    at, costs = zip(*found.costs("tile", "reftiler"), strict=True)
    assert at == (2, 4)
    assert costs == pytest.approx((1e9 / 128, 3e9 / 256))
    assert found.max_over_min("tile", "reftiler") == pytest.approx(1.5)
    assert math.isnan(found.max_over_min("tile", "kornia"))
    for one in SWEEPS:
        assert list(one.at) == sorted(set(one.at))
        assert len(one.works) == len(one.at)
    most = max(work.bytes for one in SWEEPS for work in (*one.works, *WORKLOADS))
    assert most < 1.2e9  # six times this fits a machine of 8 GB


def test_the_limit_moves_every_byte() -> None:
    source = noise((5, 1, 1000, 999), "uint8")
    target = np.zeros_like(source)
    HostBandwidth(3).copy(source, target)
    assert np.array_equal(target, source)
