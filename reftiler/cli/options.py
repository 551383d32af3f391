"""The tiling options that several commands share, and what they mean together."""

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_type_hints

import typer

from reftiler.axis import MODES, PAD_SIDES
from reftiler.cli.console import CallError, bad_call
from reftiler.config import KEYS, TilingConfig, read_section, unwrap_section
from reftiler.errors import TilingError
from reftiler.io.info import ReadOptions
from reftiler.padding import PAD_MODES
from reftiler.settings import MERGES
from reftiler.validation import Real, as_int
from reftiler.windows import NAMES as WINDOWS

_PANEL = "Tiling"
_RANDOM = "Random tiles"
_READING = "Reading"


def _option(name: str, metavar: str, words: str, panel: str = _PANEL) -> Any:
    return typer.Option(
        name, metavar=metavar, help=words, rich_help_panel=panel, show_default=False
    )


def _one_of(words: tuple[str, ...]) -> str:
    return f"One of {', '.join(words)}."


Text: TypeAlias = str | None


@dataclass(frozen=True)
class TilingOptions:
    """What the tiling options of a command were, None where they were not given."""

    tile: Annotated[Text, _option("--tile", "SIZE", "Tile size: 256 or 256x128.")] = (
        None
    )
    stride: Annotated[
        Text,
        _option("--stride", "SIZE", "From tile to tile; the tile size by default."),
    ] = None
    overlap: Annotated[
        Text, _option("--overlap", "SIZE", "Shared by neighbours, instead of --stride.")
    ] = None
    mode: Annotated[
        Text,
        _option("--mode", "NAME", f"Where tiles do not fit exactly. {_one_of(MODES)}"),
    ] = None
    pad_mode: Annotated[
        Text, _option("--pad-mode", "NAME", f"What padding shows. {_one_of(PAD_MODES)}")
    ] = None
    pad_value: Annotated[
        Text, _option("--pad-value", "NUMBER", "What constant padding shows.")
    ] = None
    pad_side: Annotated[
        Text, _option("--pad-side", "NAME", f"Where it goes. {_one_of(PAD_SIDES)}")
    ] = None
    window: Annotated[
        Text, _option("--window", "NAME", f"Weights in the mean. {_one_of(WINDOWS)}")
    ] = None
    merge: Annotated[
        Text, _option("--merge", "NAME", f"How overlaps become one. {_one_of(MERGES)}")
    ] = None
    border: Annotated[
        Text, _option("--border", "SIZE", "Rim of tiles to leave out of the merge.")
    ] = None
    fill: Annotated[
        Text, _option("--fill", "NUMBER", "Value of merged pixels that are in no tile.")
    ] = None
    config: Annotated[
        Path | None,
        _option(
            "--config",
            "FILE",
            "YAML with a tiling section, as in anomalib; other options win.",
        ),
    ] = None
    random: Annotated[
        int | None,
        _option(
            "--random",
            "COUNT",
            "Cut so many random tiles of each image instead of a grid.",
            _RANDOM,
        ),
    ] = None
    seed: Annotated[
        int | None,
        _option(
            "--seed",
            "NUMBER",
            "Which random tiles; images of one size get the same.",
            _RANDOM,
        ),
    ] = None

    def resolve(self) -> TilingConfig:
        """
        Return the configuration that the options, and the file they name, make.

        Raises
        ------
        CallError
            If they break a rule, contradict each other or do not say the tile size.
        """
        with bad_call():
            return self._resolve()

    def _resolve(self) -> TilingConfig:
        given = self._settings()
        section = self._section(given)
        try:
            config = TilingConfig.from_mapping(section | given)
        except (TilingError, TypeError) as error:
            if self.config is None:
                raise
            raise CallError(f"{error} (in {self.config})") from error
        if config.tiler is None:
            raise CallError(
                f"{self.config} switches tiling off: write apply: true in it"
            )
        if config.tiler.rank != 2:
            sizes = list(config.tiler.tile_size)
            raise CallError(
                f"tiles of images have a height and a width, got tile_size: {sizes}"
            )
        if self.random is not None:
            count = as_int(self.random, "--random", minimum=1)
            config = replace(config, random_count=count)
        if self.seed is not None:
            config = replace(config, seed=self.seed)
            if config.random_count is None:
                raise CallError(
                    f"--seed {self.seed} chooses random tiles, and a grid was asked "
                    "for: give --random COUNT too"
                )
        return config

    def _section(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return what the file says, without what the options say instead."""
        if self.config is None:
            if "tile_size" not in given:
                raise CallError(
                    "how large is a tile? give --tile SIZE or --config FILE"
                )
            return {"apply": True}
        section = unwrap_section(read_section(self.config, KEYS))
        instead = _SAME_THING if given.keys() & set(_SAME_THING) else ()
        return {key: value for key, value in section.items() if key not in instead}

    def _settings(self) -> dict[str, Any]:
        """Return what was given, by the names of the tiler's settings."""
        given: dict[str, Any] = {}
        for option, setting in _SIZES.items():
            value = getattr(self, option)
            if value is not None:
                given[setting] = size(value, f"--{option}")
        for option in ("pad_value", "fill"):
            value = getattr(self, option)
            if value is not None:
                given[option] = number(value, f"--{option.replace('_', '-')}")
        for option in ("mode", "pad_mode", "pad_side", "window", "merge"):
            value = getattr(self, option)
            if value is not None:
                given[option] = value
        return given


@dataclass(frozen=True)
class ReadingOptions:
    """How images are to be read, as the options of a command say it."""

    page: Annotated[
        int | None,
        _option("--page", "NUMBER", "Which image of a file that holds more.", _READING),
    ] = None
    level: Annotated[
        int | None,
        _option("--level", "NUMBER", "Which level of a pyramid; 0 is whole.", _READING),
    ] = None
    channels: Annotated[
        Text,
        _option("--channels", "LIST", "Which channels to keep: 0,1,2.", _READING),
    ] = None
    axes: Annotated[
        Text,
        _option("--axes", "LETTERS", "An array's axes, such as CYX or YXC.", _READING),
    ] = None
    no_orient: Annotated[
        bool,
        typer.Option(
            "--no-orient",
            help="Leave images as they are stored, whatever EXIF or TIFF say.",
            rich_help_panel=_READING,
        ),
    ] = False
    max_bytes: Annotated[
        Text,
        _option("--max-bytes", "SIZE", "Largest image to decode whole: 4G.", _READING),
    ] = None

    def resolve(self) -> ReadOptions:
        """
        Return how to read.

        Raises
        ------
        CallError
            If an option is wrong.
        """
        given: dict[str, Any] = {"page": self.page, "orient": not self.no_orient}
        with bad_call():
            if self.page is not None:
                as_int(self.page, "--page", minimum=0)
            if self.level is not None:
                given["level"] = as_int(self.level, "--level", minimum=0)
        if self.channels is not None:
            given["channels"] = _indices(self.channels, "--channels")
        if self.axes is not None:
            given["axes"] = _axes(self.axes)
        if self.max_bytes is not None:
            given["max_bytes"] = byte_count(self.max_bytes, "--max-bytes")
        return ReadOptions(**given)


def _indices(text: str, name: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise CallError(f"{name} must be numbers from 0, such as 0,1,2, got {text!r}")
    return tuple(map(int, text.split(",")))


def _axes(text: str) -> str:
    axes = text.upper()
    if not re.fullmatch(r"[A-Z]+", axes) or not {"Y", "X"} <= set(axes):
        raise CallError(f"--axes must name Y and X, such as CYX or YXC, got {text!r}")
    if len(set(axes)) < len(axes):
        raise CallError(f"--axes names an axis twice: {text!r}")
    return axes


def byte_count(text: str, name: str) -> int:
    """Read ``4G``, ``512M`` or a number of bytes."""
    found = re.fullmatch(r"(\d+)([KMGT]?)(i?B)?", text, re.IGNORECASE)
    if not found or int(found[1]) == 0:
        raise CallError(f"{name} must be a size such as 4G or 512M, got {text!r}")
    power = " KMGT".index(found[2].upper() or " ")
    return int(found[1]) << 10 * power


_SIZES = {
    "tile": "tile_size",
    "stride": "stride",
    "overlap": "overlap",
    "border": "remove_border_count",
}
_SAME_THING = ("stride", "overlap")


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of each dataclass that it takes as a parameter."""
    signature = inspect.signature(command)
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {
        name: hint for name, hint in hints.items() if is_dataclass(hint)
    }

    @functools.wraps(command)
    def wrapper(**given: Any) -> None:
        for name, group in groups.items():
            values = {field.name: given.pop(field.name) for field in fields(group)}
            given[name] = group(**values)
        command(**given)

    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
        for name, parameter in signature.parameters.items()
        if name not in groups
    ]
    shared = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=get_type_hints(group, include_extras=True)[field.name],
        )
        for group in groups.values()
        for field in fields(group)
    ]
    parameters = [*own, *shared]
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapper


def size(text: str, name: str) -> int | tuple[int, ...]:
    """Read ``256`` or ``256x128``, height first."""
    if not re.fullmatch(r"-?\d+([xX×]-?\d+)?", text):
        raise CallError(
            f"{name} must be whole pixels, 256 or 256x128 (height first), got {text!r}"
        )
    sizes = tuple(map(int, re.split("[xX×]", text)))
    return sizes[0] if len(sizes) == 1 else sizes


def number(text: str, name: str) -> Real:
    """Read a whole number or a float, ``nan`` and ``inf`` among them."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    raise CallError(f"{name} must be a number, got {text!r}")
