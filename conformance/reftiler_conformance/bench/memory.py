"""Peak memory of a call, its result counted, its input not.

On the host it is what Linux knows: the highest resident size of the process since its
mark was reset, less the size just before. That sees memory whatever library takes it,
and misses no peak. What the allocator kept from earlier is given back first, where that
is glibc; a few MiB may escape it. On other systems nothing is measured. On CUDA torch's
allocator is asked.
"""

import ctypes
import gc
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


class HostMeter:
    """Reads the kernel's mark of the highest resident size."""

    def start(self) -> None:
        """Reset the mark."""
        self.before: int | None = None
        gc.collect()  # garbage that went away during the call would hide its peak
        with suppress(AttributeError, OSError, TypeError):  # only glibc has it
            ctypes.CDLL(None).malloc_trim(0)
        with suppress(OSError):  # no such mark here, or it may not be reset
            _RESET.write_text("5", "ascii")  # the code that resets this mark alone
            self.before = _kib(_STATUS, "VmRSS")

    def read(self) -> int | None:
        """Return how far the mark rose."""
        if self.before is None:
            return None
        return max(0, (_kib(_STATUS, "VmHWM") or 0) - self.before)


class CudaMeter:
    """Asks torch's allocator."""

    def __init__(self) -> None:
        import torch  # noqa: PLC0415 - only where there is CUDA

        self.cuda: Any = torch.cuda

    def start(self) -> None:
        """Reset the allocator's peak."""
        self.cuda.reset_peak_memory_stats()
        self.before = self.cuda.memory_allocated()

    def read(self) -> int | None:
        """Return how far it rose."""
        return int(self.cuda.max_memory_allocated() - self.before)


def memory_meter(device: str) -> HostMeter | CudaMeter:
    """Return what measures memory on a device."""
    return CudaMeter() if device == "cuda" else HostMeter()


def available_memory() -> int | None:
    """Return the bytes that are free for this process, where the system tells."""
    return _kib(Path("/proc/meminfo"), "MemAvailable")


def _kib(path: Path, key: str) -> int | None:
    """Return a size that Linux tells, in bytes."""
    with suppress(OSError):
        found = re.search(rf"{key}:\s+(\d+) kB", path.read_text("utf-8"))
        return None if found is None else int(found[1]) * 1024
    return None
