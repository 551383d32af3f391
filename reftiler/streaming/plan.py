"""The plan of a merge: everything that is known before a tile comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from reftiler.grid import Grid
from reftiler.layout import ArrayLayout, image_layout
from reftiler.plan import UntilePlan, plan_untile
from reftiler.settings import TilerSettings
from reftiler.streaming.bands import Bands

__all__ = ["MergePlan"]


@dataclass(frozen=True)
class MergePlan:
    """
    What is merged into what.

    Attributes
    ----------
    call : UntileCall
        The checked merge.
    bands : Bands
        How each image falls into bands.
    tiles : int
        How many tiles an image has.
    tile_shape, tile_dtype
        Those of a tile.
    dtype : dtype
        The result's.
    identity : dict
        By which another process knows the same merge, as JSON holds it.
    """

    call: UntilePlan
    bands: Bands
    tiles: int
    tile_shape: tuple[int, ...]
    tile_dtype: np.dtype[Any]
    dtype: np.dtype[Any]
    identity: dict[str, Any]

    @classmethod
    def of(  # noqa: PLR0913, PLR0917 - one for each of the caller's
        cls,
        tiler: TilerSettings,
        shape: Sequence[int],
        tile_shape: Sequence[int] | None,
        tile_dtype: DTypeLike,
        dtype: DTypeLike | None,
        grid: Grid | None,
        scale: Any,
        name: str,
    ) -> "MergePlan":
        """Plan a merge; parameters and errors as of `reftiler.streaming.Merger`."""
        source = np.dtype(tile_dtype)
        target = source if dtype is None else np.dtype(dtype)
        image = image_layout(tiler, tuple(shape), "shape")
        if grid is not None and not isinstance(grid, Grid):
            raise TypeError(f"grid must be a reftiler.Grid, got {type(grid).__name__}")
        plan = Grid(tiler, image.size) if grid is None else grid
        one = ArrayLayout(None, image.channels, tiler.tile_size, tiler.channels_last)
        tile = one.shape if tile_shape is None else tuple(tile_shape)
        call = plan_untile(
            tiler,
            (image.batch_size * len(plan), *tile),
            source.name,
            tuple(shape),
            plan,
            scale,
            target.name,
        )
        bands = Bands(call.geometry)
        identity = {
            "format": 1,
            "grid": plan.to_json(),
            "shape": tuple(shape),
            "tile_shape": tile,
            "tile_dtype": source.str,
            "dtype": target.str,
            "bands": bands.edges.tolist(),
            "part": name,
        }
        return cls(call, bands, len(plan), tile, source, target, identity)
