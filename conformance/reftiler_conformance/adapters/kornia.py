"""kornia: extract_tensor_patches, combine_tensor_patches and compute_padding."""

from __future__ import annotations

from kornia.contrib import (
    combine_tensor_patches,
    compute_padding,
    extract_tensor_patches,
)
from torch import Tensor

from reftiler_conformance.adapters.peers import Array, moves
from reftiler_conformance.adapters.tensors import (
    FLOATS,
    NUMBERS,
    TorchPeer,
    TorchSession,
)
from reftiler_conformance.features import features
from reftiler_conformance.protocol import Unsupported


class Session(TorchSession):
    """The two functions, with the padding that kornia computes."""

    def split(self, batch: Tensor) -> Tensor:
        """Extract patches, (B, N, C, h, w)."""
        case = self.case
        patches: Tensor = extract_tensor_patches(
            batch, case.tile, case.stride, self._padding()
        )
        return patches.flatten(0, 1)

    def merge(self, tiles: Array) -> Array:
        """Merge tiles, but for what kornia means otherwise."""
        if self.case.dtype not in (*FLOATS, "bool"):
            self.only_back(tiles, 'integers: "the mean truncated toward zero"')
        if self.case.mode == "drop" and any(self._remainder()):
            raise Unsupported('drop: "a pixel that no patch covers is 0"')
        return super().merge(tiles)

    def join(self, tiles: Tensor) -> Tensor:
        """Combine patches."""
        case = self.case
        merged: Tensor = combine_tensor_patches(
            self.by_image(tiles),
            case.size,
            case.tile,
            case.stride,
            unpadding=self._padding(),
        )
        return merged

    def _padding(self) -> tuple[int, ...]:
        """Return how much is padded: "evenly with the odd pixel at the bottom"."""
        padding = self._remainder()
        if self.case.mode == "drop":
            return (0, 0, 0, 0)
        if any(padding) and self.case.pad_side == "end":
            raise Unsupported("padding at the end alone")
        return padding

    def _remainder(self) -> tuple[int, ...]:
        case = self.case
        padding: tuple[int, ...] = compute_padding(case.size, case.tile, case.stride)
        return padding


class Kornia(TorchPeer):
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
        *moves(*NUMBERS),  # "the output keeps the dtype of the patches"
        *moves("uint16", "uint32", "uint64"),  # "integer patches ... in int64"
        "tile:complex64",
    )
    session = Session
