"""the-lay's tiler: ``Tiler`` and ``Merger``."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from tiler import Merger, Tiler

from reftiler.bench.contenders.base import OnArrays, weights
from reftiler.bench.workloads import Array, Workload


class TheLay(OnArrays):
    """Images of a batch are cut together: it knows axes, and no batches."""

    name = package = "tiler"
    ranks: ClassVar[tuple[int, ...]] = (2, 3)
    windows = True
    appetite: ClassVar[Mapping[str, float]] = {"float32": 2.1, "uint8": 7}

    def __init__(self, work: Workload, device: str) -> None:
        super().__init__(work, device)
        whole = work.shape[:2]
        shared = (work.tile - work.stride,) * work.rank
        self.tiler = Tiler(
            work.shape, (*whole, *self.tile_size), overlap=(0, 0, *shared)
        )
        self.window = None
        if work.window != "box":
            shape = tuple(self.tiler.tile_shape)
            self.window = np.broadcast_to(weights(work), shape).copy()

    def tile(self, image: Array, out: Any) -> Any:
        """Get all tiles, (K, N, C, *T)."""
        return self.tiler.get_all_tiles(image)

    def untile(self, tiles: Array, out: Any) -> Any:
        """Add every tile and merge."""
        merger = Merger(self.tiler, self.window)
        for number, tile in enumerate(tiles):
            merger.add(number, tile)
        return merger.merge(dtype=self.work.dtype)

    def tiles(self, array: Array) -> Array:
        """Return tiles of all images together."""
        images = array.reshape(self.work.shape[0], -1, *array.shape[1:])
        return np.moveaxis(images, 1, 0)

    def pieces(self, result: Any) -> Iterable[Array]:
        """Yield tiles image by image."""
        for image in np.moveaxis(result, 1, 0):
            yield from image
