"""Interleaved timing: each round times every call once, so drift hits all alike."""

import gc
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

CACHE_BYTES = 2**26
"""More than most processors keep."""

MAPPED_BYTES = 2**26
"""What an allocator takes from the system anew, and gives back at once."""


class TimedCall(Protocol):
    """A call that is timed, and what goes before and after it."""

    name: str
    peak_memory: int
    """Bytes of the host that the call may ask for."""

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
                took = _time_once(call)
            except Exception as error:  # noqa: BLE001 - a library may fail in any way
                call.fail(error)
                seconds[call.name].clear()
                running.remove(call)
                continue
            if number:
                seconds[call.name].append(took)
        gc.collect(1)  # what the last calls left; older things are no garbage
    return seconds


def _time_once(call: TimedCall) -> float:
    timed = call.prepare()
    prefault(call.peak_memory)
    flush_caches()
    took, result = time_call(timed, call.synchronize)
    call.check(result)
    return took


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


def time_call(
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


def measure_memory(calls: Sequence[TimedCall], meter: Any) -> dict[str, int | None]:
    """Measure each call's peak memory, apart: a meter would disturb the clock."""
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
