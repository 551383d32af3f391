"""What a check asks to be drawn, cut down to what a subject claims."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from reftiler_conformance.features import (
    MODES,
    NUMBERS,
    ODD,
    PAD_MODES,
    SWAPPED,
    WINDOWS,
    Features,
)
from reftiler_conformance.protocol import Unsupported

ANY = ("any",)
"""All that the subject claims."""

SMALL = tuple(n for n in NUMBERS if n == "bfloat16" or np.dtype(n).itemsize <= 4)
"""The dtypes whose round trip is exact under every overlap."""

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTEGERS = tuple(name for name in NUMBERS if "int" in name)

LAYOUTS = ((None, None), (None, 1), (1, 1), (None, 3), (1, 2), (2, 1), (3, 2))
"""Pairs of batch and channels."""

SINGLE = LAYOUTS[:3]
"""Layouts of one image of one channel; the first that is supported is neutral."""

Choice = tuple[Any, ...]


@dataclass(frozen=True)
class Draw:
    """
    What a check asks for: in each field a tuple of choices, or ``ANY``.

    By default everything is neutral, so that a check is about one thing: one image of
    one channel that the tiles fill exactly, box window, no border.

    Parameters
    ----------
    verb
        ``tile`` or ``untile``: of which verb the dtypes must be supported.
    layout
        Pairs of batch and channels, None where there is no such axis; nothing means
        one image of one channel, as simple as the subject takes it.
    fit
        How lengths lie to tiles: ``exact`` (nothing is left over), ``longer`` (a
        remainder is left), ``short`` (shorter than a tile).
    overlap
        ``none``, ``some``, or ``tight``: as much as the border needs, so that one tile
        takes part in every pixel.
    scale
        ``""`` for none, ``scale`` for one of all axes, ``scale:axes``.
    window
        A name, or ``custom``.
    pad_side
        Nothing means the end, or both sides if the subject cannot but.
    pad_value
        0, or ``ANY``.
    """

    verb: str = "tile"
    rank: Choice = ANY
    layout: Choice = ()
    channels_last: Choice = (False,)
    fit: Choice = ("exact",)
    overlap: Choice = ("none", "some")
    mode: Choice = ("padding",)
    pad_mode: Choice = ("constant",)
    pad_side: Choice = ()
    pad_value: Choice = (0,)
    window: Choice = ("box",)
    merge: Choice = (None,)
    border: Choice = (False,)
    fill: Choice = (False,)
    maps: Choice = ("same",)
    scale: Choice = ("",)
    dtype: Choice = ("float32", "uint8", "float64", "float16", "int32")
    result: Choice = (None,)
    content: Choice = ("index",)
    scatter: Choice = (False,)

    def within(self, features: Features) -> Draw:
        """
        Return what is left for a subject of these features.

        Raises
        ------
        Unsupported
            If nothing is left of some field.
        """
        left: dict[str, Any] = {
            field.name: self._left(field.name, features)
            for field in fields(self)
            if field.name != "verb"
        }
        if not left["mode"] and "exact" in left["fit"]:  # no mode matters there
            left |= {"mode": ("padding",), "fit": ("exact",)}
        if left["fit"] == ("exact",):  # nor does padding
            left |= {"pad_mode": ("constant",), "pad_side": ("end",)}
        elif "padding" not in left["mode"]:
            left["pad_mode"] = left["pad_mode"] or ("constant",)
            left["pad_side"] = left["pad_side"] or ("end",)
        for name, choices in left.items():
            if not choices:
                asked = " or ".join(map(str, getattr(self, name)))
                raise Unsupported(f"{name} {asked}")
        return replace(self, **left)

    def _left(self, name: str, features: Features) -> Choice:
        asked: Choice = getattr(self, name)
        if name == "layout":
            return _layouts(asked, features)
        if name == "pad_side" and not asked:
            return _left(ANY, *_SPACE[name], features)[:1]
        if name == "dtype":
            everything: Choice = (*NUMBERS, *SWAPPED)
            everything += ODD if self.verb == "tile" else ()
            return _left(asked, everything, (), f"{self.verb}:{{}}", features)
        if name not in _SPACE:
            return _CONTENTS if name == "content" and asked == ANY else asked
        left = _left(asked, *_SPACE[name], features)
        if name == "result":  # what is merged into must be known too
            return _left(left, left, (None,), "untile:{}", features)
        return left


_CONTENTS = ("index", "random", "bits", "special")

# Of each field all that can be asked, what every subject can, and the feature of the
# rest.
_SPACE: dict[str, tuple[Choice, Choice, str]] = {
    "rank": ((2, 1, 3), (), "rank:{}"),
    "channels_last": ((False, True), (False,), "channels_last"),
    "fit": (("exact", "longer", "short"), ("exact", "longer"), "short"),
    "overlap": (("none", "some"), ("none",), "overlap"),
    "mode": (MODES, (), "mode:{}"),
    "pad_mode": (PAD_MODES, (), "pad:{}"),
    "pad_side": (("end", "both"), (), "pad_side:{}"),
    "window": ((*WINDOWS, "custom"), ("box",), "window:{}"),
    "merge": ((None, "mean", "max", "min"), (None,), "merge:{}"),
    "border": ((False, True), (False,), "border"),
    "fill": ((False, True), (False,), "fill"),
    "maps": (("same", None, 1, 2), ("same",), "maps"),
    "scale": (("", "scale", "scale:axes"), ("",), "{}"),
    "result": ((None, *NUMBERS), (None,), "result"),
    "scatter": ((False, True), (False,), "scatter"),
}


def _left(
    asked: Choice, everything: Choice, free: Choice, feature: str, features: Features
) -> Choice:
    wanted = everything if asked == ANY else asked
    return tuple(
        choice
        for choice in wanted
        if choice in free or feature.format(choice) in features
    )


def _layouts(asked: Choice, features: Features) -> Choice:
    wanted = LAYOUTS if asked == ANY else asked or SINGLE
    found = tuple(layout for layout in wanted if _layout(*layout) in features)
    return found if asked else found[:1]


def _layout(batch: int | None, channels: int | None) -> str:
    if batch is not None:
        return "batch"
    return "plain" if channels is None else "channels"
