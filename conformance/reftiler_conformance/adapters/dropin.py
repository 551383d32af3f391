"""reftiler.anomalib: anomalib's interface with reftiler's rules."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

import reftiler
from reftiler.anomalib import Tiler
from reftiler_conformance.adapters.peers import moves
from reftiler_conformance.adapters.tensors import NUMBERS, TorchPeer, TorchSession
from reftiler_conformance.features import features
from reftiler_conformance.protocol import Info, Unsupported


class StatefulSession(TorchSession):
    """A tiler of anomalib's interface, which remembers what it cut."""

    kind: ClassVar[Any]
    cutter: Any = None

    def split(self, batch: Tensor) -> Tensor:
        """Cut with a new tiler."""
        case = self.case
        if len(set(case.borders)) > 1:
            raise Unsupported("borders that differ by axis: remove_border_count is int")
        # In any other mode the tiles fill the image exactly, and no mode matters.
        mode = case.mode if case.mode == "interpolation" else "padding"
        self.cutter = self.kind(case.tile, case.stride, case.borders[0], mode)
        tiles: Tensor = self.cutter.tile(batch)
        return tiles

    def join(self, tiles: Tensor) -> Tensor:
        """Merge with the tiler that cut; if none did, it first cuts an empty image."""
        if self.cutter is None:
            case, dtype = self.case, tiles.dtype
            shape = (case.batch or 1, case.channels or 1, *case.size)
            self.split(torch.zeros(shape, dtype=dtype, device=tiles.device))
        merged: Tensor = self.cutter.untile(tiles)
        return merged


class Session(StatefulSession):
    """The drop-in's tiler."""

    kind = Tiler


class DropIn(TorchPeer):
    """The drop-in."""

    name = "reftiler.anomalib"
    claims = features(
        *("tile", "untile", "rank:2", "channels", "batch", "unequal", "overlap"),
        *("mode:padding", "mode:interpolation", "pad:constant", "pad_side:end"),
        *("merge:mean", "merge:any", "border", "maps", "scale", "scale:axes", "exact"),
        *moves(*NUMBERS, "uint16", "uint32", "uint64"),
        "tile:complex64",
        # Not "short": as anomalib's, it refuses images smaller than a tile. Not
        # "untile:cold": without grid= it merges what it cut. Not "json", "grid" and
        # "random": it has them, under names and in shapes of its own.
    )
    session = Session

    def info(self) -> Info:
        """Say who it is: a part of reftiler."""
        versions = {"torch": str(torch.__version__)}
        release = reftiler.__version__
        return Info(self.name, release, self.claims, self.devices(), versions)
