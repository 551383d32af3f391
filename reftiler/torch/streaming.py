"""Tensors, as `reftiler.streaming` merges them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reftiler.cut import overlaps_itself
from reftiler.errors import TilingError
from reftiler.geometry import Box, TileLookup
from reftiler.layout import ArrayLayout
from reftiler.plan import UntilePlan
from reftiler.streaming import stores
from reftiler.streaming.arrays import ArrayLibrary, OutputTarget
from reftiler.torch import merge
from reftiler.torch.dtypes import KNOWN, dtype_name
from reftiler.torch.layout import as_nchw
from reftiler.torch.numpy_bridge import numpy_dtype
from reftiler.torch.pixel_weights import check_no_gradient, check_weights
from reftiler.torch.validation import check_no_out, check_tensor, memory_of


class TensorArrays(ArrayLibrary):
    """Tensors: what a `reftiler.streaming.Merger` does with them.

    Tiles wait and are merged on ``device``, by default that of the first one.
    """

    array_type = Tensor
    mergeable = KNOWN

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device

    def dtype(self, value: Any) -> torch.dtype:
        if isinstance(value, torch.dtype):
            return value
        known = getattr(torch, np.dtype(value).name, None)
        if not isinstance(known, torch.dtype):
            raise TilingError(f"torch has no dtype {value}: convert the tiles")
        return known

    def as_array(self, tiles: Any, name: str = "tiles") -> Tensor:
        check_tensor(tiles, name)
        if self.device is None:
            self.device = tiles.device
        on_device: Tensor = tiles.detach().to(self.device)
        return on_device

    def as_weights(self, weights: Any) -> Tensor:
        """Return weights on that device, or refuse those that need a gradient."""
        found = self.as_array(weights, "weights")
        check_no_gradient(weights)
        return found

    def check_plain(self, array: Any, name: str) -> None:
        check_tensor(array, name)

    def check_weights(self, weights: Tensor, indices: Sequence[int]) -> None:
        check_weights(weights, indices)

    def new(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        with torch.inference_mode(mode=False):  # it may be written in any mode
            return torch.empty(shape, dtype=dtype, device=self.device)

    def zeros(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return torch.zeros(shape, dtype=dtype, device=self.device)

    def to_tiles(self, array: Any, tiles: Tensor) -> Tensor:
        return torch.from_numpy(array).to(tiles.device)

    def copy(self, target: Tensor, source: Tensor) -> None:
        target.copy_(source)

    def as_nchw(self, array: Tensor, layout: ArrayLayout) -> Tensor:
        return as_nchw(array, layout)

    def merge_block(
        self,
        tiles: TileLookup,
        call: UntilePlan,
        box: Box,
        out: Tensor,
        weights: TileLookup | None,
    ) -> None:
        with torch.no_grad():
            merge.merge_block(tiles, call, box, out, weights)

    def check_writable(self, out: Any) -> Any:
        if not isinstance(out, Tensor):
            return stores.check_writable(out)
        check_tensor(out, "out")
        if torch.is_grad_enabled() and out.requires_grad:
            check_no_out(out)
        if out.device.type != "cpu" and self.device not in (None, out.device):
            raise TilingError(
                f"out is on {out.device}, and tiles are merged on {self.device}: make "
                "it there, or on the host"
            )
        if overlaps_itself(out.shape, out.stride(), 1):
            raise TilingError("pixels of out share memory: give a buffer of its own")
        return out

    def make_output(
        self, out: OutputTarget | Tensor, shape: tuple[int, ...], dtype: torch.dtype
    ) -> Any:
        if out is None:
            return torch.empty(shape, dtype=dtype, device=self.device)
        if not isinstance(out, Tensor):
            stored = numpy_dtype(dtype)
            made = out(shape, stored) if callable(out) else out
            if not isinstance(made, Tensor):
                return stores.check_target(made, shape, stored)
            out = made
        if tuple(out.shape) != shape or out.dtype != dtype:
            raise TilingError(
                f"out is {dtype_name(out.dtype)} {tuple(out.shape)}, the result "
                f"{dtype_name(dtype)} {shape}: make a tensor of this shape and dtype"
            )
        return self.check_writable(out)

    def in_memory(self, out: Any) -> bool:
        return isinstance(out, Tensor) and self.device in (None, out.device)

    def write(self, out: Any, index: tuple[slice, ...], block: Tensor) -> None:
        if isinstance(out, Tensor):
            out[index].copy_(block)
        else:
            out[index] = block.cpu().numpy()

    def may_alias(self, one: Any, other: Any) -> bool:
        places = (
            memory_of(each) if isinstance(each, Tensor) and not each.is_meta else each
            for each in (one, other)
        )
        return stores.may_alias(*places)

    def to_bytes(self, array: Any) -> Any:
        if not isinstance(array, Tensor):
            return super().to_bytes(array)
        flat = array.detach().cpu().contiguous().reshape(-1)
        return flat.view(torch.uint8).numpy()

    def from_bytes(
        self, data: Any, shape: tuple[int, ...], dtype: torch.dtype
    ) -> Tensor:
        flat = torch.from_numpy(np.asarray(data)).view(dtype)
        return flat.view(shape).to(self.device or "cpu")
