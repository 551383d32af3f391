"""Run a module over tiles, and merge its results where the image is."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reftiler.apply import TileSource
from reftiler.batching import batched
from reftiler.plan import TilePlan, plan_tile
from reftiler.streaming.arrivals import Arrivals
from reftiler.streaming.reading import TileReader, read_tiles
from reftiler.torch.cut import cut_tile
from reftiler.torch.dtypes import dtype_name
from reftiler.torch.layout import as_nchw
from reftiler.torch.numpy_bridge import device_of, to_device
from reftiler.torch.streaming import TensorArrays


class DeferredMerger:
    """Keeps all results and merges them at the end, so that gradients flow.

    Parameters
    ----------
    count : int
        How many tiles there are.
    untile : callable
        Merges all of them.
    device : torch.device
        Where they are merged.
    """

    def __init__(
        self, count: int, untile: Callable[[Tensor], Tensor], device: torch.device
    ) -> None:
        self.out: Any = None
        self._arrivals, self._untile, self._device = Arrivals(count), untile, device
        self._indices: list[int] = []
        self._batches: list[Tensor] = []

    def arrived(self, indices: Sequence[int]) -> NDArray[np.bool_]:
        """Return which of some tiles have arrived."""
        return self._arrivals.arrived[list(indices)]

    def add(self, indices: Sequence[int], tiles: Tensor) -> None:
        """Keep some tiles."""
        checked = self._arrivals.check(indices, len(tiles))
        self._batches.append(tiles.to(self._device))
        self._indices += checked
        self._arrivals.arrived[checked] = True

    def complete(self) -> None:
        """Refuse to end while tiles are missing."""
        self._arrivals.check_complete()

    def finish(self) -> Tensor:
        """Merge all tiles."""
        tiles, order = torch.cat(self._batches), np.argsort(self._indices)
        if (np.diff(order) != 1).any():
            tiles = tiles[torch.from_numpy(order).to(tiles.device)]
        return self._untile(tiles)

    def stop(self) -> None:
        """Forget the tiles."""
        self._batches.clear()


def tile_source(
    tiler: Any, image: Any, batch_size: int, grid: Any, model: Any
) -> TileSource:
    """Return the tiles of a tensor, or a store of the host, on the model's device."""
    if isinstance(image, Tensor):
        call = plan_tile(tiler, image.shape, dtype_name(image.dtype), grid)
        batches, home = batched(call.tiles.batch_size, batch_size), image.device
        device = device_of(model, home)

        def extract(indices: Sequence[int]) -> Tensor:
            return extract_batch(image, call, indices).to(device, non_blocking=True)

    else:
        reader = TileReader(tiler, image, batch_size, grid)
        call, batches, home = reader.call, reader.batches, torch.device("cpu")
        device = device_of(model, home)

        def extract(indices: Sequence[int]) -> Tensor:
            return to_device(read_tiles(image, call, indices), device)

    return TileSource(image, call, batches, extract, TensorArrays(home))


def extract_batch(image: Tensor, call: TilePlan, indices: Sequence[int]) -> Tensor:
    """Extract the tiles of some indices, image-major."""
    source = as_nchw(image, call.image)
    shape = (len(indices), *call.tiles.shape[1:])
    tiles = torch.empty(shape, dtype=image.dtype, device=image.device)
    target = as_nchw(tiles, call.tiles)
    for place, index in enumerate(indices):
        number, k = divmod(index, len(call.grid))
        cut_tile(source[number], call.grid, k, target[place])
    return tiles
