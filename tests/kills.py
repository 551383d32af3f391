"""Kill ``reftiler tile`` at random moments and start it again: nothing lost or doubled.

Run it with ``python -m tests.kills [KILLS] [FORMAT] [WORKERS]``; a test does a few.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from shutil import rmtree

import numpy as np

from reftiler.io import write_image

WORDS = ("--tile", "32", "--stride", "24")


def write_images(folder: Path, count: int) -> None:
    """Write images and masks whose tiles take a few seconds."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        image = rng.integers(0, 256, (400, 400, 3), np.uint8)
        write_image(folder / f"{number}.png", image)
        write_image(folder / f"{number}_mask.png", rng.random((400, 400)) < 0.01)


def start(images: Path, out: Path, words: list[str]) -> subprocess.Popen[bytes]:
    script = [sys.executable, "-m", "reftiler.cli", "tile", str(images), str(out)]
    return subprocess.Popen([*script, *WORDS, *words], stdout=subprocess.DEVNULL)


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def kill_and_go_on(
    folder: Path, kills: int, words: list[str], images: int, seed: int = 0
) -> int:
    """Return how many runs were finished meanwhile; each must be as one not killed."""
    source, out = folder / "images", folder / "tiles"
    write_images(source, images)
    begin = time.monotonic()
    assert start(source, folder / "clean", words).wait() == 0
    whole = time.monotonic() - begin
    clean = contents(folder / "clean")
    moments, finished, again = random.Random(seed), 0, list[str]()
    while kills > 0:
        process = start(source, out, [*words, *again])
        try:
            code = process.wait(moments.uniform(0.2 * whole, 0.8 * whole))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills, again = kills - 1, []
            continue
        assert code == 0, code
        assert contents(out) == clean, "tiles were lost or doubled"
        finished += 1
        if moments.random() < 0.5:  # over the tiles that are there
            again = ["--overwrite"]
        else:
            rmtree(out)
    code = start(source, out, words).wait()
    assert code == 0, code
    assert contents(out) == clean, "tiles were lost or doubled"
    return finished + 1


def main(kills: str = "100", file_format: str = "png", workers: str = "0") -> None:
    """Kill so many times, and say how many runs came to their end."""
    words = ["--format", file_format]
    words += ["--workers", workers] if int(workers) else []
    with tempfile.TemporaryDirectory() as folder:
        finished = kill_and_go_on(Path(folder), int(kills), words, 12)
    print(f"{kills} kills, {finished} runs finished: nothing lost, nothing doubled")


if __name__ == "__main__":
    main(*sys.argv[1:])
