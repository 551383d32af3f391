"""Jobs: progress, cancelling, no stale results, no thread that outlives them."""

import gc
import threading
import weakref

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from reftiler.errors import TilingError
from reftiler_gui.jobs import Jobs
from reftiler_gui.model.steps import Work
from tests.gui.windows import wait_until


def _never(result: int) -> None:
    pytest.fail(f"{result} came")


def test_a_result_comes_in_the_thread_of_the_window(jobs: Jobs) -> None:
    came: list[tuple[int, bool]] = []
    here = threading.current_thread()
    jobs.start(
        "a", lambda: 7, lambda r: came.append((r, here is threading.current_thread()))
    )
    wait_until(lambda: bool(came))
    assert came == [(7, True)]
    assert not jobs.running()


def test_a_later_job_of_the_name_drops_the_earlier(jobs: Jobs) -> None:
    gate, came = threading.Event(), list[str]()

    def slow() -> str:
        gate.wait(5)
        return "stale"

    jobs.start("a", slow, came.append)
    jobs.start("a", lambda: "fresh", came.append)
    gate.set()
    jobs._pool.waitForDone()
    wait_until(lambda: bool(came))
    QTest.qWait(20)
    assert came == ["fresh"]


def test_work_says_how_far_it_is_and_stops_between_steps(
    qtbot: QtBot, jobs: Jobs
) -> None:
    shares: list[float] = []
    closed = threading.Event()

    def endless() -> Work[int]:
        try:
            while True:
                yield 0.5
        finally:
            closed.set()

    jobs.start("a", endless, _never, progress=shares.append)
    wait_until(lambda: bool(shares))
    assert jobs.running("a")
    with qtbot.waitSignal(jobs.ended):
        jobs.cancel("a")
    assert closed.wait(5)
    assert set(shares) == {0.5}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TilingError("the rule"), "the rule"),
        (MemoryError(), "not enough memory"),
        (RuntimeError("odd"), "RuntimeError: odd"),
    ],
)
def test_a_failure_is_a_sentence(
    qtbot: QtBot, jobs: Jobs, error: Exception, words: str
) -> None:
    def fails() -> int:
        raise error

    with qtbot.waitSignal(jobs.failed) as said:
        jobs.start("a", fails, lambda _: pytest.fail("came"))
    assert said.args is not None
    assert words in said.args[1]


def test_stop_waits_for_the_threads(qtbot: QtBot) -> None:
    jobs, ended = Jobs(), threading.Event()

    def work() -> Work[int]:
        for _ in range(3):
            yield 0.0
            threading.Event().wait(0.02)
        ended.set()
        return 1

    jobs.ended.connect(lambda _: jobs.start("b", work, _never))
    jobs.start("a", work, _never)
    jobs.stop()
    assert not jobs.running()
    assert jobs._pool.activeThreadCount() == 0
    assert gc.isenabled()


def test_garbage_is_collected_where_widgets_live(jobs: Jobs) -> None:
    here, died = threading.get_ident(), set[int]()

    class Circle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            died.add(threading.get_ident())

    def work() -> int:
        return sum(Circle() is not None for _ in range(20_000))

    results: list[int] = []
    jobs.start("work", work, results.append)
    wait_until(lambda: results == [20_000], timeout=20_000)
    wait_until(lambda: bool(died), timeout=20_000)
    assert died == {here}


def test_at_rest_old_garbage_is_collected(jobs: Jobs) -> None:
    class Circle:
        def __init__(self) -> None:
            self.me = self

    jobs.start("work", lambda: 1, lambda _: None)
    wait_until(lambda: not jobs.running())
    circle = Circle()
    gc.collect()  # it is of the oldest generation now
    gone = weakref.ref(circle)
    del circle
    kept = [[number] for number in range(1000)]
    wait_until(lambda: gone() is None, timeout=5000)
    assert len(kept) == 1000
