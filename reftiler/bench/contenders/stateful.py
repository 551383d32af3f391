"""What anomalib's tiler and the drop-in for it share."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from reftiler.bench.contenders.tensors import OnTensors
from reftiler.bench.workloads import Array, Workload


class Stateful(OnTensors):
    """A tiler that remembers what it cut."""

    kind: ClassVar[Any]
    borders = True

    def __init__(self, work: Workload, device: str) -> None:
        super().__init__(work, device)
        self.tiler = self.kind(work.tile, work.stride, remove_border_count=work.border)
        self.knows = False

    def tiles(self, array: Array) -> Tensor:
        """Return tiles, once it has cut an image like theirs."""
        if not self.knows:
            image = torch.zeros((), device=self.device).expand(self.work.shape)
            self.tiler.tile(image)
            self.knows = True
        return self.own(array)

    def tile(self, image: Tensor, out: Any) -> Any:
        """Cut an image."""
        return self.tiler.tile(image)

    def untile(self, tiles: Tensor, out: Any) -> Any:
        """Merge tiles."""
        return self.tiler.untile(tiles)
