"""Tilers that understand their sizes wrongly."""

from __future__ import annotations

from typing import Any

import numpy as np

from reftiler import Grid, Tiler
from tests.broken_apis.table import BROKEN, Broken, Content, breaks, takes, wishes


def each(given: Content, name: str, change: Any) -> Content:
    """Change every number of a setting."""
    value = given.get(name)
    if value is None:
        return {}
    return {name: [change(n) for n in value] if np.ndim(value) else change(value)}


def square(given: Content) -> Content:
    tile = given["tile_size"]
    return {"tile_size": [tile] if isinstance(tile, int) else tile}


def at_most_the_tile(given: Content) -> Content:
    tile, stride = Tiler(given["tile_size"]).tile_size, given["stride"]
    if stride is None:
        return {}
    pairs = zip(np.broadcast_to(stride, len(tile)).tolist(), tile, strict=True)
    return {"stride": [min(s, t) for s, t in pairs]}


def one_for_all(given: Content) -> Content:
    stride = given["stride"]
    single = isinstance(stride, tuple) and len(stride) == 1
    return {"stride": stride[0]} if single else {}


def cut_to_rank(given: Content) -> Content:
    overlap = given.get("overlap")
    return {"overlap": overlap[:2]} if isinstance(overlap, tuple) else {}


def overlap_first(given: Content) -> Content:
    return {"stride": None} if given.get("overlap") is not None else {}


def falsy_overlap(given: Content) -> Content:
    return {} if given.get("overlap") else {"overlap": None}


BROKEN += [
    Broken("SIZE-001", "tile_size=4 became (4,)", wishes(square)),
    Broken(
        "SIZE-001",
        "tile_size=0 was taken",
        wishes(lambda g: each(g, "tile_size", lambda n: n or 1)),
    ),
    Broken(
        "SIZE-001",
        "tile_size=() was taken",
        wishes(lambda g: {"tile_size": 4} if g["tile_size"] == () else {}),
    ),
    Broken("SIZE-002", "stride=(2,) for two axes was taken", wishes(one_for_all)),
    Broken("SIZE-002", "overlap=(2, 2, 2) for two axes was taken", wishes(cut_to_rank)),
    Broken(
        "SIZE-004",
        "tile_size=True was taken",
        wishes(lambda g: each(g, "tile_size", int)),
    ),
    Broken(
        "SIZE-004",
        "remove_border_count=2.0 was taken",
        wishes(
            lambda g: each(
                g, "remove_border_count", lambda n: int(n) if n == 2.0 else n
            )
        ),
    ),
    Broken(
        "SIZE-005",
        "the stride became (1, 1)",
        wishes(lambda g: {} if g["stride"] or "overlap" in g else {"stride": 1}),
    ),
    Broken(
        "SIZE-006",
        "overlap=-1 of (8, 6) was taken",
        wishes(lambda g: each(g, "overlap", lambda n: max(0, n))),
    ),
    Broken(
        "SIZE-006",
        "overlap=6 of (8, 6) was taken",
        wishes(lambda g: each(g, "overlap", lambda n: 5 if n == 6 else n)),
    ),
    Broken(
        "SIZE-006",
        "overlap=2 gave the stride (2, 2)",
        wishes(
            lambda g: (
                {"stride": g["overlap"] or None, "overlap": None}
                if g["overlap"] in (0, 2)
                else {}
            )
        ),
    ),
    Broken("SIZE-007", "overlap=2 was taken", wishes(overlap_first)),
    Broken("SIZE-007", "overlap=0 was taken", wishes(falsy_overlap)),
    Broken("SIZE-008", "stride=5 of (4, 6) was taken", wishes(at_most_the_tile)),
    Broken(
        "SIZE-008",
        "stride=0 of (4, 6) was taken",
        wishes(lambda g: each(g, "stride", lambda n: n or 1)),
    ),
    Broken("SIZE-009", "image_size=(8,) was taken", takes("grid", "must have 2")),
    Broken("SIZE-009", "image_size=(0, 8) was taken", takes("grid", "at least 1")),
    Broken("SIZE-009", "image_size=8 was taken", takes("grid", "a sequence")),
    Broken("SIZE-009", "an image of (0, 8) was taken", takes("tile", "is empty")),
]


@breaks("SIZE-002", "align has no axis 1")
class AlignsByTheFirst(Tiler):
    def random(self, size: Any, count: int, seed: int, align: Any = 1) -> Grid:
        first = align[0] if isinstance(align, tuple) and len(align) == 2 else align
        return super().random(size, count, seed, first)


@breaks("SIZE-003", "raised TypeError: a list or a tuple")
class ListsOnly(Tiler):
    def grid(self, image_size: Any) -> Grid:
        if not isinstance(image_size, list | tuple):
            raise TypeError("a list or a tuple")
        return super().grid(image_size)


@breaks("SIZE-003", "raised TypeError: stride is no int")
class OwnIntsOnly(Tiler):
    def __init__(self, tile_size: Any, stride: Any = None, **others: Any) -> None:
        if isinstance(stride, np.integer):
            raise TypeError("stride is no int")
        super().__init__(tile_size, stride, **others)


@breaks("SIZE-003", "is another")
class SeedsOfNumpy(Tiler):
    def random(self, size: Any, count: int, seed: Any, align: Any = 1) -> Grid:
        odd = 3 if isinstance(seed, np.uint64) else seed
        return super().random(size, count, odd, align)


@breaks("SIZE-004", "seed=True was taken")
class SeedsOfBool(Tiler):
    def random(self, size: Any, count: int, seed: Any, align: Any = 1) -> Grid:
        number = int(seed) if isinstance(seed, bool) else seed
        return super().random(size, count, number, align)


@breaks("SIZE-004", "start=True was taken")
class StartsOfAnything(Tiler):
    def scatter(self, image_size: Any, starts: Any) -> Grid:
        return super().scatter(image_size, np.asarray(starts).astype(int).tolist())
