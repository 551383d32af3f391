"""One tile of an image, without cutting the others."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reftiler.applying import cut_batch
from reftiler.calls import resolve_tile
from reftiler.grid import Grid

__all__ = ["cut_tile"]


def cut_tile(image: NDArray[Any], grid: Grid, k: int) -> NDArray[Any]:
    """Return tile ``k`` of an image, as ``grid.tiler.tile(image, grid=grid)[k]`` is."""
    call = resolve_tile(grid.tiler, image.shape, image.dtype.name, grid)
    return np.asarray(cut_batch(image, call, range(k, k + 1))[0])
