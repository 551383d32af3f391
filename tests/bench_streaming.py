"""How fast and in how much memory images are tiled and merged that do not fit memory.

    python -m tests.bench_streaming [--size 40000] [--folder FOLDER]

A script, not a test. A memory-mapped image, sparse where the file system allows, is cut
512/256, passed through a function and merged into another memory map; then its tiles
are merged in random order. Throughput is compared with that of the same work on arrays
of 4096 x 4096, memory is what the process holds beyond the page cache, and the result
is compared with what it must be, pixel by pixel.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler import Tiler
from reftiler.streaming import Merger, TileReader

Array = NDArray[Any]

TILER = Tiler(512, 256, channels_last=True)
SMALL = 4096
ROUNDS = 5


def invert(tiles: Array) -> Array:
    """Stand in for a model: cheap, and its result is known."""
    return np.bitwise_not(tiles)


class Peak:
    """The most memory that this process holds beyond the page cache, meanwhile."""

    def __enter__(self) -> Peak:
        self.start = self.bytes = anonymous()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.bytes = max(self.bytes, anonymous())


def anonymous() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this benchmark reads /proc/self/status, which Linux has")


def made(path: Path, size: int) -> Array:
    """Make an image of which a part is written, and the rest a hole."""
    image = mapped(path, size)
    rng = np.random.default_rng(0)
    step = max(1, size // 40)
    for row in range(0, size - 64, step):
        for column in range(0, size - 64, step):
            patch = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            image[row : row + 64, column : column + 64] = patch
    return image


def mapped(path: Path, size: int) -> Array:
    return np.lib.format.open_memmap(path, "w+", np.uint8, (size, size, 3))


def in_order(image: Array, out: Array) -> None:
    TILER.apply(invert, image, out=out)


def shuffled(image: Array, out: Array) -> None:
    batches = TileReader(TILER, image)
    numbers = np.random.default_rng(1).permutation(batches.call.tiles.batch_size)
    with Merger(TILER, image.shape, out) as merger:
        for first in range(0, len(numbers), 16):
            some = np.sort(numbers[first : first + 16]).tolist()
            for number in some:
                tile = batches.read(range(number, number + 1)).tiles
                merger.add(number, invert(tile)[0])


def exact(image: Array, out: Array) -> bool:
    rows = range(0, len(image), 256)
    return all((out[r : r + 256] == ~image[r : r + 256]).all() for r in rows)


def rate(work: Callable[[], None], size: int) -> float:
    start = time.perf_counter()
    work()
    return size * size / 1e6 / (time.perf_counter() - start)


def in_memory() -> list[float]:
    """Return the megapixels a second of several rounds of the same work on arrays."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (SMALL, SMALL, 3), dtype=np.uint8)
    out = np.empty_like(image)
    rates = [rate(lambda: in_order(image, out), SMALL) for _ in range(ROUNDS)]
    assert exact(image, out)
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=40_000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    near = statistics.median(in_memory())
    print(f"in memory, {SMALL}²: {near:.1f} Mpixel/s", flush=True)
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        image = made(folder / "image.npy", asked.size)
        for work in (in_order, shuffled):
            out = mapped(folder / "out.npy", asked.size)
            with Peak() as peak:
                speed = rate(lambda: work(image, out), asked.size)  # noqa: B023
            right = "exact" if exact(image, out) else "WRONG"
            print(
                f"memory-mapped, {asked.size}², {work.__name__}: {speed:.1f} Mpixel/s, "
                f"{speed / near:.0%} of that in memory, {peak.bytes / 1e6:.0f} MB at "
                f"most, of which {peak.start / 1e6:.0f} before; {right}",
                flush=True,
            )


if __name__ == "__main__":
    main()
