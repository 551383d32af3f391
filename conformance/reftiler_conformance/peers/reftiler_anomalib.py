"""reftiler.anomalib: anomalib's interface with reftiler's rules."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from reftiler.anomalib import Tiler
from reftiler_conformance.features import features
from reftiler_conformance.peers.base import Array, both
from reftiler_conformance.peers.tensors import NUMBERS, AnomalibSession, TensorLibrary


class Session(AnomalibSession):
    """The drop-in's tiler."""

    kind = Tiler
    grid: Any = None
    """Of the case's image, once another was cut: its documentation asks for it."""

    def tile_another(self, image: Array) -> None:
        self.grid = self.tiler.grid if self.has_cut else None
        super().tile_another(image)

    def merge(self, tiles: Tensor) -> Any:
        return self.tiler.untile(tiles, self.grid)


class DropIn(TensorLibrary):
    """The drop-in."""

    name, package = "reftiler.anomalib", "reftiler"
    claims = features(
        *("tile", "untile", "rank:2", "channels", "batch", "unequal", "overlap"),
        *("mode:padding", "mode:interpolation", "pad:constant", "pad_side:end"),
        *("merge:mean", "merge:any", "border", "maps", "scale", "scale:axes", "exact"),
        *both(*NUMBERS, "uint16", "uint32", "uint64"),
        "tile:complex64",
        # Not "short": as anomalib's, it refuses images smaller than a tile. Not
        # "untile:cold": without grid= it merges what it cut. Not "json", "grid" and
        # "random": it has them, under names and in shapes of its own.
    )
    session = Session
