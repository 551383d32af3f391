"""``reftiler tile`` with worker processes: the same tiles, whoever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("skimage")
pytest.importorskip("distributed")

import dask
import distributed

from reftiler import TilingError
from reftiler.io import write_image
from reftiler.tilesets import executors
from reftiler.tilesets.journal import NAME as JOURNAL
from reftiler.tilesets.manifest import NAME
from tests.command import done, files, refused
from tests.folders import write_part
from tests.test_resume import contents, write_images


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    settings = {"dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
    with distributed.LocalCluster(2, threads_per_worker=1, **settings) as made:
        yield made


def test_workers_write_the_same_tiles(tmp_path: Path) -> None:
    write_images(tmp_path / "images")
    done("tile", tmp_path / "images", tmp_path / "clean", "--tile", 10)
    words = ("tile", tmp_path / "images", tmp_path / "tiles", "--tile", 10)
    said = done(*words, "--workers", 2)
    assert "Wrote 36 tiles of 10 × 10 from 3 images (1 with a mask)" in said
    assert contents(tmp_path / "tiles") == contents(tmp_path / "clean")


def test_a_worker_that_dies_is_survived(
    tmp_path: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reftiler.tilesets.extract._TILES", 16)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    write_image(tmp_path / "a.npy", rng.integers(0, 256, (800, 800, 3), np.uint8))
    victim = next(iter(cluster.workers.values())).pid
    tiles = tmp_path / "tiles"

    def murder() -> None:
        while len(list(tiles.glob("*.png"))) < 100:
            time.sleep(0.005)
        os.kill(victim, signal.SIGTERM)

    killer = threading.Thread(target=murder)
    killer.start()
    # Other machines know nothing of where we are.
    done(
        "tile", "a.npy", "tiles", "--tile", 16, "--scheduler", cluster.scheduler_address
    )
    killer.join()
    with pytest.raises(ProcessLookupError):
        os.kill(victim, 0)
    done("tile", "a.npy", "clean", "--tile", 16)
    assert contents(tiles) == contents(tmp_path / "clean")


def test_errors_name_the_image(tmp_path: Path, cluster: Any) -> None:
    write_images(tmp_path / "images")
    (tmp_path / "images" / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    words = ("tile", tmp_path / "images", tmp_path / "tiles", "--tile", 10)
    message = refused(1, *words, "--scheduler", cluster.scheduler_address)
    assert "b.png: the PNG is truncated" in message
    assert not (tmp_path / "tiles").exists()


def test_work_that_kills_every_worker_is_named() -> None:
    def die(job: Any) -> None:
        os._exit(1)

    job = SimpleNamespace(subject="part.png")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        executors.open_executor(workers=1) as executor,
        pytest.raises(TilingError, match=r"part\.png: every worker .* died"),
    ):
        list(executor.run(die, [job]))


def alive(group: int) -> bool:
    """Tell whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise")
def test_interrupted_workers_end_and_the_rest_goes_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_image(tmp_path / "a.npy", rng.integers(0, 256, (800, 800, 3), np.uint8))
    words = ["tile", "a.npy", "tiles", "--tile", "16", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "reftiler.cli", *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not list(tmp_path.glob("tiles/*.png")) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers hear it too
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "run it again to go on" in said
    assert "Traceback" not in said
    end = time.monotonic() + 10
    while time.monotonic() < end and alive(process.pid):
        time.sleep(0.05)
    assert not alive(process.pid)
    there = files(tmp_path / "tiles")
    assert JOURNAL in there
    assert NAME not in there
    done("tile", tmp_path / "a.npy", tmp_path / "tiles", "--tile", 16)
    assert len(files(tmp_path / "tiles")) == 2501


# Bad calls


def test_counts_and_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("tile", write_part(tmp_path), tmp_path / "tiles", "--tile", 50)
    for count in (0, -3):
        message = refused(2, *words, "--workers", count)
        assert f"--workers must be at least 1, got {count}" in message
    message = refused(2, *words, "--workers", 2, "--scheduler", "tcp://x:1")
    assert "give one of them" in message
    monkeypatch.setattr(executors, "CONNECT_TIMEOUT", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        message = refused(1, *words, "--scheduler", address)
        assert f"no dask scheduler with a worker answers at {address}" in message
    options = {"dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}
    alone = {"cls": distributed.Scheduler, "options": options}
    with distributed.SpecCluster(scheduler=alone, workers={}) as idle:
        message = refused(1, *words, "--scheduler", idle.scheduler_address)
    assert "with a worker answers" in message
    monkeypatch.setitem(sys.modules, "distributed", None)
    message = refused(2, *words, "--workers", 2)
    assert 'pip install "reftiler[dask]"' in message
    assert not (tmp_path / "tiles").exists()
