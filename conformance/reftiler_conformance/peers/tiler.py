"""the-lay's tiler: ``Tiler`` and ``Merger``."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from tiler import Merger, Tiler

from reftiler_conformance.features import NUMBERS, SWAPPED, features
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.peers.base import (
    Array,
    PeerLibrary,
    PeerSession,
    both,
    tile_weights,
)
from reftiler_conformance.protocol import Unsupported


class Session(PeerSession):
    """A tiler for the image's shape, and a merger for the tiles'."""

    # The widest buffers that there are.
    buffers: ClassVar[Any] = {"data_dtype": np.float64, "weights_dtype": np.float64}

    def cut(self, image: Array) -> Any:
        return self.tiler.get_all_tiles(image)

    def to_tiles(self, tiles: Array) -> Array:
        """Move logits, which the image has not, in front."""
        return np.moveaxis(tiles, -1, 1) if self._logits_last else tiles

    def merge(self, tiles: Array) -> Any:
        merger = Merger(self.tiler, self.window, self._logits, **self.buffers)
        for tile_id, tile in enumerate(tiles):
            merger.add(tile_id, tile)
        return merger.merge(unpad=True, dtype=self.case.result_dtype)

    def from_image(self, result: Array) -> Array:
        if self._logits_last:
            return np.ascontiguousarray(np.moveaxis(result, 0, -1))
        return result

    @property
    def _logits_last(self) -> bool:
        return bool(self._logits) and self.case.channels_last

    @property
    def _logits(self) -> int:
        """How many channels there are that the image has not."""
        case = self.case
        if case.depth == case.channels:
            return 0
        if case.channels is not None or case.depth is None:
            raise Unsupported("other channels than the image's")
        return case.depth

    @cached_property
    def tiler(self) -> Tiler:
        case, channels = self.case, self.case.channels
        axis = whole = None
        if channels is not None:
            axis, whole = case.rank if case.channels_last else 0, 0
        tiler = Tiler(
            join(None, channels, case.size, case.channels_last),
            join(None, channels, case.tile, case.channels_last),
            overlap=join(None, whole, self.overlap, case.channels_last),
            channel_dimension=axis,
            mode="drop" if case.mode == "drop" else case.pad_mode,
            constant_value=case.pad_value,
        )
        if not len(tiler):
            raise Unsupported("no more pixels than the overlap: zero tiles, it warns")
        return tiler

    @cached_property
    def window(self) -> Array | None:
        """The weights of a custom window, the same for every channel."""
        case = self.case
        if case.window == "box":
            return None
        weights = tile_weights(case.window, case)
        if case.channels is None:
            return weights
        axis = -1 if case.channels_last else 0
        return np.stack([weights] * case.channels, axis)


class TimedSession(Session):
    """With the buffers that there are by default."""

    buffers: ClassVar[Any] = {}


class TheLayTiler(PeerLibrary):
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
        *both(*NUMBERS, *SWAPPED),  # NumPy arrays, without a restriction, but to pad
        "tile:complex64",  # by constant_value, a float, means nothing for others
    ) - {*both("bfloat16")}  # numpy has none
    session, timed_session = Session, TimedSession
    peak_memory_factor: ClassVar = {"float32": 2.1, "uint8": 7}
