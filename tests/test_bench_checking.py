"""Every result is compared with the reference: a contender that lies is marked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from reftiler.bench import checking, measuring
from reftiler.bench.contenders import CONTENDERS, find
from reftiler.bench.contenders.base import CannotError
from reftiler.bench.contenders.reference import Reference
from reftiler.bench.limits import HostLimit
from reftiler.bench.memory import available
from reftiler.bench.results import Timing
from reftiler.bench.workloads import Workload

TINY = Workload("tiny", (2, 3, 16, 16), 8, 4)
APART = Workload("apart", (2, 3, 16, 16), 8, 8)
BYTES = Workload("bytes", (2, 3, 16, 16), 8, 4, "uint8")
ODD = Workload("odd", (1, 1, 17, 18), 8, 5)
VOLUME = Workload("volume", (1, 1, 8, 8, 8), 4, 2)


@pytest.fixture(autouse=True)
def small_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is timed here, so nothing must be cold."""
    monkeypatch.setattr("reftiler.bench.rounds.CACHE", 1)


class Honest(Reference):
    """The reference as a stranger: equal within rounding will do."""

    name = "honest"
    exact = takes_out = False


class Float64(Honest):
    """Truth in another dtype."""

    def untile(self, tiles: Any, out: Any) -> Any:
        return super().untile(tiles, None).astype(np.float64)


class OneTileWrong(Honest):
    def tile(self, image: Any, out: Any) -> Any:
        tiles = super().tile(image, None)
        tiles[-1, 0, 0, 0] += 1
        return tiles


class OneTileMissing(Honest):
    def tile(self, image: Any, out: Any) -> Any:
        return super().tile(image, None)[:-1]


class Views(Honest):
    def tile(self, image: Any, out: Any) -> Any:
        return list(self.tiler.view(image))

    def pieces(self, result: Any) -> Any:
        rank = self.work.rank
        for one in result:
            for place in np.ndindex(one.shape[1 : 1 + rank]):
                yield one[(slice(None), *place)]


class LastWins(Honest):
    """Overwrites where it should average."""

    def untile(self, tiles: Any, out: Any) -> Any:
        image = np.zeros(self.work.shape, tiles.dtype)
        grid = self.work.grid
        images = tiles.reshape(len(image), len(grid), *tiles.shape[1:])
        for whole, some in zip(image, images, strict=True):
            for k, tile in enumerate(some):
                whole[(slice(None), *grid.slices(k))] = tile
        return image


class NoRim(Honest):
    def untile(self, tiles: Any, out: Any) -> Any:
        image = super().untile(tiles, None)
        image[..., 0] = 0
        return image


class NoNaN(Honest):
    def untile(self, tiles: Any, out: Any) -> Any:
        return np.nan_to_num(super().untile(tiles, None))


class Truncates(Honest):
    def untile(self, tiles: Any, out: Any) -> Any:
        mean = self.tiler.untile(tiles.astype(np.float64), self.work.shape)
        return mean.astype(tiles.dtype)


class NearlyRight(Honest):
    def untile(self, tiles: Any, out: Any) -> Any:
        return super().untile(tiles, None) * np.float32(1 + 1e-6)


class NearlyExact(NearlyRight):
    exact = True


class FarOff(Honest):
    def untile(self, tiles: Any, out: Any) -> Any:
        return super().untile(tiles, None) + np.float32(0.01)


class Drops(Honest):
    geometry: ClassVar[dict[str, Any]] = {"mode": "drop", "fill": 0}

    def __init__(self, work: Workload, device: str) -> None:
        super().__init__(work, device)
        self.tiler = work.tiler(self.geometry)


class Fails(Honest):
    def tile(self, image: Any, out: Any) -> Any:
        raise ValueError("cannot\nsay more")


class CannotAtAll(Honest):
    def __init__(self, work: Workload, device: str) -> None:
        raise RuntimeError("broken")


class Planar(Honest):
    ranks = (2,)
    windows = borders = False
    dtypes = ("float32",)


def measured(kind: type[Honest], work: Workload = TINY) -> dict[str, Timing]:
    outcome = measuring.measure(work, [kind], HostLimit(1), 1)
    return {verb: outcome.timings[verb][kind.name] for verb in ("tile", "untile")}


@pytest.mark.parametrize("work", [TINY, BYTES, ODD, VOLUME])
def test_the_honest_have_no_marks(work: Workload) -> None:
    for kind in (Honest, Reference):
        outcome = measuring.measure(work, [kind], HostLimit(1), 1)
        for by_name in outcome.timings.values():
            for timing in by_name.values():
                assert not timing.marks
                assert not timing.reason
                assert len(timing.seconds) == 1
        names = ["limit", "reftiler out=", "reftiler"]
        assert list(by_name) == (names if kind is Reference else ["limit", "honest"])
        assert bool(outcome.views) == (work is not ODD)  # padded tiles are no views


@pytest.mark.parametrize(
    ("kind", "work", "verb", "marks"),
    [
        (OneTileWrong, TINY, "tile", {"wrong"}),
        (OneTileMissing, TINY, "tile", {"wrong"}),
        (Views, TINY, "tile", {"views", "list"}),
        (LastWins, TINY, "untile", {"no mean"}),
        (LastWins, APART, "untile", {"no mean"}),  # it would not, if it had to
        (NoRim, TINY, "untile", {"loses pixels"}),
        (NoNaN, TINY, "untile", {"no NaN"}),
        (NoNaN, BYTES, "untile", set()),
        (Truncates, BYTES, "untile", {"off by one"}),
        (NearlyRight, TINY, "untile", set()),
        (NearlyExact, TINY, "untile", {"wrong"}),
        (FarOff, TINY, "untile", {"wrong"}),
        (Float64, TINY, "untile", {"float64"}),
        (Drops, ODD, "tile", {"loses pixels"}),
        (Drops, ODD, "untile", {"loses pixels"}),
        (Drops, TINY, "tile", set()),
    ],
)
def test_liars_are_marked(
    kind: type[Honest], work: Workload, verb: str, marks: set[str]
) -> None:
    assert measured(kind, work)[verb].marks == marks


def test_a_buffer_that_is_not_written_is_noticed() -> None:
    class Lazy(Reference):
        def untile(self, tiles: Any, out: Any) -> Any:
            return super().untile(tiles, None) if out is None else out

    outcome = measuring.measure(TINY, [Lazy], HostLimit(1), 1)
    assert outcome.timings["untile"]["reftiler out="].marks == {"wrong"}
    assert not outcome.timings["untile"]["reftiler"].marks


def test_failures_and_refusals_have_a_reason() -> None:
    assert measured(Fails)["tile"].reason == "failed: ValueError: cannot"
    assert not measured(Fails)["untile"].reason
    assert measured(CannotAtAll)["untile"].reason == "failed: RuntimeError: broken"


@pytest.mark.parametrize(
    ("work", "device", "reason"),
    [
        (VOLUME, "cpu", "no volumes"),
        (BYTES, "cpu", "no uint8"),
        (Workload("hann", (1, 1, 8, 8), 4, 2, window="hann"), "cpu", "no windows"),
        (Workload("rim", (1, 1, 8, 8), 4, 2, border=1), "cpu", "no border removal"),
        (TINY, "cuda", "not on cuda"),
    ],
)
def test_what_cannot_be_done_is_said(work: Workload, device: str, reason: str) -> None:
    with pytest.raises(CannotError, match=reason):
        Planar(work, device)


def test_too_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reftiler.bench.memory.available", lambda: 10)
    assert measured(Honest)["tile"].reason.startswith("needs ")


PEAK = """
import numpy as np
from reftiler.bench.memory import HostMeter

meter = HostMeter()
meter.start()
array = np.ones(2**25, np.uint8)
del array
print(meter.read())
"""


def test_peak_memory_is_that_of_the_call() -> None:
    """In a process of its own: whatever others free meanwhile would hide it."""
    told = subprocess.run(
        [sys.executable, "-c", PEAK], capture_output=True, text=True, check=True
    ).stdout.strip()
    if Path("/proc/self/clear_refs").exists():
        assert 2**24 < int(told) < 2**27
    else:
        assert told == "None"  # this system does not tell
    assert available() is None or available()


def test_a_probe_is_asked_of_an_average() -> None:
    assert checking.averages(Honest, "cpu")
    assert not checking.averages(LastWins, "cpu")
    assert checking.keeps_nan(Honest, "cpu")
    assert not checking.keeps_nan(NoNaN, "cpu")


def test_every_peer_that_is_here_is_honest() -> None:
    """What a peer is marked with is its own fault, not that of how it is called."""
    found, _ = find(CONTENDERS)
    for work in (TINY, replace(TINY, window="hann"), replace(TINY, border=1)):
        outcome = measuring.measure(work, found, HostLimit(1), 1)
        for by_name in outcome.timings.values():
            for name, timing in by_name.items():
                assert "wrong" not in timing.marks, (work.title, name)
                assert not timing.reason.startswith("failed"), (work.title, name)
