"""kornia: extract_tensor_patches and combine_tensor_patches."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from kornia.contrib import (
    combine_tensor_patches,
    compute_padding,
    extract_tensor_patches,
)
from torch import Tensor

from reftiler.bench.contenders.tensors import OnTensors
from reftiler.bench.workloads import Array, Workload


class Kornia(OnTensors):
    """The two functions, with the padding that kornia computes."""

    name = package = "kornia"
    appetite: ClassVar[Mapping[str, float]] = {"float32": 3, "uint8": 41}
    geometry: ClassVar[Mapping[str, Any]] = {"pad_side": "both"}

    def __init__(self, work: Workload, device: str) -> None:
        super().__init__(work, device)
        self.padding = compute_padding(work.size, self.tile_size, self.strides)

    def tile(self, image: Tensor, out: Any) -> Any:
        """Extract patches, (N, K, C, h, w)."""
        return extract_tensor_patches(
            image, self.tile_size, self.strides, padding=self.padding
        )

    def untile(self, tiles: Tensor, out: Any) -> Any:
        """Combine patches."""
        return combine_tensor_patches(
            tiles,
            self.work.size,
            self.tile_size,
            self.strides,
            unpadding=self.padding,
        )

    def tiles(self, array: Array) -> Tensor:
        """Return tiles image by image."""
        return self.own(array.reshape(self.work.shape[0], -1, *array.shape[1:]))

    def pieces(self, result: Any) -> Iterable[Array]:
        """Yield tiles image by image."""
        for patches in self.back(result):
            yield from patches
