"""What the adapters of other tilers share: they ask only for what is claimed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from reftiler_conformance.cases import Case
from reftiler_conformance.features import Features
from reftiler_conformance.needs import needs_to_tile, needs_to_untile
from reftiler_conformance.protocol import Info, Unsupported

Array = npt.NDArray[Any]


class PeerSession(ABC):
    """
    One case of another library's tiler.

    A subclass makes the library's own calls in ``cut`` and ``merge``. They are reached
    only with what the library claims; what `Features` cannot say, they refuse by
    `Unsupported` themselves.
    """

    def __init__(self, case: Case, device: str, claims: Features) -> None:
        self.case, self.device, self.claims = case, device, claims
        self._cut: Array | None = None

    @abstractmethod
    def cut(self, image: Array) -> Array:
        """Cut the case's image, as the library's users do."""

    @abstractmethod
    def merge(self, tiles: Array) -> Array:
        """Merge the case's tiles, as the library's users do."""

    def tile(self, image: Array) -> Array:
        """Cut an image, if that is claimed, and no other setting is unclaimed."""
        settings = {word for word in needs_to_untile(self.case) if _is_setting(word)}
        unless_claimed(needs_to_tile(self.case) | settings, self.claims)
        self._cut = self.cut(image)
        return self._cut

    def untile(self, tiles: Array) -> Array:
        """Merge tiles, if that is claimed."""
        unless_claimed(needs_to_untile(self.case), self.claims)
        return self.merge(tiles)

    def only_back(self, tiles: Array, why: str) -> None:
        """Refuse tiles that overlap, unless they are those that were cut."""
        own = self._cut is not None and self._cut.tobytes() == tiles.tobytes()
        if self.case.stride != self.case.tile and not own:
            raise Unsupported(why)


class Peer(ABC):
    """A library that tiles; a subclass fills in who it is and what it claims."""

    name: ClassVar[str]
    package: ClassVar[str]
    """What it is called where it is installed from."""

    beside: ClassVar[tuple[str, ...]] = ("numpy",)
    """The packages whose versions matter too."""

    claims: ClassVar[Features]
    session: ClassVar[type[PeerSession]]

    def info(self) -> Info:
        """Say who it is and what it claims."""
        return Info(
            self.name,
            version(self.package),
            self.claims,
            self.devices(),
            {package: version(package) for package in self.beside},
        )

    def devices(self) -> tuple[str, ...]:
        """Return where it can run."""
        return ("cpu",)

    def open(self, case: Case, device: str) -> PeerSession:
        """Make a fresh tiler for a case."""
        return self.session(case, device, self.claims)


def _is_setting(feature: str) -> bool:
    return not feature.startswith(("tile", "untile", "merge:"))


def unless_claimed(needed: Features, claims: Features) -> None:
    """Raise `Unsupported`, and name the features, if some are not claimed."""
    if missing := sorted(needed - claims):
        raise Unsupported(", ".join(missing))


def moves(*names: str) -> tuple[str, ...]:
    """Return the features of tiling and merging these dtypes."""
    return tuple(f"{verb}:{name}" for verb in ("tile", "untile") for name in names)


def outer(window: Any, case: Case) -> Array:
    """Return the weights of a custom window, of which only the ratios matter."""
    weights = np.ones(())
    for profile in window:
        weights = np.multiply.outer(weights, np.array(profile) / max(profile))
    assert weights.shape == case.tile
    return weights
