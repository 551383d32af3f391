"""The options that several commands share, and what they mean together."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_type_hints

import typer

from reftiler.cli.console import UsageError, as_usage_error
from reftiler.cli.setting_names import OPTIONS, with_option_names
from reftiler.errors import TilingError

if TYPE_CHECKING:
    from reftiler.config import TilingConfig
    from reftiler.io.datasets import ImageSet
    from reftiler.io.info import ReadOptions
    from reftiler.io.lazy import LazyImage
    from reftiler.validation import Real

__all__ = [
    "CHOICES",
    "FindingOptions",
    "ReadingOptions",
    "TilingOptions",
    "byte_count",
    "number",
    "size",
    "with_options",
]

_PANEL = "Tiling"
_RANDOM = "Random tiles"
_READING = "Reading"
_FINDING = "Finding images and masks"

CHOICES = {
    "mode": ("padding", "interpolation", "clamp", "even", "drop"),
    "pad_mode": ("constant", "edge", "reflect", "symmetric", "wrap"),
    "pad_side": ("end", "both"),
    "window": ("box", "triangle", "hann", "gaussian"),
    "merge": ("mean", "max", "min", "first", "last", "center", "vote"),
    "nan": ("propagate", "omit"),
}
"""What the library knows, repeated here so that help need not import it."""


def _option(
    name: str, metavar: str, words: str, panel: str = _PANEL, short: str | None = None
) -> Any:
    names = (name,) if short is None else (name, short)
    return typer.Option(
        *names, metavar=metavar, help=words, rich_help_panel=panel, show_default=False
    )


def _choice(setting: str, words: str) -> Any:
    names = CHOICES[setting]
    return typer.Option(
        f"--{setting.replace('_', '-')}",
        metavar="NAME",
        help=f"{words} One of {', '.join(names)}.",
        rich_help_panel=_PANEL,
        show_default=False,
        autocompletion=lambda incomplete: [
            name for name in names if name.startswith(incomplete)
        ],
    )


Text: TypeAlias = str | None


@dataclass(frozen=True)
class TilingOptions:
    """What the tiling options of a command were, None where they were not given."""

    tile: Annotated[
        Text,
        _option(
            "--tile", "SIZE", "Tile size: 256, or 256x128 (height first).", short="-t"
        ),
    ] = None
    stride: Annotated[
        Text,
        _option(
            "--stride",
            "SIZE",
            "From tile to tile; the tile size by default.",
            short="-s",
        ),
    ] = None
    overlap: Annotated[
        Text,
        _option(
            "--overlap",
            "SIZE",
            "Shared by neighbours, instead of --stride: 64, or 25% of the tile.",
        ),
    ] = None
    mode: Annotated[Text, _choice("mode", "Where tiles do not fit exactly.")] = None
    pad_mode: Annotated[Text, _choice("pad_mode", "What padding shows.")] = None
    pad_value: Annotated[
        Text, _option("--pad-value", "NUMBER", "What constant padding shows.")
    ] = None
    pad_side: Annotated[Text, _choice("pad_side", "Where padding goes.")] = None
    window: Annotated[Text, _choice("window", "Weights in the mean.")] = None
    merge: Annotated[
        Text, _choice("merge", "How overlapping tiles become one image.")
    ] = None
    border: Annotated[
        Text,
        _option(
            "--border", "SIZE", "Pixels at a tile's edges to leave out of the merge."
        ),
    ] = None
    align: Annotated[
        Text,
        _option("--align", "SIZE", "Tiles start on multiples of this: a ViT's patch."),
    ] = None
    context: Annotated[
        Text,
        _option(
            "--context", "SIZE", "Pixels around each tile that the merge drops again."
        ),
    ] = None
    fill: Annotated[
        Text, _option("--fill", "NUMBER", "Value of merged pixels that are in no tile.")
    ] = None
    nan: Annotated[Text, _choice("nan", "What NaN in a tile makes of a mean.")] = None
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
            "Cut this many random tiles of each image instead of a grid.",
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
        UsageError
            If they break a rule, contradict each other or do not say the tile size.
        """
        with as_usage_error():
            return self._resolve()

    def named(self, message: str) -> str:
        """Return a message of the library with options in place of settings.

        Settings that come from the file keep the names that they have there.
        """
        try:
            kept = () if self.config is None else self._section(self._settings())
        except (TilingError, TypeError, UsageError):
            return message  # of the file itself, which cannot be read
        return with_option_names(message, keep=kept)

    def _resolve(self) -> TilingConfig:
        from reftiler.config import TilingConfig  # noqa: PLC0415 - it needs numpy
        from reftiler.validation import as_int  # noqa: PLC0415

        given = self._settings()
        section = self._section(given)
        # A file is named in order to tile, so that it need not say so (CONFIG-005).
        switch = {} if {"apply", "enable"} & section.keys() else {"apply": True}
        settings = _in_pixels(switch | section | given)
        try:
            config = TilingConfig.from_mapping(settings)
        except (TilingError, TypeError) as error:
            message = with_option_names(str(error), keep=section)
            if self.config is None or message.startswith("--"):
                raise
            raise UsageError(f"{error} (in {self.config})") from error
        if config.tiler is None:
            raise UsageError(
                f"{self.config} switches tiling off: write apply: true in it"
            )
        if config.tiler.rank != 2:
            sizes = list(config.tiler.tile_size)
            raise UsageError(
                "tiles of images have a height and a width, got tile_size: "
                f"{sizes}: write {sizes[0]} or [{sizes[0]}, {sizes[0]}] for squares"
            )
        if self.random is not None:
            count = as_int(self.random, "--random", minimum=1)
            config = replace(config, random_count=count)
        if self.seed is not None:
            config = replace(config, seed=self.seed)
            if config.random_count is None:
                raise UsageError(
                    f"--seed {self.seed} chooses random tiles, and a grid was asked "
                    "for: give --random COUNT too"
                )
        return config

    def _section(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return what the file says, without what the options say instead."""
        if self.config is None:
            if "tile_size" not in given:
                raise UsageError(
                    "how large is a tile? give --tile SIZE or --config FILE"
                )
            return {}
        from reftiler.config import KEYS, read_section, unwrap_section  # noqa: PLC0415

        section = unwrap_section(read_section(self.config, KEYS))
        instead = _SAME_THING if given.keys() & set(_SAME_THING) else ()
        return {
            key: value
            for key, value in section.items()
            if key not in instead and key not in given
        }

    def _settings(self) -> dict[str, Any]:
        """Return what was given, by the names of the tiler's settings."""
        given: dict[str, Any] = {}
        for option, setting in _SIZES.items():
            value = getattr(self, option)
            if value is not None:
                read = _share_or_size if option == "overlap" else size
                given[setting] = read(value, f"--{option}")
        for option in ("pad_value", "fill"):
            value = getattr(self, option)
            if value is not None:
                given[option] = number(value, f"--{option.replace('_', '-')}")
        for option in ("mode", "pad_mode", "pad_side", "window", "merge", "nan"):
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
        UsageError
            If an option is wrong.
        """
        from reftiler.io.info import ReadOptions  # noqa: PLC0415 - slow to import
        from reftiler.validation import as_int  # noqa: PLC0415

        given: dict[str, Any] = {"page": self.page, "orient": not self.no_orient}
        with as_usage_error():
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

    def open(self, path: Path) -> LazyImage:
        """
        Open an image as the options say.

        Raises
        ------
        UsageError, TilingError
            If an option is wrong; if the image cannot be read.
        """
        from reftiler.io.read import open_image  # noqa: PLC0415 - slow to import

        return open_image(path, self.resolve())


@dataclass(frozen=True)
class FindingOptions:
    """Which images and masks are found, as the options of a command say it."""

    mask_threshold: Annotated[
        float | None,
        _option(
            "--mask-threshold",
            "NUMBER",
            "In masks of grey values, it and what is above mark.",
            _FINDING,
        ),
    ] = None
    mask_pattern: Annotated[
        Text,
        _option(
            "--mask-pattern",
            "PATTERN",
            "Where masks are: masks/{stem}_seg.png; none: nowhere.",
            _FINDING,
        ),
    ] = None
    layout: Annotated[
        Text,
        _option(
            "--layout",
            "NAME",
            "How the data set is laid out, if that is not recognised.",
            _FINDING,
        ),
    ] = None
    good: Annotated[
        Text,
        _option(
            "--good",
            "NAMES",
            "Folders of images without defects, such as ok,normal.",
            _FINDING,
        ),
    ] = None
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive",
            help="Enter the folders in a folder too.",
            rich_help_panel=_FINDING,
        ),
    ] = False

    def find(self, source: Path) -> ImageSet:
        """
        Find the images of a source and their masks.

        Raises
        ------
        UsageError, TilingError
            There is no such source; see `reftiler.io.datasets.find_images`.
        """
        from reftiler.io.datasets import find_images  # noqa: PLC0415 - slow to import

        if not source.exists():
            raise UsageError(
                f"there is no {source}: give an image, a folder or a data set"
            )
        return find_images(
            source,
            layout=self.layout,
            mask_pattern=self.mask_pattern,
            good=tuple(filter(None, (self.good or "").split(","))),
            recursive=self.recursive,
        )


def _indices(text: str, name: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise UsageError(f"{name} must be numbers from 0, such as 0,1,2, got {text!r}")
    return tuple(map(int, text.split(",")))


def _axes(text: str) -> str:
    axes = text.upper()
    if not re.fullmatch(r"[A-Z]+", axes) or not {"Y", "X"} <= set(axes):
        raise UsageError(f"--axes must name Y and X, such as CYX or YXC, got {text!r}")
    if len(set(axes)) < len(axes):
        raise UsageError(f"--axes names an axis twice: {text!r}")
    return axes


def byte_count(text: str, name: str) -> int:
    """Read ``4G``, ``512M`` or a number of bytes."""
    found = re.fullmatch(r"(\d+)([KMGT]?)(i?B)?", text, re.IGNORECASE)
    if not found or int(found[1]) == 0:
        raise UsageError(f"{name} must be a size such as 4G or 512M, got {text!r}")
    power = " KMGT".index(found[2].upper() or " ")
    return int(found[1]) << 10 * power


_OF_TILES = ("--tile", "--stride", "--overlap")
_SIZES = {
    option.removeprefix("--"): setting
    for setting, option in OPTIONS.items()
    if option in (*_OF_TILES, "--border", "--align", "--context")
}
_SAME_THING = ("stride", "overlap")


@dataclass(frozen=True)
class _Share:
    """Per cent of a tile's height and width."""

    parts: tuple[Decimal, ...]


def _share_or_size(text: str, name: str) -> int | tuple[int, ...] | _Share:
    """Read a size, or ``25%`` and ``25%x10%`` of the tile."""
    if "%" not in text:
        return size(text, name)
    if not re.fullmatch(r"\d+(\.\d+)?%([xX×]\d+(\.\d+)?%)?", text):
        raise UsageError(f"{name} must be like 64, 64x32 or 25%, got {text!r}")
    return _Share(tuple(Decimal(part[:-1]) for part in re.split("[xX×]", text)))


def _in_pixels(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with an overlap in whole pixels, rounded down."""
    share = settings.get("overlap")
    if not isinstance(share, _Share):
        return settings
    from reftiler.validation import validate_tile_size  # noqa: PLC0415 - numpy

    tile = validate_tile_size(settings.get("tile_size"))
    parts = share.parts if len(share.parts) > 1 else share.parts * len(tile)
    pixels = tuple(int(t * p / 100) for t, p in zip(tile, parts, strict=True))
    return settings | {"overlap": pixels}


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
        try:
            command(**given)
        except (TilingError, TypeError, UsageError) as error:
            tiling = [one for one in given.values() if isinstance(one, TilingOptions)]
            if not tiling:
                raise
            raise type(error)(tiling[0].named(str(error))) from error

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
        raise UsageError(
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
    raise UsageError(f"{name} must be a number, got {text!r}")
