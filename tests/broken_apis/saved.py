"""JSON that is written and read wrongly."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from reftiler import Grid, Tiler
from tests.broken_apis.table import (
    BROKEN,
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


BROKEN += [
    Broken("JSON-002", "without spec_version", rewrites(drops("spec_version"))),
    Broken(
        "JSON-002",
        "two ways to write",
        rewrites(lambda c: c | {"tile_size": c["tile_size"][0]}),
    ),
    Broken("JSON-002", "two ways", rewrites(lambda c: c | {"overlap": [0, 0]})),
    Broken("JSON-002", "['padMode', 'pad_mode'] are not", Camel),
    Broken("JSON-004", "became", rereads(tiler=drops("remove_border_count"))),
    Broken("JSON-004", "fill=-0.0", rereads(tiler=unsigned)),
    Broken("JSON-004", "became", rereads(grid=drops("starts"))),
    Broken("JSON-005", "merges otherwise", rereads(grid=in_order)),
    Broken(
        "JSON-005",
        "merges otherwise",
        rereads(grid=lambda c: c | {"tiler": without(c["tiler"], "window")}),
    ),
    Broken("JSON-006", "the key 'colour' was", rereads(tiler=drops("colour"))),
    Broken("JSON-006", "the key 'colour' was", rereads(grid=drops("colour"))),
    Broken("JSON-006", "of a grid's tiler was taken", rereads(grid=inner)),
    Broken("JSON-007", "stride is not in", tells("stride", "another")),
    Broken("JSON-007", "image_size is not in", tells("image_size", "another")),
    Broken("JSON-008", "version 1.1 was taken", rereads(tiler=like_ours(r"1\..*"))),
    Broken("JSON-008", "version 2.0 was taken", rereads(grid=like_ours(r".*\.0"))),
    Broken("JSON-008", "version 10.0 was taken", rereads(tiler=like_ours(r"10\.0"))),
    Broken("JSON-008", "1.0 is not in", tells("reads 1.0", "is old")),
    Broken("JSON-009", "text without", rereads(tiler=of_ours)),
    Broken("JSON-009", "text without", rereads(grid=of_ours)),
]
