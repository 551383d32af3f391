"""A model on the tiles of images on disk: a folder of maps.

`MapJob` says what was asked for; ``maps.json`` in the folder keeps it, so that a run
that was ended early goes on where it was, and another call is refused. A map gets its
name when it is whole.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import reftiler
from reftiler.atomic import atomic_write, remove, safe_join
from reftiler.config import TilingConfig
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.io import LazyImage, Mask, ReadOptions, create_image, open_image
from reftiler.io.entries import ImageEntry, open_pair
from reftiler.io.lazy import os_error_reason
from reftiler.io.read import fingerprint as file_fingerprint
from reftiler.json_io import SPEC_VERSION, check_content, read_json, require
from reftiler.models import Model, load_finish, run_named, select_map
from reftiler.streaming.stores import WritableArray
from reftiler.tiler import Tiler
from reftiler.tilesets.reassemble import AVERAGED
from reftiler.validation import count_of, first_few, one_of

__all__ = [
    "FORMATS",
    "NAME",
    "MapJob",
    "fingerprint",
    "holds_work",
    "plan_maps",
    "remove_maps",
    "write_maps",
]

Array = NDArray[Any]

NAME = "maps.json"
"""The file in a folder of maps that says how they were made."""
FORMATS = {"tiff": ".tif", "npy": ".npy", "zarr": ".zarr"}
"""The suffixes of maps, by the names of formats: those that are written in parts."""

_KEYS = ("reftiler_version", "call", "maps", "finished")
_FINGERPRINTS = "fingerprints"  # not in what earlier versions wrote


@dataclass(frozen=True)
class MapJob:
    """What is asked for: which model, on which tiles of which images."""

    model: str  # what `load_model` loaded
    model_digest: str  # as `fingerprint` gives it
    source: str
    tiler: Tiler  # with channels last
    reading: ReadOptions
    file_format: str  # one of `FORMATS`
    where: str | None  # where masks are that mark what is computed; None: all tiles are
    mask_threshold: float | None
    scale: tuple[Fraction, ...] | None  # as for `Tiler.apply`
    finish: str | None  # what `load_finish` loaded
    finish_digest: str | None

    def __post_init__(self) -> None:
        one_of(self.file_format, "format", tuple(FORMATS))
        if self.where is not None and self.tiler.fill is None:
            raise TilingError("tiles that are not computed need a fill of the tiler")

    def name(self, entry: ImageEntry) -> str:
        """Return the path of the map of an image within the folder."""
        return entry.id + FORMATS[self.file_format]

    def to_dict(self) -> dict[str, Any]:
        """Return what must be the same for a run to go on, as JSON has it."""
        call = {
            "model": self.model,
            "model_digest": self.model_digest,
            "source": self.source,
            "tiler": self.tiler.to_dict(),
            "reading": asdict(self.reading),
            "format": self.file_format,
            "where": self.where,
            "mask_threshold": self.mask_threshold,
            "scale": self.scale and [str(scale) for scale in self.scale],
            "finish": self.finish,
            "finish_digest": self.finish_digest,
        }
        plain: dict[str, Any] = json.loads(json.dumps(call))
        return plain

    def open(self, entry: ImageEntry) -> tuple[LazyImage, Grid | None]:
        """Open an image, and plan its tiles; None if no tile is to be computed."""
        image, mask = open_image(entry.image, self.reading), None
        if self.where is not None:
            image, mask = open_pair(entry, self.reading, self.mask_threshold)
        grid = TilingConfig(self.tiler).plan(image.shape[:2])
        if mask is None:
            return image, grid
        marked = _touching(grid, mask)
        if len(marked) in (0, len(grid)):
            return image, grid if marked else None
        return image, grid.select(marked)  # APPLY-005

    def read_earlier(self, folder: Path) -> dict[str, Any] | None:
        """Return what is known of the maps in a folder; None if no run was there."""
        path = folder / NAME
        try:
            content = check_content(read_json(path), (*_KEYS, _FINGERPRINTS), str(path))
            require(content, _KEYS, str(path))
            content[_FINGERPRINTS] = {**content.get(_FINGERPRINTS, {})}
            content["call"] = {**content["call"]}  # TypeError if it is no object
            for name in content["maps"]:
                safe_join(folder, name)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TilingError(f"cannot read {path}: {error.strerror}") from error
        except (TypeError, AttributeError, TilingError) as error:
            raise TilingError(
                f"{path} is damaged ({str(error)[:200]}): give another folder"
            ) from error
        return content

    def fingerprints(self, entry: ImageEntry) -> list[list[int | str]]:
        """Return what tells versions of an image's files apart, as JSON has it."""
        masks = () if self.where is None else entry.masks
        return [list(file_fingerprint(path)) for path in (entry.image, *masks)]

    def is_made(
        self, folder: Path, entry: ImageEntry, earlier: dict[str, Any] | None
    ) -> bool:
        """Tell whether the map of an image, as it is now, is there already."""
        there = safe_join(folder, self.name(entry)).exists()
        return there and not self.is_changed(entry, earlier)

    def is_changed(self, entry: ImageEntry, earlier: dict[str, Any] | None) -> bool:
        """Tell whether an image has changed since an earlier run."""
        noted = {} if earlier is None else earlier[_FINGERPRINTS]
        known = noted.get(self.name(entry))
        return known is not None and known != self.fingerprints(entry)

    def note(
        self,
        folder: Path,
        names: Sequence[str],
        fingerprints: Mapping[str, Any],
        *,
        finished: bool,
    ) -> None:
        """Write ``maps.json``: this call, the names of its maps and their images."""
        content = {
            "spec_version": SPEC_VERSION,
            "reftiler_version": reftiler.__version__,
            "call": self.to_dict(),
            "maps": list(names),
            _FINGERPRINTS: dict(fingerprints),
            "finished": finished,
        }
        text = json.dumps(content, indent=1, allow_nan=False)
        with _told(f"cannot write {folder / NAME}"):
            folder.mkdir(parents=True, exist_ok=True)
            atomic_write(folder / NAME, text.encode(), durable=True)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Raise what the disk refuses as a TilingError."""
    try:
        yield
    except OSError as error:
        raise TilingError(f"{what}: {os_error_reason(error)}") from error


def fingerprint(model: str, function: Callable[..., Any]) -> str:
    """Return a digest that tells versions of a model apart; empty where nothing does.

    Of a network's file, with its weights beside it (``NAME.data``), or of the file that
    defines a Python function; what that imports or reads is not looked at.
    """
    path = Path(model)
    if not path.is_file():
        try:
            path = Path(inspect.getsourcefile(inspect.unwrap(function)) or "")
        except TypeError:  # it is built in, or an object
            return ""
    digest = hashlib.sha256()
    for part in (path, path.with_name(path.name + ".data")):
        if part.is_file():
            with part.open("rb") as file:
                hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest() if path.is_file() else ""


def plan_maps(
    entries: Sequence[ImageEntry], job: MapJob
) -> tuple[list[ImageEntry], int, tuple[str, ...]]:
    """Open every image and plan its tiles, before the first map is made.

    Returns the images with a tile to compute, how many tiles that are, and what is to
    be said of the others. An error names the image.
    """
    lacking = [entry for entry in entries if not entry.masks]
    if job.where is not None and lacking:
        images = [entry.image for entry in lacking]
        some = f"{len(lacking):,} of {count_of(entries, 'image')}"
        raise TilingError(
            f"{job.where} has no mask for {some}: {first_few(images)}; name each "
            f"as its image, {lacking[0].id}.png, all zeros where no tile is to be "
            "computed"
        )
    planned, empty, total = list[ImageEntry](), list[Path](), 0
    notes = dict[str, None]()
    for entry in entries:
        try:
            image, grid = job.open(entry)
        except TilingError as error:
            raise TilingError(_blame(entry, error)) from error
        notes.update(dict.fromkeys(image.info.notes))
        if grid is None:
            empty.append(entry.image)
            continue
        planned.append(entry)
        total += len(grid)
    if not planned:
        raise TilingError(
            f"{job.where} marks no pixel of {count_of(entries, 'image')}: there is no "
            "tile to compute"
        )
    if empty:
        notes[
            f"no map of {count_of(empty, 'image')} on which nothing is marked: "
            f"{first_few(empty)}"
        ] = None
    return planned, total, tuple(notes)


def _touching(grid: Grid, mask: Mask) -> list[int]:
    """Return what `Grid.touching` does, reading a row of tiles at a time."""
    found = list[int]()
    boxes = map(grid.slices, range(len(grid)))
    for rows, tiles in groupby(enumerate(boxes), key=lambda tile: tile[1][0]):
        band = mask[rows, :]
        found += [k for k, (_, columns) in tiles if band[:, columns].any()]
    return found


def write_maps(
    entries: Sequence[ImageEntry],
    model: Model,
    job: MapJob,
    folder: Path,
    *,
    batch_size: int = 16,
    advance: Callable[[int, int], object] = lambda tiles, images: None,
) -> tuple[str, ...]:
    """Write the map of each image into a folder, where it is not there yet.

    Maps of images that changed since are made anew. The caller keeps other runs, and
    other calls' maps, out of the folder. Returns sentences for the user.
    """
    earlier = job.read_earlier(folder) or {"maps": [], _FINGERPRINTS: {}}
    names = list(dict.fromkeys([*earlier["maps"], *map(job.name, entries)]))
    run = _Run(model)
    changed = [entry for entry in entries if job.is_changed(entry, earlier)]
    remove_maps(folder, map(job.name, changed))
    if changed:
        images = [entry.image for entry in changed]
        run.notes[
            f"made {count_of(images, 'map')} anew, whose images or masks changed: "
            f"{first_few(images)}"
        ] = None
    now = {job.name(entry): job.fingerprints(entry) for entry in entries}
    prints = earlier[_FINGERPRINTS] | now
    job.note(folder, names, prints, finished=False)
    for entry in entries:
        path = safe_join(folder, job.name(entry))
        if not path.exists():
            try:
                _write_map(entry, path, run, job, batch_size, advance)
            except TilingError as error:
                raise TilingError(_blame(entry, error)) from error
        advance(0, 1)
    job.note(folder, names, prints, finished=True)
    return tuple(run.notes)


def remove_maps(folder: Path, names: Iterable[str]) -> None:
    """Remove some maps from their folder, and what is unfinished of them."""
    for file in (file for name in names for file in _files(folder, name)):
        with _told(f"cannot remove {file}"):
            remove(file)


def holds_work(folder: Path, names: Iterable[str]) -> bool:
    """Tell whether some maps are in their folder, or what is unfinished of them."""
    return any(file.exists() for name in names for file in _files(folder, name))


def _files(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """Return a map, its checkpoint, and what `create_image` calls it until then."""
    path = safe_join(folder, name)
    unfinished = path.with_name(f".{path.name}.unfinished")
    return path, _work(path), unfinished


def _work(path: Path) -> Path:
    return path.with_name(f".{path.name}.work")


class _Run:
    """The model, whose errors are of one kind, and whose results are maps."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.notes = dict.fromkeys([model.note] if model.note else [])

    def __call__(self, tiles: Array) -> Array:
        name = self._model.name
        found, note = select_map(run_named(self._model, tiles), name)
        if note:
            self.notes[note] = None
        if found.ndim != 4:
            return found
        (_, *shape), (high, wide) = found.shape, tiles.shape[1:3]
        is_last, is_first = (h * wide == w * high for h, w in pairwise(shape))
        if is_first and not is_last:  # the scale is alike on the last two axes alone
            raise TilingError(
                f"{name} returned {found.shape} of tiles {(high, wide)}, which has the "
                "channels first: return them last, (B, h, w, C)"
            )
        return found[..., 0] if shape[-1] == 1 else found


def _write_map(
    entry: ImageEntry,
    path: Path,
    run: _Run,
    job: MapJob,
    batch_size: int,
    advance: Callable[[int, int], object],
) -> None:
    image, grid = job.open(entry)
    with _told(f"cannot make {path.parent}"):
        path.parent.mkdir(parents=True, exist_ok=True)

    def counted(batches: Sequence[range]) -> Iterator[range]:
        for batch in batches:
            yield batch
            advance(len(batch), 0)

    finish = job.finish and partial(run_named, load_finish(job.finish))
    with ExitStack() as stack:

        def created(shape: tuple[int, ...], dtype: Any) -> WritableArray:
            # Numbers of classes have no mean.
            may_be_classes = np.dtype(dtype).kind in "biu" and len(shape) == 2
            averaged = job.tiler.merge is None and job.finish is None
            if may_be_classes and averaged and grid and grid.geometry.has_overlaps():
                run.notes[AVERAGED] = None
            target = create_image(path, shape, dtype, resume=True)
            return stack.enter_context(target)

        job.tiler.apply(
            run,
            image,
            grid=grid,
            scale=job.scale,
            finish=finish,
            batch_size=batch_size,
            progress=counted,
            checkpoint=_work(path),
            out=created,
        )


def _blame(entry: ImageEntry, error: TilingError) -> str:
    """Name the image, and the tiles where they are known."""
    notes = "; ".join(getattr(error, "__notes__", ()))
    words = f"{error} ({notes})" if notes else str(error)
    return words if str(entry.image) in words else f"{entry.image}: {words}"
