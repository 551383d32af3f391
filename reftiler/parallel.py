"""A parallel loop, for work that releases the interpreter's lock."""

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from threading import Condition
from typing import Generic, TypeVar

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
    """Call ``work`` on every item, in several threads; the first error ends it."""
    loop = _Loop(work, items)
    count = min(get_num_threads() if threads is None else threads, len(items))
    try:
        with suppress(RuntimeError):  # no more threads here: this one does it all
            for _ in range(count - 1):
                _pool().submit(loop.take)
        loop.take()
    except BaseException as error:  # noqa: BLE001 - raised when no thread works any more
        loop.fail(error)
    loop.close()


class _Loop(Generic[Item]):
    """The items that are left, and the threads that take them."""

    def __init__(self, work: Callable[[Item], object], items: Sequence[Item]) -> None:
        self.work, self.items = work, deque(items)
        self.errors: list[BaseException] = []
        self.changed = Condition()
        self.running = 0

    def take(self) -> None:
        """Work until nothing is left."""
        with self.changed:
            self.running += 1
        try:
            with suppress(IndexError):
                while True:
                    item = self.items.popleft()
                    try:
                        self.work(item)
                    except IndexError as error:
                        self.fail(error)
        except BaseException as error:  # noqa: BLE001 - raised by `close`
            self.fail(error)
        finally:
            with self.changed:
                self.running -= 1
                self.changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Keep an error; nothing more begins."""
        self.errors.append(error)
        self.items.clear()

    def close(self) -> None:
        """Wait until no thread works any more; raise the first error."""
        while True:
            try:
                with self.changed:  # a helper that begins later finds nothing left
                    self.changed.wait_for(lambda: not self.running)
                break
            except KeyboardInterrupt as error:
                self.fail(error)
        if self.errors:
            raise self.errors[0]


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that wait for work: to start some takes a millisecond."""
    return ThreadPoolExecutor(MAX_HELPERS, thread_name_prefix="reftiler")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # which has no threads
