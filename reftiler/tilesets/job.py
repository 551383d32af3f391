"""The job file of an unfinished run: what it was asked for, and for which images.

A run writes it before its first tile and removes it when the manifest is there. What
is done, the tiles themselves say: each gets its name when it is whole.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import reftiler
from reftiler.atomic import atomic_write, safe_relative
from reftiler.config import TilingConfig
from reftiler.errors import TilingError
from reftiler.io.info import ReadOptions
from reftiler.json_io import SPEC_VERSION, check_content, read_json, require
from reftiler.tilesets.manifest import check_removable
from reftiler.tilesets.naming import check_pattern
from reftiler.tilesets.records import ImageRecord, json_chunks
from reftiler.tilesets.tile_storage import FORMATS
from reftiler.validation import is_sequence, one_of

NAME = "unfinished.json"


@dataclass(frozen=True)
class ExportOptions:
    """How images become a folder of tiles, but for the tiling itself."""

    file_format: str = "png"  # png, tiff, npy or zarr
    # Keep only marked tiles of images that have masks and are not labelled good.
    skip_empty: bool = False
    min_marked: str = "1"  # pixels, 20, or a share of the tile, 0.5%
    # A pattern of {id} {index} {row} {col} {x} {y}, without suffix.
    name: str | None = None
    reading: ReadOptions = field(default_factory=ReadOptions)
    mask_threshold: float | None = None  # from which value on a grey mask marks
    skip_bad: bool = False  # leave out bad images and objects
    folder: str = ""  # of all tiles; empty: the tile set's own

    def __post_init__(self) -> None:
        one_of(self.file_format, "format", tuple(FORMATS))
        min_pixels(self.min_marked, (1, 1))
        if self.name is None:
            return
        check_pattern(self.name)
        if self.file_format == "zarr":
            raise TilingError(
                "name is for files: in zarr the tiles of an image are one array"
            )


def min_pixels(text: str, tile_size: Iterable[int]) -> int:
    """Return from how many marked pixels on a tile counts as marked."""
    found = re.fullmatch(r"(\d{1,18}(?:\.\d{1,18})?)(%?)", text)
    share = found is not None and found[2] == "%"
    if not found or float(found[1]) <= 0 or (share and float(found[1]) > 100):
        pass
    elif share:
        return max(1, math.ceil(math.prod(tile_size) * float(found[1]) / 100))
    elif "." not in found[1]:
        return int(found[1])
    raise TilingError(
        f"min_marked must be a number of pixels from 1, such as 20, or a share of the "
        f"tile, such as 0.5%, got {text[:50]!r}"
    )


@dataclass(frozen=True)
class Job:
    """What an unfinished run is."""

    call: dict[str, Any]  # what was asked for, as `describe` tells it
    images: Mapping[str, ImageRecord]  # by their ids, as the notes
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Files of earlier runs that are removed before the first tile is written: until
    # then a file under a tile's name may be one of theirs.
    stale: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()  # files, which are written last

    def write(self, path: Path) -> None:
        """Write the job, so that it outlasts a loss of power."""
        head = {
            "spec_version": SPEC_VERSION,
            "call": self.call,
            "notes": self.notes,
            "stale": self.stale,
            "annotations": self.annotations,
        }
        atomic_write(path, json_chunks(head, self.images.values()), durable=True)

    @classmethod
    def read(cls, folder: Path) -> "Job | None":
        """Read the job of a folder; None if there is none."""
        path = folder / NAME
        try:
            return cls._from_dict(read_json(path), str(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TilingError(f"cannot read {path}: {error.strerror}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TilingError(
                f"{path} is damaged ({str(error)[:200]}): remove it and the tiles "
                "beside it, or choose another folder"
            ) from error

    @classmethod
    def _from_dict(cls, given: Any, where: str) -> "Job":
        keys = ("call", "images", "notes", "stale")
        content = check_content(given, (*keys, "annotations"), where)
        require(content, keys, where)
        for key in ("images", "stale", "annotations"):
            if not is_sequence(content.setdefault(key, [])):
                raise TypeError(f"{key} must be a list")
        if not isinstance(content["call"], dict):
            raise TypeError("call must be an object")
        records = tuple(map(ImageRecord.from_dict, content["images"]))
        notes = {
            name: tuple(map(str, texts)) for name, texts in content["notes"].items()
        }
        stale, annotations = (
            tuple(map(safe_relative, content[key])) for key in ("stale", "annotations")
        )
        check_removable((*stale, *annotations))
        for record in records:
            check_removable(record.files)
        images = {one.id: one for one in records}
        return cls(content["call"], images, notes, stale, annotations)


def describe(
    config: TilingConfig,
    source: Path,
    options: ExportOptions,
    layout: str = "",
    objects: tuple[str, float] | None = None,
) -> dict[str, Any]:
    """Return what a run is asked for; what differs in it cannot go on from another."""
    assert config.tiler is not None
    random = None
    if config.random_count is not None:
        random = {"count": config.random_count, "seed": config.seed}
    call = {
        "reftiler_version": reftiler.__version__,
        "source": as_text(source.resolve()),
        "layout": layout,
        "random": random,
        "tiler": json.loads(replace(config.tiler, channels_last=True).to_json()),
        **asdict(options),
    }
    if objects is not None:
        call["annotations"], call["min_visible"] = objects
    call["format"] = call.pop("file_format")
    del call["skip_bad"]  # a run may go on with it, and without
    plain: dict[str, Any] = json.loads(json.dumps(call))  # as a job file gives it back
    return plain


def as_text(path: Path | str) -> str:
    """Return a path as text that any file can hold; odd bytes are spelled out."""
    return str(path).encode(errors="backslashreplace").decode()


def digest(call: Mapping[str, Any]) -> str:
    """Return what tells calls apart without telling where anything lies."""
    relevant = {key: value for key, value in call.items() if key != "reftiler_version"}
    text = json.dumps(relevant, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
