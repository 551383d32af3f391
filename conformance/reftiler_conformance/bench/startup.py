"""What a process pays once: imports, and the first call of ``untile`` on a tensor.

Every figure is of a fresh process. Kernels that are compiled are kept in a folder made
for the measurement, empty for the first process and filled for the second.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import reftiler
from reftiler.errors import TilingError

ROUNDS = 5

_MODULES = ("torch", "reftiler.torch")
_CACHES = ("NUMBA_CACHE_DIR", "TRITON_CACHE_DIR")

_IMPORT = """
import time
start = time.perf_counter()
import {module}
print([time.perf_counter() - start])
"""

_CALLS = """
import time
import torch
from reftiler.torch import Tiler

tiler, shape = Tiler(256, 128), (1, 3, 1024, 1024)
torch.set_num_threads({threads})
tiles = torch.rand(49, 3, 256, 256).to("{device}")

def took():
    start = time.perf_counter()
    tiler.untile(tiles, shape).sum().item()
    return time.perf_counter() - start

print([took(), took(), took()])
"""


def measure_startup(threads: int, device: str) -> dict[str, float]:
    """Return the medians in seconds, by what was measured."""
    found: dict[str, list[float]] = {}
    calls = _CALLS.format(threads=threads, device=device)
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as cache:
            first, *_ = _run(calls, cache)
            cached, *later = _run(calls, cache)
            imports = {m: _run(_IMPORT.format(module=m), cache) for m in _MODULES}
            took = {
                **{f"import {module}": took for module, (took,) in imports.items()},
                "first untile, nothing compiled": first,
                "first untile, kernels compiled before": cached,
                "later untile": later[-1],
            }
        for name, seconds in took.items():
            found.setdefault(name, []).append(seconds)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def _run(program: str, cache: str) -> list[float]:
    """Return the seconds that a program tells, in a process with this reftiler."""
    here = str(Path(reftiler.__file__).parents[1])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    caches = dict.fromkeys(_CACHES, cache)
    environment = {**os.environ, **caches, "PYTHONPATH": path}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason"])[-1]
        raise TilingError(f"--startup: a fresh process failed: {why}")
    seconds: list[float] = json.loads(done.stdout)
    return seconds
