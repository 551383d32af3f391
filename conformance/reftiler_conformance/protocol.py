"""What a tiler must offer to be asked: an adapter of a few lines.

An adapter is a `Subject`: it says what the tiler claims, and opens a fresh session for
every case, since some tilers keep state. Arrays are numpy's both ways. An adapter
transposes and renames; it never repairs a value.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

from reftiler_conformance.cases import Case
from reftiler_conformance.features import Features, features

Array = npt.NDArray[Any]


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
        Words of `reftiler_conformance.features.FEATURES`; ``"mode:*"`` means all that
        begin with ``mode:``.
    devices
        Where it can run, such as ``("cpu", "cuda")``.
    versions
        Of what else matters, such as ``{"torch": "2.13.0"}``.
    """

    name: str
    version: str
    features: Collection[str]
    devices: tuple[str, ...] = ("cpu",)
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", features(*self.features))

    @property
    def claimed(self) -> Features:
        """What the subject claims, every word written out."""
        return frozenset(self.features)


@runtime_checkable
class Session(Protocol):
    """
    One case's tiler. Methods of features that are not declared may be missing.

    The following are asked for only with their feature: ``out`` is a second argument
    by name of both verbs (``out``); ``view(image)`` gives the
    windows (``view``); ``grid()`` a mapping with ``starts``, ``boxes``, ``padding``,
    ``slices``, ``coverage`` and ``uncovered`` (``grid``); ``touching(mask)`` indices
    (``touching``); ``save()`` the JSON of the grid (``json``).
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
