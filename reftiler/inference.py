"""A model on the tiles of images on disk: a folder of maps.

`MapJob` says what was asked for; ``maps.json`` in the folder keeps it, so that a run
that was ended early goes on where it was, and another call is refused. A map gets its
name when it is whole.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import reftiler
from reftiler.atomic import atomic_write, remove, safe_join
from reftiler.config import TilingConfig
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.io import ReadOptions, create_image, open_image
from reftiler.io.datasets import ImageEntry
from reftiler.io.lazy import os_error_reason
from reftiler.json_io import SPEC_VERSION, check_content, read_json, require
from reftiler.models import Model, select_map
from reftiler.tiler import Tiler
from reftiler.validation import one_of

__all__ = [
    "FORMATS",
    "NAME",
    "MapJob",
    "fingerprint",
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


@dataclass(frozen=True)
class MapJob:
    """
    What is asked for: which model, on which tiles of which images.

    Attributes
    ----------
    model : str
        What `reftiler.models.load_model` loaded.
    model_digest : str
        As `fingerprint` gives it.
    source : str
        Where the images lie.
    tiler : Tiler
        With channels last.
    reading : ReadOptions
        How images are read.
    file_format : str
        One of `FORMATS`.
    """

    model: str
    model_digest: str
    source: str
    tiler: Tiler
    reading: ReadOptions = field(default_factory=ReadOptions)
    file_format: str = "tiff"

    def __post_init__(self) -> None:
        one_of(self.file_format, "format", tuple(FORMATS))

    def name(self, entry: ImageEntry) -> str:
        """Return the path of the map of an image within the folder."""
        return entry.id + FORMATS[self.file_format]

    def path(self, folder: Path, entry: ImageEntry) -> Path:
        """Return where the map of an image lies."""
        return safe_join(folder, self.name(entry))

    def to_dict(self) -> dict[str, Any]:
        """Return what must be the same for a run to go on, as JSON has it."""
        call = {
            "model": self.model,
            "model_digest": self.model_digest,
            "source": self.source,
            "tiler": self.tiler.to_dict(),
            "reading": asdict(self.reading),
            "format": self.file_format,
        }
        plain: dict[str, Any] = json.loads(json.dumps(call))
        return plain

    def read_earlier(self, folder: Path) -> dict[str, Any] | None:
        """
        Return what is known of the maps in a folder; None if no run was there.

        Raises
        ------
        TilingError
            Its ``maps.json`` cannot be read or is damaged.
        """
        path = folder / NAME
        try:
            content = check_content(read_json(path), _KEYS, str(path))
            require(content, _KEYS, str(path))
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

    def note(self, folder: Path, names: Sequence[str], *, finished: bool) -> None:
        """Write ``maps.json``: this call and the names of its maps."""
        content = {
            "spec_version": SPEC_VERSION,
            "reftiler_version": reftiler.__version__,
            "call": self.to_dict(),
            "maps": list(names),
            "finished": finished,
        }
        text = json.dumps(content, indent=1, allow_nan=False)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            atomic_write(folder / NAME, text.encode(), durable=True)
        except OSError as error:
            where = folder / NAME
            raise TilingError(
                f"cannot write {where}: {os_error_reason(error)}"
            ) from error


def fingerprint(model: str, function: Callable[..., Any]) -> str:
    """
    Return what tells versions of a model apart; empty where nothing does.

    Of a file of a network it is the file's digest, with that of its weights beside it
    (``NAME.data``), of a Python function that of the file that defines it.
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
                while block := file.read(2**20):
                    digest.update(block)
    return digest.hexdigest() if path.is_file() else ""


def plan_maps(
    entries: Sequence[ImageEntry], job: MapJob
) -> tuple[list[Grid], tuple[str, ...]]:
    """
    Open every image and plan its tiles, before the first map is made.

    Returns
    -------
    grids : list of Grid
        One for each image.
    notes : tuple of str
        What is to be said of how images are read.

    Raises
    ------
    TilingError
        An image cannot be read or tiled; it is named.
    """
    grids, notes = [], dict[str, None]()
    config = TilingConfig(job.tiler)
    for entry in entries:
        image = open_image(entry.image, job.reading)
        notes.update(dict.fromkeys(image.info.notes))
        try:
            grids.append(config.plan(image.shape[:2]))
        except TilingError as error:
            raise TilingError(f"{entry.image}: {error}") from error
    return grids, tuple(notes)


def write_maps(
    entries: Sequence[ImageEntry],
    model: Model,
    job: MapJob,
    folder: Path,
    *,
    batch_size: int = 16,
    advance: Callable[[int, int], object] = lambda tiles, images: None,
) -> tuple[str, ...]:
    """
    Write the map of each image into a folder, where it is not there yet.

    A map is what `reftiler.Tiler.apply` merges of the model's results, or of the one
    that `reftiler.models.select_map` takes; an axis of one channel is left out. What is
    in memory does not grow with the image. The caller keeps other runs out of the
    folder, and other calls' maps, see `MapJob.read_earlier`.

    Parameters
    ----------
    entries : sequence of ImageEntry
        The images; their ids name the maps.
    model : Model
        With channels last.
    job : MapJob
        What is asked for.
    folder : Path
        Made if need be.
    batch_size : int
        Tiles at a time.
    advance : callable
        Called with the numbers of tiles and of images that are done since.

    Returns
    -------
    tuple of str
        Sentences for the user.

    Raises
    ------
    TilingError
        A file cannot be read or written; the model fails or returns what cannot be
        merged. The image is named. Maps that are finished stay, and the one that is
        not goes on where it was.
    """
    earlier = job.read_earlier(folder) or {"maps": []}
    names = list(dict.fromkeys([*earlier["maps"], *map(job.name, entries)]))
    job.note(folder, names, finished=False)
    run = _Run(model)
    for entry in entries:
        path = job.path(folder, entry)
        if not path.exists():
            try:
                _write_map(entry, path, run, job, batch_size, advance)
            except TilingError as error:
                raise TilingError(_blame(entry, error)) from error
        advance(0, 1)
    job.note(folder, names, finished=True)
    return tuple(run.notes)


def remove_maps(folder: Path, earlier: dict[str, Any]) -> None:
    """Remove the maps of an earlier run, what is unfinished among them, and its notes.

    Raises
    ------
    TilingError
        A file cannot be removed.
    """
    try:
        for name in earlier["maps"]:
            path = safe_join(folder, name)
            for file in (path, _work(path), _unfinished(path)):
                remove(file)
        remove(folder / NAME)
    except OSError as error:
        raise TilingError(
            f"cannot remove {error.filename}: {os_error_reason(error)}"
        ) from error


def _work(path: Path) -> Path:
    """Return the folder of a map's checkpoint."""
    return path.with_name(f".{path.name}.work")


def _unfinished(path: Path) -> Path:
    """Return what `create_image` calls a map that is not whole."""
    return path.with_name(f".{path.name}.unfinished")


class _Run:
    """The model, whose errors are of one kind, and whose results are maps."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.notes = dict.fromkeys([model.note] if model.note else [])

    def __call__(self, tiles: Array) -> Array:
        try:
            results = self._model(tiles)
        except (ImportError, TilingError):
            raise
        except Exception as error:
            kind = type(error).__name__
            raise TilingError(f"{self._model.name} raised {kind}: {error}") from error
        found, note = select_map(results, self._model.name)
        if note:
            self.notes[note] = None
        single = found.ndim == 4 and found.shape[-1] == 1
        return found[..., 0] if single else found


def _write_map(
    entry: ImageEntry,
    path: Path,
    run: _Run,
    job: MapJob,
    batch_size: int,
    advance: Callable[[int, int], object],
) -> None:
    image = open_image(entry.image, job.reading)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TilingError(
            f"cannot make {path.parent}: {os_error_reason(error)}"
        ) from error

    def counted(batches: Sequence[range]) -> Iterator[range]:
        for batch in batches:
            yield batch
            advance(len(batch), 0)

    with ExitStack() as stack:
        job.tiler.apply(
            run,
            image,
            batch_size=batch_size,
            progress=counted,
            checkpoint=_work(path),
            out=lambda shape, dtype: stack.enter_context(
                create_image(path, shape, dtype, resume=True)
            ),
        )


def _blame(entry: ImageEntry, error: TilingError) -> str:
    """Name the image, and the tiles where they are known."""
    notes = "; ".join(getattr(error, "__notes__", ()))
    words = f"{error} ({notes})" if notes else str(error)
    return words if str(entry.image) in words else f"{entry.image}: {words}"
