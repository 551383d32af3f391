"""The limit: the same bytes moved in the plainest way, with all threads.

The limit of ``tile`` copies the tiles into a reused buffer. That of ``untile`` reads
every tile once and copies the image into a reused buffer. A tiler that reads an image
from the cache may come below the first: it reads less than all tiles.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from reftiler_conformance.bench.workloads import Array

_CHUNKS = 8  # chunks for each thread: one that is held up leaves its rest to the others
_MIN_CHUNK = 2**18  # bytes, or words, below which a chunk is not worth its handing over


class HostBandwidth:
    """Threads over chunks of memory; numpy lets go of the interpreter's lock."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads)

    def to_device(self, array: Array) -> Array:
        """Return the array."""
        return array

    def copy(self, source: Array, target: Array) -> None:
        """Copy all bytes."""
        one, other = (array.reshape(-1).view(np.uint8) for array in (source, target))
        self._parallel(len(one), lambda part: np.copyto(other[part], one[part]))

    def read(self, source: Array) -> None:
        """Add up all words: the processor does that faster than memory delivers."""
        words = as_words(source.reshape(-1).view(np.uint8), np.int64)
        self._parallel(len(words), lambda part: np.add.reduce(words[part]))

    def synchronize(self) -> None:
        """Wait for nothing."""

    def _parallel(self, length: int, work: Callable[[slice], Any]) -> None:
        """Work on chunks of one size, of which the last may be less."""
        count = max(self.threads, min(self.threads * _CHUNKS, length // _MIN_CHUNK))
        size = max(1, -(-length // count))
        parts = (slice(n, min(n + size, length)) for n in range(0, length, size))
        list(self.pool.map(work, parts))


class CudaBandwidth:
    """torch's own copies and sums."""

    def __init__(self) -> None:
        import torch  # noqa: PLC0415 - only where there is CUDA

        self.torch: Any = torch

    def to_device(self, array: Array) -> Any:
        """Return a tensor on the device."""
        return self.torch.from_numpy(array).to("cuda")

    def copy(self, source: Any, target: Any) -> None:
        """Copy all bytes."""
        target.copy_(source)

    def read(self, source: Any) -> None:
        """Add up all words."""
        as_words(source.view(-1).view(self.torch.uint8), self.torch.int64).sum()

    def synchronize(self) -> None:
        """Wait for CUDA."""
        self.torch.cuda.synchronize()


Bandwidth = HostBandwidth | CudaBandwidth


def as_words(data: Any, kind: Any) -> Any:
    """View bytes as words of eight, without the last few that make none."""
    return data[: len(data) // 8 * 8].view(kind)
