"""Settings that are refused."""

from __future__ import annotations

import math

import numpy as np

from tests.refusals.table import mistyped, wrong

SIZES = [
    wrong("tile of zero", lambda t, _: t(0), "tile_size", "0"),
    wrong("tile with a zero", lambda t, _: t((4, 0)), "tile_size", "0"),
    wrong("negative tile", lambda t, _: t((4, -3)), "tile_size", "-3"),
    wrong("no axes", lambda t, _: t(()), "tile_size"),
    wrong("70 axes", lambda t, _: t([4] * 70), "tile_size", "70"),
    wrong("tile beyond int64", lambda t, _: t([2**70]), "tile_size"),
    wrong("stride beyond int64", lambda t, _: t([4], [2**70]), "stride"),
    wrong("long pad value", lambda t, _: t(4, pad_value=10**5000), "pad_value"),
    wrong("long fill", lambda t, _: t(4, fill=-(10**5000)), "fill"),
    wrong("long tile", lambda t, _: t(10**5000), "tile_size"),
    mistyped("share", lambda t, _: t(256, overlap=0.25), "pixels", "64"),
    mistyped("shares", lambda t, _: t((8, 4), overlap=(0.5, 0.25)), "4", "1"),
    wrong("stride of zero", lambda t, _: t(4, 0), "stride", "0"),
    wrong("negative stride", lambda t, _: t(4, (2, -1)), "stride", "-1"),
    wrong("negative overlap", lambda t, _: t(4, overlap=-1), "overlap", "-1"),
    wrong("overlap of a whole tile", lambda t, _: t(4, overlap=4), "overlap", "4"),
    wrong("negative border", lambda t, _: t(4, remove_border_count=-1), "border", "-1"),
    wrong("stride larger than tile", lambda t, _: t(4, 5), "stride", "5", "4"),
    wrong("one stride larger", lambda t, _: t((9, 4), (3, 7)), "stride", "7", "4"),
    wrong(
        "stride and overlap",
        lambda t, _: t(4, 2, overlap=2),
        "stride",
        "overlap",
    ),
    wrong("stride of three axes", lambda t, _: t(4, (1, 2, 3)), "stride", "3", "2"),
    wrong("overlap of one axis", lambda t, _: t(4, overlap=[1]), "overlap", "1", "2"),
    wrong(
        "border of three axes",
        lambda t, _: t(4, remove_border_count=(0, 0, 0)),
        "border",
        "3",
        "2",
    ),
    wrong(
        "border that leaves gaps",
        lambda t, _: t(4, 4, remove_border_count=1),
        "remove_border_count",
        "1",
        "4",
        "stride",
    ),
    wrong(
        "border that leaves gaps on one axis",
        lambda t, _: t((9, 8), (5, 5), remove_border_count=2),
        "remove_border_count",
        "2",
        "8",
        "5",
    ),
    mistyped("float tile", lambda t, _: t(4.0), "tile_size", "4.0"),
    mistyped("float in tile", lambda t, _: t((4, 4.0)), "tile_size", "4.0"),
    mistyped("bool tile", lambda t, _: t(True), "tile_size", "true"),
    mistyped("bool in tile", lambda t, _: t((4, True)), "tile_size", "true"),
    mistyped("str tile", lambda t, _: t("44"), "tile_size", "44"),
    mistyped("str in tile", lambda t, _: t(("4", "4")), "tile_size", "4"),
    mistyped("no tile", lambda t, _: t(None), "tile_size", "none"),
    mistyped("set of tiles", lambda t, _: t({4, 5}), "tile_size"),
    mistyped("table of tiles", lambda t, _: t(np.ones((2, 2), int)), "tile_size"),
    mistyped("float stride", lambda t, _: t(4, 2.0), "stride", "2.0"),
    mistyped("bool stride", lambda t, _: t(4, True), "stride", "true"),
    mistyped("str overlap", lambda t, _: t(4, overlap="2"), "overlap", "2"),
    mistyped("float overlap", lambda t, _: t(4, overlap=0.25), "overlap", "0.25"),
    mistyped(
        "bool border", lambda t, _: t(4, 2, remove_border_count=True), "border", "true"
    ),
]

NAMES = [
    wrong("mode", lambda t, _: t(4, mode="paddding"), "mode", "paddding", "'padding'"),
    wrong("mode in capitals", lambda t, _: t(4, mode="CLAMP"), "mode", "'clamp'"),
    wrong("pad mode", lambda t, _: t(4, pad_mode="reflct"), "pad_mode", "'reflect'"),
    wrong(
        "pad mode that is not used",
        lambda t, _: t(4, mode="clamp", pad_mode="edgy"),
        "pad_mode",
        "'edge'",
    ),
    wrong("window", lambda t, _: t(4, window="hanning"), "window", "'hann'"),
    wrong("merge", lambda t, _: t(4, merge="maxi"), "merge", "'max'"),
    wrong("pad side", lambda t, _: t(4, pad_side="bothh"), "pad_side", "'both'"),
    wrong("a far name", lambda t, _: t(4, mode="xyzzy"), "mode", "xyzzy", "padding"),
    mistyped("mode of 3", lambda t, _: t(4, mode=3), "mode", "3"),
    mistyped("no mode", lambda t, _: t(4, mode=None), "mode", "none"),
    mistyped("merge of 1", lambda t, _: t(4, merge=1), "merge", "1"),
    mistyped("window of 1", lambda t, _: t(4, window=1), "window", "1"),
    mistyped("channels_last of 1", lambda t, _: t(4, channels_last=1), "channels_last"),
    mistyped("str pad value", lambda t, _: t(4, pad_value="0"), "pad_value"),
    mistyped("no pad value", lambda t, _: t(4, pad_value=None), "pad_value", "none"),
    mistyped("complex pad value", lambda t, _: t(4, pad_value=1j), "pad_value", "1j"),
    mistyped("str fill", lambda t, _: t(4, fill="0"), "fill"),
    mistyped("complex fill", lambda t, _: t(4, fill=1j), "fill", "1j"),
    wrong(
        "window with max",
        lambda t, _: t(4, window="hann", merge="max"),
        "hann",
        "max",
        "mean",
    ),
    wrong(
        "custom window with min",
        lambda t, _: t([2], window=((1, 1),), merge="min"),
        "window",
        "min",
    ),
]

WINDOWS = [
    wrong("too long", lambda t, _: t([2], window=((1, 2, 1),)), "window", "3", "2"),
    wrong("too few", lambda t, _: t((2, 2), window=((1, 2),)), "window", "1", "2"),
    wrong("too many", lambda t, _: t([2], window=((1, 2), (1, 2))), "window", "2", "1"),
    wrong("negative", lambda t, _: t([2], window=((1, -2),)), "window", "-2"),
    wrong("zero", lambda t, _: t([2], window=((1, 0),)), "window", "0"),
    wrong("nan", lambda t, _: t([2], window=((1, math.nan),)), "window", "nan"),
    wrong("infinite", lambda t, _: t([2], window=((1, math.inf),)), "window", "inf"),
    wrong("ratio", lambda t, _: t([2], window=((1, 2**32 + 1),)), "window", "2"),
    wrong("huge", lambda t, _: t([2], window=((1, 10**400),)), "window"),
    mistyped("str weight", lambda t, _: t([2], window=(("1", "2"),)), "window"),
    mistyped("bool weight", lambda t, _: t([2], window=((True, 1),)), "window", "true"),
    mistyped("flat", lambda t, _: t((2, 2), window=(1, 2)), "window"),
]
