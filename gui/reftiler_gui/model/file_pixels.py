"""Pixels of a large file, read when they are asked for.

A file that is mapped into memory ends the process with SIGBUS once somebody cuts it
short, as ``np.save`` over it does. What is read here is an error instead.
"""

from __future__ import annotations

import mmap
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from reftiler.errors import TilingError
from reftiler_gui.model.array_types import Array


class FilePixels:
    """A picture in a file, read when indexed; TilingError once the file is shorter."""

    def __init__(self, array: Array, file: np.memmap[Any, Any]) -> None:
        self.shape: tuple[int, ...] = array.shape
        self.dtype, self.ndim = array.dtype, array.ndim
        self.size, self.nbytes = array.size, array.nbytes
        self.path = Path(os.fspath(file.filename or ""))
        self._start = file.offset + _address(array) - _address(file)
        self._file = self.path.open("rb", buffering=0)
        self._lock = threading.Lock()
        self._channels: list[FilePixels] = []
        if not array.flags.c_contiguous:  # channels lie one after the other
            planes = np.moveaxis(array, -1, 0)
            self._channels = [FilePixels(plane, file) for plane in planes]

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any, /) -> Array:
        """Return pixels as an ndarray does."""
        given = (*np.index_exp[index], slice(None), slice(None))
        asked, spans = list[Any](), list[range]()
        for part, length in zip(given, self.shape[:2], strict=False):
            whole = range(length)
            spans.append(whole[part] if isinstance(part, slice) else whole[part:][:1])
            asked.append(slice(None) if isinstance(part, slice) else 0)
        return np.asarray(self._read(*spans)[(*asked, *given[2 : self.ndim])])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _read(self, rows: range, columns: range) -> Array:
        if self._channels:
            down, across = (slice(s.start, s.stop, s.step) for s in (rows, columns))
            return np.stack([one[down, across] for one in self._channels], axis=-1)
        width, item = self.shape[1], self.nbytes // (self.shape[0] * self.shape[1])
        low, high = (columns[0], columns[-1] + 1) if columns else (0, 0)
        found = np.empty((len(rows), high - low, *self.shape[2:]), self.dtype)
        if (high - low, rows.step) == (width, 1):
            self._fill(found, rows.start * width * item)
        else:
            for line, row in zip(found, rows, strict=True):
                self._fill(line, (row * width + low) * item)
        return found[:, :: columns.step]

    def _fill(self, part: Array, start: int) -> None:
        """Read contiguous pixels, which begin so many bytes behind the first."""
        rest = part.reshape(-1).view(np.uint8)
        with self._lock:
            self._file.seek(self._start + start)
            while rest.size:
                count = self._file.readinto(rest.data)
                if not count:
                    raise TilingError(
                        f"{self.path} has become shorter since it was opened: press F5 "
                        "to read it again"
                    )
                rest = rest[count:]


def mapped_file(array: Array) -> np.memmap[Any, Any] | None:
    """Return the mapped file that an array is a view of."""
    base: Any = array
    while base is not None and not isinstance(base, mmap.mmap):
        array, base = base, getattr(base, "base", None)
    return array if isinstance(array, np.memmap) and base is not None else None


def without_mapping(array: Array) -> Any:
    """Return `FilePixels` for a view of a mapped file, or a copy if it cannot be."""
    file = mapped_file(array)
    if file is None:
        return array
    plane = array if array.ndim == 2 else array[..., 0]
    rows = array.flags.c_contiguous or plane.flags.c_contiguous
    return FilePixels(array, file) if rows else array.copy()


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])
