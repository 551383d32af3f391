"""What a tiler may be able to do: the words in which a subject says what it claims.

A subject is asked only for the features that it declares. What it declares and does
wrong is a failure; what it does not declare is *unsupported*, never passed.
"""

from __future__ import annotations

from difflib import get_close_matches

from reftiler_conformance.oracle.rounding import FLOATS

NUMBERS = (
    "bool",
    *(f"{sign}int{bits}" for bits in (8, 16, 32, 64) for sign in ("u", "")),
    *(f"float{8 * size}" for size in FLOATS),
    "bfloat16",
)
"""The dtypes that can be merged."""

ODD = (
    *("complex64", "complex128", "datetime64[ns]", "timedelta64[s]"),
    *("S5", "V3", "U2", "u1,>f4"),
)
"""Dtypes that are moved and never merged."""

SWAPPED = (">f4", ">i2", ">u8", ">f2")  # numbers in the other byte order

MODES = ("padding", "interpolation", "clamp", "even", "drop")
PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")
WINDOWS = ("box", "triangle", "hann", "gaussian")
MERGES = ("mean", "max", "min", "first", "last", "center", "vote")
MEANS = (None, "mean")
"""The merges of numbers that compute; all others take the value of some tile."""
WEIGHTED = (*MEANS, "vote")  # those that a window changes

FEATURES: dict[str, str] = {
    "tile": "cuts an image into tiles",
    "untile": "merges tiles into an image",
    "untile:cold": "untiles without having tiled before",
    "rank:1": "tiles signals, of one spatial axis",
    "rank:2": "tiles images, of two spatial axes",
    "rank:3": "tiles volumes, of three spatial axes",
    "rank:4": "tiles stacks, of four spatial axes",
    "plain": "takes images without a channel axis, (*S)",
    "channels": "takes one image with channels",
    "batch": "takes batches of images with channels",
    "channels_first": "takes channels first, (C, *S) and (N, C, *S); see `features`",
    "channels_last": "takes channels last, (*S, C) and (N, *S, C)",
    "channels_last:only": "takes channels last, and never first",
    "unequal": "takes tiles of unequal sides and strides of unequal steps",
    "overlap": "takes strides smaller than the tile",
    "short": "extends images shorter than the tile",
    **{f"mode:{mode}": f"fits axes in the mode {mode}" for mode in MODES},
    **{f"pad:{mode}": f"pads in the mode {mode}" for mode in PAD_MODES},
    "pad_value": "pads with any constant",
    "pad_side:end": "pads at the end alone",
    "pad_side:both": "pads on both sides",
    **{f"merge:{merge}": f"merges by {merge}" for merge in MERGES},
    "merge:any": "merges bool tiles by 'any tile says so'",
    **{f"window:{name}": f"weighs with the window {name}" for name in WINDOWS[1:]},
    "window:custom": "weighs with given profiles",
    "border": "removes the border of tiles in the merge",
    "nan:omit": "leaves NaN out of the mean",
    "weights": "weighs each pixel of each tile as is given",
    "fill": "fills pixels of no tile with a given value",
    "maps": "merges tiles of other channels than the image's",
    "scale": "merges tiles of another resolution",
    "scale:axes": "merges tiles whose scale differs by axis",
    "result": "merges into another dtype",
    "finish": "applies a function to blocks of what it merged",
    "out": "writes into a given array",
    "view": "shows the windows without a copy",
    "grid": "tells where tiles lie",
    "touching": "tells which tiles hold a marked pixel",
    "scatter": "takes explicit starts",
    "random": "draws random tiles by seed",
    "random:inside": "draws random tiles of which a share hold a marked pixel",
    "align": "places tiles on multiples of a number",
    "context": "cuts tiles with pixels around them, which the merge drops",
    "select": "takes some tiles of a grid alone",
    "json": "saves a grid as JSON and untiles from it",
    "exact": "merges to the bit: float64 sums in order, one division, one rounding",
    "refusals": "raises where the specification refuses, rather than give a result",
    "api": "has the classes and names of reftiler",
    **{f"tile:{dtype}": f"tiles {dtype}" for dtype in (*NUMBERS, *ODD, *SWAPPED)},
    **{f"untile:{dtype}": f"merges {dtype}" for dtype in (*NUMBERS, *SWAPPED)},
}
"""Every feature, and what it means."""

NAMED_ONLY = frozenset({"tile:bfloat16", "untile:bfloat16", "channels_last:only"})
"""What no ``*`` stands for: numpy has no bfloat16, and most take channels first."""

Features = frozenset[str]


def features(*declared: str) -> Features:
    """Return declared features as a set, or raise `ValueError`.

    ``mode:*`` stands for all that begin so, but for `NAMED_ONLY`. ``channels`` and
    ``batch`` imply ``channels_first``, but beside ``channels_last:only``.
    """
    found: set[str] = set()
    for word in declared:
        stem = word.removesuffix("*")
        matched = {name for name in FEATURES if name.startswith(stem)} - NAMED_ONLY
        if stem == word:
            matched = {word} & set(FEATURES)
        if not matched:
            near = get_close_matches(word, FEATURES, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ValueError(
                f"{word!r} is no feature{hint}; ADAPTERS.md and "
                "reftiler_conformance.features.FEATURES list them"
            )
        found |= matched
    if "channels_last:only" in found:
        return frozenset(found - {"channels_first"} | {"channels_last"})
    if found & {"channels", "batch"}:
        found.add("channels_first")
    return frozenset(found)
