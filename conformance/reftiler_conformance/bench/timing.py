"""Time and memory of calls, interleaved: each round times every call once.

So drift hits all alike. Peak memory is counted with the call's result and without its
input. On Linux it is the highest resident size of the process since its mark was reset,
less the size just before: that sees memory whatever library takes it. On other systems
nothing is measured; on CUDA torch's allocator is asked.
"""

import ctypes
import gc
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

CACHE_BYTES = 2**26  # more than most processors keep

MAPPED_BYTES = 2**26
"""What an allocator takes from the system anew, and gives back at once."""

_RESET = Path("/proc/self/clear_refs")

# Each ends by itself when its parent is gone, even if that was killed.
_SPIN = """
import os, sys
while os.getppid() == int(sys.argv[1]):
    sum(range(100_000))
"""


class TimedCall(Protocol):
    """A call that is timed, and what goes before and after it."""

    name: str
    peak_memory: int  # bytes of the host that the call may ask for

    def prepare(self) -> Callable[[], Any]:
        """Prepare the input, which is not timed, and return what is."""

    def synchronize(self) -> None:
        """Wait for the device."""

    def check(self, result: Any) -> None:
        """Look at the result, which is not timed."""

    def fail(self, error: Exception) -> None:
        """Take note that it failed; it is called no more."""


def run_interleaved(calls: Sequence[TimedCall], rounds: int) -> dict[str, list[float]]:
    """Return seconds by the names of the calls; none of those that failed.

    The first round is to warm up. Each begins with another call, and each call with
    cold caches and with as much memory at hand as it may ask for.
    """
    seconds: dict[str, list[float]] = {call.name: [] for call in calls}
    running = list(calls)
    for number in range(rounds + 1):
        shift = number % max(1, len(running))
        for call in running[shift:] + running[:shift]:
            try:
                timed = call.prepare()
                prefault(call.peak_memory)
                flush_caches()
                took, result = _time_call(timed, call.synchronize)
                call.check(result)
            except Exception as error:  # noqa: BLE001 - a library may fail in any way
                call.fail(error)
                seconds[call.name].clear()
                running.remove(call)
                continue
            if number:
                seconds[call.name].append(took)
        gc.collect(1)  # what the last calls left; older things are no garbage
    return seconds


def prefault(size: int) -> None:
    """Touch memory and free it again, so that the system has it at hand.

    A virtual machine may have left free pages to its host: getting them back takes ten
    times as long as what is timed.
    """
    if size:
        np.empty(max(size, MAPPED_BYTES), np.uint8).fill(0)


def flush_caches() -> None:
    """Fill the processor's caches with something else: all begin from memory."""
    scratch = _scratch(CACHE_BYTES)
    np.add(scratch, 1, out=scratch)  # a plain fill may go around the caches


@lru_cache
def _scratch(size: int) -> NDArray[np.uint8]:
    return np.zeros(size, np.uint8)


def _time_call(
    call: Callable[[], Any], synchronize: Callable[[], None]
) -> tuple[float, Any]:
    """Time one call without the garbage collector, and return what it returns."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        synchronize()
        start = time.perf_counter()
        result = call()
        synchronize()
        return time.perf_counter() - start, result
    finally:
        if collecting:
            gc.enable()


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep as many processes busy until the block ends, in whatever way."""
    command = [sys.executable, "-I", "-S", "-c", _SPIN, str(os.getpid())]
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen(command)
            stack.callback(process.wait)
            stack.callback(process.kill)  # before it is waited for
        yield


def measure_memory(calls: Sequence[TimedCall], device: str) -> dict[str, int | None]:
    """Measure each call's peak memory, apart: a meter would disturb the clock."""
    meter = CudaMeter() if device == "cuda" else HostMeter()
    return {call.name: _peak(call, meter) for call in calls}


def _peak(call: TimedCall, meter: Any) -> int | None:
    try:
        timed = call.prepare()
        meter.start()
        result = timed()
        call.synchronize()
        peak: int | None = meter.read()
        del result  # it was alive when the meter was read
    except Exception:  # noqa: BLE001 - what it does without a meter is known already
        return None
    return peak


class HostMeter:
    """Reads the kernel's mark of the highest resident size."""

    def start(self) -> None:
        """Reset the mark."""
        self.before: int | None = None
        gc.collect()  # garbage that went away during the call would hide its peak
        with suppress(AttributeError, OSError, TypeError):  # only glibc has it
            ctypes.CDLL(None).malloc_trim(0)  # what its allocator kept from earlier
        with suppress(OSError):  # no such mark here, or it may not be reset
            _RESET.write_text("5", "ascii")  # the code that resets this mark alone
            self.before = linux_bytes("self/status", "VmRSS")

    def read(self) -> int | None:
        """Return how far the mark rose."""
        if self.before is None:
            return None
        return max(0, (linux_bytes("self/status", "VmHWM") or 0) - self.before)


class CudaMeter:
    """Asks torch's allocator."""

    def __init__(self) -> None:
        import torch  # noqa: PLC0415 - only where there is CUDA

        self.cuda: Any = torch.cuda

    def start(self) -> None:
        """Reset the allocator's peak."""
        self.cuda.reset_peak_memory_stats()
        self.before = self.cuda.memory_allocated()

    def read(self) -> int | None:
        """Return how far it rose."""
        return int(self.cuda.max_memory_allocated() - self.before)


def available_memory() -> int | None:
    """Return the bytes that are free for this process, where the system tells."""
    return linux_bytes("meminfo", "MemAvailable")


def linux_bytes(file: str, key: str) -> int | None:
    """Return a size that a file of Linux's ``/proc`` tells, in bytes."""
    with suppress(OSError):
        text = (Path("/proc") / file).read_text("utf-8")
        if found := re.search(rf"{key}:\s+(\d+) kB", text):
            return int(found[1]) * 1024
    return None
