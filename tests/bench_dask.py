"""How well tiles spread over workers, and what the scheduler costs.

    python -m tests.bench_dask [--size 16384] [--milliseconds 5]

A script, not a test. A memory-mapped image is cut 512/256 and goes through a model that
takes a few milliseconds a tile, sleeping or computing, on one worker process and on
two, each of one thread. The scheduler's share is what one worker waits between its
tasks. Every pixel of the result is compared with what it must be, in the same run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, get_task_stream
from numpy.typing import NDArray

from reftiler.dask import map_tiles
from tests.bench_streaming import TILER, made

Array = NDArray[Any]

CHUNK = 2048


def sleeping(tiles: Array, seconds: float) -> Array:
    """Stand in for a model on another device."""
    time.sleep(seconds * len(tiles))
    return ~tiles[..., :1]


def computing(tiles: Array, seconds: float) -> Array:
    """Stand in for a model on this processor."""
    until = time.thread_time() + seconds * len(tiles)  # others do not count
    while time.thread_time() < until:
        np.square(tiles[0, :64, :64, 0].astype(np.float32)).sum()
    return ~tiles[..., :1]


def block(path: str, block_info: Any) -> Array:
    return np.array(region(path, block_info[None]))


def right(maps: Array, path: str, block_info: Any) -> Array:
    """Count the pixels of a block of the result that are what they must be."""
    same = maps == ~region(path, block_info[0])[..., :1]
    return np.full((1, 1, 1), same.sum(), np.int64)


def region(path: str, block: Any) -> Array:
    (top, bottom), (west, east), _ = block["array-location"]
    image: Array = np.load(path, mmap_mode="r")
    return image[top:bottom, west:east]


def lazy(path: Path, size: int) -> Any:
    sides = (CHUNK,) * (size // CHUNK) + ((size % CHUNK,) if size % CHUNK else ())
    return da.map_blocks(
        partial(block, str(path)), chunks=(sides, sides, (3,)), dtype=np.uint8
    )


def timed(
    path: Path, size: int, model: Callable[[Array], Array], workers: int
) -> tuple[float, float]:
    """Return the seconds that a cluster takes, and its workers' idle share."""
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        like = np.zeros((1, 512, 512, 1), np.uint8)
        maps = map_tiles(model, lazy(path, size), TILER, like=like)
        ones = tuple((1,) * len(lengths) for lengths in maps.chunks)
        counts = maps.map_blocks(right, str(path), chunks=ones, dtype=np.int64)
        with get_task_stream(client) as stream:
            start = time.perf_counter()
            total = counts.sum().compute()
            wall = time.perf_counter() - start
        if total != size * size:
            raise SystemExit(f"WRONG: {size * size - total} pixels of {size}²")
        busy = sum(
            span["stop"] - span["start"]
            for task in stream.data
            for span in task["startstops"]
        )
        return wall, 1 - busy / wall / workers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=16_384)
    parser.add_argument("--milliseconds", type=float, default=5)
    asked = parser.parse_args()
    dask.config.set({"distributed.worker.memory.target": 0.8})
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "image.npy"
        made(path, asked.size)
        tiles = len(TILER.grid((asked.size, asked.size)))
        for kind in (sleeping, computing):
            model = partial(kind, seconds=asked.milliseconds / 1000)
            one, idle = timed(path, asked.size, model, 1)
            two, _ = timed(path, asked.size, model, 2)
            print(
                f"{kind.__name__} {asked.milliseconds:g} ms x {tiles} tiles: one "
                f"worker {one:.1f} s, {idle:.0%} of it between tasks; two {two:.1f} s: "
                f"{one / two:.2f} times as fast; exact",
                flush=True,
            )


if __name__ == "__main__":
    main()
