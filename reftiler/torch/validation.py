"""Validation at the API boundary that only tensors need, and memory for results."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import forward_ad

from reftiler.cut import overlaps_itself, shares_memory
from reftiler.errors import TilingError
from reftiler.torch.dtypes import dtype_name

CACHE_LINE = 64
"""Bytes to which memory is aligned."""


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
            "out does not go with gradients, torch.func or a compiled graph: leave it "
            "away, or use torch.no_grad()"
        )


def check_out(
    out: Tensor, shape: tuple[int, ...], dtype: torch.dtype, source: Tensor
) -> Tensor:
    """Return ``out`` if it can take the result (OUT-002)."""
    recorded = torch.is_grad_enabled() and source.requires_grad
    if recorded or forward_ad.unpack_dual(source).tangent is not None:
        check_no_out(out)
    if not isinstance(out, Tensor):
        raise TypeError(f"out must be a torch tensor, got {type(out).__name__}")
    if tuple(out.shape) != shape or out.dtype != dtype:
        raise TilingError(
            f"out is {dtype_name(out.dtype)} {tuple(out.shape)}, the result "
            f"{dtype_name(dtype)} {shape}: give a buffer of that dtype and shape"
        )
    if out.device != source.device:
        raise TilingError(
            f"out is on {out.device}, the input on {source.device}: make out there"
        )
    check_tensor(out, "out")
    if torch.is_grad_enabled() and out.requires_grad:
        check_no_out(out)
    if overlaps_itself(shape, out.stride(), 1):
        raise TilingError("pixels of out share memory: give a buffer of its own")
    if out.is_meta:
        return out
    try:
        memory = memory_of(out), memory_of(source)
    except RuntimeError:  # a tensor of torch.func or a fake one: it has no address
        check_no_out(out)
    if shares_memory(*memory):
        raise TilingError("out shares memory with the input: give a buffer of its own")
    return out


def empty_aligned(
    shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return a new tensor, on the CPU at the beginning of a cache line."""
    if device.type != "cpu":
        return torch.empty(shape, dtype=dtype, device=device)
    memory = aligned_bytes(math.prod(shape) * dtype.itemsize)
    return torch.from_numpy(memory).view(dtype).view(shape)


def aligned_bytes(size: int) -> NDArray[np.uint8]:
    """Return new memory: a vector across two cache lines takes as long as two.

    numpy asks the system for huge pages: the first touch of small ones costs more than
    all that is done to the pixels. But it aligns them to 16 bytes only.
    """
    memory = np.empty(size + CACHE_LINE, dtype=np.uint8)
    ahead = -memory.ctypes.data % CACHE_LINE
    return memory[ahead : ahead + size]


def memory_of(tensor: Tensor) -> NDArray[Any]:
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
