"""Planning a folder of tiles: everything that can be refused is refused here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reftiler.config import TilingConfig
from reftiler.errors import TilingError
from reftiler.io.datasets import ImageEntry
from reftiler.io.file_tree import fold
from reftiler.tilesets.executors import SERIAL, Executor
from reftiler.tilesets.export import Advance, Export
from reftiler.tilesets.extract import is_changed
from reftiler.tilesets.job import (
    ExportOptions,
    Job,
    as_text,
    describe,
    digest,
    min_pixels,
)
from reftiler.tilesets.manifest import METADATA_NAME, NAME, Manifest
from reftiler.tilesets.records import ImageRecord
from reftiler.tilesets.tile_annotations import TileAnnotations
from reftiler.tilesets.tile_storage import STORAGES
from reftiler.tilesets.validate import (
    BadImage,
    Validated,
    ValidateTask,
    relative,
    validate,
)
from reftiler.validation import count_of

_NAMED = 20  # bad images that an error names


def plan_export(
    entries: Iterable[ImageEntry],
    config: TilingConfig,
    *,
    source: Path,
    options: ExportOptions | None = None,
    annotations: TileAnnotations | None = None,
    unfinished: Job | None = None,
    executor: Executor = SERIAL,
    advance: Advance = lambda tiles, images: None,
) -> Export:
    """Check all images and masks, and plan the files of their tiles.

    Images of an ``unfinished`` job that was asked for the same, and that did not change
    since, are not checked again, nor are tiles of them cut that are there; all else of
    it will be removed. ``advance`` is called after each image.
    """
    options = ExportOptions() if options is None else options
    if config.tiler is None:
        raise TilingError("the configuration switches tiling off: there is no tile")
    config = replace(config, tiler=replace(config.tiler, channels_last=True))
    _check_name(config, options)
    if annotations is not None and options.file_format == "zarr":
        raise TilingError(
            "objects are annotated file by file, and in zarr the tiles of an image are "
            "one array: use --format png or tiff, or --annotations none"
        )
    layout = getattr(entries, "layout", "")
    entries = tuple(entries)
    call = describe(config, source, options, layout, signature(annotations))
    known: dict[ImageEntry, Validated] = {}
    if unfinished is not None and unfinished.call == call:
        known = _unchanged(unfinished, entries, source)
    advance(0, len(known))
    new = (entry for entry in entries if entry not in known)
    tasks = (ValidateTask(entry, config, source, options) for entry in new)
    found: dict[ImageEntry, Validated | BadImage] = dict(known)
    for task, result in executor.run(validate, tasks):
        found[task.entry] = result
        advance(0, 1)
    if annotations is not None:
        found = {
            entry: _with_objects(one, annotations, options)
            for entry, one in found.items()
        }
    results = [(entry, found[entry]) for entry in entries]
    good = {e: one for e, one in results if isinstance(one, Validated)}
    bad = [one for _, one in results if isinstance(one, BadImage)]
    _check_bad(bad, good, options)
    if annotations is not None:
        _check_faults(annotations.annotations.faults, options)
    images = tuple(one.record for one in good.values())
    _check_clashes(images, options)
    if annotations is None:
        _check_masks(images, options)
    assert config.tiler is not None
    manifest = Manifest(
        source=as_text(source.resolve().name),
        format=options.file_format,
        random=call["random"],
        skip_empty=options.skip_empty,
        images=images,
        layout=layout,
        call=digest(call),
        min_marked=min_pixels(options.min_marked, config.tiler.tile_size),
        bad=tuple((one.source, one.reason) for one in bad),
        annotations=() if annotations is None else annotations.names(images),
    )
    notes = {one.record.id: one.notes for one in good.values()}
    carried = frozenset(known[entry].record.id for entry in known)
    stale = _stale(unfinished, carried)
    records = {one.id: one for one in images}
    job = Job(call, records, notes, stale, manifest.annotations)
    return Export(tuple(good), manifest, job, options, carried, annotations)


def signature(annotations: TileAnnotations | None) -> tuple[str, float] | None:
    """Return what tells a run's annotations from those of others, for `describe`."""
    if annotations is None:
        return None
    return annotations.annotations.fingerprint, annotations.min_visible


def is_finished(
    manifest: Manifest,
    entries: Iterable[ImageEntry],
    call: Mapping[str, Any],
    source: Path,
) -> bool:
    """Tell whether a folder was made by a call, of images that did not change since."""
    if manifest.call != digest(call) or manifest.bad:
        return False
    records = {image.id: image for image in manifest.images}
    for entry in entries:
        record = records.pop(entry.id, None)
        if record is None or not _is_of(record, entry, source):
            return False
    return not records


def lost_files(manifest: Manifest, folder: Path) -> tuple[str, ...]:
    """Return what of a finished folder is missing or damaged."""
    storage = STORAGES[manifest.format]
    lost = []
    for image in manifest.images:
        masks = [name for name in image.mask_names if name is not None]
        for names in filter(None, (image.tile_names, masks)):
            try:
                lost += [names[k] for k in storage.missing(folder, names, 0)]
            except TilingError:  # an array, as a whole
                lost += names
    others = (METADATA_NAME, *manifest.annotations)
    lost += [name for name in others if not (folder / name).is_file()]
    return tuple(dict.fromkeys(lost))


def _is_of(record: ImageRecord, entry: ImageEntry, source: Path) -> bool:
    """Tell whether a record is of these files as they are, labelled as they are."""
    masks = tuple(relative(mask, source) for mask in entry.masks)
    found = (relative(entry.image, source), masks, entry.split, entry.label)
    known = (record.source, record.masks, record.split, record.label)
    return found == known and not is_changed(entry, record.fingerprints)


def _check_faults(faults: Sequence[str], options: ExportOptions) -> None:
    """Refuse objects that are wrong, all at once."""
    if not faults or options.skip_bad:
        return
    raise TilingError(
        f"{count_of(faults, 'object')} cannot be cut (--skip-bad leaves them out): "
        f"{_named(faults)}"
    )


def _named(reasons: Sequence[str]) -> str:
    more = len(reasons) - _NAMED
    return "; ".join(reasons[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _with_objects(
    found: Validated | BadImage, annotations: TileAnnotations, options: ExportOptions
) -> Validated | BadImage:
    """Compare an image with its objects; leave out tiles without any, if asked to."""
    if isinstance(found, BadImage):
        return found
    try:
        annotations.check(found.record)
    except TilingError as error:
        return BadImage(found.record.source, str(error))
    if not options.skip_empty or found.record.masks:
        return found
    return replace(found, record=annotations.kept(found.record))


def _check_name(config: TilingConfig, options: ExportOptions) -> None:
    if config.random_count is None or options.name is None:
        return
    if "{row" in options.name or "{col" in options.name:
        raise TilingError(
            f"name={options.name!r}: random tiles lie in no row and column; use "
            "{index}, or {x} and {y}"
        )


def _check_bad(
    bad: Sequence[BadImage],
    good: Mapping[ImageEntry, Validated],
    options: ExportOptions,
) -> None:
    """Refuse bad images, all at once."""
    if not bad or (options.skip_bad and good):
        return
    reasons = [one.reason for one in bad]
    if len(reasons) == 1 and not options.skip_bad:
        raise TilingError(reasons[0])
    named = _named(reasons)
    if options.skip_bad:
        raise TilingError(f"all images are bad, nothing is left to cut: {named}")
    raise TilingError(
        f"{len(reasons):,} images cannot be cut (--skip-bad leaves them out): {named}"
    )


def _check_clashes(images: Iterable[ImageRecord], options: ExportOptions) -> None:
    """Refuse names that are one on some disks: A and a, or ä in two spellings."""
    remedy = "rename one of the images"
    if options.name is not None and "{id}" not in options.name:
        remedy = f"name={options.name!r} must have {{id}}, the image's name, in it"
    ids: dict[str, str] = {}
    files: dict[str, str] = {}
    for image in images:
        for seen, names in ((ids, [image.id]), (files, set(image.files))):
            for name in names:
                first = seen.setdefault(fold(name), image.source)
                if first != image.source or (seen is ids and name != image.id):
                    raise TilingError(
                        f"the tiles of {first} and {image.source} would have the same "
                        f"name {name} on some disks: {remedy}"
                    )
        if len({fold(name) for name in set(image.files)}) < len(set(image.files)):
            raise TilingError(f"tiles of {image.source} would have the same name")


def _check_masks(images: Sequence[ImageRecord], options: ExportOptions) -> None:
    unknown = [one for one in images if one.label == "" and one.split != "train"]
    if options.skip_empty and unknown and not any(one.masks for one in images):
        raise TilingError(
            f"{unknown[0].source} has no mask, as all images here, so it is not known "
            "which of its tiles are empty: give masks, or leave out --skip-empty"
        )


def _unchanged(
    unfinished: Job, entries: Iterable[ImageEntry], source: Path
) -> dict[ImageEntry, Validated]:
    """Return what was found of the images that are what they were."""
    found = {}
    for entry in entries:
        record = unfinished.images.get(entry.id)
        if record is not None and _is_of(record, entry, source):
            notes = unfinished.notes.get(entry.id, ())
            found[entry] = Validated(record, notes)
    return found


def _stale(unfinished: Job | None, carried: frozenset[str]) -> tuple[str, ...]:
    """Return the files that an unfinished run leaves, and this one has no use for."""
    if unfinished is None:
        return ()
    left = [
        file
        for name, record in unfinished.images.items()
        if name not in carried
        for file in record.files
    ]
    own = (NAME, METADATA_NAME, *unfinished.annotations)
    return tuple(dict.fromkeys((*own, *unfinished.stale, *left)))
