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
from reftiler_conformance.needs import layout_word
from reftiler_conformance.protocol import Unsupported
from reftiler_conformance.testdata import CONTENTS

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
    one channel that the tiles fill exactly, box window, no border. In some fields
    nothing, ``()``, means the first choice that the subject claims.

    Parameters
    ----------
    verb
        ``tile`` or ``untile``: of which verb the dtypes must be supported.
    layout
        Pairs of batch and channels, None where there is no such axis.
    count
        How many tiles lie along an axis: ``few``, or ``many`` along the first of one or
        two axes, 15 and more.
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
    pad_value
        0, or ``ANY``.
    uncovered
        What of pixels in which no tile takes part: ``any`` (there may be some),
        ``filled`` (where there are some, there is a fill, or tiles are added).
    """

    verb: str = "tile"
    rank: Choice = (2, 1, 3)
    layout: Choice = ()
    channels_last: Choice = ()
    count: Choice = ("few",)
    fit: Choice = ("exact",)
    overlap: Choice = ("none", "some")
    mode: Choice = ("padding",)
    pad_mode: Choice = ()
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
    uncovered: Choice = ("any",)

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
            wanted = LAYOUTS if asked == ANY else asked or SINGLE
            found = tuple(pair for pair in wanted if layout_word(*pair) in features)
            return found if asked else found[:1]
        everything, free, word = _SPACE[name]
        if name == "dtype":
            everything += ODD if self.verb == "tile" else ()
            word = f"{self.verb}:{{}}"
        left = _left(asked or ANY, everything, free, word, features)
        if name == "channels_last" and "channels_last:only" in features:
            left = tuple(last for last in left if last)
        if name == "result":  # what is merged into must be known too
            left = _left(left, left, free, "untile:{}", features)
        return left if asked else left[:1]


WIDE: dict[str, Any] = {
    **dict.fromkeys(("rank", "layout", "channels_last"), ANY),
    **dict.fromkeys(("count", "fit", "mode"), ANY),
    **dict.fromkeys(("pad_mode", "pad_side", "pad_value", "dtype"), ANY),
    **dict.fromkeys(("window", "merge", "border", "fill", "maps"), ANY),
    # What is written more than once is drawn more often.
    "scale": ("", "", "", "scale", "scale:axes"),
    "result": (*[None] * 10, *NUMBERS),
    "scatter": (False, False, False, True),
    "content": ("index", "random"),
    "uncovered": ("filled",),
}
"""Asks for every setting at once, wherever SPEC.md allows it beside the others."""


def wide(*fields: str) -> dict[str, Any]:
    """Return what `WIDE` asks for in these fields."""
    return {name: WIDE[name] for name in fields}


COUNT = ("few", "few", "few", "many")  # many are slow
UNCOVERED = ("any", "filled")

# Of each field all that can be asked, what every subject can, and the feature of the
# rest.
_SPACE: dict[str, tuple[Choice, Choice, str]] = {
    "rank": ((2, 1, 3, 4), (), "rank:{}"),
    "dtype": ((*NUMBERS, *SWAPPED), (), ""),
    "channels_last": ((False, True), (False,), "channels_last"),
    "fit": (("exact", "longer", "short"), ("exact", "longer"), "short"),
    "overlap": (("none", "some"), ("none",), "overlap"),
    "mode": (MODES, (), "mode:{}"),
    "pad_mode": (PAD_MODES, (), "pad:{}"),
    "pad_side": (("end", "both"), (), "pad_side:{}"),
    "pad_value": ((0, "any"), (0,), "pad_value"),
    "window": ((*WINDOWS, "custom"), ("box",), "window:{}"),
    "merge": ((None, "mean", "max", "min"), (None,), "merge:{}"),
    "border": ((False, True), (False,), "border"),
    "fill": ((False, True), (False,), "fill"),
    "maps": (("same", None, 1, 2), ("same",), "maps"),
    "scale": (("", "scale", "scale:axes"), ("",), "{}"),
    "result": ((None, *NUMBERS), (None,), "result"),
    "scatter": ((False, True), (False,), "scatter"),
    "content": (CONTENTS, CONTENTS, ""),
    "count": (COUNT, COUNT, ""),
    "uncovered": (UNCOVERED, UNCOVERED, ""),
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
