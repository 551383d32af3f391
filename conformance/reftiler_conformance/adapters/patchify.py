"""patchify: ``patchify`` and ``unpatchify``."""

from __future__ import annotations

import numpy as np
from patchify import patchify, unpatchify

from reftiler_conformance.adapters.peers import Array, Peer, PeerSession
from reftiler_conformance.features import features
from reftiler_conformance.protocol import Unsupported


class Session(PeerSession):
    """Patches on a grid of their own: (i, j, h, w)."""

    def cut(self, image: Array) -> Array:
        """Split into patches."""
        case = self.case
        if len(set(case.stride)) > 1:
            raise Unsupported("strides that differ by axis: step is an int")
        patches: Array = patchify(image, case.tile, step=case.stride[0])
        return patches.reshape(-1, *case.tile)

    def merge(self, tiles: Array) -> Array:
        """Merge patches; where they overlap, one of them is taken."""
        case = self.case
        self.only_back(tiles, "a mean: it merges patches that agree")
        grid = np.floor_divide(np.subtract(case.size, case.tile), case.stride) + 1
        merged: Array = unpatchify(tiles.reshape(*grid, *case.tile), case.size)
        return merged


class Patchify(Peer):
    """patchify."""

    name = package = "patchify"
    claims = features(
        *("tile", "untile", "untile:cold"),
        *("rank:2", "rank:3", "plain"),  # "it can be 2d (m, n) or 3d (k, m, n)"
        *("unequal", "overlap"),  # patch_size is a tuple
        "merge:mean",  # of one tile; see merge
        "merge:any",  # of one tile
        # No mode: "the required condition for unpatchify to success is to have
        # (width - patch_width) mod step_size = 0".
        *("tile:*", "untile:*"),  # "np.ndarray", without a restriction
    ) - {"tile:bfloat16", "untile:bfloat16"}  # numpy has none
    session = Session
