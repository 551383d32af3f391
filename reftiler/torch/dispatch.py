"""Which body does the work: numba's on the CPU, Triton's on CUDA, torch's anywhere.

The kernels are optional modules, `kernel_cpu` and `kernel_cuda`. Each has

    supports(call, source_dtype, target_dtype) -> bool
    merge(tiles, call, out) -> None

and may have ``supports_cut(call, dtype)`` and ``cut(image, call, out)``. What a kernel
does not take falls to the plain body: slower, never different.
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
    "cpu": ("reftiler.torch.kernel_cpu", "numba"),
    "cuda": ("reftiler.torch.kernel_cuda", "triton"),
}
"""For each type of device a module and the compiler that it needs."""

_failed: set[str] = set()


@cache
def _load(device_type: str) -> Any:
    """Return the kernels for a type of device, or None."""
    module, compiler = KERNELS.get(device_type, (None, None))
    if module is None:
        return None
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name in (module, compiler):
            return None  # not installed: nothing to tell
        _give_up(device_type, error)
    except Exception as error:  # noqa: BLE001 - a compiler may fail in any way
        _give_up(device_type, error)
    return None


def _kernel(tensor: Tensor) -> Any:
    kind = tensor.device.type
    return None if kind in _failed else _load(kind)


def _give_up(device_type: str, error: Exception) -> None:
    """Use no kernels on a type of device from now on, and say so once."""
    _failed.add(device_type)
    compiler = KERNELS[device_type][1]
    warnings.warn(
        f"the {compiler} kernels failed and are not used any more: {error!r}; plain "
        "torch operations give the same results, more slowly",
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
        installed and work; else ``torch``. All three give the same bits. Calls that
        a kernel does not take are served by plain torch operations all the same.

    Examples
    --------
    >>> import torch
    >>> from reftiler.torch import backend_of
    >>> backend_of(torch.zeros(4)) in ("numba", "torch")
    True
    >>> backend_of(torch.zeros(4, device="meta"))
    'torch'
    """
    kind = tensor.device.type
    return "torch" if _kernel(tensor) is None else KERNELS[kind][1]


def cut(image: Tensor, call: TilePlan, out: Tensor) -> None:
    """Cut an image into ``out``."""
    kernel = _kernel(image)
    taken = hasattr(kernel, "cut") and kernel.supports_cut(call, image.dtype)
    if not (taken and _run(kernel.cut, image, call, out)):
        plain_cut.cut(image, call, out)


def merge(tiles: Tensor, call: UntilePlan, out: Tensor) -> None:
    """Merge ``tiles`` into ``out``."""
    kernel = _kernel(tiles)
    taken = kernel is not None and kernel.supports(call, tiles.dtype, out.dtype)
    if not (taken and _run(kernel.merge, tiles, call, out)):
        plain_merge.merge(tiles, call, out)


def _run(body: Callable[..., None], source: Tensor, call: Any, out: Tensor) -> bool:
    """Run a kernel; tell whether it worked."""
    try:
        body(source, call, out)
    except (TilingError, MemoryError, cuda.OutOfMemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - a compiler may fail in any way
        _give_up(source.device.type, error)
        return False
    return True
