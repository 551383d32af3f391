"""The tiles of one image on disk, as a manifest records them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from reftiler.atomic import safe_relative
from reftiler.errors import TilingError
from reftiler.grid import Grid
from reftiler.json_io import require
from reftiler.validation import as_exact_ints, as_int, is_sequence, reject_unknown_keys

__all__ = ["ImageTiles", "TileFile"]

_TILE_KEYS = ("index", "box", "file", "mask")


@dataclass(frozen=True)
class TileFile:
    """
    Where a tile is.

    Attributes
    ----------
    index : int
        The tile's number in the grid.
    file : str
        The tile's file, relative to the manifest's folder, with forward slashes. In
        the format zarr it is the array of all the image's tiles, in their order here.
    mask : str or None
        The same for the tile of the mask, if the image has a mask.
    """

    index: int
    file: str
    mask: str | None = None


@dataclass(frozen=True)
class ImageTiles:
    """
    The tiles of one image.

    Attributes
    ----------
    id : str
        The image's name for outputs, such as ``test/spot/000``.
    source : str
        The image file, for people: nothing reads it again.
    masks : tuple of str
        The mask files.
    shape : tuple of int
        Of the image, ``(H, W)`` or ``(H, W, C)``.
    dtype : str
        Of the image, by name.
    grid : Grid
        Where the tiles lie; its tiler has channels last, as files have.
    tiles : tuple of TileFile
        The tiles that were kept, ascending.

    Raises
    ------
    TypeError, TilingError
        If these do not fit each other.
    """

    id: str
    source: str
    masks: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    grid: Grid
    tiles: tuple[TileFile, ...]

    def __post_init__(self) -> None:
        safe_relative(self.id)
        _check_picture(self.shape, self.dtype)
        if self.grid.image_size != self.shape[:2]:
            raise TilingError(
                f"{self.id} is {self.shape}, its grid for {self.grid.image_size}"
            )
        if not self.grid.tiler.channels_last:
            raise TilingError(f"the grid of {self.id} must have channels_last: true")
        numbers = [tile.index for tile in self.tiles]
        if any(a >= b for a, b in pairwise([-1, *numbers, len(self.grid)])):
            raise TilingError(
                f"the tiles of {self.id} must ascend from 0 to {len(self.grid) - 1}, "
                f"got {numbers}"
            )
        bare = [tile for tile in self.tiles if (tile.mask is None) != (not self.masks)]
        if bare:
            raise TilingError(f"either all tiles of {self.id} have a mask or none")

    @property
    def missing(self) -> int:
        """How many tiles of the grid were not kept."""
        return len(self.grid) - len(self.tiles)

    @cached_property
    def mask_grid(self) -> Grid:
        """The same grid for the mask: of bool, and unmarked where padding is constant.

        Padding that shows the image shows the mask too.
        """
        tiler = replace(
            self.grid.tiler, window="box", merge=None, pad_value=0, fill=None
        )
        return replace(self.grid, tiler=tiler)

    @property
    def tile_names(self) -> list[str]:
        """For each tile what it lies in: a file, or the array of the image's tiles."""
        return [tile.file for tile in self.tiles]

    @property
    def mask_names(self) -> list[str]:
        """For each tile what its mask lies in; empty if there are no masks."""
        return [tile.mask for tile in self.tiles if tile.mask is not None]

    @property
    def files(self) -> Iterator[str]:
        """The files of the tiles and of their masks."""
        for tile in self.tiles:
            yield tile.file
            if tile.mask is not None:
                yield tile.mask

    def content(self) -> dict[str, Any]:
        """Return the record as plain values that JSON can hold."""
        boxes = self.grid.boxes
        tiles = []
        for tile in self.tiles:
            box = boxes[tile.index].tolist()
            tiles.append({"index": tile.index, "box": box, "file": tile.file})
            if tile.mask is not None:
                tiles[-1]["mask"] = tile.mask
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**plain, "grid": json.loads(self.grid.to_json()), "tiles": tiles}

    @classmethod
    def from_content(cls, content: Any) -> "ImageTiles":
        """
        Read what `content` returned.

        Raises
        ------
        TypeError, TilingError
            If it is damaged.
        """
        known = [field.name for field in fields(cls)]
        _check_object(content, known, known, "an image")
        grid = Grid.from_json(json.dumps(content["grid"]))
        for key in ("masks", "shape", "tiles"):
            if not is_sequence(content[key]):
                raise TypeError(f"{key} must be a list, got {content[key]!r}")
        return cls(
            id=_text(content["id"], "id"),
            source=_text(content["source"], "source"),
            masks=tuple(_text(name, "masks") for name in content["masks"]),
            shape=tuple(content["shape"]),
            dtype=_text(content["dtype"], "dtype"),
            grid=grid,
            tiles=tuple(_tile(tile, grid) for tile in content["tiles"]),
        )


def _tile(content: Any, grid: Grid) -> TileFile:
    _check_object(content, _TILE_KEYS, _TILE_KEYS[:3], "a tile")
    index = as_int(content["index"], "index", minimum=0)
    if index >= len(grid) or content["box"] != grid.boxes[index].tolist():
        raise TilingError(f"tile {index} lies at {content['box']}, not as in the grid")
    mask = content.get("mask")
    return TileFile(
        index,
        safe_relative(_text(content["file"], "file")),
        None if mask is None else safe_relative(_text(mask, "mask")),
    )


def _check_picture(shape: tuple[int, ...], dtype: str) -> None:
    as_exact_ints(shape, "shape", rank=3 if len(shape) == 3 else 2, minimum=1)
    if np.dtype(dtype).kind not in "biuf" or np.dtype(dtype).name != dtype:
        raise TilingError(f"a picture cannot be {dtype!r}")


def _check_object(
    content: Any, known: Sequence[str], needed: Sequence[str], what: str
) -> None:
    if not isinstance(content, Mapping):
        raise TypeError(f"{what} must be an object, got {content!r}")
    reject_unknown_keys(content, known, what)
    require(content, needed, what)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, got {value!r}")
    return value
