"""Planning a folder of tiles: everything that can be refused is refused here."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import reftiler
from reftiler.config import TilingConfig
from reftiler.errors import TilingError
from reftiler.io.datasets import ImageEntry
from reftiler.tilesets.executors import SERIAL, Executor
from reftiler.tilesets.export import Advance, Export
from reftiler.tilesets.extract import take_prints
from reftiler.tilesets.journal import Entry, Journal, Prints
from reftiler.tilesets.manifest import NAME, Manifest
from reftiler.tilesets.validate import Check, check, relative

__all__ = ["describe", "plan_export"]


def plan_export(
    samples: Iterable[ImageEntry],
    config: TilingConfig,
    *,
    source: Path,
    file_format: str = "png",
    skip_empty: bool = False,
    unfinished: Journal | None = None,
    executor: Executor = SERIAL,
    advance: Advance = lambda tiles, images: None,
) -> Export:
    """
    Check all images and masks, and plan the files of their tiles.

    Parameters
    ----------
    samples : iterable of ImageEntry
        What to cut.
    config : TilingConfig
        How to cut; switched on. Channels are last, as in files, whatever it says.
    source : Path
        The image, folder or data set in which the samples were found.
    file_format : str
        Of the tiles: png, tiff, npy or zarr.
    skip_empty : bool
        Keep only the tiles in which the mask marks a pixel. An image without a mask
        is refused, unless its label says that it is good: then it has no such tile.
    unfinished : Journal, optional
        That of a run that was ended early. If it was asked for the same, its images
        that did not change since are neither checked nor cut again; all else of it
        will be removed.
    executor : Executor
        Who checks.
    advance : callable
        Called after each image.

    Raises
    ------
    TilingError
        If an image or a mask cannot be read, they do not fit each other, or they do
        not suit the tiler or the format; the file is named.
    """
    if config.tiler is None:
        raise TilingError("the configuration switches tiling off: there is no tile")
    config = replace(config, tiler=replace(config.tiler, channels_last=True))
    call = describe(config, source, file_format, skip_empty=skip_empty)
    samples = tuple(samples)
    prints = {sample: take_prints(sample) for sample in samples}
    known = {}
    if unfinished is not None and unfinished.call == call:
        known = _unchanged(unfinished, prints, source)
    advance(0, len(known))
    records = dict(known)
    jobs = [
        Check(sample, config, source, file_format, skip_empty)
        for sample in samples
        if sample not in known
    ]
    for job, record in executor.run(check, jobs):
        records[job.sample] = record
        advance(0, 1)
    images = tuple(records[sample] for sample in samples)
    name = source.resolve().name
    manifest = Manifest(name, file_format, call["random"], skip_empty, images)
    entries = {
        record.id: Entry(record, prints[sample]) for sample, record in records.items()
    }
    carried = frozenset(record.id for record in known.values())
    return Export(
        samples, manifest, _journal(call, entries, carried, unfinished), carried
    )


def describe(
    config: TilingConfig, source: Path, file_format: str, *, skip_empty: bool
) -> dict[str, Any]:
    """Return what a run is asked for; what differs in it cannot go on from another."""
    assert config.tiler is not None
    random = None
    if config.random_count is not None:
        random = {"count": config.random_count, "seed": config.seed}
    tiler = replace(config.tiler, channels_last=True)
    return {
        "reftiler_version": reftiler.__version__,
        "source": str(source.resolve()),
        "format": file_format,
        "skip_empty": skip_empty,
        "random": random,
        "tiler": json.loads(tiler.to_json()),
    }


def _unchanged(
    unfinished: Journal, prints: dict[ImageEntry, Prints], source: Path
) -> dict[ImageEntry, Any]:
    """Return the records of the images that are what they were."""
    found = {}
    for sample, now in prints.items():
        entry = unfinished.images.get(sample.id)
        if entry is None or entry.prints != now:
            continue
        here = [relative(name, source) for name in (sample.image, *sample.masks)]
        if here == [entry.record.source, *entry.record.masks]:
            found[sample] = entry.record
    return found


def _journal(
    call: dict[str, Any],
    entries: dict[str, Entry],
    carried: frozenset[str],
    unfinished: Journal | None,
) -> Journal:
    """Return the journal of a run that takes over what another left."""
    if unfinished is None:
        return Journal(call, entries)
    left: Sequence[str] = () if unfinished.cleared else unfinished.doomed
    stale = [
        file
        for name, entry in unfinished.images.items()
        if name not in carried
        for file in entry.record.files
    ]
    doomed = tuple(dict.fromkeys((NAME, *left, *stale)))
    done = {name: parts for name, parts in unfinished.done.items() if name in carried}
    return Journal(call, entries, doomed, done=done)
