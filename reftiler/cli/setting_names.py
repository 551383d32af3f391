"""The tiler's settings by the names of their options, in messages of the library."""

import re
from collections.abc import Collection
from functools import partial

OPTIONS = {
    "tile_size": "--tile",
    "stride": "--stride",
    "overlap": "--overlap",
    "mode": "--mode",
    "pad_mode": "--pad-mode",
    "pad_value": "--pad-value",
    "pad_side": "--pad-side",
    "window": "--window",
    "merge": "--merge",
    "remove_border_count": "--border",
    "align": "--align",
    "context": "--context",
    "fill": "--fill",
    "nan": "--nan",
    "random_tile_count": "--random",
    "seed": "--seed",
    "format": "--format",
    "min_marked": "--min-marked",
    "min_visible": "--min-visible",
    "name": "--name",
}
"""The option that stands for each setting of a configuration."""

_VALUE = r"=(?:'(?P<text>[^']*)'|\((?P<sizes>\d+(?:, \d+)*,?)\)|(?P<plain>[^\s,;:)]+))"


def with_option_names(message: str, keep: Collection[str] = ()) -> str:
    """Name options in place of settings: ``mode='padding'`` becomes ``--mode padding``.

    A setting whose name is a word of plain English as well is meant where a message
    begins with it, and where a value follows. Those to ``keep`` were no options.
    """
    if ".json is damaged: " in message:  # a file of ours has its own words
        return message
    message = message.replace("stride = tile_size - overlap", "--tile less --overlap")
    message = re.sub(
        r"\bscale=(?P<value>\([^()]*(?:\([^()]*\)[^()]*)*\)|"
        r"Fraction\(\d+, \d+\)|[\d./]+)",
        _scale,
        message,
    )
    message = message.replace("give scale= if meant", "give --scale if meant")
    for setting, option in OPTIONS.items():
        if setting not in keep:
            message = re.sub(rf"\b{setting}{_VALUE}", partial(_valued, option), message)
            place = r"(?<![\w/\\])" if "_" in setting else "^"
            message = re.sub(rf"{place}{setting}(?:\[\d\])?(?=[ ,]|$)", option, message)
    return message


def _scale(found: re.Match[str]) -> str:
    """Write ``scale=Fraction(1, 2)`` as ``--scale 1/2``, of two axes ``1/2x1``."""
    text = re.sub(r"Fraction\((\d+), (\d+)\)", r"\1/\2", found["value"])
    return "--scale " + re.sub(r"/1(?!\d)", "", text.strip("()")).replace(", ", "x")


def _valued(option: str, found: re.Match[str]) -> str:
    sizes = (found["sizes"] or "").rstrip(",").replace(", ", "x")
    return f"{option} {found['text'] or sizes or found['plain'] or repr('')}"
