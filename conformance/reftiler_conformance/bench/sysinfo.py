"""What it ran on: the machine, the threads, and which body of reftiler.torch."""

import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reftiler_conformance.bench.timing import linux_bytes


def describe(threads: int, device: str, busy: int) -> dict[str, Any]:
    """Return what there is to say of this machine and moment."""
    cpu = platform.processor() or platform.machine()
    with suppress(OSError):
        told = Path("/proc/cpuinfo").read_text("utf-8")
        if named := re.search(r"model name\s*:\s*(.+)", told):
            cpu = named[1].strip()
    if device == "cuda":
        device = sys.modules["torch"].cuda.get_device_name()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": threads,
        "busy": busy,
        "memory_bytes": linux_bytes("meminfo", "MemTotal"),
        "device": device,
        "os": platform.platform(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_cuda() -> bool:
    """Tell whether torch finds a CUDA device."""
    try:
        import torch  # noqa: PLC0415 - only where it is asked
    except ImportError:
        return False
    return torch.cuda.is_available()


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Let every library that counts threads, and is loaded, use as many."""
    torch, cv2 = sys.modules.get("torch"), sys.modules.get("cv2")
    before = torch.get_num_threads() if torch else 0, cv2.getNumThreads() if cv2 else 0

    def share(for_torch: int, for_cv2: int) -> None:
        if torch:
            torch.set_num_threads(for_torch)
        if cv2:
            cv2.setNumThreads(for_cv2)

    share(count, count)
    try:
        yield
    finally:
        share(*before)


def torch_backend(array: Any) -> str:
    """Return which body of reftiler.torch merges a tensor, where it tells."""
    backend_of = getattr(sys.modules.get("reftiler.torch"), "backend_of", None)
    torch = sys.modules.get("torch")
    if backend_of is None or torch is None or not isinstance(array, torch.Tensor):
        return ""
    return str(backend_of(array))
