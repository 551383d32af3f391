"""patchify: ``patchify`` and ``unpatchify``."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from patchify import patchify, unpatchify

from reftiler.bench.contenders.base import CannotError, OneByOne
from reftiler.bench.workloads import Array, Workload


class Patchify(OneByOne):
    """Images one by one; channels are an axis that is not cut."""

    name = package = "patchify"
    ranks: ClassVar[tuple[int, ...]] = (2, 3)

    def __init__(self, work: Workload, device: str) -> None:
        super().__init__(work, device)
        if any((size - work.tile) % work.stride for size in work.size):
            raise CannotError("only sizes that fit")
        if work.rank == 3 and work.shape[1] > 1:
            raise CannotError("no channels in volumes")
        self.box = (
            self.tile_size if work.rank == 3 else (work.shape[1], *self.tile_size)
        )
        self.grid = work.grid.shape if work.rank == 3 else (1, *work.grid.shape)

    def tile(self, image: Array, out: Any) -> Any:
        """Split every image into patches (*grid, *T)."""
        return [patchify(one, self.box, step=self.work.stride) for one in image]

    def untile(self, tiles: Array, out: Any) -> Any:
        """Merge patches; where they overlap, one of them is taken."""
        size = self.work.shape[-3:]
        return [unpatchify(patches, size) for patches in tiles]

    def image(self, array: Array) -> Array:
        """Return images of three axes."""
        return array[:, 0] if self.work.rank == 3 else array

    def tiles(self, array: Array) -> Array:
        """Return patches image by image."""
        return array.reshape(self.work.shape[0], *self.grid, *self.box)

    def pieces(self, result: Any) -> Iterable[Array]:
        """Yield patches image by image."""
        shape = self.work.tiles_shape[1:]
        for patches in result:
            for place in np.ndindex(patches.shape[:3]):
                yield patches[place].reshape(shape)

    def whole(self, result: Any) -> Array:
        """Return the images together."""
        return np.stack(result).reshape(self.work.shape)
