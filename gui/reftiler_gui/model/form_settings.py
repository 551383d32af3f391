"""The tiling settings of the form, and what reftiler says to them."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from reftiler import Grid, Tiler, TilingError
from reftiler.config import TilingConfig
from reftiler.validation import Real
from reftiler.windows import Window

Sizes = tuple[int, int]

_ALIKE = (
    *("mode", "pad_mode", "pad_value", "pad_side"),
    *("window", "merge", "channels_last", "fill", "align", "nan"),
)  # settings that the form has as the tiler has them


@dataclass(frozen=True)
class ValidationError:
    """Why a setting is refused."""

    field: str  # the field of `FormSettings` beside which to say so
    words: str  # the sentence of reftiler


@dataclass(frozen=True)
class FormSettings:
    """What the form holds, whether it makes sense or not: that reftiler judges."""

    tile: Sizes = (256, 256)
    step: Sizes = (128, 128)
    overlapping: bool = False
    mode: str = "padding"
    pad_mode: str = "constant"
    pad_value: Real = 0
    pad_side: str = "end"
    window: Window = "box"
    merge: str | None = None
    border: Sizes = (0, 0)
    fill: Real | None = None
    random: int | None = None
    seed: int = 0
    channels_last: bool = False
    align: Sizes = (1, 1)
    nan: str = "propagate"

    def tiler(self) -> Tiler:
        """Return the tiler; TilingError or TypeError if reftiler refuses it."""
        given: dict[str, Any] = {name: getattr(self, name) for name in _ALIKE}
        given["overlap" if self.overlapping else "stride"] = self.step
        return Tiler(self.tile, remove_border_count=self.border, **given)

    def config(self) -> TilingConfig:
        """Return the configuration; TilingError or TypeError if it is refused."""
        return TilingConfig(self.tiler(), self.random, self.seed)

    def plan(self, image_size: Sizes) -> Grid | ValidationError:
        """Return the tiles of an image of this height and width, or why not."""
        try:
            return self.config().plan(image_size)
        except (TilingError, TypeError) as error:
            return ValidationError(_field_of(str(error)), str(error))

    @classmethod
    def of(cls, config: TilingConfig) -> FormSettings:
        """Return the settings of a configuration, of which tiles have two axes."""
        tiler = config.tiler
        if tiler is None:
            raise TilingError("the settings switch tiling off: write apply: true")
        if tiler.rank != 2:
            raise TilingError(
                "tiles of images have a height and a width, got tile_size: "
                f"{list(tiler.tile_size)}"
            )
        alike: dict[str, Any] = {name: getattr(tiler, name) for name in _ALIKE}
        if tiler.has_context:
            raise TilingError(
                f"the viewer does not show context, got {list(tiler.context)}: take it "
                "out of the settings to see the tiles without it"
            )
        return cls(
            tile=_pair(tiler.tile_size),
            step=_pair(tiler.stride),
            border=_pair(tiler.remove_border_count),
            random=config.random_count,
            seed=config.seed,
            **alike,
        )

    @classmethod
    def read(cls, path: Path) -> FormSettings:
        """Read a YAML file with a tiling section; an error names the file."""
        config = TilingConfig.from_yaml(path)
        try:
            return cls.of(config)
        except TilingError as error:
            raise TilingError(f"{path}: {error}") from error

    def yaml(self) -> str:
        """Write the section ``tiling``, which `read` reads."""
        return self.config().to_yaml()


START = FormSettings(tile=(256, 256), step=(64, 64), overlapping=True)
"""The settings of a new user: tiles overlap so little that they can be told apart, and
they may be made smaller without a refusal, as with a stride they might not."""

# How reftiler's sentences name what is wrong, and where the form has it.
_FIELDS = {name: name for name in (*_ALIKE, "seed") if name != "channels_last"} | {
    "tile_size": "tile",
    "the tile": "tile",
    "stride": "step",
    "overlap": "step",
    "remove_border_count": "border",
    "random_tile_count": "random",
}


def difference_title(one: FormSettings, other: FormSettings) -> str:
    """Return the form's name of the field that differs; how many if several do."""
    each = (field.name for field in fields(one))
    names = [name for name in each if getattr(one, name) != getattr(other, name)]
    if set(names) == {"step", "overlapping"}:
        names = ["step"]
    if len(names) != 1:
        return f"{len(names)} settings"
    if names == ["step"]:
        return "Overlap" if other.overlapping else "Stride"
    return _TITLES.get(names[0], names[0].replace("_", " ").capitalize())


_TITLES = {
    "tile": "Tile size",
    "nan": "NaN",
    "overlapping": "Stride/overlap",
    "mode": "Fit",
    "pad_mode": "Padding",
    "border": "Border removed",
    "random": "Random tiles",
}


def _field_of(words: str) -> str:
    """Return the field that a sentence is about: the first that it names."""
    named = re.search("|".join(rf"\b{name}\b" for name in _FIELDS), words)
    return _FIELDS[named.group()] if named else "tile"


def _pair(sizes: tuple[int, ...]) -> Sizes:
    height, width = sizes
    return height, width


_NAMED = ("mode", "pad_mode", "pad_value", "pad_side", "window", "merge", "fill", "nan")


def as_python(settings: FormSettings, image: str = "image.png") -> str:
    """Write a program that cuts an image file; TilingError or TypeError if refused."""
    tiler = replace(settings.tiler(), channels_last=True)  # as image files have them
    plain = Tiler(tiler.tile_size)
    words = [_python(tiler.tile_size)]
    for name in tiler.to_dict():
        value = getattr(tiler, name)
        if name != "tile_size" and repr(value) != repr(getattr(plain, name)):
            words.append(f"{name}={_python(value)}")
    grid = "tiler.grid(image.shape[:2])"
    if settings.random is not None:
        count = f"count={settings.random}, seed={settings.seed}"
        grid = f"tiler.random(image.shape[:2], {count})"
    return f"""from reftiler import Tiler
from reftiler.io import read_image

image = read_image({image!r})
tiler = Tiler({", ".join(words)})
grid = {grid}
tiles = tiler.tile(image, grid=grid)
"""


def as_words(settings: FormSettings) -> list[str]:
    """Return the options of commands; TilingError for a window without a name."""
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
    for name, sizes in (("border", settings.border), ("align", settings.align)):
        if sizes != getattr(plain, name):
            words += [f"--{name}", _sized(sizes)]
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
