"""The state of a process that a call must leave as it was (TILER-008)."""

from __future__ import annotations

import decimal
import gc
import locale
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

Read = Callable[[], Any]


def _numpy_random() -> str:
    kind, words, *rest = np.random.get_state(legacy=True)  # noqa: NPY002
    return f"{kind} {hash(np.asarray(words).tobytes())} {rest}"


STATE: dict[str, Read] = {
    "numpy's error handling (numpy.seterr)": np.geterr,
    "numpy's error callback (numpy.seterrcall)": np.geterrcall,
    "numpy's print options": np.get_printoptions,
    "numpy's random generator": _numpy_random,
    "Python's random generator": random.getstate,
    "the warning filters": lambda: list(warnings.filters),
    "how warnings are shown": lambda: warnings.showwarning,
    "the decimal context": lambda: repr(decimal.getcontext()),
    "the locale": lambda: locale.setlocale(locale.LC_ALL),
    "the environment": lambda: dict(os.environ),
    "the working directory": os.getcwd,
    "sys.path": lambda: list(sys.path),
    "the recursion limit": sys.getrecursionlimit,
    "the switch interval of threads": sys.getswitchinterval,
    "the trace function": sys.gettrace,
    "the garbage collector": lambda: (gc.isenabled(), gc.get_threshold()),
    "the level of logging": lambda: (logging.root.level, logging.root.manager.disable),
    "the standard streams": lambda: (id(sys.stdout), id(sys.stderr), id(sys.stdin)),
    "the handlers of signals": lambda: [
        signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)
    ],
    "the stack size of threads": threading.stack_size,
}
"""What is read, by the words in which a change of it is told."""


def _torch() -> Any:
    """Return torch, if it is loaded and whole."""
    found = sys.modules.get("torch")
    return found if hasattr(found, "get_num_threads") else None


def torch_state() -> dict[str, Any]:
    """Return torch's settings, if torch is loaded."""
    if (torch := _torch()) is None:
        return {}
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    return {
        "torch's default dtype": torch.get_default_dtype(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's number of threads between operations": torch.get_num_interop_threads(),
        "torch's deterministic algorithms": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        "whether torch records gradients": torch.is_grad_enabled(),
        "torch's inference mode": torch.is_inference_mode_enabled(),
        "torch's random generator": hash(torch.get_rng_state().numpy().tobytes()),
        "torch's precision of matrix products": torch.get_float32_matmul_precision(),
        "cuDNN's flags": (cudnn.enabled, cudnn.benchmark, cudnn.deterministic),
        "TF32": (cudnn.allow_tf32, matmul.allow_tf32),
        "torch's flushing of subnormal numbers": _flushes(torch),
    }


def _flushes(torch: Any) -> bool:
    """Say whether sums of subnormal numbers become 0, on the CPU."""
    small = torch.full((1,), 5e-324, dtype=torch.float64)
    return bool((small + small == 0).item())


def snapshot() -> dict[str, Any]:
    """Return the state of this process."""
    return {name: read() for name, read in STATE.items()} | torch_state()


def changes(before: dict[str, Any]) -> list[str]:
    """Return the names of what is no longer as it was."""
    now = snapshot()
    return [name for name, value in before.items() if now[name] != value]


@contextmanager
def unusual_state() -> Iterator[None]:
    """Set what can be set to other values than usual; afterwards restore it.

    Else a call that sets something to its usual value would not be found.
    """
    with (
        ExitStack() as restored,
        np.errstate(divide="ignore", over="warn", under="warn", invalid="ignore"),
        warnings.catch_warnings(),
        decimal.localcontext(prec=17),
    ):
        restored.callback(random.setstate, random.getstate())
        restored.callback(np.random.set_state, np.random.get_state())  # noqa: NPY002
        warnings.filterwarnings("ignore", message="no such message as this")
        np.random.random()  # noqa: NPY002
        random.random()
        if (torch := _torch()) is not None:
            threads, records = torch.get_num_threads(), torch.is_grad_enabled()
            restored.callback(torch.set_num_threads, threads)
            restored.callback(torch.set_grad_enabled, records)
            torch.set_num_threads(threads + 1)
            torch.set_grad_enabled(not records)
        yield


def watching() -> Iterator[list[str]]:
    """Make the state of this process unusual, and yield; then yield what changed."""
    with unusual_state():
        before = snapshot()
        yield []
        yield changes(before)
