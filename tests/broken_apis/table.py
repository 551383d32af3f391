"""What a broken API is, and ways to break the reference's tiler in a line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from reftiler import Grid, Tiler
from reftiler.config import TilingConfig
from reftiler_conformance.api_checks import api_checks, run_api_check
from reftiler_conformance.host import raised
from reftiler_conformance.peers.reftiler_own import NumpyApi
from reftiler_conformance.suite import test_api_config as config

Content = dict[str, Any]
Change = Callable[[Content], Content]
Reader = Callable[[Content | None], TilingConfig]

read = TilingConfig.from_mapping


@dataclass(frozen=True)
class Broken:
    """A clause, a part of the words that its probe must say, and what breaks it."""

    clause: str
    says: str
    tiler: Any = Tiler
    read: Reader = read
    api: type[Any] = NumpyApi

    def words(self) -> str:
        """Return what the probe says."""
        api = self.api()
        api.Tiler = self.tiler
        with patch.object(config, "read", self.read):
            return said(self.clause, api)


def said(clause: str, api: Any) -> str:
    """Return what a probe says as the kit reports it, errors included."""
    try:
        found = [run_api_check(*key, api) for key in api_checks() if key[0] == clause]
        return "".join(found)
    except (TypeError, ValueError) as error:
        return str(raised(error))


BROKEN: list[Broken] = []


def breaks(clause: str, says: str) -> Callable[[Any], Any]:
    """Make a class of tilers one that breaks a clause."""

    def register(tiler: Any) -> Any:
        BROKEN.append(Broken(clause, says, tiler))
        return tiler

    return register


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
