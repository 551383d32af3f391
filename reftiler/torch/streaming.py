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
    widen : bool
        Whether bfloat16, which numpy does not have, becomes float32; else it is
        refused.
    """

    def __init__(self, model: Callable[[Tensor], Any], *, widen: bool = False) -> None:
        self.model, self.widen = model, widen
        self.device = _device_of(model)

    def __call__(self, tiles: Array) -> Any:
        """Run the model on some tiles."""
        native = tiles.astype(tiles.dtype.newbyteorder("="), copy=False)
        with torch.no_grad():
            results = self.model(self._sent(torch.from_numpy(native)))
            check_results(results, len(tiles), Tensor)
            return map_tree(self._fetched, results)

    def _sent(self, tiles: Tensor) -> Tensor:
        if self.device.type == "cuda":
            # torch keeps such memory for the next batch, once this one has arrived.
            return tiles.pin_memory().to(self.device, non_blocking=True)
        return tiles.to(self.device)

    def _fetched(self, tensor: Tensor) -> Array:
        tensor = tensor.detach().resolve_conj().resolve_neg()
        if tensor.dtype == torch.bfloat16 and self.widen:
            tensor = tensor.to(torch.float32)
        numpy_dtype(tensor.dtype)
        array: Array = tensor.cpu().numpy()
        return array


def on_host(image: Any) -> Any:
    """
    Return a tensor's memory as an array; stores are returned as they are.

    Raises
    ------
    TilingError
        If a tensor is not on the host, or of a dtype that numpy does not have.
    """
    if not isinstance(image, Tensor):
        return image
    if image.device.type != "cpu":
        raise TilingError(
            f"a tensor is on {image.device}, and with out= images are read and results "
            "written on the host: give tensors of the host, or leave out= away"
        )
    numpy_dtype(image.dtype)
    return image.detach().numpy()


def as_arrays(out: Any) -> Any:
    """Return tensors in a tree of stores as arrays of their memory."""
    return map_tree(on_host, out)


def as_tensors(results: Any, out: Any) -> Any:
    """Return the tensors that were given as ``out``, or new arrays as tensors."""
    if out is None:
        return map_tree(torch.from_numpy, results)
    return map_tree(
        lambda found, given: given if isinstance(given, Tensor) else found,
        results,
        out,
    )


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
            f"stores cannot hold {name(dtype)}: give dtype=torch.float32"
        ) from None


def _device_of(model: Callable[[Tensor], Any]) -> torch.device:
    """Return where a module's first parameter or buffer is, else the host."""
    if isinstance(model, nn.Module):
        for tensor in (*model.parameters(), *model.buffers()):
            return tensor.device
    return torch.device("cpu")
