"""What every contender answers to, and what those of one kind of array share."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from reftiler.bench.workloads import Array, Workload
from reftiler.geometry import outer_product
from reftiler.tiler import Tiler
from reftiler.windows import axis_weights


class CannotError(Exception):
    """A contender cannot do a workload; the text says what it lacks."""


class Contender(ABC):
    """
    A tiler that is set up for one workload.

    `tile` and `untile` are timed and hold the library's own calls, on its own types;
    all else is preparation and reading, and is not.

    Raises
    ------
    CannotError
        If the library has no such setting.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    """What it is called where it is installed from."""

    ranks: ClassVar[tuple[int, ...]] = (2,)
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "uint8")
    windows: ClassVar[bool] = False
    borders: ClassVar[bool] = False
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    takes_out: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    """Whether its bits are to be the reference's."""

    geometry: ClassVar[Mapping[str, Any]] = {}
    """Where its tiles lie, in the reference's words, if that is not the default."""

    appetite: ClassVar[Mapping[str, float]] = {"float32": 1.5, "uint8": 3}
    """Its peak memory beyond its input, in sizes of all tiles, by dtype; as seen."""

    def __init__(self, work: Workload, device: str) -> None:
        self.work, self.device = work, device
        lacks = {
            f"not on {device}": device not in self.devices,
            "no volumes": work.rank not in self.ranks,
            f"no {work.dtype}": work.dtype not in self.dtypes,
            "no windows": work.window != "box" and not self.windows,
            "no border removal": bool(work.border) and not self.borders,
        }
        for what, lacking in lacks.items():
            if lacking:
                raise CannotError(what)
        self.tile_size = (work.tile,) * work.rank
        self.strides = (work.stride,) * work.rank

    @property
    def reference(self) -> Tiler:
        """The reference's tiler for the same work."""
        return self.work.tiler(self.geometry)

    @abstractmethod
    def tile(self, image: Any, out: Any) -> Any:
        """Cut an image; ``out`` is None unless `takes_out`."""

    @abstractmethod
    def untile(self, tiles: Any, out: Any) -> Any:
        """Merge tiles."""

    @abstractmethod
    def own(self, array: Array) -> Any:
        """Return an array as the library's type, on the device."""

    @abstractmethod
    def back(self, array: Any) -> Array:
        """Return the library's type as an array of the host."""

    def image(self, array: Array) -> Any:
        """Return images (N, C, *S) as the library takes them."""
        return self.own(array)

    def tiles(self, array: Array) -> Any:
        """Return tiles (N·K, C, *T) as the library takes them."""
        return self.own(array)

    def pieces(self, result: Any) -> Iterable[Array]:
        """Yield the tiles (C, *T) that were made, image-major."""
        yield from self.back(result)

    def whole(self, result: Any) -> Array:
        """Return the images (N, C, *S) that were merged."""
        return self.back(result)

    def is_list(self, result: Any) -> bool:
        """Tell whether a list came where an array might."""
        return isinstance(result, list)

    def settle(self) -> None:  # noqa: B027 - most have nothing to wait for
        """Wait until the device has done what it was told."""


class OnArrays(Contender):
    """A tiler of numpy arrays."""

    def own(self, array: Array) -> Array:
        """Return the array."""
        return array

    def back(self, array: Any) -> Array:
        """Return the array."""
        return np.asarray(array)


class OneByOne(OnArrays):
    """A tiler that knows no batches; its results stand in a list of ours."""

    def is_list(self, result: Any) -> bool:
        """Look at the first image's."""
        return isinstance(result[0], list)


def weights(work: Workload) -> Array:
    """Return the reference's window as the weights (*T) of one tile."""
    tiler, size = work.tiler({}), (work.tile,) * work.rank
    scaled = [profile / profile.max() for profile in axis_weights(tiler.window, size)]
    return outer_product(scaled)
