"""MONAI: ``PatchInferer`` with ``SlidingWindowSplitter`` and ``AvgMerger``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import torch
from monai.inferers import AvgMerger, PatchInferer, SlidingWindowSplitter
from torch import Tensor

from reftiler_conformance.features import features
from reftiler_conformance.peers.base import Array, both
from reftiler_conformance.peers.tensors import (
    FLOATS,
    NUMBERS,
    TensorLibrary,
    TensorSession,
    to_array,
)
from reftiler_conformance.protocol import Unsupported

MODES = {
    "constant": "constant",
    "edge": "replicate",
    "reflect": "reflect",
    "wrap": "circular",
}


class Session(TensorSession):
    """A splitter, and an inferer whose network returns the given tiles."""

    def cut(self, image: Tensor) -> Any:
        """Collect the patches, (N, C, *T) each, and their places."""
        return list(self.splitter(image))

    def from_tiles(self, result: Any) -> Array:
        patches = [patch for patch, _ in result]
        return to_array(torch.stack(patches, 1).flatten(0, 1))

    def iter_tiles(self, result: Any) -> Iterator[Array]:
        patches = [to_array(patch) for patch, _ in result]
        for k in range(len(patches[0])):
            yield from (patch[k] for patch in patches)

    def to_tiles(self, tiles: Array) -> list[Tensor]:
        """Return patches of all images, (N, C, *T) each."""
        return list(self.by_image(super().to_tiles(tiles)).unbind(1))

    def merge(self, tiles: list[Tensor]) -> Any:
        """Let the inferer merge what a network returns, patch by patch."""
        image = torch.zeros(len(tiles[0]), 1, *self.case.size, device=self.device)
        results, options = iter(tiles), {}
        if self.case.result is not None:
            options["value_dtype"] = getattr(torch, self.case.result)
        inferer = PatchInferer(self.splitter, AvgMerger, device=self.device, **options)
        return inferer(image, lambda _: next(results))

    def tile_another(self, image: Array) -> None:
        list(self.splitter(self.to_image(image)))

    @cached_property
    def splitter(self) -> SlidingWindowSplitter:
        case = self.case
        mode = None if case.mode == "drop" else MODES[case.pad_mode]
        options = {"pad_value": case.pad_value} if mode == "constant" else {}
        splitter = SlidingWindowSplitter(
            case.tile, self.overlap, pad_mode=mode, **options
        )
        self._check_padding(splitter.get_padded_shape(self.empty))
        return splitter

    @property
    def empty(self) -> Tensor:
        """An image of the case's shape that takes no memory."""
        case = self.case
        return torch.zeros(()).expand(case.batch or 1, case.channels or 1, *case.size)

    def _check_padding(self, padded: tuple[int, ...]) -> None:
        """Refuse what torch.nn.functional.pad, which is named, says it refuses."""
        case = self.case
        for length, frame in zip(case.size, padded, strict=True):
            most = {"reflect": length - 1, "wrap": length}.get(case.pad_mode, frame)
            if frame - length > most:
                raise Unsupported(f"{case.pad_mode} of {frame - length} on {length}")
        if case.pad_mode in ("reflect", "edge") and case.dtype not in FLOATS:
            raise Unsupported(f"{case.pad_mode} of {case.dtype}: torch's pad has none")


class TimedSession(Session):
    """The inferer's parts, without a network between."""

    @cached_property
    def locations(self) -> list[Any]:
        """Where the splitter puts the patches."""
        return [location for _, location in self.splitter(self.empty)]

    def merge(self, tiles: list[Tensor]) -> Any:
        """Aggregate patches, in float32 because they are divided in place."""
        image = self.empty
        padded = (*image.shape[:2], *self.splitter.get_padded_shape(image))
        merger = AvgMerger(padded, image.shape, torch.float32, device=self.device)
        for patch, location in zip(tiles, self.locations, strict=True):
            merger.aggregate(patch, location)
        return merger.finalize()


class Monai(TensorLibrary):
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
        "result",  # value_dtype, "the dtype for ... the final result"
        *both(*FLOATS),  # a network's output, which is divided in place
    )
    session, timed_session = Session, TimedSession
