"""What the contenders on tensors share."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from reftiler.bench.contenders.base import Contender
from reftiler.bench.workloads import Array


class OnTensors(Contender):
    """A tiler of tensors (N, C, *S)."""

    devices: ClassVar[tuple[str, ...]] = ("cpu", "cuda")

    def own(self, array: Array) -> Tensor:
        """Return a tensor, on the array's memory where that is the device's."""
        return torch.from_numpy(array).to(self.device)

    def back(self, array: Any) -> Array:
        """Return an array, on the tensor's memory where that is the host's."""
        found: Array = array.detach().cpu().numpy()
        return found

    def settle(self) -> None:
        """Wait for CUDA."""
        if self.device == "cuda":
            torch.cuda.synchronize()
