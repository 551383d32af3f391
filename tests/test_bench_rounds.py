"""Everybody takes turns; what fails has no more of them."""

from __future__ import annotations

import gc
import resource
from collections.abc import Callable
from typing import Any

import pytest

from reftiler.bench.contenders.reference import Reference
from reftiler.bench.measuring import ContenderTurn, Stage
from reftiler.bench.rounds import MAPPED, fetch, interleave, timed, weigh
from reftiler.bench.workloads import Workload


@pytest.fixture(autouse=True)
def small_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is timed here, so nothing must be cold."""
    monkeypatch.setattr("reftiler.bench.rounds.CACHE", 1)


class Player:
    """Writes down what is done to it."""

    room = 0

    def __init__(self, name: str, diary: list[str], *, fails_at: int = -1) -> None:
        self.name, self.diary = name, diary
        self.left = fails_at
        self.errors: list[Exception] = []

    def ready(self) -> Callable[[], Any]:
        self.diary.append(f"ready {self.name}")
        return self._call

    def _call(self) -> str:
        self.left -= 1
        if self.left == -1:
            raise ValueError("no more")
        assert not gc.isenabled()
        self.diary.append(self.name)
        return self.name

    def settle(self) -> None:
        self.diary.append("settle")

    def check(self, result: Any) -> None:
        assert gc.isenabled()
        self.diary.append(f"check {result}")

    def fail(self, error: Exception) -> None:
        self.errors.append(error)


def calls(diary: list[str]) -> str:
    return "".join(line for line in diary if len(line) == 1)


def test_rounds_are_interleaved_and_begin_with_another() -> None:
    diary: list[str] = []
    found = interleave([Player(name, diary) for name in "abc"], 3)
    assert calls(diary) == "abc" + "bca" + "cab" + "abc"
    assert {name: len(took) for name, took in found.items()} == {"a": 3, "b": 3, "c": 3}


def test_preparing_and_checking_stand_around_the_call() -> None:
    diary: list[str] = []
    interleave([Player("a", diary)], 1)
    once = ["ready a", "settle", "a", "settle", "check a"]
    assert diary == once * 2


@pytest.mark.parametrize("at", [0, 2])
def test_whoever_fails_drops_out(at: int) -> None:
    diary: list[str] = []
    bad, good = Player("b", diary, fails_at=at), Player("a", diary)
    found = interleave([bad, good], 3)
    assert found["b"] == []
    assert len(found["a"]) == 3
    assert [str(error) for error in bad.errors] == ["no more"]
    assert calls(diary).count("b") == at


def test_the_collector_is_as_it_was() -> None:
    gc.disable()
    try:
        timed(lambda: None, lambda: None)
        assert not gc.isenabled()
    finally:
        gc.enable()
    with pytest.raises(ZeroDivisionError):
        timed(lambda: 1 // 0, lambda: None)
    assert gc.isenabled()


class Scale:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def start(self) -> None:
        self.asked.append("start")

    def read(self) -> int | None:
        self.asked.append("read")
        return len(self.asked)


class Plain(Player):
    def _call(self) -> str:
        if self.name == "b":
            raise MemoryError
        return self.name


def test_memory_is_measured_apart() -> None:
    scale = Scale()
    peaks = weigh([Plain("a", []), Plain("b", []), Plain("c", [])], scale)
    assert peaks == {"a": 2, "b": None, "c": 5}


def test_a_turn_begins_with_memory_at_hand_and_cold_caches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    diary: list[str] = []
    monkeypatch.setattr("reftiler.bench.rounds.cool", lambda: diary.append("cool"))
    monkeypatch.setattr(
        "reftiler.bench.rounds.fetch", lambda size: diary.append(f"fetch {size}")
    )
    player = Player("a", diary)
    player.room = 7
    interleave([player], 0)
    assert diary[:4] == ["ready a", "fetch 7", "cool", "settle"]


def test_what_is_fetched_is_touched() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    fetch(1)
    touched = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert touched >= MAPPED // 2**21  # huge pages, of which there may be fewest
    fetch(0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before - touched < 5


def test_a_turn_may_ask_for_what_its_tiler_needs() -> None:
    work = Workload("small", (1, 1, 8, 8), 4, 4)
    stage = Stage(work, "tile")
    tiler = Reference(work, "cpu")
    assert ContenderTurn(stage, tiler, out=False).room == 1.5 * 8 * 8 * 4
    tiler.device = "cuda"  # its memory is the device's
    assert ContenderTurn(stage, tiler, out=False).room == 0
