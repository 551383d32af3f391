"""Threads share the work of the numpy verbs: all of it, once, and the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from reftiler import TilingError, parallel
from reftiler.tiler import Tiler
from reftiler_conformance.compare import same_bits

MUCH = 2**40


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four threads, for however little work."""
    monkeypatch.setattr(parallel, "threads", lambda: 4)
    monkeypatch.setattr(parallel, "MIN_BYTES", 1)


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 17, 1000])
def test_everything_is_done_once(count: int) -> None:
    done: list[int] = []
    parallel.parallel_for(done.extend, range(count), MUCH)
    assert sorted(done) == list(range(count))


@pytest.mark.usefixtures("four")
def test_several_threads_take_part() -> None:
    together = threading.Barrier(4, timeout=20)
    seen: set[int] = set()

    def work(some: Sequence[int]) -> None:
        seen.add(threading.get_ident())
        if some[0] < 4:
            together.wait()  # four at a time, or nobody goes on

    parallel.parallel_for(work, range(16), MUCH)
    assert len(seen) == 4
    assert threading.get_ident() not in seen


def test_little_work_stays_here() -> None:
    seen: list[int] = []
    parallel.parallel_for(
        lambda _: seen.append(threading.get_ident()), range(99), parallel.MIN_BYTES
    )
    assert seen == [threading.get_ident()]


@pytest.mark.usefixtures("four")
def test_what_a_share_raises_comes_out() -> None:
    def work(some: Sequence[int]) -> None:
        if 7 in some:
            raise TilingError("seven")

    with pytest.raises(TilingError, match="seven"):
        parallel.parallel_for(work, range(16), MUCH)


@pytest.mark.usefixtures("four")
def test_after_a_failure_nothing_more_is_begun() -> None:
    begun: list[int] = []
    held = threading.Event()

    def work(some: Sequence[int]) -> None:
        begun.append(some[0])
        if some[0] == 0:
            raise TilingError("first")
        held.wait(0.2)

    with pytest.raises(TilingError, match="first"):
        parallel.parallel_for(work, range(64), MUCH)
    assert len(begun) < 16  # shares there are


LATE = """
import atexit, threading, time
import numpy as np
from reftiler import Tiler, parallel

parallel.threads = lambda: 4
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
    ("told", "most"), [("1", 1), ("2,1", 2), ("0", 1), ("many", 8), ("", 8)]
)
def test_fewer_threads_can_be_asked_for(
    told: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64), raising=False)
    assert parallel.threads() == most
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert parallel.threads() == most
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert parallel.threads() == 1


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
    monkeypatch.setattr(parallel, "threads", lambda: 1)
    same_bits(tiles, tiler.tile(image))
    same_bits(whole, tiler.untile(noise, shape))


@pytest.mark.usefixtures("four")
def test_a_nan_in_one_share_is_refused() -> None:
    tiler = Tiler(60, 43)
    tiles = tiler.tile(np.zeros((501, 410)))
    tiles[50, 3, 4] = np.nan
    with pytest.raises(TilingError, match="NaN"):
        tiler.untile(tiles, (501, 410), dtype="uint8")
