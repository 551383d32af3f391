"""Broken APIs by the clause that they break: the reference but for one thing."""

from __future__ import annotations

import json
import random
import re
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np

import reftiler.torch
from reftiler import Grid, Tiler, TilingError
from reftiler.config import TilingConfig
from reftiler.streaming import Merger
from reftiler_conformance.api_checks import api_checks, run_api_check
from reftiler_conformance.peers.reftiler_own import NumpyApi, TorchApi
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.suite import test_api_config as config
from reftiler_conformance.worker import raised
from tests.strangers import OtherElsewhere

Content = dict[str, Any]
Change = Callable[[Content], Content]
Reader = Callable[[Content | None], TilingConfig]
Answer = Callable[[Exception], Any]

read = TilingConfig.from_mapping


def said(clause: str, broken: Any = Tiler) -> str:
    """Return what the checks of a clause say of tilers, an API or a reader."""
    api = broken if hasattr(broken, "back") else NumpyApi()
    reader = read if isinstance(broken, type) or broken is api else broken
    if isinstance(broken, type):
        api.Tiler = broken
    with patch.object(config, "read", reader):
        messages = [_message(*key, api) for key in api_checks() if key[0] == clause]
    return " ".join(filter(None, messages))


def _message(clause: str, name: str, api: Any) -> str:
    try:
        return run_api_check(clause, name, api)
    except Unsupported:
        return ""
    except (TypeError, ValueError) as error:
        return str(raised(error))


def refuse(message: str, kind: type[Exception] = TilingError) -> Any:
    """Raise, where a lambda needs to."""
    raise kind(message)


def does(**members: Any) -> type[Tiler]:
    """Return tilers with other members."""
    return type("Does", (Tiler,), members)


def returns(verb: str, change: Callable[..., Any]) -> type[Tiler]:
    """Return tilers that change a result: ``change(result, tiler, *arguments)``."""

    def method(self: Tiler, *given: Any, **named: Any) -> Any:
        return change(getattr(Tiler, verb)(self, *given, **named), self, *given)

    return does(**{verb: method})


def first(verb: str, call: Callable[..., Any]) -> type[Tiler]:
    """Return tilers that call something else with the arguments of a verb first."""

    def method(self: Tiler, *given: Any, **named: Any) -> Any:
        call(self, *given, **named)
        return getattr(Tiler, verb)(self, *given, **named)

    return does(**{verb: method})


def wishes(change: Change) -> type[Tiler]:
    """Return tilers that take some settings for others."""

    def init(self: Tiler, tile_size: Any, stride: Any = None, **others: Any) -> None:
        given = {"tile_size": tile_size, "stride": stride, **others}
        Tiler.__init__(self, **(given | change(given)))

    return does(__init__=init)


def equal_by(key: Callable[[Any], Any]) -> dict[str, Any]:
    """Return members of tilers or grids that compare by a key."""

    def equals(self: Any, other: Any) -> bool:
        kind: Any = type(self).__base__
        return isinstance(other, kind) and key(self) == key(other)

    return {"__eq__": equals, "__hash__": lambda self: len(str(key(self))) % 9}


def grid_with(**members: Any) -> type[Tiler]:
    """Return tilers whose grids have other members."""
    kind: Any = type("Other", (Grid,), members)

    def random(self: Tiler, *given: Any, **named: Any) -> Any:
        grid = Tiler.random(self, *given, **named)
        return kind(self, grid.image_size, grid.scatter)

    def plan(self: Tiler, *given: Any) -> Any:
        return kind(self, *given)

    return does(grid=plan, scatter=plan, random=random)


def tells(name: str, change: Callable[[Any], Any]) -> type[Tiler]:
    """Return tilers whose grids tell other numbers."""
    member: Any = Grid.__dict__[name]
    get = getattr(member, "func", None) or member.fget
    return grid_with(**{name: property(lambda grid: change(get(grid)))})


def points(name: str, change: Callable[..., Any]) -> type[Tiler]:
    """Return tilers whose grids place points by ``change(found, grid, k, p)``."""

    def place(grid: Grid, k: Any, given: Any) -> Any:
        return change(getattr(Grid, name)(grid, k, given), grid, k, np.asarray(given))

    return grid_with(**{name: place})


def _answering(sound: Any, answer: Answer) -> Callable[..., Any]:
    def method(*given: Any, **named: Any) -> Any:
        try:
            return sound(*given, **named)
        except (TypeError, ValueError) as error:
            return answer(error)

    return method


def answering(answer: Answer) -> type[Tiler]:
    """Return tilers, grids and a reader that answer every refusal in another way."""

    def members(owner: Any, *names: str) -> dict[str, Any]:
        from_json = classmethod(_answering(owner.from_json.__func__, answer))
        found = {name: _answering(getattr(owner, name), answer) for name in names}
        return {**found, "from_json": from_json}

    own = grid_with(
        **members(Grid, "touching", "select", "to_image", "to_tile", "clip")
    )
    verbs = ("__init__", "grid", "scatter", "random", "tile", "untile", "view")
    reader = staticmethod(_answering(read, answer))
    return type("Answering", (own,), members(own, *verbs) | {"read": reader})


FORGIVING: Any = answering(lambda _: None)
"""Refuses nothing."""
MUTE: Any = answering(lambda error: refuse("no", type(error)))
"""Does not say why it refuses."""


def takes(verb: str, refusal: str) -> type[Tiler]:
    """Return tilers that take what the reference refuses with certain words."""

    def forgiving(error: Exception) -> None:
        if not re.search(refusal, str(error)):
            raise error

    return does(**{verb: _answering(getattr(Tiler, verb), forgiving)})


def rereads(*, tiler: Change = dict, grid: Change = dict) -> type[Tiler]:
    """Return tilers that read other JSON than they are given."""

    def reading(owner: Any, change: Change) -> Any:
        sound = owner.from_json.__func__
        return classmethod(lambda cls, t: sound(cls, json.dumps(change(json.loads(t)))))

    own = grid_with(from_json=reading(Grid, grid))
    return type("Rereads", (own,), {"from_json": reading(Tiler, tiler)})


def without(*names: str) -> Change:
    """Return a change that takes some keys away."""
    return lambda content: {k: v for k, v in content.items() if k not in names}


def misreads(change: Change) -> Reader:
    """Return a reader of sections that takes them for others, bare or not."""
    return lambda given: read(change(dict((given or {}).get("tiling", given) or {})))


def applies(change: Any) -> type[Tiler]:
    """Return tilers that apply another model in other batches: ``change(model, n)``."""

    def apply(
        self: Tiler, model: Any, image: Any, batch_size: int, **named: Any
    ) -> Any:
        model, size = change(model, batch_size)
        return Tiler.apply(self, model, image, batch_size=size, **named)

    return does(apply=apply)


def applied(**changes: Callable[[Any], Any]) -> type[Tiler]:
    """Return tilers that change what ``apply`` is given by name."""

    def apply(self: Any, *given: Any, **named: Any) -> Any:
        changed = {n: changes[n](named[n]) for n in changes.keys() & named.keys()}
        return Tiler.apply(self, *given, **{**named, **changed})

    return does(apply=apply)


def finishes(change: Callable[[Any], Any]) -> type[Tiler]:
    """Return tilers that finish by another function than they are given."""

    def untile(self: Any, *given: Any, finish: Any = None, **named: Any) -> Any:
        change_it = finish and change(finish)
        return Tiler.untile(self, *given, finish=change_it, **named)

    return does(untile=untile)


def refuses_all(self: Tiler, *given: Any, **named: Any) -> Any:
    """Merge, but say of all errors that the call is refused."""
    try:
        return Tiler.untile(self, *given, **named)
    except Exception as error:
        raise TilingError("of its own") from error


class FinishesTwice(Merger):
    """Finishes each block twice."""

    def __init__(self, *given: Any, finish: Any, **named: Any) -> None:
        def again(block: Any) -> Any:
            finish(block)
            return finish(block)

        super().__init__(*given, finish=finish and again, **named)


class LastComesFirst(Merger):
    """Merges tiles in the order in which they arrive."""

    def add(self, indices: Any, tiles: Any, weights: Any = None) -> None:
        ahead = len(self.missing()) == len(self.arrived([]))
        factor = 1 if ahead or indices[0] == 0 else 1.0000001
        super().add(indices, tiles * factor, weights)


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
    "APPLY-005": [
        applied(where=lambda where: None),
        applied(where=np.ones_like),
        applied(where=lambda where: where if where.any() else 1 - where),
        applied(where=lambda where: np.resize(where, (10, 8))),
        applies(lambda m, n: (lambda t, i, b: m(t, i * 0 + np.arange(len(i)), b), n)),
    ],
    "APPLY-004": [
        applies(lambda m, n: (lambda t, i, b: m(t, i % 4, b), n)),
        applies(lambda m, n: (lambda t, i, b: m(t, i, b.clip(0, 10)), n)),
        applies(lambda m, n: (lambda t, i, b: m(t, i, b - b[:1] * (i[0] > 8)), n)),
    ],
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
    "COORD-011": [
        points("to_image", lambda found, grid, k, p: found + 0.5),
        points("to_image", lambda found, grid, k, p: found[..., ::-1]),
    ],
    "COORD-012": [
        points("to_image", lambda found, grid, k, p: p + grid.starts[k]),
        points("to_image", lambda found, grid, k, p: p + grid.boxes[k, :, 0]),
    ],
    "COORD-013": [
        points("to_tile", lambda found, grid, k, p: p - grid.starts[k]),
        points("to_tile", lambda found, grid, k, p: p - grid.boxes[k, :, 0]),
    ],
    "COORD-014": [points("to_tile", lambda found, grid, k, p: np.nan_to_num(found))],
    "COORD-015": [
        grid_with(clip=lambda grid, boxes, k=None: Grid.clip(grid, boxes)),
        grid_with(clip=lambda grid, boxes, k=None: np.asarray(boxes)),
        grid_with(clip=lambda grid, boxes, k=0: Grid.clip(grid, boxes, k or 0)),
    ],
    "SELECT-004": [
        grid_with(select=lambda g, i: replace(g, selection=Grid.select(g, i) and i)),
        grid_with(select=lambda g, i: Grid.select(g, sorted(i))),
        grid_with(**equal_by(lambda g: (g.tiler, g.image_size, g.scatter))),
    ],
    "SELECT-005": [rereads(grid=without("selection"))],
    "FINISH-004": [
        finishes(lambda finish: lambda block: finish(block + 1)),
        finishes(lambda finish: lambda b: finish(b) if b.any() else b[0].astype("u1")),
        first("untile", lambda *_, out=None, **__: out is not None and out.fill(0)),
    ],
    "FINISH-007": [does(untile=refuses_all)],
    "FINISH-008": [
        applied(finish=lambda finish: None),
        applied(finish=lambda finish: {"all": [finish["all"][0]] * 2}),
        api_with(NumpyApi(), Merger=FinishesTwice),
    ],
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
