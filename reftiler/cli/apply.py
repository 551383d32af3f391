"""``reftiler apply``: a model on the tiles of images, merged to maps."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
)
from reftiler.cli.options import (
    FINISH,
    SCALE,
    FindingOptions,
    Images,
    ReadingOptions,
    Text,
    TilingOptions,
    check_folder,
    flag,
    option,
    read_scale,
)
from reftiler.errors import count
from reftiler.validation import as_int

if TYPE_CHECKING:
    from reftiler.inference import MapJob
    from reftiler.io.datasets import ImageEntry
    from reftiler.tiler import Tiler


@dataclass(frozen=True)
class ApplyOptions:
    """The options of this command alone."""

    split: Text = option(
        "Only images of this split of a data set, such as test.", "NAME"
    )
    where: Text = option(
        "Only tiles that hold a marked pixel: a folder of masks, or a pattern as for "
        "--mask-pattern. Other pixels become --fill, else 0.",
        "MASKS",
    )
    scale: Text = option(SCALE, "NUMBER")
    finish: Text = option(f"What a map becomes as it is merged: {FINISH}", "NAME")
    batch_size: int = option("Tiles for the model at a time.", "COUNT", 16)
    file_format: str = option("tiff, npy or zarr.", "NAME", "tiff", name="--format")
    overwrite: bool = flag("Replace the maps of an earlier run.")


def apply(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="model.onnx, model.pt2, module:function or file.py:function. A model "
            "is code: run none that you do not trust.",
        ),
    ],
    source: Images,
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="The folder for the maps; new or empty."),
    ],
    own: ApplyOptions,
    tiling: TilingOptions,
    reading: ReadingOptions,
    finding: FindingOptions,
) -> None:
    """Run a model on the tiles of images, and merge its results to maps.

    Each image gets a map of its own path below OUT, of whatever size and dtype the
    model's results have. `reftiler evaluate` and `reftiler view --maps` read them.
    maps.json says how they were made.

    With --where, an image on which nothing is marked gets no map, and one without a
    mask is refused.

    Images and maps may be larger than memory. A run that was ended early goes on when
    it is started again, in the midst of an image too; maps of images that changed since
    are made anew. Whether MODEL or the function of --finish changed is told by its own
    file: what that imports or reads is not looked at.

    [bold]Examples[/]

    reftiler apply patchcore.onnx bottle maps --tile 256 --overlap 64 --split test
    reftiler apply model.pt2 scan.tif maps --tile 512 --overlap 128 --window hann
    reftiler apply detector.py:score scans maps --config patchcore.yaml --format npy
    reftiler apply model.pt2 slides maps --tile 512 --where tissue --fill nan
    reftiler apply classes.onnx slides maps --tile 512 --overlap 64 --finish argmax
    """
    from reftiler.atomic import FolderLock  # noqa: PLC0415 - the help needs it not
    from reftiler.inference import (  # noqa: PLC0415
        NAME,
        MapJob,
        fingerprint,
        plan_maps,
        remove_maps,
        write_maps,
    )
    from reftiler.models import FINISHES, load_finish, load_model  # noqa: PLC0415

    tiler = _tiler(tiling)
    with as_usage_error():
        as_int(own.batch_size, "--batch-size", minimum=1)
    scales = None if own.scale is None else read_scale(own.scale)
    check_folder(out, source, "maps")
    images, said = _found(source, own, finding)
    if own.where is not None and tiler.fill is None:
        tiler = replace(tiler, fill=0)
        said.append("pixels in no tile with a mark are 0: --fill says otherwise")
    loaded = load_model(model)
    digest = None
    if own.finish is not None:
        last = load_finish(own.finish)
        if own.finish not in FINISHES:
            digest = fingerprint(own.finish, last.function)
    where = own.where
    if where is not None and Path(where).exists():  # a pattern starts at the source
        where = str(Path(where).resolve())
    with as_usage_error():
        job = MapJob(
            model=model,
            model_digest=fingerprint(model, loaded.function),
            source=str(source.resolve()),
            tiler=tiler,
            reading=reading.resolve(),
            file_format=own.file_format,
            where=where,
            mask_threshold=finding.mask_threshold,
            scale=scales,
            finish=own.finish,
            finish_digest=digest,
        )
    with FolderLock(out), resumable("what is done stays: run it again to go on"):
        earlier = _earlier(job, out, overwrite=own.overwrite)
        entries, tiles, planning_notes = plan_maps(images, job)
        if earlier is not None and own.overwrite:
            remove_maps(out, [*earlier["maps"], NAME])
        elif earlier is not None:
            remove_maps(out, (job.name(one) for one in images if one not in entries))
        before = sum(job.is_made(out, entry, earlier) for entry in entries)
        with progress_of("Applying the model", tiles, len(entries)) as advance:
            model_notes = write_maps(
                entries, loaded, job, out, batch_size=own.batch_size, advance=advance
            )
    made = len(entries) - before
    if made:
        stdout.print(f"Wrote [bold]{count(made, 'map')}[/] to", end=" ")
    else:
        stdout.print("Nothing to do: all maps are in", end=" ")
    say(str(out))
    if made and before:
        stdout.print(f"{count(before, 'map')} had been finished before")
    say_notes([*said, *planning_notes, *model_notes])


def _tiler(options: TilingOptions) -> Tiler:
    config = options.resolve()
    assert config.tiler is not None
    if config.random_count is not None:
        raise UsageError("random tiles leave gaps in maps: leave out --random")
    return replace(config.tiler, channels_last=True)


def _found(
    source: Path, own: ApplyOptions, finding: FindingOptions
) -> tuple[list[ImageEntry], list[str]]:
    """Find images, and the masks that say where tiles are computed; with notes."""
    from reftiler.io.map_files import with_masks_of  # noqa: PLC0415 - slow to import

    where = own.where
    is_pattern = where is not None and not Path(where).exists()
    if where is not None and is_pattern:
        if "{" not in where:
            raise UsageError(
                f"there are no masks {where}: give --where a folder of masks, or a "
                "pattern such as masks/{stem}.png"
            )
        if finding.mask_pattern is not None:
            raise UsageError(
                f"--where {where} says where masks are: leave out --mask-pattern, or "
                "give --where a folder"
            )
        finding = replace(finding, mask_pattern=where)
    found = finding.find(source)
    images, notes = list(found), list[str]()
    if own.split is not None:
        images = [entry for entry in images if entry.split == own.split]
        if not images:
            known = sorted({entry.split for entry in found} - {""})
            there = f"there are {', '.join(known)}" if known else "it has no splits"
            raise UsageError(f"no image is of the split {own.split}: {there}")
    if where is not None and not is_pattern:
        images, notes = with_masks_of(images, Path(where))
    return images, [*found.notes, *notes]


def _earlier(job: MapJob, out: Path, *, overwrite: bool) -> dict[str, Any] | None:
    """Return what an earlier run left, and refuse another call's unless replaced."""
    from reftiler.atomic import LOCK_NAME, stale_temp_files  # noqa: PLC0415
    from reftiler.inference import NAME, holds_work, remove_maps  # noqa: PLC0415

    earlier = job.read_earlier(out)
    if earlier is None:
        rest = set(out.iterdir()) - {out / LOCK_NAME, *stale_temp_files(out)}
        if rest:
            hint = f"; --overwrite replaces only what {NAME} lists" if overwrite else ""
            raise UsageError(
                f"{out} is not empty, and no run of reftiler apply left that: give "
                f"another folder, or empty it{hint}"
            )
        return None
    if overwrite:
        return earlier
    call = job.to_dict()
    differing = [key for key in call if earlier["call"].get(key) != call[key]]
    if differing and not holds_work(out, earlier["maps"]):
        remove_maps(out, [NAME])  # of a run that failed before it made anything
        return None
    if differing:
        raise UsageError(
            f"{out} holds maps of another {' and '.join(differing)}: give another "
            "folder, or --overwrite to replace them"
        )
    return earlier
