"""The default adapter: any class whose instances have ``tile`` and ``untile``."""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import Any

import numpy as np

from reftiler_conformance.cases import Case
from reftiler_conformance.features import Features
from reftiler_conformance.peers.base import Array, PeerSession, both
from reftiler_conformance.protocol import Info

PLAIN = (
    *("tile", "untile", "rank:2", "channels"),
    *both("float32", "float64"),  # by float64, sums in float32 show
    *("merge:mean", "overlap"),
)
"""What a class claims that says nothing of itself."""

_BY_ADAPTER = {
    *("scale", "result", "grid", "touching", "scatter", "random", "select"),
    *("align", "context", "json", "api", "weights"),
}
"""What a class as it is cannot be asked: there is no one way to call it."""

_GIVEN = ("tile_size", "overlap", *Case((1,), (1,), (1,)).settings())
"""What a constructor is given, by name."""


class Wrapped:
    """Asks a class as it is.

    It is made with the tile size, by the name ``tile_size`` or first, and with those of
    reftiler's settings that its constructor has. What it claims stands in its attribute
    ``features``, or is `PLAIN`; without ``untile:cold`` it cuts before it merges.
    """

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def info(self) -> Info:
        """Say what the class claims; raise `TypeError` if it lacks that."""
        module = self.kind.__module__.partition(".")[0]
        version = str(getattr(inspect.getmodule(self.kind), "__version__", "unknown"))
        name = f"{module}.{self.kind.__qualname__}"
        stated = getattr(self.kind, "features", None)
        claimed = Info(name, version, PLAIN if stated is None else stated).claimed
        lacking = {word: why for word in claimed if (why := self._lacks(word))}
        if stated is not None and lacking:
            word, why = min(lacking.items())
            raise TypeError(f"{name} claims {word}, and has no {why}")
        needed = _needed(self.kind)
        first = () if "tile_size" in _taken(self.kind) else needed[:1]
        if unknown := [word for word in needed if word not in (*_GIVEN, *first)]:
            raise TypeError(
                f"{name} is made with {', '.join(unknown)}, of which the kit knows "
                "nothing: write an adapter, as ADAPTERS.md shows"
            )
        return Info(name, version, claimed - set(lacking))

    def _lacks(self, feature: str) -> str:
        """Return what the class lacks for a feature, by its own signatures."""
        method = feature.partition(":")[0]
        if method in ("untile", "view") and not hasattr(self.kind, method):
            return f"method {method}"
        if feature == "overlap" and _taken(self.kind).isdisjoint(("stride", "overlap")):
            return "stride or overlap that it is made with"
        return "adapter, which that needs" if method in _BY_ADAPTER else ""

    def open(self, case: Case, device: str) -> WrappedSession:
        """Prepare an instance with the case's settings."""
        return WrappedSession(self.kind, case, device, self.info().claimed)


class WrappedSession(PeerSession):
    """One instance, for one case; made when it is first asked."""

    def __init__(self, kind: Any, case: Case, device: str, claims: Features) -> None:
        super().__init__(case, device, claims)
        self.kind = kind
        self._out: dict[str, Array] = {}

    @cached_property
    def tiler(self) -> Any:
        """The instance."""
        case, taken = self.case, _taken(self.kind)
        given = {"tile_size": case.tile, **case.settings()}
        if "stride" not in taken:
            given["overlap"] = self.overlap
        options = {name: value for name, value in given.items() if name in taken}
        first = () if "tile_size" in taken else (case.tile,)
        return self.kind(*first, **options)

    def tile(self, image: Array, **out: Array) -> Array:
        """Cut an image, into ``out`` if that is claimed."""
        self._out = out
        return super().tile(image)

    def untile(self, tiles: Array, **out: Array) -> Array:
        """Merge tiles, into ``out`` if that is claimed."""
        self._out = out
        return super().untile(tiles)

    def view(self, image: Array) -> Array:
        """Show the windows, if that is claimed."""
        return _array(self.tiler.view(image))

    def cut(self, image: Array) -> Array:
        """Cut an image."""
        return _array(self.tiler.tile(image, **self._out))

    def merge(self, tiles: Array) -> Array:
        """Merge tiles."""
        if self._cut is None and "untile:cold" not in self.claims:
            self._cut = _array(self.tiler.tile(self.case.image().copy()))
        untile = self.tiler.untile
        named = "shape" in inspect.signature(untile).parameters
        shape = (self.case.shape,) if named or len(_needed(untile)) > 1 else ()
        return _array(untile(tiles, *shape, **self._out))

    def tile_another(self, image: Array) -> None:
        """Cut an image of another size with the same instance."""
        self.tiler.tile(image)


def _taken(kind: Any) -> set[str]:
    """Return the names that a constructor takes; ``**`` takes the plainest."""
    parameters = inspect.signature(kind).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return {*parameters, "tile_size", "stride"}
    return set(parameters)


def _needed(call: Any) -> list[str]:
    """Return the names of the arguments that a call cannot do without."""
    taken = inspect.signature(call).parameters.values()
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in taken if p.default is p.empty and p.kind not in kinds]


def _array(result: Any) -> Array:
    """Return what can stand for an array as one; anything else as it is."""
    if hasattr(result, "__array__"):
        return np.asarray(result)
    found: Array = result
    return found
