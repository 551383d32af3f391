"""Arrays that are refused: to be cut, padded, viewed, written to."""

from __future__ import annotations

import math

from tests.refusals.table import Refusal, mistyped, wrong

TILING = [
    wrong("rank 1", lambda t, a: t(4).tile(a((8,), "uint8")), "(8,)", "2"),
    wrong("rank 5", lambda t, a: t(4).tile(a((1, 1, 1, 8, 8), "uint8")), "2"),
    wrong("empty rows", lambda t, a: t(4).tile(a((0, 8), "uint8")), "0"),
    wrong("empty columns", lambda t, a: t(4).tile(a((3, 8, 0), "uint8")), "0"),
    wrong("no images", lambda t, a: t(4).tile(a((0, 3, 8, 8), "uint8")), "0"),
    wrong("no channels", lambda t, a: t(4).tile(a((0, 8, 8), "uint8")), "0"),
    wrong("view of rank 1", lambda t, a: t(4).view(a((8,), "uint8")), "(8,)", "2"),
    mistyped("a list", lambda t, _: t(2).tile([[1, 2], [3, 4]]), "list"),
    mistyped("nothing", lambda t, _: t(2).tile(None), "none"),
    mistyped("view of a list", lambda t, _: t(2).view([[1, 2], [3, 4]]), "list"),
]


def shown(value: float) -> str:
    """Return how a message begins to show a number; whole ones may be ints."""
    whole = (
        (isinstance(value, int) or math.isfinite(value))
        and value == int(value)
        and str(value) != "-0.0"
    )
    return (str(int(value)) if whole else repr(value))[:10].lower()


def pad_value(value: float, dtype: str) -> Refusal:
    """Return the refusal of a pad value, though this image needs no padding."""
    return wrong(
        f"pad_value {value!r} of {dtype}",
        lambda t, a: t(4, pad_value=value).tile(a((8, 8), dtype)),
        "pad_value",
        shown(value),
        dtype,
    )


def fill(value: float, dtype: str) -> Refusal:
    """Return the refusal of a fill, though no pixel needs it."""
    return wrong(
        f"fill {value!r} of {dtype}",
        lambda t, a: t(4, fill=value).untile(a((4, 4, 4), dtype), (8, 8)),
        "fill",
        shown(value),
        dtype,
    )


UNFIT = [
    (256, "uint8"),
    (-1, "uint8"),
    (0.5, "uint8"),
    (-0.0, "uint8"),
    (math.nan, "int16"),
    (math.inf, "int64"),
    (128, "int8"),
    (2**63, "int64"),
    (2, "bool"),
    (0.5, "bool"),
    (65520, "float16"),
    (3.5e38, "float32"),
    (10**400, "float64"),
]

VALUES = [
    *(pad_value(value, dtype) for value, dtype in UNFIT),
    *(fill(value, dtype) for value, dtype in UNFIT),
    wrong(
        "fill of the result's dtype",
        lambda t, a: t(4, fill=0.5).untile(
            a((4, 4, 4), "float32"), (8, 8), dtype=a((1,), "uint8").dtype
        ),
        "fill",
        "0.5",
        "uint8",
    ),
]

VIEWS = [
    wrong("padded", lambda t, a: t(4).view(a((8, 9), "uint8")), "tile("),
    wrong(
        "padded and both", lambda t, a: t(4, pad_side="both").view(a((7, 8), "uint8"))
    ),
    wrong(
        "uneven",
        lambda t, a: t(4, mode="clamp").view(a((8, 9), "uint8")),
        "tile(",
    ),
    wrong(
        "uneven starts of even",
        lambda t, a: t(2, mode="even").view(a((8, 7), "uint8")),
        "tile(",
    ),
    wrong(
        "resampled",
        lambda t, a: t(4, mode="interpolation").view(a((8, 9), "uint8")),
        "tile(",
    ),
]

FOREIGN = [
    wrong(
        "tile with another's grid",
        lambda t, a: t(4).tile(a((8, 8), "uint8"), grid=t(4, 2).grid((8, 8))),
        "grid",
    ),
    wrong(
        "tile with the grid of another size",
        lambda t, a: t(4).tile(a((8, 8), "uint8"), grid=t(4).grid((8, 9))),
        "9",
        "8",
    ),
    wrong(
        "untile with another's grid",
        lambda t, a: t(4).untile(
            a((4, 4, 4), "uint8"), (8, 8), t(4, window="hann").grid((8, 8))
        ),
        "grid",
    ),
    wrong(
        "untile with the grid of another size",
        lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), t(4).grid((8, 7))),
        "7",
        "8",
    ),
    mistyped(
        "tile with no grid", lambda t, a: t(4).tile(a((8, 8), "uint8"), grid=5), "int"
    ),
    mistyped(
        "untile with a tiler",
        lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), t(4)),
        "grid",
    ),
]

PHOTO = (512, 640, 3)
CHANNELS_LAST = [
    wrong("tile", lambda t, a: t(256).tile(a(PHOTO, "uint8")), "channels_last=true"),
    wrong("view", lambda t, a: t(256).view(a(PHOTO, "uint8")), "channels_last=true"),
    wrong(
        "untile",
        lambda t, a: t(256).untile(a((6, 512, 256, 256), "uint8"), PHOTO),
        "channels_last=true",
    ),
    wrong(
        "apply",
        lambda t, a: t(256).apply(lambda tiles: tiles, a(PHOTO, "uint8")),
        "channels_last=true",
    ),
]

OUT = [
    wrong(
        "tile: shape",
        lambda t, a: t(4).tile(a((8, 8), "uint8"), out=a((4, 4, 5), "uint8")),
        "out",
        "(4, 4, 5)",
        "(4, 4, 4)",
    ),
    wrong(
        "tile: dtype",
        lambda t, a: t(4).tile(a((8, 8), "uint8"), out=a((4, 4, 4), "int8")),
        "out",
        "int8",
        "uint8",
    ),
    wrong(
        "untile: shape",
        lambda t, a: t(4).untile(
            a((4, 4, 4), "uint8"), (8, 8), out=a((1, 8, 8), "uint8")
        ),
        "out",
        "(1, 8, 8)",
        "(8, 8)",
    ),
    wrong(
        "untile: dtype",
        lambda t, a: t(4).untile(
            a((4, 4, 4), "uint8"), (8, 8), out=a((8, 8), "float32")
        ),
        "out",
        "float32",
        "uint8",
    ),
    mistyped("tile: list", lambda t, a: t(4).tile(a((8, 8), "uint8"), out=[]), "out"),
    mistyped(
        "untile: list",
        lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), out=[]),
        "out",
    ),
]

APPLY = [
    wrong(
        "a model that drops tiles",
        lambda t, a: t(4).apply(lambda tiles: tiles[1:], a((8, 8), "uint8")),
        "4",
        "3",
    ),
    wrong(
        "batches of zero",
        lambda t, a: t(4).apply(lambda tiles: tiles, a((8, 8), "uint8"), batch_size=0),
        "batch_size",
        "0",
    ),
    mistyped(
        "batches of a float",
        lambda t, a: t(4).apply(
            lambda tiles: tiles, a((8, 8), "uint8"), batch_size=2.0
        ),
        "batch_size",
    ),
]
