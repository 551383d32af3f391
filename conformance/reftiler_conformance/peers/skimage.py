"""scikit-image: ``skimage.util.view_as_windows``, which cuts and never merges."""

from __future__ import annotations

from typing import Any

import numpy as np
from skimage.util import view_as_windows

from reftiler_conformance.features import features
from reftiler_conformance.oracle.layout import join
from reftiler_conformance.peers.base import Array, PeerLibrary, PeerSession
from reftiler_conformance.protocol import Unsupported


class Session(PeerSession):
    """Windows over all axes: of one image, and of all its channels."""

    def cut(self, image: Array) -> Any:
        case, one = self.case, None if self.case.batch is None else 1
        window = join(one, case.channels, case.tile, case.channels_last)
        step = join(one, case.channels, case.stride, case.channels_last)
        return view_as_windows(image, window, step)

    def from_tiles(self, result: Array) -> Array:
        case = self.case
        return result.reshape(join(-1, case.channels, case.tile, case.channels_last))

    def view(self, image: Array) -> Any:
        """Show the windows, with the image's leading axes in front."""
        case, windows = self.case, self.cut(image)
        axes = windows.ndim // 2
        leading = 0 if case.batch is None else 1
        single = [axes] if leading else []  # a window holds one image
        if case.channels is None:
            return np.squeeze(windows, tuple(single))
        if case.channels_last:
            return np.squeeze(windows, (axes - 1, *single))
        windows = np.squeeze(windows, (leading, *single))
        return np.moveaxis(windows, leading + case.rank, leading)

    def merge(self, tiles: Array) -> Any:
        raise Unsupported("untile")


class ViewAsWindows(PeerLibrary):
    """scikit-image."""

    name, package = "skimage.util.view_as_windows", "scikit-image"
    claims = features(
        *("tile", "view"),  # "rolling window view"
        *("rank:*", "plain", "channels", "batch", "channels_last"),  # any ndarray
        *("unequal", "overlap"),  # window_shape and step: "tuple of length arr_in.ndim"
        "mode:drop",  # a rolling window ends with the last one that fits
        "tile:*",
    )
    session = Session
