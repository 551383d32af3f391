"""The options of ``reftiler untile``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reftiler.cli.console import UsageError, as_usage_error
from reftiler.cli.options import (
    CHOICES,
    FINISH,
    SCALE,
    Text,
    flag,
    number,
    option,
    read_scale,
    size,
)

if TYPE_CHECKING:
    from reftiler.tilesets.foreign_tiles import Placement
    from reftiler.tilesets.maps import MapOptions

_merging = partial(option, panel="Merging")
_results = partial(option, panel="Results of a model")
_foreign = partial(option, panel="Tiles of another tool")


@dataclass(frozen=True)
class UntileOptions:
    """What is put together, and in which form."""

    masks: bool = flag("Put the masks together instead.")
    file_format: Text = option(
        "Of the results in a folder: png, tiff, npy, zarr or ome.zarr; by default that "
        "of the tiles.",
        "NAME",
        name="--format",
    )
    overwrite: bool = flag("Replace results that are there.")


@dataclass(frozen=True)
class MergeOptions:
    """How tiles merge, where that is not left to what they were cut with."""

    merge: Text = _merging(
        "How overlaps become one: mean, max, min, first, last, center or vote. For "
        "class numbers: vote.",
        "NAME",
    )
    window: Text = _merging("Weights in the mean or the vote.", "NAME")
    border: Text = _merging("Edge of tiles to leave out of the merge.", "SIZE")
    fill: Text = _merging("The value of pixels that are in no tile.", "NUMBER")
    nan: Text = _merging("NaN in a mean: propagate, or omit for the others.", "NAME")
    finish: Text = _merging(
        f"What the result becomes as it is merged: {FINISH}", "NAME"
    )

    def resolve(self) -> dict[str, Any]:
        """Return the settings of the tiler that were given."""
        given: dict[str, Any] = {}
        for name in ("merge", "window", "nan"):
            _check_choice(name, getattr(self, name), CHOICES[name])
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

    maps: Path | None = _results(
        "Merge the results in FOLDER: a file for each tile, called as it, or an array "
        "(K, …) for each image, ID.npy or ID.zarr.",
        "FOLDER",
    )
    axes: Text = _results("CYX or YXC, where both would fit.", "LETTERS")
    scale: Text = _results(SCALE, "NUMBER")
    skip_missing: bool = _results(
        "Leave out images for which there is no result at all.", default=False
    )
    detections: Path | None = _results(
        "Bring objects back to the images instead: COCO's results, or a folder of "
        "YOLO's text files.",
        "PATH",
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
        _check_choice("axes", axes, ("CYX", "YXC"))
        scale = None if self.scale is None else read_scale(self.scale)
        return MapOptions(axes, scale, settings, self.skip_missing)


@dataclass(frozen=True)
class PatternOptions:
    """Where the tiles of another tool lie."""

    pattern: Text = _foreign(
        "Their names: {id}, {row} and {col}, {x} and {y}, {index}.", "TEXT"
    )
    size: Text = _foreign(
        "Of the image, height first; by default what the tiles cover.", "SIZE"
    )
    tile: Text = _foreign(
        "Of a tile in the image; by default that of the files.", "SIZE"
    )
    stride: Text = _foreign("From tile to tile.", "SIZE")
    overlap: Text = _foreign("Shared by neighbours, instead.", "SIZE")
    mode: Text = _foreign(
        "Where the last row and column lie: padding, clamp, even or drop.", "NAME"
    )
    first: Text = _foreign(
        "The first row, column or index in names, 0 or 1; by default what names show.",
        "NUMBER",
    )

    def resolve(self) -> "Placement":
        """Return what names do not say."""
        from reftiler.tilesets.foreign_tiles import Placement  # noqa: PLC0415

        given: dict[str, Any] = {}
        for name in ("size", "tile", "stride", "overlap"):
            value = getattr(self, name)
            if value is not None:
                found = size(value, f"--{name}")
                given[name] = (found, found) if isinstance(found, int) else found
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
    """Refuse options without an effect on what is put together, or that contradict."""
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


def _check_choice(name: str, value: Text, known: Sequence[str]) -> None:
    from reftiler.validation import one_of  # noqa: PLC0415 - help needs none of it

    if value is not None:
        with as_usage_error():
            one_of(value, f"--{name}", known)
