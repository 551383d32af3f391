"""torch.nn.functional: unfold and fold."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import fold, unfold

from reftiler.bench.contenders.tensors import OnTensors
from reftiler.bench.workloads import Workload


class Fold(OnTensors):
    """Columns made tiles, and tiles folded by the divisor that nn.Fold documents."""

    name, package = "torch.fold", "torch"
    dtypes: ClassVar[tuple[str, ...]] = ("float32",)
    geometry: ClassVar[Mapping[str, Any]] = {"mode": "drop", "fill": 0}
    appetite: ClassVar[Mapping[str, float]] = {"float32": 2}

    def __init__(self, work: Workload, device: str) -> None:
        super().__init__(work, device)
        self.ones = torch.ones(1, 1, *work.size, device=device)

    def tile(self, image: Tensor, out: Any) -> Any:
        """Unfold into columns (N, C·h·w, K) and make them tiles."""
        columns = self._unfold(image).transpose(1, 2)
        shape = (-1, image.shape[1], *self.tile_size)
        return columns.reshape(shape).contiguous()

    def untile(self, tiles: Tensor, out: Any) -> Any:
        """Fold: the sum of the tiles, by the sum of ones."""
        columns = tiles.reshape(self.work.shape[0], -1, tiles[0].numel())
        return self._fold(columns.transpose(1, 2)) / self._fold(self._unfold(self.ones))

    def _unfold(self, image: Tensor) -> Tensor:
        return unfold(image, self.tile_size, stride=self.strides)

    def _fold(self, columns: Tensor) -> Tensor:
        return fold(columns, self.work.size, self.tile_size, stride=self.strides)
