"""``reftiler grid``: what the tiles of an image are, before any is cut."""

import math
import re
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich import box
from rich.table import Table

from reftiler.axis import Axis
from reftiler.cli.console import CallError, bad_call, count, stdout, times
from reftiler.cli.facts import Facts
from reftiler.cli.options import TilingOptions, size
from reftiler.config import TilingConfig
from reftiler.grid import Grid
from reftiler.io import open_image
from reftiler.io.zarr_io import is_zarr
from reftiler.validation import as_int, one_of

_SHOWN = 8  # random tiles of which the table tells where they are
_DTYPES = ("bool", "uint8", "uint16", "int32", "float16", "float32", "float64")


def grid(
    image: Annotated[
        str,
        typer.Argument(
            metavar="IMAGE", help="An image file, or a size: HEIGHTxWIDTH in pixels."
        ),
    ],
    options: TilingOptions,
    channels: Annotated[
        int | None, typer.Option(metavar="COUNT", help="Of the image; 3 for a size.")
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the pixels; uint8 by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what the tiles of an image are: how many, where, how much memory.

    [bold]Examples[/]

    reftiler grid 1000x1400 --tile 256 --stride 128
    reftiler grid part.png --tile 256 --overlap 64 --mode even
    reftiler grid 4000x4000 --config patchcore.yaml --json
    """
    config = options.resolve()
    facts = _facts(image, config, channels, dtype)
    if as_json:
        typer.echo(facts.to_json())
        return
    stdout.print(_headline(facts.grid), end="\n\n")
    stdout.print(
        _axes(facts.grid) if not facts.grid.is_irregular else _places(facts.grid)
    )
    stdout.print()
    stdout.print(_summary(facts))


def _facts(
    image: str, config: TilingConfig, channels: int | None, dtype: str | None
) -> Facts:
    shape: tuple[int, ...] = ()
    if re.fullmatch(r"\d+[xX×]\d+", image) and not Path(image).exists():
        sizes = size(image, "the size")
        known_channels, kind = 3, np.dtype(np.uint8)
    elif Path(image).is_file() or is_zarr(Path(image)):
        picture = open_image(image)
        shape, kind = tuple(picture.shape), np.dtype(picture.dtype)
        sizes, known_channels = shape[:2], math.prod(shape[2:])
    else:
        raise CallError(
            f"{image!r} is neither an image file nor a size in pixels such as 1000x1400"
        )
    assert config.tiler is not None
    assert isinstance(sizes, tuple)
    with bad_call():
        plan = config.plan(sizes)
        if channels is not None:
            known_channels = as_int(channels, "--channels", minimum=1)
        if dtype is not None:
            kind = np.dtype(one_of(dtype, "--dtype", _DTYPES))
    return Facts(plan, known_channels, kind)


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


def _summary(facts: Facts) -> Table:
    cover, plan = facts.coverage(), facts.grid
    bare, pixels = plan.uncovered, math.prod(plan.image_size)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column()
    least, most = int(cover["min"]), int(cover["max"])
    spread = f"in {least} to {most} tiles, {cover['mean']:.2f} on average"
    table.add_row(
        "pixels are", f"in {count(most, 'tile')}" if least == most else spread
    )
    words = "none" if not bare else f"{count(bare, 'pixel')} ({bare / pixels:.2%})"
    table.add_row("in no tile", words)
    what = f"{count(facts.channels, 'channel')} of {facts.dtype.name}"
    table.add_row("memory", f"{_memory(facts.bytes)} for all tiles, {what}")
    table.add_row("settings", str(plan.tiler), style="dim")
    return table


def _memory(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
