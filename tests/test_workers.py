"""``reftiler tile`` with worker processes: the same tiles, whoever dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")
pytest.importorskip("distributed")

import distributed

from reftiler import TilingError
from reftiler.io import write_image
from reftiler.tilesets import executors
from reftiler.tilesets.job import NAME as JOB
from reftiler.tilesets.manifest import NAME
from tests.command import contents, done, files, refused
from tests.test_resume import write_images

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("part")]
TILES = Path("tiles")
LOCAL = {"dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(2, threads_per_worker=1, **LOCAL) as made:
        yield made


def test_workers_write_the_same_tiles() -> None:
    write_images(Path("images"))
    done("tile images clean --tile 10")
    said = done("tile images tiles --tile 10 --workers 2")
    assert "Wrote 36 tiles of 10 × 10 from 3 images (1 with a mask)" in said
    assert contents(TILES) == contents("clean")


def write_large() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (800, 800, 3), np.uint8)
    write_image("a.npy", pixels)


def test_a_worker_that_dies_is_survived(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reftiler.tilesets.extract._TILES", 16)
    write_large()
    victim = next(iter(cluster.workers.values())).pid

    def murder() -> None:
        while len(list(TILES.glob("*.png"))) < 100:
            time.sleep(0.005)
        os.kill(victim, signal.SIGTERM)

    killer = threading.Thread(target=murder, daemon=True)
    killer.start()
    # Other machines know nothing of where we are.
    done("tile a.npy tiles --tile 16 --scheduler", cluster.scheduler_address)
    killer.join()
    with pytest.raises(ProcessLookupError):
        os.kill(victim, 0)
    done("tile a.npy clean --tile 16")
    assert contents(TILES) == contents("clean")


def test_errors_name_the_image(cluster: Any) -> None:
    write_images(Path("images"))
    Path("images/b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    line = "tile images tiles --tile 10 --scheduler"
    message = refused(1, line, cluster.scheduler_address)
    assert "b.png: the PNG is truncated" in message
    assert not TILES.exists()


@dataclass(frozen=True)
class Task:
    """What to do, as a number: the process dies of -1, and fails at -2.

    With a mark, which is a file, the first worker that takes it is killed.
    """

    number: int
    mark: Path | None = None

    @property
    def subject(self) -> str:
        return f"part{self.number}.png"


def work(task: Task) -> int:
    if task.number == -1:
        os._exit(1)
    if task.number == -2:
        raise ZeroDivisionError(task.subject)
    if task.mark is not None and not task.mark.exists():
        task.mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    print("what libraries print is no answer")  # noqa: T201
    return task.number**2


def test_work_that_kills_every_worker_is_named() -> None:
    tasks = [Task(number) for number in (1, 2, -1, *range(3, 9))]
    with executors.open_executor(workers=2) as executor:
        running = executor.run(work, tasks)
        assert next(running)[1] in (1, 4)
        with pytest.raises(TilingError, match=r"part-1\.png: 3 workers .* died"):
            list(running)


def test_local_workers_do_each_task_once_and_raise_what_fails() -> None:
    tasks = [Task(number) for number in range(50)]
    with executors.open_executor(workers=2) as executor:
        results = {task.number: result for task, result in executor.run(work, tasks)}
        assert results == {number: number**2 for number in range(50)}
        with pytest.raises(ZeroDivisionError, match="part-2"):
            list(executor.run(work, [*tasks, Task(-2), *tasks]))
        assert sorted(result for _, result in executor.run(work, tasks[:2])) == [0, 1]


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise")
def test_a_local_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    tasks = [Task(20, tmp_path / "died"), *(Task(number) for number in range(20))]
    with executors.open_executor(workers=2) as executor:
        results = [result for _, result in executor.run(work, tasks)]
    assert sorted(results) == [number**2 for number in range(21)]
    assert (tmp_path / "died").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells of processes")
def test_local_workers_listen_nowhere_and_end_with_us() -> None:
    script = (
        "from reftiler.tilesets.executors import open_executor\n"
        "import sys, time\n"
        "with open_executor(workers=2) as made:\n"
        "    print(*(w.process.pid for w in made._workers), flush=True)\n"
        "    time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    workers = list(map(int, parent.stdout.readline().split()))
    assert len(workers) == 2
    found: list[str] = []
    for place in (path for w in workers for path in Path(f"/proc/{w}/fd").iterdir()):
        with suppress(FileNotFoundError):  # closed meanwhile
            found.append(str(place.readlink()))
    assert found
    assert not any(name.startswith("socket:") for name in found)
    parent.kill()
    parent.communicate()
    assert soon(lambda: not any(map(is_running, workers)))


def soon(condition: Callable[[], bool]) -> bool:
    """Wait for a condition, some seconds at most."""
    end = time.monotonic() + 10
    while time.monotonic() < end and not condition():
        time.sleep(0.02)
    return condition()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def alive(group: int) -> bool:
    """Tell whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise")
def test_interrupted_workers_end_and_the_rest_goes_on() -> None:
    write_large()
    script = [sys.executable, "-m", "reftiler.cli"]
    process = subprocess.Popen(
        [*script, *["tile", "a.npy", "tiles", "--tile", "16", "--workers", "2"]],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not list(TILES.glob("*.png")) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers hear it too
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "run it again to go on" in said
    assert "Traceback" not in said
    assert soon(lambda: not alive(process.pid))
    assert JOB in files(TILES)
    assert NAME not in files(TILES)
    done("tile a.npy tiles --tile 16")
    assert len(files(TILES)) == 2502


def test_bad_counts_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "tile part.png tiles --tile 50"
    for words, message in (
        ("--workers 0", "--workers must be at least 1, got 0"),
        ("--workers -3", "--workers must be at least 1, got -3"),
        ("--workers 2 --scheduler tcp://x:1", "give one of them"),
    ):
        assert message in refused(2, f"{line} {words}")
    monkeypatch.setattr(executors, "CONNECT_TIMEOUT", 1)
    alone = {"cls": distributed.Scheduler, "options": LOCAL}
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        distributed.SpecCluster(scheduler=alone, workers={}) as idle,
    ):
        port = silent.getsockname()[1]  # which accepts and says nothing
        for address in (
            *("tcp://127.0.0.1:9", "nonsense://x", f"tcp://127.0.0.1:{port}"),
            idle.scheduler_address,
        ):
            begin = time.monotonic()
            message = refused(1, f"{line} --scheduler {address}")
            assert f"no dask scheduler with a worker answers at {address}" in message
            assert time.monotonic() - begin < 8
    monkeypatch.setitem(sys.modules, "distributed", None)
    message = refused(2, f"{line} --scheduler tcp://x:1")
    assert 'pip install "reftiler[dask]"' in message
    assert not TILES.exists()
