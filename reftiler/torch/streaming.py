"""Models in torch over images in stores: read and merged on the host, run anywhere.

Tiles are cut and results merged by the numpy code, whose bits are those of this
package's; what is done here is the way to the model's device and back.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reftiler.batches import check_results, map_tree
from reftiler.errors import TilingError
from reftiler.torch.rounding import name

__all__ = ["Hosted", "as_arrays", "as_tensors", "numpy_dtype", "on_host"]

Array = NDArray[Any]


class Hosted:
    """
    A model that takes and returns arrays of the host.

    Batches go through page-locked memory where the model's device is a GPU. Nothing is
    recorded for gradients.

    Parameters
    ----------
    model : Module or callable
        Takes and returns tensors, or trees of them.
    """

    def __init__(self, model: Callable[[Tensor], Any]) -> None:
        self.model = model
        self.device = _device_of(model)
        self._pinned: Tensor | None = None

    def __call__(self, tiles: Array) -> Any:
        """Run the model on some tiles."""
        with torch.no_grad():
            results = self.model(self._sent(torch.from_numpy(tiles)))
            check_results(results, len(tiles), Tensor)
            return map_tree(_fetched, results)

    def _sent(self, tiles: Tensor) -> Tensor:
        if self.device.type != "cuda":
            return tiles.to(self.device)
        if self._pinned is None or len(self._pinned) < len(tiles):
            self._pinned = torch.empty_like(tiles, pin_memory=True)
        # The batch before has been fetched, so nobody reads this memory any more.
        pinned = self._pinned[: len(tiles)]
        pinned.copy_(tiles)
        return pinned.to(self.device, non_blocking=True)


def on_host(image: Any) -> Any:
    """
    Return a tensor's memory as an array; stores are returned as they are.

    Raises
    ------
    TilingError
        If a tensor is not on the host.
    """
    if not isinstance(image, Tensor):
        return image
    if image.device.type != "cpu":
        raise TilingError(
            f"the image is on {image.device}, and with out, memory or work it is read "
            "on the host: give image.cpu(), or leave them out"
        )
    numpy_dtype(image.dtype)
    return image.detach().numpy()


def as_arrays(out: Any) -> Any:
    """Return tensors in a tree of stores as arrays of their memory."""
    return map_tree(lambda leaf: on_host(leaf) if leaf is not None else None, out)


def as_tensors(results: Any) -> Any:
    """Return arrays in a tree as tensors of their memory; other stores stay."""

    def tensor(leaf: Any) -> Any:
        if isinstance(leaf, np.ndarray) and not isinstance(leaf, np.memmap):
            return torch.from_numpy(leaf)
        return leaf

    return map_tree(tensor, results)


def numpy_dtype(dtype: torch.dtype) -> np.dtype[Any]:
    """
    Return numpy's dtype of the same name.

    Raises
    ------
    TilingError
        If it has none.
    """
    try:
        return np.dtype(name(dtype))
    except TypeError:
        raise TilingError(
            f"stores cannot hold {name(dtype)}: convert it to float32"
        ) from None


def _fetched(tensor: Tensor) -> Array:
    numpy_dtype(tensor.dtype)
    array: Array = tensor.cpu().numpy()
    return array


def _device_of(model: Callable[[Tensor], Any]) -> torch.device:
    """Return where a module's first parameter or buffer is, else the host."""
    if isinstance(model, nn.Module):
        for tensor in (*model.parameters(), *model.buffers()):
            return tensor.device
    return torch.device("cpu")
