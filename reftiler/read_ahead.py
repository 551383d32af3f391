"""Read one batch of tiles in a thread while the model works on another."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

__all__ = ["ReadAhead"]


class ReadAhead:
    """Reads a batch that is expected next in a thread, which ends with the ``with``.

    No two reads run at the same time, so that what is read need not bear it.
    """

    def __init__(self, read: Callable[[Sequence[int]], Any]) -> None:
        self._read = read
        self._thread: ThreadPoolExecutor | None = None
        self._expected: tuple[Sequence[int], Future[Any]] | None = None

    def __enter__(self) -> "ReadAhead":
        return self

    def __exit__(self, *_: object) -> None:
        self._expected = None
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)

    def expect(self, indices: Sequence[int]) -> None:
        """Begin to read the tiles of some indices."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "reftiler-read")
        self._expected = indices, self._thread.submit(self._read, indices)

    def take(self, indices: Sequence[int]) -> Any:
        """Return the tiles of some indices; the reader's errors are raised here."""
        if self._expected is None:
            return self._read(indices)
        (expected, future), self._expected = self._expected, None
        if expected == indices:
            return future.result()
        wait([future])
        return self._read(indices)
