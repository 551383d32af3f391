"""The tiles of one image on disk, as a manifest records them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from reftiler.atomic import safe_relative
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.io.metadata import Metadata
from reftiler.json_io import require
from reftiler.validation import (
    as_bool,
    as_exact_ints,
    as_int,
    is_sequence,
    reject_unknown_keys,
    shorten,
)

_TILE_KEYS = ("index", "box", "file", "mask", "marked")
_MANY_TILES = 2**20  # of a grid; beyond, boxes are computed one by one


Fingerprint: TypeAlias = tuple[int | str, ...]
"""As `reftiler.io.read.fingerprint` takes it of a file."""


@dataclass(frozen=True)
class TileRecord:
    """Where a tile is: its files by paths relative to the manifest's folder."""

    index: int
    file: str  # zarr: the array of all, in their order
    mask: str | None = None  # None also where it is all zeros
    marked: int | None = None  # pixels, with padding; None: no mask


@dataclass(frozen=True)
class ImageRecord:
    """The tiles of one image."""

    id: str  # the name for outputs: test/spot/000
    source: str  # for people: nothing reads it again
    masks: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    grid: Grid
    tiles: tuple[TileRecord, ...]  # those that were kept, ascending
    split: str = ""
    label: str = ""
    mask_dtype: str | None = None
    mask_channels: int | None = None  # None: they are (H, W)
    void: int | None = None  # value that neither marks nor says background
    orientation: int = 1  # EXIF's or TIFF's number, as in the file
    oriented: bool = False  # turned upright before it was cut
    alpha: bool = False
    fingerprints: tuple[Fingerprint, ...] = ()  # of the image and masks
    metadata: Metadata = field(default_factory=Metadata)  # palette: the masks'

    def __post_init__(self) -> None:
        safe_relative(self.id)
        _check_picture(self.shape, self.dtype)
        if self.grid.image_size != self.shape[:2]:
            raise TilingError(
                f"{shorten(self.id)} is {self.shape}, its grid for "
                f"{self.grid.image_size}"
            )
        if not self.grid.tiler.channels_last:
            raise TilingError(
                f"the grid of {shorten(self.id)} must have channels_last: true"
            )
        indices = [tile.index for tile in self.tiles]
        if any(a >= b for a, b in pairwise([-1, *indices, len(self.grid)])):
            raise TilingError(
                f"the tiles of {shorten(self.id)} must ascend from 0 to "
                f"{len(self.grid) - 1}, got {shorten(indices)}"
            )
        self._check_masks()

    def _check_masks(self) -> None:
        if self.masks and self.mask_dtype is None:
            object.__setattr__(self, "mask_dtype", "bool")  # before labels were kept
        if not self.masks:
            if self.mask_dtype is not None or any(tile.mask for tile in self.tiles):
                raise TilingError(
                    f"{shorten(self.id)} has no mask, and tiles of one are listed"
                )
            return
        channels = self.mask_channels
        _check_picture(
            (*self.shape[:2], *(() if channels is None else (channels,))),
            str(self.mask_dtype),
        )

    @property
    def missing(self) -> int:
        """How many tiles of the grid were not kept."""
        return len(self.grid) - len(self.tiles)

    @property
    def tile_shape(self) -> tuple[int, ...]:
        """The shape of a tile, ``(*T)`` or ``(*T, C)``."""
        return (*self.grid.tiler.input_size, *self.shape[2:])

    @property
    def mask_tile_shape(self) -> tuple[int, ...]:
        """The shape of a tile of the mask, ``(*T)`` or ``(*T, C)``."""
        channels = () if self.mask_channels is None else (self.mask_channels,)
        return (*self.grid.tiler.input_size, *channels)

    @cached_property
    def mask_grid(self) -> Grid:
        """The same grid for the mask, which is 0 where padding is constant."""
        tiler = replace(
            self.grid.tiler,
            window="box",
            merge=None,
            nan="propagate",
            pad_value=0,
            fill=None,
        )
        return replace(self.grid, tiler=tiler)

    @property
    def image_metadata(self) -> Metadata:
        """What tiles and results of the image say; the palette is the masks'."""
        return replace(self.metadata, palette=None)

    @property
    def mask_metadata(self) -> Metadata:
        """What tiles and results of the mask say: its palette, the image's place."""
        place = self.metadata
        return Metadata(
            transform=place.transform,
            geo_keys=place.geo_keys,
            pixel_size=place.pixel_size,
            pixel_unit=place.pixel_unit,
            palette=place.palette,
        )

    @property
    def tile_names(self) -> list[str]:
        """For each tile what it lies in: a file, or the array of the image's tiles."""
        return [tile.file for tile in self.tiles]

    @property
    def mask_names(self) -> list[str | None]:
        """For each tile what its mask lies in; None where that is all zeros."""
        return [tile.mask for tile in self.tiles]

    @property
    def files(self) -> Iterator[str]:
        """The files of the tiles and of their masks."""
        for tile in self.tiles:
            yield tile.file
            if tile.mask is not None:
                yield tile.mask

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values that JSON can hold, tiles last."""
        content: dict[str, Any] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if _is_needed(entry) or value not in (entry.default, Metadata()):
                content[entry.name] = value
        if "metadata" in content:
            content["metadata"] = self.metadata.to_dict()
        content["grid"] = json.loads(self.grid.to_json())
        del content["tiles"]
        boxes = self.grid.boxes.tolist() if self.tiles else []
        content["tiles"] = []
        for tile in self.tiles:
            one = {"index": tile.index, "box": boxes[tile.index], "file": tile.file}
            more = {"mask": tile.mask, "marked": tile.marked}
            one |= {key: value for key, value in more.items() if value is not None}
            content["tiles"].append(one)
        return content

    @classmethod
    def from_dict(cls, content: Any) -> "ImageRecord":
        """Read what `to_dict` returned; TypeError or TilingError if it is damaged."""
        known = [one.name for one in fields(cls)]
        needed = [one.name for one in fields(cls) if _is_needed(one)]
        _check_object(content, known, needed, "an image")
        given = dict(content)
        for key in ("masks", "shape", "tiles", "fingerprints"):
            if not is_sequence(given.get(key, ())):
                raise TypeError(f"{key} must be a list, got {shorten(given[key])}")
        for key in ("id", "source", "dtype", "split", "label"):
            _text(given.get(key, ""), key)
        grid = Grid.from_json(json.dumps(given["grid"]))
        boxes = grid.boxes.tolist() if len(grid) <= _MANY_TILES else None
        given |= {
            "masks": tuple(_text(name, "masks") for name in given["masks"]),
            "shape": tuple(given["shape"]),
            "grid": grid,
            "tiles": tuple(_tile(tile, grid, boxes) for tile in given["tiles"]),
            "fingerprints": tuple(map(_fingerprint, given.get("fingerprints", ()))),
            "oriented": as_bool(given.get("oriented", False), "oriented"),
            "alpha": as_bool(given.get("alpha", False), "alpha"),
        }
        for key, minimum in (("mask_channels", 1), ("void", 0), ("orientation", 1)):
            if given.get(key) is not None:
                given[key] = as_int(given[key], key, minimum=minimum)
        if given.get("mask_dtype") is not None:
            _text(given["mask_dtype"], "mask_dtype")
        if "metadata" in given:
            given["metadata"] = Metadata.from_dict(given["metadata"])
        return cls(**given)


def json_chunks(
    head: Mapping[str, Any], records: Iterable[ImageRecord]
) -> Iterator[bytes]:
    """Yield JSON of an object, ``images`` last, which take much memory together."""
    rows = [f"{_json(key)}: {_json(value)}," for key, value in head.items()]
    yield "\n".join(["{", *rows, '"images": [\n']).encode()
    for number, record in enumerate(records):
        content = record.to_dict()
        tiles = ",\n    ".join(map(_json, content.pop("tiles")))
        image = f'  {_json(content)[:-1]}, "tiles": [\n    {tiles}\n  ]}}'
        yield (",\n" * bool(number) + image).encode()
    yield b"\n]}\n"


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _is_needed(given: Field[Any]) -> bool:
    return given.default is MISSING and given.default_factory is MISSING


def _tile(content: Any, grid: Grid, boxes: Any) -> TileRecord:
    _check_object(content, _TILE_KEYS, _TILE_KEYS[:3], "a tile")
    index = as_int(content["index"], "index", minimum=0)
    if index >= len(grid) or content["box"] != _box(grid, boxes, index):
        box = shorten(content["box"])
        raise TilingError(f"tile {shorten(index)} lies at {box}, not as in the grid")
    mask, marked = content.get("mask"), content.get("marked")
    return TileRecord(
        index,
        safe_relative(_text(content["file"], "file")),
        None if mask is None else safe_relative(_text(mask, "mask")),
        None if marked is None else as_int(marked, "marked", minimum=0),
    )


def _box(grid: Grid, boxes: Any, index: int) -> Any:
    """Return a tile's box, without those of all tiles where these are many."""
    if boxes is not None:
        return boxes[index]
    places = grid.geometry.unravel(index)
    ones = [
        replace(axis, starts=[axis.starts[place]])
        for axis, place in zip(grid.axes, places, strict=True)
    ]
    return [one.boxes[0].tolist() for one in ones]


def _check_picture(shape: tuple[int, ...], dtype: str) -> None:
    as_exact_ints(shape, "shape", rank=3 if len(shape) == 3 else 2, minimum=1)
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype("O")
    if found.kind not in "biuf" or found.name != dtype:
        raise TilingError(f"a picture cannot be {shorten(dtype)}")


def _check_object(
    content: Any, known: Sequence[str], needed: Sequence[str], what: str
) -> None:
    if not isinstance(content, Mapping):
        raise TypeError(f"{what} must be an object, got {shorten(content)}")
    reject_unknown_keys(content, known, what)
    require(content, needed, what)


def _fingerprint(content: Any) -> Fingerprint:
    if not is_sequence(content) or not all(isinstance(x, int | str) for x in content):
        raise TypeError(f"a fingerprint cannot be {shorten(content)}")
    return tuple(content)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, got {shorten(value)}")
    if not value.isascii():
        value.encode()  # a lone surrogate is the name of no file: ValueError
    return value
