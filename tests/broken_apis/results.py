"""Tilers that take the wrong arrays, or cut, merge, show and write wrongly."""

from __future__ import annotations

from typing import Any

import numpy as np

import reftiler.torch
from reftiler import Grid, Tiler
from reftiler.streaming import Merger
from reftiler_conformance.peers.reftiler_own import NumpyApi, TorchApi
from tests.broken_apis.table import (
    Broken,
    does,
    names,
    raises,
    reads,
    refuse,
    returns,
    says,
    takes,
    wishes,
)

LONG = np.dtype("longdouble").name
"""Some platforms have no floats longer than float64."""


def clamps(self: Tiler, tiles: Any, *given: Any, **named: Any) -> Any:
    plain = wishes(lambda _: {"mode": "padding"}).from_other(self)
    return Tiler.untile(plain, tiles, *given, **named)


def sums_in_single(self: Tiler, tiles: Any, *given: Any, **named: Any) -> Any:
    if tiles.dtype != np.float64:
        return Tiler.untile(self, tiles, *given, **named)
    single = Tiler.untile(self, tiles.astype(np.float32), *given, **named)
    return single.astype(named.get("dtype", np.float64))


def cuts_evenly(self: Tiler, image: Any, *, grid: Any = None, **named: Any) -> Any:
    clamp = grid is None and self.mode == "clamp"
    even = Tiler(self.tile_size, self.stride, mode="even") if clamp else self
    return Tiler.tile(even, image, grid=grid, **named)


def shows_to_write(shown: Any, _: Any, image: Any) -> Any:
    return np.lib.stride_tricks.as_strided(image, shown.shape, shown.strides)


def locks_the_image(shown: Any, _: Any, image: Any) -> Any:
    image.flags.writeable = False
    return shown


def applies(**changes: Any) -> type[Tiler]:
    """Return tilers whose `apply` runs otherwise: ``model(model, batch_size)``."""

    def apply(
        self: Tiler, model: Any, image: Any, *, batch_size: int, grid: Any
    ) -> Any:
        model = changes.get("model", lambda m, _: m)(model, batch_size)
        size = changes.get("size", int)(batch_size)
        return Tiler.apply(self, model, image, batch_size=size, grid=grid)

    return does(apply=apply)


def forgets_the_rest(model: Any, size: int) -> Any:
    """Return a model that is not asked about a last batch that is short."""
    return lambda tiles: model(tiles) if len(tiles) == size else _zeros(model(tiles))


def _zeros(found: Any) -> Any:
    return found * 0 if isinstance(found, np.ndarray) else found


def fills_up(model: Any, size: int) -> Any:
    """Return a model that is given full batches alone."""

    def called(tiles: Any) -> Any:
        more = np.repeat(tiles[-1:], size - len(tiles), 0)
        found = model(np.concatenate([tiles, more]))
        return found[: len(tiles)] if isinstance(found, np.ndarray) else model(tiles)

    return called


class LastComesFirst(Merger):
    """Merges tiles in the order in which they arrive."""

    def add(self, indices: Any, tiles: Any) -> None:
        ahead = len(self.missing()) == len(self.arrived([]))
        super().add(indices, tiles * (1 if ahead or indices[0] == 0 else 1.0000001))


class Streams(NumpyApi):
    """The reference with another merger."""

    Merger = LastComesFirst


class ClonesTensors(reftiler.torch.Tiler):
    """Shows a copy of a tensor."""

    def view(self, image: Any) -> Any:
        return super().view(image).clone()


class Clones(TorchApi):
    """The torch backend on the host, with views that are copies."""

    def __init__(self) -> None:
        super().__init__("cpu")
        self.Tiler = ClonesTensors


def own_grids_only(grid: Grid | None, tiler: Tiler) -> Grid | None:
    foreign = grid is not None and type(grid.tiler) is not type(tiler)
    return refuse("a grid of another backend") if foreign else grid


BROKEN: list[Broken] = [
    ("APPLY-001", applies(model=forgets_the_rest)),
    ("APPLY-001", returns("apply", lambda found, *_: _zeros(found))),
    ("APPLY-002", applies(model=fills_up)),
    ("APPLY-002", applies(size=lambda size: min(size, 5))),
    ("APPLY-002", applies(model=lambda m, _: lambda t: m(t[::-1].copy())[::-1].copy())),
    ("APPLY-003", Streams()),
    ("BACKEND-001", reads("tile", lambda a, _: a + a.dtype.type(0))),
    ("BACKEND-001", does(untile=sums_in_single)),
    ("BACKEND-001", does(untile=clamps)),
    (
        "BACKEND-002",
        does(
            __eq__=lambda s, o: type(o) is type(s) and Tiler.__eq__(s, o),
            __hash__=Tiler.__hash__,
        ),
    ),
    ("BACKEND-002", does(__eq__=Tiler.__eq__, __hash__=lambda s: hash(str(type(s))))),
    (
        "BACKEND-002",
        does(from_other=classmethod(lambda c, t: c(t.tile_size, t.stride))),
    ),
    ("BACKEND-002", names("tile", grid=own_grids_only)),
    ("BACKEND-003", says("grid", "larger", "more")),
    ("BACKEND-003", raises("scatter", ValueError)),
    ("BACKEND-003", takes("untile", "no tile")),
    ("BACKEND-003", says("tile", "out is", "out:")),
    ("LAYOUT-009", takes("untile", "has 1 axes")),
    ("LAYOUT-009", takes("untile", "0, 3, 8, 6")),
    ("LAYOUT-009", takes("untile", "got 8.0")),
    (
        "LAYOUT-009",
        returns("untile", lambda r, t, *_: r[0, :, :3] if t.channels_last else r),
    ),
    ("OUT-002", takes("tile", "shares")),
    ("OUT-002", takes("untile", "shares")),
    ("OUT-002", takes("untile", "pixels of out share")),
    ("SCALE-002", takes("untile", "not alike")),
    ("SCALE-002", returns("untile", lambda r, _, tiles, shape: np.resize(r, shape))),
    ("SCALE-003", takes("untile", "scale 0.3 on")),
    ("SCALE-003", takes("untile", "have 2 num.* 1")),
    ("SCALE-003", takes("untile", "be finite")),
    ("SCALE-003", names("untile", scale=lambda q, _: None if q == 1 / 3 else q)),
    (
        "SCALE-003",
        names("untile", scale=lambda q, _: refuse("one") if type(q) is list else q),
    ),
    (
        "SCALE-005",
        names("untile", out=lambda out, _: out if out is None else out.fill(0) or out),
    ),
    ("SCALE-006", says("untile", "axis 1", "an axis")),
    ("SCALE-006", says("untile", "1/2", "0.5")),
    ("TILE-005", takes("tile", "made by")),
    ("TILE-005", takes("untile", "made by")),
    ("TILE-005", takes("tile", "images of")),
    (
        "TILE-005",
        names("tile", grid=lambda g, t: g if not g or g.tiler is t else refuse("own")),
    ),
    (
        "TILE-005",
        names(
            "tile", grid=lambda g, t: None if g and g.tiler.stride == t.stride else g
        ),
    ),
    ("TILE-006", does(tile=cuts_evenly)),
    (
        "TILE-006",
        returns("untile", lambda r, _, t, s, grid=None: r if grid else r[..., ::-1]),
    ),
    ("TYPE-003", takes("tile", "be object")),
    ("TYPE-003", takes("view", r"'O'\)")),
    ("TYPE-003", says("tile", "object", "that")),
    ("TYPE-005", takes("untile", "tiles cannot")),
    ("TYPE-005", takes("untile", "dtype cannot")),
    ("TYPE-005", says("untile", "complex64", "that")),
    ("VIEW-005", returns("view", shows_to_write)),
    ("VIEW-005", returns("view", locks_the_image)),
    ("VIEW-005", Clones()),
    ("VIEW-007", says("view", r": use tile\(\)", "")),
]

if LONG != "float64":
    BROKEN.append(("TYPE-005", takes("untile", LONG)))
