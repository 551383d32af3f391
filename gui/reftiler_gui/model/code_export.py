"""Tiling settings in words that do the same elsewhere: Python and command lines."""

from __future__ import annotations

import math
import shlex
from dataclasses import replace
from typing import Any

from reftiler import Tiler, TilingError
from reftiler_gui.model.form_settings import FormSettings, Sizes

__all__ = ["as_command", "as_python", "as_terms", "as_words"]

_NAMED = ("mode", "pad_mode", "pad_value", "pad_side", "window", "merge", "fill", "nan")


def as_python(settings: FormSettings, image: str = "image.png") -> str:
    """Write a program that cuts an image file; TilingError or TypeError if refused."""
    tiler = replace(settings.tiler(), channels_last=True)  # as image files have them
    plain = Tiler(tiler.tile_size)
    words = [_python(tiler.tile_size)]
    words += [
        f"{name}={_python(getattr(tiler, name))}"
        for name in tiler.to_dict()
        if name != "tile_size"
        and repr(getattr(tiler, name)) != repr(getattr(plain, name))
    ]
    grid = "tiler.grid(image.shape[:2])"
    if settings.random is not None:
        count = f"count={settings.random}, seed={settings.seed}"
        grid = f"tiler.random(image.shape[:2], {count})"
    lines = [
        "from reftiler import Tiler",
        "from reftiler.io import read_image",
        "",
        f"image = read_image({image!r})",
        f"tiler = Tiler({', '.join(words)})",
        f"grid = {grid}",
        "tiles = tiler.tile(image, grid=grid)",
    ]
    return "\n".join(lines) + "\n"


def as_words(settings: FormSettings) -> list[str]:
    """Return the options of ``reftiler tile``, ``grid`` and ``view``.

    TilingError if the window is none of those that have a name.
    """
    if not isinstance(settings.window, str):
        raise TilingError(
            "a window of one's own has no option: save the settings as YAML and give "
            "them with --config"
        )
    plain = FormSettings()
    step = "--overlap" if settings.overlapping else "--stride"
    words = ["--tile", _sized(settings.tile), step, _sized(settings.step)]
    for name in _NAMED:
        value = getattr(settings, name)
        if repr(value) != repr(getattr(plain, name)):
            words += [f"--{name.replace('_', '-')}", str(value)]
    if settings.border != plain.border:
        words += ["--border", _sized(settings.border)]
    if settings.align != plain.align:
        words += ["--align", _sized(settings.align)]
    if settings.random is not None:
        words += ["--random", str(settings.random), "--seed", str(settings.seed)]
    return words


def as_command(
    settings: FormSettings, source: str = "image.png", out: str = "tiles"
) -> str:
    """Write the command line that cuts ``source`` into the folder ``out``."""
    return shlex.join(["reftiler", "tile", source, out, *as_words(settings)])


def as_terms(settings: FormSettings) -> list[tuple[str, str]]:
    """Return the settings by their names in the form; sizes are width × height."""

    def px(sizes: Sizes) -> str:
        return f"{sizes[1]} × {sizes[0]} px"

    terms = [("Tile size", px(settings.tile))]
    if settings.random is None:
        terms.append(
            ("Overlap" if settings.overlapping else "Stride", px(settings.step))
        )
        terms.append(("Fit", settings.mode))
    else:
        terms.append(("Random tiles", f"{settings.random:,}, seed {settings.seed}"))
    if settings.mode == "padding" or settings.random is not None:
        value = f" {settings.pad_value:g}" if settings.pad_mode == "constant" else ""
        terms.append(("Padding", f"{settings.pad_mode}{value}, {settings.pad_side}"))
    if settings.align != (1, 1):
        terms.append(("Align", px(settings.align)))
    terms.append(("Border removed", px(settings.border)))
    window = settings.window if isinstance(settings.window, str) else "custom"
    terms += [("Window", window), ("Merge", settings.merge or "mean")]
    if settings.nan != "propagate":
        terms.append(("NaN", settings.nan))
    if settings.fill is not None:
        terms.append(("Fill", f"{settings.fill:g}"))
    return terms


def _sized(sizes: Sizes) -> str:
    height, width = sizes
    return str(height) if height == width else f"{height}x{width}"


def _python(value: Any) -> str:
    """Write a value so that Python reads it, alike sizes as one."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    alike = isinstance(value, tuple) and len(set(map(repr, value))) == 1
    return repr(value[0] if alike and isinstance(value[0], int) else value)
