"""Settings, sizes, grids and refusals that are understood wrongly."""

from __future__ import annotations

import json
import random
import sys
import time
import warnings
from typing import Any

import numpy as np

from reftiler import Grid, Tiler, TilingError
from tests.broken_apis.table import (
    Broken,
    Content,
    does,
    grids,
    raises,
    refuse,
    returns,
    says,
    takes,
    wishes,
)


def each(name: str, change: Any) -> Any:
    """Return what changes every number of a setting."""

    def changed(given: Content) -> Content:
        value = given.get(name)
        if value is None:
            return {}
        return {name: [change(n) for n in value] if np.ndim(value) else change(value)}

    return changed


def only(name: str, wrong: Any, instead: Any) -> Any:
    """Return what takes one wrong value of a setting for another."""

    def changed(given: Content) -> Content:
        same = type(given.get(name)) is type(wrong) and given[name] == wrong
        return {name: instead} if same else {}

    return changed


def at_most_the_tile(given: Content) -> Content:
    tile, stride = Tiler(given["tile_size"]).tile_size, given["stride"]
    if stride is None:
        return {}
    pairs = zip(np.broadcast_to(stride, len(tile)).tolist(), tile, strict=True)
    return {"stride": [min(s, t) for s, t in pairs]}


def set_after(**changes: Any) -> Any:
    """Return a constructor that replaces settings: ``change(setting, given)``."""

    def method(self: Tiler, tile_size: Any, stride: Any = None, **others: Any) -> None:
        Tiler.__init__(self, tile_size, stride, **others)
        for name, change in changes.items():
            object.__setattr__(self, name, change(getattr(self, name), tile_size))

    return method


class Followed(tuple[int, ...]):
    """A tuple that shows what became of a list."""

    source: list[int]

    def __iter__(self) -> Any:
        return iter(self.source)


def followed(sides: Any, given: Any) -> Any:
    found = Followed(sides)
    found.source = given if isinstance(given, list) else [*sides]
    return found


def equals(key: Any) -> type[Tiler]:
    """Return tilers that compare by a key."""
    return does(
        __eq__=lambda self, other: isinstance(other, Tiler) and key(self) == key(other),
        __hash__=lambda self: hash(self.tile_size),
    )


class Followers(Grid):
    """Has starts that can be written to, and follows what is written."""

    @property
    def starts(self) -> Any:
        if "own" not in self.__dict__:
            object.__setattr__(self, "own", super().starts.copy())
        return self.own  # type: ignore[attr-defined]


class Roomy(Grid):
    """Is made of images that are too small."""

    def __post_init__(self) -> None:
        try:
            super().__post_init__()
        except TilingError as error:
            if "larger than the image" not in str(error):
                raise


def grid_with(**members: Any) -> type[Tiler]:
    """Return tilers whose grids have other members."""
    return grids(type("Other", (Grid,), members))


def grids_equal(key: Any) -> type[Tiler]:
    """Return tilers whose grids compare by a key."""
    return grid_with(
        __eq__=lambda self, other: isinstance(other, Grid) and key(self) == key(other),
        __hash__=lambda self: len(self) % 9,
    )


def _kept(grid: Grid) -> tuple[Any, ...]:
    """Return all but whether the starts were given."""
    return grid.tiler, grid.image_size, grid.starts.tolist()


def kept_of_tiler(grid: Grid) -> Any:
    """Return the settings that move a tile."""
    return grid.tiler.to_dict() | {"window": "", "fill": 0}


def draws(change: Any) -> type[Tiler]:
    """Return tilers that take other seeds and aligns: ``change(seed, align)``."""

    def random(self: Tiler, size: Any, count: int, seed: Any, align: Any = 1) -> Grid:
        return Tiler.random(self, size, count, *change(seed, align))

    return does(random=random)


def counted(self: Any, kept: dict[int, Any] = {}) -> Any:  # noqa: B006 - on purpose
    """Return the same array each time, and let it be written to."""
    return kept.setdefault(id(self), Grid.coverage(self))


def changes_state(verb: str, change: Any) -> type[Tiler]:
    """Return tilers that change the process in a call."""
    return returns(verb, lambda found, *_: (change(), found)[1])


def shared(self: Tiler, image: Any, **named: Any) -> Any:
    sys.modules[__name__].__dict__["last"] = image
    time.sleep(0.001)
    return Tiler.tile(self, globals()["last"], **named)


def of_last_call(verb: str, key: Any) -> type[Tiler]:
    """Return tilers that know inputs again by a key, and give the old result."""
    kept: dict[Any, Any] = {}

    def method(self: Tiler, first: Any, *given: Any, **named: Any) -> Any:
        known = (self.to_json(), key(first), repr(given), repr(named))
        if known not in kept:
            kept[known] = getattr(Tiler, verb)(self, first, *given, **named)
        return kept[known]

    return does(**{verb: method})


def through_floats(name: str) -> type[Tiler]:
    """Return tilers whose grids lose digits of what they tell."""
    member: Any = Grid.__dict__[name]
    get = getattr(member, "func", None) or member.fget

    def told(grid: Grid) -> Any:
        return np.asarray(get(grid), np.float64).astype(np.int64)

    return grid_with(**{name: property(told)})


BROKEN: list[Broken] = [
    *((f"GRID-00{n}", through_floats("starts")) for n in range(2, 7)),
    ("RANDOM-003", through_floats("starts")),
    ("COORD-002", through_floats("boxes")),
    ("COORD-003", through_floats("boxes")),
    ("COORD-010", through_floats("padding")),
    ("TILER-001", does(__setattr__=object.__setattr__)),
    ("TILER-001", does(__delattr__=object.__delattr__)),
    ("TILER-001", does(__init__=set_after(stride=lambda stride, _: list(stride)))),
    ("TILER-001", does(__init__=set_after(tile_size=followed))),
    ("TILER-002", does(__eq__=Tiler.__eq__, __hash__=object.__hash__)),
    ("TILER-002", equals(lambda tiler: tiler.to_dict() | {"pad_value": 0})),
    ("TILER-002", equals(lambda t: {k: v for k, v in t.to_dict().items() if v == v})),  # noqa: PLR0124
    ("TILER-002", equals(lambda t: json.dumps(t.to_dict() | {"window": ""}))),
    ("TILER-002", equals(lambda t: (t.to_json(), str(t.pad_value) == "nan" and id(t)))),
    ("TILER-003", of_last_call("tile", id)),
    ("TILER-003", of_last_call("untile", lambda tiles: tiles.shape)),
    ("TILER-003", of_last_call("tile", lambda image: image.tobytes())),
    ("TILER-006", does(tile=shared)),
    ("TILER-007", does(__reduce_ex__=lambda *_: refuse("no pickles", TypeError))),
    ("TILER-007", does(__deepcopy__=lambda *_: Tiler(4))),
    ("TILER-007", grid_with(__copy__=lambda self: Grid(self.tiler, (90, 120)))),
    ("TILER-008", changes_state("untile", lambda: np.seterr(all="ignore"))),
    ("TILER-008", changes_state("random", lambda: np.random.seed(0))),  # noqa: NPY002
    ("TILER-008", changes_state("tile", lambda: random.seed(0))),
    ("TILER-008", changes_state("view", lambda: warnings.simplefilter("error"))),
    ("RANDOM-006", draws(lambda s, a: (s + int(random.random() * 9), a))),
    ("GRID-013", grids(Followers)),
    ("GRID-013", grid_with(coverage=counted)),
    ("GRID-013", grid_with(__setattr__=object.__setattr__)),
    ("GRID-013", grid_with(__eq__=object.__eq__, __hash__=object.__hash__)),
    ("GRID-013", grid_with(__eq__=Grid.__eq__, __hash__=object.__hash__)),
    ("GRID-013", grids_equal(lambda grid: (*_kept(grid)[1:], kept_of_tiler(grid)))),
    ("GRID-013", grids_equal(lambda g: (*_kept(g)[:2], sorted(g.starts.tolist())))),
    ("GRID-013", grids_equal(_kept)),
    ("GRID-010", grids(Roomy)),
    ("GRID-010", takes("grid", "drop: the tile")),
    ("GRID-010", takes("scatter", "larger than")),
    ("GRID-010", takes("random", "larger than")),
    ("GRID-011", says("grid", "use mode.*", "")),
    ("GRID-011", says("scatter", "17", "tile")),
    ("SIZE-001", wishes(only("tile_size", 4, [4]))),
    ("SIZE-001", wishes(each("tile_size", lambda n: n or 1))),
    ("SIZE-001", wishes(only("tile_size", (), 4))),
    ("SIZE-002", wishes(only("stride", (2,), 2))),
    ("SIZE-002", wishes(only("overlap", (2, 2, 2), (2, 2)))),
    ("SIZE-002", draws(lambda s, a: (s, a[0] if np.size(a) == 2 else a))),
    (
        "SIZE-003",
        does(
            grid=lambda self, size: Tiler.grid(
                self, size if type(size) in (list, tuple) else refuse("no list")
            )
        ),
    ),
    (
        "SIZE-003",
        wishes(
            lambda g: refuse("an int") if isinstance(g["stride"], np.integer) else {}
        ),
    ),
    ("SIZE-003", draws(lambda s, a: (3 if isinstance(s, np.uint64) else s, a))),
    ("SIZE-004", wishes(each("tile_size", int))),
    ("SIZE-004", wishes(only("remove_border_count", 2.0, 2))),
    ("SIZE-004", draws(lambda s, a: (int(s) if s is True else s, a))),
    (
        "SIZE-004",
        does(
            scatter=lambda self, size, starts: Tiler.scatter(
                self, size, np.asarray(starts).astype(int).tolist()
            )
        ),
    ),
    (
        "SIZE-005",
        wishes(lambda g: {} if g["stride"] or "overlap" in g else {"stride": 1}),
    ),
    ("SIZE-006", wishes(each("overlap", lambda n: max(0, n)))),
    ("SIZE-006", wishes(each("overlap", lambda n: 5 if n == 6 else n))),
    ("SIZE-006", wishes(only("overlap", 2, 6))),
    (
        "SIZE-007",
        wishes(lambda g: {"stride": None} if g.get("overlap") is not None else {}),
    ),
    ("SIZE-007", wishes(lambda g: {} if g.get("overlap") else {"overlap": None})),
    ("SIZE-008", wishes(at_most_the_tile)),
    ("SIZE-008", wishes(each("stride", lambda n: n or 1))),
    ("SIZE-009", takes("grid", "must have 2")),
    ("SIZE-009", takes("grid", "at least 1")),
    ("SIZE-009", takes("grid", "a sequence")),
    ("SIZE-009", takes("tile", "is empty")),
    ("ERROR-001", raises("grid", ValueError)),
    ("ERROR-001", takes("random", "below 2")),
    ("ERROR-001", takes("untile", "no tile")),
    ("ERROR-002", raises("random", TilingError)),
    ("ERROR-002", takes("tile", "list")),
    ("ERROR-002", takes("untile", "out must be")),
    ("ERROR-002", takes("untile", "scale must")),
    ("ERROR-003", raises("untile", TypeError)),
    ("ERROR-003", raises("tile", IndexError)),
    ("ERROR-004", says("__init__", "border", "rim")),
    ("ERROR-004", says("__init__", "'clamp', |; did.*", "")),
    ("ERROR-004", says("tile", ".*axes;.*", "7 for 2")),
    (
        "ERROR-005",
        wishes(lambda g: {"pad_mode": "edge"} if g.get("mode") == "drop" else {}),
    ),
    ("ERROR-005", wishes(only("window", "", "box"))),
    ("ERROR-005", wishes(only("merge", "None", None))),
    ("ERROR-006", wishes(only("fill", "x", 0))),
    ("ERROR-006", takes("__init__", "leaves")),
    ("ERROR-006", takes("__init__", "window.*-1")),
]
