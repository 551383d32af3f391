"""Arrays as tensors and back, bit by bit, and both bodies of each torch verb."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import reftiler.torch.tiler as twin
from reftiler.torch import Tiler
from reftiler_conformance.oracle import BFLOAT16

Array = npt.NDArray[Any]

BODIES = ("eager", "functional")

# As with hypothesis' examples: a few by day, all that are slow by night.
NIGHT = os.environ.get("HYPOTHESIS_PROFILE") == "night"


def tensor(array: Array) -> Tensor:
    """Return a new tensor that has an array's bits."""
    if array.dtype == BFLOAT16:
        return torch.from_numpy(array["bfloat16"].copy()).view(torch.bfloat16)
    return torch.from_numpy(array.copy())


def array(tensor: object) -> Array:
    """Return an array that has a tensor's bits, wherever the tensor is."""
    assert type(tensor) is Tensor, f"type is {type(tensor)}, should be Tensor"
    host = tensor.detach().cpu()
    if host.dtype == torch.bfloat16:
        return host.contiguous().view(torch.uint16).numpy().view(BFLOAT16)
    found: Array = host.numpy()
    return found


def dtype_of(name: str) -> torch.dtype:
    """Return the torch dtype of a name."""
    found = getattr(torch, name)
    assert isinstance(found, torch.dtype)
    return found


def upper_half(array: Array) -> Array:
    """Return bfloat16 numbers: the upper half of the bits of float32 numbers."""
    assert array.dtype == np.float32
    bits = np.ascontiguousarray(array).view(np.uint32) >> 16
    return bits.astype("<u2").view(BFLOAT16)


def some(cases: Sequence[Any], count: int) -> Sequence[Any]:
    """Return the first of some slow cases; all of them by night."""
    return cases if NIGHT else cases[:count]


def in_body(body: str, call: Callable[[], Any]) -> Any:
    """Make a call of the verbs take one of their bodies, whatever the tensors."""
    with patch.object(twin, "is_in_graph", lambda: body == "functional"):
        return call()


def tilers(case: Any) -> tuple[Any, Any]:
    """Return the reference's tiler and torch's of the same settings."""
    from reftiler import Tiler as Reference  # noqa: PLC0415 - one name for each

    return case.tiler(Reference), case.tiler(Tiler)
