"""Arrays as tensors and back, for libraries that are made with torch."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from reftiler_conformance.oracle import BFLOAT16
from reftiler_conformance.peers.base import Array, PeerLibrary, PeerSession
from reftiler_conformance.protocol import Unsupported

FLOATS = ("float16", "bfloat16", "float32", "float64")

# Without unsigned integers of more than 8 bits, which torch itself calls limited.
NUMBERS = ("bool", "uint8", "int8", "int16", "int32", "int64", *FLOATS)


class TensorLibrary(PeerLibrary):
    """A library that tiles tensors."""

    other_packages: ClassVar[tuple[str, ...]] = ("torch", "numpy")
    timed_on_cuda = True

    def devices(self) -> tuple[str, ...]:
        return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


class TensorSession(PeerSession):
    """One case of a tiler of batches, (N, C, *S); one image is a batch of one."""

    def to_image(self, image: Array) -> Any:
        batch = to_tensor(image, self.device)
        return batch if self.case.batch else batch[None]

    def to_tiles(self, tiles: Array) -> Any:
        return to_tensor(tiles, self.device)

    def from_tiles(self, result: Any) -> Array:
        return to_array(result)

    def from_image(self, result: Any) -> Array:
        return to_array(result if self.case.batch else result[0])

    def check_merge(self, tiles: Array) -> None:
        if self.case.depth is None:
            raise Unsupported("tiles without channels")

    def by_image(self, tiles: Tensor) -> Tensor:
        return tiles.reshape(self.case.batch or 1, -1, *tiles.shape[1:])


class AnomalibSession(TensorSession):
    """A tiler of anomalib's interface, which remembers what it cut."""

    kind: ClassVar[Any]
    has_cut = False

    @cached_property
    def tiler(self) -> Any:
        case = self.case
        if len(set(case.borders)) > 1:
            raise Unsupported("borders that differ by axis: remove_border_count is int")
        # In any other mode the tiles fill the image exactly, and no mode matters.
        mode = case.mode if case.mode == "interpolation" else "padding"
        return self.kind(case.tile, case.stride, case.borders[0], mode)

    def cut(self, image: Tensor) -> Any:
        self.has_cut = True
        return self.tiler.tile(image)

    def to_tiles(self, tiles: Array) -> Tensor:
        """Return tiles; the tiler first cuts an empty image if it has cut none."""
        given = to_tensor(tiles, self.device)
        if not self.has_cut:
            case = self.case
            self.check_cut()
            shape = (case.batch or 1, case.channels or 1, *case.size)
            self.cut(
                torch.zeros((), dtype=given.dtype, device=self.device).expand(shape)
            )
        return given

    def merge(self, tiles: Tensor) -> Any:
        return self.tiler.untile(tiles)

    def tile_another(self, image: Array) -> None:
        self.tiler.tile(self.to_image(image))


def to_tensor(array: Array, device: str) -> Tensor:
    """Return a tensor on an array's memory, if that can be; or raise `Unsupported`."""
    if any(step < 0 or step % array.itemsize for step in array.strides):
        raise Unsupported("strides that no tensor has")
    if not array.flags.aligned:  # of complex128 torch ends the process
        raise Unsupported("memory that is not aligned, as no tensor's is")
    if array.dtype == BFLOAT16:
        return to_tensor(array["bfloat16"], device).view(torch.bfloat16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of arrays that are read-only
        return torch.from_numpy(array).to(device)


def to_array(tensor: Tensor) -> Array:
    """Return an array of a tensor's bits, on its memory where that is the host's."""
    host = tensor.detach().cpu()
    if host.dtype == torch.bfloat16:
        return host.view(torch.uint16).numpy().view(BFLOAT16)
    found: Array = np.asarray(host)
    return found
