"""What the hardware allows: the same bytes moved in the plainest way, all threads.

The limit of ``tile`` copies the tiles into a reused buffer. That of ``untile`` reads
every tile once and copies the image into a reused buffer. A tiler that reads an image
from the cache may come below the first: it reads less than all tiles.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

import numpy as np

from reftiler.bench.workloads import Array

_PIECES = 8
"""Pieces for each thread: a thread that is held up leaves its rest to the others."""

_LEAST = 2**18
"""Bytes, or words, below which a piece is not worth its handing over."""

_WORD = 8


class Limit(Protocol):
    """The limits of a device."""

    def own(self, array: Array) -> Any:
        """Return an array on the device."""
        ...

    def copy(self, source: Any, target: Any) -> None:
        """Copy all bytes."""
        ...

    def read(self, source: Any) -> None:
        """Read all bytes."""
        ...

    def settle(self) -> None:
        """Wait for the device."""
        ...


class HostLimit:
    """Threads over pieces of memory; numpy lets go of the interpreter's lock."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads)

    def own(self, array: Array) -> Array:
        """Return the array."""
        return array

    def copy(self, source: Array, target: Array) -> None:
        """Copy all bytes."""
        one, other = raw(source), raw(target)
        self._share(len(one), lambda part: np.copyto(other[part], one[part]))

    def read(self, source: Array) -> None:
        """Add up all words: the processor does that faster than memory delivers."""
        words = whole_words(raw(source))
        self._share(len(words), lambda part: np.add.reduce(words[part]))

    def settle(self) -> None:
        """Wait for nothing."""

    def _share(self, length: int, work: Callable[[slice], Any]) -> None:
        count = max(self.threads, min(self.threads * _PIECES, length // _LEAST))
        list(self.pool.map(work, pieces(length, count)))


class CudaLimit:
    """torch's own copies and sums."""

    def __init__(self) -> None:
        import torch  # noqa: PLC0415 - only where there is CUDA

        self.torch: Any = torch

    def own(self, array: Array) -> Any:
        """Return a tensor on the device."""
        return self.torch.from_numpy(array).to("cuda")

    def copy(self, source: Any, target: Any) -> None:
        """Copy all bytes."""
        target.copy_(source)

    def read(self, source: Any) -> None:
        """Add up all words."""
        whole_words(source.view(-1).view(self.torch.uint8), self.torch.int64).sum()

    def settle(self) -> None:
        """Wait for CUDA."""
        self.torch.cuda.synchronize()


def limit(device: str, threads: int) -> Limit:
    """Return the limits of a device."""
    return CudaLimit() if device == "cuda" else HostLimit(threads)


def bound(
    limit: Limit, verb: str, tiles: Any, image: Any, out: Any
) -> Callable[[], None]:
    """Return the call that nobody beats by much: ``tile``'s or ``untile``'s."""
    if verb == "tile":
        return partial(limit.copy, tiles, out)

    def untile() -> None:
        limit.read(tiles)
        limit.copy(image, out)

    return untile


def pieces(length: int, count: int) -> list[slice]:
    """Cut a length into at most ``count`` pieces of one size; the last may be less."""
    size = max(1, -(-length // count))
    return [slice(low, min(low + size, length)) for low in range(0, length, size)]


def raw(array: Array) -> Array:
    """View an array's bytes."""
    return array.reshape(-1).view(np.uint8)


def whole_words(data: Any, kind: Any = np.int64) -> Any:
    """View bytes as words, without the last few that make none."""
    return data[: len(data) // _WORD * _WORD].view(kind)
