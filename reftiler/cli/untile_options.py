"""The options of ``reftiler untile``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reftiler.cli.console import UsageError, as_usage_error
from reftiler.cli.options import CHOICES, number, size

if TYPE_CHECKING:
    from reftiler.tilesets.foreign_tiles import Placement
    from reftiler.tilesets.maps import MapOptions

_MERGING, _RESULTS, _FOREIGN = "Merging", "Results of a model", "Tiles of another tool"


def _option(name: str, metavar: str, words: str, panel: str) -> Any:
    return typer.Option(
        name, metavar=metavar, help=words, rich_help_panel=panel, show_default=False
    )


@dataclass(frozen=True)
class MergeOptions:
    """How tiles merge, where that is not left to what they were cut with."""

    merge: Annotated[
        str | None,
        _option(
            "--merge",
            "NAME",
            "How overlaps become one: mean, max, min, first, last, center or vote. For "
            "class numbers: vote.",
            _MERGING,
        ),
    ] = None
    window: Annotated[
        str | None,
        _option("--window", "NAME", "Weights in the mean or the vote.", _MERGING),
    ] = None
    border: Annotated[
        str | None,
        _option(
            "--border", "SIZE", "Edge of tiles to leave out of the merge.", _MERGING
        ),
    ] = None
    fill: Annotated[
        str | None,
        _option(
            "--fill", "NUMBER", "The value of pixels that are in no tile.", _MERGING
        ),
    ] = None

    nan: Annotated[
        str | None,
        _option(
            "--nan",
            "NAME",
            "NaN in a mean: propagate, or omit for the others.",
            _MERGING,
        ),
    ] = None

    finish: Annotated[
        str | None,
        _option(
            "--finish",
            "NAME",
            "What the result becomes as it is merged: argmax, the number of the "
            "largest channel, or module:function or file.py:function, which takes and "
            "returns pixels (h, w, C) or (h, w).",
            _MERGING,
        ),
    ] = None

    def resolve(self) -> dict[str, Any]:
        """Return the settings of the tiler that were given."""
        given: dict[str, Any] = {}
        _check_choice("merge", self.merge)
        _check_choice("window", self.window)
        _check_choice("nan", self.nan)
        if self.merge is not None:
            given["merge"] = self.merge
            if self.merge not in ("mean", "vote"):  # others have no weights
                given["window"] = "box"
            if self.merge != "mean":  # others leave no NaN out
                given["nan"] = "propagate"
        if self.window is not None:
            given["window"] = self.window
        if self.nan is not None:
            given["nan"] = self.nan
        if self.border is not None:
            given["remove_border_count"] = size(self.border, "--border")
        if self.fill is not None:
            given["fill"] = number(self.fill, "--fill")
        return given


@dataclass(frozen=True)
class ResultOptions:
    """What a model made of the tiles."""

    maps: Annotated[
        Path | None,
        _option(
            "--maps",
            "FOLDER",
            "Merge the results in FOLDER: a file for each tile, called as it, or an "
            "array (K, …) for each image, ID.npy or ID.zarr.",
            _RESULTS,
        ),
    ] = None
    axes: Annotated[
        str | None,
        _option("--axes", "LETTERS", "CYX or YXC, where both would fit.", _RESULTS),
    ] = None
    scale: Annotated[
        str | None,
        _option(
            "--scale",
            "NUMBER",
            "Pixels of a result for one of the tile, 1/4, or 1/2x1 where down and "
            "across differ; its size says so by default.",
            _RESULTS,
        ),
    ] = None
    skip_missing: Annotated[
        bool,
        typer.Option(
            "--skip-missing",
            help="Leave out images for which there is no result at all.",
            rich_help_panel=_RESULTS,
        ),
    ] = False

    detections: Annotated[
        Path | None,
        _option(
            "--detections",
            "PATH",
            "Bring objects back to the images instead: COCO's results, or a folder of "
            "YOLO's text files.",
            _RESULTS,
        ),
    ] = None

    def check_folder(self) -> None:
        """Refuse a folder of results that is none."""
        if self.maps is not None and not self.maps.is_dir():
            raise UsageError(
                f"there is no folder {self.maps}: give that of the results"
            )

    def check_no_results(self) -> None:
        """Refuse what says how results lie, where tiles are as they were cut."""
        for name in ("axes", "scale"):
            if getattr(self, name) is not None:
                raise UsageError(
                    f"--{name} is for results of a model, and the tiles are as they "
                    "were cut: give --maps too"
                )

    def resolve(self, settings: dict[str, Any]) -> "MapOptions":
        """Return how results are to be understood and merged."""
        from reftiler.tilesets.maps import MapOptions  # noqa: PLC0415

        axes = None if self.axes is None else self.axes.upper()
        if axes is not None:
            _check_choice("axes", axes, ("CYX", "YXC"))
        scale = None if self.scale is None else read_scale(self.scale)
        return MapOptions(axes, scale, settings, self.skip_missing)


@dataclass(frozen=True)
class PatternOptions:
    """Where the tiles of another tool lie."""

    pattern: Annotated[
        str | None,
        _option(
            "--pattern",
            "TEXT",
            "Their names: {id}, {row} and {col}, {x} and {y}, {index}.",
            _FOREIGN,
        ),
    ] = None
    size: Annotated[
        str | None,
        _option(
            "--size",
            "SIZE",
            "Of the image, height first; by default what the tiles cover.",
            _FOREIGN,
        ),
    ] = None
    tile: Annotated[
        str | None,
        _option(
            "--tile",
            "SIZE",
            "Of a tile in the image; by default that of the files.",
            _FOREIGN,
        ),
    ] = None
    stride: Annotated[
        str | None, _option("--stride", "SIZE", "From tile to tile.", _FOREIGN)
    ] = None
    overlap: Annotated[
        str | None,
        _option("--overlap", "SIZE", "Shared by neighbours, instead.", _FOREIGN),
    ] = None
    mode: Annotated[
        str | None,
        _option(
            "--mode",
            "NAME",
            "Where the last row and column lie: padding, clamp, even or drop.",
            _FOREIGN,
        ),
    ] = None

    first: Annotated[
        str | None,
        _option(
            "--first",
            "NUMBER",
            "The first row, column or index in names, 0 or 1; by default what names "
            "show.",
            _FOREIGN,
        ),
    ] = None

    def resolve(self) -> "Placement":
        """Return what names do not say."""
        from reftiler.tilesets.foreign_tiles import Placement  # noqa: PLC0415

        given: dict[str, Any] = {
            name: _pair(value, f"--{name}")
            for name in ("size", "tile", "stride", "overlap")
            if (value := getattr(self, name)) is not None
        }
        if self.mode is not None:
            _check_choice("mode", self.mode, ("padding", "clamp", "even", "drop"))
            given["mode"] = self.mode
        if self.first is not None:
            _check_choice("first", self.first, ("0", "1"))
            given["first"] = int(self.first)
        return Placement(**given)

    @property
    def by_corners(self) -> bool:
        """Whether names say the pixels of corners, which leave nothing to count."""
        text = self.pattern or ""
        return re.search(r"{x[:!}]", text) is not None and "{y" in text


_IMAGES, _MASKS, _MAPS, _PATTERN, _CORNERS = "images", "masks", "maps", "names", "x, y"
_BY_NAMES = (_PATTERN, _CORNERS)
_NOT_MASKS = (_IMAGES, _MAPS, *_BY_NAMES)
_USED = {
    **dict.fromkeys(("merge", "window", "border", "nan", "finish"), _NOT_MASKS),
    # Tiles that were replaced by results of a model are merged as these.
    **dict.fromkeys(("axes", "scale"), _NOT_MASKS),
    "skip_missing": (_MAPS,),
    **dict.fromkeys(("size", "tile"), _BY_NAMES),
    **dict.fromkeys(("stride", "overlap", "mode", "first"), (_PATTERN,)),
}
"""What each option has an effect on; the others have one on everything."""


def check_used(
    merging: MergeOptions,
    results: ResultOptions,
    pattern: PatternOptions,
    *,
    masks: bool,
) -> None:
    """
    Refuse options without an effect on what is put together.

    Raises
    ------
    UsageError
        If there is one, or what is put together contradicts itself.
    """
    if masks and (results.maps is not None or pattern.pattern is not None):
        raise UsageError("--masks are those of the manifest: give it alone")
    if results.maps is not None and pattern.pattern is not None:
        raise UsageError(
            "--maps are results for tiles of a manifest, --pattern finds tiles "
            "without one: give the folder of results as TILES"
        )
    what = _MASKS if masks else _IMAGES if results.maps is None else _MAPS
    if pattern.pattern is not None:
        what = _CORNERS if pattern.by_corners else _PATTERN
    for options in (merging, results, pattern):
        for name, value in vars(options).items():
            if value not in (None, False) and what not in _USED.get(name, (what,)):
                raise UsageError(f"--{name.replace('_', '-')} {_why(name, what)}")


def _why(name: str, what: str) -> str:
    """Say why an option has no effect on masks, images, maps or tiles by names."""
    used = _USED[name]
    if used == (_MAPS,):
        return "is for results of a model: give --maps too"
    if what == _CORNERS:
        return "is for tiles by row, column or index: {x} and {y} say where tiles lie"
    if used != _NOT_MASKS:
        return "is for tiles of another tool: give --pattern too; ours have a manifest"
    return "has no effect on masks: they hold labels, which are copied: leave it out"


def _check_choice(name: str, value: str | None, known: Sequence[str] = ()) -> None:
    from reftiler.validation import one_of  # noqa: PLC0415 - help needs none of it

    if value is not None:
        with as_usage_error():
            one_of(value, f"--{name}", known or CHOICES[name])


def read_scale(text: str) -> tuple[Fraction, Fraction]:
    """Read ``0.5``, ``1/2`` or ``1/2x1``, down before across."""
    part = r"\d{1,9}(?:\.\d{1,9}|/[1-9]\d{0,8})?"
    if not re.fullmatch(f"{part}(?:[xX×]{part})?", text):
        raise UsageError(f"--scale must be 2, 0.5, 1/2 or 1/2x1, got {text!r}")
    scales = [Fraction(one) for one in re.split("[xX×]", text)]
    if not all(scales):
        raise UsageError(f"--scale must be above 0, got {text!r}")
    return scales[0], scales[-1]


def _pair(text: str, name: str) -> tuple[int, int]:
    """Read ``256`` or ``256x128``, height first."""
    given = size(text, name)
    return (given, given) if isinstance(given, int) else (given[0], given[1])
