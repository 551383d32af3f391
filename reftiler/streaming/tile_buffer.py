"""Tiles that wait: in memory up to a limit, then in a file of slots."""

import math
import os
import tempfile
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from reftiler.errors import TilingError
from reftiler.streaming.arrays import ArrayLibrary
from reftiler.streaming.checkpoint import Checkpoint
from reftiler.streaming.stores import reraise

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None

REMEDY = "make room there, give a checkpoint= elsewhere, or max_memory=None"
Slots = dict[int, tuple[int, int]]
"""For each tile in the file its slot and the checksum of its bytes."""


class TileBuffer:
    """Copies of tiles by their index: so many in memory, the others in a file.

    Freed slots are used again, so the file grows with what waits, not with what
    passed; but those to which the state on the disk refers, not before another state
    has replaced that one. Without a checkpoint the file is temporary, and made when it
    is needed; with one it has the tiles of ``slots``, which are checked.
    """

    def __init__(
        self,
        arrays: ArrayLibrary,
        shape: tuple[int, ...],
        dtype: Any,
        room: int | None,
        checkpoint: Checkpoint | None,
        part: str,
        slots: Slots,
    ) -> None:
        self._arrays, self._shape, self._dtype = arrays, shape, dtype
        self._size = dtype.itemsize * math.prod(shape)
        self._room = room
        self._held: dict[int, Any] = {}
        self._spare: list[Any] = []
        self._slots = slots
        self._saved = {slot for slot, _ in slots.values()}
        self._end = max(self._saved, default=-1) + 1
        self._free = [slot for slot in range(self._end) if slot not in self._saved]
        self._checkpoint = checkpoint
        self._path = Path(tempfile.gettempdir())
        self._file: BinaryIO | None = None
        if checkpoint is not None:
            self._path = checkpoint.file(part)
            self._file = self._open(checkpoint)

    def _open(self, checkpoint: Checkpoint) -> BinaryIO:
        path = self._path
        with reraise(f"cannot keep tiles in {path}", REMEDY):
            file = path.open("r+b" if path.exists() else "x+b", buffering=0)
        try:
            self._check(file, checkpoint)
        except BaseException:
            file.close()
            raise
        return file

    def _check(self, file: BinaryIO, checkpoint: Checkpoint) -> None:
        """Refuse a file that another process has, or that is not as it was saved."""
        path = self._path
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TilingError(
                f"{path} is in use by another merger: give each its own checkpoint=, "
                "or end the other"
            ) from error
        if os.fstat(file.fileno()).st_size < self._end * self._size:
            raise checkpoint.damaged(path, "it lacks tiles that it had")
        for index, (slot, checksum) in self._slots.items():
            if zlib.crc32(self._map(file, slot)) != checksum:
                raise checkpoint.damaged(path, f"tile {index} differs")

    def __getitem__(self, index: int) -> Any:
        """Return a tile; one in the file is mapped, not read."""
        if index in self._held:
            return self._held[index]
        data = self._map(self._file, self._slots[index][0])
        return self._arrays.from_bytes(data, self._shape, self._dtype)

    def _map(self, file: Any, slot: int) -> Any:
        # Copy-on-write, as torch takes no read-only memory.
        return np.memmap(file, np.uint8, "c", slot * self._size, (self._size,))

    def put(self, index: int, tile: Any) -> None:
        """Keep a copy of a tile; if the disk refuses, what was kept before is whole."""
        self.drop(index)  # it is here if adding it was interrupted
        if self._room is None or len(self._held) < self._room:
            # Memory is used again: fresh pages are slow.
            spare = self._spare.pop() if self._spare else None
            if spare is None:
                spare = self._arrays.new(self._shape, self._dtype)
            self._arrays.copy(spare, tile)
            self._held[index] = spare
        else:
            self._write(index, tile)

    def _write(self, index: int, tile: Any) -> None:
        slot = self._free[-1] if self._free else self._end
        data = self._arrays.to_bytes(tile)
        with reraise(
            f"cannot keep tile {index} in {self._path}",
            "give a checkpoint= on another disk, more max_memory, or tiles nearer to "
            "order",
        ):
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="reftiler-", buffering=0)  # noqa: SIM115
            self._file.seek(slot * self._size)
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        if self._free:
            self._free.pop()
        self._end = max(self._end, slot + 1)
        checksum = 0 if self._checkpoint is None else zlib.crc32(data)
        self._slots[index] = slot, checksum

    def drop(self, index: int) -> None:
        """Forget a tile."""
        if index in self._held:
            self._spare.append(self._held.pop(index))
        slot, _ = self._slots.pop(index, (None, 0))
        if slot is not None and slot not in self._saved:
            self._free.append(slot)

    def flush(self) -> Slots:
        """Put all tiles on the disk, where they stay until `release`; return where."""
        for index in self._held.keys() - self._slots.keys():
            self._write(index, self._held[index])
        assert self._file is not None
        with reraise(f"cannot keep tiles in {self._path}", REMEDY):
            os.fsync(self._file.fileno())
        self._saved |= {slot for slot, _ in self._slots.values()}
        return dict(self._slots)

    def release(self) -> None:
        """Free the slots that the state on disk, which was just written, lacks."""
        current = {slot for slot, _ in self._slots.values()}
        freed, self._saved = self._saved - current, current
        self._free += freed

    def close(self) -> None:
        """Forget all tiles and close the file; one without a checkpoint is gone."""
        self._held.clear()
        self._spare.clear()
        if self._file is not None:
            self._file.close()
