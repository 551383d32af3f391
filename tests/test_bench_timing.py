"""Calls are interleaved, and their times, ratios and memory are what they are."""

from __future__ import annotations

import gc
import math
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reftiler_conformance.bench import timing
from reftiler_conformance.bench.bandwidth import HostBandwidth
from reftiler_conformance.bench.report import compared
from reftiler_conformance.bench.results import Outcome, Score, Timing, score, scores
from reftiler_conformance.bench.scaling import SWEEPS, Sweep, SweepResult
from reftiler_conformance.bench.workloads import WORKLOADS, Workload, noise

TINY = Workload("tiny", (2, 1, 8, 8), 4, 2)


@pytest.fixture(autouse=True)
def small_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is timed here, so nothing must be cold."""
    monkeypatch.setattr("reftiler_conformance.bench.timing.CACHE_BYTES", 1)


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


def outcome(work: Workload = TINY, **medians: float) -> Outcome:
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
    works = (TINY, Workload("wide", (4, 1, 8, 8), 4, 2))
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
