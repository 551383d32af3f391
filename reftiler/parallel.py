"""A parallel loop, for work that releases the interpreter's lock."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cache
from typing import TypeVar

from reftiler.validation import as_int

__all__ = ["get_num_threads", "parallel_for", "set_num_threads"]

Item = TypeVar("Item")

MAX_HELPERS = 64

_asked: int | None = None


def set_num_threads(count: int) -> None:
    """Set how many threads the numpy tiler may use.

    Parameters
    ----------
    count : int
        At least 1; more than 65 are the same as 65. Without a call it is
        ``OMP_NUM_THREADS``, or else the number of processors that this process may use.

    Raises
    ------
    TypeError, TilingError
        If it is no int of at least 1.

    Examples
    --------
    >>> import reftiler
    >>> reftiler.set_num_threads(1)
    >>> reftiler.get_num_threads()
    1
    """
    global _asked  # noqa: PLW0603 - a setting of the process, as in numba and torch
    _asked = as_int(count, "count", minimum=1)


def get_num_threads() -> int:
    """Return how many threads the numpy tiler may use."""
    if _asked is not None:
        return _asked
    named = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if named.isdecimal() and int(named) > 0:
        return int(named)
    with suppress(AttributeError):  # not every system can bind a process
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def parallel_for(
    work: Callable[[Item], object], items: Sequence[Item], threads: int | None = None
) -> None:
    """Call ``work`` on every item, in several threads.

    Threads take one item after the other, so that none waits for a slower one. The
    first error ends the loop: items that have not begun are left.
    """
    count = min(get_num_threads() if threads is None else threads, len(items))
    queue = iter(items)

    def take() -> None:
        try:
            for item in queue:  # a list's iterator gives each item to one thread
                work(item)
        except BaseException:
            for _ in queue:  # nothing more begins
                pass
            raise

    helpers: list[Future[None]] = []
    if count > 1:
        with suppress(RuntimeError):  # no more threads here: this one does it all
            helpers += [_pool().submit(take) for _ in range(count - 1)]
    try:
        take()
    finally:  # whatever happens, none writes any more when this returns
        waited = [helper for helper in helpers if not helper.cancel()]
        wait(waited)
    for helper in waited:
        helper.result()


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that wait for work: to start some takes a millisecond."""
    return ThreadPoolExecutor(MAX_HELPERS, thread_name_prefix="reftiler")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # which has no threads
