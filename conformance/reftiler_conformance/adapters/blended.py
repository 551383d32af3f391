"""blended-tiling: ``TilingModule``."""

from __future__ import annotations

from blended_tiling import TilingModule
from torch import Tensor

from reftiler_conformance.adapters.peers import Array, moves
from reftiler_conformance.adapters.tensors import FLOATS, TorchPeer, TorchSession
from reftiler_conformance.features import features
from reftiler_conformance.protocol import Unsupported


class Session(TorchSession):
    """A module made for the image's size."""

    def split(self, batch: Tensor) -> Tensor:
        """Split an NCHW tensor of one image."""
        tiles: Tensor = self._module().split_into_tiles(batch)
        return tiles

    def merge(self, tiles: Array) -> Array:
        """Merge tiles, but for blends, whose ramps are blended-tiling's own."""
        self.only_back(tiles, "a mean: overlaps are blended with linear ramps")
        return super().merge(tiles)

    def join(self, tiles: Tensor) -> Tensor:
        """Rebuild with masks, "merged back into the original tensor"."""
        merged: Tensor = self._module().rebuild_with_masks(tiles)
        return merged

    def _module(self) -> TilingModule:
        """Make a module; the overlap is a share of the tile, at most one half."""
        case = self.case
        shares = [(t - s) / t for t, s in zip(case.tile, case.stride, strict=True)]
        steps = [int(t * (1 - o)) for t, o in zip(case.tile, shares, strict=True)]
        if max(shares) > 0.5 or tuple(steps) != case.stride:
            raise Unsupported(f"strides {case.stride} for tiles {case.tile}")
        return TilingModule(case.tile, shares, case.size)


class BlendedTiling(TorchPeer):
    """blended-tiling."""

    name = package = "blended-tiling"
    claims = features(
        *("tile", "untile", "untile:cold"),  # base_size is given to the constructor
        *("rank:2", "channels"),  # "NCHW", of one image: N > 1 is asserted away
        *("unequal", "overlap"),  # "[height, width]"
        "mode:clamp",  # the last tile ends where the image does
        "merge:mean",  # of one tile; see merge
        "maps",
        *moves(*FLOATS),  # "has been tested with": these four
        # Not "short": "tile sizes should be less than or equal to the full tensor".
    )
    session = Session
