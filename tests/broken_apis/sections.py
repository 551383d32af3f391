"""Sections of configuration files that are read wrongly."""

from __future__ import annotations

import re
from typing import Any

from reftiler.config import TilingConfig
from tests.broken_apis.saved import drops, without
from tests.broken_apis.table import (
    Broken,
    Content,
    Reader,
    lets,
    misreads,
    read,
)


def bare_only(content: Content | None) -> TilingConfig:
    return read(without(content or {}, "tiling"))


def retold(pattern: str) -> Reader:
    """Return a reader whose refusals lack some words."""

    def reader(content: Content | None) -> TilingConfig:
        try:
            return read(content)
        except ValueError as error:
            raise type(error)(re.sub(pattern, "", str(error))) from error

    return reader


def defaults(**others: Any) -> Reader:
    """Return a reader with other defaults."""
    return misreads(lambda s: others | s)


def first_switch(section: Content) -> Content:
    return without(section, "enable") if "apply" in section else section


def either_off(section: Content) -> Content:
    return {} if section.get("enable") is False else section


def truthy(section: Content) -> Content:
    return {k: v for k, v in section.items() if v or k in ("apply", "enable", "seed")}


def randomly(section: Content) -> Content:
    return section | {"use_random_tiling": "random_tile_count" in section}


def smaller(section: Content) -> Content:
    mode = section.get("mode")
    return section | ({"mode": mode.title()} if mode and mode.isupper() else {})


def switched(section: Content) -> Content:
    """Take a null for off, and a word for on."""
    switch = next((k for k in ("apply", "enable") if k in section), "apply")
    return section | {switch: bool(section.get(switch))}


def validated(content: Content | None) -> TilingConfig:
    section = (content or {}).get("tiling", content) or {}
    on = {key: True for key in ("apply", "enable") if key in section}
    read(section | on)
    return read(content)


NULLS = {"apply": True, "tile_size": 4}

BROKEN: list[Broken] = [
    ("CONFIG-001", bare_only),
    ("CONFIG-001", misreads(drops("remove_border_count"))),
    ("CONFIG-001", misreads(drops("use_random_tiling"))),
    ("CONFIG-001", lets("has no key 'tile_size'")),
    ("CONFIG-002", misreads(drops("mode"))),
    ("CONFIG-002", misreads(lambda s: s | {"tile_size": s["tile_size"][::-1]})),
    ("CONFIG-003", defaults(seed=1)),
    ("CONFIG-003", defaults(pad_side="both")),
    ("CONFIG-003", misreads(truthy)),
    ("CONFIG-004", validated),
    (
        "CONFIG-004",
        misreads(
            lambda s: (
                s | {"apply": True, "tile_size": 4} if s.get("apply") is False else s
            )
        ),
    ),
    ("CONFIG-004", misreads(lambda s: s or {"seed": 0})),
    (
        "CONFIG-005",
        misreads(lambda s: s if "apply" in s else s | {"apply": True}),
    ),
    ("CONFIG-005", misreads(either_off)),
    ("CONFIG-005", misreads(first_switch)),
    ("CONFIG-006", defaults(use_random_tiling=True)),
    ("CONFIG-006", misreads(randomly)),
    ("CONFIG-006", lets("lacks random", NULLS)),
    ("CONFIG-006", lets("count must be at", NULLS)),
    ("CONFIG-007", misreads(drops("strid"))),
    ("CONFIG-007", misreads(either_off)),
    ("CONFIG-007", retold("; did you .*")),
    ("CONFIG-008", lets("mode must")),
    ("CONFIG-008", lets("tile_size must be an int")),
    ("CONFIG-008", lets("seed must be at least")),
    ("CONFIG-008", lets("merge must")),
    ("CONFIG-009", misreads(switched)),
    ("CONFIG-009", lets("got 'yes'")),
    ("CONFIG-009", lets("got 1")),
    (
        "CONFIG-009",
        misreads(lambda s: s | {"seed": s["seed"] or "null"} if "seed" in s else s),
    ),
    ("CONFIG-010", misreads(smaller)),
]
