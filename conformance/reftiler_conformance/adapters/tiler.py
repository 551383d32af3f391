"""the-lay's tiler: ``Tiler`` and ``Merger``."""

from __future__ import annotations

import numpy as np
from tiler import Merger, Tiler

from reftiler_conformance.adapters.peers import Array, Peer, PeerSession, moves, outer
from reftiler_conformance.definition.layout import join
from reftiler_conformance.features import NUMBERS, SWAPPED, features
from reftiler_conformance.protocol import Unsupported


class Session(PeerSession):
    """A tiler for the image's shape, and a merger for the tiles'."""

    def cut(self, image: Array) -> Array:
        """Get all tiles."""
        tiles: Array = self._tiler(self.case.channels).get_all_tiles(image)
        return tiles

    def merge(self, tiles: Array) -> Array:
        """Add every tile and merge, in the widest buffers that there are."""
        case, logits = self.case, self._logits()
        wide = {"data_dtype": np.float64, "weights_dtype": np.float64}
        merger = Merger(self._tiler(case.channels), self._window(), logits, **wide)
        behind = logits and case.channels_last
        for tile_id, tile in enumerate(tiles):
            merger.add(tile_id, np.moveaxis(tile, -1, 0) if behind else tile)
        merged: Array = merger.merge(unpad=True, dtype=case.result_dtype)
        return np.ascontiguousarray(np.moveaxis(merged, 0, -1)) if behind else merged

    def _logits(self) -> int:
        """Return how many channels there are that the image has not."""
        case = self.case
        if case.depth == case.channels:
            return 0
        if case.channels is not None or case.depth is None:
            raise Unsupported("other channels than the image's")
        return case.depth

    def _tiler(self, channels: int | None) -> Tiler:
        case = self.case
        axis = whole = None
        if channels is not None:
            axis, whole = case.rank if case.channels_last else 0, 0
        overlap = [t - s for t, s in zip(case.tile, case.stride, strict=True)]
        tiler = Tiler(
            join(None, channels, case.size, case.channels_last),
            join(None, channels, case.tile, case.channels_last),
            overlap=join(None, whole, overlap, case.channels_last),
            channel_dimension=axis,
            mode="drop" if case.mode == "drop" else case.pad_mode,
            constant_value=case.pad_value,
        )
        if not len(tiler):
            raise Unsupported("no more pixels than the overlap: zero tiles, it warns")
        return tiler

    def _window(self) -> Array | None:
        """Return the weights of a custom window, the same for every channel."""
        case = self.case
        if case.window == "box":
            return None
        weights = outer(case.window, case)
        if case.channels is None:
            return weights
        axis = -1 if case.channels_last else 0
        return np.stack([weights] * case.channels, axis)


class TheLayTiler(Peer):
    """the-lay's tiler; the quotations are of its docstrings."""

    name = package = "tiler"
    claims = features(
        *("tile", "untile", "untile:cold"),  # both are made from shapes alone
        *("rank:*", "plain", "channels", "channels_last"),  # "N-dimensional"
        *("unequal", "overlap"),
        *("mode:padding", "mode:drop", "short"),  # "if a tile is smaller, pad it"
        *("pad:constant", "pad_value", "pad:edge", "pad_side:end"),
        # Not "pad:reflect", "pad:wrap": documented to pad the tile by its own pixels.
        "merge:mean",
        "window:custom",  # "numpy array with the same size as the tile"
        # Not its other windows: their formulas, scipy's, are documented as others.
        "maps",  # logits, "dimensions in front of the data array", where it has none
        "result",  # "dtype for the final merged output"
        *moves(*NUMBERS, *SWAPPED),  # NumPy arrays, without a restriction, but to pad
        "tile:complex64",  # by constant_value, a float, means nothing for others
    ) - {"tile:bfloat16", "untile:bfloat16"}  # numpy has none
    session = Session
