"""How tiles lie in a folder: a file for each, or a zarr array for those of an image."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from reftiler.atomic import replace_path, temp_path
from reftiler.errors import TilingError
from reftiler.io import write_image, zarr_io
from reftiler.io.info import ReadOptions
from reftiler.io.lazy import os_error_reason
from reftiler.io.metadata import Metadata
from reftiler.io.npy import read_header
from reftiler.io.png import SIGNATURE, open_png
from reftiler.io.zarr_metadata import SUFFIX as ZARR

_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"

Array = NDArray[Any]


class FilePerTile:
    """A file for each tile, which gets its name when it is whole."""

    def prepare(
        self, folder: Path, names: Sequence[str], shape: tuple[int, ...], dtype: str
    ) -> None:
        """Make the files' folders; elsewhere the array, of this shape and dtype."""
        del shape, dtype
        for inner in {os.path.dirname(name) for name in names}:  # noqa: PTH120 - fast
            _make(folder / inner)

    def missing(self, folder: Path, names: Sequence[str], first: int) -> list[int]:
        """Return which tiles are not there as a whole, counted from 0."""
        del first
        return [k for k, name in enumerate(names) if not _is_whole(folder / name)]

    def write(
        self,
        folder: Path,
        names: Sequence[str],
        first: int,
        tiles: Array,
        metadata: Sequence[Metadata],
        *,
        alpha: bool = False,
    ) -> None:
        """Write neighbouring tiles of an image; ``first`` of its lie before them."""
        del first
        for name, tile, one in zip(names, tiles, metadata, strict=True):
            write_image(folder / name, tile, one, alpha=alpha)


class ZarrPerImage:
    """A zarr array for the tiles of an image, a chunk for each."""

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
            raise _cannot_write(path, error) from error

    def missing(self, folder: Path, names: Sequence[str], first: int) -> list[int]:
        """Look for the files of the chunks; where one lacks, all are written."""
        rows = range(first, first + len(names))
        try:
            lacking = zarr_io.missing_chunks(folder / names[0], rows)
        except (OSError, ValueError) as error:
            raise _cannot_write(folder / names[0], error) from error
        return list(range(len(names))) if lacking else []

    def write(
        self,
        folder: Path,
        names: Sequence[str],
        first: int,
        tiles: Array,
        metadata: Sequence[Metadata],
        *,
        alpha: bool = False,
    ) -> None:
        """Write a part of the array."""
        del metadata, alpha  # they belong to the image, and stand in the manifest
        path = folder / names[0]
        try:
            zarr_io.open_array(path)[first : first + len(tiles)] = tiles
        except ImportError:
            raise
        except Exception as error:  # each kind of store has its own
            zarr_io.wait_pending_writes()
            raise _cannot_write(path, error) from error


STORAGES: dict[str, FilePerTile | ZarrPerImage] = {
    **dict.fromkeys(("png", "tiff", "npy"), FilePerTile()),
    "zarr": ZarrPerImage(),
}
"""The formats of tiles."""

FORMATS = {"png": ".png", "tiff": ".tif", "npy": ".npy", "zarr": ZARR}
"""The suffixes of tiles, and of whole images, in the formats of tiles."""


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TilingError(f"cannot make {folder}: {os_error_reason(error)}") from error


def _cannot_write(path: Path, error: Exception) -> TilingError:
    return TilingError(f"cannot write {path}: {os_error_reason(error)}")


def _is_whole(path: Path) -> bool:
    """Tell whether a tile's file is there and was not torn by a loss of power."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe or a device never answers
            return False
        if path.suffix == ".png":
            data = path.read_bytes()
            open_png(data, ReadOptions())  # reads all chunks, and decodes no pixel
            return data.startswith(SIGNATURE) and data.endswith(_PNG_END)
        with path.open("rb") as file:
            if path.suffix == ".npy":
                header = read_header(file)
                return found.st_size == file.tell() + header.size
            return _is_whole_tiff(file, found.st_size)
    except (OSError, ValueError):
        return False


def _is_whole_tiff(file: Any, size: int) -> bool:
    import tifffile  # noqa: PLC0415 - slow, and few tiles are TIFFs

    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        ends = map(sum, zip(page.dataoffsets, page.databytecounts, strict=True))
        return max(ends, default=size + 1) <= size
