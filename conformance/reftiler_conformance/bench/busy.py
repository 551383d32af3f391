"""Processes that keep cores busy, as other work on the same machine does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

# Each ends by itself when its parent is gone, even if that was killed.
_SPIN = """
import os, sys
while os.getppid() == int(sys.argv[1]):
    sum(range(100_000))
"""


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep as many processes busy until the block ends, in whatever way."""
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _SPIN, str(os.getpid())]
            )
            stack.callback(_end, process)
        yield


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
