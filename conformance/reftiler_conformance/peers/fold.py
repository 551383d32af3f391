"""torch.nn.functional: unfold and fold."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import fold, unfold

from reftiler_conformance.features import features
from reftiler_conformance.peers.base import both
from reftiler_conformance.peers.tensors import FLOATS, TensorLibrary, TensorSession


class Session(TensorSession):
    """Unfold, and fold divided by the fold of ones, as its documentation shows."""

    def cut(self, image: Tensor) -> Any:
        """Unfold into columns (N, C·h·w, K) and make them tiles."""
        columns = self._unfold(image).transpose(1, 2)
        shape = (-1, image.shape[1], *self.case.tile)
        return columns.reshape(shape).contiguous()

    def merge(self, tiles: Tensor) -> Any:
        """Fold columns: the sum of the tiles, by the sum of ones."""
        columns = self.by_image(tiles).flatten(2).transpose(1, 2)
        ones = torch.ones(1, 1, *self.case.size, dtype=tiles.dtype, device=tiles.device)
        return self._fold(columns) / self._fold(self._unfold(ones))

    def _unfold(self, image: Tensor) -> Tensor:
        return unfold(image, self.case.tile, stride=self.case.stride)

    def _fold(self, columns: Tensor) -> Tensor:
        case = self.case
        return fold(columns, case.size, case.tile, stride=case.stride)


class Fold(TensorLibrary):
    """torch's own."""

    name, package = "torch.nn.functional.fold", "torch"
    other_packages = ("numpy",)
    claims = features(
        *("tile", "untile", "untile:cold"),
        "rank:2",  # "image-like tensors"
        *("channels", "batch"),
        *("unequal", "overlap"),
        "mode:drop",  # "L = ⌊…⌋"; implicit padding is alike on both sides, no mode here
        "merge:mean",  # by the divisor that nn.Fold documents
        "maps",  # output_size is spatial
        *both(*FLOATS),  # there are no kernels for others, and it says so
    )
    session = Session
    peak_memory_factor: ClassVar = {"float32": 2}
