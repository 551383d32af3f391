"""torch.nn.functional: unfold and fold."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import fold, unfold

from reftiler_conformance.adapters.peers import moves
from reftiler_conformance.adapters.tensors import FLOATS, TorchPeer, TorchSession
from reftiler_conformance.features import features


class Session(TorchSession):
    """Unfold, and fold divided by the fold of ones, as its documentation shows."""

    def split(self, batch: Tensor) -> Tensor:
        """Unfold into columns, (N, C·h·w, L)."""
        case = self.case
        columns = unfold(batch, case.tile, stride=case.stride)
        shape = (-1, batch.shape[1], *case.tile)
        return columns.transpose(1, 2).reshape(shape).contiguous()

    def join(self, tiles: Tensor) -> Tensor:
        """Fold columns: the sum of the tiles, by the sum of ones."""
        columns = self.by_image(tiles).flatten(2).transpose(1, 2)
        return self._fold(columns) / self._fold(torch.ones_like(columns))

    def _fold(self, columns: Tensor) -> Tensor:
        case = self.case
        return fold(columns, case.size, case.tile, stride=case.stride)


class Fold(TorchPeer):
    """torch's own."""

    name, package = "torch.nn.functional.fold", "torch"
    beside = ("numpy",)
    claims = features(
        *("tile", "untile", "untile:cold"),
        "rank:2",  # "image-like tensors"
        *("channels", "batch"),
        *("unequal", "overlap"),
        "mode:drop",  # "L = ⌊…⌋"; implicit padding is alike on both sides, no mode here
        "merge:mean",  # by the divisor that nn.Fold documents
        "maps",  # output_size is spatial
        *moves(*FLOATS),  # there are no kernels for others, and it says so
    )
    session = Session
