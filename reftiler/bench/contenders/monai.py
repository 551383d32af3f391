"""MONAI: ``SlidingWindowSplitter`` and ``AvgMerger``."""

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from monai.inferers import AvgMerger, SlidingWindowSplitter
from torch import Tensor

from reftiler.bench.contenders.tensors import OnTensors
from reftiler.bench.workloads import Array, Workload


class Monai(OnTensors):
    """The parts of its inferer, without a network between."""

    name = package = "monai"
    ranks: ClassVar[tuple[int, ...]] = (2, 3)

    def __init__(self, work: Workload, device: str) -> None:
        super().__init__(work, device)
        shared = (work.tile - work.stride,) * work.rank
        self.splitter = SlidingWindowSplitter(self.tile_size, shared)
        grid = work.grid
        self.places = [tuple(start) for start in grid.starts.tolist()]
        self.frame = (*work.shape[:2], *(axis.padded_length for axis in grid.axes))

    def tile(self, image: Tensor, out: Any) -> Any:
        """Collect the patches, (N, C, *T) each, and their places."""
        return list(self.splitter(image))

    def untile(self, tiles: list[Tensor], out: Any) -> Any:
        """Aggregate patches, in float32 because they are divided in place."""
        merger = AvgMerger(
            self.frame, self.work.shape, torch.float32, device=self.device
        )
        for patch, place in zip(tiles, self.places, strict=True):
            merger.aggregate(patch, place)
        return merger.finalize()

    def tiles(self, array: Array) -> list[Tensor]:
        """Return patches of all images together."""
        images = self.own(array.reshape(self.work.shape[0], -1, *array.shape[1:]))
        return list(images.unbind(1))

    def pieces(self, result: Any) -> Iterable[Array]:
        """Yield patches image by image."""
        patches = [self.back(patch) for patch, _ in result]
        for number in range(self.work.shape[0]):
            yield from (patch[number] for patch in patches)
