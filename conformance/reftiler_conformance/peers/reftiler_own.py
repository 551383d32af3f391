"""reftiler itself: in numpy, in torch, and in torch where autograd records."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

import reftiler
import reftiler.streaming
from reftiler_conformance.cases import Case
from reftiler_conformance.features import SWAPPED, features
from reftiler_conformance.finishes import finish_of
from reftiler_conformance.peers.base import Array, PeerLibrary, PeerSession, both
from reftiler_conformance.protocol import Info, Unsupported


class NumpyApi:
    """The reference's classes, on numpy arrays."""

    Tiler: Any = reftiler.Tiler
    Merger: Any = reftiler.streaming.Merger

    def array(self, array: Array) -> Any:
        return array

    weights = array

    def back(self, array: Any) -> Any:
        return array

    def dtype(self, name: str) -> Any:
        return np.dtype(name)


class TorchApi:
    """The torch backend's classes, on tensors of a device."""

    def __init__(self, device: str) -> None:
        import torch  # noqa: PLC0415 - only where it is asked

        import reftiler.torch.streaming  # noqa: PLC0415
        from reftiler_conformance.peers import tensors  # noqa: PLC0415

        self.torch, self.tensors, self.device = torch, tensors, device
        self.Tiler: Any = reftiler.torch.Tiler
        self.Merger: Any = partial(
            reftiler.streaming.Merger, arrays=reftiler.torch.streaming.TensorArrays()
        )

    def array(self, array: Array) -> Any:
        return self.tensors.to_tensor(array, self.device)

    weights = array  # of which no gradients are recorded

    def back(self, array: Any) -> Any:
        return self.tensors.to_array(array)

    def dtype(self, name: str) -> Any:
        return getattr(self.torch, name)


class RecordingApi(TorchApi):
    """The torch backend on tensors whose gradients are recorded."""

    def array(self, array: Array) -> Any:
        found = super().array(array)
        return found.requires_grad_() if found.is_floating_point() else found


class Session(PeerSession):
    """One tiler and one grid; whatever is claimed, nothing is refused."""

    def __init__(self, case: Case, device: str, api: Any, claims: Any) -> None:
        super().__init__(case, device, claims)
        self.to_image = self.to_tiles = api.array  # type: ignore[method-assign]
        self.from_tiles = self.from_image = api.back  # type: ignore[method-assign]
        self.api = api
        self.tiler = api.Tiler(case.tile, **case.settings())
        if case.random is not None:
            count, seed, align = case.random
            mask = None if case.inside is None else case.mask()
            marks = _given(inside=mask, share=case.share)
            self.grid_ = self.tiler.random(case.size, count, seed, align, **marks)
        elif case.starts is not None:
            self.grid_ = self.tiler.scatter(case.size, case.starts)
        else:
            self.grid_ = self.tiler.grid(case.size)
        if case.selection is not None:
            self.grid_ = self.grid_.select(case.selection)

    def cut(self, image: Any, out: Any = None) -> Any:
        return self.tiler.tile(image, grid=self.grid_, **_given(out=out))

    def merge(self, tiles: Any, out: Any = None) -> Any:
        case = self.case
        dtype = None if case.result is None else self.api.dtype(case.result)
        scale = case.scale or (case.scales if any(case.context) else None)
        options = _given(dtype=dtype, scale=scale, out=out)
        if case.weights is not None:
            options["weights"] = self.api.weights(case.pixel_weights())
        if case.finish:
            options["finish"] = self._finish
        return self.tiler.untile(tiles, case.shape, grid=self.grid_, **options)

    def _finish(self, block: Any) -> Any:
        """Return what the case makes of a block."""
        return self.api.array(finish_of(self.case)(self.api.back(block)))

    def cut_view(self, image: Any) -> Any:
        return self.tiler.view(image)

    def tile(self, image: Array, out: Array | None = None) -> Any:
        return self.api.back(self.cut(self.api.array(image), self._out(out)))

    def untile(self, tiles: Array, out: Array | None = None) -> Any:
        return self.api.back(self.merge(self.api.array(tiles), self._out(out)))

    def view(self, image: Array) -> Any:
        return self.api.back(self.cut_view(self.api.array(image)))

    def tile_another(self, image: Array) -> None:
        self.tiler.tile(self.api.array(image))

    def _out(self, out: Array | None) -> Any:
        return None if out is None else self.api.array(out)

    def grid(self) -> Mapping[str, Any]:
        grid = self.grid_
        slices = [grid.slices(k) for k in range(len(grid))]
        return {
            "starts": grid.starts,
            "boxes": grid.boxes,
            "padding": grid.padding,
            "slices": [[(s.start, s.stop) for s in sides] for sides in slices],
            "coverage": grid.coverage(),
            "uncovered": grid.uncovered,
        }

    def touching(self, mask: Array) -> Array:
        return np.asarray(self.grid_.touching(mask))

    def save(self) -> Any:
        return self.grid_.to_json()


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


class Numpy(PeerLibrary):
    """The reference."""

    name = package = "reftiler"
    claims = features("*")
    session: ClassVar[Any] = Session

    def open(self, case: Case, device: str) -> Any:
        return self.session(case, device, self.session_api(device), self.claims)

    def api(self, device: str) -> Any:
        return NumpyApi()

    def session_api(self, device: str) -> Any:
        """Return the classes that sessions use."""
        return self.api(device)


_NOT_IN_TORCH = ("datetime64[ns]", "timedelta64[s]", "S5", "V3", "U2", "u1,>f4")


class Torch(Numpy):
    """The torch backend, on each device that there is."""

    name = "reftiler.torch"
    other_packages = ("numpy", "torch")
    timed_on_cuda = True
    claims = features("*", *both("bfloat16")) - {*both(*_NOT_IN_TORCH, *SWAPPED)}

    def info(self) -> Info:
        """Import torch now: cases are waited for less long than for this."""
        importlib.import_module("reftiler.torch")
        return super().info()

    def devices(self) -> tuple[str, ...]:
        return ("cpu", "cuda")

    def open(self, case: Case, device: str) -> Any:
        import torch  # noqa: PLC0415 - only where it is asked

        if device == "cuda" and not torch.cuda.is_available():
            raise Unsupported("there is no CUDA device here")
        return super().open(case, device)

    def api(self, device: str) -> Any:
        return TorchApi(device)


_RECORDED = ("float16", "float32", "float64", "bfloat16", "complex64")


class TorchAutograd(Torch):
    """The torch backend where autograd records, which takes other bodies."""

    name = "reftiler.torch, autograd"
    claims: ClassVar[Any] = (
        Torch.claims - features("tile:*", "untile:*", "out", "api")
    ) | ({"untile:cold", *both(*_RECORDED)} & Torch.claims)

    def session_api(self, device: str) -> Any:
        return RecordingApi(device)
