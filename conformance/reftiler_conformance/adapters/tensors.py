"""Arrays as tensors and back, for the adapters of tilers that are made with torch."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from reftiler_conformance.adapters.peers import Peer, PeerSession
from reftiler_conformance.definition import BFLOAT16
from reftiler_conformance.protocol import Unsupported

Array = npt.NDArray[Any]

FLOATS = ("float16", "bfloat16", "float32", "float64")

# Without unsigned integers of more than 8 bits, which torch itself calls limited.
NUMBERS = ("bool", "uint8", "int8", "int16", "int32", "int64", *FLOATS)


class TorchPeer(Peer):
    """A library that tiles tensors."""

    beside: ClassVar[tuple[str, ...]] = ("torch", "numpy")

    def devices(self) -> tuple[str, ...]:
        """Return the devices of torch that there are."""
        return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


class TorchSession(PeerSession):
    """One case of a tiler of batches, (N, C, *S); one image is a batch of one."""

    def cut(self, image: Array) -> Array:
        """Cut an image."""
        batch = to_tensor(image, self.device)
        return to_array(self.split(batch if self.case.batch else batch[None]))

    def merge(self, tiles: Array) -> Array:
        """Merge tiles."""
        if self.case.depth is None:
            raise Unsupported("tiles without channels")
        merged = self.join(to_tensor(tiles, self.device))
        return to_array(merged if self.case.batch else merged[0])

    def by_image(self, tiles: Tensor) -> Tensor:
        """Return (N·K, C, *T) as (N, K, C, *T)."""
        return tiles.reshape(self.case.batch or 1, -1, *tiles.shape[1:])

    @abstractmethod
    def split(self, batch: Tensor) -> Tensor:
        """Cut (N, C, *S) into (N·K, C, *T), with the library's own call."""

    @abstractmethod
    def join(self, tiles: Tensor) -> Tensor:
        """Merge (N·K, C, *T) into (N, C, *S), with the library's own call."""


def to_tensor(array: Array, device: str) -> Tensor:
    """Return a tensor of an array's bits, on its memory where that is the host's."""
    if array.dtype == BFLOAT16:
        bits = torch.from_numpy(array["bfloat16"])
        return bits.view(torch.bfloat16).to(device)
    return torch.from_numpy(array).to(device)


def to_array(tensor: Tensor) -> Array:
    """Return an array of a tensor's bits, on its memory where that is the host's."""
    host = tensor.detach().cpu()
    if host.dtype == torch.bfloat16:
        bits: Array = host.view(torch.uint16).numpy().view(BFLOAT16)
        return bits
    found: Array = np.asarray(host)
    return found
