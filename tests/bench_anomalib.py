"""How much faster the drop-in is than anomalib's own tiler, side by side.

Run by hand, with anomalib installed and the machine otherwise at rest::

    python tests/bench_anomalib.py

Both tilers work on the same image in the same process, turn and turn about, and what
they make is compared while they are timed. Times are medians over the rounds.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch

import reftiler.anomalib as ours

GOAL = {"tile": 2.0, "untile": 3.0}


class Workload(NamedTuple):
    """An image to cut and how."""

    shape: tuple[int, int, int, int]
    tile: int
    stride: int
    dtype: torch.dtype = torch.float32

    def __str__(self) -> str:
        n, c, h, _ = self.shape
        kind = str(self.dtype).removeprefix("torch.")
        return f"{n}×{c}×{h}² {kind} {self.tile}/{self.stride}"


WORKLOADS = (
    Workload((1, 3, 1024, 1024), 256, 256),
    Workload((1, 3, 1024, 1024), 256, 128),
    Workload((8, 3, 1024, 1024), 256, 64),
    Workload((1, 3, 4096, 4096), 512, 256),
    Workload((1, 3, 4096, 4096), 64, 32),
    Workload((1, 1, 2048, 2048), 100, 37),
    Workload((1, 3, 4096, 4096), 256, 128, torch.uint8),
)


def image_of(work: Workload) -> Any:
    """Return an image of noise, the same one each time."""
    chance = torch.Generator().manual_seed(0)
    if work.dtype == torch.uint8:
        return torch.randint(256, work.shape, dtype=torch.uint8, generator=chance)
    return torch.rand(work.shape, dtype=work.dtype, generator=chance)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def measure(work: Workload, theirs: Any, rounds: int) -> dict[str, list[list[float]]]:
    """Time both verbs of both tilers; raise if what they make differs."""
    image = image_of(work)
    tilers = [module.Tiler(work.tile, work.stride) for module in (theirs, ours)]
    times: dict[str, list[list[float]]] = {"tile": [[], []], "untile": [[], []]}
    for number in range(rounds + 1):
        tiles, whole = [image] * 2, [image] * 2
        turns = (0, 1) if number % 2 else (1, 0)
        for t in turns:
            took, tiles[t] = timed(partial(tilers[t].tile, image))
            times["tile"][t].append(took)
        for t in turns:
            took, whole[t] = timed(partial(tilers[t].untile, tiles[t]))
            times["untile"][t].append(took)
        check(image, tiles, whole)
        del tiles, whole
    return {verb: [t[1:] for t in both] for verb, both in times.items()}  # warm


def check(image: Any, tiles: list[Any], whole: list[Any]) -> None:
    """Raise unless tiles are alike, and images too, within anomalib's rounding."""
    if not torch.equal(tiles[0], tiles[1].to(tiles[0].dtype)):
        raise AssertionError("the tiles differ")
    if not torch.equal(whole[1], image):
        raise AssertionError("the drop-in's image is not the one that was cut")
    torch.testing.assert_close(whole[0], whole[1].to(whole[0].dtype))


def machine() -> str:
    """Say what this ran on."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text("utf-8").splitlines()
        names = [line.partition(": ")[2] for line in lines if "model name" in line]
        name = names[0] if names else name
    packages = ", ".join(f"{p} {version(p)}" for p in ("anomalib", "reftiler", "torch"))
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{name}, {torch.get_num_threads()} threads{load}; {packages}"


def report(rounds: int, only: list[int]) -> bool:
    """Print the table; tell whether every goal was reached."""
    theirs = import_module("anomalib.data.utils.tiler")
    say = sys.stdout.write
    say(f"{machine()}\nmedians of {rounds} rounds in ms; goals: {GOAL}\n\n")
    say(f"{'workload':32}{'verb':8}{'anomalib':>10}{'reftiler':>10}{'ratio':>8}\n")
    reached = True
    for number, work in enumerate(WORKLOADS):
        if only and number not in only:
            continue
        for verb, (slow, fast) in measure(work, theirs, rounds).items():
            before, after = (1000 * statistics.median(t) for t in (slow, fast))
            ratio = before / after
            missed = "" if ratio >= GOAL[verb] else "  below the goal"
            reached = reached and not missed
            title = str(work) if verb == "tile" else ""
            say(f"{title:32}{verb:8}{before:10.1f}{after:10.1f}{ratio:8.1f}{missed}\n")
    return reached


def main() -> int:
    """Measure all workloads, or those named by their numbers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("workloads", type=int, nargs="*", help="0 to 6; all if missing")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    return 0 if report(max(1, args.rounds), args.workloads) else 1


if __name__ == "__main__":
    sys.exit(main())
