"""empatches: ``EMPatches.extract_patches`` and ``merge_patches``."""

from __future__ import annotations

from typing import Any

import numpy as np
from empatches import EMPatches

from reftiler_conformance.features import features
from reftiler_conformance.peers.base import Array, PeerLibrary, PeerSession, both
from reftiler_conformance.protocol import Unsupported

MODES = {None: "avg", "mean": "avg", "max": "max", "min": "min"}


class Session(PeerSession):
    """A list of patches and one of their places, which go column by column."""

    def check_cut(self) -> None:
        if self.case.channels is not None and self.case.rank != 2:
            raise Unsupported("channels of signals or volumes")

    def cut(self, image: Array) -> Any:
        case = self.case
        return EMPatches().extract_patches(
            image, case.tile[0], stride=case.stride[0], vox=case.rank == 3
        )

    def from_tiles(self, result: Any) -> Array:
        patches, places = result
        rows = [patches[k] for k in _row_by_row(places)]
        return np.stack(rows, dtype=rows[0].dtype)  # or its byte order is lost

    def check_merge(self, tiles: Array) -> None:
        self.check_cut()

    def merge(self, tiles: Array) -> Any:
        _, places = self.cut(np.zeros(self.case.shape))
        patches = dict(zip(_row_by_row(places), tiles, strict=True))
        given = [patches[k] for k in range(len(places))]
        return EMPatches().merge_patches(given, places, MODES[self.case.merge])


def _row_by_row(places: list[tuple[int, ...]]) -> list[int]:
    return sorted(range(len(places)), key=lambda k: places[k][::2])


class Empatches(PeerLibrary):
    """empatches; the quotations are of its docstrings."""

    name = package = "empatches"
    claims = features(
        *("tile", "untile"),  # not "untile:cold": the places come from extract_patches
        *("rank:1", "rank:2", "rank:3", "plain"),  # "it can be 1D, 2D or 3D"
        *("channels", "channels_last:only"),  # "3D data includes images (RGB, ...)"
        # Not "unequal": "only square patches can be extracted for now".
        "overlap",  # stride
        "mode:clamp",  # the last patch ends where the image does
        *("merge:mean", "merge:max", "merge:min"),  # "avg", "max", "min"
        "tile:*",  # "array to extract patches from"
        *both("uint8", "float32"),  # "joined, dtype=uint8"; spectra are floats
    )
    session = Session
