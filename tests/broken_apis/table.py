"""Broken APIs by the clause that they break: the reference but for one thing."""

from __future__ import annotations

import json
import random
import time
import warnings
from typing import Any

import numpy as np

import reftiler.torch
from reftiler import Grid, Tiler
from reftiler.streaming import Merger
from reftiler_conformance.peers.reftiler_own import NumpyApi, TorchApi
from tests.broken_apis.ways import (
    FORGIVING,
    MUTE,
    OtherElsewhere,
    answering,
    does,
    equal_by,
    first,
    grid_with,
    misreads,
    read,
    refuse,
    rereads,
    returns,
    takes,
    tells,
    wishes,
    without,
)


def applies(change: Any) -> type[Tiler]:
    """Return tilers that apply another model in other batches: ``change(model, n)``."""

    def apply(self: Tiler, model: Any, image: Any, batch_size: int, grid: Any) -> Any:
        model, size = change(model, batch_size)
        return Tiler.apply(self, model, image, batch_size=size, grid=grid)

    return does(apply=apply)


class LastComesFirst(Merger):
    """Merges tiles in the order in which they arrive."""

    def add(self, indices: Any, tiles: Any) -> None:
        ahead = len(self.missing()) == len(self.arrived([]))
        super().add(indices, tiles * (1 if ahead or indices[0] == 0 else 1.0000001))


class ClonesTensors(reftiler.torch.Tiler):
    """Shows a copy of a tensor."""

    def view(self, image: Any) -> Any:
        return super().view(image).clone()


def api_with(api: Any, **members: Any) -> Any:
    """Return an API with other members."""
    vars(api).update(members)
    return api


def knows(verb: str, key: Any, give: Any = np.copy) -> type[Tiler]:
    """Return tilers that know inputs again by a key, and give the old result."""

    def method(self: Tiler, first: Any, *given: Any, **named: Any) -> Any:
        kept = self.__dict__.setdefault("_kept", {})
        known = (key(first), repr(given), repr(named))
        if known not in kept:
            kept[known] = getattr(Tiler, verb)(self, first, *given, **named)
        return give(kept[known])

    return does(**{verb: method})


class Follows(Tiler):
    """Has the tile size that became of a list."""

    def __init__(self, tile_size: Any, *given: Any, **named: Any) -> None:
        super().__init__(tile_size, *given, **named)
        object.__setattr__(self, "_given", tile_size)

    def __getattribute__(self, name: str) -> Any:
        given = self.__dict__.get("_given") if name == "tile_size" else None
        return tuple(given) if type(given) is list else super().__getattribute__(name)


def lists_strides(self: Tiler, name: str) -> Any:
    found = object.__getattribute__(self, name)
    return list(found) if name == "stride" else found


def _sides(grid: Grid) -> list[Any]:
    return [list(grid.image_size), *grid.starts.tolist()]


def counted(self: Any, kept: dict[int, Any] = {}) -> Any:  # noqa: B006 - on purpose
    """Return the same array each time, and let it be written to."""
    return kept.setdefault(id(self), Grid.coverage(self))


def shared(self: Tiler, image: Any, **named: Any) -> Any:
    globals()["last"] = image
    time.sleep(0.001)
    return Tiler.tile(self, globals()["last"], **named)


BROKEN: dict[str, list[Any]] = {
    "APPLY-001": [applies(lambda m, n: (lambda t: m(t * (len(t) == n)), n))],
    "APPLY-002": [
        applies(
            lambda m, n: (lambda t: m(np.resize(t, (n, *t.shape[1:])))[: len(t)], n)
        ),
        applies(lambda m, n: (m, min(n, 5))),
        applies(lambda m, n: (lambda t: m(t[::-1].copy())[::-1].copy(), n)),
    ],
    "APPLY-003": [api_with(NumpyApi(), Merger=LastComesFirst)],
    "BACKEND-001": [
        returns("tile", lambda tiles, *_: tiles + tiles.dtype.type(0)),
        returns("untile", lambda found, *_: found.astype("f4").astype(found.dtype)),
    ],
    "BACKEND-002": [
        does(**equal_by(lambda tiler: (type(tiler), tiler.to_json()))),
        does(__eq__=Tiler.__eq__, __hash__=lambda s: hash(str(type(s)))),
        does(from_other=classmethod(lambda c, t: c(t.tile_size, t.stride))),
        first("tile", lambda s, _, grid: isinstance(grid.tiler, type(s)) or refuse("")),
    ],
    "BACKEND-003": [FORGIVING, MUTE, answering(lambda e: refuse(str(e), ValueError))],
    "LAYOUT-009": [
        returns("untile", lambda r, t, *_: r[0, :, :3] if t.channels_last else r)
    ],
    "OUT-002": [
        takes("tile", "shares"),
        takes("untile", "shares"),
        takes("tile", "pixels of out share"),
        takes("untile", "pixels of out share"),
    ],
    "SCALE-002": [returns("untile", lambda r, _, tiles, shape: np.resize(r, shape))],
    "SCALE-003": [
        first("untile", lambda *_, scale=None: type(scale) is list and refuse("a list"))
    ],
    "SCALE-005": [first("untile", lambda *_, out: out.fill(0))],
    "TILE-005": [first("tile", lambda s, _, grid: grid.tiler is s or refuse("no"))],
    "TILE-006": [
        does(tile=lambda s, a, grid=None: Tiler.tile(s, a if grid else -a, grid=grid)),
        returns("untile", lambda r, s, t, shape, grid=None: r if grid else -r),
    ],
    "TYPE-003": [MUTE, takes("tile", "be object"), takes("view", r"'O'\)")],
    "TYPE-005": [MUTE, takes("untile", "tiles can"), takes("untile", "dtype can")],
    "VIEW-005": [
        returns("view", lambda view, *_: view.copy()),
        returns("view", lambda v, s, image: image.setflags(write=False) or v),
        api_with(TorchApi("cpu"), Tiler=ClonesTensors),
    ],
    **{
        clause: [tells(name, lambda n: np.asarray(n, np.float64).astype(np.int64))]
        for name, some in (
            ("starts", [*(f"GRID-00{n}" for n in range(2, 7)), "RANDOM-003"]),
            ("boxes", ["COORD-002", "COORD-003"]),
            ("padding", ["COORD-010"]),
        )
        for clause in some
    },
    "TILER-001": [
        does(__setattr__=object.__setattr__),
        does(__delattr__=object.__delattr__),
        does(__getattribute__=lists_strides),
        Follows,
    ],
    "TILER-002": [
        does(__eq__=Tiler.__eq__, __hash__=object.__hash__),
        does(**equal_by(lambda tiler: tiler.to_dict())),
        does(**equal_by(lambda tiler: json.dumps(tiler.to_dict() | {"window": ""}))),
        does(**equal_by(lambda t: (t.to_json(), str(t.pad_value) == "nan" and id(t)))),
    ],
    "TILER-003": [
        knows("tile", id),
        knows("tile", id, give=lambda kept: kept),
        knows("untile", lambda tiles: tiles.shape),
        knows("tile", lambda image: image.tobytes()),
    ],
    "TILER-006": [does(tile=shared)],
    "TILER-007": [
        does(__reduce_ex__=lambda *_: refuse("no pickles", TypeError)),
        does(__deepcopy__=lambda *_: Tiler(4)),
        grid_with(__copy__=lambda self: Grid(self.tiler, (90, 120))),
        OtherElsewhere,
    ],
    "TILER-008": [
        first("untile", lambda *_, **__: np.seterr(all="ignore")),
        first("random", lambda *_, **__: np.random.seed(0)),  # noqa: NPY002
        first("view", lambda *_: warnings.simplefilter("error")),
        answering(lambda e: (random.seed(0), refuse(str(e), type(e)))),
    ],
    "RANDOM-006": [
        does(
            random=lambda s, size, n, *_: Tiler.random(
                s, size, n, random.getrandbits(9)
            )
        ),
        OtherElsewhere,
    ],
    "GRID-010": [
        wishes(lambda g: {"mode": "even"} if g.get("mode") == "padding" else {})
    ],
    "GRID-013": [
        tells("starts", np.copy),
        grid_with(coverage=counted),
        grid_with(__setattr__=object.__setattr__),
        grid_with(__eq__=object.__eq__, __hash__=object.__hash__),
        grid_with(__eq__=Grid.__eq__, __hash__=object.__hash__),
        grid_with(**equal_by(lambda g: (g.tiler.stride, _sides(g)))),
        grid_with(**equal_by(lambda g: (g.tiler, sorted(_sides(g))))),
        grid_with(**equal_by(lambda g: (g.tiler, _sides(g)))),
    ],
    "SIZE-001": [wishes(lambda g: {"tile_size": [4]} if g["tile_size"] == 4 else {})],
    "SIZE-002": [
        does(
            random=lambda s, z, n, seed, a: Tiler.random(s, z, n, seed, np.ravel(a)[0])
        )
    ],
    "SIZE-003": [
        first("grid", lambda _, size: type(size) is range and refuse("a list is due")),
        wishes(lambda g: (type(g["stride"]) is np.int8 and refuse("no int")) or {}),
    ],
    "SIZE-005": [wishes(lambda g: {"stride": g["stride"] or g.get("overlap", 1)})],
    "SIZE-006": [wishes(lambda g: {"overlap": 6} if g.get("overlap") == 2 else {})],
    "SIZE-008": [wishes(lambda g: {"stride": 2} if g["stride"] == 1 else {})],
    "SIZE-009": [first("grid", lambda _, size: size == (1, 1) and refuse("too small"))],
    "ERROR-001": [
        answering(lambda e: refuse(str(e), ValueError)),
        answering(lambda e: refuse(str(e), type("TilingError", (Exception,), {}))),
    ],
    "ERROR-002": [answering(lambda e: refuse(str(e)))],
    "ERROR-003": [answering(lambda e: refuse(str(e), TypeError))],
    "ERROR-004": [MUTE],
    "ERROR-006": [takes("__init__", "leaves"), takes("__init__", "4 weights")],
    "JSON-002": [
        does(to_json=lambda s: json.dumps(s.to_dict())),
        does(to_json=lambda s: Tiler.to_json(s).replace("[4, 4]", "4")),
        does(to_dict=lambda s: {k.title(): v for k, v in Tiler.to_dict(s).items()}),
    ],
    "JSON-004": [
        rereads(tiler=without("remove_border_count")),
        rereads(tiler=lambda c: c | {"fill": c["fill"] or None}),
        rereads(grid=without("starts")),
    ],
    "JSON-005": [rereads(grid=lambda c: c | {"tiler": without("window")(c["tiler"])})],
    "JSON-008": [
        rereads(tiler=lambda c: c | {"spec_version": "1.0"}),
        rereads(grid=lambda c: c if c["spec_version"] == "1.1" else refuse("is old")),
    ],
    "CONFIG-001": [
        lambda content: read(without("tiling")(content or {})),
        misreads(without("remove_border_count")),
        misreads(without("use_random_tiling")),
    ],
    "CONFIG-002": [
        misreads(without("mode")),
        misreads(lambda s: s | {"tile_size": s["tile_size"][::-1]}),
    ],
    "CONFIG-003": [
        misreads(lambda s: {"seed": 1} | s),
        misreads(lambda s: {"pad_side": "both"} | s),
        misreads(lambda s: s | {"fill": s.get("fill") or None}),
    ],
    "CONFIG-004": [
        misreads(lambda s: s | {"apply": True} if s.get("tile_size") == -1 else s),
        misreads(lambda s: s or {"seed": 0}),
    ],
    "CONFIG-006": [misreads(lambda s: {"use_random_tiling": True} | s)],
    "CONFIG-007": [misreads(lambda s: {} if s.get("enable") is False else s)],
    "CONFIG-008": [misreads(lambda s: s | {"remove_border_count": 4})],
    "CONFIG-009": [misreads(lambda s: {k: v or 1 for k, v in s.items()})],
    "CONFIG-010": [misreads(lambda s: s | {"mode": s.get("mode", "").title() or None})],
}
