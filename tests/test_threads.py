"""Threads share the work of the numpy verbs: all of it, once, and the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

import reftiler
from reftiler import Tiler, TilingError, parallel
from reftiler_conformance.compare import same_bits


@pytest.fixture
def four() -> Iterator[None]:
    """Four threads, however many processors there are."""
    with patch.object(parallel, "_asked", 4):
        yield


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 17, 1000])
def test_everything_is_done_once(count: int) -> None:
    done: list[int] = []
    parallel.parallel_for(done.append, range(count))
    assert sorted(done) == list(range(count))


@pytest.mark.usefixtures("four")
def test_several_threads_take_part() -> None:
    together = threading.Barrier(4, timeout=20)
    seen: set[int] = set()

    def work(item: int) -> None:
        seen.add(threading.get_ident())
        if item < 4:
            together.wait()  # none goes on until four have come

    parallel.parallel_for(work, range(16))
    assert len(seen) == 4


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize("bad", [0, 7, 63])
def test_after_a_failure_nothing_more_is_begun(bad: int) -> None:
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        if item == bad:
            raise TilingError("bad")
        time.sleep(0.002)

    with pytest.raises(TilingError, match="bad"):
        parallel.parallel_for(work, range(64))
    assert len(begun) < min(64, bad + 8) or bad == 63


@pytest.mark.usefixtures("four")
def test_slow_helpers_are_waited_for() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        slow = threading.current_thread() is not threading.main_thread()
        time.sleep(0.2 if slow else 0.001)
        done.append(item)

    parallel.parallel_for(work, range(64))
    assert sorted(done) == list(range(64))


class FewThreads:
    """A pool that has one thread, and no more."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def submit(self, call: Any) -> None:
        self.calls.append(call)
        if len(self.calls) > 1:  # as the real one, which keeps what it cannot start
            raise RuntimeError("can't start new thread")
        threading.Thread(target=call).start()


@pytest.mark.usefixtures("four")
def test_when_the_loop_returns_nothing_is_left_and_nothing_begins() -> None:
    pool, done = FewThreads(), []

    def work(item: int) -> None:
        time.sleep(0.05)
        done.append(item)

    with patch.object(parallel, "_pool", lambda: pool):
        parallel.parallel_for(work, range(9))
    assert sorted(done) == list(range(9))
    for call in pool.calls:  # helpers that come too late
        call()
    assert len(done) == 9


LATE = """
import atexit, threading, time
import numpy as np
import reftiler
from reftiler import Tiler

reftiler.set_num_threads(4)
tiler, image = Tiler(64, 48), np.zeros((999, 999))

def late():
    time.sleep(0.3)
    print(int(tiler.untile(tiler.tile(image), image.shape).sum()))

threading.Thread(target=late).start()
atexit.register(late)
"""


def test_it_works_while_the_interpreter_ends() -> None:
    """No thread can be started any more."""
    done = subprocess.run(
        [sys.executable, "-c", LATE], capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["0", "0"], "")


@pytest.mark.parametrize(
    ("variable", "threads"), [("1", 1), ("2,1", 2), ("0", 64), ("many", 64), ("", 64)]
)
def test_the_environment_says_how_many(
    variable: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64), raising=False)
    assert reftiler.get_num_threads() == threads
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert reftiler.get_num_threads() == threads
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert reftiler.get_num_threads() == 1


def test_the_number_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_asked", None)
    reftiler.set_num_threads(3)
    assert reftiler.get_num_threads() == 3
    for bad, error in ((0, TilingError), (-1, TilingError), (1.5, TypeError)):
        with pytest.raises(error):
            reftiler.set_num_threads(bad)  # type: ignore[arg-type]
    assert reftiler.get_num_threads() == 3


SETTINGS: list[dict[str, Any]] = [
    {},
    {"mode": "clamp", "window": "hann"},
    {"mode": "even", "merge": "max"},
    {"mode": "interpolation"},
    {"pad_mode": "reflect", "pad_side": "both", "remove_border_count": 3},
    {"channels_last": True},
]


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("batch", [(), (3,)])
def test_bits_are_those_of_one_thread(
    settings: dict[str, Any], batch: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiler = Tiler(60, 43, **settings)
    one = (501, 410, 2) if tiler.channels_last else (2, 501, 410)
    shape = (*batch, *one)
    image = np.random.default_rng(3).random(shape, dtype=np.float32)
    tiles = tiler.tile(image)
    noise = np.random.default_rng(4).random(tiles.shape, dtype=np.float32)
    whole = tiler.untile(noise, shape)
    monkeypatch.setattr(parallel, "_asked", 1)
    same_bits(tiles, tiler.tile(image))
    same_bits(whole, tiler.untile(noise, shape))


@pytest.mark.usefixtures("four")
def test_a_nan_in_one_share_is_refused() -> None:
    tiler = Tiler(60, 43)
    tiles = tiler.tile(np.zeros((501, 410)))
    tiles[50, 3, 4] = np.nan
    with pytest.raises(TilingError, match="NaN"):
        tiler.untile(tiles, (501, 410), dtype="uint8")
