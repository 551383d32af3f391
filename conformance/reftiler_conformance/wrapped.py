"""The ready adapter: any class whose instances have ``tile`` and ``untile``."""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import Any

import numpy as np

from reftiler_conformance.cases import Case
from reftiler_conformance.features import Features
from reftiler_conformance.peers.base import Array, PeerSession
from reftiler_conformance.protocol import Info

PLAIN = (
    "tile",
    "untile",
    "rank:2",
    "channels",
    "tile:float32",
    "untile:float32",
    "merge:mean",
    "overlap",
)
"""What a class claims that says nothing of itself."""


class Wrapped:
    """
    Asks a class made with ``tile_size`` and ``stride``, whatever else it may take.

    Parameters
    ----------
    kind
        A class. It is made with those of reftiler's settings that its constructor has
        by name. ``untile`` is called with the tiles, and with the image's shape if it
        needs a second argument or has one named ``shape``. What it claims stands in
        its attribute ``features``, or is `PLAIN`. Where it does not claim
        ``untile:cold``, it has always cut an image before it merges.
    """

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def info(self) -> Info:
        """Say what the class says of itself."""
        module = self.kind.__module__.partition(".")[0]
        version = getattr(inspect.getmodule(self.kind), "__version__", "unknown")
        claimed = getattr(self.kind, "features", PLAIN)
        return Info(f"{module}.{self.kind.__qualname__}", str(version), claimed)

    def open(self, case: Case, device: str) -> WrappedSession:
        """Prepare an instance with the case's settings."""
        return WrappedSession(self.kind, case, device, self.info().claimed)


class WrappedSession(PeerSession):
    """One instance, for one case; made when it is first asked."""

    def __init__(self, kind: Any, case: Case, device: str, claims: Features) -> None:
        super().__init__(case, device, claims)
        self.kind = kind

    @cached_property
    def tiler(self) -> Any:
        """The instance."""
        taken = inspect.signature(self.kind).parameters
        given = {k: v for k, v in self.case.settings().items() if k in taken}
        return self.kind(tile_size=self.case.tile, **given)

    def cut(self, image: Array) -> Array:
        """Cut an image."""
        return _array(self.tiler.tile(image))

    def merge(self, tiles: Array) -> Array:
        """Merge tiles."""
        if self._cut is None and "untile:cold" not in self.claims:
            self.tiler.tile(self.case.image().copy())
        if _wants_shape(self.tiler.untile):
            return _array(self.tiler.untile(tiles, self.case.shape))
        return _array(self.tiler.untile(tiles))


def _wants_shape(untile: Any) -> bool:
    taken = inspect.signature(untile).parameters
    needed = [p for p in taken.values() if p.default is p.empty]
    return len(needed) > 1 or "shape" in taken


def _array(result: Any) -> Array:
    """Return what can stand for an array as one; anything else as it is."""
    if hasattr(result, "__array__"):
        return np.asarray(result)
    found: Array = result
    return found
