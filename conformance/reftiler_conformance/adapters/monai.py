"""MONAI: ``PatchInferer`` with ``SlidingWindowSplitter`` and ``AvgMerger``."""

from __future__ import annotations

import torch
from monai.inferers import AvgMerger, PatchInferer, SlidingWindowSplitter
from torch import Tensor

from reftiler_conformance.adapters.peers import moves
from reftiler_conformance.adapters.tensors import (
    FLOATS,
    NUMBERS,
    TorchPeer,
    TorchSession,
)
from reftiler_conformance.features import features
from reftiler_conformance.protocol import Unsupported

MODES = {
    "constant": "constant",
    "edge": "replicate",
    "reflect": "reflect",
    "wrap": "circular",
}


class Session(TorchSession):
    """A splitter, and an inferer whose network returns the given tiles."""

    def split(self, batch: Tensor) -> Tensor:
        """Collect the patches, (N, C, *T) each, image by image."""
        patches = [patch for patch, _ in self._splitter(batch)(batch)]
        return torch.stack(patches, 1).flatten(0, 1)

    def join(self, tiles: Tensor) -> Tensor:
        """Let the inferer merge what a network returns, patch by patch."""
        patches = self.by_image(tiles)
        image = torch.zeros(len(patches), 1, *self.case.size, device=tiles.device)
        results = iter(patches.unbind(1))
        inferer = PatchInferer(
            self._splitter(image),
            AvgMerger,
            value_dtype=tiles.dtype,
            device=tiles.device,
        )
        merged: Tensor = inferer(image, lambda _: next(results))
        return merged

    def _splitter(self, image: Tensor) -> SlidingWindowSplitter:
        case = self.case
        overlap = tuple(t - s for t, s in zip(case.tile, case.stride, strict=True))
        mode = None if case.mode == "drop" else MODES[case.pad_mode]
        splitter = SlidingWindowSplitter(
            case.tile, overlap, pad_mode=mode, pad_value=case.pad_value
        )
        self._check_padding(splitter.get_padded_shape(image))
        return splitter

    def _check_padding(self, padded: tuple[int, ...]) -> None:
        """Refuse what torch.nn.functional.pad, which is named, says it refuses."""
        case = self.case
        for length, frame in zip(case.size, padded, strict=True):
            most = {"reflect": length - 1, "wrap": length}.get(case.pad_mode, frame)
            if frame - length > most:
                raise Unsupported(f"{case.pad_mode} of {frame - length} on {length}")
        if case.pad_mode in ("reflect", "edge") and case.dtype not in FLOATS:
            raise Unsupported(f"{case.pad_mode} of {case.dtype}: torch's pad has none")


class Monai(TorchPeer):
    """MONAI; the quotations are of its docstrings."""

    name = package = "monai"
    claims = features(
        *("tile", "untile"),  # not "untile:cold": the inferer cuts what it merges
        *("rank:2", "rank:3", "channels", "batch"),  # "BCHW[D]"
        *("unequal", "overlap"),
        "mode:drop",  # pad_mode None: "it will drop the patches crossing the border"
        "mode:padding",  # if "the image is non-divisible by the patch_size"
        # Not "short": of images smaller than a patch nothing is said.
        # "the mode for torch.nn.functional.pad"
        *("pad:constant", "pad_value", "pad:edge", "pad:reflect", "pad:wrap"),
        "pad_side:end",  # at the start, only for a negative offset
        "merge:mean",  # "by taking average of the overlapping area"
        *("maps", "scale"),  # merged_shape is "based on ... the output patch shape"
        *(f"tile:{name}" for name in (*NUMBERS, "complex64")),  # "a torch.Tensor"
        *moves(*FLOATS),  # value_dtype; a network's output, which is divided in place
    )
    session = Session
