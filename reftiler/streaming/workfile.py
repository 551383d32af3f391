"""A file that keeps tiles which must wait: slots of one size, used again when free."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from reftiler.cut import Array
from reftiler.errors import TilingError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows knows no such locks
    fcntl = None

__all__ = ["WorkFile", "told"]


class WorkFile:
    """
    Tiles in a file, each in a slot.

    Parameters
    ----------
    path : Path
        The file; made if there is none.
    shape, dtype
        Those of every tile.
    slots : dict of int to int, optional
        Which slots hold which tiles, if the file has some already.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        slots: dict[int, int] | None = None,
    ) -> None:
        self.path, self.shape, self.dtype = path, shape, dtype
        self.size = dtype.itemsize * int(np.prod(shape))
        self.slots = dict(slots or {})
        with told(path):
            self._file = path.open("r+b" if path.exists() else "x+b", buffering=0)
        used = set(self.slots.values())
        self._end = max(used, default=-1) + 1
        try:
            self._check()
        except BaseException:
            self._file.close()
            raise
        self._free = [slot for slot in range(self._end) if slot not in used]
        self._retired: list[int] = []

    def _check(self) -> None:
        """Refuse a file that another process has, or that lacks tiles."""
        if fcntl is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise TilingError(
                    f"{self.path} is in use by another merger: give each its own work "
                    "folder, or end the other"
                ) from error
        if os.fstat(self._file.fileno()).st_size < self._end * self.size:
            raise TilingError(
                f"{self.path} lacks tiles that it had: delete its folder to begin anew"
            )

    def __contains__(self, number: int) -> bool:
        return number in self.slots

    def __getitem__(self, number: int) -> Array:
        """Return a tile, in the file's own memory."""
        offset = self.slots[number] * self.size
        return np.memmap(self._file, self.dtype, "r", offset, self.shape)

    def __setitem__(self, number: int, tile: Array) -> None:
        """
        Write a tile.

        Raises
        ------
        TilingError
            If the disk refuses; what was written before stays whole.
        """
        slot = self._free.pop() if self._free else self._end
        try:
            self._file.seek(slot * self.size)
            flat: Any = np.ascontiguousarray(tile).reshape(-1).view(np.uint8)
            rest = memoryview(flat)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            if slot != self._end:
                self._free.append(slot)
            raise TilingError(
                f"cannot keep tile {number} in {self.path}: {error.strerror}; give a "
                "work folder on another disk, more memory, or tiles nearer to order"
            ) from error
        self._end = max(self._end, slot + 1)
        self.slots[number] = slot

    def drop(self, number: int) -> None:
        """Forget a tile; its slot is used again after the next `settle`."""
        self._retired.append(self.slots.pop(number))

    def settle(self) -> None:
        """Let the slots of forgotten tiles be used again."""
        self._free += self._retired
        self._retired.clear()

    def sync(self) -> None:
        """
        Wait until everything is on the disk.

        Raises
        ------
        TilingError
            If the disk refuses.
        """
        with told(self.path):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def told(path: object) -> Iterator[None]:
    """Say where a disk refuses to keep tiles, and what can be done."""
    try:
        yield
    except OSError as error:
        raise TilingError(
            f"cannot keep tiles in {path}: {error.strerror}; make room there, give a "
            "work folder elsewhere, or memory=None"
        ) from error
