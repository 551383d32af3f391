"""Views of tensors as (batch, channels, *space), and indices of their pixels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reftiler.axis import Index
from reftiler.layout import ArrayLayout
from reftiler.torch.dtypes import SIGNED

Table = NDArray[Any]


def as_nchw(tensor: Tensor, layout: ArrayLayout) -> Tensor:
    """View a tensor of ``layout`` as (batch, channels, *space)."""
    if layout.batch is None:
        tensor = tensor.unsqueeze(0)
    if layout.channels is None:
        return tensor.unsqueeze(1)
    return tensor.movedim(-1, 1) if layout.channels_last else tensor


def by_image(tiles: Tensor, layout: ArrayLayout, images: int) -> Tensor:
    """View tiles of ``layout`` as (images, K, channels, *T)."""
    flat = as_nchw(tiles, layout)
    return unflatten(flat, 0, (images, -1))


def unflatten(tensor: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """View one dimension as several; torch's own method has no types."""
    parted: Tensor = tensor.unflatten(dim, tuple(sizes))
    return parted


def from_nchw(tensor: Tensor, layout: ArrayLayout) -> Tensor:
    """Return (batch, channels, *space) as a contiguous tensor of ``layout``."""
    if layout.channels is None:
        tensor = tensor.squeeze(1)
    elif layout.channels_last:
        tensor = tensor.movedim(1, -1)
    return (tensor if layout.batch is not None else tensor.squeeze(0)).contiguous()


def index_spatial(tensor: Tensor, index: Sequence[Any]) -> Tensor:
    """Index the spatial axes, which are a tensor's last."""
    place: Any = (..., *index)
    signed = SIGNED.get(tensor.dtype)
    if signed is None or all(isinstance(pixels, slice) for pixels in index):
        return tensor[place]
    # Older versions of torch gather no long unsigned integers; bits are bits.
    return tensor.view(signed)[place].view(tensor.dtype)


def along(table: Table, dims: Sequence[int], rank: int) -> Table:
    """Place the axes of ``table`` at ``dims`` of an index of ``rank`` dimensions."""
    shape = [1] * rank
    for size, dim in zip(table.shape, dims, strict=True):
        shape[dim] = size
    return table.reshape(shape)


def open_mesh(index: Sequence[Index], device: torch.device) -> list[Any]:
    """Return an index of a box of pixels: slices, or tensors that broadcast to it."""
    if all(isinstance(pixels, slice) for pixels in index):
        return list(index)
    tables = [np.arange(i.start, i.stop) if isinstance(i, slice) else i for i in index]
    rank = len(tables)
    return on_device(device, *(along(t, (a,), rank) for a, t in enumerate(tables)))


def on_device(
    device: torch.device, *tables: Table, dtype: torch.dtype | None = None
) -> list[Tensor]:
    """Copy tables to a device, converted on the way if it lacks their dtype."""
    return [torch.tensor(table, dtype=dtype, device=device) for table in tables]
