"""Containers of tiles: a file for each tile, or a zarr array for those of an image."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reftiler.atomic import replace_path, safe_join, temp_path
from reftiler.errors import TilingError
from reftiler.io import read_image, write_image, zarr_io
from reftiler.io.lazy import os_error_reason

__all__ = ["FORMATS", "STORAGES", "TileStorage", "storage_for"]

Array = NDArray[Any]


class TileStorage(Protocol):
    """How tiles lie in a folder."""

    def name(self, stem: str, end: str, k: int, count: int) -> str:
        """Name what holds tile ``k`` of ``count`` of an image, or of its mask."""
        ...

    def prepare(
        self, folder: Path, names: Sequence[str], shape: tuple[int, ...], dtype: str
    ) -> None:
        """
        Make room for the tiles of an image, of this shape and dtype, if there is none.

        Raises
        ------
        TilingError
            The disk refuses.
        """
        ...

    def write(
        self, folder: Path, names: Sequence[str], first: int, tiles: Array
    ) -> None:
        """
        Write some tiles of an image; ``first`` of its tiles lie before them.

        Raises
        ------
        TilingError
            The disk refuses.
        """
        ...

    def read(
        self,
        folder: Path,
        names: Sequence[str],
        first: int,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
    ) -> Array:
        """
        Read what `write` wrote, and check that it is of this shape and dtype.

        Raises
        ------
        TilingError
            A tile is missing, damaged or altered.
        """
        ...


class FilePerTile:
    """
    A file for each tile. What is there already is whole, and is not written again.

    Parameters
    ----------
    suffix : str
        Of an image format.
    """

    def __init__(self, suffix: str) -> None:
        self.suffix = suffix

    def name(self, stem: str, end: str, k: int, count: int) -> str:
        """Return a name with the tile's number."""
        return f"{stem}_{k:0{max(4, len(str(count - 1)))}d}{end}{self.suffix}"

    def prepare(
        self, folder: Path, names: Sequence[str], shape: tuple[int, ...], dtype: str
    ) -> None:
        """Make the files' folder."""
        del shape, dtype
        for inner in {(folder / name).parent for name in names}:
            _make(inner)

    def write(
        self, folder: Path, names: Sequence[str], first: int, tiles: Array
    ) -> None:
        """Write the files that are not there."""
        del first
        for name, tile in zip(names, tiles, strict=True):
            if not (folder / name).exists():
                write_image(folder / name, tile)

    def read(
        self,
        folder: Path,
        names: Sequence[str],
        first: int,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
    ) -> Array:
        """Read the files."""
        del first
        every = (_checked(safe_join(folder, name), shape, dtype) for name in names)
        one = next(every)  # tells the byte order
        tiles = np.empty((len(names), *shape), one.dtype)
        for k, tile in enumerate(chain([one], every)):
            tiles[k] = tile
        return tiles


class ZarrPerImage:
    """A zarr array for the tiles of an image, a chunk for each."""

    def name(self, stem: str, end: str, k: int, count: int) -> str:
        """Return the array's name, whatever the tile."""
        del k, count
        return stem + end + zarr_io.SUFFIX

    def prepare(
        self, folder: Path, names: Sequence[str], shape: tuple[int, ...], dtype: str
    ) -> None:
        """Make the array."""
        path = folder / names[0]
        _make(path.parent)
        if path.exists():
            return
        temporary, whole = temp_path(path), (len(names), *shape)
        try:
            zarr_io.create_array(temporary, whole, dtype, (1, *shape))
            replace_path(temporary, path)
        except OSError as error:
            raise TilingError(
                f"cannot write {path}: {os_error_reason(error)}"
            ) from error

    def write(
        self, folder: Path, names: Sequence[str], first: int, tiles: Array
    ) -> None:
        """Write a part of the array."""
        path = folder / names[0]
        try:
            zarr_io.open_array(path)[first : first + len(tiles)] = tiles
        except ImportError:
            raise
        except Exception as error:  # each kind of store has its own
            zarr_io.wait_pending_writes()
            raise TilingError(
                f"cannot write {path}: {os_error_reason(error)}"
            ) from error

    def read(
        self,
        folder: Path,
        names: Sequence[str],
        first: int,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
    ) -> Array:
        """Read a part of the array."""
        path = safe_join(folder, names[0])
        try:
            array = zarr_io.open_array(path)
            tiles = np.asarray(array[first : first + len(names)])
        except ImportError:
            raise
        except Exception as error:  # each kind of damage has its own
            raise TilingError(
                f"cannot read {path}: {os_error_reason(error)}"
            ) from error
        if tiles.shape != (len(names), *shape) or tiles.dtype.name != dtype.name:
            raise _altered(path, tiles, (len(names), *shape), dtype)
        return tiles


STORAGES: dict[str, TileStorage] = {
    "png": FilePerTile(".png"),
    "tiff": FilePerTile(".tif"),
    "npy": FilePerTile(".npy"),
    "zarr": ZarrPerImage(),
}
"""The formats of tiles."""

FORMATS = {"png": ".png", "tiff": ".tif", "npy": ".npy", "zarr": zarr_io.SUFFIX}
"""The suffixes of whole images in the formats of tiles."""


def storage_for(name: str) -> TileStorage:
    """Return the container that reads what has this name: files of any image format."""
    return STORAGES["zarr" if name.endswith(zarr_io.SUFFIX) else "npy"]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TilingError(f"cannot make {folder}: {os_error_reason(error)}") from error


def _checked(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Read a tile and check that it is what the manifest says."""
    tile = read_image(path)
    if (*tile.shape, 1) == shape:  # PNG and TIFF drop a single channel
        tile = tile[..., np.newaxis]
    if dtype.kind == "b" and tile.dtype == np.uint8:  # they hold it as 0 and 255
        tile = tile != 0
    if tile.shape != shape or tile.dtype.name != dtype.name:
        raise _altered(path, tile, shape, dtype)
    return tile


def _altered(
    path: Path, found: Array, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> TilingError:
    return TilingError(
        f"{path} is {found.dtype} {found.shape}, the manifest says {dtype} {shape}: "
        "it was altered; cut the image anew"
    )
