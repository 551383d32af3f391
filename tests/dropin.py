"""What the drop-in is compared with: numbers, and what the reference makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import reftiler

DTYPES = ("uint8", "int16", "int64", "float16", "bfloat16", "float32", "float64")
MODES = ("padding", "interpolation")
SIZES = [  # image, tile, stride
    ((8, 8), (4, 4), (4, 4)),
    ((8, 8), (4, 4), (2, 2)),
    ((9, 11), (4, 4), (2, 2)),
    ((10, 7), (4, 3), (3, 2)),
    ((13, 4), (5, 4), (1, 3)),
    ((4, 5), (4, 5), (2, 1)),
]


def numbered(*shape: int, dtype: str = "float32") -> Any:
    """Return a tensor in which every pixel has its own small number."""
    count = int(np.prod(shape))
    return torch.arange(count).reshape(shape).to(getattr(torch, dtype))


def plain(image: Any, tile: Any, stride: Any, mode: str = "padding") -> Any:
    return torch.from_numpy(reftiler.Tiler(tile, stride, mode=mode).tile(image.numpy()))


def merged(
    tiles: Any, shape: Any, tile: Any, stride: Any, mode: str = "padding", **kwargs: Any
) -> Any:
    tiler = reftiler.Tiler(tile, stride, mode=mode, **kwargs)
    return torch.from_numpy(tiler.untile(tiles.numpy(), shape))


def same(one: Any, other: Any) -> bool:
    """Tell whether tensors are alike in all but memory; NaN is NaN."""
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    return bool(np.array_equal(one.numpy(), other.numpy(), equal_nan=True))


def pooled(tiles: Any, factor: int) -> Any:
    """Return maps at 1 / factor of the resolution, each pixel a sum of its block."""
    blocks = tiles.unfold(2, factor, factor).unfold(3, factor, factor)
    return blocks.sum((-1, -2))
