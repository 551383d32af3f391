"""Rounds: everybody's turn comes once in each, so that drift hits all alike."""

import gc
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

CACHE = 2**26
"""More bytes than most processors keep."""

MAPPED = 2**26
"""Bytes that an allocator takes from the system anew, and gives back at once."""


class Turn(Protocol):
    """What is timed, and what goes before and after it."""

    name: str
    room: int
    """Bytes of the host that the call may ask for."""

    def ready(self) -> Callable[[], Any]:
        """Prepare the input, which is not timed, and return what is."""
        ...

    def settle(self) -> None:
        """Wait for the device."""
        ...

    def check(self, result: Any) -> None:
        """Look at the result, which is not timed."""
        ...

    def fail(self, error: Exception) -> None:
        """Take note that it failed; it has no more turns."""
        ...


class Meter(Protocol):
    """Measures memory around a call."""

    def start(self) -> None:
        """Begin."""
        ...

    def read(self) -> int | None:
        """Return the peak since, in bytes beyond what was there."""
        ...


def interleave(turns: Sequence[Turn], rounds: int) -> dict[str, list[float]]:
    """
    Time all turns in rounds, of which the first is to warm up and does not count.

    Each round begins with another turn, and each turn from cold caches, with as much
    memory at hand as it may ask for.

    Returns
    -------
    dict of str to list of float
        Seconds, by the names of the turns; none of those that failed.
    """
    seconds: dict[str, list[float]] = {turn.name: [] for turn in turns}
    playing = list(turns)
    for number in range(rounds + 1):
        shift = number % max(1, len(playing))
        for turn in playing[shift:] + playing[:shift]:
            try:
                took = _play(turn)
            except Exception as error:  # noqa: BLE001 - a stranger may fail anyhow
                turn.fail(error)
                seconds[turn.name].clear()
                playing.remove(turn)
                continue
            if number:
                seconds[turn.name].append(took)
        gc.collect(1)  # what the last calls left; older things are no garbage
    return seconds


def _play(turn: Turn) -> float:
    call = turn.ready()
    fetch(turn.room)
    cool()
    took, result = timed(call, turn.settle)
    turn.check(result)
    return took


def fetch(size: int) -> None:
    """Touch memory and free it again: the system has it at hand.

    A virtual machine may have left its free pages to its host, the huge ones first, and
    fetching them takes ten times as long as what is timed. Whoever asks for huge pages
    would pay for that, and whoever asks for small ones would not.
    """
    if size:
        np.empty(max(size, MAPPED), np.uint8).fill(0)


def cool() -> None:
    """Fill the processor's caches with something else: all begin from memory.

    Otherwise whoever writes to the buffer that the one before wrote to has it easier.
    """
    scratch = _scratch(CACHE)
    np.add(scratch, 1, out=scratch)  # a plain fill may go around the caches


@lru_cache
def _scratch(size: int) -> NDArray[np.uint8]:
    return np.zeros(size, np.uint8)


def timed(call: Callable[[], Any], settle: Callable[[], None]) -> tuple[float, Any]:
    """Time one call without the garbage collector, and return what it returns."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        settle()
        start = time.perf_counter()
        result = call()
        settle()
        return time.perf_counter() - start, result
    finally:
        if collecting:
            gc.enable()


def weigh(turns: Sequence[Turn], meter: Meter) -> dict[str, int | None]:
    """Measure the peak memory of every turn, once; the meter would disturb the clock.

    Turns that fail here, for want of memory, have none.
    """
    return {turn.name: _weigh(turn, meter) for turn in turns}


def _weigh(turn: Turn, meter: Meter) -> int | None:
    try:
        call = turn.ready()
        meter.start()
        result = call()
        turn.settle()
        peak = meter.read()
        del result  # it was alive when the meter was read
    except Exception:  # noqa: BLE001 - what it does without a meter is told already
        return None
    return peak
