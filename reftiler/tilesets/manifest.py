"""What a folder of tiles holds: ``manifest.json``, all that putting together needs.

The manifest lists for every image its shape, its dtype, its `Grid` and the files of
its tiles. Names in it are relative to its folder and never lead out of it: a folder
may be moved, and one from a stranger makes us read and remove nothing outside.
"""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import reftiler
from reftiler.atomic import atomic_write, remove, safe_paths, temp_path
from reftiler.errors import TilingError
from reftiler.io.zarr_metadata import SUFFIX as ZARR
from reftiler.json_io import (
    SPEC_VERSION,
    check_content,
    read_json,
    require,
)
from reftiler.tilesets.naming import tile_label
from reftiler.tilesets.records import ImageRecord, json_chunks
from reftiler.tilesets.tile_storage import FORMATS
from reftiler.validation import as_bool, as_int, is_sequence, shorten

__all__ = [
    "METADATA_NAME",
    "NAME",
    "Manifest",
    "check_removable",
    "remove_files",
]

NAME = "manifest.json"
METADATA_NAME = "metadata.jsonl"
"""The table of tiles beside the manifest, as Hugging Face's imagefolder reads it."""

_NEEDED = ("reftiler_version", "source", "format", "random", "skip_empty", "images")
_OWN = (NAME, METADATA_NAME)
_KEYS = (*_NEEDED, "layout", "call", "min_marked", "bad", "annotations")
_ANNOTATIONS = re.compile(
    r"(.+/)?_annotations\.coco\.json|annotations/[^/]+\.json|data\.yaml|labels/.+\.txt"
)


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
    images : tuple of ImageRecord
        In the order in which they were cut.
    reftiler_version : str
        Of the reftiler that wrote it.
    layout : str
        That of the source, as `reftiler.io.datasets.find_images` names it.
    call : str
        A digest of what was asked for: the same call made again finds itself done.
    min_marked : int
        From how many marked pixels on a tile counts as marked.
    bad : tuple of pairs of str
        The images that were left out as bad, and why.
    annotations : tuple of str
        The files of the objects of tiles, relative to the manifest's folder.
    """

    source: str
    format: str
    random: dict[str, int] | None
    skip_empty: bool
    images: tuple[ImageRecord, ...]
    reftiler_version: str = reftiler.__version__
    layout: str = ""
    call: str = ""
    min_marked: int = 1
    bad: tuple[tuple[str, str], ...] = ()
    annotations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise TilingError(
                f"format must be one of {list(FORMATS)}: {shorten(self.format)}"
            )
        if not self.images:
            raise TilingError("it lists no image")
        for what, names in {
            "id": [image.id for image in self.images],
            "file": self.files,
        }.items():
            twice = [name for name, count in Counter(names).items() if count > 1]
            if twice:
                raise TilingError(f"the {what} {shorten(twice[0])} is listed twice")
        check_removable(self.files)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """All of tiles, masks and objects; for zarr the arrays, which are folders."""
        if self.format != "zarr":
            tiles = (file for image in self.images for file in image.files)
            return (*tiles, *self.annotations)
        return tuple(file for image in self.images for file in _arrays(image))

    def write(self, path: Path) -> None:
        """
        Write the manifest whole; to be done when all its files are there.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        head = {key: getattr(self, key) for key in _KEYS if key != "images"}
        head = {"spec_version": SPEC_VERSION, **head}
        atomic_write(path, json_chunks(head, self.images), durable=True)

    def write_metadata(self, path: Path) -> None:
        """
        Write the table of tiles, a line of JSON for each.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        atomic_write(path, map(str.encode, _table(self.images, self.min_marked)))

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
            given = read_json(path)
        except OSError as error:
            raise TilingError(
                f"cannot read {path} ({error.strerror}): give a folder that "
                "`reftiler tile` has finished"
            ) from error
        content = check_content(given, _KEYS, str(path))
        require(content, _NEEDED, str(path))
        try:
            manifest = cls._from_content(content)
        except (TypeError, ValueError) as error:
            raise TilingError(f"{path} is damaged: {error}") from error
        for _ in safe_paths(folder, manifest.files):
            pass
        return manifest

    def remove(self, folder: Path) -> None:
        """
        Remove what the manifest lists, itself first, and folders left empty.

        Raises
        ------
        TilingError
            If the disk refuses.
        """
        remove_files(folder, (NAME, METADATA_NAME, *self.files))

    @classmethod
    def _from_content(cls, content: dict[str, Any]) -> "Manifest":
        for key in ("source", "format", "reftiler_version", "layout", "call"):
            if not isinstance(content.get(key, ""), str):
                raise TypeError(f"{key} must be a text, got {shorten(content[key])}")
        if not isinstance(content["images"], list):
            raise TypeError("images must be a list")
        random = content["random"]
        if random is not None:
            if not isinstance(random, dict) or set(random) != {"count", "seed"}:
                raise TilingError(
                    f"random must have count and seed, got {shorten(random)}"
                )
            random = {key: as_int(n, key, minimum=0) for key, n in random.items()}
        images = tuple(map(ImageRecord.from_dict, content["images"]))
        skip_empty = as_bool(content["skip_empty"], "skip_empty")
        least = as_int(content.get("min_marked", 1), "min_marked", minimum=1)
        annotations = content.get("annotations", [])
        if not is_sequence(annotations) or any(
            not isinstance(x, str) for x in annotations
        ):
            raise TypeError(f"annotations must list files, got {shorten(annotations)}")
        found = {"images": images, "random": random, "skip_empty": skip_empty}
        found |= {"min_marked": least, "annotations": tuple(annotations)}
        return cls(**{**content, **found, "bad": _bad(content.get("bad", []))})


def _bad(content: Any) -> tuple[tuple[str, str], ...]:
    pairs = content if is_sequence(content) else [content]
    for pair in pairs:
        texts = is_sequence(pair) and all(isinstance(text, str) for text in pair)
        if not texts or len(pair) != 2:
            raise TypeError(f"bad must list names and reasons, got {shorten(pair)}")
    return tuple((name, reason) for name, reason in pairs)


def _table(images: Sequence[ImageRecord], min_marked: int) -> Iterator[str]:
    """Yield a line of JSON for each tile; all have the same columns.

    Hugging Face's imagefolder needs ``file_name`` and makes an image of each column
    whose name ends so: ``load_dataset("imagefolder", data_dir=tiles,
    data_files="**")`` gives all tiles with their masks and these columns.
    """
    masked = any(image.masks for image in images)
    for image in images:
        boxes = image.grid.boxes.tolist() if image.tiles else []
        for tile in image.tiles:
            (top, bottom), (left, right) = boxes[tile.index]
            row = {
                "file_name": tile.file,
                **({"mask_file_name": tile.mask} if masked else {}),
                "source": image.source,
                "image_id": image.id,
                "index": tile.index,
                "box": [[top, bottom], [left, right]],
                "x": left,
                "y": top,
                "width": right - left,
                "height": bottom - top,
                "split": image.split,
                "label": tile_label(image.label, tile.marked, min_marked),
                "marked": tile.marked,
            }
            yield json.dumps(row, ensure_ascii=False) + "\n"


def check_removable(names: Iterable[str]) -> None:
    """Refuse names that reftiler gives to no file in a folder of tiles."""
    for name in names:
        is_ours = name in _OWN or name.endswith(tuple(FORMATS.values()))
        if not (is_ours or _ANNOTATIONS.fullmatch(name)):
            raise TilingError(f"it lists {shorten(name)}, which is no tile")


def remove_files(folder: Path, names: Iterable[str]) -> None:
    """Remove files within a folder, in their order, and folders left empty."""
    paths = [path for _, path in safe_paths(folder, names)]
    for path in paths:
        if path.is_dir() and not (
            path.suffix == ZARR
            and ((path / "zarr.json").is_file() or not any(path.iterdir()))
        ):
            raise TilingError(f"{path} is a folder and no tile: it is not touched")
    try:
        for path in paths:
            if path.is_dir() and not path.is_symlink():
                # Under a temporary name: killed now, it would be no array any more.
                path = path.rename(temp_path(path))  # noqa: PLW2901
            remove(path)
    except OSError as error:
        raise TilingError(f"cannot remove {path}: {error.strerror}") from error
    inside = {parent for path in paths for parent in path.parents}
    for inner in sorted(inside, key=lambda path: -len(path.parts)):
        if inner != folder and inner.is_relative_to(folder):
            with contextlib.suppress(OSError):  # there is something else in it
                inner.rmdir()


def _arrays(image: ImageRecord) -> list[str]:
    """Return the array of an image's tiles and that of their masks."""
    arrays = list(dict.fromkeys(image.files))
    if len(arrays) > 2 or len(set(image.tile_names)) > 1:
        raise TilingError(
            f"the tiles of {shorten(image.id)} must lie in one array: {shorten(arrays)}"
        )
    return arrays
