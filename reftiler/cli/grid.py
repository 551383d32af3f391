"""``reftiler grid``: what the tiles of an image are, before any is cut."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich import box
from rich.table import Table

from reftiler.axis import Axis
from reftiler.cli.console import (
    UsageError,
    as_usage_error,
    say_notes,
    stdout,
    times,
)
from reftiler.cli.grid_summary import GridSummary, bytes_words
from reftiler.cli.options import (
    ReadingOptions,
    Text,
    TilingOptions,
    flag,
    option,
    size,
)
from reftiler.errors import count
from reftiler.grid import Grid
from reftiler.validation import as_int, one_of

if TYPE_CHECKING:
    from reftiler.config import TilingConfig

_SHOWN = 8  # random tiles of which the table tells where they are
_DTYPES = ("bool", "uint8", "uint16", "int32", "float16", "float32", "float64")


@dataclass(frozen=True)
class GridOptions:
    """What a size does not say, and how the grid is shown."""

    channel_count: int | None = option("Of the image; 3 for a size.", "COUNT")
    dtype: Text = option("Of the pixels; uint8 for a size.", "NAME")
    as_json: bool = flag("For programs.", name="--json")


def grid(
    image: Annotated[
        str,
        typer.Argument(
            metavar="IMAGE", help="An image file, or a size: HEIGHTxWIDTH in pixels."
        ),
    ],
    own: GridOptions,
    options: TilingOptions,
    reading: ReadingOptions,
) -> None:
    """Show what the tiles of an image are: how many, where, how much memory.

    Of an image file no pixel is decoded that need not be. It is upright as its EXIF
    or TIFF orientation says, as in `reftiler tile`.

    [bold]Examples[/]

    reftiler grid 1000x1400 --tile 256 --stride 128
    reftiler grid part.png -t 256 --overlap 25% --mode even
    reftiler grid 4000x4000 --config patchcore.yaml --json
    """
    summary = _summary(image, options.resolve(), reading, own)
    if own.as_json:
        typer.echo(summary.to_json())
        return
    plan = summary.grid
    stdout.print(_headline(plan), end="\n\n")
    stdout.print(_places(plan) if plan.is_irregular else _axes(plan))
    stdout.print()
    stdout.print(_totals(summary))
    say_notes(summary.notes)


def _summary(
    image: str, config: "TilingConfig", reading: ReadingOptions, own: GridOptions
) -> GridSummary:
    """Plan the tiles of an image file, or of a size."""
    path = Path(image)
    sizes: Any
    if re.fullmatch(r"\d+[xX×]\d+", image) and not path.exists():
        sizes, channels, kind = size(image, "the size"), 3, np.dtype(np.uint8)
        notes: tuple[str, ...] = ()
    else:
        from reftiler.io.zarr_metadata import is_zarr  # noqa: PLC0415 - slow to import

        if not (path.is_file() or is_zarr(path)):
            raise UsageError(
                f"there is no image file {path}: give one, or a size in pixels such as "
                "1000x1400"
            )
        picture = reading.open(path)
        sizes, channels = picture.shape[:2], math.prod(picture.shape[2:])
        kind, notes = np.dtype(picture.dtype), picture.info.notes
    with as_usage_error():
        plan = config.plan(sizes)
        if own.channel_count is not None:
            channels = as_int(own.channel_count, "--channel-count", minimum=1)
        if own.dtype is not None:
            kind = np.dtype(one_of(own.dtype, "--dtype", _DTYPES))
    return GridSummary(plan, channels, kind, notes)


def _headline(plan: Grid) -> str:
    where = (
        "at random places" if plan.is_irregular else f"in a grid of {times(plan.shape)}"
    )
    tile = times(plan.tiler.tile_size)
    return (
        f"[bold]{count(len(plan), 'tile')}[/] of {tile} {where}, for an image of "
        f"{times(plan.image_size)}"
    )


def _axes(plan: Grid) -> Table:
    """Show the numbers of both axes side by side."""
    table = _table()
    table.add_column(style="cyan", no_wrap=True)
    table.add_column("height")
    table.add_column("width")
    tiler = plan.tiler
    rows: dict[str, list[Any]] = {
        "image": list(plan.image_size),
        "tile": list(tiler.tile_size),
        "stride": list(tiler.stride),
        "overlap": list(tiler.overlap),
        "tiles": [len(axis) for axis in plan.axes],
        "starts": [_starts(axis) for axis in plan.axes],
    }
    name, misfits = _misfit(plan)
    rows[name] = misfits
    if any(tiler.remove_border_count):
        rows["border removed"] = list(tiler.remove_border_count)
    if set(tiler.align) != {1}:
        rows["aligned to"] = list(tiler.align)
    if tiler.has_context:
        rows["context"] = list(tiler.context)
    for name, values in rows.items():
        table.add_row(name, *map(str, values))
    return table


def _starts(axis: Axis) -> str:
    """Write all starts where there are few, else the first and the last."""
    starts = list(map(str, axis.starts))
    shown = starts if len(starts) <= 5 else [*starts[:3], "…", starts[-1]]
    return ", ".join(shown)


def _misfit(plan: Grid) -> tuple[str, list[str]]:
    """Say what the mode does to axes whose length does not fit."""
    axes, mode = plan.axes, plan.tiler.mode
    if mode == "padding":
        return "padding", [f"{a.pad_before} before, {a.pad_after} after" for a in axes]
    if mode == "interpolation":
        return "resampled to", [str(axis.padded_length) for axis in axes]
    if mode == "drop":
        ends = [axis.starts[-1] + axis.tile for axis in axes]
        return "left over", [
            str(axis.length - end) for axis, end in zip(axes, ends, strict=True)
        ]
    steps = [
        sorted(set(np.diff(axis.start_array).tolist()), reverse=True) for axis in axes
    ]
    return "steps", [", ".join(map(str, some)) or "none" for some in steps]


def _places(plan: Grid) -> Table:
    """Show the first of many starts."""
    table = _table()
    for name in ("tile", "top", "left"):
        table.add_column(name, justify="right")
    for k, (top, left) in enumerate(plan.starts[:_SHOWN].tolist()):
        table.add_row(str(k), str(top), str(left))
    if len(plan) > _SHOWN:
        table.add_row("…", "…", "…")
    return table


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)


def _totals(summary: GridSummary) -> Table:
    plan, least, most = summary.grid, summary.least, summary.most
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column()
    mean = summary.coverage["mean"]
    spread = f"in {least} to {most} tiles, {mean:.2f} on average"
    table.add_row(
        "pixels are", f"in {count(most, 'tile')}" if least == most else spread
    )
    words = f"{count(summary.uncovered, 'pixel')} ({summary.share:.2%})"
    words = words if summary.uncovered else "none"
    table.add_row("in no tile", words)
    what = f"{count(summary.channels, 'channel')} of {summary.dtype.name}"
    table.add_row("memory", f"{bytes_words(summary.bytes)} for all tiles, {what}")
    table.add_row("settings", str(plan.tiler), style="dim")
    return table
