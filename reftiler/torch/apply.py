"""Run a module over tiles, and merge its results where the image is."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reftiler.apply import TileSource, choose_tiles
from reftiler.batching import batched
from reftiler.plan import TilePlan, plan_tile
from reftiler.streaming.arrivals import Arrivals
from reftiler.streaming.reading import TileReader, read_tiles
from reftiler.torch.cut import cut_tile
from reftiler.torch.dtypes import dtype_name
from reftiler.torch.layout import as_nchw
from reftiler.torch.numpy_bridge import as_tensor, device_of, pinned, send
from reftiler.torch.streaming import TensorArrays


class DeferredMerger:
    """Keeps all results and merges them at the end, so that gradients flow."""

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
    tiler: Any,
    image: Any,
    batch_size: int,
    grid: Any,
    model: Any,
    *,
    read_ahead: bool,
    indices: bool,
    where: Any,
) -> TileSource:
    """Return the tiles of a tensor, or a store of the host, for the model's device."""
    home = image.device if isinstance(image, Tensor) else torch.device("cpu")
    device = device_of(model, home)
    if isinstance(image, Tensor):
        whole = plan_tile(tiler, image.shape, dtype_name(image.dtype), grid)
        recorded = torch.is_grad_enabled() and image.requires_grad
        # Modes and streams are a thread's own, so that a thread reads what needs none.
        read_ahead &= home.type == "cpu" != device.type and not recorded
    else:
        whole = TileReader(tiler, image, batch_size, grid).call
    call, chosen = choose_tiles(whole, where)

    def read(indices: Sequence[int]) -> Tensor:
        if isinstance(image, Tensor):
            return pinned(extract_batch(image, call, indices), device)
        return pinned(as_tensor(read_tiles(image, call, indices)), device)

    return TileSource(
        image,
        call,
        batched(call.tiles.batch_size, batch_size),
        read,
        TensorArrays(home),
        to_model=lambda tiles: send(tiles, device),
        read_ahead=read_ahead,
        indices=indices,
        chosen=chosen,
    )


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
