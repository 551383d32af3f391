"""``reftiler tile``: images to a folder of tiles."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from reftiler.atomic import stale_temp_files
from reftiler.cli.console import (
    CallError,
    bad_call,
    count,
    progress_of,
    stderr,
    stdout,
    times,
)
from reftiler.cli.options import TilingOptions
from reftiler.errors import TilingError
from reftiler.io.datasets import find_images
from reftiler.tilesets import journal
from reftiler.tilesets.executors import check_dask, open_executor
from reftiler.tilesets.export import GO_ON, Export
from reftiler.tilesets.journal import Journal
from reftiler.tilesets.manifest import NAME, Manifest
from reftiler.tilesets.plan import describe, plan_export
from reftiler.tilesets.tile_storage import FORMATS
from reftiler.validation import as_int, one_of


def tile(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="An image, a folder of images, or a data set."
        ),
    ],
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="The folder for the tiles; new or empty."),
    ],
    options: TilingOptions,
    file_format: Annotated[
        str, typer.Option("--format", metavar="NAME", help="png, tiff, npy or zarr.")
    ] = "png",
    skip_empty: Annotated[
        bool,
        typer.Option("--skip-empty", help="Keep only tiles with a marked pixel."),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the tiles of an earlier run in OUT."),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="COUNT", help="Processes that share the work.", show_default=False
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A dask scheduler whose workers do it; they must see the same files.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Cut images into tiles, their masks in step, and write a manifest.

    The mask of part.png is called part_mask.png and lies beside it. A data set has
    the layout of MVTec AD, and so have its tiles. All images are checked before the
    first tile is written. The manifest is written last: a run that was ended early
    has none, and goes on when it is started again. Images may be larger than memory
    (.npy, .tif, .zarr). With --format zarr the tiles of an image are one array.

    [bold]Examples[/]

    reftiler tile part.png tiles --tile 256 --stride 128
    reftiler tile bottle tiles --config patchcore.yaml
    reftiler tile bottle defects --tile 256 --overlap 64 --skip-empty
    reftiler tile scans crops --tile 512 --random 16 --seed 7 --format tiff

    reftiler tile slides tiles --tile 512 --format zarr --workers 8
    """
    config = options.resolve()
    with bad_call():
        one_of(file_format, "--format", tuple(FORMATS))
    _check_crew(workers, scheduler)
    if not source.exists():
        raise CallError(f"there is no {source}: give an image, a folder or a data set")
    call = describe(config, source, file_format, skip_empty=skip_empty)
    earlier, unfinished = _check_room(out, call, overwrite=overwrite)
    if scheduler is not None:  # its workers are somewhere else
        source, out = source.absolute(), out.absolute()
    samples = find_images(source)
    with _resumable(), open_executor(workers, scheduler) as executor:
        with progress_of("Checking images", 0, len(samples)) as advance:
            export = plan_export(
                samples,
                config,
                source=source,
                file_format=file_format,
                skip_empty=skip_empty,
                unfinished=unfinished,
                executor=executor,
                advance=advance,
            )
        with progress_of("Writing tiles", export.count, len(samples)) as advance:
            export.write(out, earlier=earlier, executor=executor, advance=advance)
    _tell(export, out)


def _check_crew(workers: int | None, scheduler: str | None) -> None:
    if workers is None and scheduler is None:
        return
    if workers is not None:
        with bad_call():
            as_int(workers, "--workers", minimum=1)
        if scheduler is not None:
            raise CallError(
                "--workers start processes here, --scheduler names those that run "
                "elsewhere: give one of them"
            )
    try:
        check_dask()
    except ImportError as error:
        raise CallError(str(error)) from error


@contextmanager
def _resumable() -> Iterator[None]:
    """Say after Ctrl-C that nothing is lost; 130 is the shells' code for it."""
    try:
        yield
    except KeyboardInterrupt:
        stderr.print(f"interrupted: {GO_ON}", soft_wrap=True)
        raise typer.Exit(130) from None


def _check_room(
    out: Path, call: dict[str, Any], *, overwrite: bool
) -> tuple[Manifest | None, Journal | None]:
    """Refuse a folder with something in it that is neither to go on nor to replace."""
    if out.exists() and not out.is_dir():
        raise CallError(f"{out} is a file: give a new or empty folder for the tiles")
    # A run that was killed before its journal was whole leaves a part of that.
    if not out.is_dir() or set(out.iterdir()) <= set(stale_temp_files(out)):
        return None, None
    unfinished = Journal.read(out)
    if unfinished is not None:
        _check_same(unfinished, call, out, overwrite=overwrite)
        return None, unfinished
    if not overwrite:
        found = "is not empty"
        if (out / NAME).exists():
            found = "holds all tiles of a run that was finished"
        raise CallError(
            f"{out} {found}: give another folder, or --overwrite to replace the tiles "
            "of an earlier run"
        )
    try:
        return Manifest.read(out), None
    except TilingError as error:
        raise CallError(
            f"{error}; --overwrite removes only what the {NAME} of an earlier run "
            "lists: empty the folder, or give another"
        ) from error


def _check_same(
    unfinished: Journal, call: dict[str, Any], out: Path, *, overwrite: bool
) -> None:
    """Refuse to go on with another call's run."""
    differing = [key for key in call if unfinished.call.get(key) != call[key]]
    if differing and not overwrite:
        raise CallError(
            f"{out / journal.NAME} is of a run with another {' and '.join(differing)}: "
            "go on as that was begun, give another folder, or --overwrite to replace "
            "its tiles"
        )


def _tell(export: Export, out: Path) -> None:
    images = export.manifest.images
    masks = sum(bool(image.masks) for image in images)
    with_masks = f" ({masks} with a mask)" if masks else ""
    sizes = {image.grid.tiler.tile_size for image in images}
    stdout.print(
        f"Wrote [bold]{count(export.count, 'tile')}[/] of {times(sizes.pop())} from "
        f"{count(len(images), 'image')}{with_masks} to",
        end=" ",
    )
    stdout.print(str(out), markup=False, soft_wrap=True)
    left_out = sum(image.missing for image in images)
    if export.manifest.skip_empty:
        stdout.print(f"Left out {count(left_out, 'tile')} without a marked pixel")
