"""Ways to break the reference in a line, and what the checks of a clause say of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

from reftiler import Grid, Tiler, TilingError
from reftiler.config import TilingConfig
from reftiler_conformance.api_checks import api_checks, run_api_check
from reftiler_conformance.peers.reftiler_own import NumpyApi
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.suite import test_api_config as config
from reftiler_conformance.worker import raised

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

    own = grid_with(**members(Grid, "touching"))
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


class OtherElsewhere(Tiler):
    """Gives other tiles, and draws others, in every process."""

    def tile(self, image: Any, **named: Any) -> Any:
        return super().tile(image, **named) * os.getpid()

    def random(self, size: Any, count: int, seed: int, align: Any = 1) -> Grid:
        return super().random(size, count, seed + hash("seed") % 99, align)


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
    """Return a reader of sections that takes them for others."""

    def reader(content: Content | None) -> TilingConfig:
        section = (content or {}).get("tiling", content)
        if not isinstance(section, Mapping):
            return read(content)
        changed = change(dict(section))
        return read({"tiling": changed} if "tiling" in (content or {}) else changed)

    return reader
