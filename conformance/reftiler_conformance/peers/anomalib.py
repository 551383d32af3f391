"""anomalib: ``anomalib.data.utils.tiler.Tiler``."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from anomalib.data.utils.tiler import Tiler

from reftiler_conformance.features import features
from reftiler_conformance.peers.base import both
from reftiler_conformance.peers.tensors import (
    FLOATS,
    NUMBERS,
    AnomalibSession,
    TensorLibrary,
)
from reftiler_conformance.protocol import Unsupported


@cache
def shared_tiler(*settings: Any) -> Tiler:
    """Return the one tiler of some settings: a training cuts all images with it."""
    return Tiler(*settings)


class Session(AnomalibSession):
    """anomalib's tiler."""

    kind = staticmethod(shared_tiler)

    def check_cut(self) -> None:
        case = self.case
        if case.mode == "interpolation" and case.dtype not in ("uint8", *FLOATS):
            raise Unsupported(f"interpolation of {case.dtype}: torch has none")


class Anomalib(TensorLibrary):
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
        *both(*NUMBERS),  # "image: torch.Tensor", without a restriction
        "tile:complex64",
        # Not "short": "ValueError: If tile size exceeds image size". Not "untile:cold":
        # untile needs what tile remembers. Not "random": there is no seed.
    )
    session = Session
    peak_memory_factor: ClassVar = {"float32": 2.1, "uint8": 4.5}
