"""Sections of configuration files that are read wrongly."""

from __future__ import annotations

import re
from typing import Any

from reftiler.config import TilingConfig
from tests.broken_apis.saved import drops, without
from tests.broken_apis.table import (
    BROKEN,
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

BROKEN += [
    Broken("CONFIG-001", "gives None", read=bare_only),
    Broken("CONFIG-001", "gives Tiler(", read=misreads(drops("remove_border_count"))),
    Broken("CONFIG-001", "gives None tiles", read=misreads(drops("use_random_tiling"))),
    Broken(
        "CONFIG-001",
        "a key beside tiling was taken",
        read=lets("has no key 'tile_size'"),
    ),
    Broken("CONFIG-002", "gives Tiler(", read=misreads(drops("mode"))),
    Broken(
        "CONFIG-002",
        "gives Tiler(",
        read=misreads(lambda s: s | {"tile_size": s["tile_size"][::-1]}),
    ),
    Broken("CONFIG-003", "gives the seed 1", read=defaults(seed=1)),
    Broken("CONFIG-003", "gives Tiler(", read=defaults(pad_side="both")),
    Broken("CONFIG-003", "gives Tiler(", read=misreads(truthy)),
    Broken("CONFIG-004", "raised TilingError: tile_size must be", read=validated),
    Broken(
        "CONFIG-004",
        "gives Tiler(",
        read=misreads(
            lambda s: (
                s | {"apply": True, "tile_size": 4} if s.get("apply") is False else s
            )
        ),
    ),
    Broken(
        "CONFIG-004",
        "raised TilingError: the tiling section must",
        read=misreads(lambda s: s or {"seed": 0}),
    ),
    Broken(
        "CONFIG-005",
        "without a switch was taken",
        read=misreads(lambda s: s if "apply" in s else s | {"apply": True}),
    ),
    Broken("CONFIG-005", "both switches was taken", read=misreads(either_off)),
    Broken("CONFIG-005", "both switches was taken", read=misreads(first_switch)),
    Broken("CONFIG-006", "gives 16 tiles", read=defaults(use_random_tiling=True)),
    Broken("CONFIG-006", "gives 16 tiles", read=misreads(randomly)),
    Broken(
        "CONFIG-006",
        "random tiling of None tiles was",
        read=lets("lacks random", NULLS),
    ),
    Broken(
        "CONFIG-006",
        "random tiling of 0 tiles was",
        read=lets("count must be at", NULLS),
    ),
    Broken("CONFIG-007", "the key 'strid' was taken", read=misreads(drops("strid"))),
    Broken("CONFIG-007", "the key 'strid' was taken", read=misreads(either_off)),
    Broken("CONFIG-007", "stride is not in", read=retold("; did you .*")),
    Broken("CONFIG-008", "mode='clmap' was taken", read=lets("mode must")),
    Broken(
        "CONFIG-008", "tile_size=64.0 was taken", read=lets("tile_size must be an int")
    ),
    Broken("CONFIG-008", "seed=-1 was taken", read=lets("seed must be at least")),
    Broken("CONFIG-008", "merge='median' was taken", read=lets("merge must")),
    Broken("CONFIG-009", "apply=None was taken", read=misreads(switched)),
    Broken("CONFIG-009", "apply='yes' was taken", read=lets("got 'yes'")),
    Broken("CONFIG-009", "apply=1 was taken", read=lets("got 1")),
    Broken(
        "CONFIG-009",
        "raised TypeError: seed must be an int",
        read=misreads(
            lambda s: s | {"seed": s["seed"] or "null"} if "seed" in s else s
        ),
    ),
    Broken("CONFIG-010", "raised TilingError: mode must", read=misreads(smaller)),
]
