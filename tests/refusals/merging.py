"""Merges that are refused: counts, shapes, dtypes, scales."""

from __future__ import annotations

import math
from fractions import Fraction

from tests.refusals.table import mistyped, wrong

MERGING = [
    wrong(
        "one too few", lambda t, a: t(4).untile(a((3, 4, 4), "uint8"), (8, 8)), "3", "4"
    ),
    wrong(
        "one too many",
        lambda t, a: t(4).untile(a((5, 4, 4), "uint8"), (8, 8)),
        "5",
        "4",
    ),
    wrong(
        "tiles of two images for one",
        lambda t, a: t(4).untile(a((8, 3, 4, 4), "uint8"), (3, 8, 8)),
        "8",
        "4",
    ),
    wrong(
        "tiles of one image for two",
        lambda t, a: t(4).untile(a((4, 3, 4, 4), "uint8"), (2, 3, 8, 8)),
        "4",
        "8",
    ),
    wrong("rank 2", lambda t, a: t(4).untile(a((4, 4), "uint8"), (8, 8)), "(4, 4)"),
    wrong(
        "scores",
        lambda t, a: t(4, 2).untile(a((9,), "float32"), (8, 8)),
        "broadcast_to(scores[:, none, none], (9, 4, 4))",
    ),
    wrong(
        "scores of classes",
        lambda t, a: t(4, 2).untile(a((9, 5), "float32"), (8, 8)),
        "broadcast_to(scores[:, :, none, none], (9, 5, 4, 4))",
    ),
    wrong(
        "scores of classes, channels last",
        lambda t, a: t(4, 2, channels_last=True).untile(a((9, 5), "float32"), (8, 8)),
        "broadcast_to(scores[:, none, none, :], (9, 4, 4, 5))",
    ),
    wrong(
        "scores as tiles of one pixel",
        lambda t, a: t(4, 2).untile(a((9, 1, 1), "float32"), (8, 8)),
        "broadcast_to(scores[:, none, none], (9, 4, 4))",
    ),
    wrong(
        "rank 5", lambda t, a: t(4).untile(a((4, 1, 1, 4, 4), "uint8"), (8, 8)), "4, 1"
    ),
    wrong(
        "shape of rank 1", lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8,)), "8"
    ),
    wrong(
        "shape of rank 5",
        lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (1,) * 5),
        "1",
    ),
    wrong("empty shape", lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 0)), "0"),
    wrong(
        "no images", lambda t, a: t(4).untile(a((0, 4, 4), "uint8"), (0, 1, 8, 8)), "0"
    ),
    wrong(
        "no channels", lambda t, a: t(4).untile(a((4, 0, 4, 4), "uint8"), (8, 8)), "0"
    ),
    wrong(
        "tiles of nothing", lambda t, a: t(4).untile(a((4, 0, 0), "uint8"), (8, 8)), "0"
    ),
    wrong(
        "mean of bool",
        lambda t, a: t(4, merge="mean").untile(a((4, 4, 4), "bool"), (8, 8)),
        "bool",
        "mean",
        "max",
    ),
    wrong(
        "mean of bool as float",
        lambda t, a: t(4, merge="mean").untile(
            a((4, 4, 4), "bool"), (8, 8), dtype=a((1,), "float32").dtype
        ),
        "bool",
        "mean",
        "max",
    ),
    wrong(
        "window on bool",
        lambda t, a: t(4, window="hann").untile(a((4, 4, 4), "bool"), (8, 8)),
        "bool",
        "window",
    ),
    wrong(
        "window on a merge by place",
        lambda t, a: t(4, window="hann", merge="center"),
        "center",
        "window",
        "vote",
    ),
    wrong(
        "weights of other tiles",
        lambda t, a: t(4).untile(
            a((4, 3, 4, 4), "uint8"), (8, 8), weights=a((4, 3, 4, 4), "uint8")
        ),
        "weights",
        "(4, 3, 4, 4)",
        "(4, 4, 4)",
    ),
    wrong(
        "weights of an extreme",
        lambda t, a: t(4, merge="max").untile(
            a((4, 4, 4), "uint8"), (8, 8), weights=a((4, 4, 4), "uint8")
        ),
        "weights=",
        "max",
        "vote",
    ),
    wrong(
        "complex weights",
        lambda t, a: t(4).untile(
            a((4, 4, 4), "uint8"), (8, 8), weights=a((4, 4, 4), "complex64")
        ),
        "weights",
        "complex64",
    ),
    wrong(
        "no weight and no fill",
        lambda t, a: t(4).untile(
            a((4, 4, 4), "uint8"), (8, 8), weights=a((4, 4, 4), "float64")
        ),
        "weights",
        "64 pixels",
        "fill",
    ),
    wrong(
        "a negative weight",
        lambda t, a: t(4, fill=0).untile(
            a((4, 4, 4), "uint8"), (8, 8), weights=a((4, 4, 4), "int8") - 1
        ),
        "weight of pixel (0, 0) of tile 0 is -1.0",
    ),
    wrong(
        "a weight that is NaN",
        lambda t, a: t(4, fill=0).untile(
            a((4, 4, 4), "uint8"), (8, 8), weights=a((4, 4, 4), "float32") + math.nan
        ),
        "nan",
        "weights must be 0",
    ),
    mistyped(
        "weights that are no array",
        lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), weights=[1, 2]),
        "weights",
        "list",
    ),
    wrong("an extreme without NaN", lambda t, _: t(4, merge="max", nan="omit"), "nan"),
    wrong("nan by another name", lambda t, _: t(4, nan="ignore"), "nan", "omit"),
    wrong(
        "NaN alone as an integer",
        lambda t, a: t(4, nan="omit").untile(
            a((1, 4, 4), "float32") * math.nan, (4, 4), dtype=a((1,), "uint8").dtype
        ),
        "nan",
        "uint8",
    ),
    wrong(
        "vote of floats",
        lambda t, a: t(4, merge="vote").untile(a((4, 4, 4), "float32"), (8, 8)),
        "float32",
        "argmax",
        "mean",
    ),
    wrong(
        "vote that would saturate",
        lambda t, a: t(4, merge="vote").untile(
            a((4, 4, 4), "int64"), (8, 8), dtype=a((1,), "uint8").dtype
        ),
        "uint8",
        "int64",
        "convert",
    ),
    wrong(
        "vote that would round",
        lambda t, a: t(4, merge="vote").untile(
            a((4, 4, 4), "int32"), (8, 8), dtype=a((1,), "float32").dtype
        ),
        "float32",
        "int32",
        "convert",
    ),
    wrong(
        "bool of numbers",
        lambda t, a: t(4).untile(
            a((4, 4, 4), "uint8"), (8, 8), dtype=a((1,), "bool").dtype
        ),
        "bool",
        "uint8",
    ),
    wrong(
        "uncovered",
        lambda t, a: t(4, mode="drop").untile(a((1, 4, 4), "uint8"), (5, 5)),
        "9 of",
        "fill",
    ),
    wrong(
        "uncovered in a batch",
        lambda t, a: t(4, mode="drop").untile(a((2, 3, 4, 4), "uint8"), (2, 3, 5, 5)),
        "9 of",
        "fill",
    ),
    wrong(
        "uncovered by scatter",
        lambda t, a: t(4).untile(
            a((1, 4, 4), "uint8"), (6, 7), t(4).scatter((6, 7), [(1, 1)])
        ),
        "26 of",
        "fill",
    ),
    wrong(
        "uncovered by border removal",
        lambda t, a: t([6], 4, mode="drop", remove_border_count=1).untile(
            a((2, 6), "uint8"), (13,)
        ),
        "4 of",
        "fill",
    ),
    mistyped("a list", lambda t, _: t(2).untile([[[1, 2], [3, 4]]], (2, 2)), "list"),
    mistyped(
        "shape of floats", lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8.0, 8))
    ),
    mistyped("shape of 8", lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), 8), "8"),
]

SCALING = [
    wrong(
        "a start that is not whole",
        lambda t, a: t(4, 3).untile(a((9, 2, 2), "uint8"), (10, 10)),
        "axis",
        "3",
        "1/2",
    ),
    wrong(
        "an axis that is not whole",
        lambda t, a: t(4, (2, 3)).untile(a((12, 2, 2), "uint8"), (10, 10)),
        "axis 1",
        "3",
        "1/2",
    ),
    wrong(
        "leading padding that is not whole",
        lambda t, a: t(4, pad_side="both").untile(a((9, 2, 2), "uint8"), (10, 10)),
        "axis 0",
        "1",
        "1/2",
    ),
    wrong(
        "border that is not whole",
        lambda t, a: t(4, 2, remove_border_count=1).untile(
            a((16, 2, 2), "uint8"), (10, 10)
        ),
        "axis 0",
        "1",
        "1/2",
    ),
    wrong(
        "sizes that do not agree",
        lambda t, a: t(4).untile(a((4, 2, 8), "uint8"), (8, 8)),
        "scale=",
        "1/2",
        "2",
    ),
    wrong(
        "tiles that do not fit the scale",
        lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), scale=2),
        "scale",
        "8",
        "4",
    ),
    wrong(
        "a length between pixels",
        lambda t, a: (one := t([4], 3, mode="interpolation", fill=0)).untile(
            a((1, 2), "uint8"), (5,), one.grid((5,)).select([0])
        ),
        "resampled",
        "7",
        "1/2",
    ),
    wrong(
        "a scale that makes no tile",
        lambda t, a: t(4).untile(a((4, 3, 3), "uint8"), (8, 8), scale=Fraction(2, 3)),
        "2/3",
    ),
    wrong(
        "scale of zero",
        lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), scale=0),
    ),
    wrong(
        "negative", lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), scale=-1)
    ),
    wrong(
        "nan", lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), scale=math.nan)
    ),
    wrong(
        "infinite",
        lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), scale=math.inf),
    ),
    wrong(
        "scale of three axes",
        lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), scale=(1, 1, 1)),
        "scale",
        "3",
        "2",
    ),
    mistyped("str", lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), scale="1")),
    mistyped(
        "bool", lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), scale=True)
    ),
    wrong(
        "custom window at another scale",
        lambda t, a: t([2], window=((1, 2),)).untile(a((2, 4), "uint8"), (4,)),
        "window",
        "4",
        "2",
    ),
]

FINISHES = [
    mistyped(
        "no function",
        lambda t, a: t(4).untile(a((4, 3, 4, 4), "uint8"), (8, 8), finish="argmax"),
        "finish",
        "str",
        "lambda block",
    ),
    mistyped(
        "no function of apply",
        lambda t, a: t(4).apply(lambda x: x, a((8, 8), "uint8"), finish=[3]),
        "finish",
        "int",
    ),
    wrong(
        "functions that are not built like the results",
        lambda t, a: t(4).apply(lambda x: x, a((8, 8), "uint8"), finish=[abs]),
        "one array",
        "finish is a list of 1",
    ),
    mistyped(
        "no array returned",
        lambda t, a: t(4).untile(a((4, 4, 4), "uint8"), (8, 8), finish=repr),
        "must return",
        "got str",
    ),
    wrong(
        "fewer pixels",
        lambda t, a: t(4).untile(
            a((4, 3, 4, 4), "uint8"), (8, 8), finish=lambda b: b[:, :, 1:]
        ),
        "(3, 1, 8)",
        "(3, 1, 7)",
        "(c, *s)",
        "after the merge",
    ),
    wrong(
        "no channel",
        lambda t, a: t(4, channels_last=True).untile(
            a((4, 4, 4, 3), "uint8"), (8, 8), finish=lambda b: b[..., :0]
        ),
        "(1, 8, 0)",
        "(*s, c)",
        "at least one",
    ),
    wrong(
        "channels that change",
        lambda t, a: t(4).untile(
            a((4, 3, 4, 4), "uint8"),
            (8, 8),
            finish=lambda b: b if b.shape[1] == 1 else b[0],
        ),
        "uint8, no channels",
        "uint8, 3 channels for one of zeros",
    ),
    wrong(
        "a dtype that changes",
        lambda t, a: t(4).untile(
            a((4, 4, 4), "uint8"),
            (8, 8),
            finish=lambda b: b if len(b) == 1 else b > 0,
        ),
        "bool, no channels",
        "uint8, no channels for one of zeros",
        "astype",
    ),
    wrong(
        "an out of what is merged",
        lambda t, a: t(4).untile(
            a((4, 3, 4, 4), "uint8"),
            (8, 8),
            out=a((3, 8, 8), "uint8"),
            finish=lambda b: b[0],
        ),
        "(3, 8, 8)",
        "(8, 8)",
    ),
]
