"""blended-tiling: ``TilingModule``."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from blended_tiling import TilingModule
from torch import Tensor

from reftiler_conformance.features import features
from reftiler_conformance.peers.base import Array, both
from reftiler_conformance.peers.tensors import FLOATS, TensorLibrary, TensorSession
from reftiler_conformance.protocol import Unsupported


class Session(TensorSession):
    """A module made for the image's size."""

    def cut(self, image: Tensor) -> Any:
        return self.module.split_into_tiles(image)

    def check_merge(self, tiles: Array) -> None:
        super().check_merge(tiles)
        self.require_round_trip(tiles, "a mean: overlaps are blended by linear ramps")

    def merge(self, tiles: Tensor) -> Any:
        """Rebuild with masks, "merged back into the original tensor"."""
        return self.module.rebuild_with_masks(tiles)

    @cached_property
    def module(self) -> TilingModule:
        """The module; the overlap is a share of the tile, at most one half."""
        case = self.case
        shares = [o / t for o, t in zip(self.overlap, case.tile, strict=True)]
        steps = [int(t * (1 - o)) for t, o in zip(case.tile, shares, strict=True)]
        if max(shares) > 0.5 or tuple(steps) != case.stride:
            raise Unsupported(f"strides {case.stride} for tiles {case.tile}")
        return TilingModule(case.tile, shares, case.size)


class BlendedTiling(TensorLibrary):
    """blended-tiling."""

    name = package = "blended-tiling"
    claims = features(
        *("tile", "untile", "untile:cold"),  # base_size is given to the constructor
        *("rank:2", "channels"),  # "NCHW", of one image: N > 1 is asserted away
        *("unequal", "overlap"),  # "[height, width]"
        "mode:clamp",  # the last tile ends where the image does
        "merge:mean",  # of one tile; see merge
        "maps",
        *both(*FLOATS),  # "has been tested with": these four
        # Not "short": "tile sizes should be less than or equal to the full tensor".
    )
    session = Session
