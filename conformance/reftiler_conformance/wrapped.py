"""The ready adapter: any class whose instances have ``tile`` and ``untile``."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import numpy.typing as npt

from reftiler_conformance.cases import Case
from reftiler_conformance.needs import needs_to_tile, needs_to_untile
from reftiler_conformance.protocol import Info, Unsupported

Array = npt.NDArray[Any]

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
        takes a second argument. What it claims stands in its attribute ``features``,
        or is `PLAIN`.
    """

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self._settings = set(inspect.signature(kind).parameters)

    def info(self) -> Info:
        """Say what the class says of itself."""
        module = self.kind.__module__.partition(".")[0]
        version = getattr(inspect.getmodule(self.kind), "__version__", "unknown")
        claimed = getattr(self.kind, "features", PLAIN)
        return Info(f"{module}.{self.kind.__qualname__}", str(version), claimed)

    def open(self, case: Case, device: str) -> WrappedSession:
        """Make an instance with the case's settings."""
        claimed = self.info().claimed
        missing = (needs_to_tile(case) | needs_to_untile(case)) - claimed
        settings = {
            name: value
            for name, value in case.settings().items()
            if name in self._settings
        }
        if device != "cpu" or missing - {f"tile:{case.dtype}", f"untile:{case.dtype}"}:
            raise Unsupported(", ".join(sorted(missing)) or device)
        return WrappedSession(self.kind(tile_size=case.tile, **settings), case)


class WrappedSession:
    """One instance, for one case."""

    def __init__(self, tiler: Any, case: Case) -> None:
        self.tiler, self.case = tiler, case
        self._told = len(inspect.signature(tiler.untile).parameters) > 1

    def tile(self, image: Array) -> Array:
        """Cut an image."""
        return _array(self.tiler.tile(image))

    def untile(self, tiles: Array) -> Array:
        """Merge tiles."""
        if self._told:
            return _array(self.tiler.untile(tiles, self.case.shape))
        return _array(self.tiler.untile(tiles))


def _array(result: Any) -> Array:
    """Return what can stand for an array as one; anything else as it is."""
    if hasattr(result, "__array__"):
        return np.asarray(result)
    found: Array = result
    return found
