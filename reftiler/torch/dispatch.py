"""Which body does the work: numba's on the CPU, Triton's on CUDA, torch's anywhere.

The kernels stand in `kernel_cpu` and `kernel_cuda`, which are imported, and with them
their compilers, when they are first needed. Each has

    supports(plan, source_dtype, target_dtype) -> bool
    merge(tiles, plan, out) -> None

What a kernel does not take falls to the plain body: slower, never different.
"""

import warnings
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from torch import Tensor, cuda

from reftiler.errors import TilingError
from reftiler.plan import TilePlan, UntilePlan
from reftiler.torch import cut as plain_cut
from reftiler.torch import merge as plain_merge

KERNELS = {
    "cpu": ("numba", "reftiler.torch.kernel_cpu"),
    "cuda": ("triton", "reftiler.torch.kernel_cuda"),
}
"""For each type of device a compiler, and the module that it compiles."""

CUT_DEVICES = ("cuda",)
"""Types of devices whose kernels cut too, by ``supports_cut(plan, dtype)`` and
``cut(image, plan, out)``; elsewhere torch's own copy is as fast."""

MIN_VALUES = 2**16
"""Values of tiles from which on a kernel is used. Each kind of merge is compiled once,
in a second or two, which smaller calls would not earn back."""

_failed: set[str] = set()
"""Types of devices whose kernels are not used any more."""


@cache
def _load(kind: str) -> Any:
    return import_module(KERNELS[kind][1])


def _kernels(tensor: Tensor) -> Any:
    """Return the kernels for a tensor's device, or None."""
    kind = tensor.device.type
    if kind not in KERNELS or kind in _failed:
        return None
    try:
        return _load(kind)
    except Exception as error:  # noqa: BLE001 - missing, too old, at odds with numpy
        _give_up(kind, error)
        return None


def _give_up(kind: str, error: Exception) -> None:
    """Use no kernels on a type of device from now on, and say so once."""
    _failed.add(kind)
    compiler = KERNELS[kind][0]
    warnings.warn(
        f"the kernels for {kind} need {compiler} and are not used: {error!r}; torch "
        f"gives the same results, more slowly; pip install -U {compiler}",
        RuntimeWarning,
        stacklevel=2,
    )


def backend_of(tensor: Tensor) -> str:
    """Return the name of the body that serves a tensor's device.

    Parameters
    ----------
    tensor : Tensor
        On any device.

    Returns
    -------
    {'numba', 'triton', 'torch'}
        ``numba`` for the CPU and ``triton`` for CUDA, where these compilers are
        installed and work; else ``torch``. All three give the same bits. Small calls,
        and those that a kernel does not take, such as ``weights=`` of ``untile``, are
        served by plain torch operations.

    Examples
    --------
    >>> import torch
    >>> from reftiler.torch import backend_of
    >>> backend_of(torch.zeros(4)) in ("numba", "torch")
    True
    >>> backend_of(torch.zeros(4, device="meta"))
    'torch'
    """
    return "torch" if _kernels(tensor) is None else KERNELS[tensor.device.type][0]


def cut(image: Tensor, plan: TilePlan, out: Tensor) -> None:
    """Cut an image into ``out``."""
    kernels = _kernels(image) if image.device.type in CUT_DEVICES else None
    taken = kernels is not None and kernels.supports_cut(plan, image.dtype)
    if not (taken and _run(kernels.cut, image, plan, out)):  # type: ignore[union-attr]
        plain_cut.cut(image, plan, out)


def merge(
    tiles: Tensor, plan: UntilePlan, out: Tensor, weights: Tensor | None = None
) -> None:
    """Merge ``tiles`` into ``out``; no kernel takes weights."""
    if weights is not None:
        plain_merge.merge(tiles, plan, out, weights)
        return
    large = tiles.numel() >= MIN_VALUES or tiles.device.type == "cuda"
    kernels = _kernels(tiles) if large else None
    taken = kernels is not None and kernels.supports(plan, tiles.dtype, out.dtype)
    if not (taken and _run(kernels.merge, tiles, plan, out)):  # type: ignore[union-attr]
        plain_merge.merge(tiles, plan, out)


def _run(body: Callable[..., None], source: Tensor, plan: Any, out: Tensor) -> bool:
    """Run a kernel; tell whether it did the work."""
    if out.is_neg() or out.is_conj():  # a kernel writes memory as it is
        return False
    try:
        body(source, plan, out)
    except (TilingError, MemoryError, cuda.OutOfMemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - a compiler may fail in any way
        _give_up(source.device.type, error)
        return False
    return True
