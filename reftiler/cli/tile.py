"""``reftiler tile``: images to a folder of tiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reftiler.cli.console import (
    UsageError,
    as_usage_error,
    progress_of,
    stderr,
    stdout,
    times,
)
from reftiler.cli.options import FindingOptions, ReadingOptions, TilingOptions
from reftiler.cli.setting_names import with_option_names
from reftiler.errors import TilingError, count, printable
from reftiler.validation import as_int, first_few

if TYPE_CHECKING:
    from reftiler.io.datasets import ImageSet
    from reftiler.tilesets.executors import Executor
    from reftiler.tilesets.export import Export
    from reftiler.tilesets.job import Job
    from reftiler.tilesets.manifest import Manifest

_OBJECTS = "Objects"


def _option(name: str, metavar: str, text: str, panel: str | None = None) -> Any:
    return typer.Option(
        name, metavar=metavar, help=text, rich_help_panel=panel, show_default=False
    )


def _flag(name: str, text: str, panel: str | None = None) -> Any:
    return typer.Option(name, help=text, rich_help_panel=panel)


def tile(  # noqa: PLR0913 - an option each
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
    reading: ReadingOptions,
    finding: FindingOptions,
    file_format: Annotated[
        str, typer.Option("--format", metavar="NAME", help="png, tiff, npy or zarr.")
    ] = "png",
    name: Annotated[
        str | None,
        _option(
            "--name",
            "PATTERN",
            "Of the files: {id}_{row}_{col}, {id}_{index:04d}, {id}_{x}_{y}.",
        ),
    ] = None,
    skip_empty: Annotated[
        bool,
        _flag(
            "--skip-empty",
            "Of images with marks or objects, keep only the tiles that have some.",
        ),
    ] = False,
    min_marked: Annotated[
        str,
        _option(
            "--min-marked",
            "PIXELS",
            "A tile is marked from so many on: 20, or 0.5% of it.",
        ),
    ] = "1",
    annotations: Annotated[
        str | None,
        _option(
            "--annotations",
            "PATH",
            "Objects: a COCO file, YOLO's folder of labels or data.yaml; none.",
            _OBJECTS,
        ),
    ] = None,
    min_visible: Annotated[
        float,
        _option(
            "--min-visible",
            "SHARE",
            "A tile has an object of which so much is visible; by default 0.1.",
            _OBJECTS,
        ),
    ] = 0.1,
    skip_bad: Annotated[
        bool,
        _flag(
            "--skip-bad",
            "Leave out images that cannot be cut, and wrong objects, and list them.",
        ),
    ] = False,
    overwrite: Annotated[
        bool, _flag("--overwrite", "Replace the tiles of an earlier run in OUT.")
    ] = False,
    workers: Annotated[
        int | None, _option("--workers", "COUNT", "Processes that share the work.")
    ] = None,
    scheduler: Annotated[
        str | None,
        _option(
            "--scheduler",
            "ADDRESS",
            "A dask scheduler whose workers see the same files; you trust it.",
        ),
    ] = None,
) -> None:
    """Cut images into tiles, their masks in step, and write a manifest.

    Data sets are recognised by their folders; the mask of part.png may be called
    part_mask.png and lie beside it. The tiles of a data set are laid out as MVTec AD:
    tiles of defective images on which nothing is marked belong to the good ones.
    Objects that COCO's JSON or YOLO's labels name are cut along, in the same form.
    metadata.jsonl lists all tiles for other programs, manifest.json for untile.

    All images are checked before the first tile is written. The manifest is written
    last: a run that was ended early has none, and goes on when it is started again.
    Images may be larger than memory (.npy, .tif, .zarr). With --format zarr the tiles
    of an image are one array.

    [bold]Examples[/]

    reftiler tile part.png tiles --tile 256 --stride 128
    reftiler tile bottle tiles --config patchcore.yaml
    reftiler tile bottle defects --tile 256 --skip-empty --min-marked 1%
    reftiler tile scans crops --tile 512 --random 16 --seed 7 --format tiff

    reftiler tile slides tiles --tile 512 --format zarr --workers 8
    """
    from reftiler.atomic import FolderLock  # noqa: PLC0415 - the help needs it not
    from reftiler.io.annotations import find_annotations  # noqa: PLC0415
    from reftiler.io.yolo import IMAGES  # noqa: PLC0415
    from reftiler.objects.tiling import check_min_visible  # noqa: PLC0415
    from reftiler.tilesets.executors import open_executor  # noqa: PLC0415
    from reftiler.tilesets.job import ExportOptions, describe  # noqa: PLC0415
    from reftiler.tilesets.plan import plan_export, signature  # noqa: PLC0415
    from reftiler.tilesets.tile_annotations import TileAnnotations  # noqa: PLC0415

    config = options.resolve()
    try:
        min_visible = check_min_visible(min_visible)
        how = ExportOptions(
            file_format=file_format,
            skip_empty=skip_empty,
            min_marked=min_marked,
            name=name,
            reading=reading.resolve(),
            mask_threshold=finding.mask_threshold,
            skip_bad=skip_bad,
        )
    except TilingError as error:
        raise UsageError(with_option_names(str(error))) from error
    _check_workers(workers, scheduler)
    if not source.exists():
        raise UsageError(f"there is no {source}: give an image, a folder or a data set")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: give a new or empty folder for the tiles")
    if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
        raise UsageError(
            f"{out} lies in {source}, where its tiles would be taken for images: give "
            "a folder outside"
        )
    if scheduler is not None:  # its workers are somewhere else
        source, out = source.absolute(), out.absolute()
    found = finding.find(source)
    of_images = find_annotations(source, found, annotations)
    objects = None
    if of_images is not None:
        objects = TileAnnotations(of_images, min_visible)
        if of_images.format == "yolo":  # its readers look for labels beside it
            how = replace(how, folder=IMAGES)
    call = describe(config, source, how, found.layout, signature(objects))
    with FolderLock(out):
        earlier, unfinished = _check_room(
            out, call, (found, source), overwrite=overwrite
        )
        if earlier is not None and not overwrite:
            _check_lost(earlier, out)
            message = f"{out} is done: it holds all tiles of this call"
            stdout.print(printable(message), markup=False, soft_wrap=True)
            return
        with _resumable(), open_executor(workers, scheduler) as executor:
            with progress_of("Checking images", 0, len(found)) as advance:
                export = plan_export(
                    found,
                    config,
                    source=source,
                    options=how,
                    annotations=objects,
                    unfinished=unfinished,
                    executor=executor,
                    advance=advance,
                )
            _write(export, out, found.notes, earlier, executor)


def _write(
    export: Export,
    out: Path,
    notes: tuple[str, ...],
    earlier: Manifest | None,
    executor: Executor,
) -> None:
    """Cut and tell."""
    with progress_of("Writing tiles", export.count, len(export.entries)) as advance:
        written = export.write(out, earlier=earlier, executor=executor, advance=advance)
    _tell(written, (*notes, *export.notes), out)


def _check_workers(workers: int | None, scheduler: str | None) -> None:
    if workers is not None:
        with as_usage_error():
            as_int(workers, "--workers", minimum=1)
    if scheduler is None:
        return
    if workers is not None:
        raise UsageError(
            "--workers start processes here, --scheduler names those that run "
            "elsewhere: give one of them"
        )
    from reftiler.tilesets.executors import check_dask  # noqa: PLC0415

    try:
        check_dask()
    except ImportError as error:
        raise UsageError(str(error)) from error


@contextmanager
def _resumable() -> Iterator[None]:
    """Say after Ctrl-C that nothing is lost; 130 is the shells' code for it."""
    from reftiler.tilesets.export import RESUME_HINT  # noqa: PLC0415

    try:
        yield
    except KeyboardInterrupt:
        stderr.print(f"interrupted: {RESUME_HINT}", soft_wrap=True)
        raise typer.Exit(130) from None


def _check_room(
    out: Path, call: dict[str, Any], found: tuple[ImageSet, Path], *, overwrite: bool
) -> tuple[Manifest | None, Job | None]:
    """
    Refuse a folder with something in it that is neither to go on nor to replace.

    Returns the manifest of an earlier run, which is this one if nothing is to be
    overwritten, and the job of an unfinished one.
    """
    from reftiler.atomic import LOCK_NAME, stale_temp_files  # noqa: PLC0415
    from reftiler.tilesets.job import Job  # noqa: PLC0415
    from reftiler.tilesets.manifest import NAME, Manifest  # noqa: PLC0415
    from reftiler.tilesets.plan import is_finished  # noqa: PLC0415

    # A run that was killed before its job file was whole leaves a part of that.
    ours = {out / LOCK_NAME, *stale_temp_files(out)}
    if not out.is_dir() or set(out.iterdir()) <= ours:
        return None, None
    unfinished = Job.read(out)
    if unfinished is not None:
        _check_same(unfinished, call, out, overwrite=overwrite)
        return None, unfinished
    if not (out / NAME).exists():
        hint = f"; --overwrite replaces only what the {NAME} of an earlier run lists"
        raise UsageError(
            f"{out} is not empty, and no run of reftiler left that: give another "
            f"folder, or empty it{hint if overwrite else ''}"
        )
    try:
        earlier = Manifest.read(out)
    except TilingError as error:
        raise UsageError(
            f"{error}; --overwrite removes only what the {NAME} of an earlier run "
            "lists: empty the folder, or give another"
        ) from error
    if overwrite or is_finished(earlier, found[0], call, found[1]):
        return earlier, None
    held = "another call, or of images or labels that changed since"
    if earlier.bad:
        held = f"a run that left out {count(len(earlier.bad), 'bad image')}"
    raise UsageError(
        f"{out} holds the tiles of {held}: give another folder, or --overwrite to "
        "replace them"
    )


def _check_lost(earlier: Manifest, out: Path) -> None:
    """Refuse to call a folder done of which something is gone."""
    from reftiler.tilesets.plan import lost_files  # noqa: PLC0415

    lost = lost_files(earlier, out)
    if lost:
        raise UsageError(
            f"{out} holds the tiles of this call, but {first_few(lost)} "
            f"{'is' if len(lost) == 1 else 'are'} missing or damaged: --overwrite cuts "
            "all anew"
        )


def _check_same(
    unfinished: Job, call: dict[str, Any], out: Path, *, overwrite: bool
) -> None:
    """Refuse to go on with another call's run."""
    from reftiler.tilesets.job import NAME  # noqa: PLC0415

    differing = [key for key in call if unfinished.call.get(key) != call[key]]
    if differing and not overwrite:
        raise UsageError(
            f"{out / NAME} is of a run with another {' and '.join(differing)}: go on "
            "as that was begun, give another folder, or --overwrite to replace its "
            "tiles"
        )


def _tell(manifest: Manifest, notes: tuple[str, ...], out: Path) -> None:
    images = manifest.images
    tiles = sum(len(image.tiles) for image in images)
    masks = sum(bool(image.masks) for image in images)
    with_masks = f" ({masks:,} with a mask)" if masks else ""
    size = times(images[0].grid.tiler.input_size)
    stdout.print(
        f"Wrote [bold]{count(tiles, 'tile')}[/] of {size} from "
        f"{count(len(images), 'image')}{with_masks} to",
        end=" ",
    )
    stdout.print(printable(str(out)), markup=False, soft_wrap=True)
    if manifest.skip_empty:
        left_out = sum(image.missing for image in images)
        why = (
            "without objects" if manifest.annotations else "that the masks do not mark"
        )
        stdout.print(f"Left out {count(left_out, 'tile')} {why}")
    for source, reason in manifest.bad:
        lines = f"left out {source}: {reason}"
        stdout.print(printable(lines), markup=False, soft_wrap=True)
    for note in notes:
        stdout.print(printable(f"note: {note}"), markup=False, soft_wrap=True)
