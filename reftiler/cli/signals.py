"""What Ctrl-C and SIGTERM do while modules load, and while there is work to end."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_told: list[int] = []


def end_at_once() -> None:
    """Let both end the process with 130 and 143, as shells have it, and no traceback.

    An exception while modules load can get lost, or make a library abort.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in the background
        signal.signal(signal.SIGINT, _exit)
    signal.signal(signal.SIGTERM, _exit)


def tidy_up_first() -> None:
    """Let both raise an exception, where `end_at_once` was called before."""
    if signal.getsignal(signal.SIGINT) is _exit:
        signal.signal(signal.SIGINT, _raise)
    if signal.getsignal(signal.SIGTERM) is _exit:
        signal.signal(signal.SIGTERM, _raise)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """End at once while modules load in the midst of a command that a program runs."""
    if signal.getsignal(signal.SIGTERM) is not _raise:  # no program, but a test
        yield
        return
    end_at_once()
    try:
        yield
    finally:
        tidy_up_first()


def _exit(number: int, _: Any) -> None:
    os._exit(128 + number)


def _raise(number: int, _: Any) -> None:
    _told.append(number)
    raise_if_told()


def raise_if_told() -> None:
    """Raise again what a finalizer, or what the garbage collector calls, has lost."""
    if _told:
        if _told[-1] == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + _told[-1])
