"""What a tiler must offer to be asked: an adapter of a few lines.

An adapter is a `Subject`: it says what the tiler claims, and opens a fresh session for
every case, since some tilers keep state. Arrays are numpy's both ways. An adapter
transposes and renames; it never repairs a value.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from reftiler_conformance.cases import Array, Case
from reftiler_conformance.features import Features, features


class Unsupported(Exception):  # noqa: N818 - it is an answer, no error
    """Raised by an adapter: the tiler does not claim to do what the case asks."""


@dataclass(frozen=True)
class Info:
    """
    Who the subject is and what it claims.

    Parameters
    ----------
    name, version
        As its makers call it.
    features
        Words of `reftiler_conformance.features.FEATURES`, as a collection or in one
        text with spaces between; ``"mode:*"`` means all that begin with ``mode:``.
    devices
        Where it can run, such as ``("cpu", "cuda")``.
    versions
        Of what else matters, such as ``{"torch": "2.13.0"}``.
    """

    name: str
    version: str
    features: Collection[str] | str
    devices: tuple[str, ...] = ("cpu",)
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        words = self.features
        words = words.split() if isinstance(words, str) else words
        object.__setattr__(self, "features", features(*words))

    @property
    def claimed(self) -> Features:
        """What the subject claims, every word written out."""
        return frozenset(self.features)


@runtime_checkable
class Session(Protocol):
    """
    One case's tiler.

    Further methods are called only where the feature in brackets is claimed:
    ``tile(image, out=array)`` and ``untile(tiles, out=array)`` (``out``);
    ``view(image)``, the windows (``view``); ``grid()``, a mapping with ``starts``,
    ``boxes``, ``padding``, ``slices``, ``coverage`` and ``uncovered`` (``grid``);
    ``touching(mask)``, the indices of tiles (``touching``); ``save()``, the JSON of
    the grid (``json``). ``tile_another(image)`` is called wherever it is there: it cuts
    an image of another size with the very tiler that the other methods use, as users
    of one tiler for many images do; what it returns is not looked at.
    """

    def tile(self, image: Array, /) -> Array:
        """Cut an image that has the case's shape."""
        ...

    def untile(self, tiles: Array, /) -> Array:
        """Merge tiles; the case says the shape, the scale and the result's dtype."""
        ...


class Subject(Protocol):
    """A tiler that can be asked."""

    def info(self) -> Info:
        """Say who it is and what it claims; called once."""
        ...

    def open(self, case: Case, device: str) -> Session:
        """Make a fresh tiler for a case; raise `Unsupported` if it claims no such."""
        ...


class Api(Protocol):
    """What a subject with the feature ``api`` returns from ``api(device)``."""

    Tiler: Any

    def array(self, array: Array) -> Any:
        """Return a numpy array as the subject's own kind of array."""
        ...

    def back(self, array: Any) -> Array:
        """Return the subject's own kind of array as a numpy array."""
        ...

    def dtype(self, name: str) -> Any:
        """Return the subject's own dtype of a name."""
        ...
