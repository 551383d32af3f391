"""Arrays as tensors and back, bit by bit, and both bodies of each torch verb."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import reftiler.torch.tiler as twin
from reftiler.plan import plan_tile
from reftiler.torch import Tiler
from reftiler.torch.dtypes import dtype_name
from reftiler.torch.plans import new_untile_plan
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
    found = getattr(torch, name)
    assert isinstance(found, torch.dtype)
    return found


def noise(*shape: int) -> Tensor:
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)))
    numbers.flatten()[::37] = -0.0
    numbers.flatten()[5::1000] = torch.nan
    numbers.flatten()[7::1000] = torch.inf
    return numbers


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


def merge_by(
    kernel: Any,
    tiler: Any,
    tiles: Tensor,
    shape: Any,
    grid: Any = None,
    dtype: torch.dtype | None = None,
    scale: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    dtype = dtype or tiles.dtype
    asked = (shape, tiler, grid, scale, dtype)
    call = new_untile_plan(tiles.shape, tiles.dtype, *asked)
    if out is None:
        out = torch.empty(call.result.shape, dtype=dtype, device=tiles.device)
    assert kernel.supports(call, tiles.dtype, dtype)
    with np.errstate(all="ignore"):  # Triton's interpreter's, not what it computes
        kernel.merge(tiles, call, out)
    return out


def cut_by(kernel: Any, tiler: Any, image: Tensor, grid: Any = None) -> Tensor:
    call = plan_tile(tiler, image.shape, dtype_name(image.dtype), grid)
    out = torch.empty(call.tiles.shape, dtype=image.dtype, device=image.device)
    assert kernel.supports_cut(call, image.dtype)
    kernel.cut(image, call, out)
    return out


class _ByKernel:
    def __init__(self, kernel: Any, tile: Any, **settings: Any) -> None:
        self.tiler = Tiler(tile, **settings)
        self.tile = partial(cut_by, kernel, self.tiler)
        self.untile = partial(merge_by, kernel, self.tiler)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tiler, name)


def by_kernel(kernel: Any) -> Backend:
    """Return the backend whose cuts and merges are those of a module's kernels."""
    return replace(TORCH, tiler=partial(_ByKernel, kernel), takes_out=False)


def on(backend: Backend, device: str) -> Backend:
    """Return a backend whose tensors lie on a device, and stay there."""

    def back(given: Any) -> Array:
        assert given.device.type == device
        return backend.back(given)

    return replace(backend, to=lambda given: backend.to(given).to(device), back=back)
