"""Arrays as tensors and back, bit by bit, and both bodies of each torch verb."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy.typing as npt
import torch
from torch import Tensor

import reftiler.torch.tiler as twin
from reftiler.torch import Tiler
from reftiler_conformance.oracle import BFLOAT16
from tests.backends import Backend

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


def _reversed_axes(given: Tensor) -> Tensor:
    axes = range(given.dim() - 1, -1, -1)
    return given.permute(*axes).contiguous().permute(*axes)


def _sparse(given: Tensor) -> Tensor:
    """Return every second pixel of a larger tensor, off its start."""
    shape = (given.shape[0] + 1, *given.shape[1:], 2)
    room = torch.ones(shape, dtype=torch.uint8).to(given)
    room[1:, ..., 1] = given
    return room[1:, ..., 1]


def _learned(given: Tensor) -> Tensor:
    return given.requires_grad_() if given.is_floating_point() else given


TORCH = Backend(
    tiler=Tiler,
    to=tensor,
    back=lambda given: array(given).copy(),
    dtype=dtype_of,
    is_plain=lambda given: given.is_contiguous(),
    layouts={
        "plain": lambda given: given,
        "reversed": _reversed_axes,
        "sparse": _sparse,
    },
)
LEARNED = replace(
    TORCH, layouts={**TORCH.layouts, "learned": _learned}, takes_out=False
)
BACKENDS = {
    "eager": TORCH,
    "learned": LEARNED,
    "functional": replace(
        LEARNED,
        call=partial(in_body, "functional"),
        takes_out=False,
        takes_weights=False,
    ),
}
"""The bodies of torch's verbs; a small call reaches no kernel."""


def on(backend: Backend, device: str) -> Backend:
    """Return a backend whose tensors lie on a device, and stay there."""

    def back(given: Any) -> Array:
        assert given.device.type == device
        return backend.back(given)

    return replace(backend, to=lambda given: backend.to(given).to(device), back=back)
