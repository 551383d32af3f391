"""Grids that are refused: image sizes, scattered tiles, JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from tests.refusals.table import Refusal, mistyped, wrong


def edited(cls: Any, **changes: Any) -> str:
    """Return the JSON of a grid in which keys of the tiler were changed."""
    content = json.loads(cls(4).grid((8, 8)).to_json())
    for key, value in changes.items():
        place = content if key in ("spec_version", "image_size", "starts") else None
        (content["tiler"] if place is None else place)[key] = value
    return json.dumps(content)


def grid_from(cls: Any, text: Any) -> object:
    """Read a grid by the class that the tiler makes."""
    return type(cls(4).grid((8, 8))).from_json(text)


def without(cls: Any, key: str) -> str:
    """Return the JSON of a grid without a key."""
    content = json.loads(cls(4).grid((8, 8)).to_json())
    del content[key]
    return json.dumps(content)


MARKED = np.eye(8, dtype=bool)


def inside(t: Any, mask: Any, **named: Any) -> object:
    return t(4).random((8, 8), 3, 0, inside=mask, **named)


SEEDS = [
    wrong("share alone", lambda t, _: t(4).random((8, 8), 1, 0, share=0.5), "inside="),
    wrong("negative share", lambda t, _: inside(t, MARKED, share=-0.1), "0 to 1"),
    wrong("share in percent", lambda t, _: inside(t, MARKED, share=33), "0 to 1", "33"),
    wrong("NaN share", lambda t, _: inside(t, MARKED, share=math.nan), "0 to 1"),
    mistyped("str share", lambda t, _: inside(t, MARKED, share="1/3"), "share"),
    wrong("no marks", lambda t, _: inside(t, MARKED * 0), "no pixel is marked"),
    wrong("other mask", lambda t, _: inside(t, MARKED[1:]), "7, 8", "8, 8"),
    wrong("other tensor", lambda t, a: inside(t, a((1, 8, 8), "bool")), "1, 8, 8"),
    mistyped(
        "masked mask", lambda t, _: inside(t, np.ma.array(MARKED)), "masked array"
    ),
    wrong(
        "marks that no tile holds",
        lambda t, _: t([3]).random([9], 1, 0, 7, inside=np.arange(9) == 5),
        "no pixel is marked that a tile (3,) can hold",
        "multiples of (7,)",
    ),
    wrong("negative seed", lambda t, _: t(4).random((8, 8), 1, -1), "seed", "-1"),
    wrong("seed too large", lambda t, _: t(4).random((8, 8), 1, 2**128), "seed", "128"),
    wrong("no tiles", lambda t, _: t(4).random((8, 8), 0, 0), "count", "0"),
    wrong("10**12 tiles", lambda t, _: t(4).random((8, 8), 10**12, 0), "count"),
    wrong("align of zero", lambda t, _: t(4).random((8, 8), 1, 0, 0), "align", "0"),
    wrong(
        "align of 3 axes", lambda t, _: t(4).random((8, 8), 1, 0, (1, 1, 1)), "align"
    ),
    wrong(
        "align of another",
        lambda t, _: t(4, align=4).random((4, 4), 1, 0, 2),
        "align=(2, 2)",
        "(4, 4)",
    ),
    mistyped("float seed", lambda t, _: t(4).random((8, 8), 1, 1.5), "seed", "1.5"),
    mistyped("bool seed", lambda t, _: t(4).random((8, 8), 1, True), "seed", "true"),
    mistyped("no seed", lambda t, _: t(4).random((8, 8), 1, None), "seed", "none"),
    mistyped("bool count", lambda t, _: t(4).random((8, 8), True, 0), "count", "true"),
    mistyped(
        "float align", lambda t, _: t(4).random((8, 8), 1, 0, 2.0), "align", "2.0"
    ),
    wrong("size beyond int64", lambda t, _: t(4).grid((8, 2**70)), "image_size"),
    wrong("2**80 tiles", lambda t, _: t(4, 1).grid((2**40, 2**40)), "stride"),
    wrong("scatter none", lambda t, _: t(4).scatter((8, 8), []), "starts"),
    wrong("start beyond", lambda t, _: t(4).scatter((8, 9), [(0, 6)]), "6", "5"),
    wrong("start before", lambda t, _: t(4).scatter((8, 8), [(-1, 0)]), "-1"),
    wrong("start of one axis", lambda t, _: t(4).scatter((8, 8), [(1,)]), "start", "2"),
    mistyped("float start", lambda t, _: t(4).scatter((8, 8), [(0.0, 1)]), "start"),
    mistyped("bool start", lambda t, _: t(4).scatter((8, 8), [(True, 1)]), "start"),
    mistyped("flat starts", lambda t, _: t(4).scatter((8, 8), [0, 1]), "start"),
]


def too_small(mode: str) -> list[Refusal]:
    """Return the refusals of an image that is smaller than the tile."""
    return [
        wrong(
            f"short axis in {mode}",
            lambda t, _: t(8, mode=mode).grid((5, 9)),
            "5",
            "8",
            "padding",
        ),
        wrong(
            f"tile of a short image in {mode}",
            lambda t, a: t(8, mode=mode).tile(a((9, 5), "uint8")),
            "5",
            "8",
            "padding",
        ),
    ]


GRIDS = [
    *(refusal for mode in ("clamp", "even", "drop") for refusal in too_small(mode)),
    wrong(
        "short and random", lambda t, _: t(8).random((5, 9), 1, 0), "5", "8", "padding"
    ),
    wrong("short and scattered", lambda t, _: t(8).scatter((9, 5), [(0, 0)]), "5", "8"),
    wrong("one size of two", lambda t, _: t(4).grid((8,)), "1", "2"),
    wrong("three sizes of two", lambda t, _: t(4).grid((8, 8, 8)), "3", "2"),
    wrong("empty", lambda t, _: t(4).grid((0, 8)), "0"),
    wrong("negative", lambda t, _: t(4).grid((8, -2)), "-2"),
    mistyped("float size", lambda t, _: t(4).grid((8, 8.0)), "8.0"),
    mistyped("bool size", lambda t, _: t(4).grid((8, True)), "true"),
    mistyped("str size", lambda t, _: t(4).grid("88"), "88"),
    mistyped("lone size", lambda t, _: t(4).grid(8), "8"),
    wrong(
        "mask", lambda t, a: t(4).grid((8, 6)).touching(a((6, 8), "uint8")), "8", "6"
    ),
    wrong(
        "mask with channels",
        lambda t, a: t(4).grid((8, 6)).touching(a((1, 8, 6), "bool")),
        "1, 8, 6",
    ),
    wrong(
        "mask of words",
        lambda t, _: t(4).grid((1, 1)).touching([["no"]]),
        "<u2",
        "numbers",
    ),
]

JSON = [
    wrong(
        "damaged", lambda t, _: grid_from(t, t(4).grid((8, 8)).to_json()[:-5]), "json"
    ),
    wrong("empty", lambda t, _: grid_from(t, ""), "json"),
    wrong("bottomless", lambda t, _: grid_from(t, "[" * 100_000), "json"),
    wrong("a list", lambda t, _: grid_from(t, "[1, 2]"), "object"),
    wrong("damaged tiler", lambda t, _: t.from_json("{"), "json"),
    wrong("unknown key", lambda t, _: grid_from(t, edited(t, strid=2)), "'stride'"),
    wrong(
        "unknown key of grid",
        lambda t, _: grid_from(t, edited(t).replace('"image_size"', '"image_sizes"')),
        "'image_size'",
    ),
    wrong(
        "newer", lambda t, _: grid_from(t, edited(t, spec_version="2.0")), "2.0", "1.1"
    ),
    wrong(
        "a little newer",
        lambda t, _: grid_from(t, edited(t, spec_version="1.2")),
        "1.2",
        "1.1",
    ),
    wrong("older", lambda t, _: grid_from(t, edited(t, spec_version="0.9")), "0.9"),
    wrong(
        "much newer", lambda t, _: grid_from(t, edited(t, spec_version="1.10")), "1.10"
    ),
    wrong(
        "no version", lambda t, _: grid_from(t, edited(t, spec_version="new")), "new"
    ),
    wrong(
        "version gone", lambda t, _: grid_from(t, without(t, "spec_version")), "spec"
    ),
    wrong(
        "size gone", lambda t, _: grid_from(t, without(t, "image_size")), "image_size"
    ),
    wrong("tiler gone", lambda t, _: grid_from(t, without(t, "tiler")), "tiler"),
    wrong("bad mode", lambda t, _: grid_from(t, edited(t, mode="clam")), "'clamp'"),
    wrong("bad size", lambda t, _: grid_from(t, edited(t, image_size=[8, 0])), "0"),
    wrong("bad start", lambda t, _: grid_from(t, edited(t, starts=[[9, 0]])), "9"),
    wrong("newer tiler", lambda t, _: t.from_json('{"spec_version": "2.0"}'), "2.0"),
    mistyped("a number", lambda t, _: grid_from(t, 5), "int", "str"),
    mistyped("tiler of a number", lambda t, _: t.from_json(5), "int", "str"),
]
