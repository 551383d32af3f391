"""pytorch-toolbelt: ``ImageSlicer``, and on a GPU ``TileMerger``."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from pytorch_toolbelt.inference.tiles import ImageSlicer, TileMerger

from reftiler_conformance.adapters.peers import (
    Array,
    Peer,
    PeerSession,
    moves,
    outer,
)
from reftiler_conformance.adapters.tensors import FLOATS, to_array, to_tensor
from reftiler_conformance.features import features
from reftiler_conformance.protocol import Unsupported

BORDERS = {
    "constant": cv2.BORDER_CONSTANT,
    "edge": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT_101,
    "symmetric": cv2.BORDER_REFLECT,
    "wrap": cv2.BORDER_WRAP,
}


class Session(PeerSession):
    """A slicer of images (H, W, C)."""

    def cut(self, image: Array) -> Array:
        """Split an image."""
        case = self.case
        tiles = self._slicer().split(
            self._to_last(image), BORDERS[case.pad_mode], (float(case.pad_value),) * 4
        )
        return self._to_first(np.stack(tiles))

    def merge(self, tiles: Array) -> Array:
        """Merge tiles, with the merger of the device."""
        if self.case.depth is None:
            raise Unsupported("tiles without channels")
        slicer = self._slicer()
        if self.device == "cpu":
            pieces = list(self._to_last(tiles))
            return self._to_first(slicer.merge(pieces, dtype=self.case.result_dtype))
        return self._to_first(self._on_gpu(slicer, tiles))

    def _on_gpu(self, slicer: ImageSlicer, tiles: Array) -> Array:
        """Merge as the README does for huge images."""
        if self.case.dtype not in FLOATS or self.case.result is not None:
            raise Unsupported(f"{self.case.dtype}: TileMerger divides floats")
        batch = to_tensor(tiles, self.device)
        if self.case.channels_last:
            batch = batch.movedim(-1, 1)
        shape, channels = slicer.target_shape, batch.shape[1]
        merger = TileMerger(shape, channels, slicer.weight, self.device, batch.dtype)
        merger.integrate_batch(batch, slicer.crops)
        mask = np.moveaxis(to_array(merger.merge()), 0, -1)
        cropped: Array = slicer.crop_to_orignal_size(mask)
        return cropped

    def _slicer(self) -> ImageSlicer:
        case = self.case
        weight = "mean" if case.window == "box" else outer(case.window, case)
        slicer = ImageSlicer(case.size, case.tile, case.stride, weight=weight)
        if slicer.target_shape != case.size and case.pad_side == "end":
            raise Unsupported("padding at the end alone")
        return slicer

    def _to_last(self, array: Array) -> Array:
        """Move the channels to the end, where the slicer has them."""
        if self.case.channels_last:
            return array
        return np.ascontiguousarray(np.moveaxis(array, -3, -1))

    def _to_first(self, array: Array) -> Array:
        """Move the channels back."""
        if self.case.channels_last:
            return array
        return np.ascontiguousarray(np.moveaxis(array, -1, -3))


class Toolbelt(Peer):
    """pytorch-toolbelt."""

    name = "pytorch-toolbelt"
    package = "pytorch_toolbelt"
    beside = ("torch", "numpy", "opencv-python")
    claims = features(
        *("tile", "untile", "untile:cold"),  # all from image_shape
        *("rank:2", "channels", "channels_last"),  # one image, "(H, W)" and channels
        # Not "plain": split takes (H, W), but merge gives (H, W, 1).
        *("unequal", "overlap"),  # "scalar or tuple (H, W)"
        *("mode:padding", "pad_side:both", "short"),  # the margins, halved
        *("pad:*", "pad_value"),  # border_type and value, OpenCV's
        "merge:mean",  # "'mean' - averaging"
        "window:custom",  # an array as weight; "pyramid" is a formula of its own
        "maps",  # the tiles' own channels
        "result",  # merge's dtype
        # The dtypes of OpenCV's images.
        *moves("uint8", "int8", "uint16", "int16", "int32"),
        *moves("float16", "float32", "float64"),
    )
    session = Session

    def devices(self) -> tuple[str, ...]:
        """Return the devices of torch that there are."""
        return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
