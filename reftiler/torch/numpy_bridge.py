"""From tensors to arrays of numpy and back: dtypes, batches, and whole models."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reftiler.batching import validate_results
from reftiler.errors import TilingError
from reftiler.pytree import tree_map
from reftiler.torch.dtypes import dtype_name


def numpy_dtype(dtype: torch.dtype) -> np.dtype[Any]:
    """Return numpy's dtype of the same name, or refuse one that numpy lacks."""
    name = dtype_name(dtype)
    try:
        found = np.dtype(name)
    except TypeError:
        found = None
    # ml_dtypes, once imported, gives numpy a bfloat16 that torch cannot take.
    if found is None or found.isbuiltin != 1:
        raise TilingError(f"stores cannot hold {name}: give dtype=torch.float32")
    return found


def device_of(model: Callable[[Tensor], Any], default: torch.device) -> torch.device:
    """Return where a module's first parameter or buffer is."""
    if isinstance(model, nn.Module):
        for tensor in (*model.parameters(), *model.buffers()):
            return tensor.device
    return default


def as_tensor(array: NDArray[Any]) -> Tensor:
    """Return an array as a tensor of the host, in the machine's byte order."""
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))


def pinned(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor of the host in page-locked memory, if it is for a GPU."""
    # torch keeps such memory for the next batch, once this one has arrived.
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory()
    return tensor


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device; a GPU need not have it yet."""
    return tensor.to(device, non_blocking=device.type == "cuda")


class NumpyModel:
    """
    A model of torch that takes and returns arrays of numpy, without gradients.

    Parameters
    ----------
    model : Module or callable
        Takes and returns tensors, or trees of them.
    """

    def __init__(self, model: Callable[[Tensor], Any]) -> None:
        self.model = model
        self.device = device_of(model, torch.device("cpu"))

    def __call__(self, tiles: NDArray[Any]) -> Any:
        """Run the model on some tiles."""
        with torch.no_grad():
            on_host = pinned(as_tensor(tiles), self.device)
            results = self.model(send(on_host, self.device))
        validate_results(results, len(tiles), Tensor)
        return tree_map(_to_numpy, results)


def _to_numpy(tensor: Tensor) -> NDArray[Any]:
    numpy_dtype(tensor.dtype)
    array: NDArray[Any] = tensor.detach().resolve_conj().resolve_neg().cpu().numpy()
    return array
