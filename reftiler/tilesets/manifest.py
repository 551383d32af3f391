"""What a folder of tiles holds: ``manifest.json``, all that putting together needs.

The manifest lists for every image its shape, its dtype, its `Grid` and the files of
its tiles. Names in it are relative to its folder and never lead out of it: a folder
may be moved, and one from a stranger makes us read and remove nothing outside.
"""

import contextlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import reftiler
from reftiler.atomic import atomic_write, remove, safe_join
from reftiler.errors import TilingError
from reftiler.io.zarr_io import SUFFIX as ZARR
from reftiler.json_io import SPEC_VERSION, check_content, pretty_json, require
from reftiler.tilesets.records import ImageTiles, TileFile
from reftiler.tilesets.tile_storage import FORMATS
from reftiler.validation import as_bool, as_int

__all__ = ["NAME", "ImageTiles", "Manifest", "TileFile", "remove_files"]

NAME = "manifest.json"

_KEYS = ("reftiler_version", "source", "format", "random", "skip_empty", "images")


@dataclass(frozen=True)
class Manifest:
    """
    What a folder of tiles holds.

    Attributes
    ----------
    source : str
        The name of the image, folder or data set that was cut.
    format : str
        One of `FORMATS`.
    random : dict or None
        The ``count`` and ``seed`` of random tiles; None for grids of tiles.
    skip_empty : bool
        Whether only tiles with a marked pixel were kept.
    images : tuple of ImageTiles
        In the order in which they were cut.
    reftiler_version : str
        Of the reftiler that wrote it.
    """

    source: str
    format: str
    random: dict[str, int] | None
    skip_empty: bool
    images: tuple[ImageTiles, ...]
    reftiler_version: str = reftiler.__version__

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise TilingError(f"format must be one of {list(FORMATS)}: {self.format!r}")
        if not self.images:
            raise TilingError("it lists no image")
        for what, names in {
            "id": [image.id for image in self.images],
            "file": self.files,
        }.items():
            twice = [name for name, count in Counter(names).items() if count > 1]
            if twice:
                raise TilingError(f"the {what} {twice[0]!r} is listed twice")

    @cached_property
    def files(self) -> tuple[str, ...]:
        """All files of tiles and masks; for zarr the arrays, which are folders."""
        if self.format != "zarr":
            return tuple(file for image in self.images for file in image.files)
        return tuple(file for image in self.images for file in _arrays(image))

    def write(self, path: Path) -> None:
        """
        Write the manifest whole; to be done when all its files are there.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        content = {
            "spec_version": SPEC_VERSION,
            **{key: getattr(self, key) for key in _KEYS},
            "images": [image.content() for image in self.images],
        }
        atomic_write(path, (pretty_json(content) + "\n").encode())

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """
        Read and check the manifest of a folder; its tiles are not opened.

        Raises
        ------
        TilingError
            If it is missing, damaged, of a newer version, or names a file that does
            not lie in the folder.
        """
        path = folder / NAME
        try:
            given = json.loads(path.read_bytes())
        except OSError as error:
            raise TilingError(
                f"cannot read {path} ({error.strerror}): give a folder that "
                "`reftiler tile` has finished"
            ) from error
        except (ValueError, RecursionError) as error:
            raise TilingError(f"{path} is damaged, it is not JSON: {error}") from error
        content = check_content(given, _KEYS, str(path))
        require(content, _KEYS, str(path))
        try:
            manifest = cls._from_content(content)
        except (TypeError, ValueError) as error:
            raise TilingError(f"{path} is damaged: {error}") from error
        for name in manifest.files:
            safe_join(folder, name)
        return manifest

    def remove(self, folder: Path) -> None:
        """
        Remove what the manifest lists, itself first, and folders left empty.

        Raises
        ------
        TilingError
            If the disk refuses.
        """
        remove_files(folder, (NAME, *self.files))

    @classmethod
    def _from_content(cls, content: dict[str, Any]) -> "Manifest":
        for key in ("source", "format", "reftiler_version"):
            if not isinstance(content[key], str):
                raise TypeError(f"{key} must be a text, got {content[key]!r}")
        if not isinstance(content["images"], list):
            raise TypeError("images must be a list")
        random = content["random"]
        if random is not None:
            if not isinstance(random, dict) or set(random) != {"count", "seed"}:
                raise TilingError(f"random must have count and seed, got {random!r}")
            random = {key: as_int(n, key, minimum=0) for key, n in random.items()}
        images = tuple(map(ImageTiles.from_content, content["images"]))
        skip_empty = as_bool(content["skip_empty"], "skip_empty")
        return cls(**{**content, "images": images, "skip_empty": skip_empty})


def remove_files(folder: Path, names: Iterable[str]) -> None:
    """
    Remove files within a folder, in their order, and folders left empty.

    Raises
    ------
    TilingError
        If one would lie outside, is a folder and no zarr array, or the disk refuses.
    """
    paths = [safe_join(folder, name) for name in names]
    try:
        for path in paths:
            if path.is_dir() and path.suffix != ZARR:
                raise TilingError(f"{path} is a folder and no tile: it is not touched")
            remove(path)
    except OSError as error:
        raise TilingError(f"cannot remove {path}: {error.strerror}") from error
    inside = {parent for path in paths for parent in path.parents}
    for inner in sorted(inside, key=lambda path: -len(path.parts)):
        if inner != folder and inner.is_relative_to(folder):
            with contextlib.suppress(OSError):  # there is something else in it
                inner.rmdir()


def _arrays(image: ImageTiles) -> list[str]:
    """Return the array of an image's tiles and that of their masks."""
    arrays = list(dict.fromkeys(image.files))
    if len(arrays) > 2 or len(set(image.tile_names)) > 1:
        raise TilingError(f"the tiles of {image.id} must lie in one array: {arrays}")
    return arrays
