"""anomalib: ``anomalib.data.utils.tiler.Tiler``."""

from __future__ import annotations

from anomalib.data.utils.tiler import Tiler
from torch import Tensor

from reftiler_conformance.adapters.dropin import StatefulSession
from reftiler_conformance.adapters.peers import moves
from reftiler_conformance.adapters.tensors import FLOATS, NUMBERS, TorchPeer
from reftiler_conformance.features import features
from reftiler_conformance.protocol import Unsupported


class Session(StatefulSession):
    """anomalib's tiler."""

    kind = Tiler

    def split(self, batch: Tensor) -> Tensor:
        """Cut, but for dtypes that torch.nn.functional.interpolate refuses."""
        case = self.case
        if case.mode == "interpolation" and case.dtype not in ("uint8", *FLOATS):
            raise Unsupported(f"interpolation of {case.dtype}: torch has none")
        return super().split(batch)


class Anomalib(TorchPeer):
    """anomalib."""

    name = package = "anomalib"
    claims = features(
        *("tile", "untile", "rank:2"),
        *("channels", "batch"),  # "image: (N, C, H, W)"; 3 axes are given a fourth
        *("unequal", "overlap"),  # tile_size, stride: "int or (height, width)"
        *("mode:padding", "mode:interpolation"),  # ImageUpscaleMode
        "pad:constant",  # "padding with zeros": no other value
        "pad_side:end",
        "merge:mean",  # "averages overlapping regions", bool too, hence not merge:any
        "border",  # remove_border_count, "border pixels to remove from tiles"
        # untile takes the tiles' own channels and computes their scale; anomalib's
        # models give it feature maps. That scales may differ by axis is said nowhere.
        *("maps", "scale"),
        *moves(*NUMBERS),  # "image: torch.Tensor", without a restriction
        "tile:complex64",
        # Not "short": "ValueError: If tile size exceeds image size". Not "untile:cold":
        # untile needs what tile remembers. Not "random": there is no seed.
    )
    session = Session
