"""JSON that is written and read wrongly."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from reftiler import Grid, Tiler
from tests.broken_apis.table import (
    Broken,
    Change,
    Content,
    grids,
    rereads,
    rewrites,
)


def without(content: Content, *names: str) -> Content:
    """Return what is left without some keys."""
    return {key: value for key, value in content.items() if key not in names}


def drops(*names: str) -> Change:
    """Return a change that takes some keys away."""
    return lambda content: without(content, *names)


def of_ours(content: Content) -> Content:
    return {"spec_version": "1.0"} | content


def in_order(content: Content) -> Content:
    starts = content.get("starts")
    return content | {"starts": sorted(starts)} if starts else content


def unsigned(content: Content) -> Content:
    """Return a fill of 0 for one of −0.0."""
    fill = content["fill"]
    return content if fill is None else content | {"fill": fill or 0}


def inner(content: Content) -> Content:
    """Return a grid whose tiler has no unknown key."""
    return content | {"tiler": without(content["tiler"], "colour")}


def like_ours(pattern: str) -> Change:
    """Return a change of versions that look like ours into ours."""

    def change(content: Content) -> Content:
        alike = re.fullmatch(pattern, content.get("spec_version", ""))
        return content | ({"spec_version": "1.0"} if alike else {})

    return change


class Camel(Tiler):
    """Writes a setting under a name that the constructor does not know."""

    def to_dict(self) -> Content:
        content = super().to_dict()
        return without(content, "pad_mode") | {"padMode": content["pad_mode"]}


def tells(pattern: str, words: str) -> type[Tiler]:
    """Return tilers that refuse JSON in other words."""

    def reworded(call: Callable[[str | bytes], Any], text: str | bytes) -> Any:
        try:
            return call(text)
        except ValueError as error:
            raise type(error)(re.sub(pattern, words, str(error))) from error

    class Terse(Grid):
        @classmethod
        def from_json(cls, text: str | bytes) -> Grid:
            found: Grid = reworded(super().from_json, text)
            return found

    class Tells(grids(Terse)):  # type: ignore[misc]
        @classmethod
        def from_json(cls, text: str | bytes) -> Any:
            return reworded(super().from_json, text)

    return Tells


BROKEN: list[Broken] = [
    ("JSON-002", rewrites(drops("spec_version"))),
    ("JSON-002", rewrites(lambda c: c | {"tile_size": c["tile_size"][0]})),
    ("JSON-002", rewrites(lambda c: c | {"overlap": [0, 0]})),
    ("JSON-002", Camel),
    ("JSON-004", rereads(tiler=drops("remove_border_count"))),
    ("JSON-004", rereads(tiler=unsigned)),
    ("JSON-004", rereads(grid=drops("starts"))),
    ("JSON-005", rereads(grid=in_order)),
    ("JSON-005", rereads(grid=lambda c: c | {"tiler": without(c["tiler"], "window")})),
    ("JSON-006", rereads(tiler=drops("colour"))),
    ("JSON-006", rereads(grid=drops("colour"))),
    ("JSON-006", rereads(grid=inner)),
    ("JSON-007", tells("stride", "another")),
    ("JSON-007", tells("image_size", "another")),
    ("JSON-008", rereads(tiler=like_ours(r"1\..*"))),
    ("JSON-008", rereads(grid=like_ours(r".*\.0"))),
    ("JSON-008", rereads(tiler=like_ours(r"10\.0"))),
    ("JSON-008", tells(r"reads [\d.]+", "is old")),
    ("JSON-009", rereads(tiler=of_ours)),
    ("JSON-009", rereads(grid=of_ours)),
]
