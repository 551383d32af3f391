"""patchify: ``patchify`` and ``unpatchify``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from patchify import patchify, unpatchify

from reftiler_conformance.features import features
from reftiler_conformance.peers.base import Array, PeerLibrary, PeerSession
from reftiler_conformance.protocol import Unsupported


class Session(PeerSession):
    """Patches on a grid of their own: (i, j, h, w)."""

    def check_cut(self) -> None:
        if len(set(self.case.stride)) > 1:
            raise Unsupported("strides that differ by axis: step is an int")

    def cut(self, image: Array) -> Any:
        return patchify(image, self.case.tile, step=self.case.stride[-1])

    def from_tiles(self, result: Array) -> Array:
        return result.reshape(-1, *self.case.tile)

    def iter_tiles(self, result: Array) -> Iterator[Array]:
        yield from (result[place] for place in np.ndindex(*self._grid))

    def check_merge(self, tiles: Array) -> None:
        self.require_round_trip(tiles, "a mean: it merges patches that agree")

    def to_tiles(self, tiles: Array) -> Array:
        return tiles.reshape(*self._grid, *self.case.tile)

    def merge(self, tiles: Array) -> Any:
        return unpatchify(tiles, self.case.size)

    @property
    def _grid(self) -> tuple[int, ...]:
        case = self.case
        sides = zip(case.size, case.tile, case.stride, strict=True)
        return tuple((length - tile) // step + 1 for length, tile, step in sides)


class Patchify(PeerLibrary):
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
    )
    session = Session
