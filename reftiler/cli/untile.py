"""``reftiler untile``: a folder of tiles to images."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reftiler.atomic import FolderLock
from reftiler.cli.console import (
    UsageError,
    as_usage_error,
    progress_of,
    refuse_existing,
    resumable,
    say,
    say_notes,
    stdout,
)
from reftiler.cli.setting_names import with_option_names
from reftiler.cli.untile_options import (
    MergeOptions,
    PatternOptions,
    ResultOptions,
    UntileOptions,
    check_used,
)
from reftiler.errors import TilingError, count

if TYPE_CHECKING:
    from reftiler.tilesets.manifest import Manifest
    from reftiler.tilesets.reassemble import TiledImage, TiledImageSet


def untile(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="TILES", help="What `reftiler tile` wrote, or see --pattern."
        ),
    ],
    result: Annotated[
        Path,
        typer.Argument(
            metavar="RESULT",
            help="An image file (.png, .tif, .npy, .zarr, .ome.zarr), or a folder for "
            "all images; of --detections a .json.",
        ),
    ],
    own: UntileOptions,
    merging: MergeOptions,
    results: ResultOptions,
    pattern: PatternOptions,
) -> None:
    """Put tiles together: images, masks, or what a model made of them.

    Every pixel comes back as it was (of 64-bit types the mean of overlapping tiles
    may round). With --maps the results of a model are merged where the tiles lay, of
    any dtype, number of channels and exact scale. Results in .npy, .tif and .zarr are
    written piece by piece and may be larger than memory. A run that was ended early
    goes on when it is started again.

    [bold]Examples[/]

    reftiler untile tiles whole.png
    reftiler untile tiles restored
    reftiler untile tiles merged --maps scores
    reftiler untile tiles classes --maps scores --finish argmax
    reftiler untile tiles labels --masks
    reftiler untile defects sparse --fill 0
    reftiler untile crops whole.tif --pattern "{id}_{x}_{y}.png"
    reftiler untile tiles objects.json --detections results.json
    """
    # Only here: what is imported takes its time, and --help needs none of it.
    from reftiler.tilesets.results import (  # noqa: PLC0415
        RESULT_FORMATS,
        locked,
        lost_metadata,
        result_paths,
    )
    from reftiler.validation import one_of  # noqa: PLC0415

    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {folder}: give what `reftiler tile` wrote"
        )
    masks = own.masks
    if own.file_format is not None:
        with as_usage_error():
            one_of(own.file_format, "--format", tuple(RESULT_FORMATS))
    check_used(merging, results, pattern, masks=masks)
    if results.detections is not None:
        given = {**vars(merging), **vars(results), **vars(pattern)}
        given |= {"masks": masks, "format": own.file_format}
        _untile_objects(folder, result, given, overwrite=own.overwrite)
        return
    if results.maps is not None and not results.maps.is_dir():
        raise UsageError(f"there is no folder {results.maps}: give that of the results")
    with ExitStack() as locks:
        if pattern.pattern is None:
            locks.enter_context(FolderLock(folder, shared=True))
        found, since = _find(folder, merging, results, pattern, masks=masks)
        if merging.finish is not None:
            found = _finished(found, merging.finish)
        with as_usage_error():
            paths = result_paths(
                found, result, own.file_format, "_mask" if masks else ""
            )
        _check_apart(folder, paths)
        if results.maps is not None:
            _check_apart(results.maps, paths)
        with _option_names(), as_usage_error():
            for image in found.images:
                image.check()
        one_file = paths == [result]
        locks.enter_context(locked(result) if one_file else FolderLock(result))
        rest = list(zip(found.images, paths, strict=True))
        notes = [*found.notes, *lost_metadata(rest)]
        if not own.overwrite:
            rest = _unfinished(rest, since)
        with _option_names():
            _write(rest)
    _tell(found, result, len(rest), "mask" if masks else "image")
    say_notes(notes)


def _untile_objects(
    folder: Path, result: Path, given: dict[str, Any], *, overwrite: bool
) -> None:
    """Write what was found in tiles in the coordinates of the images."""
    from reftiler.atomic import OutputTransaction, atomic_write  # noqa: PLC0415
    from reftiler.tilesets.detections import (  # noqa: PLC0415
        detections_to_image,
        rows_as_json,
    )

    detections = given.pop("detections")
    for name, value in given.items():
        if value not in (None, False):
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} has no effect on --detections: leave it out")
    if result.suffix.lower() != ".json":
        raise UsageError(f"{result} must be called .json, for --detections become that")
    if not detections.exists():
        raise UsageError(f"there is no {detections}: give COCO's or YOLO's results")
    refuse_existing([result], overwrite=overwrite, instead="another RESULT")
    _check_apart(folder, [result])
    with FolderLock(folder, shared=True):
        rows = detections_to_image(folder, detections)
    with OutputTransaction() as files:
        files.write(result, lambda path: atomic_write(path, rows_as_json(rows)))
    images = len({row["file_name"] for row in rows})
    found = f"{count(len(rows), 'object')} of {count(images, 'image')}"
    stdout.print(f"Brought back [bold]{found}[/]:", end=" ")
    say(str(result))


def _find(
    folder: Path,
    merging: MergeOptions,
    results: ResultOptions,
    pattern: PatternOptions,
    *,
    masks: bool,
) -> tuple["TiledImageSet", int]:
    """Return the images to put together, and when their tiles were cut, in ns."""
    from reftiler.tilesets.foreign_tiles import (  # noqa: PLC0415
        NamePattern,
        foreign_images,
    )
    from reftiler.tilesets.manifest import NAME, Manifest  # noqa: PLC0415

    settings = merging.resolve()
    options, placement = results.resolve(settings), pattern.resolve()
    if pattern.pattern is not None:
        with _option_names(), as_usage_error():
            names = NamePattern(pattern.pattern)
            return foreign_images(folder, names, placement, options), 0
    manifest = Manifest.read(folder)  # its errors have its own words, not options
    since = (folder / NAME).stat().st_mtime_ns
    with _option_names():
        return _of_manifest(folder, manifest, settings, results, masks=masks), since


def _finished(found: "TiledImageSet", name: str) -> "TiledImageSet":
    """Return images whose merged pixels become something else."""
    from reftiler.models import load_finish, run_named  # noqa: PLC0415

    function = partial(run_named, load_finish(name))
    images = tuple(
        replace(image, finish=function, alpha=False) for image in found.images
    )
    for image in images:  # here what it raises is no fault of the call
        _ = image.result_form
    return replace(found, images=images)


def _of_manifest(
    folder: Path,
    manifest: "Manifest",
    settings: dict[str, Any],
    results: ResultOptions,
    *,
    masks: bool,
) -> "TiledImageSet":
    from reftiler.tilesets.manifest import NAME  # noqa: PLC0415
    from reftiler.tilesets.maps import find_maps  # noqa: PLC0415
    from reftiler.tilesets.stored_tiles import (  # noqa: PLC0415
        as_cut,
        stored_images,
        stored_masks,
    )

    with as_usage_error():  # the tiles were cut with settings that must fit
        for record in manifest.images:
            replace(record.grid.tiler, **settings)
    options = results.resolve(settings)
    if masks:
        if not any(record.masks for record in manifest.images):
            raise UsageError(f"no image in {folder} has a mask: leave out --masks")
        return stored_masks(folder, manifest, settings.get("fill"))
    if results.maps is None:
        if as_cut(folder, manifest):
            results.check_no_results()
        return stored_images(folder, manifest, options)
    own = {folder / name for name in (NAME, "metadata.jsonl", *manifest.files)}
    return find_maps(results.maps, manifest.images, options, frozenset(own))


@contextmanager
def _option_names() -> Iterator[None]:
    """Name options in place of settings in what the library refuses."""
    try:
        yield
    except (TilingError, UsageError) as error:
        message = with_option_names(str(error))
        spread = message.find("broadcast_to(")
        if spread >= 0:
            form = "save each as an array of its tile's height and width, of one number"
            message = message[:spread] + form
        kind = UsageError if isinstance(error, UsageError) else TilingError
        raise kind(message) from error


def _check_apart(folder: Path, paths: Sequence[Path]) -> None:
    for path in paths:
        if path.resolve().is_relative_to(folder.resolve()):
            raise UsageError(
                f"{path} would lie among what is read: give one outside of {folder}"
            )


def _unfinished(
    pairs: list[tuple["TiledImage", Path]], since: int
) -> list[tuple["TiledImage", Path]]:
    """Return what is still to be done; refuse files that are something else."""
    from reftiler.tilesets.results import is_finished  # noqa: PLC0415

    there = [pair for pair in pairs if pair[1].exists()]
    with progress_of("Checking results", 0, len(there)) as advance:
        for image, path in there:
            if not is_finished(image, path, since):
                raise UsageError(f"{path} exists: give another RESULT, or --overwrite")
            advance(0, 1)
    return [pair for pair in pairs if pair not in there]


def _write(pairs: Sequence[tuple["TiledImage", Path]]) -> None:
    from reftiler.tilesets.results import write_result  # noqa: PLC0415

    total, done = sum(len(image.tiles) for image, _ in pairs), 0
    try:
        with (
            resumable("finished images stay: run it again to go on"),
            progress_of("Merging tiles", total, len(pairs)) as advance,
        ):
            for image, path in pairs:
                write_result(image, path, lambda n: advance(n, 0))
                advance(0, 1)
                done += 1
    except TilingError as error:
        if not done:
            raise
        stay = f"{done:,} of {len(pairs):,} images are finished and stay"
        raise TilingError(f"{error}; {stay}: run it again to go on") from error


def _tell(found: "TiledImageSet", result: Path, written: int, noun: str) -> None:
    what = count(len(found.images), noun)
    if written:
        tiles = count(sum(len(image.tiles) for image in found.images), "tile")
        stdout.print(f"Put together [bold]{what}[/] from {tiles}:", end=" ")
    else:
        stdout.print(f"Nothing to do, [bold]{what}[/] put together before:", end=" ")
    say(str(result))
    if 0 < written < len(found.images):
        before = len(found.images) - written
        stdout.print(f"{count(before, noun)} of these had been finished before")
