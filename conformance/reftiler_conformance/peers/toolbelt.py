"""pytorch-toolbelt: ``ImageSlicer``, and on a GPU ``TileMerger``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from pytorch_toolbelt.inference.tiles import ImageSlicer, TileMerger

from reftiler_conformance.features import features
from reftiler_conformance.peers.base import (
    Array,
    PeerLibrary,
    PeerSession,
    both,
    tile_weights,
)
from reftiler_conformance.peers.tensors import FLOATS, to_array, to_tensor
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

    def to_image(self, image: Array) -> Array:
        return self._to_last(image)

    def cut(self, image: Array) -> Any:
        case = self.case
        border, value = BORDERS[case.pad_mode], (float(case.pad_value),) * 4
        return self.slicer.split(image, border, value)

    def from_tiles(self, result: Any) -> Array:
        return self._to_first(np.stack(result))

    def iter_tiles(self, result: Any) -> Iterator[Array]:
        """Yield tiles with channels first, on their own memory."""
        last = self.case.channels_last
        yield from (tile if last else np.moveaxis(tile, -1, 0) for tile in result)

    def check_merge(self, tiles: Array) -> None:
        case = self.case
        if case.depth is None:
            raise Unsupported("tiles without channels")
        if self.device == "cuda" and (case.dtype not in FLOATS or case.result):
            raise Unsupported(f"{case.dtype}: TileMerger divides floats")

    def to_tiles(self, tiles: Array) -> Any:
        """Return a list of tiles with channels last; on a GPU, a batch."""
        if self.device == "cpu":
            return list(self._to_last(tiles))
        batch = to_tensor(tiles, self.device)
        return batch.movedim(-1, 1) if self.case.channels_last else batch

    def merge(self, tiles: Any) -> Any:
        """Merge tiles; on a GPU, as the README does for huge images."""
        slicer = self.slicer
        if self.device == "cpu":
            return slicer.merge(tiles, dtype=self.case.result_dtype)
        shape, channels = slicer.target_shape, tiles.shape[1]
        merger = TileMerger(shape, channels, slicer.weight, self.device, tiles.dtype)
        merger.integrate_batch(tiles, slicer.crops)
        mask = np.moveaxis(to_array(merger.merge()), 0, -1)
        return slicer.crop_to_orignal_size(mask)

    def from_image(self, result: Array) -> Array:
        return self._to_first(result)

    @cached_property
    def slicer(self) -> ImageSlicer:
        case = self.case
        weight = "mean" if case.window == "box" else tile_weights(case.window, case)
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
        if self.case.channels_last:
            return array
        return np.ascontiguousarray(np.moveaxis(array, -1, -3))


class Toolbelt(PeerLibrary):
    """pytorch-toolbelt."""

    name = "pytorch-toolbelt"
    package = "pytorch_toolbelt"
    other_packages = ("torch", "numpy", "opencv-python")
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
        *both("uint8", "int8", "uint16", "int16", "int32"),
        *both("float16", "float32", "float64"),
    )
    session = Session
    # With a copy of the tiles, channels last.
    peak_memory_factor: ClassVar = {"float32": 3.4, "uint8": 8}

    def devices(self) -> tuple[str, ...]:
        return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
