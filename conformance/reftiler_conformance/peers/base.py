"""What all libraries share: the library's own calls, and how arrays reach them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

import reftiler
from reftiler_conformance.cases import Case
from reftiler_conformance.features import Features
from reftiler_conformance.needs import needs_to_tile, needs_to_untile
from reftiler_conformance.protocol import Info, Unsupported

Array = npt.NDArray[Any]


class PeerSession(ABC):
    """A library's tiler, set up for one case.

    ``cut`` and ``merge`` make the library's own calls, on its own types, and alone are
    timed; ``to_...`` and ``from_...`` convert. What the features cannot say,
    ``check_cut`` and ``check_merge`` refuse by `Unsupported`.
    """

    def __init__(self, case: Case, device: str, claims: Features) -> None:
        self.case, self.device, self.claims = case, device, claims
        self._cut: Array | None = None

    @abstractmethod
    def cut(self, image: Any) -> Any:
        """Cut the case's image, as the library's users do."""

    @abstractmethod
    def merge(self, tiles: Any) -> Any:
        """Merge the case's tiles, as the library's users do."""

    def to_image(self, image: Array) -> Any:
        """Return an image as `cut` takes it."""
        return image

    def to_tiles(self, tiles: Array) -> Any:
        """Return tiles as `merge` takes them."""
        return tiles

    def from_tiles(self, result: Any) -> Any:
        """Return what `cut` gives as one array."""
        return result

    def from_image(self, result: Any) -> Any:
        """Return what `merge` gives as an array."""
        return result

    def iter_tiles(self, result: Any) -> Iterator[Array]:
        """Yield each tile of what `cut` gives, on the memory that the library has."""
        yield from self.from_tiles(result)

    def check_cut(self) -> None:  # noqa: B027 - most have nothing to refuse
        """Refuse a case that the library does not claim to cut."""

    def check_merge(self, tiles: Array) -> None:  # noqa: B027
        """Refuse tiles that the library does not claim to merge."""

    @property
    def overlap(self) -> tuple[int, ...]:
        """How many pixels neighbouring tiles share along each axis."""
        sides = zip(self.case.tile, self.case.stride, strict=True)
        return tuple(tile - step for tile, step in sides)

    def tile(self, image: Array) -> Array:
        verbs = ("tile", "untile", "merge:")
        settings = {w for w in needs_to_untile(self.case) if not w.startswith(verbs)}
        self._require_claimed(needs_to_tile(self.case) | settings)
        if image.shape != self.case.shape:  # many tilers are made for one size
            raise Unsupported(f"an image {image.shape}, not {self.case.shape}")
        self.check_cut()
        tiles: Array = self.from_tiles(self.cut(self.to_image(image)))
        self._cut = tiles
        return tiles

    def untile(self, tiles: Array) -> Array:
        self._require_claimed(needs_to_untile(self.case))
        self.check_merge(tiles)
        merged: Array = self.from_image(self.merge(self.to_tiles(tiles)))
        return merged

    def _require_claimed(self, needed: Features) -> None:
        if missing := sorted(needed - self.claims):
            raise Unsupported(", ".join(missing))

    def require_round_trip(self, tiles: Array, reason: str) -> None:
        """Refuse tiles that overlap, unless they are those that were cut."""
        own = self._cut is not None and self._cut.tobytes() == tiles.tobytes()
        if self.case.stride != self.case.tile and not own:
            raise Unsupported(reason)


class PeerLibrary(ABC):
    """A library that tiles; a subclass says who it is and what it claims."""

    name: ClassVar[str]
    package: ClassVar[str]  # what it is called where it is installed from
    other_packages: ClassVar[tuple[str, ...]] = ("numpy",)  # that matter too
    claims: ClassVar[Features]
    session: ClassVar[type[PeerSession]]
    # What the benchmark times, where its users would call it otherwise.
    timed_session: ClassVar[type[PeerSession] | None] = None
    timed_on_cuda: ClassVar[bool] = False  # both calls run there
    # Its peak beyond its input, in sizes of all tiles, by dtype; measured.
    peak_memory_factor: ClassVar[Mapping[str, float]] = {"float32": 1.5, "uint8": 3}

    def info(self) -> Info:
        beneath = {
            package: metadata.version(package) for package in self.other_packages
        }
        who = self.name, self.version()
        return Info(*who, self.claims, self.devices(), beneath)

    def version(self) -> str:
        if self.package == "reftiler":  # it may run from a folder, not installed
            return reftiler.__version__
        return metadata.version(self.package)

    def devices(self) -> tuple[str, ...]:
        return ("cpu",)

    def open(self, case: Case, device: str) -> PeerSession:
        return self.session(case, device, self.claims)


def both(*dtypes: str) -> tuple[str, ...]:
    """Return the features of tiling and of untiling these dtypes."""
    return tuple(f"{verb}:{name}" for verb in ("tile", "untile") for name in dtypes)


def tile_weights(window: Any, case: Case) -> Array:
    """Return the weights of a custom window, of which only the ratios matter."""
    weights = np.ones(())
    for profile in window:
        weights = np.multiply.outer(weights, np.array(profile) / max(profile))
    assert weights.shape == case.tile
    return weights
