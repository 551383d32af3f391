"""The tiles of one image as a sequence of arrays, in files or in one array."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reftiler.errors import TilingError
from reftiler.io import open_mask, read_image
from reftiler.io.lazy import os_error_reason
from reftiler.io.zarr_io import missing_chunks, open_array
from reftiler.io.zarr_metadata import SUFFIX as ZARR

Array = NDArray[Any]


@dataclass(frozen=True)
class TileForm:
    """What all tiles have in common."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    channels_first: bool = False  # files hold (C, h, w)

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """The shape in files."""
        if self.channels_first:
            return (self.shape[-1], *self.shape[:-1])
        return self.shape


@dataclass(frozen=True)
class FormSource:
    """What says which form tiles have, and what to do about another, for messages."""

    says: str
    remedy: str


class TileArrays(Protocol):
    """The tiles of one image, in ascending order."""

    @property
    def form(self) -> TileForm:
        """What they have in common."""
        ...

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def read(self, first: int, count: int) -> Array:
        """Return some tiles, shape (count, h, w) or (count, h, w, C)."""
        ...


@dataclass(frozen=True)
class TileFiles:
    """A file for each tile."""

    paths: Sequence[Path | None]  # None: all zeros, without a file
    form: TileForm
    source: "FormSource"

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, first: int, count: int) -> Array:
        """Read some files."""
        paths = self.paths[first : first + count]
        tiles = np.zeros((len(paths), *self.form.shape), self.form.dtype)
        for k, path in enumerate(paths):
            if path is not None:
                tile = self._load(first + k, path)
                if not stores(self.form, tile.shape, tile.dtype):
                    raise mismatch(path, tile, self.form, self.source)
                tiles[k] = _arranged(tile[np.newaxis], self.form)[0]
        return tiles

    def _load(self, k: int, path: Path) -> Array:
        del k
        return load(path)


@dataclass(frozen=True)
class LabelFiles(TileFiles):
    """A file for each tile of a mask: the numbers, of palettes the indices."""

    def _load(self, k: int, path: Path) -> Array:
        del k
        tile = load(path)
        if stores(self.form, tile.shape, tile.dtype):
            return tile
        return np.asarray(open_mask(path).labels[...])


@dataclass(frozen=True)
class ArrayOfTiles:
    """One array of all tiles, ``(K, …)``, in npy or zarr."""

    path: Path
    count: int
    form: TileForm
    source: "FormSource"
    # Whether each tile has a chunk of its own, as ours have: a missing one was lost.
    # Elsewhere zeros need not be written.
    whole: bool = False

    def __len__(self) -> int:
        return self.count

    @cached_property
    def _array(self) -> Any:
        """The array, of the right form and with all of its chunks."""
        array = open_tiles(self.path)
        rows = TileForm((self.count, *self.form.stored_shape), self.form.dtype)
        if not stores(rows, tuple(array.shape), np.dtype(array.dtype)):
            raise mismatch(self.path, array, rows, self.source)
        if self.path.suffix.lower() == ZARR and self.whole:
            missing = missing_chunks(self.path, range(self.count))
            if missing:
                some = ", ".join(map(str, missing[:5]))
                more = ", …" if len(missing) > 5 else ""
                raise TilingError(
                    f"{self.path} lacks the chunks of {len(missing):,} of its "
                    f"{self.count:,} tiles ({some}{more}): write them anew"
                )
        return array

    def read(self, first: int, count: int) -> Array:
        """Read a part of the array."""
        try:
            tiles = np.asarray(self._array[first : first + count])
        except (ImportError, TilingError):
            raise
        except Exception as error:  # each kind of damage has its own
            raise TilingError(
                f"cannot read {self.path}: {os_error_reason(error)}"
            ) from error
        return _arranged(tiles, self.form)


def _arranged(tiles: Array, form: TileForm) -> Array:
    """Bring tiles as files hold them into their form."""
    if form.dtype.kind == "b":
        tiles = tiles != 0
    tiles = tiles.reshape(len(tiles), *form.stored_shape)
    return np.moveaxis(tiles, 1, -1) if form.channels_first else tiles


def is_array(path: Path) -> bool:
    """Tell whether a file holds a bare array, whose axes have no names."""
    return path.suffix.lower() in (".npy", ZARR)


def load(path: Path) -> Array:
    """Read a tile as it is stored: images with channels last, arrays of any rank."""
    if is_array(path):
        return np.asarray(open_tiles(path)[...])
    return read_image(path)


def open_tiles(path: Path) -> Any:
    """Open an array of any rank in npy or zarr, to be read by slices."""
    try:
        array = open_array(path) if path.suffix.lower() == ZARR else _mapped(path)
        dtype = np.dtype(array.dtype)
    except ImportError:
        raise
    except Exception as error:  # each kind of damage has its own
        raise TilingError(f"cannot read {path}: {os_error_reason(error)}") from error
    if dtype.kind not in "biuf":
        raise TilingError(f"{path} holds {dtype}, and tiles are real numbers")
    return array


def _mapped(path: Path) -> Any:
    """Map a file: nothing is allocated for what a header claims."""
    if path.exists() and not path.is_file():  # a pipe or a device never answers
        raise ValueError("not a regular file")
    return np.load(path, mmap_mode="r", allow_pickle=False)


def form_of(path: Path, *, rows: bool = False) -> TileForm:
    """Return the form of a file's tile, or of an array's rows, as it is stored."""
    array = open_tiles(path) if is_array(path) else read_image(path)
    shape = tuple(map(int, array.shape))
    return TileForm(shape[1:] if rows else shape, np.dtype(array.dtype))


def palette_of(path: Path) -> bytes | None:
    """Return the palette of a file whose pixels are indices, None for others."""
    try:
        return None if is_array(path) else open_mask(path).labels.info.metadata.palette
    except TilingError:  # it is no mask
        return None


def stores(form: TileForm, shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Tell whether a file of this shape and dtype can hold a tile of a form.

    PNG and TIFF drop a single channel, and hold bool as 0 and 255.
    """
    same_shape = form.stored_shape in (shape, (*shape, 1))
    same_dtype = dtype.name == form.dtype.name
    return same_shape and (same_dtype or (form.dtype.kind, dtype.name) == _BOOL_BYTES)


_BOOL_BYTES = ("b", "uint8")


def mismatch(path: Path, found: Any, form: TileForm, source: FormSource) -> TilingError:
    """Return the error for a file that holds something else than a form."""
    return TilingError(
        f"{path} is {np.dtype(found.dtype).name} {tuple(found.shape)}, {source.says} "
        f"{form.dtype.name} {form.stored_shape}: {source.remedy}"
    )
