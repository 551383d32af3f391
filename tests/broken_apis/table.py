"""Ways to break the reference's tiler in a line, and what a check says of it."""

from __future__ import annotations

import json
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

read = TilingConfig.from_mapping


Broken = tuple[str, Any]
"""A clause, and what breaks it: a tiler, a reader of sections, or a whole API."""


def said(clause: str, broken: Any = Tiler) -> str:
    """Return what the checks of a clause say, as the kit reports it."""
    found = broken if hasattr(broken, "back") else NumpyApi()
    is_tiler = isinstance(broken, type) and issubclass(broken, Tiler)
    if is_tiler:
        found.Tiler = broken
    reader = broken if broken is not found and not is_tiler else read
    with patch.object(config, "read", reader):
        messages = [_message(*key, found) for key in api_checks() if key[0] == clause]
    return " ".join(filter(None, messages))


def _message(clause: str, name: str, api: Any) -> str:
    try:
        return run_api_check(clause, name, api)
    except Unsupported:
        return ""
    except (TypeError, ValueError) as error:
        return str(raised(error))


def returns(verb: str, change: Callable[..., Any]) -> type[Tiler]:
    """Return tilers that change a result: ``change(result, tiler, *arguments)``."""

    def method(self: Tiler, *given: Any, **named: Any) -> Any:
        return change(getattr(Tiler, verb)(self, *given, **named), self, *given)

    return type("Returns", (Tiler,), {verb: method})


def reads(verb: str, change: Callable[..., Any]) -> type[Tiler]:
    """Return tilers that take another first argument: ``change(argument, tiler)``."""

    def method(self: Tiler, first: Any, *given: Any, **named: Any) -> Any:
        return getattr(Tiler, verb)(self, change(first, self), *given, **named)

    return type("Reads", (Tiler,), {verb: method})


def names(verb: str, **others: Callable[..., Any]) -> type[Tiler]:
    """Return tilers that take named arguments otherwise: ``others(value, tiler)``."""

    def method(self: Tiler, *given: Any, **named: Any) -> Any:
        for name, change in others.items():
            named[name] = change(named.get(name), self)
        return getattr(Tiler, verb)(self, *given, **named)

    return type("Names", (Tiler,), {verb: method})


def does(**methods: Any) -> type[Tiler]:
    """Return tilers with other methods."""
    return type("Does", (Tiler,), methods)


def refuse(message: str, kind: type[Exception] = TilingError) -> Any:
    """Raise, where a lambda needs to."""
    raise kind(message)


def wishes(change: Change) -> type[Tiler]:
    """Return tilers that take some settings for others."""

    class Wishes(Tiler):
        def __init__(self, tile_size: Any, stride: Any = None, **others: Any) -> None:
            given = {"tile_size": tile_size, "stride": stride, **others}
            super().__init__(**(given | change(given)))

    return Wishes


def answers(verb: str, answer: Callable[[Exception], Any]) -> type[Tiler]:
    """Return tilers that answer refusals of a verb in another way."""
    sound = getattr(Tiler, verb)

    def answering(self: Tiler, *given: Any, **named: Any) -> Any:
        try:
            return sound(self, *given, **named)
        except (TypeError, ValueError) as error:
            return answer(error)

    return type("Answers", (Tiler,), {verb: answering})


def takes(verb: str, refusal: str) -> type[Tiler]:
    """Return tilers that take what the reference refuses with certain words."""

    def forgiving(error: Exception) -> None:
        if not re.search(refusal, str(error)):
            raise error

    return answers(verb, forgiving)


def says(verb: str, pattern: str, words: str) -> type[Tiler]:
    """Return tilers that refuse in other words."""

    def reworded(error: Exception) -> None:
        raise type(error)(re.sub(pattern, words, str(error)))

    return answers(verb, reworded)


def raises(verb: str, kind: type[Exception]) -> type[Tiler]:
    """Return tilers that refuse by another error."""

    def retyped(error: Exception) -> None:
        raise kind(str(error))

    return answers(verb, retyped)


def grids(kind: type[Grid]) -> type[Tiler]:
    """Return tilers whose grids are of a kind."""

    class Plans(Tiler):
        def grid(self, image_size: Any) -> Grid:
            return kind(self, image_size)

        def scatter(self, image_size: Any, starts: Any) -> Grid:
            return kind(self, image_size, starts)

        def random(self, *given: Any, **named: Any) -> Grid:
            grid = super().random(*given, **named)
            return kind(self, grid.image_size, grid.scatter)

    return Plans


def _same(content: Content) -> Content:
    return content


def rereads(*, tiler: Change = _same, grid: Change = _same) -> type[Tiler]:
    """Return tilers that read other JSON than they are given."""

    class OtherGrid(Grid):
        @classmethod
        def from_json(cls, text: str | bytes) -> Grid:
            return super().from_json(json.dumps(grid(json.loads(text))))

    class Rereads(grids(OtherGrid)):  # type: ignore[misc]
        @classmethod
        def from_json(cls, text: str | bytes) -> Any:
            return super().from_json(json.dumps(tiler(json.loads(text))))

    return Rereads


def rewrites(change: Change) -> type[Tiler]:
    """Return tilers that write other JSON."""

    class Rewrites(Tiler):
        def to_json(self) -> str:
            return json.dumps(change(json.loads(super().to_json())))

    return Rewrites


def misreads(change: Change) -> Reader:
    """Return a reader of sections that takes them for others."""

    def reader(content: Content | None) -> TilingConfig:
        section = (content or {}).get("tiling", content)
        if not isinstance(section, Mapping):
            return read(content)
        changed = change(dict(section))
        return read({"tiling": changed} if "tiling" in (content or {}) else changed)

    return reader


def lets(refusal: str, instead: Content | None = None) -> Reader:
    """Return a reader that reads, instead of what it should refuse, another section."""

    def reader(content: Content | None) -> TilingConfig:
        try:
            return read(content)
        except (TypeError, ValueError) as error:
            if not re.search(refusal, str(error)):
                raise
            return read(instead)

    return reader
