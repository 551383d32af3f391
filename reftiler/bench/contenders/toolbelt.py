"""pytorch-toolbelt: ``ImageSlicer``."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from pytorch_toolbelt.inference.tiles import ImageSlicer

from reftiler.bench.contenders.base import OneByOne, weights
from reftiler.bench.workloads import Array, Workload


class Toolbelt(OneByOne):
    """A slicer of images (H, W, C), one by one."""

    name, package = "pytorch-toolbelt", "pytorch_toolbelt"
    geometry: ClassVar[Mapping[str, Any]] = {"pad_side": "both"}
    windows = True
    # With a copy of the tiles, channels last.
    appetite: ClassVar[Mapping[str, float]] = {"float32": 3.4, "uint8": 8}

    def __init__(self, work: Workload, device: str) -> None:
        super().__init__(work, device)
        weight = "mean" if work.window == "box" else weights(work)
        self.slicer = ImageSlicer(
            work.size, self.tile_size, self.strides, weight=weight
        )

    def tile(self, image: Array, out: Any) -> Any:
        """Split every image into a list of tiles."""
        return [self.slicer.split(one) for one in image]

    def untile(self, tiles: list[Array], out: Any) -> Any:
        """Merge the tiles of every image."""
        dtype = np.dtype(self.work.dtype)
        return [self.slicer.merge(some, dtype=dtype) for some in tiles]

    def image(self, array: Array) -> Array:
        """Return images with channels last."""
        return np.ascontiguousarray(np.moveaxis(array, 1, -1))

    def tiles(self, array: Array) -> list[Array]:
        """Return tiles with channels last, image by image."""
        last = self.image(array)
        return list(last.reshape(self.work.shape[0], -1, *last.shape[1:]))

    def pieces(self, result: Any) -> Iterable[Array]:
        """Yield tiles with channels first."""
        for tiles in result:
            yield from (np.moveaxis(tile, -1, 0) for tile in tiles)

    def whole(self, result: Any) -> Array:
        """Return the images together, channels first."""
        return np.moveaxis(np.stack(result), -1, 1)
