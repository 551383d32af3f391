"""The merged image and what is wrong with it, when a model has looked at the tiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reftiler import Axis, Grid, TilingError
from reftiler.applying import cut_tile
from reftiler.base import BaseTiler
from reftiler.calls import UntileCall, resolve_untile
from reftiler.merging import merge as merge_tiles
from reftiler.placement import Placement
from reftiler_gui.model.work import Work

__all__ = ["LIMIT", "MODELS", "Merged", "Model", "merge"]

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float32]
Model: TypeAlias = Callable[[Array, int, float], Array]
"""Takes a tile ``(h, w)`` or ``(h, w, C)``, its number and the height of a noticeable
change; returns a tile."""

LIMIT = 2**28
"""Numbers of an image up to which it is merged: the result is kept in memory."""

_BATCH = 2**24  # numbers of tiles that are kept at a time, about


def _same(tile: Array, number: int, height: float) -> Array:  # noqa: ARG001
    return tile


def _offset(tile: Array, number: int, height: float) -> Array:
    """Make each tile a little brighter or darker: seams appear where they meet."""
    (draw,) = np.random.Philox(key=number).random_raw(1).tolist()
    return tile.astype(np.float32) + np.float32((draw / 2**63 - 1) * height)


def _rim(tile: Array, number: int, height: float) -> Array:  # noqa: ARG001
    """Err near the tile's rim, as a model does that pads its input with zeros."""
    lines = [_near_rim(side) for side in tile.shape[:2]]
    wrong = np.maximum(lines[0][:, np.newaxis], lines[1])
    wrong = wrong[..., np.newaxis] if tile.ndim == 3 else wrong
    return tile.astype(np.float32) - wrong * np.float32(height)


def _noise(tile: Array, number: int, height: float) -> Array:
    """Add noise, another in each tile: overlaps average it away."""
    draw = np.random.Generator(np.random.Philox(key=number))
    noise = draw.standard_normal(tile.shape, dtype=np.float32)
    return tile.astype(np.float32) + noise * np.float32(height / 2)


def _near_rim(side: int) -> Floats:
    far = np.minimum(np.arange(side), np.arange(side)[::-1])
    return (1 - far / max(1, side / 8)).clip(0).astype(np.float32)


MODELS: dict[str, Model] = {
    "none": _same,
    "offset": _offset,
    "rim": _rim,
    "noise": _noise,
}
"""Stand-ins for a model, by name: they err in ways that windows and borders mend."""


@dataclass(frozen=True, eq=False)
class Merged:
    """
    A merged image beside the original.

    Attributes
    ----------
    image : ndarray
        As the original is shaped; of its dtype without a model, else float32.
    difference : ndarray of float32, shape (H, W)
        Merged minus original, of the channel where it is largest; 0 where no tile is.
    worst : pair of int, or None
        The pixel where it is largest; None if there is no difference.
    uncovered : int
        Pixels in which no tile takes part; they are the tiler's fill, or 0.
    """

    image: Array
    difference: Floats
    worst: tuple[int, int] | None
    uncovered: int

    @property
    def largest(self) -> float:
        """The size of the largest difference."""
        return abs(float(self.difference[self.worst])) if self.worst else 0.0


def merge(image: Array, grid: Grid, model: str = "none", height: float = 0.0) -> Work[Merged]:
    """
    Cut an image, let a model at its tiles, merge them and compare.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, C)
        Of real numbers, LIMIT of them at the most. Bools count as 0 and 255.
    grid : Grid
        The tiles.
    model : str
        One of `MODELS`.
    height : float
        By how much the model errs, in the image's units.

    Raises
    ------
    TilingError
        If the image is too large, or reftiler refuses to merge it.
    """
    if image.size > LIMIT:
        raise TilingError(
            f"merging keeps the result in memory, and {image.size:,} numbers are more "
            f"than {LIMIT:,}: open a part of the image"
        )
    if image.dtype == bool:
        image = image.view(np.uint8) * np.uint8(255)
    image = image.astype(image.dtype.newbyteorder("="), copy=False)
    uncovered = grid.uncovered
    grid = _prepared(grid, uncovered)
    stand_in = MODELS[model]
    out = np.empty(image.shape, image.dtype if model == "none" else np.float32)
    difference = np.zeros(image.shape[:2], np.float32)
    for low, high in _bands(grid, math.prod(image.shape[2:])):
        band = Band.of(grid, low, high)
        tiles = [stand_in(cut_tile(image, grid, k), k, height) for k in band.tiles]
        if tiles:
            merge_tiles(np.stack(tiles), band.call(out), out[low:high])
        else:
            out[low:high] = grid.tiler.fill
        difference[low:high] = _difference(out[low:high], image[low:high])
        if uncovered:
            difference[low:high][grid.placement.count(((low, high), (0, image.shape[1]))) == 0] = 0
        yield high / image.shape[0]
    return Merged(out, difference, _worst(difference), uncovered)
