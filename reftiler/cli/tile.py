"""``reftiler tile``: images to a folder of tiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reftiler.cli.console import (
    UsageError,
    as_usage_error,
    progress_of,
    resumable,
    say,
    say_notes,
    stdout,
    times,
)
from reftiler.cli.options import (
    FindingOptions,
    Images,
    ReadingOptions,
    Text,
    TilingOptions,
    check_folder,
    flag,
    option,
)
from reftiler.cli.setting_names import with_option_names
from reftiler.errors import TilingError, count
from reftiler.validation import as_int, first_few

if TYPE_CHECKING:
    from reftiler.io.datasets import ImageSet
    from reftiler.tilesets.job import Job
    from reftiler.tilesets.manifest import Manifest

_objects = partial(option, panel="Objects")


@dataclass(frozen=True)
class TileOptions:
    """The options of this command alone."""

    file_format: str = option("png, tiff, npy or zarr.", "NAME", "png", name="--format")
    name: Text = option(
        "Of the files: {id}_{row}_{col}, {id}_{index:04d}, {id}_{x}_{y}.", "PATTERN"
    )
    skip_empty: bool = flag(
        "Of images with marks or objects, keep only the tiles that have some."
    )
    min_marked: str = option(
        "A tile is marked from so many on: 20, or 0.5% of it.",
        "PIXELS",
        "1",
        show_default=False,
    )
    annotations: Text = _objects(
        "Objects: a COCO file, YOLO's folder of labels or data.yaml; none.", "PATH"
    )
    min_visible: float = _objects(
        "A tile has an object of which so much is visible; by default 0.1.",
        "SHARE",
        0.1,
        show_default=False,
    )
    skip_bad: bool = flag(
        "Leave out images that cannot be cut, and wrong objects, and list them."
    )
    overwrite: bool = flag("Replace the tiles of an earlier run in OUT.")
    workers: int | None = option("Processes that share the work.", "COUNT")
    scheduler: Text = option(
        "A dask scheduler whose workers see the same files; you trust it.", "ADDRESS"
    )


def tile(
    source: Images,
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="The folder for the tiles; new or empty."),
    ],
    own: TileOptions,
    options: TilingOptions,
    reading: ReadingOptions,
    finding: FindingOptions,
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
    from reftiler.tilesets.export import RESUME_HINT  # noqa: PLC0415
    from reftiler.tilesets.job import ExportOptions, describe  # noqa: PLC0415
    from reftiler.tilesets.plan import plan_export, signature  # noqa: PLC0415
    from reftiler.tilesets.tile_annotations import TileAnnotations  # noqa: PLC0415

    config = options.resolve()
    try:
        min_visible = check_min_visible(own.min_visible)
        how = ExportOptions(
            file_format=own.file_format,
            skip_empty=own.skip_empty,
            min_marked=own.min_marked,
            name=own.name,
            reading=reading.resolve(),
            mask_threshold=finding.mask_threshold,
            skip_bad=own.skip_bad,
        )
    except TilingError as error:
        raise UsageError(with_option_names(str(error))) from error
    _check_workers(own.workers, own.scheduler)
    if not source.exists():
        raise UsageError(f"there is no {source}: give an image, a folder or a data set")
    check_folder(out, source, "tiles")
    if own.scheduler is not None:  # its workers are somewhere else
        source, out = source.absolute(), out.absolute()
    found = finding.find(source)
    of_images = find_annotations(source, found, own.annotations)
    objects = None
    if of_images is not None:
        objects = TileAnnotations(of_images, min_visible)
        if of_images.format == "yolo":  # its readers look for labels beside it
            how = replace(how, folder=IMAGES)
    call = describe(config, source, how, found.layout, signature(objects))
    with FolderLock(out):
        earlier, unfinished = _check_room(
            out, call, (found, source), overwrite=own.overwrite
        )
        if earlier is not None and not own.overwrite:
            _check_lost(earlier, out)
            say(f"{out} is done: it holds all tiles of this call")
            return
        with (
            resumable(RESUME_HINT),
            open_executor(own.workers, own.scheduler) as executor,
        ):
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
            with progress_of(
                "Writing tiles", export.count, len(export.entries)
            ) as advance:
                written = export.write(
                    out, earlier=earlier, executor=executor, advance=advance
                )
    _tell(written, (*found.notes, *export.notes), out)


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


def _check_room(
    out: Path, call: dict[str, Any], found: tuple[ImageSet, Path], *, overwrite: bool
) -> tuple[Manifest | None, Job | None]:
    """Refuse a folder with something in it that is neither to go on nor to replace.

    Returns the manifest of an earlier run, which is this one if nothing is to be
    overwritten, and the job of an unfinished one.
    """
    from reftiler.atomic import LOCK_NAME, stale_temp_files  # noqa: PLC0415
    from reftiler.tilesets.job import NAME as JOB_NAME  # noqa: PLC0415
    from reftiler.tilesets.job import Job  # noqa: PLC0415
    from reftiler.tilesets.manifest import NAME, Manifest  # noqa: PLC0415
    from reftiler.tilesets.plan import is_finished  # noqa: PLC0415

    # A run that was killed before its job file was whole leaves a part of that.
    ours = {out / LOCK_NAME, *stale_temp_files(out)}
    if not out.is_dir() or set(out.iterdir()) <= ours:
        return None, None
    unfinished = Job.read(out)
    if unfinished is not None:
        differing = [key for key in call if unfinished.call.get(key) != call[key]]
        if differing and not overwrite:
            raise UsageError(
                f"{out / JOB_NAME} is of a run with another {' and '.join(differing)}: "
                "go on as that was begun, give another folder, or --overwrite to "
                "replace its tiles"
            )
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
    say(str(out))
    if manifest.skip_empty:
        left_out = sum(image.missing for image in images)
        why = (
            "without objects" if manifest.annotations else "that the masks do not mark"
        )
        stdout.print(f"Left out {count(left_out, 'tile')} {why}")
    for source, reason in manifest.bad:
        say(f"left out {source}: {reason}")
    say_notes(notes)
