"""Tensors seen as planes: (batch, channels, *space), whatever their layout."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from reftiler.layout import ArrayLayout
from reftiler.torch.rounding import SIGNED


def planes(tensor: Tensor, layout: ArrayLayout) -> Tensor:
    """View a tensor of ``layout`` as (batch, channels, *space)."""
    if layout.batch is None:
        tensor = tensor.unsqueeze(0)
    if layout.channels is None:
        return tensor.unsqueeze(1)
    return tensor.movedim(-1, 1) if layout.channels_last else tensor


def grouped(tiles: Tensor, layout: ArrayLayout, images: int) -> Tensor:
    """View tiles of ``layout`` as (images, K, channels, *T)."""
    flat = planes(tiles, layout)
    return flat.view(images, -1, *flat.shape[1:])


def at(tensor: Tensor, index: Sequence[Any]) -> Tensor:
    """Index the spatial axes, which are a tensor's last."""
    signed = SIGNED.get(tensor.dtype)
    if signed is None:
        return tensor[(..., *index)]
    # Older versions of torch gather no long unsigned integers; bits are bits.
    return tensor.view(signed)[(..., *index)].view(tensor.dtype)


def laid_out(result: Tensor, layout: ArrayLayout) -> Tensor:
    """Return planes (batch, channels, *space) as a contiguous tensor of ``layout``."""
    if layout.channels is None:
        result = result.squeeze(1)
    elif layout.channels_last:
        result = result.movedim(1, -1)
    return (result if layout.batch is not None else result.squeeze(0)).contiguous()
