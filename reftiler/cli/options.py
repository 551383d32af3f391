"""The options that several commands share, and what they mean together."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_type_hints

import typer

from reftiler.cli.console import UsageError, as_usage_error
from reftiler.cli.setting_names import OPTIONS, with_option_names
from reftiler.cli.signals import tidy_up_first
from reftiler.errors import TilingError

if TYPE_CHECKING:
    from reftiler.config import TilingConfig
    from reftiler.io.datasets import ImageSet
    from reftiler.io.info import ReadOptions
    from reftiler.io.lazy import LazyImage
    from reftiler.validation import Real

CHOICES = {
    "mode": ("padding", "interpolation", "clamp", "even", "drop"),
    "pad_mode": ("constant", "edge", "reflect", "symmetric", "wrap"),
    "pad_side": ("end", "both"),
    "window": ("box", "triangle", "hann", "gaussian"),
    "merge": ("mean", "max", "min", "first", "last", "center", "vote"),
    "nan": ("propagate", "omit"),
}
"""What the library knows, repeated here so that help need not import it."""

FINISH = (
    "argmax, the number of the largest channel, or module:function or "
    "file.py:function, which takes and returns pixels (h, w, C) or (h, w)."
)
SCALE = (
    "Pixels of a result for one of the tile, 1/4, or 1/2x1 where down and across "
    "differ; its size says so by default."
)

Text: TypeAlias = str | None
Images: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="SOURCE", help="An image, a folder of images, or a data set."
    ),
]


def option(
    words: str,
    metavar: str | None = None,
    default: Any = None,
    *,
    name: str | None = None,
    short: str | None = None,
    panel: str | None = None,
    **more: Any,
) -> Any:
    """Return the field of an option: ``pad_mode`` is --pad-mode, or ``name`` is given.

    One without a metavar is a flag; None as its default is not shown.
    """
    more = {"show_default": default is not None, **more}
    settings = {"help": words, "metavar": metavar, "rich_help_panel": panel, **more}
    names = (name, short)
    return field(default=default, metadata={"names": names, "settings": settings})


flag = partial(option, default=False)


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of each dataclass that it takes as a parameter."""
    signature = inspect.signature(command)
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {
        name: hint for name, hint in hints.items() if is_dataclass(hint)
    }

    @functools.wraps(command)
    def wrapper(**given: Any) -> None:
        tidy_up_first()
        for name, group in groups.items():
            values = {one.name: given.pop(one.name) for one in fields(group)}
            given[name] = group(**values)
        try:
            command(**given)
        except (TilingError, TypeError, UsageError) as error:
            tiling = [one for one in given.values() if isinstance(one, TilingOptions)]
            if not tiling:
                raise
            raise type(error)(tiling[0].named(str(error))) from error

    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
        for name, parameter in signature.parameters.items()
        if name not in groups
    ]
    for group in groups.values():
        kinds = get_type_hints(group)
        for one in fields(group):
            name, short = one.metadata["names"]
            names = filter(None, (name or f"--{one.name.replace('_', '-')}", short))
            settings = typer.Option(*names, **one.metadata["settings"])
            parameters.append(
                inspect.Parameter(
                    one.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=one.default,
                    annotation=Annotated[kinds[one.name], settings],
                )
            )
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapper


_tiling = partial(option, panel="Tiling")
_random = partial(option, panel="Random tiles")
_reading = partial(option, panel="Reading")
_finding = partial(option, panel="Finding images and masks")


def _choice(setting: str, words: str) -> Any:
    names = CHOICES[setting]
    return _tiling(
        f"{words} One of {', '.join(names)}.",
        "NAME",
        autocompletion=lambda incomplete: [
            name for name in names if name.startswith(incomplete)
        ],
    )


@dataclass(frozen=True)
class TilingOptions:
    """What the tiling options of a command were, None where they were not given."""

    tile: Text = _tiling(
        "Tile size: 256, or 256x128 (height first).", "SIZE", short="-t"
    )
    stride: Text = _tiling(
        "From tile to tile; the tile size by default.", "SIZE", short="-s"
    )
    overlap: Text = _tiling(
        "Shared by neighbours, instead of --stride: 64, or 25% of the tile.", "SIZE"
    )
    mode: Text = _choice("mode", "Where tiles do not fit exactly.")
    pad_mode: Text = _choice("pad_mode", "What padding shows.")
    pad_value: Text = _tiling("What constant padding shows.", "NUMBER")
    pad_side: Text = _choice("pad_side", "Where padding goes.")
    window: Text = _choice("window", "Weights in the mean.")
    merge: Text = _choice("merge", "How overlapping tiles become one image.")
    border: Text = _tiling(
        "Pixels at a tile's edges to leave out of the merge.", "SIZE"
    )
    align: Text = _tiling("Tiles start on multiples of this: a ViT's patch.", "SIZE")
    context: Text = _tiling(
        "Pixels around each tile that the merge drops again.", "SIZE"
    )
    fill: Text = _tiling("Value of merged pixels that are in no tile.", "NUMBER")
    nan: Text = _choice("nan", "What NaN in a tile makes of a mean.")
    config: Path | None = _tiling(
        "YAML with a tiling section, as in anomalib; other options win.", "FILE"
    )
    random: int | None = _random(
        "Cut this many random tiles of each image instead of a grid.", "COUNT"
    )
    seed: int | None = _random(
        "Which random tiles; images of one size get the same.", "NUMBER"
    )

    @as_usage_error()
    def resolve(self) -> TilingConfig:
        """Return the configuration that the options, and the file they name, make."""
        from reftiler.config import TilingConfig  # noqa: PLC0415 - it needs numpy
        from reftiler.validation import as_int  # noqa: PLC0415

        given = self._settings()
        section = self._section(given)
        # A file is named in order to tile, so that it need not say so (CONFIG-005).
        switch = {} if {"apply", "enable"} & section.keys() else {"apply": True}
        settings = switch | section | given
        if isinstance(given.get("overlap"), str):
            settings["overlap"] = _share(given["overlap"], settings.get("tile_size"))
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

    def named(self, message: str) -> str:
        """Return a message of the library with options in place of settings.

        Settings that come from the file keep the names that they have there.
        """
        try:
            kept = () if self.config is None else self._section(self._settings())
        except (TilingError, TypeError, UsageError):
            return message  # of the file itself, which cannot be read
        return with_option_names(message, keep=kept)

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
        instead = {*given}
        if instead & {"stride", "overlap"}:  # which say the same thing
            instead |= {"stride", "overlap"}
        return {key: value for key, value in section.items() if key not in instead}

    def _settings(self) -> dict[str, Any]:
        """Return what was given by the tiler's settings; ``overlap="25%"`` as text."""
        given: dict[str, Any] = {}
        for setting in _SETTINGS:
            option = OPTIONS[setting]
            value = getattr(self, option[2:].replace("-", "_"))
            if value is None:
                continue
            if setting in ("pad_value", "fill"):
                value = number(value, option)
            elif setting not in CHOICES and not (setting == "overlap" and "%" in value):
                value = size(value, option)
            given[setting] = value
        return given


_SETTINGS = (
    *("tile_size", "stride", "overlap", "remove_border_count", "align", "context"),
    *("pad_value", "fill", *CHOICES),
)


@dataclass(frozen=True)
class ReadingOptions:
    """How images are to be read, as the options of a command say it."""

    page: int | None = _reading("Which image of a file that holds more.", "NUMBER")
    level: int | None = _reading("Which level of a pyramid; 0 is whole.", "NUMBER")
    channels: Text = _reading("Which channels to keep: 0,1,2.", "LIST")
    axes: Text = _reading("An array's axes, such as CYX or YXC.", "LETTERS")
    no_orient: bool = _reading(
        "Leave images as they are stored, whatever EXIF or TIFF say.", default=False
    )
    max_bytes: Text = _reading("Largest image to decode whole: 4G.", "SIZE")

    def resolve(self) -> ReadOptions:
        """Return how to read, or refuse a wrong option."""
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
            given["max_bytes"] = _byte_count(self.max_bytes, "--max-bytes")
        return ReadOptions(**given)

    def open(self, path: Path) -> LazyImage:
        """Open an image as the options say."""
        from reftiler.io.read import open_image  # noqa: PLC0415 - slow to import

        return open_image(path, self.resolve())


@dataclass(frozen=True)
class FindingOptions:
    """Which images and masks are found, as the options of a command say it."""

    mask_threshold: float | None = _finding(
        "In masks of grey values, it and what is above mark.", "NUMBER"
    )
    mask_pattern: Text = _finding(
        "Where masks are: masks/{stem}_seg.png; none: nowhere.", "PATTERN"
    )
    layout: Text = _finding(
        "How the data set is laid out, if that is not recognised.", "NAME"
    )
    good: Text = _finding(
        "Folders of images without defects, such as ok,normal.", "NAMES"
    )
    recursive: bool = _finding("Enter the folders in a folder too.", default=False)

    def find(self, source: Path) -> ImageSet:
        """Find the images of a source and their masks, or refuse one that is not."""
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


def check_folder(out: Path, source: Path, what: str) -> None:
    """Refuse a file as the folder for results, and one among the images."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: give a new or empty folder for the {what}")
    if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
        raise UsageError(
            f"{out} lies in {source}, where its {what} would be taken for images: give "
            "a folder outside"
        )


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


def read_scale(text: str) -> tuple[Fraction, Fraction]:
    """Read ``0.5``, ``1/2`` or ``1/2x1``, down before across."""
    part = r"\d{1,9}(?:\.\d{1,9}|/[1-9]\d{0,8})?"
    if not re.fullmatch(f"{part}(?:[xX×]{part})?", text):
        raise UsageError(f"--scale must be 2, 0.5, 1/2 or 1/2x1, got {text!r}")
    scales = [Fraction(one) for one in re.split("[xX×]", text)]
    if not all(scales):
        raise UsageError(f"--scale must be above 0, got {text!r}")
    return scales[0], scales[-1]


def _share(text: str, tile_size: Any) -> tuple[int, ...]:
    """Read ``25%`` or ``25%x10%`` of a tile as whole pixels, rounded down."""
    from reftiler.validation import validate_tile_size  # noqa: PLC0415 - numpy

    if not re.fullmatch(r"\d+(\.\d+)?%([xX×]\d+(\.\d+)?%)?", text):
        raise UsageError(f"--overlap must be like 64, 64x32 or 25%, got {text!r}")
    parts = [Decimal(part[:-1]) for part in re.split("[xX×]", text)]
    tile = validate_tile_size(tile_size)
    parts = parts * len(tile) if len(parts) == 1 else parts
    return tuple(int(t * p / 100) for t, p in zip(tile, parts, strict=False))


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


def _byte_count(text: str, name: str) -> int:
    """Read ``4G``, ``512M`` or a number of bytes."""
    found = re.fullmatch(r"(\d+)([KMGT]?)(i?B)?", text, re.IGNORECASE)
    if not found or int(found[1]) == 0:
        raise UsageError(f"{name} must be a size such as 4G or 512M, got {text!r}")
    power = " KMGT".index(found[2].upper() or " ")
    return int(found[1]) << 10 * power
