"""Checks at torch's own door: what kind of tensor comes in, where results go."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reftiler.errors import TilingError
from reftiler.torch.rounding import name

LINE = 64
"""Bytes of a cache line, to which memory is aligned."""


def check_tensor(value: Any, what: str) -> None:
    """Refuse what is no tensor of plain memory."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{what} must be a torch tensor, got {type(value).__name__}: convert it "
            "with torch.as_tensor"
        )
    if value.layout != torch.strided or value.is_quantized or value.is_nested:
        raise TilingError(
            f"{what} is sparse, quantised or nested ({value.layout}, {value.dtype}): "
            "convert it with to_dense(), dequantize() or to_padded_tensor()"
        )


def check_dtype(value: Any) -> torch.dtype:
    """Return ``value`` if it is a dtype of torch's."""
    if not isinstance(value, torch.dtype):
        raise TypeError(f"dtype must be a torch.dtype, got {value!r}")
    return value


def check_no_out(out: Tensor | None) -> None:
    """Refuse a buffer where gradients or a graph are recorded."""
    if out is not None:
        raise TilingError(
            "out does not go with gradients or a compiled graph: leave it away, or "
            "use torch.no_grad()"
        )


def output(
    out: Tensor | None, shape: tuple[int, ...], dtype: torch.dtype, source: Tensor
) -> Tensor:
    """Return ``out`` if it can take the result, or a new tensor.

    Raises
    ------
    TypeError
        If ``out`` is not a tensor.
    TilingError
        If its shape, dtype or device differs, gradients are recorded for it, or
        writing to a pixel of it would change another, or the input.
    """
    if out is None:
        return fresh(shape, dtype, source.device)
    if not isinstance(out, Tensor):
        raise TypeError(f"out must be a torch tensor, got {type(out).__name__}")
    if tuple(out.shape) != shape or out.dtype != dtype:
        raise TilingError(
            f"out is {name(out.dtype)} {tuple(out.shape)}, the result {name(dtype)} "
            f"{shape}: give a buffer of that dtype and shape"
        )
    if out.device != source.device:
        raise TilingError(
            f"out is on {out.device}, the input on {source.device}: make out there"
        )
    check_tensor(out, "out")
    if torch.is_grad_enabled() and out.requires_grad:
        check_no_out(out)
    if any(n > 1 and step == 0 for n, step in zip(shape, out.stride(), strict=True)):
        raise TilingError("pixels of out share memory: give a buffer of its own")
    if out.device.type != "meta" and _overlap(out, source):
        raise TilingError("out shares memory with the input: give a buffer of its own")
    return out


def fresh(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a new tensor.

    On the CPU numpy gives the memory, because it asks the system for huge pages:
    the first touch of small ones costs more than all that is done to the pixels.
    It aligns them to 16 bytes only; a vector that lies across two cache lines takes
    as long as two.
    """
    if device.type != "cpu":
        return torch.empty(shape, dtype=dtype, device=device)
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + LINE, dtype=np.uint8)
    ahead = -memory.ctypes.data % LINE
    return torch.from_numpy(memory[ahead : ahead + size]).view(dtype).view(shape)


def _overlap(one: Tensor, other: Tensor) -> bool:
    try:
        # numpy takes any number here; its stub knows two.
        return np.shares_memory(_place(one), _place(other), max_work=10_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True  # so tangled that nobody would give it on purpose


def _place(tensor: Tensor) -> NDArray[Any]:
    """Return an array at a tensor's address, on whatever device: never to be read."""
    step = tensor.itemsize
    return np.asarray(
        SimpleNamespace(
            __array_interface__={
                "version": 3,
                "typestr": f"|V{step}",
                "shape": tuple(tensor.shape),
                "strides": tuple(step * stride for stride in tensor.stride()),
                "data": (tensor.data_ptr(), False),
            }
        )
    )
