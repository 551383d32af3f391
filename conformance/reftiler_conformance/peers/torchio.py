"""TorchIO: ``GridSampler`` and ``GridAggregator``."""

from __future__ import annotations

from typing import Any

import torch
import torchio
from torch import Tensor
from torchio import GridAggregator, GridSampler, ScalarImage, Subject

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
    """A sampler of one volume, and an aggregator of its patches."""

    def cut(self, image: Tensor) -> Any:
        return [patch["image"][torchio.DATA] for patch in self._sampler(image[0])]

    def from_tiles(self, result: Any) -> Array:
        return super().from_tiles(torch.stack(result))

    def merge(self, tiles: Tensor) -> Any:
        """Aggregate by average, with the sampler of an empty volume."""
        scale = set(self.case.scales).pop()
        if scale.numerator != 1:
            raise Unsupported(f"scale {scale}: only a downsampling_factor")
        sampler = self._sampler(torch.zeros(1, *self.case.size))
        aggregator = GridAggregator(sampler, "average", scale.denominator)
        aggregator.add_batch(tiles, torch.as_tensor(sampler.locations))
        merged: Tensor = aggregator.get_output_tensor()
        return merged[None]

    def _sampler(self, volume: Tensor) -> GridSampler:
        if any(pixels % 2 for pixels in self.overlap):
            raise Unsupported('an odd overlap: it takes "even integers"')
        subject = Subject(image=ScalarImage(tensor=volume))
        return GridSampler(subject, self.case.tile, self.overlap)


class TorchIO(TensorLibrary):
    """TorchIO; the quotations are of its docstrings."""

    name = package = "torchio"
    claims = features(
        *("tile", "untile"),  # not "untile:cold": the aggregator takes the sampler
        *("rank:3", "channels"),  # "dimensions (C, W, H, D)", one volume
        *("unequal", "overlap"),  # "tuple of integers"
        "mode:clamp",  # without padding_mode; with one, both sides get half an overlap
        "merge:mean",  # overlap_mode "average"
        # Not "window:hann": torch.hann_window(t + 2) without its zeros is another.
        "maps",
        "scale",  # downsampling_factor, "the same ... to all spatial dimensions"
        *(f"tile:{name}" for name in NUMBERS),  # "4D torch.Tensor": no restriction
        # ScaledGrid int64 warns that it casts to int32; bool would need merge:any.
        *both("uint8", "int8", "int16", "int32", *FLOATS),
        # Not "short": refused; not "pad:…": it pads by the overlap, not to fit.
    )
    session = Session

    def devices(self) -> tuple[str, ...]:
        """Return the host: the aggregator moves all batches there."""
        return ("cpu",)
