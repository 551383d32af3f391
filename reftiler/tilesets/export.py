"""Cutting files into files: a folder of tiles from images, their masks in step.

Everything that can be refused is refused by `plan_export`, before a file is written;
`Export.write` then writes a journal, the tiles and last of all the manifest. Whatever
ends it early, the same call goes on from the journal. The tiles of a data set are laid
out as a data set themselves, but for those in zarr arrays.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reftiler.atomic import OutputTransaction, clean_stale, safe_join
from reftiler.errors import TilingError
from reftiler.io import zarr_io
from reftiler.io.datasets import ImageEntry
from reftiler.io.lazy import os_error_reason
from reftiler.tilesets import journal
from reftiler.tilesets.executors import SERIAL, Executor
from reftiler.tilesets.extract import Cut, changed, cut, forget, parts, take_prints
from reftiler.tilesets.journal import Entry, Journal
from reftiler.tilesets.manifest import NAME, Manifest, remove_files
from reftiler.tilesets.tile_storage import STORAGES

__all__ = ["GO_ON", "Advance", "Export"]

Advance = Callable[[int, int], object]
"""What is called with the numbers of tiles and of images that are done since."""

GO_ON = "what is done stays: run it again to go on"


@dataclass(frozen=True)
class Export:
    """
    Checked images and the manifest of their tiles, which are still to be written.

    Attributes
    ----------
    samples : tuple of ImageEntry
        The images on disk, in step with the manifest's.
    manifest : Manifest
        What will be written.
    journal : Journal
        What will be noted meanwhile; it has what an unfinished run has done.
    carried : frozenset of str
        The ids of the images that an unfinished run has begun.
    """

    samples: tuple[ImageEntry, ...]
    manifest: Manifest
    journal: Journal
    carried: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        """How many tiles there are to write, masks not counted."""
        return sum(len(image.tiles) for image in self.manifest.images)

    def write(
        self,
        folder: Path,
        *,
        earlier: Manifest | None = None,
        executor: Executor = SERIAL,
        advance: Advance = lambda tiles, images: None,
    ) -> None:
        """
        Write tiles and manifest; if that fails, the same call goes on another time.

        Parameters
        ----------
        folder : Path
            Made if need be. No other file in it is ever touched.
        earlier : Manifest, optional
            That of an earlier run in this folder, whose files are removed first.
        executor : Executor
            Who cuts.
        advance : callable
            Called after each part of an image.

        Raises
        ------
        TilingError
            If a file is in the way, the disk refuses, or an image is no longer what
            it was when it was checked.
        """
        if earlier is not None:
            doomed = (NAME, *earlier.files, *self.journal.doomed)
            self.journal.doomed = tuple(dict.fromkeys(doomed))
        self._check_way(folder)
        with OutputTransaction() as files:  # without a journal nothing is begun
            files.write(folder / journal.NAME, self.journal.write)
        with _going_on(folder):
            self._clear(folder)
            self._cut(folder, executor, advance)
            self._finish(folder)

    def _check_way(self, folder: Path) -> None:
        """Refuse to overwrite what is not ours, or what is yet to be read."""
        images = self.journal.images
        begun = (file for name in self.carried for file in images[name].record.files)
        ours = {folder / name for name in (*self.journal.doomed, *begun)}
        for name in (*self.manifest.files, NAME):
            path = safe_join(folder, name)
            if path.exists() and path not in ours:
                raise TilingError(
                    f"{path} is in the way and no tile of an earlier run: move it, or "
                    "choose another folder"
                )
        tiles = {path.resolve() for path in ours}
        for sample in self.samples:
            for path in (sample.image, *sample.masks):
                if path.resolve() in tiles:
                    raise TilingError(
                        f"{path} is a tile that would be overwritten while it is being "
                        "cut: choose another folder"
                    )

    def _clear(self, folder: Path) -> None:
        """Remove what earlier runs left and this one replaces."""
        remove_files(folder, self.journal.doomed)
        self.journal.clear(folder)
        self._sweep(folder)

    def _cut(self, folder: Path, executor: Executor, advance: Advance) -> None:
        jobs = list(self._jobs(folder))
        left = Counter(job.entry.record.id for job in jobs)
        tiles = sum(len(job.entry.record.tiles) for job in jobs)
        advance(self.count - tiles, len(self.samples) - len(left))
        try:
            for job, count in executor.run(cut, _prepared(jobs, self.journal)):
                name = job.entry.record.id
                self.journal.note(folder, name, job.first)
                left[name] -= 1
                advance(count, int(not left[name]))
        finally:
            forget()

    def _jobs(self, folder: Path) -> Iterator[Cut]:
        """Yield the parts that are not done."""
        for sample, image in zip(self.samples, self.manifest.images, strict=True):
            done = self.journal.done.get(image.id, ())
            prints = self.journal.images[image.id].prints
            for first, part in parts(image):
                here = first in done and all((folder / n).exists() for n in part.files)
                if not here:
                    entry = Entry(part, prints)
                    yield Cut(sample, entry, first, folder, self.manifest.format)

    def _sweep(self, folder: Path) -> None:
        """Remove what killed processes left half-written."""
        for inner in {folder, *((folder / n).parent for n in self.manifest.files)}:
            clean_stale(inner)
        for name in self.manifest.files:
            if name.endswith(zarr_io.SUFFIX):
                zarr_io.remove_partial_chunks(folder / name)

    def _finish(self, folder: Path) -> None:
        self._sweep(folder)
        for sample, image in zip(self.samples, self.manifest.images, strict=True):
            if take_prints(sample) != self.journal.images[image.id].prints:
                raise changed(sample)
        with OutputTransaction() as files:
            files.write(folder / NAME, self.manifest.write)
        (folder / journal.NAME).unlink()


def _prepared(jobs: list[Cut], whole: Journal) -> Iterator[Cut]:
    """Yield jobs; room for the tiles of an image is made before its first."""
    last = None
    for job in jobs:
        name = job.entry.record.id
        if name != last:
            last, record = name, whole.images[name].record
            prepare = partial(STORAGES[job.file_format].prepare, job.folder)
            shape = (*record.grid.tiler.tile_size, *record.shape[2:])
            prepare(record.tile_names, shape, record.dtype)
            if record.mask_names:
                prepare(record.mask_names, shape[:2], "bool")
        yield job


@contextmanager
def _going_on(folder: Path) -> Iterator[None]:
    """Say of an error in the middle that the run can go on."""
    try:
        yield
    except TilingError as error:
        raise TilingError(f"{error}; {GO_ON}") from error
    except OSError as error:
        where = error.filename or folder
        raise TilingError(
            f"cannot write {where}: {os_error_reason(error)}; {GO_ON}"
        ) from error
