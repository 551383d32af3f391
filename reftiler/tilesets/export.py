"""Cutting files into files: a folder of tiles from images, their masks in step.

Everything that can be refused is refused by `plan_export`, before a file is written;
`Export.write` then writes a job file, the tiles and last of all the manifest. Whatever
ends it early, the same call goes on from the job file and the tiles that are there.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reftiler.atomic import (
    OutputTransaction,
    clean_stale,
    remove,
    safe_paths,
    sync_files,
)
from reftiler.errors import TilingError
from reftiler.io import zarr_io
from reftiler.io.datasets import ImageEntry
from reftiler.io.lazy import os_error_reason
from reftiler.io.zarr_metadata import SUFFIX as ZARR
from reftiler.tilesets import job as job_file
from reftiler.tilesets.executors import SERIAL, Executor
from reftiler.tilesets.extract import (
    ExtractTask,
    changed_error,
    clear_cache,
    extract,
    is_changed,
    parts,
)
from reftiler.tilesets.job import ExportOptions, Job
from reftiler.tilesets.manifest import METADATA_NAME, NAME, Manifest, remove_files
from reftiler.tilesets.tile_annotations import TileAnnotations
from reftiler.tilesets.tile_storage import STORAGES
from reftiler.tilesets.validate import BadImage

Advance = Callable[[int, int], object]
"""What is called with the numbers of tiles and of images that are done since."""

_LONGEST_PATH = 4095 if os.name == "posix" else 32_000

RESUME_HINT = "what is done stays: run it again to go on"


@dataclass(frozen=True)
class Export:
    """Checked images and the manifest of their tiles, which are still to be written."""

    entries: tuple[ImageEntry, ...]  # in step with the manifest's images
    manifest: Manifest
    job: Job  # what is there until the manifest is
    options: ExportOptions
    carried: frozenset[str] = frozenset()  # ids that an unfinished run has begun
    annotations: TileAnnotations | None = None

    @property
    def count(self) -> int:
        """How many tiles there are to write, masks not counted."""
        return sum(len(image.tiles) for image in self.manifest.images)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user, each once; on objects once these are written."""
        seen: dict[str, list[str]] = {}
        for image in self.manifest.images:
            for note in self.job.notes.get(image.id, ()):
                seen.setdefault(note, []).append(image.source)
        if self.options.skip_empty and self.annotations is None:
            bare = [one for one in self.manifest.images if not (one.masks or one.label)]
            if bare:
                note = "without a mask: all tiles are kept"
                seen[note] = [one.source for one in bare]
        notes = []
        for note, sources in seen.items():
            many = f"{len(sources):,} images, such as " if len(sources) > 1 else ""
            notes.append(f"{many}{sources[0]}: {note}")
        return (*notes, *(() if self.annotations is None else self.annotations.notes))

    def write(
        self,
        folder: Path,
        *,
        earlier: Manifest | None = None,
        executor: Executor = SERIAL,
        advance: Advance = lambda tiles, images: None,
    ) -> Manifest:
        """Write tiles and manifest; if that fails, the same call goes on another time.

        The caller holds a `reftiler.atomic.FolderLock`. Files of ``earlier`` are
        removed first, no other file is ever touched. Returns the manifest without the
        images that turned out bad meanwhile, where these are left out.
        """
        job = self.job
        if earlier is not None:
            stale = (NAME, METADATA_NAME, *earlier.files, *job.stale)
            job = replace(job, stale=tuple(dict.fromkeys(stale)))
        self._check_way(folder, job)
        with OutputTransaction() as files:  # without a job file nothing is begun
            files.write(folder / job_file.NAME, job.write)
        with _resumable(folder):
            job = _without_stale(folder, job)
            self._clean(folder)
            bad = self._extract(folder, executor, advance)
            return self._finish(folder, job, bad)

    def _check_way(self, folder: Path, job: Job) -> None:
        """Refuse to overwrite what is not ours, or what is yet to be read."""
        ours = set(job.stale)
        for name in self.carried:
            ours |= set(job.images[name].files)
        names = {*self.manifest.files, NAME, METADATA_NAME}
        for name, path in safe_paths(folder, names):
            if name not in ours and (path.exists() or path.is_symlink()):
                raise TilingError(
                    f"{path} is in the way and no tile of an earlier run: move it, or "
                    "choose another folder"
                )
        here = folder.resolve()
        longest = max(len(name.encode()) for name in names)
        if len(os.fsencode(here)) + 1 + longest > _LONGEST_PATH:
            raise TilingError(
                f"names of tiles would be longer than {_LONGEST_PATH} bytes with their "
                f"folder {folder}: choose a folder with a shorter name"
            )
        for entry in self.entries:
            for path in map(Path.resolve, (entry.image, *entry.masks)):
                inside = path.is_relative_to(here)
                if inside and path.relative_to(here).as_posix() in ours:
                    raise TilingError(
                        f"{path} is a tile that would be overwritten while it is being "
                        "cut: choose another folder"
                    )

    def _extract(
        self, folder: Path, executor: Executor, advance: Advance
    ) -> dict[str, BadImage]:
        """Cut all images; return those that are bad, by their ids."""
        bad: dict[str, BadImage] = {}
        left = Counter(
            record.id for image in self.manifest.images for _, record in parts(image)
        )
        advance(0, len(self.manifest.images) - len(left))
        try:
            for task, done in executor.run(extract, self._tasks(folder)):
                name = task.record.id
                if isinstance(done, BadImage):
                    if not self.options.skip_bad:
                        raise TilingError(done.reason)
                    bad[name] = done
                left[name] -= 1
                advance(len(task.record.tiles), int(not left[name]))
        finally:
            clear_cache()
        return bad

    def _tasks(self, folder: Path) -> Iterator[ExtractTask]:
        """Yield the parts; room for the tiles of an image is made before its first."""
        storage = STORAGES[self.options.file_format]
        for entry, image in zip(self.entries, self.manifest.images, strict=True):
            storage.prepare(folder, image.tile_names, image.tile_shape, image.dtype)
            masks = [name for name in image.mask_names if name is not None]
            if masks and image.mask_dtype is not None:
                shape = image.mask_tile_shape
                storage.prepare(folder, masks, shape, image.mask_dtype)
            for first, part in parts(image):
                yield ExtractTask(entry, part, first, folder, self.options)

    def _clean(self, folder: Path) -> None:
        """Remove what killed processes left half-written."""
        files = self.manifest.files
        for inner in {folder, *((folder / name).parent for name in files)}:
            if inner.is_dir():
                clean_stale(inner)
        for name in files:
            if name.endswith(ZARR):
                zarr_io.remove_partial_chunks(folder / name)

    def _finish(self, folder: Path, job: Job, bad: dict[str, BadImage]) -> Manifest:
        self._clean(folder)  # workers may have been killed meanwhile
        manifest = self.manifest
        if bad:
            images = tuple(one for one in manifest.images if one.id not in bad)
            new = ((one.source, one.reason) for one in bad.values())
            reasons = (*manifest.bad, *new)
            if not images:
                raise TilingError(f"all images are bad: {reasons[0][1]}")
            stale = [file for name in bad for file in job.images[name].files]
            kept = {one.id: one for one in images}
            job = replace(job, images=kept, stale=tuple(dict.fromkeys(stale)))
            job.write(folder / job_file.NAME)
            _without_stale(folder, job)
            manifest = replace(manifest, images=images, bad=reasons)
            if self.annotations is not None:
                names = self.annotations.names(images)
                manifest = replace(manifest, annotations=names)
        for entry, image in zip(self.entries, self.manifest.images, strict=True):
            if image.id not in bad and is_changed(entry, image.fingerprints):
                raise changed_error(entry)
        with OutputTransaction() as files:
            if self.annotations is not None:
                self.annotations.write(files, folder, manifest.images)
            sync_files(folder / name for name in manifest.files)
            files.write(folder / METADATA_NAME, manifest.write_metadata)
            files.write(folder / NAME, manifest.write)
        remove(folder / job_file.NAME)
        return manifest


def _without_stale(folder: Path, job: Job) -> Job:
    """Remove what earlier runs left, and note that it is gone."""
    if not job.stale:
        return job
    remove_files(folder, job.stale)
    job = replace(job, stale=())
    job.write(folder / job_file.NAME)
    return job


@contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """Say of an error in the middle that the run can go on."""
    try:
        yield
    except TilingError as error:
        raise TilingError(f"{error}; {RESUME_HINT}") from error
    except OSError as error:
        where = error.filename or folder
        raise TilingError(
            f"cannot write {where}: {os_error_reason(error)}; {RESUME_HINT}"
        ) from error
