"""Work that takes a while: a generator that says how far it is.

Whoever runs it asks for the next share until it ends; to cancel, they stop asking. So
no work needs to know of threads, and none can miss that it was cancelled.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Work: TypeAlias = Generator[float, None, T]
"""Yields the share that is done, 0 to 1; returns the result."""


def finish(work: Work[T]) -> T:
    """Run work to its end and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
