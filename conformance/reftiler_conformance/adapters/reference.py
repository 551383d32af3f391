"""reftiler itself, in numpy and in torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

import reftiler
from reftiler_conformance.cases import Case
from reftiler_conformance.definition import BFLOAT16
from reftiler_conformance.features import SWAPPED, features
from reftiler_conformance.protocol import Info, Unsupported

Array = npt.NDArray[Any]


class NumpyApi:
    """The reference's classes, on numpy arrays."""

    Tiler: Any = reftiler.Tiler

    def array(self, array: Array) -> Any:
        """Return the array."""
        return array

    def back(self, array: Any) -> Array:
        """Return the array."""
        found: Array = array
        return found

    def dtype(self, name: str) -> Any:
        """Return numpy's dtype."""
        return np.dtype(name)


class TorchApi:
    """The twin's classes, on tensors of a device."""

    def __init__(self, device: str) -> None:
        import torch  # noqa: PLC0415 - only where it is asked

        import reftiler.torch  # noqa: PLC0415

        self.torch, self.device = torch, device
        self.Tiler: Any = reftiler.torch.Tiler

    def array(self, array: Array) -> Any:
        """Return a tensor of the array's bits, on its memory where it is the host's."""
        if array.dtype == BFLOAT16:
            bits = self.torch.from_numpy(array["bfloat16"])
            return bits.view(self.torch.bfloat16).to(self.device)
        return self.torch.from_numpy(array).to(self.device)

    def back(self, array: Any) -> Array:
        """Return an array of the tensor's bits, on its memory if that is the host's."""
        host = array.detach().cpu()
        if host.dtype == self.torch.bfloat16:
            bits: Array = host.view(self.torch.uint16).numpy().view(BFLOAT16)
            return bits
        found: Array = host.numpy()
        return found

    def dtype(self, name: str) -> Any:
        """Return torch's dtype."""
        return getattr(self.torch, name)


class Session:
    """One tiler and one grid."""

    def __init__(self, api: Any, case: Case) -> None:
        self.api, self.case = api, case
        self.tiler = api.Tiler(case.tile, **case.settings())
        self.grid_ = self._grid()

    def _grid(self) -> Any:
        case = self.case
        if case.random is not None:
            count, seed, align = case.random
            return self.tiler.random(case.size, count, seed, align)
        if case.starts is not None:
            return self.tiler.scatter(case.size, case.starts)
        return self.tiler.grid(case.size)

    def tile(self, image: Array, out: Array | None = None) -> Array:
        """Cut an image."""
        given = self.api.array(image)
        options = {} if out is None else {"out": self.api.array(out)}
        found: Array = self.api.back(self.tiler.tile(given, grid=self.grid_, **options))
        return found

    def untile(self, tiles: Array, out: Array | None = None) -> Array:
        """Merge tiles."""
        case, options = self.case, {}
        if case.result is not None:
            options["dtype"] = self.api.dtype(case.result)
        if case.scale:
            options["scale"] = case.scale
        if out is not None:
            options["out"] = self.api.array(out)
        given = self.api.array(tiles)
        merged = self.tiler.untile(given, case.shape, grid=self.grid_, **options)
        found: Array = self.api.back(merged)
        return found

    def view(self, image: Array) -> Array:
        """Show the windows."""
        found: Array = self.api.back(self.tiler.view(self.api.array(image)))
        return found

    def grid(self) -> Mapping[str, Any]:
        """Tell where the tiles lie."""
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
        """Tell which tiles hold a marked pixel."""
        found: Array = np.asarray(self.grid_.touching(mask))
        return found

    def save(self) -> str:
        """Return the JSON of the grid."""
        text: str = self.grid_.to_json()
        return text


class Numpy:
    """The reference."""

    def info(self) -> Info:
        """Claim everything but what numpy has no dtype for."""
        claimed = features("*") - {"tile:bfloat16", "untile:bfloat16"}
        return Info("reftiler", reftiler.__version__, claimed, versions=_versions())

    def open(self, case: Case, device: str) -> Session:
        """Make a tiler."""
        return Session(NumpyApi(), case)

    def api(self, device: str) -> NumpyApi:
        """Return the classes."""
        return NumpyApi()


class Torch:
    """The twin in torch, on each device that there is."""

    def info(self) -> Info:
        """Claim everything but the dtypes that torch has not."""
        import torch  # noqa: PLC0415 - only where it is asked

        strange = {"datetime64[ns]", "timedelta64[s]", "S5", "V3", "U2", "u1,>f4"}
        gone = {
            f"{verb}:{d}" for verb in ("tile", "untile") for d in (*strange, *SWAPPED)
        }
        return Info(
            "reftiler.torch",
            reftiler.__version__,
            features("*") - gone,
            ("cpu", "cuda"),
            _versions() | {"torch": str(torch.__version__)},
        )

    def open(self, case: Case, device: str) -> Session:
        """Make a tiler, if there is such a device."""
        if device == "cuda" and not _has_cuda():
            raise Unsupported("there is no CUDA device here")
        return Session(TorchApi(device), case)

    def api(self, device: str) -> TorchApi:
        """Return the classes."""
        return TorchApi(device)


class RecordingApi(TorchApi):
    """The twin on tensors whose gradients are recorded: its functional bodies."""

    def array(self, array: Array) -> Any:
        """Return a tensor that requires its gradient."""
        return super().array(array).requires_grad_()


class TorchAutograd(Torch):
    """The twin where autograd records, which takes other bodies of the verbs."""

    def info(self) -> Info:
        """Claim what gradients can flow through."""
        info = super().info()
        floats = {"float16", "float32", "float64", "bfloat16", "complex64"}
        gone = {
            word
            for word in info.claimed
            for verb, _, dtype in [word.partition(":")]
            if verb in ("tile", "untile") and dtype not in {*floats, "", "cold"}
        }
        gone |= {"out", "api"}
        return replace(
            info, name="reftiler.torch, autograd", features=info.claimed - gone
        )

    def open(self, case: Case, device: str) -> Session:
        """Make a tiler."""
        if device == "cuda" and not _has_cuda():
            raise Unsupported("there is no CUDA device here")
        return Session(RecordingApi(device), case)


def _has_cuda() -> bool:
    import torch  # noqa: PLC0415 - only where it is asked

    return torch.cuda.is_available()


def _versions() -> dict[str, str]:
    return {"numpy": np.__version__}
