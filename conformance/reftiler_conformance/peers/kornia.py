"""kornia: extract_tensor_patches, combine_tensor_patches and compute_padding."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from kornia.contrib import (
    combine_tensor_patches,
    compute_padding,
    extract_tensor_patches,
)
from torch import Tensor

from reftiler_conformance.features import features
from reftiler_conformance.peers.base import Array, both
from reftiler_conformance.peers.tensors import (
    FLOATS,
    NUMBERS,
    TensorLibrary,
    TensorSession,
)
from reftiler_conformance.protocol import Unsupported


class Session(TensorSession):
    """The two functions, with the padding that kornia computes."""

    def cut(self, image: Tensor) -> Any:
        """Extract patches, (N, K, C, h, w)."""
        case = self.case
        return extract_tensor_patches(image, case.tile, case.stride, self.padding)

    def from_tiles(self, result: Tensor) -> Array:
        return super().from_tiles(result.flatten(0, 1))

    def check_merge(self, tiles: Array) -> None:
        super().check_merge(tiles)
        if self.case.dtype not in (*FLOATS, "bool"):
            reason = 'integers: "the mean truncated toward zero"'
            self.require_round_trip(tiles, reason)
        if self.case.mode == "drop" and any(self.remainder):
            raise Unsupported('drop: "a pixel that no patch covers is 0"')

    def to_tiles(self, tiles: Array) -> Tensor:
        return self.by_image(super().to_tiles(tiles))

    def merge(self, tiles: Tensor) -> Any:
        case = self.case
        return combine_tensor_patches(
            tiles, case.size, case.tile, case.stride, unpadding=self.padding
        )

    @cached_property
    def padding(self) -> Any:
        """How much is padded: "evenly with the odd pixel at the bottom"."""
        if self.case.mode == "drop":
            return (0, 0, 0, 0)
        if any(self.remainder) and self.case.pad_side == "end":
            raise Unsupported("padding at the end alone")
        return self.remainder

    @cached_property
    def remainder(self) -> Any:
        case = self.case
        return compute_padding(case.size, case.tile, case.stride)


class Kornia(TensorLibrary):
    """kornia; the quotations are of its docstrings."""

    name = package = "kornia"
    claims = features(
        *("tile", "untile", "untile:cold", "rank:2"),  # functions: no state
        *("channels", "batch"),  # (B, C, H, W)
        *("unequal", "overlap"),
        "mode:drop",  # "a window that does not fit warns and drops the last rows"
        *("mode:padding", "pad:constant", "pad_side:both"),  # "zero padding": no value
        "short",  # "an image smaller than the window padded to one window"
        "merge:mean",  # "each pixel is divided by the number of patches that cover it"
        "merge:any",  # "bool patches are True where any covering patch is True"
        "maps",  # only original_size, the spatial size, is asked for
        *both(*NUMBERS),  # "the output keeps the dtype of the patches"
        *both("uint16", "uint32", "uint64"),  # "integer patches ... in int64"
        "tile:complex64",
    )
    session = Session
    peak_memory_factor: ClassVar = {"float32": 3, "uint8": 41}
