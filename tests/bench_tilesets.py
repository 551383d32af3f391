"""Cutting many images with masks into PNG tiles, beside a plain loop that does it.

Run it with ``python -m tests.bench_tilesets [IMAGES] [ROUNDS]``. The loop has as many
processes, reads, slices and writes the same files with Pillow, and neither checks
anything nor could go on after a failure. Both are run in turns.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from shutil import rmtree
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE, TILE, STRIDE, PROCESSES = 2048, 256, 192, 2
COUNT = -(-(SIZE - TILE) // STRIDE) + 1  # tiles of a row


def write_images(folder: Path, count: int) -> None:
    """Write images that compress as photographs do, and masks with a defect each."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    for number in range(count):
        coarse = rng.integers(40, 200, (33, 33, 3), np.uint8)
        smooth = Image.fromarray(coarse).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        noise = rng.integers(-6, 7, (SIZE, SIZE, 3))
        pixels = np.clip(np.asarray(smooth) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04d}.png")
        row, column = rng.integers(200, SIZE - 200, 2)
        mask = (rows - row) ** 2 + (columns - column) ** 2 < 150**2
        Image.fromarray(mask * np.uint8(255)).save(folder / f"{number:04d}_mask.png")


def padded(path: Path) -> NDArray[Any]:
    pixels = np.asarray(Image.open(path))
    extra = (COUNT - 1) * STRIDE + TILE - SIZE
    return np.pad(pixels, [(0, extra)] * 2 + [(0, 0)] * (pixels.ndim - 2))


def tile_of(pixels: NDArray[Any], k: int) -> NDArray[Any]:
    row, column = (STRIDE * place for place in divmod(k, COUNT))
    return pixels[row : row + TILE, column : column + TILE]


def cut_plainly(job: tuple[Path, Path]) -> None:
    path, out = job
    pixels = padded(path)
    for k in range(COUNT**2):
        Image.fromarray(tile_of(pixels, k)).save(out / f"{path.stem}_{k:04d}.png")


def plain_loop(images: Path, out: Path) -> float:
    """Return the seconds that the loop takes, without the start of its processes."""
    out.mkdir()
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(abs, range(PROCESSES)))
        start = time.perf_counter()
        list(pool.map(cut_plainly, [(path, out) for path in sorted(images.iterdir())]))
        return time.perf_counter() - start


def reftiler(images: Path, out: Path) -> tuple[float, float]:
    """Return the seconds that the command takes, and the most memory in MiB."""
    words = ["tile", images, out, "--tile", TILE, "--stride", STRIDE]
    script = [sys.executable, "-m", "reftiler.cli", *words, "--workers", PROCESSES]
    start, peak = time.perf_counter(), 0.0
    with subprocess.Popen(list(map(str, script)), stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(0.05)
    assert process.returncode == 0
    return time.perf_counter() - start, peak


def memory_of(pid: int) -> float:
    """Return what a process and its children hold, shared pages shared out, in MiB."""
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            children = Path(f"/proc/{one}/task/{one}/children").read_text()
        except OSError:  # it has ended
            continue
        total += sum(int(s.split()[1]) for s in rollup.splitlines() if s[:4] == "Pss:")
        waiting += map(int, children.split())
    return total / 1024


def cpu_seconds() -> float:
    """Return what processes that have ended took: it is fair on a busy machine, too."""
    used = os.times()
    return used.children_user + used.children_system


def main(count: int = 24, rounds: int = 5) -> None:
    with tempfile.TemporaryDirectory() as folder:
        images, out = Path(folder, "images"), Path(folder, "tiles")
        write_images(images, count)
        ratios = []
        for _ in range(rounds):
            before = cpu_seconds()
            plain = plain_loop(images, out)
            rmtree(out)
            between = cpu_seconds()
            ours, memory = reftiler(images, out)
            rmtree(out)
            work = (cpu_seconds() - between) / (between - before)
            ratios.append((ours / plain, work))
            print(
                f"loop {plain:.2f} s, reftiler {ours:.2f} s, {memory:.0f} MiB in all; "
                f"ratio {ours / plain:.2f}, of CPU time {work:.2f}"
            )
        wall, work = map(median, zip(*ratios, strict=True))
        print(f"{count} images: median ratio {wall:.2f}, of CPU time {work:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
