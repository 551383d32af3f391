"""Threads, for what numpy does without the interpreter's lock."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

__all__ = ["parallel_for"]

MAX_THREADS = 8
"""More threads find the memory busy."""

MIN_BYTES = 2**19
"""Bytes below which a thread is not worth its start."""

Item = TypeVar("Item")


def threads() -> int:
    """Return how many threads may be busy: the processors that this process may use.

    ``OMP_NUM_THREADS`` lowers it, as it does for other libraries; whoever starts many
    processes sets that.
    """
    with suppress(AttributeError):  # where a process cannot be bound to some
        return min(MAX_THREADS, _told(), len(os.sched_getaffinity(0)))
    return min(MAX_THREADS, _told(), os.cpu_count() or 1)


def _told() -> int:
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return max(1, int(told)) if told.isdecimal() else MAX_THREADS


def parallel_for(
    work: Callable[[Sequence[Item]], None], items: Sequence[Item], size: int
) -> None:
    """Do ``work`` on all ``items``, some in each of several threads.

    Parameters
    ----------
    work : callable
        Is given neighbouring items. It may write where no other thread does, and may be
        given some of them twice.
    items : sequence
        All there is to do, about alike in size.
    size : int
        Bytes that are moved in all; few are not shared.

    Raises
    ------
    Exception
        What a call raised; those that had not begun never do.
    """
    count = min(threads(), len(items), size // MIN_BYTES)
    if count <= 1:
        work(items)
        return
    # Several shares for each: a thread that is held up leaves its rest to the others.
    share = -(-len(items) // (4 * count))
    parts = [items[low : low + share] for low in range(0, len(items), share)]
    with ThreadPoolExecutor(count) as pool:
        try:
            doing = [pool.submit(work, part) for part in parts]
        except RuntimeError:  # no more threads here, or the interpreter is ending
            pool.shutdown(cancel_futures=True)
            work(items)
            return
        try:
            for done in doing:
                done.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
